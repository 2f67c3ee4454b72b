"""Requests for key frames: coalesced, throttled, repeated until one comes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from media.core import rtcp
from media.core.keyframes import INTERVAL_US, RETRY_MAX_US, KeyframeRequests
from tests.support import call as smallest
from tests.support.bench import Desk
from tests.support.netsim import Link
from tests.support.packets import delta_frame, key_frame, rtp

STEP_US = 10_000


def rows(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(numbers, np.int32)


def test_many_viewers_are_one_request() -> None:
    requests = KeyframeRequests(8)
    assert requests.want(rows(5, 3, 3, 3, 5), 0).tolist() == [3, 5]
    assert requests.want(rows(3), INTERVAL_US - 1).tolist() == []
    assert requests.want(rows(3), INTERVAL_US).tolist() == [3]
    assert requests.want(rows(), INTERVAL_US).tolist() == []


def test_a_key_frame_on_its_way_from_afar_is_not_asked_for_twice() -> None:
    requests = KeyframeRequests(8)
    requests.far(3, 400_000)
    assert requests.want(rows(3), 0).tolist() == [3]
    assert requests.want(rows(3), 799_999).tolist() == []
    assert requests.want(rows(3), 800_000).tolist() == [3]
    requests.satisfied(3)
    assert requests.want(rows(3), 800_000 + INTERVAL_US).tolist() == [3]


@pytest.mark.parametrize(("rtt_us", "wait_us"), [(0, INTERVAL_US), (250_000, INTERVAL_US), (9_000_000, RETRY_MAX_US)])
def test_the_wait_has_bounds(rtt_us: int, wait_us: int) -> None:
    requests = KeyframeRequests(8)
    requests.far(3, rtt_us)
    requests.want(rows(3), 0)
    assert requests.want(rows(3), wait_us - 1).tolist() == []
    assert requests.want(rows(3), wait_us).tolist() == [3]


def test_a_reused_row_is_asked_at_once() -> None:
    requests = KeyframeRequests(8)
    requests.far(3, 500_000)
    requests.want(rows(3), 0)
    requests.reset(3)
    assert requests.want(rows(3), 1).tolist() == [3]


def test_mistakes_of_ours_are_errors() -> None:
    requests = KeyframeRequests(8)
    requests.want(rows(1), 5)
    with pytest.raises(ValueError, match="time ran backwards: 5 us, then 4 us"):
        requests.want(rows(1), 4)
    with pytest.raises(IndexError):
        requests.want(rows(8), 6)


@pytest.mark.parametrize("seed", range(20))
def test_viewers_get_a_key_frame_within_seven_seconds_at_half_loss(seed: int) -> None:
    """Lost requests are repeated, and fifty viewers never cost more than one in INTERVAL_US."""
    requests, up = KeyframeRequests(4), Link[int](seed, delay_us=40_000, loss=0.5)
    sent_us: list[int] = []
    seen_us = None
    for now_us in range(0, 20_000_000, STEP_US):
        for track in requests.want(np.full(50, 3, np.int32), now_us).tolist():
            sent_us.append(now_us)
            up.send(track, now_us)
        if up.arrived(now_us):
            seen_us = now_us
            break
    assert seen_us is not None, f"seed {seed}: asked at {sent_us}"
    assert seen_us <= 7_000_000, f"seed {seed}: asked at {sent_us}"
    assert all(b - a >= INTERVAL_US for a, b in pairwise(sent_us))


# -- in the engine -----------------------------------------------------------------------------------


def plis(packets: list[rtcp.Packet]) -> int:
    return sum(isinstance(packet, rtcp.Pli) for packet in packets)


class Call:
    """A camera and a viewer who sees it already."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.an, self.bert = self.desk.transport(), self.desk.transport()
        self.track = self.desk.video(self.an)
        self.out = self.desk.subscribe(self.bert, self.track)
        self.number = 0
        self.send(key=True)

    def send(self, *, key: bool = False) -> None:
        self.number += 1
        payload = key_frame() if key else delta_frame()
        self.desk.receive(self.an, rtp(ssrc=100, sequence=self.number, timestamp=self.number * 3000, payload=payload))

    def says_broken(self) -> None:
        self.desk.hear(self.bert, rtcp.pli(1, self.out.ssrc))


def test_a_viewer_who_sees_it_broken_asks_until_a_key_frame_comes() -> None:
    call = Call()
    assert plis(call.desk.run(2_000_000)) == 0
    call.says_broken()
    assert plis(call.desk.run(1_990_000)) == 4  # at once, and every half second
    call.send()
    assert plis(call.desk.run(500_000)) == 1
    call.send(key=True)
    assert plis(call.desk.run(3_000_000)) == 0


def test_a_wish_within_the_pace_is_kept_for_later() -> None:
    call = Call()
    call.says_broken()
    call.desk.poll(100_000)
    call.send(key=True)
    call.says_broken()  # part of that one was lost as well
    assert plis(call.desk.run(300_000)) == 0
    assert plis(call.desk.run(200_000)) == 1


@pytest.mark.parametrize("how", ["leaves", "pauses", "mutes", "ends"])
def test_nobody_left_to_see_it_is_no_request(how: str) -> None:
    call = Call()
    call.says_broken()
    engine = call.desk.engine
    match how:
        case "leaves":
            engine.remove_subscription(call.out.subscription)
        case "pauses":
            engine.set_subscription_paused(call.out.subscription, True)
        case "mutes":
            engine.set_track_muted(call.track, True)
        case _:
            engine.remove_track(call.track)
    call.desk.poll()
    assert plis(call.desk.run(2_000_000)) == 0
    assert engine.totals()["keyframe_waits"] == 0


def test_a_stream_that_cannot_be_asked_yet_loses_no_turn() -> None:
    """Its SSRC is learned from its first packet; a request before would only start the wait."""
    desk = Desk()
    an, bert = desk.transport(), desk.transport()
    desk.subscribe(bert, desk.video(an, None))
    assert plis(desk.run(100_000)) == 0
    desk.receive(an, rtp(ssrc=777, payload=delta_frame(), extensions={4: b"v"}))
    assert plis(desk.run(10_000)) == 1


def test_pictures_that_were_left_out_start_anew() -> None:
    """As when a slow connection takes packets again: a request for what this viewer sees, and for nothing else."""
    call = smallest.Call()
    assert call.engine.sends_picture(call.bert, call.picture.ssrc)
    assert call.picture.rtx_ssrc is not None and call.engine.sends_picture(call.bert, call.picture.rtx_ssrc)
    assert not call.engine.sends_picture(call.bert, call.sound.ssrc)
    assert not call.engine.sends_picture(call.an, call.picture.ssrc)
    assert not call.engine.sends_picture(-1, call.picture.ssrc)
    call.engine.refresh_pictures(call.bert)
    assert not [each for each in call.desk.run(INTERVAL_US) if isinstance(each, rtcp.Pli)][1:], "before it began"
    call.start()
    call.desk.run(2 * INTERVAL_US)
    call.engine.refresh_pictures(call.an)
    call.engine.refresh_pictures(99)
    assert not [each for each in call.desk.run(INTERVAL_US) if isinstance(each, rtcp.Pli)]
    call.engine.refresh_pictures(call.bert)
    (asked,) = [each for each in call.desk.run(INTERVAL_US // 2) if isinstance(each, rtcp.Pli)]
    assert asked.media == smallest.CAMERA
