"""One track to one viewer: how numbers and times go on, and what may be asked again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.core.model import SendSpec
from media.core.rtp import parse_header
from media.core.subscriptions import (
    FIRST_SEQUENCE,
    RESEND_AGAIN_US,
    RESEND_FLOOR,
    RESEND_SHARE,
    RESENDS_MAX,
)
from tests.support.bench import OUT_IDS, Desk, sequence, ssrc_of, timestamp
from tests.support.call import CC, Call
from tests.support.packets import delta_frame, key_frame, rtp

ORIENTATION_IN, ORIENTATION_OUT = 5, 7


@pytest.fixture
def call() -> Call:
    return Call()


def only(packets: list[bytes]) -> bytes:
    (packet,) = packets
    return packet


# -- numbers -----------------------------------------------------------------------------------------


def test_first_numbers_leave_room_on_both_sides() -> None:
    """Rule 11: far from a wrap, in which a receiver would guess the rollover counter wrongly."""
    firsts = {Call(seed=seed).start(65_535 - seed) for seed in range(40)}
    assert firsts <= set(FIRST_SEQUENCE)
    assert range(1000, 32_768) == FIRST_SEQUENCE
    assert len(firsts) > 30


def test_a_late_joiner_does_not_inherit_the_publishers_wraps() -> None:
    """He decrypts from rollover counter 0 on (RFC 3711 3.3.1), whatever the publisher's is by then."""
    call = Call()
    for number in range(65_000, 140_000, 400):
        call.send(call.video(number, key=True))
    carol = call.desk.transport()
    call.desk.subscribe(carol, call.camera)
    call.send(call.video(140_000, key=True))
    first = next(packet for to, packet in call.desk.sent if to == carol)
    assert sequence(first) in FIRST_SEQUENCE


@pytest.mark.parametrize(("marker", "step"), [(True, 1), (False, 2)])
def test_numbers_go_on_after_a_pause_and_tell_of_an_unfinished_frame(call: Call, marker: bool, step: int) -> None:
    """mediasoup issue 408: without a gap a decoder would put halves of two frames together."""
    call.start(1)
    last = only(call.send(call.video(2, marker=marker)))
    subscription = call.picture.subscription
    call.engine.set_subscription_paused(subscription, True)
    assert call.send(call.video(3), call.video(4)) == []
    call.engine.set_subscription_paused(subscription, False)
    assert call.send(call.video(5)) == []
    resumed = only(call.send(call.video(6, key=True)))
    assert sequence(resumed) - sequence(last) == step
    assert timestamp(resumed) - timestamp(last) & 0xFFFFFFFF == 4 * 3000  # rule 16


def test_one_that_begins_paused_waits_for_its_turn(call: Call) -> None:
    held = call.engine.add_subscription(call.bert, call.camera, SendSpec("9", 100, 101), paused=True)
    assert len(call.send(call.video(1, key=True))) == 1, "the other one's"
    assert {ssrc_of(packet) for packet in call.send(call.video(2))} == {call.picture.ssrc}
    call.engine.set_subscription_paused(held.subscription, False)
    assert {ssrc_of(packet) for packet in call.send(call.video(3, key=True))} == {call.picture.ssrc, held.ssrc}


def test_sound_goes_on_without_a_gap(call: Call) -> None:
    last = only(call.send(call.audio(1)))
    call.engine.set_subscription_paused(call.sound.subscription, True)
    call.send(call.audio(2))
    call.engine.set_subscription_paused(call.sound.subscription, False)
    assert sequence(only(call.send(call.audio(3)))) - sequence(last) == 1


def test_padding_in_a_pause_leaves_no_gap_either(call: Call) -> None:
    call.start(1)
    last = only(call.send(call.video(2, marker=True)))
    call.engine.set_subscription_paused(call.picture.subscription, True)
    call.send(call.video(3), call.padding(4), call.padding(5))
    call.engine.set_subscription_paused(call.picture.subscription, False)
    after = call.send(call.video(6, key=True), call.padding(7), call.video(8))
    assert [sequence(packet) - sequence(last) for packet in after] == [1, 2]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from("mmmmmmlpkqu"), min_size=1, max_size=80))
def test_whatever_is_paused_lost_and_padded_numbers_grow_by_what_was_lost(plan: list[str]) -> None:
    """m media, l lost, p padding, k key frame, q pause, u resume: no number twice, no gap but for loss and seams."""
    call = Call()
    call.start(1)
    number, lost, seam = 1, 0, 0
    last = sequence(call.desk.sent[-1][1])
    for kind in plan:
        if kind in "qu":
            call.engine.set_subscription_paused(call.picture.subscription, kind == "q")
            seam = 1
            continue
        number += 1
        if kind == "l":
            lost += 1
            continue
        packet = call.padding(number) if kind == "p" else call.video(number, key=kind == "k", timestamp=number)
        for copy in call.send(packet):
            step = sequence(copy) - last & 0xFFFF
            assert 1 <= step <= 1 + lost + seam
            last, lost, seam = sequence(copy), 0, 0


# -- retransmissions ---------------------------------------------------------------------------------


def test_a_packet_is_resent_as_it_was_first_sent(call: Call) -> None:
    """Rules 20 and 21, RFC 4588 4: own SSRC, own counter, the original number before the payload."""
    call.start(1)
    extensions = {4: b"v", CC: b"\0\2", ORIENTATION_IN: b"\x03"}
    sent = only(call.send(call.video(2, marker=True, payload=b"frame", extensions=extensions)))
    call.desk.now_us += 1_000_000
    resent = only(call.ask_again(sequence(sent)))
    before, after = parse_header(sent), parse_header(resent)
    assert (after.ssrc, after.payload_type) == (call.picture.rtx_ssrc, 101)
    assert (after.timestamp, after.marker, after.header_size) == (before.timestamp, True, before.header_size)
    assert resent[after.header_size :] == sequence(sent).to_bytes(2, "big") + b"frame"
    elements = {e.id: resent[e.start : e.start + e.size] for e in after.elements}
    assert elements[ORIENTATION_OUT] == b"\x03"
    assert elements[9] == b"3"
    when = {e.id: sent[e.start : e.start + e.size] for e in before.elements}[2]
    assert elements[2] != when  # rule 23: the time at which it is sent, now


def test_resent_packets_have_their_own_numbers_without_gaps(call: Call) -> None:
    first = call.start(1)
    call.send(*[call.video(number) for number in range(2, 9)])
    numbers = [sequence(packet) for packet in call.ask_again(*range(first, first + 8))]
    assert numbers == list(range(numbers[0], numbers[0] + 8))
    assert numbers[0] - 1 in FIRST_SEQUENCE


def test_padding_of_the_publisher_is_not_resent(call: Call) -> None:
    call.start(1)
    sent = only(call.send(call.video(2, payload=b"abc", padding=30)))
    resent = only(call.ask_again(sequence(sent)))
    assert (resent[0] & 0x20, resent[-3:]) == (0, b"abc")


def test_closed_gaps_are_opened_again_to_find_a_packet(call: Call) -> None:
    call.start(1)
    packets = call.send(
        call.padding(2), call.video(3, payload=b"3"), call.padding(4), call.padding(5), call.video(6, payload=b"6")
    )
    assert [only(call.ask_again(sequence(packet)))[-1:] for packet in packets] == [b"3", b"6"]


def test_the_same_packet_again_waits_and_not_for_ever(call: Call) -> None:
    number = call.start(1)
    assert len(call.ask_again(number)) == 1
    call.desk.now_us += RESEND_AGAIN_US - 1
    assert call.ask_again(number) == []
    assert call.desk.drops()["nack_too_soon"] == 1
    for _ in range(RESENDS_MAX - 1):
        call.desk.now_us += RESEND_AGAIN_US
        assert len(call.ask_again(number)) == 1
    call.desk.now_us += RESEND_AGAIN_US
    assert call.ask_again(number) == []
    assert call.desk.drops()["resend_limit"] == 1


def test_a_viewer_who_loses_everything_is_not_drowned(call: Call) -> None:
    first = call.start(1)
    call.send(*[call.video(number) for number in range(2, 201)])
    resent = sum(len(call.ask_again(*range(at, at + 20))) for at in range(first, first + 200, 20))
    assert resent <= RESEND_FLOOR + 200 * RESEND_SHARE + 1
    assert call.desk.drops()["resend_limit"] == 200 - resent


def test_what_was_never_sent_is_not_resent(call: Call) -> None:
    """Before the first, beyond the last, and the gap that a pause left: other packets may get those numbers."""
    first = call.start(1)
    call.send(call.video(2))
    call.engine.set_subscription_paused(call.picture.subscription, True)
    call.send(*[call.video(number) for number in range(3, 30)])
    assert call.ask_again(first - 1, *range(first + 2, first + 40)) == []
    call.engine.set_subscription_paused(call.picture.subscription, False)
    resumed = only(call.send(call.video(30, key=True)))
    assert sequence(resumed) == first + 3
    assert call.ask_again(first + 2) == []
    assert len(call.ask_again(first, first + 1, first + 3)) == 3  # from both sides of the pause


def test_a_viewer_is_not_sent_what_is_in_a_row_by_now(call: Call) -> None:
    first = call.start(1)
    other = call.desk.transport()
    for number in range(call.engine.arena.rows):
        call.desk.receive(other, rtp(ssrc=999, sequence=number & 0xFFFF))
    assert call.ask_again(first) == []
    assert call.desk.drops()["nack_unknown"] == 1


def test_without_retransmissions_negotiated_nothing_is_resent(call: Call) -> None:
    call.engine.update_subscription(call.picture.subscription, SendSpec("3", 100, None, OUT_IDS, nack=False))
    assert call.ask_again(call.start(1)) == []


def test_numbers_before_a_restart_of_the_publisher_are_gone(call: Call) -> None:
    first = call.start(1)
    call.send(call.video(40_000), call.video(40_001))
    call.send(call.video(40_002, key=True))
    assert call.ask_again(first) == []


def test_a_large_packet_is_resent_whole() -> None:
    desk = Desk()
    an, bert = desk.transport(), desk.transport()
    out = desk.subscribe(bert, desk.video(an))
    call = Call()
    call.desk, call.engine, call.an, call.bert, call.picture = desk, desk.engine, an, bert, out
    (sent,) = call.send(call.video(1, key=True, payload=key_frame(1200)))
    assert only(call.ask_again(sequence(sent)))[30:] == key_frame(1200)


def test_other_ids_and_types_hold_from_the_next_packet_on(call: Call) -> None:
    """Rule 23: what the viewer's answer left of the offer."""
    call.start(1)
    call.engine.update_subscription(call.picture.subscription, SendSpec("7", 120, 121, {}, nack=True))
    packet = only(call.send(call.video(2)))
    header = parse_header(packet)
    assert (header.payload_type, header.elements) == (120, ())
    assert packet[header.header_size :] == delta_frame()
    assert parse_header(only(call.ask_again(header.sequence))).payload_type == 121
