"""Work that waits: messages that did not arrive, and what people wrote back."""

from __future__ import annotations

import html
from typing import Any

import pytest
from sqlalchemy import insert, select

from balie.post import inbox
from balie.record import tasks
from balie.staff import accounts
from balie.store.schema import audit, inbound_message, message, participant, service
from tests.support.desk import AN, Clerk, DeskSite, fail_message, receive
from tests.support.office import MONDAY_S

TASKS, LETTERS = "/balie/taken", "/balie/taken/antwoorden"


async def _elsewhere(desk: DeskSite) -> None:
    """Bart works for another service from now on."""

    def go(tx: Any) -> None:
        values = {"organisation_id": desk.office.organisation, "slug": "elders"}
        other = tx.execute(insert(service).values(**values)).inserted_primary_key[0]
        accounts.set_roles(tx, MONDAY_S, desk.office.bart, ["counter"], [other], "system")

    await desk.store.write(go)


async def _state(desk: DeskSite, task_id: int) -> tasks.Task:
    return await desk.store.read(tasks.get, task_id)


async def test_a_task_says_what_happened_and_to_whom(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    await fail_message(desk, booked)
    page = html.unescape(await bart.get(TASKS))
    for part in ("An Peeters", "Dit e-mailadres bestaat niet", "Bevestiging per mail", "+32 470 12 34 56", booked.ref):
        assert part in page, part
    assert "1 taak wacht" in await bart.get("/balie")


@pytest.mark.parametrize(("what", "state"), [("opnieuw", "retried"), ("sms", "channel_switched"), ("adres", "retried")])
async def test_the_message_goes_again(desk: DeskSite, bart: Clerk, what: str, state: str) -> None:
    task_id = await fail_message(desk, await desk.book())
    form = {"doe": what, f"adres_{task_id}": "an@elders.example"}
    assert await bart.send(f"{TASKS}/{task_id}", **form) == f"{TASKS}?gedaan=opnieuw"
    task = await _state(desk, task_id)
    assert (task.state, task.how) == ("done", state)
    latest = select(message.c.channel, message.c.recipient).order_by(message.c.id.desc()).limit(1)
    channel, recipient = await desk.store.read(lambda tx: tx.execute(latest).one())
    wanted = {"opnieuw": ("mail", AN.mail), "sms": ("sms", "+32470123456"), "adres": ("mail", "an@elders.example")}
    assert (channel, recipient) == wanted[what]


@pytest.mark.parametrize(("what", "state"), [("gebeld", "phoned"), ("sluit", "closed")])
async def test_a_task_is_closed_with_an_outcome_only(desk: DeskSite, bart: Clerk, what: str, state: str) -> None:
    task_id = await fail_message(desk, await desk.book())
    page = await bart.send(f"{TASKS}/{task_id}", 422, doe=what)
    assert "Schrijf hoe het afliep" in page and f'href="#{what}-{task_id}"' in page
    assert (await _state(desk, task_id)).state == "open"
    await bart.send(f"{TASKS}/{task_id}", doe=what, **{f"{what}_{task_id}": "Ze weet ervan en komt."})
    task = await _state(desk, task_id)
    assert (task.how, task.outcome, task.staff_name) == (state, "Ze weet ervan en komt.", "Bart Claes")
    assert task.state == ("done" if what == "gebeld" else "skipped")
    assert "Ze weet ervan en komt." in await bart.get(f"{TASKS}?toon=afgehandeld")
    actions = select(audit.c.action).where(audit.c.actor == f"staff:{desk.office.bart}")
    assert f"task.{state}" in await desk.store.read(lambda tx: tx.scalars(actions).all())


async def test_two_colleagues_look_at_one_task(desk: DeskSite, bart: Clerk) -> None:
    task_id = await fail_message(desk, await desk.book())
    await bart.send(f"{TASKS}/{task_id}", doe="opnieuw")
    assert "Een collega was u voor" in await bart.send(f"{TASKS}/{task_id}", 422, doe="sms")


@pytest.mark.parametrize(
    "form",
    [{"doe": "adres"}, {"doe": "adres", "adres": "an@"}, {"doe": "alles"}, {}, {"doe": "gebeld", "gebeld": "x" * 501}],
)
async def test_a_task_form_that_is_wrong(desk: DeskSite, bart: Clerk, form: dict[str, str]) -> None:
    task_id = await fail_message(desk, await desk.book())
    named = {f"{name}_{task_id}" if name in ("adres", "gebeld") else name: value for name, value in form.items()}
    page = await bart.send(f"{TASKS}/{task_id}", 422, **named)
    assert "field-error" in page
    assert (await _state(desk, task_id)).state == "open"


async def test_without_a_telephone_number_there_is_no_sms(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    task_id = await fail_message(desk, booked)
    await desk.store.write(lambda tx: tx.execute(participant.update().values(phone="")))
    assert "Stuur een sms" not in await bart.get(TASKS)
    assert "Er is geen gsm-nummer bekend" in await bart.send(f"{TASKS}/{task_id}", 422, doe="sms")


async def test_tasks_and_letters_of_other_services_are_not_mine(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    task_id, letter_id = await fail_message(desk, booked), await receive(desk, booked)
    await _elsewhere(desk)
    assert "An Peeters" not in await bart.get(TASKS)
    assert "Deze taak bestaat niet meer" in await bart.send(f"{TASKS}/{task_id}", 422, doe="opnieuw")
    assert "Re: Uw afspraak" not in await bart.get(LETTERS)
    await bart.get(f"{LETTERS}/{letter_id}", 404)
    for form in ({"doe": "sluit"}, {"doe": "antwoord", "tekst": "x"}, {"doe": "koppel", "nummer": booked.ref}):
        await bart.send(f"{LETTERS}/{letter_id}", 404, **form)
    assert (await desk.store.read(inbox.get, letter_id)).status == "new"


# -- letters --------------------------------------------------------------------------------------------


async def test_a_letter_is_read_and_answered(desk: DeskSite, bart: Clerk) -> None:
    booked = await desk.book()
    letter_id = await receive(desk, booked)
    assert "Re: Uw afspraak" in await bart.get(LETTERS)
    page = await bart.get(f"{LETTERS}/{letter_id}")
    assert "Mag mijn zoon ook meekomen?" in page and "Naar An Peeters, an.peeters@voorbeeld.example" in page
    assert "Schrijf eerst uw antwoord" in await bart.send(f"{LETTERS}/{letter_id}", 422, doe="antwoord", tekst=" ")
    text = "Dag mevrouw\n\nJa, dat mag."
    await bart.send(f"{LETTERS}/{letter_id}", doe="antwoord", tekst=text)
    assert (await desk.store.read(inbox.get, letter_id)).status == "answered"
    reply = select(message.c.recipient, message.c.data).where(message.c.kind == "reply")
    recipient, data = await desk.store.read(lambda tx: tx.execute(reply).one())
    assert recipient == AN.mail and data["text"] == text
    assert "Een collega was u voor" in await bart.send(f"{LETTERS}/{letter_id}", 422, doe="antwoord", tekst="Nog iets")


async def test_a_letter_about_nothing_is_linked_by_number(desk: DeskSite, bart: Clerk) -> None:
    booked, letter_id = await desk.book(), await receive(desk, None)
    page = await bart.get(f"{LETTERS}/{letter_id}")
    assert "Koppel dit bericht aan een afspraak" in page and "Verzend mijn antwoord" not in page
    assert "geen afspraak met dit nummer" in await bart.send(
        f"{LETTERS}/{letter_id}", 422, doe="koppel", nummer="AAAAAAA"
    )
    where = await bart.send(f"{LETTERS}/{letter_id}", doe="koppel", nummer=f" {booked.ref.lower()} ")
    assert where == f"{LETTERS}/{letter_id}?gedaan=gekoppeld"
    assert "Verzend mijn antwoord" in await bart.get(where)


async def test_a_letter_is_given_to_a_colleague_and_closed(desk: DeskSite, bart: Clerk) -> None:
    letter_id = await receive(desk, await desk.book())
    await bart.send(f"{LETTERS}/{letter_id}", doe="wijs", wie=desk.office.els)
    letter = await desk.store.read(inbox.get, letter_id)
    assert (letter.status, letter.staff_name) == ("assigned", "Els Maes")
    assert "Deze collega werkt hier niet meer" in await bart.send(f"{LETTERS}/{letter_id}", 422, doe="wijs", wie=999)
    await bart.send(f"{LETTERS}/{letter_id}", doe="sluit")
    assert (await desk.store.read(inbox.get, letter_id)).status == "closed"
    assert "Re: Uw afspraak" not in await bart.get(TASKS)
    assert "Re: Uw afspraak" in await bart.get(f"{TASKS}?toon=afgehandeld")
    assert "Re: Uw afspraak" in await bart.get(LETTERS), "nothing that came in is lost"


async def test_a_letter_is_shown_as_text(desk: DeskSite, bart: Clerk) -> None:
    letter_id = await receive(desk, None, "<script>alert(1)</script><img src=https://elders.example/x>")
    for path in (TASKS, LETTERS, f"{LETTERS}/{letter_id}"):
        page = await bart.get(path)
        assert "<script>alert" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize("path", [f"{LETTERS}/999999999999999", f"{LETTERS}/0"])
async def test_a_letter_that_is_none(bart: Clerk, path: str) -> None:
    await bart.get(path, 404)
    await bart.send(path, 404, doe="sluit")


async def test_a_letter_form_that_asks_for_nothing(desk: DeskSite, bart: Clerk) -> None:
    letter_id = await receive(desk, None)
    await bart.send(f"{LETTERS}/{letter_id}", 404, doe="alles")
    rows = select(inbound_message.c.status)
    assert await desk.store.read(lambda tx: tx.scalars(rows).all()) == ["new"]
