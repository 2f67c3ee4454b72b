"""Events arrive: signed, in order, at least once, whatever the target answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from sqlalchemy import select

from balie.hooks import queue
from balie.hooks.cloudevents import Source
from balie.hooks.delivery import HookDelivery
from balie.hooks.queue import pause_s, undelivered
from balie.hooks.targets import Target
from balie.signing import verify
from balie.store.engine import Store
from balie.store.schema import hook_delivery
from tests.support import office
from tests.support.appointments import Announcer
from tests.support.arranged import LINK_KEY
from tests.support.office import MONDAY_S
from tests.support.receiver import Post, Receiver, take

SECRET = b"a secret of this test"
SOURCE = Source("https://balie.example.be", LINK_KEY)
DAY_S = 86_400


def delivery(store: Store, *targets: Target, worker: str = "one", attempts_max: int = 12) -> HookDelivery:
    return HookDelivery(store, targets, SOURCE, worker, lambda: MONDAY_S, timeout_s=0.5, attempts_max=attempts_max)


async def states(store: Store) -> list[tuple[str, int, str]]:
    """Of all deliveries: state, tries, error."""
    query = select(hook_delivery.c.state, hook_delivery.c.attempts, hook_delivery.c.error).order_by(hook_delivery.c.id)
    return [tuple(row) for row in await store.read(lambda tx: tx.execute(query).all())]


def answering(status: int, **headers: str) -> Callable[[Post], Awaitable[web.StreamResponse]]:
    async def answer(_: Post) -> web.StreamResponse:
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def test_an_event_is_posted_once_and_signed(store: Store, announce: Announcer) -> None:
    async with Receiver() as crm, delivery(store, Target("crm", crm.url, SECRET)) as worker:
        await announce("booked", "ABC234")
        for later_s in range(3):
            await worker.step(MONDAY_S + later_s)
    [post] = crm.posts
    assert post.headers["content-type"] == "application/cloudevents+json"
    assert post.headers["webhook-id"] == post.event["id"]
    assert post.event["source"] == SOURCE.url
    assert verify([SECRET], post.headers, post.body, MONDAY_S)
    assert not verify([b"another"], post.headers, post.body, MONDAY_S)
    assert await states(store) == [("done", 0, "")]


async def test_names_and_addresses_go_to_who_asked(store: Store, announce: Announcer) -> None:
    async with (
        Receiver() as crm,
        Receiver() as board,
        delivery(store, Target("crm", crm.url, SECRET, contact=True), Target("board", board.url, SECRET)) as worker,
    ):
        await announce("booked", "ABC234")
        await worker.step(MONDAY_S)
    assert b"An Peeters" in crm.posts[0].body and b"an@post.example" in crm.posts[0].body
    assert b"Peeters" not in board.posts[0].body and b"@post" not in board.posts[0].body
    assert crm.posts[0].event["id"] == board.posts[0].event["id"]


async def test_events_of_an_appointment_come_one_after_the_other(store: Store, announce: Announcer) -> None:
    for what in ("booked", "confirmed", "cancelled"):
        await announce(what, "ABC234")
    await announce("booked", "DEF567")
    async with Receiver() as crm, delivery(store, Target("crm", crm.url, SECRET)) as worker:
        await worker.step(MONDAY_S)
        assert sorted(crm.heard) == ["ABC234 booked", "DEF567 booked"]
        await worker.step(MONDAY_S)
        assert crm.heard[2:] == ["ABC234 confirmed"]
        await worker.step(MONDAY_S)
        assert crm.heard[3:] == ["ABC234 cancelled"]


async def test_one_that_is_refused_holds_up_its_own_appointment_only(store: Store, announce: Announcer) -> None:
    async def refuse_one(post: Post) -> web.StreamResponse:
        return web.Response(status=500 if post.what == "ABC234 booked" else 200)

    async with Receiver(refuse_one) as crm, delivery(store, Target("crm", crm.url, SECRET)) as worker:
        for what, ref in (("booked", "ABC234"), ("booked", "DEF567"), ("confirmed", "ABC234"), ("confirmed", "DEF567")):
            await announce(what, ref)
        for _ in range(3):
            await worker.step(MONDAY_S)
        assert sorted(crm.heard) == ["ABC234 booked", "DEF567 booked", "DEF567 confirmed"]
        crm.answer = take
        await worker.step(MONDAY_S + 60)
        await worker.step(MONDAY_S + 60)
    assert crm.heard[3:] == ["ABC234 booked", "ABC234 confirmed"]
    assert len({post.event["id"] for post in crm.posts if post.what == "ABC234 booked"}) == 1


@asynccontextmanager
async def babbling(answer: bytes) -> AsyncIterator[str]:
    """A server that answers anything with these bytes; its URL."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\x00\xff" * 100,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 two hundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200",
    ],
)
async def test_nonsense_is_no_yes(sqlite_store: Store, nonsense: bytes) -> None:
    announce = Announcer(sqlite_store, await sqlite_store.write(office.found))
    async with babbling(nonsense) as url, delivery(sqlite_store, Target("crm", url, SECRET)) as worker:
        await announce("booked", "ABC234")
        await worker.step(MONDAY_S)
    [(state, attempts, error)] = await states(sqlite_store)
    assert (state, attempts) == ("retry", 1)
    assert 0 < len(error) <= queue.ERROR_MAX


async def test_a_redirect_is_not_followed(store: Store, announce: Announcer) -> None:
    """It would carry signed personal data to whatever host the answer names, inside this network too."""
    async with Receiver() as inside:
        for status in (301, 302, 307, 308):
            async with (
                Receiver(answering(status, Location=inside.url)) as crm,
                delivery(store, Target(f"crm{status}", crm.url, SECRET)) as worker,
            ):
                await announce("booked", f"REF{status}")
                await worker.step(MONDAY_S)
                assert len(crm.posts) == 1
        assert inside.posts == []
    assert await states(store) == [
        ("retry", 1, f"{status}: redirects are not followed") for status in (301, 302, 307, 308)
    ]


async def test_cookies_are_not_kept(store: Store, announce: Announcer) -> None:
    async with (
        Receiver(answering(200, Set_Cookie="who=balie")) as crm,
        delivery(store, Target("crm", crm.url, SECRET)) as worker,
    ):
        for ref in ("ABC234", "DEF567"):
            await announce("booked", ref)
            await worker.step(MONDAY_S)
    assert len(crm.posts) == 2
    assert not any("cookie" in post.headers for post in crm.posts)


async def test_one_that_hangs_keeps_nobody_else_waiting(store: Store, announce: Announcer) -> None:
    hung = asyncio.Event()

    async def hang(_: Post) -> web.StreamResponse:
        await hung.wait()
        return web.Response()

    async with (
        Receiver(hang) as slow,
        Receiver() as quick,
        delivery(store, Target("slow", slow.url, SECRET), Target("quick", quick.url, SECRET)) as worker,
    ):
        await announce("booked", "ABC234")
        stepping = asyncio.ensure_future(worker.step(MONDAY_S))
        await quick.until(lambda: bool(quick.posts))
        assert not stepping.done()
        await stepping
        hung.set()
    assert await states(store) == [("retry", 1, "no answer in 0.5 s"), ("done", 0, "")]


async def test_a_target_that_is_not_there_is_tried_again(store: Store, announce: Announcer) -> None:
    async with Receiver() as crm:
        url = crm.url
    async with delivery(store, Target("crm", url, SECRET)) as worker:
        await announce("booked", "ABC234")
        await worker.step(MONDAY_S)
    [(state, attempts, error)] = await states(store)
    assert (state, attempts) == ("retry", 1)
    assert error.startswith("ClientConnectorError: Cannot connect to host 127.0.0.1")


async def test_pauses_grow_until_it_is_given_up_after_a_day(store: Store, announce: Announcer) -> None:
    tried_s: list[int] = []
    async with Receiver(answering(503)) as crm, delivery(store, Target("crm", crm.url, SECRET)) as worker:
        await announce("booked", "ABC234")
        await worker.step(MONDAY_S)
        while (due_s := await store.read(queue.next_s, "crm", 70)) is not None:
            await worker.step(due_s - 1)
            assert len(crm.posts) == len(tried_s) + 1, "too early"
            tried_s.append(due_s)
            await worker.step(due_s)
    assert len(crm.posts) == 12
    pauses = [b - a for a, b in zip([MONDAY_S, *tried_s], tried_s, strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[0] in (5, 6)
    assert DAY_S / 2 < tried_s[-1] - MONDAY_S < 2 * DAY_S
    assert {post.headers["webhook-id"] for post in crm.posts} == {crm.posts[0].event["id"]}
    assert all(
        verify([SECRET], post.headers, post.body, at_s)
        for post, at_s in zip(crm.posts, [MONDAY_S, *tried_s], strict=True)
    ), "each try is signed with its own time"
    assert await states(store) == [("dead", 12, "503")]


def test_pauses_differ_between_events_and_not_between_tries() -> None:
    ids = [f"event-{number}" for number in range(500)]
    assert all(pause_s(each, 8) == pause_s(each, 8) for each in ids)
    pauses = {pause_s(each, 8) for each in ids}
    assert len(pauses) > 100
    assert max(pauses) <= 1.2 * min(pauses) + 1
    assert pause_s("any", 50) <= 1.2 * 12 * 3600


@pytest.mark.parametrize(
    ("status", "asked", "pause_min_s"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (503, "9999999", 43_200),
        (500, "120", 5),
        (503, "tomorrow", 5),
        (429, "٣", 5),
    ],
)
async def test_who_asks_for_time_gets_it(sqlite_store: Store, status: int, asked: str, pause_min_s: int) -> None:
    announce = Announcer(sqlite_store, await sqlite_store.write(office.found))
    async with (
        Receiver(answering(status, Retry_After=asked)) as crm,
        delivery(sqlite_store, Target("crm", crm.url, SECRET)) as worker,
    ):
        await announce("booked", "ABC234")
        await worker.step(MONDAY_S)
    due_s = await sqlite_store.read(queue.next_s, "crm", 70)
    assert due_s is not None and pause_min_s <= due_s - MONDAY_S <= pause_min_s + 1


async def test_gone_is_final(store: Store, announce: Announcer) -> None:
    async with Receiver(answering(410)) as crm, delivery(store, Target("crm", crm.url, SECRET)) as worker:
        await announce("booked", "ABC234")
        await worker.step(MONDAY_S)
        await worker.step(MONDAY_S + DAY_S)
        assert len(crm.posts) == 1
    assert await states(store) == [("dead", 1, "410")]


async def test_a_dead_letter_is_seen_and_what_waits_for_it_goes_after_it(store: Store, announce: Announcer) -> None:
    async with (
        Receiver(answering(500)) as crm,
        delivery(store, Target("crm", crm.url, SECRET), attempts_max=1) as worker,
    ):
        for what in ("booked", "confirmed", "cancelled"):
            await announce(what, "ABC234")
        await announce("booked", "DEF567")
        await worker.step(MONDAY_S)
        crm.answer = take
        await worker.step(MONDAY_S + DAY_S)
        assert len(crm.posts) == 2, "what comes after a dead letter waits"
        first, second = await store.read(undelivered)
        assert (first.target, first.subject, first.attempts, first.error) == ("crm", "appointment/ABC234", 1, "500")
        assert (first.type, first.time_s, first.waiting) == ("be.balie.appointment.booked", MONDAY_S, 2)
        assert second.waiting == 0
        assert await store.write(queue.replay, MONDAY_S + DAY_S, [first.id, second.id]) == 2
        for _ in range(3):
            await worker.step(MONDAY_S + DAY_S)
        assert [each for each in crm.heard[2:] if each.startswith("ABC")] == [
            "ABC234 booked",
            "ABC234 confirmed",
            "ABC234 cancelled",
        ]
        assert await store.read(undelivered) == []
        assert await store.write(queue.replay, MONDAY_S, [first.id]) == 0, "it is not dead any more"


async def test_a_dead_letter_can_be_given_up(store: Store, announce: Announcer) -> None:
    async with (
        Receiver(answering(400)) as crm,
        delivery(store, Target("crm", crm.url, SECRET), attempts_max=1) as worker,
    ):
        await announce("booked", "ABC234")
        await announce("confirmed", "ABC234")
        await worker.step(MONDAY_S)
        crm.answer = take
        [dead] = await store.read(undelivered)
        assert await store.write(queue.skip, MONDAY_S, dead.id, "typed over by hand")
        assert not await store.write(queue.skip, MONDAY_S, dead.id, "again")
        await worker.step(MONDAY_S)
    assert crm.heard == ["ABC234 booked", "ABC234 confirmed"]
    assert (await states(store))[0] == ("done", 1, "typed over by hand"), "why it was given up stays"


async def test_two_workers_do_not_post_the_same(store: Store, announce: Announcer) -> None:
    other = Store(store.url)
    async with Receiver() as crm:
        target = Target("crm", crm.url, SECRET)
        async with delivery(store, target) as one, delivery(other, target, worker="two") as two:
            for number in range(12):
                for what in ("booked", "confirmed", "cancelled"):
                    await announce(what, f"REF{number}22")
            for _ in range(8):
                await asyncio.gather(one.step(MONDAY_S), two.step(MONDAY_S))
    await other.close()
    assert len(crm.posts) == 36
    for number in range(12):
        mine = [each.split()[1] for each in crm.heard if each.startswith(f"REF{number}22 ")]
        assert mine == ["booked", "confirmed", "cancelled"]


async def test_a_claim_that_is_over_is_taken_over(store: Store, announce: Announcer) -> None:
    async with Receiver() as crm, delivery(store, Target("crm", crm.url, SECRET)) as worker:
        await announce("booked", "ABC234")
        await worker._seal(MONDAY_S)
        await store.write(queue.claim, MONDAY_S, "one that died", "crm", 61, 8)
        await worker.step(MONDAY_S + 60)
        assert crm.posts == []
        await worker.step(MONDAY_S + 61)
        assert crm.heard == ["ABC234 booked"]
    assert await states(store) == [("done", 0, "")]


async def test_who_lost_his_claim_has_no_say(store: Store, announce: Announcer) -> None:
    async with delivery(store, Target("crm", "http://127.0.0.1:9", SECRET)) as worker:
        await announce("booked", "ABC234")
        await worker._seal(MONDAY_S)
    for at_s, name in ((MONDAY_S, "slow"), (MONDAY_S + 61, "other")):
        [row] = await store.write(queue.claim, at_s, name, "crm", 61, 8)
    await store.write(queue.failed, "slow", row.delivery_id, "late", None)
    await store.write(queue.done, MONDAY_S, "slow", row.delivery_id)
    assert await states(store) == [("sending", 0, "")]
    await store.write(queue.done, MONDAY_S, "other", row.delivery_id)
    assert await states(store) == [("done", 0, "")]


async def test_run_hears_of_what_is_written(store: Store, announce: Announcer) -> None:
    async with Receiver() as crm, delivery(store, Target("crm", crm.url, SECRET)) as worker:
        running = asyncio.create_task(worker.run())
        for what in ("booked", "confirmed"):
            await announce(what, "ABC234")
            await crm.until(lambda what=what: crm.heard[-1:] == [f"ABC234 {what}"])  # type: ignore[misc]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()


async def test_run_goes_on_after_a_failure(store: Store, announce: Announcer, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = queue.claim, ["the database is away"]

    def claim(*args: object, **kwargs: object) -> object:
        if failures:
            raise OSError(failures.pop())
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "claim", claim)
    monkeypatch.setattr("balie.hooks.delivery.LOOK_S", 0.01)
    async with Receiver() as crm, delivery(store, Target("crm", crm.url, SECRET)) as worker:
        running = asyncio.create_task(worker.run())
        await announce("booked", "ABC234")
        await crm.until(lambda: crm.heard == ["ABC234 booked"])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not failures
