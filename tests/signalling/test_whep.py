"""WHEP: a player's sections are filled with the others' tracks, in publish order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signalling.tokens import Grants
from tests.support import sdp
from tests.support.counter import SETTINGS, Counter, publishing
from tests.support.encoder import BOTH, WATCH, encoder, filled, state
from tests.support.sdp import camera, chromium, firefox, microphone, watching


def test_a_player_gets_the_others_tracks_in_publish_order() -> None:
    """Of all others together, not person by person; and never its own."""
    counter = Counter()
    first, second, viewer = (counter.enter(name) for name in ("first", "second", "vi"))
    viewer.publishes("microphone", "camera")
    second.publish({"0": "camera"}, chromium([camera("0", 20)]))
    first.publish({"0": "microphone", "1": "camera"}, chromium([microphone("0", 30), camera("1", 40)]))
    second.publish({"0": "camera", "1": "microphone"}, chromium([camera("0", 20), microphone("1", 50)]))
    before = counter.rows()["subscriptions"]
    created = encoder(counter, "vi").post("whep", chromium(watching(2, 3)))
    assert filled(created) == ["sendonly", "sendonly", "sendonly", "sendonly", "inactive"]
    assert counter.rows()["subscriptions"] - before == 4
    (resource,) = counter.http._resources.values()
    assert resource.viewer is not None
    assert [counter.plane.engine.track_spec(track.track).ssrc for track, _ in resource.viewer.tracks] == [
        30,
        20,
        50,
        40,
    ]


@pytest.mark.parametrize(
    ("audio", "video", "expected"),
    [
        (1, 0, ["sendonly"]),
        (0, 1, ["sendonly"]),
        (1, 1, ["sendonly"] * 2),
        (3, 3, ["sendonly"] * 4 + ["inactive"] * 2),
    ],
)
@pytest.mark.parametrize("browser", [chromium, firefox])
def test_as_many_as_were_asked_for(browser: sdp.Browser, audio: int, video: int, expected: list[str]) -> None:
    counter = Counter()
    for name in ("an", "bo"):
        counter.enter(name).publishes("microphone", "camera")
    created = encoder(counter).post("whep", browser(watching(audio, video)))
    assert filled(created) == expected
    assert f"a=group:BUNDLE {' '.join(str(at) for at in range(audio + video))}\r\n" in created.sdp


def test_an_empty_room_gives_resting_sections() -> None:
    counter = Counter()
    assert filled(encoder(counter).post("whep")) == ["inactive", "inactive"]


def test_a_section_that_does_not_receive_is_given_nothing() -> None:
    counter = Counter()
    counter.enter("an").publishes("microphone", "camera")
    assert filled(encoder(counter).post("whep", BOTH)) == ["inactive", "inactive"]
    assert counter.rows()["subscriptions"] == 0


def test_a_section_is_given_a_track_that_it_can_play() -> None:
    counter = Counter(codecs=("AV1", "VP8"))
    counter.enter("an").publishes("camera")
    counter.enter("bo").publish({"0": "camera"}, chromium([camera("0", 77)]).replace("AV1/", "XX1/"))
    only_vp8 = chromium(watching(0, 2)).replace("AV1/", "XX1/")
    created = encoder(counter).post("whep", only_vp8)
    assert filled(created) == ["sendonly", "inactive"]
    assert "VP8/90000" in "".join(sdp.lines_of(created.sdp, "0"))


def test_a_players_numbers_are_the_players() -> None:
    """Its payload types, its parameters, its extension ids; and one meaning of each in the whole answer."""
    counter = Counter()
    counter.enter("an").publishes("microphone", "camera", browser=chromium)
    counter.enter("bo").publishes("microphone", "camera", browser=firefox)
    offer = firefox(watching(2, 2))
    created = encoder(counter).post("whep", offer)
    for mid in ("0", "1", "2", "3"):
        for line in sdp.lines_of(created.sdp, mid):
            if line.startswith(("a=rtpmap:", "a=fmtp:", "a=extmap:")):
                assert line in sdp.lines_of(offer, mid), line


def test_tracks_flow_when_the_connection_stands_and_only_those_that_still_are() -> None:
    counter = Counter()
    an, bo = (
        counter.enter("an", grants=publishing("audio", subscribe=False)),
        counter.enter("bo", grants=publishing("audio", subscribe=False)),
    )
    an.publishes("microphone")
    bo.publishes("microphone")
    encoder(counter).post("whep", chromium(watching(2, 0)))
    (resource,) = counter.http._resources.values()
    assert counter.plane.flowing() == 0
    an.say({"type": "leave"})
    counter.connected(resource.transport)
    assert counter.plane.flowing() == 1


@pytest.mark.parametrize(
    ("offer", "granted", "status"),
    [
        (WATCH, publishing("audio", "video", subscribe=False), 403),
        ("hello", publishing(), 400),
        (WATCH.replace("actpass", "passive"), publishing(), 422),
        (WATCH.replace("opus/48000/2", "opus/8000").replace("/90000", "/8000"), publishing(), 422),
        ("v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n", publishing(), 422),
    ],
)
def test_a_refused_player_leaves_nothing_behind(offer: str, granted: Grants, status: int) -> None:
    counter = Counter()
    an = counter.enter("an")
    an.publishes("microphone", "camera")
    an.hears()
    before = state(counter)
    assert encoder(counter, grants=granted).refused("whep", offer) == status
    assert state(counter) == before
    assert an.hears() == []


def test_a_player_that_cannot_be_filled_leaves_nothing_behind() -> None:
    counter = Counter(settings=replace(SETTINGS, subscriptions_max=1))
    counter.enter("an").publishes("microphone", "camera")
    before = state(counter)
    assert encoder(counter).refused("whep") == 503
    assert state(counter) == before
