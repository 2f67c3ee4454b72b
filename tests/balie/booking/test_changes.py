"""What becomes of an appointment, and what cannot become of it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import func, select

from balie.booking import changes, links, people, reading
from balie.booking.errors import BookingError, NotFound, NotNow, SlotTaken, Unfit
from balie.booking.people import Person
from balie.record import audit
from balie.store import schema
from balie.store.engine import Store
from balie.store.schema import outbox, slot_claim
from tests.support import office
from tests.support.booking import KEY, LIES, TUESDAY_10_S, booked, entropy
from tests.support.office import MONDAY_S, unix_s

LATER_S = unix_s("2026-12-09T14:00")
RANDOM = entropy(7).randbytes


async def test_a_move_keeps_who_and_what_and_changes_when(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made, helpers=(LIES,))
    before = await store.read(reading.by_id, done.appointment_id)
    moved = await store.write(changes.move, MONDAY_S, RANDOM, KEY, done.appointment_id, LATER_S, "citizen")
    after = await store.read(reading.by_ref, done.ref)
    assert (after.id, after.start_s, after.supersedes) == (moved.appointment_id, LATER_S, before.id)
    assert (after.uid, after.ref, after.sequence) == (before.uid, before.ref, before.sequence + 1)
    assert [(each.person, each.name) for each in after.people] == [(each.person, each.name) for each in before.people]
    assert after.room != before.room
    for token in done.links.values():
        assert (await store.read(links.find, token, LATER_S)).state == "unknown"
    for token in moved.links.values():
        assert (await store.read(links.find, token, LATER_S)).state == "open"
    assert (await store.read(reading.by_id, before.id)).status == "rescheduled"
    await booked(store, made, seed=2)  # its old time is free again


async def test_a_quarter_of_an_hour_later_is_no_obstacle_to_itself(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made)
    await booked(store, made, seed=2)  # the colleague is taken
    mine = await store.read(reading.by_id, done.appointment_id)
    moved = await store.write(changes.move, MONDAY_S, RANDOM, KEY, mine.id, TUESDAY_10_S + 900, "citizen")
    assert (await store.read(reading.by_id, moved.appointment_id)).staff_id == mine.staff_id


async def test_a_move_that_fails_leaves_all_as_it_was(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made)
    for seed in (2, 3):
        await booked(store, made, LATER_S, seed=seed)
    with pytest.raises(SlotTaken):
        await store.write(changes.move, MONDAY_S, RANDOM, KEY, done.appointment_id, LATER_S, "citizen")
    assert (await store.read(reading.by_id, done.appointment_id)).status == "booked"
    (token,) = done.links.values()
    assert (await store.read(links.find, token, TUESDAY_10_S)).state == "open"
    with pytest.raises(Unfit, match="the time that it has"):
        await store.write(changes.move, MONDAY_S, RANDOM, KEY, done.appointment_id, TUESDAY_10_S, "citizen")


async def test_moved_by_two_at_once_it_moves_once(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made)
    times = [unix_s(f"2026-12-09T{hour}:00") for hour in ("09", "10", "11", "14")]
    tries = (
        store.write(changes.move, MONDAY_S, entropy(at).randbytes, KEY, done.appointment_id, start_s, "citizen")
        for at, start_s in enumerate(times)
    )
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, NotNow) for each in results) == 3, results
    assert await store.read(lambda tx: tx.scalar(select(func.count()).select_from(slot_claim))) == 7


async def test_a_cancellation_frees_the_time_and_ends_the_links(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made)
    await store.write(changes.cancel, MONDAY_S, RANDOM, done.appointment_id, "citizen", by="citizen", reason=" ziek ")
    found = await store.read(reading.by_id, done.appointment_id)
    assert (found.status, found.reason, found.stands) == ("cancelled_citizen", "ziek", False)
    assert await store.read(lambda tx: tx.scalar(select(func.count()).select_from(slot_claim))) == 0
    (token,) = done.links.values()
    assert (await store.read(links.find, token, TUESDAY_10_S)).state == "unknown"


async def test_confirming_is_done_once(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made)
    assert await store.write(changes.confirm, MONDAY_S, RANDOM, done.appointment_id, "citizen")
    assert not await store.write(changes.confirm, MONDAY_S, RANDOM, done.appointment_id, "citizen")
    assert (await store.read(reading.by_id, done.appointment_id)).status == "confirmed"


async def test_another_way_of_talking_keeps_the_time(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made)
    change = changes.change_modality
    assert await store.write(change, MONDAY_S, RANDOM, done.appointment_id, "phone", "citizen")
    assert not await store.write(change, MONDAY_S, RANDOM, done.appointment_id, "phone", "citizen")
    found = await store.read(reading.by_id, done.appointment_id)
    assert (found.modality, found.start_s, found.sequence) == ("phone", TUESDAY_10_S, 1)
    with pytest.raises(Unfit, match="fax"):
        await store.write(change, MONDAY_S, RANDOM, done.appointment_id, "fax", "citizen")


async def test_helpers_come_and_go(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made)
    key = done.appointment_id
    for seed in range(3):
        added = await store.write(people.add_helper, MONDAY_S, entropy(seed).randbytes, KEY, key, LIES, "citizen")
    with pytest.raises(Unfit, match="may"):
        await store.write(people.add_helper, MONDAY_S, entropy(8).randbytes, KEY, key, LIES, "citizen")
    token = await store.read(links.current, KEY, added)
    assert token is not None
    assert (await store.read(links.find, token, TUESDAY_10_S)).state == "open"
    await store.write(people.remove_helper, MONDAY_S, RANDOM, key, added, "citizen")
    assert (await store.read(links.find, token, TUESDAY_10_S)).state == "unknown"
    assert len((await store.read(reading.by_id, key)).helpers) == 2
    with pytest.raises(NotFound):
        await store.write(people.remove_helper, MONDAY_S, RANDOM, key, added, "citizen")
    (an,) = done.links
    with pytest.raises(NotFound, match="person"):
        await store.write(people.remove_helper, MONDAY_S, RANDOM, key, an, "citizen")
    with pytest.raises(Unfit):
        await store.write(people.add_helper, MONDAY_S, RANDOM, KEY, key, Person("X", mail="x@example.org"), "citizen")


@pytest.mark.parametrize("ended", ["cancelled", "moved", "over"])
@pytest.mark.parametrize("wanted", ["move", "cancel", "modality", "confirm", "helper"])
async def test_what_is_over_stays_as_it_is(sqlite_store: Store, ended: str, wanted: str) -> None:
    store = sqlite_store
    made = await store.write(office.found)
    done = await booked(store, made)
    key, now_s = done.appointment_id, MONDAY_S
    if ended == "cancelled":
        await store.write(changes.cancel, now_s, RANDOM, key, "citizen", by="citizen")
    elif ended == "moved":
        await store.write(changes.move, now_s, RANDOM, KEY, key, LATER_S, "citizen")
    elif wanted in ("confirm", "helper"):
        return  # until attendance is known, somebody may still come
    else:
        now_s = TUESDAY_10_S + 1800
    events = await store.read(lambda tx: tx.scalar(select(func.count()).select_from(outbox)))
    ways: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "move": lambda: store.write(changes.move, now_s, RANDOM, KEY, key, unix_s("2026-12-10T09:00"), "citizen"),
        "cancel": lambda: store.write(changes.cancel, now_s, RANDOM, key, "citizen", by="citizen"),
        "modality": lambda: store.write(changes.change_modality, now_s, RANDOM, key, "phone", "citizen"),
        "confirm": lambda: store.write(changes.confirm, now_s, RANDOM, key, "citizen"),
        "helper": lambda: store.write(people.add_helper, now_s, RANDOM, KEY, key, LIES, "citizen"),
    }
    with pytest.raises(NotNow):
        await ways[wanted]()
    assert await store.read(lambda tx: tx.scalar(select(func.count()).select_from(outbox))) == events


async def test_unknown_appointments(sqlite_store: Store) -> None:
    for attempt in (
        sqlite_store.write(changes.confirm, MONDAY_S, RANDOM, 99, "citizen"),
        sqlite_store.read(reading.by_id, 99),
        sqlite_store.read(reading.by_ref, "ABC"),
    ):
        with pytest.raises(BookingError, match="no such appointment"):
            await attempt


async def test_lists_and_timelines(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made)
    other = await booked(store, made, LATER_S, seed=2, channel="phone", actor="staff:1")
    await store.write(changes.confirm, MONDAY_S + 60, RANDOM, done.appointment_id, "citizen")
    week = (MONDAY_S, MONDAY_S + 7 * 86_400)
    found = await store.read(reading.between, *week)
    assert [each.ref for each in found] == [done.ref, other.ref]
    for filters, refs in (
        ({"channel": "phone"}, [other.ref]),
        ({"statuses": ("confirmed",)}, [done.ref]),
        ({"service_ids": [made.service + 1]}, []),
        ({"staff_id": found[0].staff_id, "channel": "web"}, [done.ref]),
    ):
        assert [each.ref for each in await store.read(reading.between, *week, **filters)] == refs, filters
    coming = await store.read(reading.next_of, found[0].staff_id, MONDAY_S)
    assert coming is not None
    assert coming.ref == done.ref
    assert await store.read(reading.next_of, made.els, LATER_S + 86_400) is None
    steps = await store.read(reading.timeline, found[0])
    assert [(each.kind, each.actor) for each in steps if each.source == "audit"] == [
        ("booked", "citizen"),
        ("confirmed", "citizen"),
    ]


async def test_the_audit_is_a_chain_that_shows_where_it_was_touched(store: Store) -> None:
    made = await store.write(office.found)
    for seed in range(3):
        await booked(store, made, TUESDAY_10_S + seed * 2700, seed=seed)
    assert await store.write(audit.seal) == 3
    assert await store.write(audit.seal) == 0
    await store.write(lambda tx: audit.note(tx, MONDAY_S, "system", "swept", "appointment/X", n=1))
    assert await store.write(audit.seal) == 1
    assert await store.read(audit.broken) == []
    rows = schema.audit
    await store.write(lambda tx: tx.execute(rows.update().where(rows.c.place == 2).values(actor="staff:9")))
    assert await store.read(audit.broken) == [2]
    await store.write(lambda tx: tx.execute(rows.delete().where(rows.c.place == 3)))
    assert await store.read(audit.broken) == [2, 4]
