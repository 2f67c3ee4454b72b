"""A mail is kept once, however it comes, and all of what follows from it or nothing."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from balie.post.receiving import Letterbox
from balie.store.engine import Store
from balie.store.schema import participant
from tests.support.mails import CHANCE, case, events_of, letters, message_of, names, raw
from tests.support.office import MONDAY_S


def letterbox(store: Store) -> Letterbox:
    return Letterbox(store, CHANCE, lambda: MONDAY_S + 0.9)


async def test_every_mail_is_kept(store: Store) -> None:
    await store.write(case)
    box = letterbox(store)
    kept = {name: await box.put(raw(name)) for name in names()}
    rows = {row.id: row for row in await letters(store)}
    assert len(rows) == len(names())
    for name, received in kept.items():
        row = rows[received.id]
        assert (row.kind, row.status, row.received_s) == (received.kind, received.status, MONDAY_S), name


async def test_by_two_ways_at_once_it_counts_once(store: Store) -> None:
    made = await store.write(case)
    box = letterbox(store)
    received = await asyncio.gather(*(box.put(raw("dsn_postfix_failed")) for _ in range(8)))
    assert sorted(each.again for each in received) == [False] + [True] * 7
    assert len({each.id for each in received}) == 1
    assert await events_of(store, made.message) == ["failed"]


async def test_what_fails_halfway_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await store.write(case)

    def broken(*_: object) -> str:
        raise RuntimeError("after everything else")

    with monkeypatch.context() as patched:
        patched.setattr("balie.post.receiving._text", broken)
        with pytest.raises(RuntimeError):
            await letterbox(store).put(raw("dsn_postfix_failed"))
    assert (await message_of(store, made.message)).status == "submitted"
    assert await events_of(store, made.message) == []
    assert await letters(store) == []
    assert (await letterbox(store).put(raw("dsn_postfix_failed"))).status == "applied"


async def test_any_bytes_are_kept(store: Store) -> None:
    box = letterbox(store)
    for data in (b"", b"\0" * 100, bytes(range(256)) * 20, b"Subject: " + b"\xff" * 2000, "Subject: 😀\n\n😀".encode()):
        received = await box.put(data)
        assert (received.kind, received.status) == ("human", "new")
    assert len(await letters(store)) == 5


async def test_the_citizen_is_left_as_he_is(sqlite_store: Store) -> None:
    """Mail may say a lot; what the office knows of a person it changes itself."""
    await sqlite_store.write(case)
    before = await sqlite_store.read(lambda tx: tx.execute(select(participant)).all())
    for name in names():
        await letterbox(sqlite_store).put(raw(name))
    assert await sqlite_store.read(lambda tx: tx.execute(select(participant)).all()) == before
