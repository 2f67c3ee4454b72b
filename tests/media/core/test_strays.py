"""Packets that differ from the last one of their track: first ones, retransmissions, probes, restarts."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

from media.core import rtcp
from media.core.rtp import parse_header
from tests.support.bench import SMALL, Desk, sequence, timestamp
from tests.support.call import CAMERA, CC, MICROPHONE, RTX, Call
from tests.support.packets import delta_frame, rtp


@pytest.fixture
def call() -> Call:
    return Call()


def numbers_asked(call: Call, for_us: int = 100_000) -> list[int]:
    packets = [packet for _, compound in call.reports(for_us) for packet in compound]
    return [number for packet in packets if isinstance(packet, rtcp.Nack) for number in packet.seqs]


def feedback(call: Call) -> list[rtcp.TransportFeedback]:
    packets = [packet for _, compound in call.reports(150_000) for packet in compound]
    return [packet for packet in packets if isinstance(packet, rtcp.TransportFeedback)]


# -- retransmissions ---------------------------------------------------------------------------------


def test_a_resent_packet_is_forwarded_as_the_one_that_was_lost(call: Call) -> None:
    first = call.start(1)
    call.send(call.video(3))
    (packet,) = call.send(call.resent(2, marker=True, padding=20))
    header = parse_header(packet)
    assert (header.ssrc, header.sequence - first, header.payload_type) == (call.picture.ssrc, 1, 100)
    assert (header.marker, header.payload_size, packet[0] & 0x20) == (True, 100, 0)
    assert timestamp(packet) - timestamp(call.desk.sent[0][1]) & 0xFFFFFFFF == 3000
    assert packet[header.header_size :] == delta_frame()


def test_a_packet_that_never_came_is_forwarded_even_when_it_is_the_newest(call: Call) -> None:
    """mediasoup 3.19.13: the tail of a burst is lost, and a probe of the sender's brings it."""
    first = call.start(1)
    (packet,) = call.send(call.resent(3))
    assert sequence(packet) - first == 2
    assert numbers_asked(call) == [2]
    (packet,) = call.send(call.video(4))
    assert sequence(packet) - first == 3


def test_what_had_arrived_or_is_too_old_is_dropped_by_name(call: Call) -> None:
    call.start(1000)
    call.send(call.video(1001))
    assert call.send(call.resent(1001), call.resent(400), call.resent(1600)) == []
    assert call.desk.drops()["rtx_late"] == 3


def test_an_empty_one_is_a_probe(call: Call) -> None:
    call.start(1)
    empty = [call.resent(2, payload=b""), rtp(ssrc=RTX, payload_type=97, payload=b"", padding=99), call.resent(2)[:13]]
    assert call.send(*empty) == []
    assert call.desk.drops()["rtx_empty"] >= 2


def test_one_before_the_stream_began_is_late(call: Call) -> None:
    assert call.send(call.resent(2)) == []
    assert call.desk.drops() == {"rtx_late": 1}


def test_a_wrong_type_on_the_retransmission_stream_is_named(call: Call) -> None:
    call.start(1)
    call.send(call.video(3))
    assert call.send(call.resent(2, payload_type=99)) == []
    assert call.desk.drops()["unknown_payload_type"] == 1


def test_retransmissions_are_found_by_mid_or_by_type() -> None:
    for extensions in ({4: b"v"}, {}):
        call = Call(ssrc=None)
        call.send(call.video(1, key=True, ssrc=700))
        call.send(call.video(3, ssrc=700))
        assert len(call.send(call.resent(2, ssrc=701, extensions=extensions))) == 1


def test_the_round_trip_is_learned_from_what_was_asked(call: Call) -> None:
    """The next retry waits for it."""
    call.start(1)
    for number in range(3, 60, 2):
        call.send(call.video(number))
        call.desk.run(20_000)
        call.desk.now_us += 300_000
        call.send(call.resent(number - 1))
    call.send(call.video(61))
    assert numbers_asked(call, 250_000) == [60]


def test_nothing_is_asked_of_a_muted_track(call: Call) -> None:
    call.start(1)
    call.send(call.video(9))
    call.engine.set_track_muted(call.camera, True)
    assert numbers_asked(call, 2_000_000) == []
    assert call.send(call.resent(5)) == []
    assert call.desk.drops()["muted"] == 1


# -- probes and feedback -----------------------------------------------------------------------------


def test_all_that_carries_a_number_is_reported_forwarded_or_not(call: Call) -> None:
    call.start(1)
    probe = rtp(ssrc=0, payload=b"", padding=255, extensions={CC: b"\0\2"})
    empty = rtp(ssrc=RTX, payload_type=97, payload=b"", padding=9, extensions={CC: b"\0\3"})
    unknown = rtp(ssrc=31_337, extensions={CC: b"\0\4"})
    assert call.send(probe, empty, call.padding(5), unknown) == []
    (packet,) = feedback(call)
    assert int.from_bytes(packet.raw[14:16], "big") == 5  # statuses: 1 to 5
    assert call.desk.drops() == {"probe": 1, "rtx_empty": 1, "padding_only": 1, "unknown_ssrc": 1}


def test_feedback_names_a_stream_of_the_publishers_own_though_nobody_watches() -> None:
    """libwebrtc ignores feedback about a stream that it does not send."""
    desk = Desk()
    an = desk.transport()
    desk.video(an, None)
    desk.receive(an, rtp(ssrc=4711, extensions={4: b"v", CC: b"\0\1"}))
    (packet,) = [packet for packet in desk.run(150_000) if isinstance(packet, rtcp.TransportFeedback)]
    assert packet.media == 4711


@pytest.mark.parametrize(("publishers", "in_a_second"), [(1, 10), (50, 10), (100, 5), (200, 4)])
def test_feedback_is_rarer_when_there_are_many_publishers_but_never_too_rare(publishers: int, in_a_second: int) -> None:
    """libwebrtc itself waits between 50 and 250 ms."""
    desk = Desk(settings=dataclasses.replace(SMALL, transports_max=256, tracks_max=256))
    people = [desk.transport() for _ in range(publishers)]
    for at, person in enumerate(people):
        desk.video(person, 1_000 + 2 * at)
    told = 0
    for number in range(100):
        for at, person in enumerate(people):
            desk.receive(person, rtp(ssrc=1_000 + 2 * at, sequence=number, extensions={CC: number.to_bytes(2, "big")}))
        told += sum(isinstance(packet, rtcp.TransportFeedback) for packet in desk.run(10_000))
    assert told / publishers == pytest.approx(in_a_second, abs=1)


# -- header extensions -------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [b"\xbe\xde", b"\x10\x00"])
def test_elements_of_odd_ids_and_sizes_are_nobodys(call: Call, profile: bytes) -> None:
    """RFC 8285 4.2: id 0 is not a negotiated one, and two-byte elements may be empty."""
    call.start(1)
    call.engine.remove_track(call.microphone)
    block = b"\x05\x00\x00\x00" if profile == b"\x10\x00" else b"\x01\x09\x09\x00"
    packet = b"\x90" + call.video(2)[1:12] + profile + b"\0\1" + block + b"\x10\x01"
    (copy,) = call.send(packet)
    assert [e.id for e in parse_header(copy).elements] == [2, 9]
    assert [len(packet.raw) for packet in feedback(call)] == [24]  # of the first packet alone


def test_two_byte_extensions_are_understood() -> None:
    desk = Desk()
    an, bert = desk.transport(), desk.transport()
    desk.subscribe(bert, desk.audio(an))
    head = rtp(ssrc=200, payload_type=111)[1:12]
    (copy,) = desk.receive(an, b"\x90" + head + b"\x10\x00\0\2" + b"\x01\x01\x85\x04\x01a\0\0" + b"opus")
    assert {e.id: copy[e.start] for e in parse_header(copy).elements if e.id == 6} == {6: 0x85}


# -- which stream is whose ---------------------------------------------------------------------------


def test_a_stream_is_bound_by_its_mid_and_then_goes_without() -> None:
    """Rule 3."""
    call = Call(ssrc=None)
    assert len(call.send(call.video(1, key=True, ssrc=700))) == 1
    assert len(call.send(call.video(2, ssrc=700, extensions=None))) == 1
    assert call.send(call.video(3, ssrc=701, extensions={4: b"w"})) == []
    assert call.desk.drops()["unknown_ssrc"] == 1


def test_by_type_alone_no_stream_is_taken_from_a_track_that_runs(call: Call) -> None:
    """Two that look the same would take it from each other with every packet."""
    first = call.start(1)
    strange = call.video(500, ssrc=700, extensions=None)
    assert call.send(strange, call.video(2), strange, call.video(3)) != []
    assert call.desk.drops()["unknown_ssrc"] == 2
    assert sequence(call.desk.sent[-1][1]) - first == 2
    call.desk.now_us += 3_000_000  # but an encoder that was reloaded is found
    assert len(call.send(call.video(600, ssrc=700, extensions=None, key=True))) == 1


def test_an_ssrc_that_two_sections_declare_goes_to_the_later_and_stays_sound(call: Call) -> None:
    twin = call.desk.video(call.an, CAMERA, mid="w")
    out = call.desk.subscribe(call.bert, twin)
    call.engine.remove_track(call.camera)
    (packet,) = call.send(call.video(1, key=True, extensions=None))
    assert parse_header(packet).ssrc == out.ssrc
    call.engine.remove_track(twin)
    assert call.send(call.video(2)) == []


def test_streams_that_match_nothing_leave_no_trace(call: Call) -> None:
    call.start(1)
    before = call.engine.totals()
    for ssrc in range(1000, 6000):
        call.send(rtp(ssrc=ssrc, payload_type=ssrc % 128, extensions={4: b"nobody"}))
    assert call.desk.drops()["unknown_ssrc"] == 5000
    same = ("transports", "tracks", "subscriptions", "keyframe_waits")
    assert {name: call.engine.totals()[name] for name in same} == {name: before[name] for name in same}


def test_what_somebody_sends_who_publishes_nothing_is_nobodys(call: Call) -> None:
    assert call.desk.receive(call.bert, call.video(1, key=True)) == []
    assert call.desk.drops() == {"unknown_ssrc": 1}


# -- restarts ----------------------------------------------------------------------------------------


def steps(packets: list[bytes]) -> list[int]:
    return [sequence(b) - sequence(a) & 0xFFFF for a, b in pairwise(packets)]


@pytest.mark.parametrize("how", ["jump", "ssrc"])
def test_a_stream_that_begins_anew_goes_on_for_viewers(call: Call, how: str) -> None:
    """A reloaded encoder: numbers and times go on, and his old clock is not told of the new times (rule 16)."""
    for number in range(1, 51):
        call.desk.now_us += 33_333
        call.send(call.video(number, key=number == 1))
    call.an_reports(5 << 32, 50 * 3000)
    assert call.sender_reports()
    call.desk.now_us += 33_333
    base = 12_345_678
    fields = {"ssrc": 700} if how == "ssrc" else {}
    call.send(call.video(40_000, key=True, timestamp=base, **fields))
    call.send(call.video(40_001, key=True, timestamp=base, **fields))
    pictures = [packet for _, packet in call.desk.sent if parse_header(packet).ssrc == call.picture.ssrc]
    assert all(1 <= step <= 2 for step in steps(pictures))
    gone_by = timestamp(pictures[-1]) - timestamp(pictures[49]) & 0xFFFFFFFF
    assert 2_000 < gone_by < 6_000  # 43 ms are 3,900
    assert call.sender_reports(1_100_000) == []
    call.an_reports(9 << 32, base, ssrc=700 if how == "ssrc" else CAMERA)
    (report,) = call.sender_reports()
    assert abs(report.rtp - timestamp(pictures[-1])) < 2_000


def test_an_outage_is_no_new_clock(call: Call) -> None:
    """Numbers jump further than loss explains, times go on as they should: lips stay in sync."""
    for number in range(1, 51):
        call.desk.now_us += 33_333
        call.send(call.video(number, key=number == 1))
    call.an_reports(5 << 32, 50 * 3000)
    call.desk.now_us += 60_000_000
    for number in (9000, 9001):
        call.send(call.video(number, key=True, timestamp=50 * 3000 + 60 * 90_000))
    first, last = call.desk.sent[0][1], call.desk.sent[-1][1]
    assert timestamp(last) - timestamp(first) & 0xFFFFFFFF == 49 * 3000 + 60 * 90_000
    assert len(call.sender_reports()) == 1


def test_padding_before_a_restart_leaves_no_gap_after_it(call: Call) -> None:
    call.start(1)
    call.send(call.padding(2), call.padding(3), call.video(4, marker=True))
    call.send(call.video(40_000, key=True), call.video(40_001, key=True))
    pictures = [packet for _, packet in call.desk.sent]
    assert all(1 <= step <= 2 for step in steps(pictures))


def test_one_far_packet_is_not_yet_a_restart(call: Call) -> None:
    """RFC 3550 A.1."""
    first = call.start(1)
    assert call.send(call.video(30_000)) == []
    (packet,) = call.send(call.video(2))
    assert sequence(packet) - first == 1
    assert call.send(call.video(40_000)) == []
    assert call.desk.drops() == {"sequence_jump": 2}


def test_sound_restarts_at_once(call: Call) -> None:
    (before,) = call.send(call.audio(10))
    call.send(call.audio(30_000))
    (after,) = call.send(call.audio(30_001))
    assert sequence(after) - sequence(before) == 1
    assert call.receiver_block(MICROPHONE).lost == 0
