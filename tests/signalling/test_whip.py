"""WHIP: what an encoder publishes, and that a refused request was as if it had never been."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signalling.sdp import SDP_MAX
from signalling.tokens import Grants
from tests.support import sdp
from tests.support.counter import ROOM, SETTINGS, Counter, publishing, sources
from tests.support.encoder import BOTH, WATCH, encoder, filled, state
from tests.support.sdp import Part, camera, chromium, firefox, microphone, screen


@pytest.mark.parametrize("browser", [chromium, firefox])
def test_an_encoder_is_in_the_room_as_anybody(browser: sdp.Browser) -> None:
    counter = Counter()
    viewer = counter.enter("vi")
    created = encoder(counter).post("whip", browser([microphone(), camera()]))
    assert filled(created) == ["recvonly", "recvonly"]
    heard = viewer.hears()
    joined = next(message for message in heard if message["type"] == "joined")
    assert (joined["participant"]["id"], sources(joined["participant"])) == (
        "cam",
        {"microphone": False, "camera": False},
    )
    assert len(next(message for message in heard if message["type"] == "subscribe")["tracks"]) == 2
    encoder(counter).delete("whip", created)
    assert viewer.hears("left")[0]["reason"] == "left"
    assert counter.rows()["tracks"] == counter.rows()["http"] == 0


@pytest.mark.parametrize(
    ("parts", "granted", "expected"),
    [
        ([microphone("0"), camera("1")], publishing("audio", "video", "screen"), ["microphone", "camera"]),
        ([camera("0"), screen("1")], publishing("video", "screen"), ["camera", "screen"]),
        ([screen("0"), camera("1")], publishing("screen"), ["screen"]),
        ([microphone("0"), microphone("1", 5)], publishing("audio", "screen"), ["microphone", "screen_audio"]),
        ([microphone("0"), screen("1")], publishing("screen"), ["screen_audio", "screen"]),
        ([microphone("0"), camera("1")], publishing("audio"), ["microphone"]),
        ([camera("0"), screen("1"), camera("2", 70)], publishing("video", "screen"), ["camera", "screen"]),
        ([camera("0", 1, "recvonly"), camera("1", 70)], publishing("video"), ["camera"]),
    ],
)
def test_sections_are_sources_by_kind_order_and_rights(parts: list[Part], granted: Grants, expected: list[str]) -> None:
    counter = Counter()
    created = encoder(counter, grants=granted).post("whip", chromium(parts))
    (member,) = counter.rooms.members(ROOM)
    assert [track.source for track in member.tracks] == expected
    assert filled(created).count("recvonly") == len(expected)


@pytest.mark.parametrize(
    ("offer", "granted", "status"),
    [
        (BOTH, publishing(), 403),
        (BOTH, publishing("screen", subscribe=False), None),
        (chromium([microphone()]), publishing("video"), 403),
        (chromium([camera(direction="recvonly")]), publishing("video"), 422),
        (WATCH, publishing("audio", "video"), 422),
        (BOTH.replace("opus/48000/2", "opus/8000").replace("/90000", "/8000"), publishing("audio", "video"), 422),
        ("hello", publishing("audio"), 400),
        ("v=0\r\n", publishing("audio"), 422),
        ("v=0\n" * SDP_MAX, publishing("audio"), 400),
        (BOTH.replace("actpass", "passive"), publishing("audio"), 422),
        (BOTH.replace("a=rtcp-mux\r\n", ""), publishing("audio"), 422),
        (chromium([microphone("0", 9), camera("1", 9)]), publishing("audio", "video"), 400),
    ],
)
@pytest.mark.parametrize("present", [False, True], ids=["stranger", "has a WebSocket"])
def test_a_refused_offer_leaves_nothing_behind(offer: str, granted: Grants, status: int | None, present: bool) -> None:
    """And nobody in the room notices that somebody tried."""
    counter = Counter()
    viewer = counter.enter("vi")
    if present:
        counter.enter("cam", grants=granted)
    viewer.hears()
    before = state(counter)
    somebody = encoder(counter, grants=granted)
    if status is None:
        assert somebody.post("whip", offer).resource
        return
    assert somebody.refused("whip", offer) == status
    assert state(counter) == before
    assert viewer.hears() == []


def test_a_full_engine_refuses_and_leaves_nothing_behind() -> None:
    counter = Counter(settings=replace(SETTINGS, transports_max=1, tracks_max=2, subscriptions_max=1))
    viewer = counter.enter("vi", grants=publishing(subscribe=False))
    first = encoder(counter).post("whip")
    viewer.hears()
    before = state(counter)
    assert encoder(counter, "late").refused("whip") == 503
    assert encoder(counter, "late").refused("whep") == 503
    assert state(counter) == before and viewer.hears() == []
    encoder(counter).delete("whip", first)
    assert encoder(counter, "late").post("whip").resource


def test_no_room_for_its_tracks_is_503_not_a_bad_offer() -> None:
    counter = Counter(settings=replace(SETTINGS, tracks_max=1))
    encoder(counter).post("whip", chromium([microphone()]))
    before = state(counter)
    assert encoder(counter, "late").refused("whip") == 503
    assert state(counter) == before
