"""An Engine driven by hand: packets go in as bytes, copies come out as bytes, time is what the test says."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from media.core import rtcp
from media.core.egress import Copies
from media.core.engine import Engine
from media.core.model import (
    URI_ABS_SEND_TIME,
    URI_AUDIO_LEVEL,
    URI_MID,
    URI_TRANSPORT_CC,
    URI_VIDEO_ORIENTATION,
    Codec,
    Outgoing,
    ParticipantId,
    ReceiveSpec,
    RoomId,
    SendSpec,
    TrackId,
    TransportId,
)
from media.core.packets import HEAD, Arena
from media.core.settings import Settings

OPUS = Codec("OPUS", 48_000, 2)
VP8 = Codec("VP8", 90_000)
IN_IDS = {URI_AUDIO_LEVEL: 1, URI_TRANSPORT_CC: 3, URI_MID: 4, URI_VIDEO_ORIENTATION: 5}
OUT_IDS = {URI_MID: 9, URI_ABS_SEND_TIME: 2, URI_AUDIO_LEVEL: 6, URI_VIDEO_ORIENTATION: 7}
SMALL = Settings(transports_max=64, tracks_max=64, subscriptions_max=512, history_rows=4096, send_rows=1024)


@dataclass
class Desk:
    """One engine and its clock.  sent: (transport, packet) of every copy so far, in order."""

    seed: int = 1
    settings: Settings = SMALL
    now_us: int = 1_000_000
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    control: list[tuple[int, bytes, bool]] = field(default_factory=list)
    native: Any | None = None

    loops: ClassVar[Any | None] = None
    """What all desks of a test use, when they do not say themselves: see tests/media/core/conftest.py."""

    def __post_init__(self) -> None:
        self.engine = Engine(self.settings, random.Random(self.seed).randbytes, self.native or Desk.loops)
        self._row = 0

    def transport(self) -> TransportId:
        transport, _ = self.engine.open_transport(self.now_us)
        self.engine.connected(transport)
        return transport

    def video(self, transport: TransportId, ssrc: int | None = 100, **changes: object) -> TrackId:
        rtx_ssrc = ssrc + 1 if ssrc is not None else None
        spec = ReceiveSpec(
            "video", "camera", "v", VP8, 96, 97, ssrc, rtx_ssrc, IN_IDS, nack=True, pli=True, transport_cc=True
        )
        return self.engine.add_track(transport, RoomId("room"), ParticipantId(f"p{transport}"), replaced(spec, changes))

    def audio(self, transport: TransportId, ssrc: int | None = 200) -> TrackId:
        spec = ReceiveSpec("audio", "microphone", "a", OPUS, 111, None, ssrc, None, IN_IDS, transport_cc=True)
        return self.engine.add_track(transport, RoomId("room"), ParticipantId(f"p{transport}"), spec)

    def subscribe(self, transport: TransportId, track: TrackId, payload_type: int = 100) -> Outgoing:
        spec = SendSpec("3", payload_type, payload_type + 1, OUT_IDS, nack=True)
        return self.engine.add_subscription(transport, track, spec)

    def hear(self, transport: TransportId, data: bytes) -> bool:
        """A decrypted compound packet, read as the io layer has it read: in C where that is there and it is plain.

        Returns whether it was.
        """
        loops, library = self.engine.compiled, self.native or Desk.loops
        if loops is not None and library is not None:
            plain = library.balie_report(loops.reports, transport, data, len(data), self.now_us)
            if plain:
                return True
        self.engine.handle_rtcp(transport, data, self.now_us)
        return False

    def receive(self, transport: TransportId, *packets: bytes) -> list[bytes]:
        """Decrypted packets of one sender, in one batch; returns the copies' bytes."""
        return self.receive_from([(transport, packet) for packet in packets])

    def receive_from(self, arrivals: list[tuple[TransportId, bytes]]) -> list[bytes]:
        arena = self.engine.arena
        rows = (self._row + np.arange(len(arrivals))) % arena.rows
        self._row = int(rows[-1]) + 1
        for row, (_, packet) in zip(rows, arrivals, strict=True):
            arena.bytes[row, HEAD : HEAD + len(packet)] = np.frombuffer(packet, np.uint8)
            arena.length[row] = len(packet)
        transports = np.array([transport for transport, _ in arrivals], np.int64)
        times = np.full(len(arrivals), self.now_us, np.int64)
        copies = self.engine.receive(rows.astype(np.int64), transports, times, self.now_us)
        if copies is None:
            return []
        sent = read_copies(self.engine.send, copies)
        self.sent += sent
        return [data for _, data in sent]

    def poll(self, after_us: int = 0) -> list[tuple[int, bytes, bool]]:
        """Let time pass, poll once, return the control packets."""
        self.now_us += after_us
        self.engine.poll(self.now_us)
        control = [(int(t), data, is_rtcp) for t, data, is_rtcp in [*self.written(), *self.engine.take_control()]]
        self.control += control
        return control

    def written(self) -> list[tuple[TransportId, bytes, bool]]:
        """What the compiled loops put into the send arena, as take_control() would have it."""
        copies = read_copies(self.engine.send, self.engine.take_written())
        return [(TransportId(transport), data, True) for transport, data in copies]

    def control_by_kind(self) -> dict[tuple[int, bytes], list[bytes]]:
        """Control packets so far, by whom they went to and what they begin with.

        Only of one kind is the order the same in both languages.
        """
        kinds: dict[tuple[int, bytes], list[bytes]] = {}
        for transport, data, is_rtcp in self.control:
            kinds.setdefault((transport, bytes([data[0] & 0x1F, data[1]]) if is_rtcp else b"RTP"), []).append(data)
        return kinds

    def run(self, for_us: int, step_us: int = 10_000) -> list[rtcp.Packet]:
        """Poll every step; returns every RTCP packet that was sent, parsed."""
        found: list[rtcp.Packet] = []
        for _ in range(for_us // step_us):
            for _, data, is_rtcp in self.poll(step_us):
                if is_rtcp:
                    found += rtcp.parse_compound(data)
        return found

    def drops(self) -> dict[str, int]:
        return {name: count for name, count in self.engine.drops().items() if count}


def read_copies(send: Arena, copies: Copies | None) -> list[tuple[int, bytes]]:
    """(transport, packet) of each, from the rows that they are in."""
    if copies is None:
        return []
    columns = zip(copies.transport.tolist(), copies.start.tolist(), copies.size.tolist(), strict=True)
    return [(to, send.bytes[row, start : start + size].tobytes()) for row, (to, start, size) in enumerate(columns)]


def replaced(spec: ReceiveSpec, changes: dict[str, Any]) -> ReceiveSpec:
    return dataclasses.replace(spec, **changes)


def sequence(packet: bytes) -> int:
    return int.from_bytes(packet[2:4], "big")


def timestamp(packet: bytes) -> int:
    return int.from_bytes(packet[4:8], "big")


def ssrc_of(packet: bytes) -> int:
    return int.from_bytes(packet[8:12], "big")
