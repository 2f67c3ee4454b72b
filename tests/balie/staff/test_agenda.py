"""What staff may see, finds, and what waits for him."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from balie.booking.errors import NotFound
from balie.booking.people import STANDING, Person
from balie.post import inbox, undelivered
from balie.staff import accounts, agenda, messages
from balie.staff.agenda import FOUND_MAX, Waiting
from balie.store.engine import Tx
from balie.store.schema import MESSAGE_STATES, READ_EVIDENCE, audit, inbound_message, message, service
from tests.balie.staff.conftest import Town
from tests.support.office import MONDAY_S


async def _leave(town: Town) -> None:
    """Els works for another service from now on."""

    def go(tx: Tx) -> None:
        values = {"organisation_id": town.office.organisation, "slug": "elders"}
        key = tx.execute(insert(service).values(**values)).inserted_primary_key
        assert key is not None
        accounts.set_roles(tx, MONDAY_S, town.office.els, ["counter"], [int(key[0])], "system")

    await town.store.write(go)


async def test_only_appointments_of_ones_services_are_visible(town: Town) -> None:
    booked = await town.book("2026-12-14T10:00")
    bart, els = await town.member(town.office.bart), await town.member(town.office.els)
    for member in (bart, els):
        assert (await town.store.read(agenda.visible, member, booked.ref)).ref == booked.ref
    await _leave(town)
    els = await town.member(town.office.els)
    with pytest.raises(NotFound):
        await town.store.read(agenda.visible, els, booked.ref)
    assert await town.store.read(agenda.search, els, "An Peeters", STANDING) == []
    assert len(await town.store.read(agenda.search, bart, "An Peeters", STANDING)) == 1


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("Élodie Vandenbroucke", "elodie", True),
        ("Élodie Vandenbroucke", "ÉLODIE VAN", True),
        ("Elodie Vandenbroucke", "élodie", True),
        ("Fatma Yılmaz", "yılmaz", True),
        ("Šejla Đurić", "sejla", True),
        ("Zoë Citroën", "zoe citroen", True),
        ("100% Sport", "100%", True),
        ("100 Sport", "100%", False),
        ("Jan_Peter", "jan_peter", True),
        ("Jan-Peter", "jan_peter", False),
        ("O'Brien", "o'brien", True),
        ("An Peeters", "peters", False),
        ("李小龍", "小龍", True),
    ],
)
async def test_a_name_is_found_as_people_type_it(town: Town, name: str, asked: str, found: bool) -> None:
    await town.book("2026-12-14T10:00", Person(name, mail="x@voorbeeld.example"))
    rows = await town.store.read(agenda.search, await town.member(town.office.bart), asked, STANDING)
    assert [each.citizen.name for each in rows if each.citizen is not None] == ([name] if found else [])


async def test_the_one_who_comes_along_is_found_too_and_the_latest_stands_first(town: Town) -> None:
    lies = Person("Lies De Smet", role="family", mail="lies@voorbeeld.example")
    first = await town.book("2026-12-14T10:00", helpers=(lies,))
    second = await town.book("2026-12-15T10:00", helpers=(lies,))
    rows = await town.store.read(agenda.search, await town.member(town.office.bart), "de smet", STANDING)
    assert [each.ref for each in rows] == [second.ref, first.ref]
    assert len(rows) <= FOUND_MAX


async def test_what_is_known_of_messages_is_the_last_state_and_the_strongest_evidence(town: Town) -> None:
    booked = await town.book("2026-12-14T10:00")
    mine = message.c.appointment_id == booked.appointment_id
    ids = await town.store.read(lambda tx: tx.scalars(select(message.c.id).where(mine).order_by(message.c.id)).all())

    async def known(*states: tuple[str, str]) -> dict[int, tuple[str, str, str]]:
        def write(tx: Tx) -> None:
            for key, (status, read) in zip(ids, states, strict=False):
                tx.execute(update(message).where(message.c.id == key).values(status=status, read_evidence=read))

        await town.store.write(write)
        return await town.store.read(agenda.known, [booked.appointment_id])

    assert await known() == {}, "nothing was sent"
    assert await known(("submitted", "none")) == {booked.appointment_id: ("submitted", "none", "mail")}
    assert await known(("delivered", "confirmed"), ("failed", "none")) == {
        booked.appointment_id: ("failed", "confirmed", "mail")
    }
    assert await known(("delivered", "mdn"), ("submitted", "joined")) == {
        booked.appointment_id: ("submitted", "joined", "mail")
    }


def test_every_state_of_a_message_is_known_or_not() -> None:
    unknown = {"scheduled", "claimed", "handing_over", "cancelled"}
    assert set(agenda.SENT) == set(MESSAGE_STATES) - unknown
    assert READ_EVIDENCE[0] == "none"


async def test_what_waits_is_of_ones_services_and_what_belongs_to_none(town: Town) -> None:
    booked = await town.book("2026-12-14T10:00")

    def write(tx: Tx) -> None:
        row = tx.execute(select(message).limit(1)).one()
        undelivered.ask(tx, MONDAY_S, row, "address_unknown")
        letter: dict[str, Any] = {"received_s": MONDAY_S, "kind": "human"}
        for at, (about, status) in enumerate(
            [(booked.appointment_id, "new"), (None, "assigned"), (None, "closed"), (booked.appointment_id, "applied")]
        ):
            values = {"digest": bytes([at]) * 32, "appointment_id": about, "status": status}
            key = tx.execute(insert(inbound_message).values(**letter, **values)).inserted_primary_key
            assert key is not None
            if status in inbox.WAITING:
                inbox.ask(tx, MONDAY_S, key[0], "human", about)

    await town.store.write(write)
    assert await town.store.read(agenda.waiting, await town.member(town.office.bart)) == Waiting(3)
    await _leave(town)
    assert await town.store.read(agenda.waiting, await town.member(town.office.els)) == Waiting(1)


async def test_the_link_goes_again_where_it_went_before(town: Town) -> None:
    booked = await town.book("2026-12-14T10:00")
    bart = await town.member(town.office.bart)
    found = await town.store.read(agenda.visible, bart, booked.ref)
    (person,) = found.people
    entropy = random.Random(9).randbytes
    for _ in range(2):
        await town.store.write(messages.resend_link, MONDAY_S + 60, entropy, bart, found, person.id)
    sent = await town.store.read(messages.of_appointment, booked.ref)
    assert [each.kind for each in sent if each.recipient == "an@voorbeeld.example"].count("confirmation") == 3
    actions = select(audit.c.action).where(audit.c.actor == bart.actor)
    assert await town.store.read(lambda tx: tx.scalars(actions).all()) == ["link_resent"] * 2
    with pytest.raises(NotFound):
        await town.store.write(messages.resend_link, MONDAY_S, entropy, bart, found, person.id + 1)
