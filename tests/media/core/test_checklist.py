"""The rules that a forwarder has to keep, one test each, numbered as in the list that this project works by.

Short on purpose: the edges of each rule are in the tests of its module.  Rules that need sockets are in tests/media/io;
13 to 15, 17, 18, 25 and 26 are about several layers of one stream, which are not forwarded yet.
"""

from __future__ import annotations

import numpy as np
import pytest

from media.core import rtcp, stun
from media.core.codecs import is_keyframe
from media.core.errors import PeerError
from media.core.ice import ADDRESSES_MAX, CONSENT_US
from media.core.model import TransportFailed
from media.core.rtp import parse_header
from tests.support.bench import sequence, ssrc_of, timestamp
from tests.support.call import CAMERA, CC, MICROPHONE, Call
from tests.support.packets import VP8_KEY, rtp

IP = b"\x7f\0\0\1"
ABS_SEND_TIME_OUT, MID_OUT = 2, 9


@pytest.fixture
def call() -> Call:
    return Call()


def check(call: Call, ufrag: str, password: str, address: bytes, number: int, *, nominate: bool = False) -> int:
    """An ICE connectivity check; the transport it belongs to."""
    data = stun.binding_request(number.to_bytes(12, "big"), f"{ufrag}:peer", password.encode(), 1, 2, nominate)
    return call.engine.ice.handle(data, address, IP, 9, call.desk.now_us).transport


def packets_to(call: Call, transport: int, for_us: int) -> list[rtcp.Packet]:
    return [packet for to, compound in call.reports(for_us) if to == transport for packet in compound]


def test_rule_1_stun_is_told_from_media_by_its_first_byte(call: Call) -> None:
    """tests/media/io/test_server.py has the port; here: no parser takes the other's packets."""
    for media in (call.video(1), rtcp.pli(1, 2)):
        with pytest.raises(PeerError):
            stun.parse_binding_request(media + bytes(-len(media) % 4))
    data = stun.binding_request(bytes(12), "a:b", b"key", 1, 2, False)
    assert call.send(data) == []
    assert call.desk.drops() == {"rtp_malformed": 1}


def test_rule_2_an_address_is_learned_from_an_authenticated_check_and_moved_by_nomination(call: Call) -> None:
    transport, ice = call.engine.open_transport(call.desk.now_us)
    with pytest.raises(PeerError, match="stun_bad_integrity"):
        check(call, ice.ufrag, "guessed", b"A", 1)
    with pytest.raises(PeerError, match="stun_unknown_user"):
        check(call, "nobody", ice.pwd, b"A", 2)
    assert check(call, ice.ufrag, ice.pwd, b"A", 3) == transport
    for number in range(20):
        check(call, ice.ufrag, ice.pwd, b"B%d" % number, 10 + number)
    assert call.engine.ice.selected_address(transport) == b"A"
    assert len(call.engine.ice.by_address) == ADDRESSES_MAX
    check(call, ice.ufrag, ice.pwd, b"C", 40, nominate=True)
    assert call.engine.ice.selected_address(transport) == b"C"


def test_rule_3_a_stream_is_bound_by_ssrc_or_mid_once_and_probes_are_counted_only() -> None:
    call = Call(ssrc=None)
    probe = rtp(ssrc=0, payload=b"", padding=200, extensions={CC: b"\0\1"})
    assert call.send(probe) == []
    assert call.desk.drops() == {"probe": 1}
    assert len(call.send(call.video(1, key=True, ssrc=700))) == 1
    assert len(call.send(call.video(2, ssrc=700, extensions=None))) == 1
    assert any(isinstance(packet, rtcp.TransportFeedback) for packet in packets_to(call, call.an, 100_000))


def test_rule_4_numbers_and_times_are_extended_and_a_restart_is_noticed(call: Call) -> None:
    first = call.start(65_530)
    copies = [call.send(call.video(number, timestamp=0xFFFFF000 + number))[0] for number in range(65_531, 65_545)]
    assert [sequence(copy) - first for copy in copies] == list(range(1, 15))
    call.send(call.video(30_000), call.video(30_001))
    assert call.desk.drops()["sequence_jump"] == 1
    assert call.engine.totals()["keyframe_waits"] == 1


def test_rule_5_a_retransmission_takes_the_place_of_the_lost_packet(call: Call) -> None:
    first = call.start(1)
    call.send(call.video(3))
    (copy,) = call.send(call.resent(2))
    assert (sequence(copy) - first, parse_header(copy).payload_size) == (1, 100)
    assert call.send(call.resent(9, payload=b"")) == []
    assert call.send(call.resent(2)) == []


def test_rule_6_padding_is_counted_never_forwarded_and_its_number_consumed(call: Call) -> None:
    first = call.start(1)
    copies = call.send(call.video(2), call.padding(3), call.video(4))
    assert [sequence(copy) - first for copy in copies] == [1, 2]
    assert call.receiver_block().lost == 0


def test_rule_7_receiver_reports_have_cycles_signed_loss_and_delays(call: Call) -> None:
    call.start(65_530)
    call.send(*[call.video(number) for number in range(65_531, 65_551) if number != 65_540])
    call.an_reports(7 << 32, 0)
    block = call.receiver_block()
    assert (block.highest, block.lost, block.lsr) == (65_550, 1, 7 << 16)
    assert block.fraction_lost == 256 // 21
    assert block.dlsr > 0


def test_rule_8_feedback_has_the_kernels_times_and_stands_alone(call: Call) -> None:
    call.start(1)
    arena = call.engine.arena
    packet = call.video(2)
    arena.bytes[900, 64 : 64 + len(packet)] = np.frombuffer(packet, np.uint8)
    arena.length[900] = len(packet)
    row, sender = np.array([900]), np.array([call.an], np.int64)
    call.engine.receive(row, sender, np.array([call.desk.now_us + 5_000]), call.desk.now_us + 9_000)
    sent = [compound for to, compound in call.reports(100_000) if to == call.an]
    (alone,) = [compound for compound in sent if any(isinstance(p, rtcp.TransportFeedback) for p in compound)]
    (feedback,) = alone
    assert isinstance(feedback, rtcp.TransportFeedback)
    assert feedback.raw[23] == 5_000 // 250  # the second delta


def test_rule_9_loss_is_asked_after_reordering_and_given_up_for_a_key_frame(call: Call) -> None:
    call.start(1)
    call.send(call.video(3))
    assert not [p for p in packets_to(call, call.an, 10_000) if isinstance(p, rtcp.Nack)]
    later = packets_to(call, call.an, 3_000_000)
    asked = [p for p in later if isinstance(p, rtcp.Nack)]
    assert 1 < len(asked) <= 10
    assert any(isinstance(p, rtcp.Pli) for p in later)


@pytest.mark.parametrize(
    ("codec", "payload"),
    [("VP8", VP8_KEY), ("VP9", b"\x88\x85\x05\0"), ("H264", b"\x78\0\2\x67\x42"), ("AV1", b"\x08\0")],
)
def test_rule_10_key_frames_are_known_in_each_codec(codec: str, payload: bytes) -> None:
    assert is_keyframe(codec, payload)


def test_rule_11_a_viewer_has_own_ssrc_and_a_first_number_far_from_a_wrap(call: Call) -> None:
    (copy,) = call.send(call.video(65_535, key=True))
    assert ssrc_of(copy) == call.picture.ssrc != CAMERA
    assert 1000 <= sequence(copy) <= 32_767


def test_rule_12_loss_stays_visible_and_what_we_hold_back_does_not(call: Call) -> None:
    first = call.start(1)
    (after_loss,) = call.send(call.video(4, marker=True))
    assert sequence(after_loss) - first == 3
    call.engine.set_subscription_paused(call.picture.subscription, True)
    call.send(*[call.video(number) for number in range(5, 20)])
    call.engine.set_subscription_paused(call.picture.subscription, False)
    (resumed,) = call.send(call.video(20, key=True))
    assert sequence(resumed) - first == 4


def test_rule_16_after_a_mute_time_has_gone_by(call: Call) -> None:
    call.start(1)
    call.engine.set_track_muted(call.camera, True)
    assert call.send(call.video(2)) == []
    call.engine.set_track_muted(call.camera, False)
    (copy,) = call.send(call.video(61, key=True))
    assert timestamp(copy) - timestamp(call.desk.sent[0][1]) & 0xFFFFFFFF == 60 * 3000


def test_rule_19_video_begins_with_a_key_frame_that_is_asked_for_until_it_comes(call: Call) -> None:
    call.send(call.video(1))
    asked = [p for p in packets_to(call, call.an, 2_000_000) if isinstance(p, rtcp.Pli)]
    assert len(asked) == 4
    assert call.send(call.video(2)) == []
    assert len(call.send(call.video(3, key=True), call.video(4))) == 2
    assert not [p for p in packets_to(call, call.an, 2_000_000) if isinstance(p, rtcp.Pli)]


def test_rule_20_what_is_asked_again_is_resent_as_it_was_and_not_without_end(call: Call) -> None:
    call.start(1)
    (copy,) = call.send(call.video(2, marker=True))
    (resent,) = call.ask_again(sequence(copy))
    assert (timestamp(resent), resent[1] & 0x80) == (timestamp(copy), 0x80)
    assert call.ask_again(sequence(copy)) == []
    assert call.desk.drops() == {"nack_too_soon": 1}


def test_rule_21_retransmissions_have_own_ssrc_and_numbers_and_carry_the_original(call: Call) -> None:
    first = call.start(1)
    call.send(call.video(2))
    one, two = call.ask_again(first, first + 1)
    assert ssrc_of(one) == ssrc_of(two) == call.picture.rtx_ssrc
    assert sequence(two) - sequence(one) == 1
    assert int.from_bytes(one[28:30], "big") == first


def test_rule_22_sender_reports_are_the_publishers_clock_never_arrival(call: Call) -> None:
    call.start(1)
    call.desk.now_us += 777_000  # whenever packets come
    (copy,) = call.send(call.video(2))
    call.an_reports(100 << 32, 6000)
    (report,) = call.sender_reports()
    elapsed = (report.ntp - (100 << 32)) * 90_000 >> 32
    assert abs(report.rtp - timestamp(copy) - elapsed) <= 1
    assert call.picture.cname == call.sound.cname
    call.sender_reports(2_500_000)
    assert call.sender_reports(3_000_000) == []


def test_rule_23_extensions_are_the_viewers_and_the_time_is_that_of_sending(call: Call) -> None:
    call.start(1)
    (now,) = call.send(call.video(2))
    call.desk.now_us += 1_000_000
    (later,) = call.send(call.video(3))

    def elements(packet: bytes) -> dict[int, bytes]:
        return {e.id: packet[e.start : e.start + e.size] for e in parse_header(packet).elements}

    assert elements(now)[MID_OUT] == b"3"
    assert CC not in elements(now)
    passed = int.from_bytes(elements(later)[ABS_SEND_TIME_OUT], "big") - int.from_bytes(
        elements(now)[ABS_SEND_TIME_OUT], "big"
    )
    assert abs((passed & 0xFFFFFF) - (1 << 18)) <= 1  # a second in 6.18 fixed point


def test_rule_24_what_a_viewer_reports_reaches_no_publisher(call: Call) -> None:
    call.start(1)
    before = len([p for p in packets_to(call, call.an, 500_000) if isinstance(p, rtcp.Remb)])
    call.bert_says(rtcp.remb(1, 100_000, [call.picture.ssrc]))
    call.bert_says(rtcp.receiver_report(1, [rtcp.ReportBlock(call.picture.ssrc, 255, 99, 0, 0, 0, 0)]))
    told = packets_to(call, call.an, 1_500_000)
    assert before == 0
    assert not any(isinstance(p, rtcp.Remb) for p in told)
    blocks = [block for p in told if isinstance(p, rtcp.ReceiverReport) for block in p.blocks]
    assert {(block.ssrc, block.lost) for block in blocks} == {(CAMERA, 0)}


def test_rule_27_padding_and_probes_take_no_place_in_what_can_be_resent(call: Call) -> None:
    call.start(1)
    copies = call.send(
        call.padding(2), call.video(3, payload=b"three"), call.padding(4), call.video(5, payload=b"five")
    )
    assert [resent[30:] for resent in call.ask_again(*map(sequence, copies))] == [b"three", b"five"]


def test_rule_28_a_number_is_never_sent_with_another_payload(call: Call) -> None:
    """Not by reordering, padding, pauses and restarts; the same again is a retransmission."""
    call.start(1)
    for number in (3, 2, 5, 4, 7):
        call.send(call.video(number, payload=number.to_bytes(2, "big")))
        call.engine.set_subscription_paused(call.picture.subscription, True)
        call.send(call.padding(number + 10), call.video(number + 11))
        call.engine.set_subscription_paused(call.picture.subscription, False)
        call.send(call.video(number + 12, key=True))
    call.send(call.video(30_000), call.video(30_001, key=True), call.video(30_002, key=True))
    numbers = [sequence(copy) for _, copy in call.desk.sent if ssrc_of(copy) == call.picture.ssrc]
    assert len(numbers) == len(set(numbers))


def test_rule_29_consent_ends_a_peer_and_a_restart_of_ice_keeps_his_streams(call: Call) -> None:
    ice = call.engine.restart_ice(call.an)
    check(call, ice.ufrag, ice.pwd, b"A", 1)
    first = call.start(1)
    again = call.engine.restart_ice(call.an)
    check(call, again.ufrag, again.pwd, b"B", 2, nominate=True)
    (copy,) = call.send(call.video(2))
    assert sequence(copy) - first == 1
    call.desk.run(CONSENT_US + 2_000_000, 1_000_000)
    failed = [event for event in call.engine.take_events() if isinstance(event, TransportFailed)]
    assert (call.an, "consent") in [(event.transport, event.reason) for event in failed]


def test_rule_30_after_the_end_nothing_more_goes_out_in_his_name(call: Call) -> None:
    """The page takes the tile away by the signalling; the media leaves nothing behind that could be shown or asked."""
    number = call.start(1)
    call.send(call.audio(1))
    call.engine.close_transport(call.an)
    assert call.desk.receive(call.an, call.video(2, key=True), call.audio(2)) == []
    assert call.ask_again(number) == []
    call.an_reports(1 << 32, 0, MICROPHONE)
    assert call.sender_reports(1_500_000) == []
    assert call.engine.totals()["tracks"] == call.engine.totals()["subscriptions"] == 0
