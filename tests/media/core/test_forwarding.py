"""The forwarder's rules (numbers as in the checklist of RFC 3550, 4588, 8285 practice), packet by packet."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.core.errors import LimitError
from media.core.model import (
    URI_TRANSPORT_CC,
    ParticipantId,
    ReceiveSpec,
    RoomId,
    SpeakersChanged,
    TransportFailed,
)
from media.core.rtp import parse_header
from tests.support.bench import IN_IDS, OPUS, OUT_IDS, Desk, sequence, ssrc_of, timestamp
from tests.support.packets import delta_frame, key_frame, rtp

CC = IN_IDS[URI_TRANSPORT_CC]


class Call:
    """One publisher of a camera, one viewer."""

    def __init__(self, ssrc: int | None = 100) -> None:
        self.desk = Desk()
        self.an, self.bert = self.desk.transport(), self.desk.transport()
        self.track = self.desk.video(self.an, ssrc)
        self.out = self.desk.subscribe(self.bert, self.track)

    def video(self, number: int, *, key: bool = False, **fields: object) -> bytes:
        arguments: dict[str, object] = {
            "ssrc": 100,
            "sequence": number,
            "timestamp": number * 3000,
            "payload": key_frame() if key else delta_frame(),
            "extensions": {4: b"v", 3: (number & 0xFFFF).to_bytes(2, "big")},
        }
        return rtp(**{**arguments, **fields})  # type: ignore[arg-type]

    def start(self, number: int = 1) -> int:
        """Begin with a key frame; returns the outgoing number of it."""
        return sequence(self.desk.receive(self.an, self.video(number, key=True))[0])


@pytest.fixture
def call() -> Call:
    return Call()


def test_own_ssrc_first_number_payload_type_and_extension_ids(call: Call) -> None:
    (packet,) = call.desk.receive(call.an, call.video(9, key=True, marker=True))
    header = parse_header(packet)
    assert header.ssrc == call.out.ssrc != 100
    assert 1000 <= header.sequence < 32768  # rule 11
    assert (header.payload_type, header.marker) == (100, True)
    ids = {element.id: packet[element.start : element.start + element.size] for element in header.elements}
    assert ids[OUT_IDS["urn:ietf:params:rtp-hdrext:sdes:mid"]] == b"3"
    assert set(ids) == {9, 2}  # rule 23: mid and abs-send-time, nothing of the publisher's transport
    assert packet[header.header_size :] == key_frame()


def test_loss_upstream_stays_visible_downstream(call: Call) -> None:
    first = call.start(1)
    out = call.desk.receive(call.an, call.video(3), call.video(4))
    assert [sequence(p) - first for p in out] == [2, 3]  # rule 12


def test_reordering_keeps_the_numbers(call: Call) -> None:
    first = call.start(1)
    out = call.desk.receive(call.an, call.video(3), call.video(2), call.video(4))
    assert sorted(sequence(p) - first for p in out) == [1, 2, 3]
    late = call.desk.receive(call.an, call.video(6)) + call.desk.receive(call.an, call.video(5))
    assert [sequence(p) - first for p in late] == [5, 4]


def test_numbers_and_times_wrap(call: Call) -> None:
    first = call.start(65533)
    out = [call.desk.receive(call.an, call.video(65533 + n, timestamp=0xFFFFFF00 + n * 3000))[0] for n in range(1, 9)]
    assert [sequence(p) - first for p in out] == list(range(1, 9))
    assert {b - a & 0xFFFFFFFF for a, b in pairwise(map(timestamp, out))} == {3000}


def test_padding_only_is_closed_up_also_out_of_order_and_within_a_batch(call: Call) -> None:
    """Rule 6: padding reaches nobody, and leaves no gap that a viewer would ask for."""
    first = call.start(1)
    out = call.desk.receive(
        call.an,
        call.video(2),
        call.video(3, payload=b"", padding=200),
        call.video(4),
        call.video(6, payload=b"", padding=200),
        call.video(5),
        call.video(7),
    )
    assert sorted(sequence(p) - first for p in out) == [1, 2, 3, 4]
    assert call.desk.drops()["padding_only"] == 2
    assert not [p for p in call.desk.run(200_000) if type(p).__name__ == "Nack"]


def test_padding_that_comes_late_leaves_its_gap(call: Call) -> None:
    first = call.start(1)
    call.desk.receive(call.an, call.video(3))
    call.desk.receive(call.an, call.video(2, payload=b"", padding=9))
    (packet,) = call.desk.receive(call.an, call.video(4))
    assert sequence(packet) - first == 3


def test_padding_after_media_is_taken_off(call: Call) -> None:
    call.start(1)
    (packet,) = call.desk.receive(call.an, call.video(2, payload=b"abc", padding=40))
    assert not packet[0] & 0x20
    assert packet[28:] == b"abc"


def test_probes_count_for_feedback_and_go_nowhere(call: Call) -> None:
    """Rule 3: SSRC 0 padding probes come before media."""
    probe = rtp(ssrc=0, payload=b"", padding=255, extensions={CC: b"\x00\x07"})
    assert call.desk.receive(call.an, probe) == []
    assert call.desk.drops() == {"probe": 1}
    assert any(type(p).__name__ == "TransportFeedback" for p in call.desk.run(100_000))


def test_a_stream_without_declared_ssrc_is_bound_by_its_mid() -> None:
    call = Call(ssrc=None)
    assert len(call.desk.receive(call.an, call.video(1, key=True, ssrc=777))) == 1
    assert len(call.desk.receive(call.an, call.video(2, ssrc=777, extensions=None))) == 1


def test_a_stream_without_mid_is_bound_by_its_payload_type_if_only_one_track_has_it() -> None:
    call = Call(ssrc=None)
    assert len(call.desk.receive(call.an, call.video(1, key=True, ssrc=777, extensions=None))) == 1
    other = Call(ssrc=None)
    other.desk.video(other.an, None, mid="w")
    assert other.desk.receive(other.an, other.video(1, key=True, ssrc=777, extensions=None)) == []
    assert other.desk.drops() == {"unknown_ssrc": 1}


def test_another_payload_type_is_dropped_by_name(call: Call) -> None:
    call.start(1)
    assert call.desk.receive(call.an, call.video(2, payload_type=99)) == []
    assert call.desk.drops()["unknown_payload_type"] == 1


def test_a_retransmission_fills_its_gap_and_a_second_one_does_not(call: Call) -> None:
    """Rule 5."""
    first = call.start(1)
    call.desk.receive(call.an, call.video(3))
    resent = rtp(ssrc=101, sequence=50, payload_type=97, timestamp=6000, payload=b"\x00\x02" + delta_frame(30))
    (packet,) = call.desk.receive(call.an, resent)
    assert (sequence(packet) - first, packet[28:], ssrc_of(packet)) == (1, delta_frame(30), call.out.ssrc)
    again = rtp(ssrc=101, sequence=51, payload_type=97, timestamp=6000, payload=b"\x00\x02" + delta_frame(30))
    assert call.desk.receive(call.an, again) == []
    empty = rtp(ssrc=101, sequence=52, payload_type=97, payload=b"", padding=100)
    assert call.desk.receive(call.an, empty) == []
    assert call.desk.drops() | {"padding_only": 0} == {"rtx_late": 1, "rtx_empty": 1, "padding_only": 0}


def test_a_far_jump_is_a_restart_only_when_the_next_number_follows(call: Call) -> None:
    """RFC 3550 A.1; a viewer's numbers go on."""
    first = call.start(1)
    assert call.desk.receive(call.an, call.video(40_000)) == []
    assert call.desk.drops() == {"sequence_jump": 1}
    assert call.desk.receive(call.an, call.video(40_001)) == []  # restarted, but a picture needs a key frame
    (packet,) = call.desk.receive(call.an, call.video(40_002, key=True))
    assert 1 <= sequence(packet) - first <= 3


def test_a_late_viewer_starts_with_a_key_frame_and_gets_nothing_older(call: Call) -> None:
    """Rule 19."""
    call.start(1)
    call.desk.receive(call.an, call.video(2))
    carol = call.desk.transport()
    out = call.desk.subscribe(carol, call.track)
    call.desk.receive(call.an, call.video(3), call.video(6), call.video(5, key=True), call.video(4))
    mine = [p for to, p in call.desk.sent if to == carol]
    assert [parse_header(p).payload_size for p in mine] == [100, 100]
    assert {ssrc_of(p) for p in mine} == {out.ssrc}
    assert call.desk.drops()["before_keyframe"] == 2


def test_a_key_frame_is_asked_for_once_per_half_second_whatever_the_number_of_viewers(call: Call) -> None:
    for _ in range(10):
        call.desk.subscribe(call.desk.transport(), call.track)
    asked = [p for p in call.desk.run(2_000_000) if type(p).__name__ == "Pli"]
    assert len(asked) == 4


def test_mute_drops_by_name_and_unmute_goes_on_without_a_gap(call: Call) -> None:
    first = call.start(1)
    engine = call.desk.engine
    engine.set_track_muted(call.track, True)
    assert call.desk.receive(call.an, call.video(2), call.video(3)) == []
    assert call.desk.drops() == {"muted": 2}
    engine.set_track_muted(call.track, False)
    assert call.desk.receive(call.an, call.video(4)) == []
    (packet,) = call.desk.receive(call.an, call.video(5, key=True))
    assert 1 <= sequence(packet) - first <= 2
    assert timestamp(packet) - timestamp(call.desk.sent[0][1]) & 0xFFFFFFFF == 4 * 3000  # rule 16


def test_pause_and_resume_of_one_viewer_leaves_the_other_alone(call: Call) -> None:
    call.start(1)
    dirk = call.desk.transport()
    other = call.desk.subscribe(dirk, call.track)
    call.desk.receive(call.an, call.video(2, key=True))
    call.desk.engine.set_subscription_paused(call.out.subscription, True)
    out = call.desk.receive(call.an, call.video(3))
    assert {ssrc_of(p) for p in out} == {other.ssrc}
    call.desk.engine.set_subscription_paused(call.out.subscription, False)
    out = call.desk.receive(call.an, call.video(4, key=True))
    assert {ssrc_of(p) for p in out} == {other.ssrc, call.out.ssrc}


def test_audio_flows_at_once_and_carries_its_level() -> None:
    desk = Desk()
    an, bert = desk.transport(), desk.transport()
    desk.subscribe(bert, desk.audio(an))
    sound = rtp(ssrc=200, payload_type=111, payload=b"opus", extensions={1: b"\x92", 4: b"a"})
    (packet,) = desk.receive(an, sound)
    header = parse_header(packet)
    assert {e.id: packet[e.start] for e in header.elements if e.id == 6} == {6: 0x92}


def test_orientation_passes_on_the_packets_that_carry_it(call: Call) -> None:
    call.start(1)
    plain, turned = call.desk.receive(
        call.an,
        call.video(2),
        call.video(3, extensions={4: b"v", 3: b"\0\3", 5: b"\x03"}),
    )
    assert [e.id for e in parse_header(plain).elements if e.id == 7] == []
    assert {e.id: turned[e.start] for e in parse_header(turned).elements if e.id == 7} == {7: 3}


def test_nobody_to_forward_to_is_a_named_reason() -> None:
    desk = Desk()
    an = desk.transport()
    desk.video(an)
    desk.receive(an, rtp(ssrc=100, payload=key_frame()))
    assert desk.drops() == {"no_subscriber": 1}


def test_speakers_are_told_once_and_again_when_they_stop() -> None:
    desk = Desk()
    an, bert = desk.transport(), desk.transport()
    desk.audio(an)
    desk.audio(bert, 201)
    heard: list[tuple[ParticipantId, ...]] = []
    for number in range(400):
        loud = b"\x94" if 50 <= number < 200 else b"\x7f"
        for transport, ssrc, level in ((an, 200, loud), (bert, 201, b"\x7f")):
            sound = rtp(ssrc=ssrc, sequence=number, payload_type=111, extensions={1: level, 4: b"a"})
            desk.receive(transport, sound)
        desk.poll(20_000)
        heard += [e.participants for e in desk.engine.take_events() if isinstance(e, SpeakersChanged)]
    assert heard == [(ParticipantId(f"p{an}"),), ()]


def test_a_peer_that_withdraws_consent_is_given_up(call: Call) -> None:
    call.desk.run(31_000_000, 500_000)
    failed = [e for e in call.desk.engine.take_events() if isinstance(e, TransportFailed)]
    assert {(e.transport, e.reason) for e in failed} == {(call.an, "consent"), (call.bert, "consent")}


def test_limits_are_errors_that_name_them_and_change_nothing() -> None:
    desk = Desk()
    transport = desk.transport()
    for number in range(desk.settings.tracks_max):
        desk.video(transport, 1000 + 2 * number, mid=f"m{number}")
    before = desk.engine.totals()
    with pytest.raises(LimitError, match="tracks_max: all 64"):
        desk.video(transport, 9, mid="more")
    assert desk.engine.totals() == before


def test_rows_come_back_after_a_thousand_calls() -> None:
    desk = Desk()
    before = desk.engine.totals()
    for number in range(1000):
        an, bert = desk.transport(), desk.transport()
        track = desk.video(an)
        desk.subscribe(bert, track)
        desk.receive(an, rtp(ssrc=100, sequence=number, payload=key_frame()))
        for transport in (an, bert) if number % 2 else (bert, an):
            desk.engine.close_transport(transport)
        desk.engine.take_events()
        desk.engine.take_closed()
    assert {**desk.engine.totals(), "packets_received": 0, "packets_forwarded": 0} == before


def test_a_reused_row_remembers_nothing(call: Call) -> None:
    call.start(500)
    call.desk.engine.remove_track(call.track)
    track = call.desk.video(call.an)
    assert track == call.track
    out = call.desk.subscribe(call.bert, track)
    (packet,) = call.desk.receive(call.an, call.video(9, key=True))
    assert ssrc_of(packet) == out.ssrc


def test_a_mid_can_be_published_once() -> None:
    desk = Desk()
    an = desk.transport()
    desk.audio(an)
    with pytest.raises(ValueError, match="already published"):
        desk.engine.add_track(
            an, RoomId("room"), ParticipantId("p"), ReceiveSpec("audio", "microphone", "a", OPUS, 111)
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from("mmmmpkr")), min_size=1, max_size=60), st.randoms())
def test_whatever_the_order_no_number_is_used_twice_and_none_is_skipped_by_padding(
    plan: list[tuple[int, str]], chance: object
) -> None:
    """Media, padding, key frames in any order and with any loss: numbers are unique and contents keep their order."""
    call = Call()
    call.start(1000)
    seen = {0}
    for step, kind in plan:
        number = 1000 + step
        if step in seen:
            continue
        seen.add(step)
        if kind == "p":
            call.desk.receive(call.an, call.video(number, payload=b"", padding=5))
        else:
            call.desk.receive(call.an, call.video(number, key=kind == "k", timestamp=number))
    numbers = [sequence(p) for _, p in call.desk.sent]
    assert len(numbers) == len(set(numbers))
    by_number = sorted((sequence(p), timestamp(p)) for _, p in call.desk.sent[1:])
    assert [t for _, t in by_number] == sorted(t for _, t in by_number)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=20))
def test_any_decrypted_bytes_are_forwarded_or_dropped_by_name(packets: list[bytes]) -> None:
    """An authenticated peer may still be hostile."""
    call = Call()
    call.start(1)
    before = sum(call.desk.drops().values()) + len(call.desk.sent)
    call.desk.receive(call.an, *packets)
    assert sum(call.desk.drops().values()) + len(call.desk.sent) == before + len(packets)
    assert len(call.desk.receive(call.an, call.video(2))) == 1
