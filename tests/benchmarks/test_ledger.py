"""The books notice what can go wrong with a packet: the generator may not flatter anybody."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.crowd import VIDEO_BYTES, Crowd
from benchmarks.keys import Keyring
from benchmarks.ledger import Ledger, Window
from benchmarks.sender import Sender, StreamSpec
from benchmarks.wire import aligned

SENT_NS, TOOK_NS = 1_000_000_000, 2_000_000
ALWAYS = Window(0, 2**62)
Rows = NDArray[np.uint8]


class Desk:
    """One video packet of client 0 on its way to clients 1 and 2, without any socket."""

    def __init__(self) -> None:
        self.crowd = Crowd(1, 3)
        self.ledger = Ledger(self.crowd, 100)
        self.sender = Sender(self.crowd, Keyring(self.crowd.connections), 0, ("127.0.0.1", 9))
        specs = [StreamSpec(self.crowd.ssrc(stream), 96) for stream in range(self.crowd.streams)]
        self.sender.negotiated(specs, [("127.0.0.1", 9)] * self.crowd.connections)
        self.sender.fill(0, self.sender.rows, 0, 0)
        row = int(np.flatnonzero(self.sender.plan.stream == 0)[0])
        self.ledger.sent_ns[0, self.sender.plan.counter[row]] = SENT_NS
        self.packet = self.sender.outbox.bytes[row, :VIDEO_BYTES].copy()

    def arrive(self, client: int, packet: Rows | None = None) -> None:
        packet = self.packet if packet is None else packet
        rows = aligned(1)
        rows[0, : len(packet)] = packet
        one = np.zeros(1, np.int64)
        when = one + SENT_NS + TOOK_NS
        self.ledger.arrived(rows, rows.view(">u4"), one, one + len(packet), one + client, when)

    def result(self) -> dict[str, float | int]:
        return self.ledger.result(ALWAYS)


def test_all_arrived() -> None:
    desk = Desk()
    desk.arrive(1)
    desk.arrive(2)
    result = desk.result()
    assert (result["expected"], result["delivered"], result["lost"]) == (2, 2, 0)
    assert result["latency_ms_p50"] == result["latency_ms_max"] == TOOK_NS / 1e6


def test_a_loss_is_a_loss() -> None:
    desk = Desk()
    desk.arrive(1)
    result = desk.result()
    assert (result["delivered"], result["lost"], result["delivered_share"]) == (1, 1, 0.5)


def test_a_duplicate_does_not_make_up_for_a_loss() -> None:
    desk = Desk()
    desk.arrive(1)
    desk.arrive(1)
    result = desk.result()
    assert (result["delivered"], result["lost"], result["duplicated"]) == (1, 1, 1)


def cut(packet: Rows) -> Rows:
    return packet[:-4]


def other_tail(packet: Rows) -> Rows:
    packet[-1] ^= 1
    return packet


def wrong_sender(packet: Rows) -> Rows:
    packet[35] ^= 2
    return packet


@pytest.mark.parametrize("damage", [cut, other_tail, wrong_sender])
def test_damage_is_noticed_and_not_delivered(damage: Callable[[Rows], Rows]) -> None:
    desk = Desk()
    desk.arrive(1, damage(desk.packet.copy()))
    result = desk.result()
    assert (result["delivered"], result["corrupted"]) == (0, 1)


def test_a_packet_sent_back_to_its_sender_is_misdelivered() -> None:
    desk = Desk()
    desk.arrive(0)
    assert desk.result()["misdelivered"] == 1


def test_a_longer_header_on_arrival_is_read_past() -> None:
    desk = Desk()
    longer = np.concatenate([desk.packet[:24], np.zeros(8, np.uint8), desk.packet[24:]])
    longer[15] = 4  # words of extension, were 2
    desk.arrive(1, longer)
    assert desk.result()["delivered"] == 1


def test_a_jump_of_sequence_numbers_is_noticed() -> None:
    desk = Desk()
    desk.arrive(1)
    desk.packet[3] += 1
    desk.arrive(1)
    assert desk.result()["renumbered"] == 1


def test_only_the_window_counts() -> None:
    desk = Desk()
    desk.arrive(1)
    assert desk.ledger.result(Window(SENT_NS + 1, 2 * SENT_NS))["expected"] == 0


def test_late_packets_are_found_by_when_they_left() -> None:
    desk = Desk()
    desk.arrive(1)
    assert desk.ledger.late(ALWAYS, TOOK_NS - 1).tolist() == [SENT_NS]
    assert desk.ledger.late(ALWAYS, TOOK_NS).tolist() == []
    assert desk.ledger.late(Window(0, SENT_NS), 0).tolist() == []
