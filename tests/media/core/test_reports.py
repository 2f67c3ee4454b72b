"""Reports: senders' in the publisher's clock, receivers' about what really came, and what viewers may ask by RTCP."""

from __future__ import annotations

from itertools import pairwise

import pytest
from aiortc import rtp as aiortc

from media.core import rtcp
from media.core.model import BandwidthChanged, ParticipantId, ReceiveSpec, RoomId
from media.core.reports import NACKS_MAX, SIZE_MAX
from tests.support.bench import OPUS, Desk, timestamp
from tests.support.call import CAMERA, MICROPHONE, Call
from tests.support.packets import rtp

SECOND = 1 << 32
NTP = 3_900_000_000 * SECOND


@pytest.fixture
def call() -> Call:
    call = Call()
    call.start(1)
    call.send(call.audio(1))
    call.reports(1_000_000)
    return call


def keep_sending(call: Call, number: int) -> None:
    call.send(call.video(number), call.audio(number))


def signed(value: int) -> int:
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


# -- to viewers --------------------------------------------------------------------------------------


def test_no_report_before_the_publishers_own(call: Call) -> None:
    keep_sending(call, 2)
    assert call.sender_reports(1_500_000) == []


def test_the_publishers_first_report_is_passed_on_at_once(call: Call) -> None:
    keep_sending(call, 2)
    call.an_reports(NTP, 6000)
    assert [report.ssrc for report in call.sender_reports()] == [call.picture.ssrc]


def test_a_viewer_who_joins_later_is_told_at_once(call: Call) -> None:
    call.an_reports(NTP, 6000)
    call.reports(100_000)
    carol = call.desk.transport()
    out = call.desk.subscribe(carol, call.camera)
    call.send(call.video(2, key=True))
    told = [packet.ssrc for to, compound in call.reports() if to == carol for packet in compound[:1]]  # type: ignore[union-attr]
    assert told == [out.ssrc]


def test_reports_say_the_publishers_clock_advanced_and_nothing_of_arrival_times(call: Call) -> None:
    """Rule 22: whatever the uplink does to packets, NTP and RTP stay on the publisher's line."""
    (first_copy,) = call.send(call.video(2))
    offset = timestamp(first_copy) - 2 * 3000
    call.an_reports(NTP, 6000)
    reports: list[rtcp.SenderReport] = []
    for number in range(3, 60):
        call.desk.now_us += 7_000 * (number % 11)  # jitter
        keep_sending(call, number)
        reports += call.sender_reports(50_000)
    assert len([report for report in reports if report.ssrc == call.picture.ssrc]) >= 3
    for report in reports:
        elapsed = (report.ntp - NTP) * 90_000 >> 32
        assert abs(signed(report.rtp - offset - 6000 - elapsed)) <= 1


def test_sound_and_picture_are_told_by_the_same_clock(call: Call) -> None:
    """Lip sync: captured together, they are shown together, though their reports came 300 ms apart."""
    sound, picture = call.send(call.audio(2))[0], call.send(call.video(2))[0]
    call.an_reports(NTP, 2 * 3000, CAMERA)
    call.desk.now_us += 300_000
    call.an_reports(NTP + SECOND * 3 // 10, 2 * 960 + 14_400, MICROPHONE)
    keep_sending(call, 3)
    reports = {report.ssrc: report for report in call.sender_reports(1_500_000)}
    captured = [
        report.ntp - (signed(report.rtp - timestamp(packet)) << 32) // rate
        for report, packet, rate in (
            (reports[call.picture.ssrc], picture, 90_000),
            (reports[call.sound.ssrc], sound, 48_000),
        )
    ]
    assert abs(captured[0] - captured[1]) < SECOND // 10_000


def test_reports_do_not_regress_when_a_delayed_one_is_followed_by_a_quick_one(call: Call) -> None:
    last = 0
    for number in range(2, 12):
        call.desk.now_us += 400_000 if number % 2 else 0  # every second report comes late
        call.an_reports(NTP + number * SECOND, number * 90_000)
        keep_sending(call, number)
        for report in call.sender_reports(600_000):
            assert report.ntp >= last
            last = report.ntp


def test_a_stream_that_is_quiet_for_two_seconds_has_no_report(call: Call) -> None:
    call.an_reports(NTP, 6000)
    keep_sending(call, 2)
    assert call.sender_reports(1_900_000)
    assert call.sender_reports(3_000_000) == []
    keep_sending(call, 3)
    assert call.sender_reports(1_100_000)


def test_a_paused_stream_has_no_report(call: Call) -> None:
    call.an_reports(NTP, 6000)
    call.engine.set_subscription_paused(call.picture.subscription, True)
    keep_sending(call, 2)
    assert call.sender_reports(1_100_000) == []


def test_a_report_counts_what_was_sent(call: Call) -> None:
    keep_sending(call, 2)
    call.an_reports(NTP, 6000)
    (report,) = call.sender_reports()
    assert (report.packets, report.octets) == (2, 200)


def test_streams_of_one_publisher_share_their_name(call: Call) -> None:
    """RFC 3550 6.5.1: receivers synchronize what has one CNAME."""
    assert call.picture.cname == call.sound.cname
    other = call.desk.subscribe(call.bert, call.desk.audio(call.desk.transport(), 300))
    assert other.cname != call.sound.cname
    call.an_reports(NTP, 6000)
    call.an_reports(NTP, 960, MICROPHONE)
    keep_sending(call, 2)
    call.desk.poll(10_000)
    ((_, data, _),) = [control for control in call.desk.control if control[0] == call.bert]
    packets = aiortc.RtcpPacket.parse(data)
    chunks = [chunk for packet in packets if isinstance(packet, aiortc.RtcpSdesPacket) for chunk in packet.chunks]
    assert {chunk.ssrc: chunk.items for chunk in chunks} == {
        ssrc: [(1, call.picture.cname.encode())] for ssrc in (call.picture.ssrc, call.sound.ssrc)
    }


def test_many_reports_are_cut_into_packets_that_any_path_carries() -> None:
    desk = Desk()
    bert = desk.transport()
    for number in range(60):
        an = desk.transport()
        desk.subscribe(bert, desk.audio(an))
        desk.receive(an, rtp(ssrc=200, payload_type=111))
        desk.hear(an, rtcp.sender_report(200, NTP, number, 0, 0))
    packets = [data for to, data, _ in desk.poll(10_000) if to == bert]
    assert len(packets) > 1
    assert max(map(len, packets)) <= SIZE_MAX
    reports = [packet for data in packets for packet in rtcp.parse_compound(data)]
    assert sum(isinstance(packet, rtcp.SenderReport) for packet in reports) == 60
    assert all(data[1] == rtcp.SR for data in packets)


def test_everybody_is_reported_to_once_a_second_and_not_all_at_once() -> None:
    desk = Desk()
    for _ in range(20):
        desk.audio(desk.transport())
    at_us: dict[int, list[int]] = {}
    for _ in range(500):
        for transport, _, _ in desk.poll(10_000):
            at_us.setdefault(transport, []).append(desk.now_us)
    assert len(at_us) == 20
    assert all(950_000 <= b - a <= 1_100_000 for times in at_us.values() for a, b in pairwise(times[1:]))
    assert len({times[-1] for times in at_us.values()}) >= 10


# -- to publishers -----------------------------------------------------------------------------------


def test_the_highest_number_counts_wraps() -> None:
    call = Call()
    for number in range(65_500, 65_600):
        call.send(call.video(number, key=number == 65_500))
    block = call.receiver_block()
    assert (block.highest, block.lost) == (65_599, 0)


def test_loss_is_told_in_total_and_since_the_last_report(call: Call) -> None:
    call.send(*[call.video(number) for number in range(2, 42) if number % 4])
    block = call.receiver_block()
    assert (block.lost, block.fraction_lost) == (10, 256 * 10 // 40)
    call.send(*[call.video(number) for number in range(42, 50)])
    block = call.receiver_block()
    assert (block.lost, block.fraction_lost) == (10, 0)


def test_a_retransmission_does_not_hide_the_loss(call: Call) -> None:
    call.send(call.video(3))
    call.send(call.resent(2))
    assert call.receiver_block().lost == 1


def test_duplicates_make_the_loss_negative(call: Call) -> None:
    """RFC 3550 6.4.1: it is signed."""
    call.send(call.video(2), call.video(2), call.video(2))
    assert call.receiver_block().lost == -2


@pytest.mark.parametrize("muted", [False, True])
def test_padding_and_muted_packets_were_received(call: Call, muted: bool) -> None:
    """Else the publisher's browser takes a mute for a line that lost everything."""
    call.engine.set_track_muted(call.camera, muted)
    call.send(call.video(2), call.padding(3), call.padding(4))
    block = call.receiver_block()
    assert (block.lost, block.fraction_lost, block.highest) == (0, 0, 4)


def test_a_stream_that_began_anew_is_counted_anew(call: Call) -> None:
    call.send(*[call.video(number) for number in range(2, 100, 3)])
    assert call.receiver_block().lost > 0
    call.send(call.video(40_000), call.video(40_001), *[call.video(number) for number in range(40_002, 40_200)])
    block = call.receiver_block()
    assert (block.lost, block.fraction_lost, block.highest) == (0, 0, 40_199)


def test_a_track_in_a_reused_row_is_counted_anew(call: Call) -> None:
    call.send(*[call.video(number) for number in range(2, 60)])
    call.receiver_block()
    call.engine.remove_track(call.camera)
    assert call.desk.video(call.an) == call.camera
    call.send(*[call.video(number) for number in range(1, 200, 2)])
    block = call.receiver_block()
    assert (block.lost, block.fraction_lost) == (99, 256 * 99 // 199)


def test_the_publisher_hears_when_his_report_came(call: Call) -> None:
    call.an_reports(0x0001_0002_0003_0004, 0)
    block = call.receiver_block()
    assert block.lsr == 0x0002_0003
    assert 0 < block.dlsr <= 0x10000


def test_jitter_is_in_clock_units() -> None:
    call = Call()
    for number in range(1, 401):  # every second packet is 10 ms late
        call.desk.now_us += 43_000 if number % 2 else 23_000
        call.send(call.video(number, key=True, timestamp=number * 2970))
    jitter = call.receiver_block(for_us=1_000_000).jitter
    assert 600 < jitter < 1100  # 10 ms are 900


def test_a_publisher_without_streams_gets_an_empty_report() -> None:
    desk = Desk()
    an = desk.transport()
    desk.audio(an)
    packets = [packet for packet in desk.run(1_100_000) if isinstance(packet, rtcp.ReceiverReport)]
    assert packets
    assert all(packet.blocks == () for packet in packets)


def test_more_streams_than_a_report_holds() -> None:
    desk = Desk()
    an = desk.transport()
    for number in range(40):
        spec = ReceiveSpec("audio", "microphone", f"m{number}", OPUS, 111, ssrc=1000 + number)
        desk.engine.add_track(an, RoomId("room"), ParticipantId("an"), spec)
        desk.receive(an, rtp(ssrc=1000 + number, payload_type=111))
    (report, *_) = [packet for packet in desk.run(1_100_000) if isinstance(packet, rtcp.ReceiverReport)]
    assert len(report.blocks) == 31


# -- from viewers ------------------------------------------------------------------------------------


def test_a_round_trip_is_measured_from_what_the_viewer_echoes(call: Call) -> None:
    call.an_reports(NTP, 6000)
    keep_sending(call, 2)
    (report,) = call.sender_reports()
    call.desk.now_us += 180_000
    block = rtcp.ReportBlock(call.picture.ssrc, 25, 3, 0, 0, report.ntp >> 16 & 0xFFFFFFFF, (1 << 16) // 10)
    call.bert_says(rtcp.receiver_report(1, [block]))
    stats = call.engine.transport_stats(call.bert)
    assert abs(stats["rtt_us"] - 80_000) < 200
    assert stats["packets_lost"] == 3


def test_a_flood_of_numbers_is_looked_at_in_part(call: Call) -> None:
    """However they are spread over the packets of a compound."""
    call.bert_says(rtcp.nack(1, call.picture.ssrc, range(20_000, 20_200)) * 10)
    assert call.desk.drops()["nack_unknown"] == NACKS_MAX


def test_what_is_asked_of_no_stream_of_theirs_is_counted(call: Call) -> None:
    assert call.picture.rtx_ssrc is not None
    call.bert_says(rtcp.pli(1, 9) + rtcp.fir(1, 9, 0) + rtcp.nack(1, 9, [1]) + rtcp.nack(1, call.picture.rtx_ssrc, [1]))
    assert call.desk.drops()["rtcp_unknown_ssrc"] == 4
    call.an_reports(NTP, 0, ssrc=9)
    assert call.desk.drops()["rtcp_unknown_ssrc"] == 5
    call.bert_says(b"\x80")
    assert call.desk.drops()["rtcp_malformed"] == 1


def test_an_estimate_is_news_when_it_moved_by_a_tenth(call: Call) -> None:
    call.engine.take_events()
    for bps in (1_000_000, 1_050_000, 1_150_000, 1_100_000, 500_000):
        call.bert_says(rtcp.remb(1, bps, [call.picture.ssrc]))
    told = [event.bps for event in call.engine.take_events() if isinstance(event, BandwidthChanged)]
    assert [round(bps, -4) for bps in told] == [1_000_000, 1_150_000, 500_000]


def test_a_closed_transport_says_nothing_more(call: Call) -> None:
    call.engine.close_transport(call.bert)
    call.desk.hear(call.bert, rtcp.pli(1, call.picture.ssrc))
    assert not [to for to, _, _ in call.desk.poll(1_000_000) if to == call.bert]


def test_who_serves_another_after_a_publisher_is_not_told_about_him(call: Call) -> None:
    """The row of somebody who stopped all his streams, and then left."""
    desk = call.desk
    for track in (call.camera, call.microphone):
        call.engine.remove_track(track)
    desk.poll(1_000_000)
    call.engine.close_transport(call.an)
    viewer = desk.transport()
    assert viewer == call.an
    assert not [data for _ in range(5) for to, data, _ in desk.poll(1_000_000) if to == viewer]


# -- the end of a stream -----------------------------------------------------------------------------


def goodbyes(call: Call) -> list[tuple[int, list[rtcp.Packet]]]:
    """Compound packets with a BYE in them, and to whom."""
    sent = [(int(to), rtcp.parse_compound(data)) for to, data, is_rtcp in call.engine.take_control() if is_rtcp]
    return [(to, packets) for to, packets in sent if any(isinstance(each, rtcp.Bye) for each in packets)]


def test_a_stream_that_ends_says_so_to_its_viewer() -> None:
    """RFC 3550 6.6: with the retransmissions that there were; each compound begins with a report (6.1)."""
    call = Call()
    out = call.start(1)
    call.send(call.audio(1))
    assert call.ask_again(out)
    call.engine.remove_subscription(call.picture.subscription)
    call.engine.remove_subscription(call.sound.subscription)
    said = goodbyes(call)
    assert [to for to, _ in said] == [call.bert, call.bert]
    again = call.picture.rtx_ssrc
    assert again is not None
    for (_, packets), ssrcs in zip(said, ((call.picture.ssrc, again), (call.sound.ssrc,)), strict=True):
        first, names, bye = packets
        assert first == rtcp.ReceiverReport(ssrcs[0], ()) and names == rtcp.Other(rtcp.SDES)
        assert bye == rtcp.Bye(ssrcs)


def test_the_streams_of_a_track_end_with_it_for_every_viewer() -> None:
    call = Call()
    carol = call.desk.transport()
    hers = call.desk.subscribe(carol, call.camera)
    call.start(1)
    call.engine.remove_track(call.camera)
    assert [(to, packets[-1]) for to, packets in goodbyes(call)] == [
        (call.bert, rtcp.Bye((call.picture.ssrc,))),
        (carol, rtcp.Bye((hers.ssrc,))),
    ]


def test_what_was_never_sent_or_goes_with_its_connection_has_no_goodbye() -> None:
    """RFC 3550 6.3.7; a connection that closes says goodbye by DTLS."""
    call = Call()
    call.engine.remove_subscription(call.picture.subscription)
    assert goodbyes(call) == []
    call.send(call.audio(1))
    call.engine.close_transport(call.bert)
    assert goodbyes(call) == []


def test_what_asks_for_more_of_a_stream_after_its_goodbye_is_counted_and_dropped() -> None:
    call = Call()
    out = call.start(1)
    call.engine.remove_subscription(call.picture.subscription)
    assert call.ask_again(out) == []
    assert call.engine.drops()["rtcp_unknown_ssrc"] == 1
