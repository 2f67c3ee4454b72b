"""Who sits in which room, what everybody sends and when: the load as arrays, before any socket.

Pure: no socket, no clock, no keys.  Everything that the generator does per packet is looked up in here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CYCLE_NS = 100_000_000
"""After this long the load repeats: 3 frames at 30/s and 5 audio packets at 50/s are both whole."""
FRAMES, FRAME_PACKETS, AUDIO_PACKETS = 3, 5, 5
VIDEO_PACKETS = FRAMES * FRAME_PACKETS
PER_CYCLE = np.array([VIDEO_PACKETS, AUDIO_PACKETS], np.int64)
VIDEO_BYTES, AUDIO_BYTES = 1100, 104
"""RTP packets before SRTP, header and extensions (24 bytes) included: 1.3 Mbit/s and Opus at 32 kbit/s."""
VIDEO, AUDIO = 0, 1


@dataclass(frozen=True)
class Crowd:
    """rooms times people clients; each publishes one video and one audio and sees everybody else.

    client      0..clients-1, room = client // people
    connection  2 * client publishes, 2 * client + 1 subscribes
    stream      2 * client is its video, 2 * client + 1 its audio
    slot        receiving client * 2 * people + 2 * sender's place in the room + kind: one way of one
                stream to one receiver (a client's own are never used)
    """

    rooms: int
    people: int
    seed: int = 1

    @property
    def clients(self) -> int:
        return self.rooms * self.people

    @property
    def connections(self) -> int:
        return 2 * self.clients

    @property
    def streams(self) -> int:
        return 2 * self.clients

    @property
    def slots(self) -> int:
        return self.clients * 2 * self.people

    @property
    def packets_in_per_s(self) -> int:
        return self.clients * int(PER_CYCLE.sum()) * 1_000_000_000 // CYCLE_NS

    @property
    def packets_out_per_s(self) -> int:
        return self.packets_in_per_s * (self.people - 1)

    def room_of(self, client: int) -> int:
        return client // self.people

    def others(self, client: int) -> list[int]:
        first = self.room_of(client) * self.people
        return [other for other in range(first, first + self.people) if other != client]

    def ssrc(self, stream: int) -> int:
        """Known beforehand, so that a contender without signalling can be told; odd so never 0."""
        return (0x1000_0000 + stream * 0x0001_3577) & 0xFFFF_FFFF | 1

    def slot_of(self, receiver: NDArray[np.int64], stream: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,) client and stream numbers to slots; -1 where the receiver is not in that room."""
        sender = stream >> 1
        inside = (sender // self.people == receiver // self.people) & (sender != receiver)
        slot = receiver * 2 * self.people + 2 * (sender % self.people) + (stream & 1)
        return np.where(inside, slot, -1)

    def wanted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(stream, slot) of every way a stream should go, each (subscriptions,)."""
        receiver, stream = np.meshgrid(np.arange(self.clients), np.arange(self.streams), indexing="ij")
        slot = self.slot_of(receiver.ravel(), stream.ravel())
        used = slot >= 0
        return stream.ravel()[used], slot[used]


@dataclass(frozen=True)
class Plan:
    """One cycle of packets in the order they are due.  All (N,) int64.

    phase_ns   from the start of the cycle
    stream     who sends it
    counter    which packet of its stream within the cycle; packet c of cycle k is number k * per + c
    per        packets that its stream sends per cycle
    place      which packet of its client within the cycle (for transport-wide numbers)
    """

    phase_ns: NDArray[np.int64]
    stream: NDArray[np.int64]
    counter: NDArray[np.int64]
    per: NDArray[np.int64]
    place: NDArray[np.int64]

    @classmethod
    def of(cls, crowd: Crowd) -> Plan:
        """Random phases: frames of different people are spread over time, as in life; those of one are bursts."""
        rng = np.random.default_rng(crowd.seed)
        frame, packet = np.divmod(np.arange(VIDEO_PACKETS), FRAME_PACKETS)
        phases, streams, counters = [], [], []
        for client in range(crowd.clients):
            starts = rng.integers(0, CYCLE_NS, 2)
            phases += [starts[0] + frame * CYCLE_NS // FRAMES + packet, starts[1] + np.arange(5) * CYCLE_NS // 5]
            streams += [np.full(VIDEO_PACKETS, 2 * client), np.full(AUDIO_PACKETS, 2 * client + 1)]
            counters += [np.arange(VIDEO_PACKETS), np.arange(AUDIO_PACKETS)]
        # A stream that starts late in the cycle wraps round: its first packets then come last, with
        # numbers one cycle lower, so that numbers rise with time.
        phase, wrapped = np.concatenate(phases) % CYCLE_NS, np.concatenate(phases) // CYCLE_NS
        stream = np.concatenate(streams)
        per = PER_CYCLE[stream & 1]
        counter = np.concatenate(counters) - wrapped * per + per
        order = np.argsort(phase, kind="stable")
        phase, stream, counter, per = phase[order], stream[order], counter[order], per[order]
        place = np.zeros(len(phase), np.int64)
        for client in range(crowd.clients):
            mine = np.flatnonzero(stream >> 1 == client)
            place[mine] = np.arange(len(mine))
        return cls(phase, stream, counter, per, place)
