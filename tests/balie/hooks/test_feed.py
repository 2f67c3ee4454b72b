"""The feed: every event once, in an order that holds, whoever writes at the same time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import create_async_engine

from balie.hooks import feed
from balie.hooks.cloudevents import Source
from balie.hooks.feed import EventsGoneError, Page, UnknownCursorError, page, seal
from balie.hooks.targets import Target
from balie.record.events import APPOINTMENT, MESSAGE, emit
from balie.store.engine import Store
from balie.store.schema import hook_delivery, outbox, participant
from tests.support import office
from tests.support.appointments import Announcer
from tests.support.arranged import LINK_KEY
from tests.support.databases import Cluster
from tests.support.office import MONDAY_S

SOURCE = Source("https://balie.example.be", LINK_KEY)


async def sealed(store: Store, targets: Sequence[Target] = ()) -> int:
    return await store.write(seal, MONDAY_S, targets)


async def read(store: Store, after: str = "", limit: int = 100, *, contact: bool = False) -> Page:
    return await store.read(page, SOURCE, after, limit, contact=contact)


def kinds(found: Page) -> list[str]:
    return [str(each["type"]).rpartition(".")[2] for each in found.events]


async def test_an_event_as_others_read_it(store: Store, announce: Announcer) -> None:
    await announce("booked", "ABC234")
    await sealed(store)
    [made] = (await read(store)).events
    data = made.pop("data")
    assert isinstance(data, dict)
    assert data["ref"] == "ABC234"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", str(made.pop("id")))
    assert made == {
        "specversion": "1.0",
        "source": SOURCE.url,
        "type": "be.balie.appointment.booked",
        "subject": "appointment/ABC234",
        "time": "2026-12-07T06:00:00Z",
        "sequence": "000000000001",
        "datacontenttype": "application/json",
    }


async def test_names_and_addresses_are_for_who_asks(store: Store, announce: Announcer) -> None:
    await announce("booked", "ABC234")
    await announce(MESSAGE + "due", "ABC234", personal={"recipient": "an@post.example", "text": "Dag An Peeters"})
    await sealed(store)
    plain = str((await read(store)).events)
    assert "Peeters" not in plain and "post.example" not in plain and "+32470" not in plain
    booked, due = (await read(store, contact=True)).events
    assert isinstance(booked["data"], dict) and isinstance(due["data"], dict)
    people = booked["data"]["personal"]["people"]
    assert people[1] == {
        "role": "family",
        "name": "Marie Peeters",
        "mail": "marie@post.example",
        "phone": "+32470123456",
        "locale": "nl",
        "label": "dochter",
    }
    assert due["data"]["personal"] == {"people": people, "recipient": "an@post.example", "text": "Dag An Peeters"}


async def test_who_was_removed_meanwhile_is_in_no_event(store: Store, announce: Announcer) -> None:
    await announce("booked", "ABC234")
    await sealed(store)
    gone = update(participant).where(participant.c.role == "family").values(removed_s=MONDAY_S)
    await store.write(lambda tx: tx.execute(gone).rowcount)
    assert "Marie" not in str((await read(store, contact=True)).events)


async def test_pages_follow_one_another(store: Store, announce: Announcer) -> None:
    told = ["booked", "confirmed", "changed", "helper_added", "cancelled"]
    for what in told:
        await announce(what, "ABC234")
    assert await sealed(store) == len(told)
    seen, cursor = [], ""
    for size, more in ((2, True), (2, True), (1, False)):
        found = await read(store, cursor, 2)
        assert (len(found.events), found.more) == (size, more)
        assert found.cursor == found.events[-1]["sequence"]
        seen += kinds(found)
        cursor = found.cursor
    assert seen == told
    nothing = await read(store, cursor)
    assert nothing == Page([], cursor, more=False)


async def test_an_event_is_in_the_feed_once_it_has_a_place(store: Store, announce: Announcer) -> None:
    assert not await store.read(feed.has_new)
    await announce("booked", "ABC234")
    assert await store.read(feed.has_new)
    assert (await read(store)).events == []
    await sealed(store)
    assert not await store.read(feed.has_new)
    assert kinds(await read(store)) == ["booked"]


async def test_a_late_commit_comes_late_in_the_feed_and_is_not_lost(cluster: Cluster) -> None:
    """The lower row number commits last: a reader that has seen the higher one still gets it."""
    url = cluster.new_database()
    store, engine = Store(url), create_async_engine(url)
    announce = Announcer(store, await store.write(office.found))
    slow = await announce.key("SLOW22")
    await announce.key("FAST22")
    async with engine.connect() as connection:
        async with connection.begin():
            await connection.run_sync(emit, MONDAY_S, announce.entropy, slow, APPOINTMENT + "booked")
            await announce("booked", "FAST22")
            await sealed(store)
            first = await read(store)
            assert [each["subject"] for each in first.events] == ["appointment/FAST22"]
        await sealed(store)
    second = await read(store, first.cursor)
    assert [each["subject"] for each in second.events] == ["appointment/SLOW22"]
    ids = await store.read(lambda tx: list(tx.scalars(select(outbox.c.id).order_by(outbox.c.place))))
    assert ids == sorted(ids, reverse=True), "or this test shows nothing"
    await engine.dispose()
    await store.close()
    cluster.drop(url)


async def test_of_two_changes_at_once_one_waits_for_the_other(cluster: Cluster) -> None:
    """Or the later one could be announced first."""
    url = cluster.new_database()
    store, engine = Store(url), create_async_engine(url)
    announce = Announcer(store, await store.write(office.found))
    key = await announce.key("ABC234")
    async with engine.connect() as connection:
        async with connection.begin():
            await connection.run_sync(emit, MONDAY_S, announce.entropy, key, APPOINTMENT + "confirmed")
            second = asyncio.ensure_future(announce("cancelled", "ABC234"))
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not second.done() and not await store.read(lambda tx: tx.scalar(waiting)):
                pass
            assert not second.done()
        await second
    await sealed(store)
    assert kinds(await read(store)) == ["confirmed", "cancelled"]
    await engine.dispose()
    await store.close()
    cluster.drop(url)


async def test_many_write_and_place_and_read_at_once(store: Store, announce: Announcer) -> None:
    other = Store(store.url)
    refs = [f"REF{number}22" for number in range(8)]
    for ref in refs:
        await announce.key(ref)

    async def write(ref: str) -> None:
        for _ in range(15):
            await announce("changed", ref, extra={"turn": announce_turn(ref)})

    turns = dict.fromkeys(refs, 0)

    def announce_turn(ref: str) -> int:
        turns[ref] += 1
        return turns[ref]

    async def place(through: Store, writing: asyncio.Future[list[None]]) -> None:
        while not writing.done():
            await sealed(through)

    async def follow(writing: asyncio.Future[list[None]]) -> list[dict[str, object]]:
        seen: list[dict[str, object]] = []
        cursor = ""
        while not writing.done() or len(seen) < 8 * 15:
            found = await read(store, cursor, 7)
            seen += found.events
            cursor = found.cursor
            if writing.done() and not found.events:
                await sealed(store)
        return seen

    writing = asyncio.ensure_future(asyncio.gather(*(write(ref) for ref in refs)))
    _, _, seen = await asyncio.gather(place(store, writing), place(other, writing), follow(writing))
    assert [each["sequence"] for each in seen] == [f"{place:012d}" for place in range(1, 8 * 15 + 1)]
    for ref in refs:
        of_ref = [each["data"] for each in seen if each["subject"] == f"appointment/{ref}"]
        assert [data["turn"] for data in of_ref if isinstance(data, dict)] == list(range(1, 16)), ref
    await other.close()


async def test_a_cursor_that_nobody_gave_is_refused(store: Store, announce: Announcer) -> None:
    await announce("booked", "ABC234")
    await sealed(store)
    for strange in ("000000000002", "-1", "x", "1 OR 1=1", "١", "9" * 400, "1.0"):
        with pytest.raises(UnknownCursorError):
            await read(store, strange)
    assert kinds(await read(store, "0")) == ["booked"]


async def test_who_comes_back_too_late_hears_that_events_are_gone(store: Store, announce: Announcer) -> None:
    for what in ("booked", "confirmed", "changed", "cancelled"):
        await announce(what, "ABC234")
    await sealed(store)
    await store.write(lambda tx: tx.execute(delete(outbox).where(outbox.c.place <= 2)).rowcount)
    with pytest.raises(EventsGoneError) as raised:
        await read(store, "000000000001")
    assert raised.value.oldest == "000000000002"
    assert kinds(await read(store, raised.value.oldest)) == ["changed", "cancelled"]
    assert kinds(await read(store)) == ["changed", "cancelled"], "who asks for everything gets what there is"


async def test_places_go_on_when_all_events_are_gone(store: Store, announce: Announcer) -> None:
    """Or an old cursor would skip new events."""
    await announce("booked", "ABC234")
    await sealed(store)
    cursor = (await read(store)).cursor
    await store.write(lambda tx: tx.execute(delete(outbox)).rowcount)
    assert await read(store, cursor) == Page([], cursor, more=False)
    await announce("cancelled", "ABC234")
    await sealed(store)
    assert kinds(await read(store, cursor)) == ["cancelled"]


async def test_each_target_gets_what_it_wants_to_hear(store: Store, announce: Announcer) -> None:
    targets = (
        Target("crm", "https://crm.example.be", b"s"),
        Target("sms", "https://sms.example.be", b"s", types=("be.balie.message.", APPOINTMENT + "cancelled")),
    )
    for what in ("booked", MESSAGE + "due", "cancelled"):
        await announce(what, "ABC234")
    await sealed(store, targets)
    rows = await store.read(
        lambda tx: tx.execute(
            select(hook_delivery.c.target, outbox.c.type).join(outbox).order_by(hook_delivery.c.id)
        ).all()
    )
    heard: dict[str, list[str]] = {}
    for target, kind in rows:
        heard.setdefault(target, []).append(kind.rpartition(".")[2])
    assert heard == {"crm": ["booked", "due", "cancelled"], "sms": ["due", "cancelled"]}


async def test_a_new_target_hears_what_happens_from_now_on(store: Store, announce: Announcer) -> None:
    await announce("booked", "ABC234")
    await sealed(store)
    assert await sealed(store, (Target("new", "https://new.example.be", b"s"),)) == 0
    assert await store.read(lambda tx: tx.execute(select(hook_delivery)).all()) == []
