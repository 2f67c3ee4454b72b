"""What other systems did not take: an administrator sends it again, or gives it up and says why."""

from __future__ import annotations

import html
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from balie.hooks import queue
from balie.record.events import TYPES
from balie.store.schema import audit, hook_delivery
from tests.support.desk import Clerk, DeskSite, die
from web.desk import hooks

PLACE = "/balie/koppelingen"


@pytest_asyncio.fixture
async def mia(bart: Clerk) -> Clerk:
    """The administrator."""
    await bart.sign_in("mia")
    return bart


async def states(desk: DeskSite) -> list[str]:
    query = select(hook_delivery.c.state).order_by(hook_delivery.c.id)
    return await desk.store.read(lambda tx: list(tx.scalars(query)))


async def trail(desk: DeskSite) -> list[tuple[str, str, Any]]:
    query = select(audit.c.actor, audit.c.action, audit.c.detail).where(audit.c.action.startswith("hook."))
    return [tuple(row) for row in await desk.store.read(lambda tx: tx.execute(query.order_by(audit.c.id)).all())]


async def test_only_an_administrator_comes_here(desk: DeskSite, bart: Clerk) -> None:
    (one,) = await die(desk, "500")
    await bart.get(PLACE, 403)
    await bart.send(PLACE, 403, doel="crm")
    await bart.send(f"{PLACE}/{one}", 403, doe="opnieuw")
    assert "/balie/koppelingen" not in await bart.get("/balie")
    assert await states(desk) == ["dead"] and await trail(desk) == []


async def test_nothing_to_do(mia: Clerk) -> None:
    assert "Alles is aangekomen" in await mia.get(PLACE)
    assert "Er is niets overgeslagen" in await mia.get(f"{PLACE}?toon=overgeslagen")


async def test_what_did_not_arrive_is_shown_with_its_reason(desk: DeskSite, mia: Clerk) -> None:
    errors = (
        "500",
        "no answer in 10 s",
        "ClientConnectorError: <b>nobody</b>",
        "302: redirects are not followed",
        "410",
    )
    await die(desk, *errors)
    page = html.unescape(await mia.get(PLACE))
    for part in (
        "Het andere systeem weigerde het, met code 500.",
        "Het andere systeem antwoordde niet op tijd.",
        "We kregen geen verbinding met het andere systeem.",
        "verwijst naar een ander adres",
        "wil deze berichten niet meer krijgen",
        "12 keer geprobeerd, het laatst maandag 7 december 2026",
        "Afspraak geboekt",
        "5 niet aangekomen",
    ):
        assert part in page, part
    assert "<b>nobody</b>" not in await mia.get(PLACE)
    assert '<span class="count">5' in await mia.get("/balie")


async def test_one_goes_again(desk: DeskSite, mia: Clerk) -> None:
    one, _other = await die(desk, "500", "500")
    assert await mia.send(f"{PLACE}/{one}", doe="opnieuw") == f"{PLACE}?gedaan=koppeling"
    assert await states(desk) == ["pending", "dead"]
    about = {"target": "crm", "type": "be.balie.appointment.booked", "delivery": one}
    assert await trail(desk) == [(f"staff:{desk.admin}", "hook.replayed", about)]
    page = await mia.send(f"{PLACE}/{one}", 422, doe="opnieuw")
    assert "al verzonden of overgeslagen" in page and 'href="#koppelingen"' in page


async def test_all_of_a_system_go_again(desk: DeskSite, mia: Clerk) -> None:
    await die(desk, "500", "500", "500")
    assert await mia.send(PLACE, doel="crm") == f"{PLACE}?gedaan=koppeling-alles"
    assert await states(desk) == ["pending"] * 3
    await mia.send(PLACE, doel="crm")
    assert await trail(desk) == [(f"staff:{desk.admin}", "hook.replayed_all", {"number": 3})]


async def test_one_is_skipped_with_a_reason_only(desk: DeskSite, mia: Clerk) -> None:
    (one,) = await die(desk, "500")
    for reason in ("", "  ", "x" * 201, "a\nb"):
        page = await mia.send(f"{PLACE}/{one}", 422, doe="sla-over", **{f"reden_{one}": reason})
        assert f'href="#reden-{one}"' in page and f'id="reden-{one}"' in page
    assert await states(desk) == ["dead"]
    await mia.send(f"{PLACE}/{one}", doe="sla-over", **{f"reden_{one}": "Met de hand <ingevoerd>."})
    assert await states(desk) == ["done"]
    (entry,) = await trail(desk)
    assert entry[1] == "hook.skipped" and "ingevoerd" not in str(entry), "what somebody types may name a citizen"
    assert "Met de hand &lt;ingevoerd&gt;." in await mia.get(f"{PLACE}?toon=overgeslagen")
    assert "Alles is aangekomen" in await mia.get(PLACE)


async def test_the_story_of_the_appointment_tells_it(desk: DeskSite, mia: Clerk) -> None:
    (one,) = await die(desk, "500")
    await mia.send(f"{PLACE}/{one}", doe="opnieuw")
    found = await desk.store.read(lambda tx: tx.execute(select(hook_delivery.c.subject)).scalar_one())
    page = await mia.get(f"/balie/afspraak/{found.partition('/')[2]}")
    assert "Koppeling: opnieuw verzonden" in page and "Mia Janssens" in page


async def test_a_system_that_is_no_longer_configured(desk: DeskSite, mia: Clerk) -> None:
    """Sent again it would never leave, and nobody would see it any more."""
    one, other = await die(desk, "500", "500", name="vroeger")
    page = await mia.get(PLACE)
    assert "staat niet meer in de configuratie" in page and "Verzend" not in page
    assert "overslaan wel" in await mia.send(PLACE, 422, doel="vroeger")
    assert "overslaan wel" in await mia.send(f"{PLACE}/{one}", 422, doe="opnieuw")
    assert await states(desk) == ["dead", "dead"]
    await mia.send(f"{PLACE}/{other}", doe="sla-over", **{f"reden_{other}": "Dat systeem is weg."})
    assert await states(desk) == ["dead", "done"]


@pytest.mark.parametrize("form", [{}, {"doe": "alles"}, {"doe": ["sla-over", "weg"]}])
async def test_a_form_that_asks_for_nothing(desk: DeskSite, mia: Clerk, form: dict[str, Any]) -> None:
    (one,) = await die(desk, "500")
    await mia.send(f"{PLACE}/{one}", 422, **form)
    await mia.send(f"{PLACE}/999999999999999", 422, doe="opnieuw")
    await mia.send(PLACE, 422, doel="elders")
    assert await states(desk) == ["dead"] and await trail(desk) == []


async def test_a_long_list_shows_the_oldest(desk: DeskSite, mia: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "SHOWN_MAX", 2)
    await die(desk, "500", "500", "500")
    page = await mia.get(PLACE)
    assert "3 niet aangekomen" in page and "Dit zijn de 2 oudste." in page
    assert page.count('class="task"') == 2
    assert len(await desk.store.read(queue.undelivered)) == 3


def test_every_type_of_event_has_words() -> None:
    told = [hooks.event_words(each) for each in TYPES]
    assert len(set(told)) == len(TYPES) and not set(told) & set(TYPES)
