"""Events: what is written into the outbox with a transition, and what is not."""

from __future__ import annotations

import random
import uuid

import pytest
from sqlalchemy import select

from balie.record.events import APPOINTMENT, MESSAGE, TYPES, emit, subject
from balie.store.engine import Store, Tx
from balie.store.schema import outbox
from tests.support import appointments, office
from tests.support.office import MONDAY_S

ENTROPY = random.Random(1).randbytes


async def test_an_event_has_the_facts_of_the_appointment_and_nobodys_address(store: Store) -> None:
    here = await store.write(office.found)
    key = await store.write(appointments.put, here, "ABC234", uid="stays@balie.example", question="Mag mijn hond mee?")
    await store.write(emit, MONDAY_S, ENTROPY, key, APPOINTMENT + "booked", {"note": 1})
    [row] = await store.read(lambda tx: tx.execute(select(outbox)).all())
    assert uuid.UUID(row.event_id).version == 4
    assert (row.type, row.subject, row.time_s) == ("be.balie.appointment.booked", "appointment/ABC234", MONDAY_S)
    assert (row.appointment_id, row.place) == (key, None)
    assert row.data == {
        "ref": "ABC234",
        "uid": "stays@balie.example",
        "sequence": 0,
        "status": "booked",
        "channel": "web",
        "modality": "video",
        "start": "2026-12-08T14:30:00+01:00",
        "end": "2026-12-08T15:00:00+01:00",
        "zone": "Europe/Brussels",
        "service": "vrije-tijd",
        "products": [{"slug": "badminton", "ipdc_id": ""}],
        "staff": "Bart Claes",
        "follow_up_of": None,
        "supersedes": None,
        "note": 1,
    }


async def test_a_move_says_what_it_replaces(store: Store) -> None:
    here = await store.write(office.found)
    old = await store.write(appointments.put, here, "ABC234", uid="one@balie.example", status="rescheduled")
    new = await store.write(
        appointments.put,
        here,
        "ABC234",
        uid="one@balie.example",
        start_s=office.unix_s("2027-06-01T09:00"),
        sequence=1,
        supersedes=old,
        follow_up_of=old,
    )
    await store.write(emit, MONDAY_S, ENTROPY, new, APPOINTMENT + "rescheduled")
    [row] = await store.read(lambda tx: tx.execute(select(outbox)).all())
    assert row.data["start"] == "2027-06-01T09:00:00+02:00"
    assert row.data["follow_up_of"] == "ABC234"
    assert row.data["supersedes"] == {
        "sequence": 0,
        "start": "2026-12-08T14:30:00+01:00",
        "end": "2026-12-08T15:00:00+01:00",
    }


async def test_what_names_somebody_is_kept_apart(store: Store) -> None:
    here = await store.write(office.found)
    key = await store.write(appointments.put, here, "ABC234")
    await store.write(emit, MONDAY_S, ENTROPY, key, MESSAGE + "due", {"channel": "mail"}, {"recipient": "a@b.example"})
    [row] = await store.read(lambda tx: tx.execute(select(outbox)).all())
    assert row.data["personal"] == {"recipient": "a@b.example"}


async def test_an_event_comes_with_its_transition_or_not_at_all(store: Store) -> None:
    here = await store.write(office.found)

    def fail(tx: Tx) -> None:
        emit(tx, MONDAY_S, ENTROPY, appointments.put(tx, here, "ABC234"), APPOINTMENT + "booked")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.write(fail)
    assert await store.read(lambda tx: tx.execute(select(outbox)).all()) == []


async def test_a_type_that_nobody_knows_is_a_mistake(sqlite_store: Store) -> None:
    here = await sqlite_store.write(office.found)
    key = await sqlite_store.write(appointments.put, here, "ABC234")
    with pytest.raises(ValueError, match=r"be\.balie\.appointment\.bookd is not an event type"):
        await sqlite_store.write(emit, MONDAY_S, ENTROPY, key, APPOINTMENT + "bookd")


def test_types_fit_their_column() -> None:
    assert max(map(len, TYPES)) <= outbox.c.type.type.length  # type: ignore[attr-defined]
    assert len(subject("A" * 16)) <= outbox.c.subject.type.length  # type: ignore[attr-defined]
