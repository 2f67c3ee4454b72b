"""Publishing: what an offer changes in the room and the engine, and what a bad one leaves as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.core.model import TrackId, TransportId
from media.core.rooms import TRACKS_MAX, PublishedTrack
from tests.support import sdp
from tests.support.bench import Desk
from tests.support.counter import ROOM, SETTINGS, Counter, Heard, Person, publishing, sources
from tests.support.packets import rtp
from tests.support.sdp import Part, camera, chromium, firefox, microphone, screen

MICROPHONE_AND_CAMERA = {"0": "microphone", "1": "camera"}


def tracks(counter: Counter) -> list[PublishedTrack]:
    return [track for member in counter.rooms.members(ROOM) for track in member.tracks]


def refused(answered: Heard) -> dict[str, str]:
    assert answered["type"] == "published", answered
    return {each["mid"]: each["reason"] for each in answered["refused"]}


def directions(answered: Heard) -> list[str]:
    return [part[2] for part in sdp.parts_of(answered["sdp"])]


@pytest.mark.parametrize("browser", [chromium, firefox])
def test_a_browser_publishes(browser: sdp.Browser) -> None:
    counter = Counter()
    an = counter.enter("an")
    answered = an.publishes("microphone", "camera", "screen", browser=browser)
    assert refused(answered) == {}
    assert directions(answered) == ["recvonly"] * 3
    assert [track.source for track in tracks(counter)] == ["microphone", "camera", "screen"]
    assert counter.rows()["tracks"] == 3 and counter.rows()["transports"] == 1


def test_the_same_offer_again_changes_nothing() -> None:
    """A page that resumed does not know whether its offer arrived."""
    counter = Counter()
    an = counter.enter("an")
    first = an.publishes("microphone", "camera")
    before = tracks(counter)
    second = an.publishes("microphone", "camera")
    assert tracks(counter) == before
    assert sdp.ufrag_of(first["sdp"]) == sdp.ufrag_of(second["sdp"])


def test_an_ice_restart_keeps_the_tracks() -> None:
    counter = Counter()
    an = counter.enter("an")
    first, before = an.publishes("camera"), tracks(counter)
    second = an.publishes("camera", ufrag="new1")
    assert sdp.ufrag_of(first["sdp"]) != sdp.ufrag_of(second["sdp"])
    assert tracks(counter) == before
    assert counter.rows()["transports"] == 1


def test_another_rtcpeerconnection_takes_the_place_of_the_first() -> None:
    """Its certificate is another: DTLS of the old association would lead nowhere."""
    counter = Counter()
    an = counter.enter("an")
    first = an.publishes("camera", peer=1)
    counter.connected(an.session().publishing.transport)
    second = an.publishes("camera", peer=2, ufrag="new1")
    transport = an.session().publishing.transport
    assert sdp.ufrag_of(first["sdp"]) != sdp.ufrag_of(second["sdp"])
    assert not counter.plane.engine.is_connected(transport)
    assert counter.plane.expected[transport] == (("sha-256", sdp.certificate(2)),)
    assert counter.rows()["tracks"] == counter.rows()["transports"] == 1


def test_a_source_stops_and_comes_again() -> None:
    counter = Counter()
    an = counter.enter("an")
    both = [camera("0"), screen("1")]
    an.publish({"0": "camera", "1": "screen"}, chromium(both))
    first = tracks(counter)
    answered = an.publish({"0": "camera"}, chromium([both[0], screen("1", 0, "inactive")]))
    assert directions(answered) == ["recvonly", "inactive"]
    assert tracks(counter) == first[:1]
    an.publish({"0": "camera", "1": "screen"}, chromium(both))
    assert [track.source for track in tracks(counter)] == ["camera", "screen"]
    assert tracks(counter)[1].serial != first[1].serial, "viewers must not take it for the one that ended"


@pytest.mark.parametrize(
    ("parts", "named", "expected"),
    [
        ([microphone("0")], {"0": "screen"}, {"0": "wrong_kind"}),
        ([camera("0")], {"0": "microphone"}, {"0": "wrong_kind"}),
        ([camera("0", direction="recvonly")], {"0": "camera"}, {"0": "not_sending"}),
        ([camera("0", direction="inactive")], {"0": "camera"}, {"0": "not_sending"}),
        ([camera("0"), screen("1")], {"0": "camera", "1": "camera"}, {"1": "duplicate_source"}),
        ([microphone("0"), camera("1")], {"0": "camera", "1": "camera"}, {"0": "wrong_kind"}),
    ],
)
def test_what_is_asked_is_published_or_refused(
    parts: list[Part], named: dict[str, str], expected: dict[str, str]
) -> None:
    counter = Counter()
    an = counter.enter("an", "staff")
    assert refused(an.publish(named, chromium(parts))) == expected
    assert {track.mid for track in tracks(counter)} == named.keys() - expected.keys()


def test_a_codec_that_does_not_pass_is_refused_alone() -> None:
    counter = Counter(codecs=("H264",))
    answered = counter.enter("an").publishes("microphone", "camera", browser=firefox)
    assert refused(answered) == {"1": "unsupported_codec"}
    assert directions(answered) == ["recvonly", "refused"]
    assert [track.source for track in tracks(counter)] == ["microphone"]


def test_a_section_that_is_not_named_rests() -> None:
    counter = Counter()
    answered = counter.enter("an").publish({"0": "microphone"}, chromium([microphone(), camera()]))
    assert directions(answered) == ["recvonly", "inactive"]
    assert len(tracks(counter)) == 1


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        (publishing(), {"0": "forbidden", "1": "forbidden", "2": "forbidden"}),
        (publishing("audio"), {"1": "forbidden", "2": "forbidden"}),
        (publishing("audio", "video"), {"2": "forbidden"}),
        (publishing("screen"), {"0": "forbidden", "1": "forbidden"}),
    ],
)
def test_rights_are_of_sources(granted: object, expected: dict[str, str]) -> None:
    counter = Counter()
    an = counter.enter("an", grants=granted)  # type: ignore[arg-type]
    assert refused(an.publishes("microphone", "camera", "screen")) == expected
    assert {track.mid for track in tracks(counter)} == {"0", "1", "2"} - expected.keys()


def test_a_third_party_does_not_share_a_screen() -> None:
    counter = Counter()
    third = counter.enter("jo", "third")
    assert "screen" not in third.welcome["can"]["publish"]
    assert refused(third.publishes("microphone", "camera", "screen")) == {"2": "forbidden"}


def test_a_section_cannot_become_a_source_without_its_right() -> None:
    """Renegotiation asks for rights as the first offer does."""
    counter = Counter()
    third = counter.enter("jo", "third")
    third.publish({"0": "camera"}, chromium([camera("0")]))
    assert refused(third.publish({"0": "screen"}, chromium([camera("0")]))) == {"0": "forbidden"}
    assert tracks(counter) == []


def test_a_section_that_carries_another_source_is_another_track() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    an.publish({"0": "camera"}, chromium([camera("0")]))
    bo.hears()
    bo.answer()
    an.publish({"0": "screen"}, chromium([camera("0")]))
    assert [track.source for track in tracks(counter)] == ["screen"]
    assert [track["source"] for track in bo.hears("subscribe")[-1]["tracks"]] == ["screen"]


@pytest.mark.parametrize(
    "other", [camera("0", ssrc=77), replace(camera("0"), mid="0", ssrc=0)], ids=["other ssrc", "no ssrc"]
)
def test_a_section_with_other_numbers_is_received_by_them(other: Part) -> None:
    counter = Counter()
    an = counter.enter("an")
    an.publish({"0": "camera"}, chromium([camera("0")]))
    an.publish({"0": "camera"}, chromium([other]))
    spec = counter.plane.engine.track_spec(tracks(counter)[0].track)
    assert spec.ssrc == (other.ssrc or None)


def test_another_codec_in_a_section_is_received_by_its_payload_type() -> None:
    counter = Counter()
    an = counter.enter("an")
    an.publish({"0": "camera"}, chromium([camera("0")]))
    vp9 = chromium([camera("0")]).replace("SAVPF 96 97 102", "SAVPF 102").replace("VP8/90000", "XX8/90000")
    an.publish({"0": "camera"}, vp9)
    spec = counter.plane.engine.track_spec(tracks(counter)[0].track)
    assert (spec.codec.name, spec.payload_type) == ("H264", 102)


def test_an_ssrc_moves_to_another_section() -> None:
    """The old section's end must not unbind the new one."""
    counter = Counter()
    an = counter.enter("an")
    an.publish({"0": "camera", "2": "screen"}, chromium([camera("0", 500), screen("2", 600)]))
    moved = [camera("0", 0, "inactive"), screen("2", 600), camera("1", 500)]
    an.publish({"1": "camera", "2": "screen"}, chromium(moved))
    desk = Desk()
    desk.engine = counter.plane.engine
    desk.receive(an.session().publishing.transport, rtp(ssrc=500), rtp(ssrc=600))
    assert desk.drops() == {"no_subscriber": 2}, "both are known"


BAD_OFFERS = {
    "no sdp": "hello",
    "no codecs of transport": chromium([camera()]).replace("a=rtcp-mux\r\n", ""),
    "same ssrc twice": chromium([microphone("0", 9), camera("1", 9)]),
    "ssrc is another's retransmission": chromium([camera("1", 9), microphone("0", 10)]),
    "mid that is not there": chromium([camera("5")]),
    "passive": chromium([microphone(), camera()]).replace("actpass", "passive"),
}


@pytest.mark.parametrize("offer", BAD_OFFERS.values(), ids=BAD_OFFERS)
@pytest.mark.parametrize("before", [False, True], ids=["first offer", "renegotiation"])
def test_a_bad_offer_changes_nothing(offer: str, before: bool) -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    if before:
        an.publishes("microphone", "camera")
    known, rows = tracks(counter), counter.rows()
    bo.hears()
    answered = an.publish(MICROPHONE_AND_CAMERA, offer)
    assert answered["type"] == "error"
    assert answered["code"] in ("bad_sdp", "unsupported")
    assert (answered["re"], answered["fatal"]) == ("publish", False)
    assert (tracks(counter), counter.rows()) == (known, rows)
    assert bo.hears() == []
    assert refused(an.publishes("microphone", "camera")) == {}, "and the next one works"


def test_one_mid_for_two_sources_is_a_bad_message() -> None:
    counter = Counter()
    an = counter.enter("an")
    named = [{"mid": "0", "source": "camera"}, {"mid": "0", "source": "screen"}]
    heard = an.say({"type": "publish", "id": 1, "sdp": chromium([camera("0")]), "tracks": named})
    assert (heard[0]["code"], tracks(counter)) == ("bad_message", [])


def test_more_tracks_than_a_person_may_have_are_refused_and_the_rest_works() -> None:
    """One person, two connections: the limit is the person's."""
    counter = Counter()
    an = counter.enter("an")
    for _ in range(TRACKS_MAX - 2):
        member = counter.rooms.members(ROOM)[0]
        counter.rooms.publish(ROOM, member.id, PublishedTrack(TrackId(31), TransportId(31), "camera", "x"))
    answered = an.publishes("microphone", "camera", "screen")
    assert refused(answered) == {"2": "full"}
    assert directions(answered) == ["recvonly", "recvonly", "inactive"]
    assert counter.rows()["tracks"] == 2


def test_a_full_engine_refuses_tracks_one_by_one() -> None:
    counter = Counter(settings=replace(SETTINGS, tracks_max=1))
    assert refused(counter.enter("an").publishes("microphone", "camera")) == {"1": "full"}


def test_no_transport_left_is_an_error_and_leaves_nothing() -> None:
    counter = Counter(settings=replace(SETTINGS, transports_max=1))
    an, bo = counter.enter("an"), counter.enter("bo")
    an.publishes("microphone")
    answered = bo.publishes("microphone")
    assert (answered["type"], answered["code"], answered["fatal"]) == ("error", "room_full", False)
    assert [track.source for track in tracks(counter)] == ["microphone"]
    an.say({"type": "leave"})
    bo.hears()
    assert refused(bo.publishes("microphone")) == {}


def muted_of(person: Person, who: str) -> dict[str, bool]:
    return sources([m["participant"] for m in person.hears("updated") if m["participant"]["id"] == who][-1])


def test_a_mute_before_the_source_is_published_holds() -> None:
    """A page mutes and makes its offer at once; which arrives first is chance."""
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    an.say({"type": "mute", "source": "microphone", "muted": True})
    an.publishes("microphone", "camera")
    assert muted_of(bo, "an") == {"microphone": True, "camera": False}
    assert counter.plane.engine._strays.tracks[tracks(counter)[0].track].muted


def test_a_mute_holds_over_renegotiation() -> None:
    """Or whom staff muted would only have to offer anew."""
    counter = Counter()
    an, staff = counter.enter("an"), counter.enter("mia", "staff")
    an.publishes("microphone")
    staff.say({"type": "moderate", "action": "mute", "participant": "an", "source": "microphone"})
    an.publishes("microphone", peer=5, ufrag="new1")
    assert muted_of(staff, "an") == {"microphone": True}
    an.say({"type": "mute", "source": "microphone", "muted": False})
    assert muted_of(staff, "an") == {"microphone": False}
    assert not counter.plane.engine._strays.tracks[tracks(counter)[0].track].muted


def test_a_failed_connection_ends_its_tracks_and_can_be_made_anew() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    an.publishes("microphone")
    bo.hears()
    bo.answer()
    counter.failed(an.session().publishing.transport)
    assert [(m["connection"], m["state"], m["reason"]) for m in an.hears("connection")] == [
        ("publish", "failed", "consent")
    ]
    assert muted_of(bo, "an") == {}
    assert bo.offers[-1]["tracks"] == []
    assert counter.rows()["tracks"] == 0 and counter.rows()["transports"] == 1
    assert refused(an.publishes("microphone", peer=6)) == {}
    assert counter.rows()["tracks"] == 1
