"""A publisher, the engine and a viewer over networks that lose, delay, reorder and repeat; all from a seed.

Both ends do what a browser does: the publisher answers NACKs and key-frame requests, the viewer asks for what is
missing.  What SRTP refuses, a packet that came before, is refused here as well.
"""

from __future__ import annotations

import pytest

from media.core import rtcp
from media.core.rtp import parse_header
from tests.support.bench import ssrc_of
from tests.support.call import CAMERA, RTX, Call
from tests.support.netsim import Link
from tests.support.packets import VP8_KEY

STEP_US = 10_000
FRAME_US = 30_000
PACKETS = 3  # a frame


class Publisher:
    """Thirty frames a second; a key frame when asked.  history: number -> packet."""

    def __init__(self, call: Call, out: Link[bytes]) -> None:
        self.call, self.out = call, out
        self.number = self.rtx = 65_400  # wraps on the way
        self.history: dict[int, bytes] = {}
        self.key_wanted, self.due_us = True, 0

    def tick(self, now_us: int) -> None:
        if now_us < self.due_us:
            return
        self.due_us = now_us + FRAME_US
        for part in range(PACKETS):
            self.number += 1
            key = self.key_wanted and part == 0
            packet = self.call.video(self.number, key=key, marker=part == PACKETS - 1, timestamp=now_us * 9 // 100)
            self.history[self.number & 0xFFFF] = packet
            self.out.send(packet, now_us)
        self.key_wanted = False

    def hear(self, data: bytes, now_us: int) -> None:
        for packet in rtcp.parse_compound(data):
            if isinstance(packet, rtcp.Pli):
                assert packet.media == CAMERA
                self.key_wanted = True
            elif isinstance(packet, rtcp.Nack):
                for number in packet.seqs:
                    self.resend(number, now_us)

    def resend(self, number: int, now_us: int) -> None:
        original = self.history.get(number)
        assert original is not None, f"asked for {number}, which was never sent"
        header = parse_header(original)
        self.rtx += 1
        payload = original[header.header_size :]
        times = {"timestamp": header.timestamp, "marker": header.marker}
        self.out.send(self.call.resent(number, sequence=self.rtx, payload=payload, **times), now_us)


class Viewer:
    """got: extended number -> whether it begins a key frame."""

    def __init__(self, call: Call, out: Link[bytes]) -> None:
        self.call, self.out = call, out
        self.got: dict[int, bool] = {}
        self.missed_us: dict[int, int] = {}
        self.asked_us: dict[int, int] = {}
        self.pli_us = 0

    def hear(self, packet: bytes, now_us: int) -> None:
        header = parse_header(packet)
        payload, number = packet[header.header_size :], header.sequence
        if header.ssrc == self.call.picture.rtx_ssrc:
            number, payload = int.from_bytes(payload[:2], "big"), payload[2:]
        high = max(self.got, default=number)
        ext = high + ((number - high + 0x8000 & 0xFFFF) - 0x8000)
        key = payload.startswith(VP8_KEY)
        if ext in self.got:
            return
        for missing in range(high + 1, ext):
            self.missed_us[missing] = now_us
        self.missed_us.pop(ext, None)
        self.got[ext] = key

    def tick(self, now_us: int) -> None:
        last_key = max((ext for ext, key in self.got.items() if key), default=0)
        open_gaps = {ext: since for ext, since in self.missed_us.items() if ext > last_key}
        ask = [ext for ext in sorted(open_gaps) if now_us - self.asked_us.get(ext, 0) >= 120_000]
        if ask:
            self.asked_us |= dict.fromkeys(ask, now_us)
            self.out.send(rtcp.nack(1, self.call.picture.ssrc, [ext & 0xFFFF for ext in ask]), now_us)
        stuck = not last_key or any(now_us - since > 800_000 for since in open_gaps.values())
        if self.got and stuck and now_us - self.pli_us > 300_000:
            self.pli_us = now_us
            self.out.send(rtcp.pli(1, self.call.picture.ssrc), now_us)

    def whole(self) -> bool:
        """Whether every packet from the last key frame on is there."""
        last_key = max((ext for ext, key in self.got.items() if key), default=0)
        return last_key > 0 and all(ext in self.got for ext in range(last_key, max(self.got)))


class Network:
    """Four links, and what SRTP saw on either side."""

    def __init__(self, seed: int, loss: float) -> None:
        self.call = Call(seed=seed)
        shape = {"jitter_us": 25_000, "duplicate": 0.02, "loss": loss}
        up, down, back, forth = (Link[bytes](4 * seed + n, delay_us=20_000, **shape) for n in range(4))  # type: ignore[arg-type]
        self.up, self.down, self.back, self.forth = up, down, back, forth
        self.publisher, self.viewer = Publisher(self.call, up), Viewer(self.call, forth)
        self.seen: set[tuple[bytes, bytes]] = set()

    def fresh(self, packets: list[bytes]) -> list[bytes]:
        out = []
        for packet in packets:
            if (key := (packet[2:4], packet[8:12])) not in self.seen:
                self.seen.add(key)
                out.append(packet)
        return out

    def step(self, *, sending: bool = True) -> None:
        call, now_us = self.call, self.call.desk.now_us
        if sending:
            self.publisher.tick(now_us)
        batch = self.fresh(self.up.arrived(now_us))
        for copy in call.send(*batch) if batch else []:
            self.down.send(copy, now_us)
        for data in self.forth.arrived(now_us):
            call.engine.handle_rtcp(call.bert, data, now_us)
        for to, data, is_rtcp in call.desk.poll():
            if to == call.bert and not is_rtcp:
                self.down.send(data, now_us)
            elif to == call.an:
                self.back.send(data, now_us)
        for data in self.back.arrived(now_us):
            self.publisher.hear(data, now_us)
        for packet in self.fresh(self.down.arrived(now_us)):
            assert ssrc_of(packet) not in (CAMERA, RTX)
            self.viewer.hear(packet, now_us)
        self.viewer.tick(now_us)
        call.desk.now_us += STEP_US


@pytest.mark.parametrize("seed", range(20))
def test_a_viewer_ends_with_every_packet_or_a_newer_key_frame(seed: int) -> None:
    """5 % loss on each of four ways; then the publisher falls silent, and what is missing has 2 s to come."""
    network = Network(seed, loss=0.05)
    for _ in range(300):
        network.step()
    for _ in range(200):
        network.step(sending=network.publisher.key_wanted)
    viewer = network.viewer
    assert network.up.lost > 5, f"seed {seed}: nothing was tried"
    assert network.down.lost > 5, f"seed {seed}: nothing was tried"
    assert viewer.whole(), f"seed {seed}: {sorted(set(range(min(viewer.got), max(viewer.got))) - set(viewer.got))}"
    drops = network.call.desk.drops()
    assert not drops.keys() & {"rtp_malformed", "rtcp_malformed", "unknown_ssrc", "rtcp_unknown_ssrc"}, f"seed {seed}"


@pytest.mark.parametrize("seed", range(5))
def test_a_terrible_line_costs_key_frames_at_a_pace_not_a_flood(seed: int) -> None:
    network = Network(seed, loss=0.4)
    for _ in range(400):
        network.step()
    asked = [data for to, data, _ in network.call.desk.control if to == network.call.an]
    plis = sum(isinstance(p, rtcp.Pli) for data in asked for p in rtcp.parse_compound(data))
    assert 1 <= plis <= 9, f"seed {seed}"
    assert sum(network.viewer.got.values()) >= 1, f"seed {seed}: no key frame in four seconds"


@pytest.mark.parametrize("seed", range(5))
def test_without_loss_reordering_alone_is_nearly_never_asked_again(seed: int) -> None:
    network = Network(seed, loss=0.0)
    for at in range(400):
        network.step(sending=at < 300)
    assert network.viewer.whole(), f"seed {seed}"
    asked = [data for to, data, _ in network.call.desk.control if to == network.call.an]
    numbers = [n for data in asked for p in rtcp.parse_compound(data) if isinstance(p, rtcp.Nack) for n in p.seqs]
    assert len(numbers) <= 20, f"seed {seed}: {numbers}"
