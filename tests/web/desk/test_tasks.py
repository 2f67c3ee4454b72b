"""/balie/taken: one list for everything, by kind and by service, and nothing in it that is not one's own."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from pytest_aiohttp.plugin import AiohttpClient
from sqlalchemy import delete, insert, select, update

from balie.booking import reading
from balie.booking.appointments import Booked
from balie.record import tasks
from balie.staff import accounts
from balie.store.engine import Tx
from balie.store.schema import appointment, inbound_message, service, task
from balie.visit import call_request
from tests.support.desk import Clerk, DeskSite, fail_message, receive
from tests.support.html import faults
from tests.support.office import unix_s
from web.desk.tasks import KINDS

PLACE = "/balie/taken"
LATE = "2026-12-09T10:30"


async def everything(desk: DeskSite, booked: Booked) -> dict[str, int]:
    """A task of each kind about an appointment, by kind."""
    found = await desk.store.read(reading.by_ref, booked.ref)
    await fail_message(desk, booked)
    await receive(desk, booked)
    await desk.store.write(call_request.ask, desk.now_s, desk.entropy.randbytes, found.people[0].id)

    def ask(tx: Tx) -> dict[str, int]:
        for kind, number, reason in (
            ("payment", 900, "charged_back"),  # which was erased: no card but a general one
            ("reservation", 901, "confirm_waits"),
            ("document", 902, "infected"),
        ):
            tasks.ask(tx, desk.now_s, kind, number, reason, found.id)
        return {each.kind: each.id for each in tasks.of_appointment(tx, found.id)}

    return await desk.store.write(ask)


async def another_service(desk: DeskSite, booked: Booked) -> int:
    """An appointment is of another service from now on, which is not Bart's."""

    def write(tx: Tx) -> int:
        values = {"organisation_id": desk.office.organisation, "slug": "elders", "names": {"nl": "Burgerzaken"}}
        key = tx.execute(insert(service).values(**values)).inserted_primary_key
        assert key is not None
        which = appointment.c.id == booked.appointment_id
        tx.execute(update(appointment).where(which).values(service_id=key[0]))
        return int(key[0])

    return await desk.store.write(write)


def shown(page: str) -> list[int]:
    """Tasks of a page, in its order."""
    return [int(each) for each in re.findall(r'<article class="task" id="taak-(\d+)"', page)]


async def test_all_kinds_stand_in_one_list_and_in_the_menu(desk: DeskSite, bart: Clerk, tmp_path: Path) -> None:
    made = await everything(desk, await desk.book())
    page = html.unescape(await bart.get(PLACE))
    assert shown(page)[0] == made["call"] and set(shown(page)) == set(made.values())
    for said in (
        "vraagt om gebeld te worden",
        "Dit e-mailadres bestaat niet",
        "Mag mijn zoon ook meekomen?",
        "is intussen gewist",
        "Het reservatiesysteem antwoordt niet",
        "zat een virus",
        "Alles (6)",
        "Betalingen (1)",
    ):
        assert said in page, said
    assert re.search(r'Taken <span class="count">6<', page) and "6 taken wachten" in await bart.get("/balie")
    pages = {"open": await bart.get(PLACE), "one": await bart.get(f"{PLACE}?soort=bellen")}
    pages["wrong"] = await bart.send(f"{PLACE}/{made['document']}?soort=documenten", 422, doe="sluit")
    await bart.send(f"{PLACE}/{made['document']}", doe="sluit", **{f"sluit_{made['document']}": "Gebeld."})
    pages["ended"] = await bart.get(f"{PLACE}?toon=afgehandeld")
    assert not faults(pages, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_alone(desk: DeskSite, bart: Clerk, kind: str) -> None:
    made = await everything(desk, await desk.book())
    page = await bart.get(f"{PLACE}?soort={KINDS[kind].slug}")
    assert shown(page) == [made[kind]]
    assert f'<option value="{KINDS[kind].slug}" selected>' in page


async def test_what_is_no_kind_or_no_service_of_his_shows_all_of_his(desk: DeskSite, bart: Clerk) -> None:
    made = await everything(desk, await desk.book())
    other = await another_service(desk, await desk.book(LATE))
    for asked in ("soort=<b>", f"dienst={other}", "dienst=x", f"dienst={other}&soort=alles", "toon=x", "dienst=9e9"):
        assert set(shown(await bart.get(f"{PLACE}?{asked}"))) == set(made.values()), asked


async def test_a_service_alone_for_who_has_more(desk: DeskSite, bart: Clerk, aiohttp_client: AiohttpClient) -> None:
    mine, theirs = await desk.book(), await desk.book(LATE)
    first, second = await fail_message(desk, mine), await fail_message(desk, theirs)
    loose = await receive(desk, None)
    other = await another_service(desk, theirs)
    assert "Burgerzaken" not in await bart.get(PLACE) and second not in shown(await bart.get(PLACE))
    both = [desk.office.service, other]
    await desk.store.write(accounts.set_roles, desk.now_s, desk.office.bart, ["counter"], both, "system")
    page = await bart.get(PLACE)
    assert {first, second} < set(shown(page)) and "Burgerzaken" in page
    (letter,) = await desk.store.read(
        lambda tx: tx.scalars(select(task.c.id).where(task.c.object_id == loose, task.c.kind == "reply")).all()
    )
    page = await bart.get(f"{PLACE}?dienst={other}")
    assert set(shown(page)) == {second, letter}, "a letter of no service yet is everybody's"
    assert f'<option value="{other}" selected>' in page and "Alles (2)" in page


async def test_after_a_task_the_list_is_as_it_was_filtered(desk: DeskSite, bart: Clerk) -> None:
    made = await everything(desk, await desk.book())
    where = f"{PLACE}?soort=berichten"
    page = await bart.get(where)
    assert f'action="{PLACE}/{made["message"]}?soort=berichten"' in page
    wrong = await bart.send(f"{PLACE}/{made['message']}?soort=berichten", 422, doe="gebeld")
    assert shown(wrong) == [made["message"]] and "Schrijf hoe het afliep" in wrong
    gone = await bart.send(f"{PLACE}/{made['message']}?soort=berichten", doe="opnieuw")
    assert gone == f"{where}&gedaan=opnieuw"
    assert shown(await bart.get(gone)) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_can_be_done_with_a_task_of_another_service(desk: DeskSite, bart: Clerk, kind: str) -> None:
    booked = await desk.book()
    made = await everything(desk, booked)
    await another_service(desk, booked)
    assert shown(await bart.get(PLACE)) == shown(await bart.get(f"{PLACE}?toon=afgehandeld")) == []
    for what in {name for each in KINDS.values() for name in each.fields}:
        words = {f"{stem}_{made[kind]}": "Ja." for stem in ("sluit", "gebeld", "niet_terugbetalen", "adres")}
        page = await bart.send(f"{PLACE}/{made[kind]}", 422, doe=what, **words)
        assert "Deze taak bestaat niet meer." in page and "An Peeters" not in page
    assert (await desk.store.read(tasks.get, made[kind])).state == "open"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_does_what_is_of_its_kind_only(desk: DeskSite, bart: Clerk, kind: str) -> None:
    made = await everything(desk, await desk.book())
    others = {name for each in KINDS.values() for name in each.fields} - set(KINDS[kind].fields)
    for what in (*others, "", "alles"):
        page = await bart.send(f"{PLACE}/{made[kind]}", 422, doe=what)
        assert "Deze taak bestaat niet meer." in page
    assert (await desk.store.read(tasks.get, made[kind])).state == "open"


async def test_a_letter_is_answered_on_its_own_page_and_closed_here_when_it_was_erased(
    desk: DeskSite, bart: Clerk
) -> None:
    letter_id = await receive(desk, None)
    (found,) = await desk.store.read(tasks.listed, [desk.office.service])
    page = await bart.get(PLACE)
    assert f'href="/balie/taken/antwoorden/{letter_id}"' in page and 'value="sluit"' not in page
    words = {f"sluit_{found.id}": "Te oud."}
    assert "bestaat niet meer" in await bart.send(f"{PLACE}/{found.id}", 422, doe="sluit", **words)
    await desk.store.write(lambda tx: tx.execute(delete(inbound_message)))
    page = await bart.get(PLACE)
    assert "is intussen gewist" in page and 'value="sluit"' in page
    await bart.send(f"{PLACE}/{found.id}", doe="sluit", **words)
    assert (await desk.store.read(tasks.get, found.id)).state == "skipped"


async def test_what_does_not_fit_on_the_page_is_said(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()

    def many(tx: Tx) -> None:
        for number in range(tasks.LISTED_MAX + 3):
            tasks.ask(tx, desk.now_s, "document", number, "infected", booked.appointment_id)

    await desk.store.write(many)
    page = await bart.get(PLACE)
    assert len(shown(page)) == tasks.LISTED_MAX and "Er zijn nog 3 taken meer." in page
    assert "taken meer" not in await bart.get(f"{PLACE}?soort=bellen")


async def test_the_story_of_the_appointment_tells_it(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book(local="2026-12-08T10:30")
    made = await everything(desk, booked)
    page = await bart.get(f"/balie/afspraak/{booked.ref}")
    assert "Er staan 4 taken open over deze afspraak" in page, "the call and the letter have lines of their own"
    assert f'href="{PLACE}#taak-{made["call"]}"' in page and "Antwoord om te lezen" in page
    await bart.send(f"{PLACE}/{made['document']}", doe="sluit", **{f"sluit_{made['document']}": "Gebeld."})
    assert "Taak afgesloten" in await bart.get(f"/balie/afspraak/{booked.ref}")
    assert unix_s("2026-12-08T10:30") > desk.now_s
