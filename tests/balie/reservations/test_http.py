"""The adapter, against the demo's halls and against systems that go wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aiohttp import ClientSession

from balie.reservations.backend import FreeTime
from balie.reservations.errors import BackendError, Down, Nonsense, Refused, Taken
from balie.reservations.http import ANSWER_MAX, HttpBackend, Site
from tests.support.halls import Time, halls, strange
from web.demo_hall import api

WEEK_S = 7 * 86_400


async def first(backend: HttpBackend, time: Time) -> FreeTime:
    return (await backend.free("badminton", int(time()), int(time()) + WEEK_S))[0]


async def test_an_hour_is_held_confirmed_and_known(tmp_path: Path) -> None:
    time = Time()
    async with halls(tmp_path, time) as (backend, _):
        courts = await backend.resources("badminton")
        assert {each.kind for each in courts} == {"badminton"}
        hour = await first(backend, time)
        assert hour.resource in {each.id for each in courts}
        held = await backend.hold("k1", hour.resource, hour.from_s, hour.until_s, 900)
        assert (held.hold_until_s, held.price_cents) == (int(time()) + 900, hour.price_cents)
        assert hour not in await backend.free("badminton", hour.from_s, hour.until_s)
        confirmed = await backend.confirm("k1", held.external_ref, "An Peeters")
        found = await backend.details(confirmed.external_ref)
        assert (found.state, found.holder_name, found.from_s) == ("confirmed", "An Peeters", hour.from_s)


async def test_the_same_key_holds_once_and_another_comes_too_late(tmp_path: Path) -> None:
    time = Time()
    async with halls(tmp_path, time) as (backend, _):
        hour = await first(backend, time)
        wanted = (hour.resource, hour.from_s, hour.until_s, 900)
        held = await backend.hold("k1", *wanted)
        assert await backend.hold("k1", *wanted) == held
        with pytest.raises(Taken):
            await backend.hold("k2", *wanted)
        with pytest.raises(Refused):
            await backend.hold("k1", *wanted[:3], 600)  # another question with that key


async def test_a_hold_ends_by_itself_and_then_cannot_be_confirmed(tmp_path: Path) -> None:
    time = Time()
    async with halls(tmp_path, time) as (backend, _):
        hour = await first(backend, time)
        held = await backend.hold("k1", hour.resource, hour.from_s, hour.until_s, 60)
        time.s += 60
        with pytest.raises(Taken):
            await backend.confirm("k1", held.external_ref, "")
        assert (await backend.details(held.external_ref)).state == "expired"
        assert hour in await backend.free("badminton", hour.from_s, hour.until_s)


async def test_letting_go_twice_is_as_good_as_once(tmp_path: Path) -> None:
    time = Time()
    async with halls(tmp_path, time) as (backend, _):
        hour = await first(backend, time)
        held = await backend.hold("k1", hour.resource, hour.from_s, hour.until_s, 900)
        await backend.confirm("k1", held.external_ref, "")
        for key in ("k1", "k1", "k9"):
            await backend.release(key, held.external_ref)
        await backend.release("k1", "NOTTHERE")
        assert (await backend.details(held.external_ref)).state == "released"


@pytest.mark.parametrize(
    ("court", "from_s", "length_s", "ttl_s"),
    [("nowhere", 0, 3600, 900), ("pluim-1", 1, 3600, 900), ("pluim-1", 0, 7200, 900), ("pluim-1", 0, 3600, 0)],
)
async def test_what_is_not_offered_is_refused(
    tmp_path: Path, court: str, from_s: int, length_s: int, ttl_s: int
) -> None:
    time = Time()
    async with halls(tmp_path, time) as (backend, _):
        begins = (await first(backend, time)).from_s + from_s
        with pytest.raises(Refused):
            await backend.hold("k1", court, begins, begins + length_s, ttl_s)


async def test_the_halls_serve_nobody_without_the_secret(tmp_path: Path) -> None:
    time = Time()
    async with halls(tmp_path, time) as (backend, _):
        origin = backend._site.url.removesuffix(api.BASE)
        async with HttpBackend(Site("x", origin + api.BASE, b"another secret, as long as it"), time) as stranger:
            with pytest.raises(Refused):
                await stranger.resources("")
        async with ClientSession() as session, session.get(f"{origin}{api.BASE}/resources?kind=") as response:
            assert response.status == 401


async def test_requests_are_signed_with_their_query_and_carry_a_key_when_they_change_something() -> None:
    time = Time()
    async with strange(time) as (backend, told):
        told.answers.extend([(200, b'{"resources": []}'), (201, b'{"ref": "A", "hold_until_s": 1, "price_cents": 0}')])
        await backend.resources("tafel & tennis")
        await backend.hold("k1", "a", 0, 1, 60)
    (_, path, headers), (_, _, changing) = told.asked
    assert path == "/resources?kind=tafel+%26+tennis"
    assert "idempotency-key" not in headers
    assert changing["idempotency-key"] == changing["webhook-id"] == "k1-hold"
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", headers["webhook-signature"])


WRONG = [
    (200, b""),
    (200, b"<html>"),
    (200, b"[]"),
    (200, b'{"ref": 7, "hold_until_s": 1, "price_cents": 0}'),
    (200, b'{"ref": "A", "hold_until_s": 1}'),
    (200, b'{"ref": "A", "hold_until_s": 1, "price_cents": -1}'),
    (200, b'{"ref": "", "hold_until_s": 1, "price_cents": 1}'),
    (200, b'{"ref": "A", "hold_until_s": 1e99, "price_cents": 1}'),
    (200, b"[" * 100_000),
    (200, b"\xff\xfe"),
    (200, b" " * (ANSWER_MAX + 1)),
]


@pytest.mark.parametrize("answer", WRONG)
async def test_nonsense_is_called_nonsense(answer: tuple[int, bytes]) -> None:
    async with strange(Time()) as (backend, told):
        told.answers.append(answer)
        with pytest.raises(Nonsense):
            await backend.hold("k1", "a", 0, 1, 60)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Down),
        (400, Refused),
        (401, Refused),
        (404, Refused),
        (408, Down),
        (409, Taken),
        (410, Taken),
        (422, Refused),
        (429, Down),
        (500, Down),
        (503, Down),
    ],
)
async def test_an_answer_says_whether_to_ask_again(status: int, error: type[BackendError]) -> None:
    async with strange(Time()) as (backend, told):
        told.answers.append((status, b"{}"))
        with pytest.raises(BackendError) as raised:
            await backend.confirm("k1", "A", "An")
    assert type(raised.value) is error


async def test_no_answer_in_time_is_down() -> None:
    async with strange(Time(), timeout_s=0.05) as (backend, told):
        told.answers.append(None)
        with pytest.raises(Down):
            await backend.details("A")


async def test_nobody_there_is_down() -> None:
    async with HttpBackend(Site("x", "http://127.0.0.1:1", b"x" * 24), Time()) as backend:
        with pytest.raises(Down):
            await backend.resources("")


async def test_times_outside_what_was_asked_for_are_left_out() -> None:
    def time(from_s: int, until_s: int) -> str:
        return f'{{"resource":"a","resource_name":"A","from_s":{from_s},"until_s":{until_s},"price_cents":1}}'

    async with strange(Time()) as (backend, told):
        listed = ",".join([time(99, 110), time(150, 140), time(200, 210), time(160, 170), time(100, 110)])
        told.answers.append((200, f'{{"free":[{listed}]}}'.encode()))
        found = await backend.free("x", 100, 200)
    assert [each.from_s for each in found] == [100, 160]
