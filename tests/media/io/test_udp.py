"""Batches through real loopback sockets: both kinds of socket must behave alike."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from media.core.packets import HEAD, PACKET_MAX, Arena
from media.io.udp import (
    ADDRESS_SIZE,
    BatchSocket,
    PlainSocket,
    RowQueue,
    UdpSocket,
    address_bytes,
    address_parts,
    has_batches,
)

BATCH = 8
KINDS = [PlainSocket] + ([BatchSocket] if has_batches() else [])
Opened = tuple[UdpSocket, Arena, Arena]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    receive, send = Arena(64), Arena(200)
    sock: UdpSocket = request.param(socket.AF_INET, "127.0.0.1", 0, receive, send, RowQueue(64), BATCH)
    yield sock, receive, send
    sock.close()


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        yield sock


def destinations(peer: socket.socket, count: int) -> np.ndarray:
    host, port = peer.getsockname()
    table = np.zeros((count, ADDRESS_SIZE), np.uint8)
    table[:, :16] = np.frombuffer(address_bytes(socket.AF_INET, host, port), np.uint8)
    return table


def test_receives_what_was_sent_with_its_sender(opened: Opened, peer: socket.socket) -> None:
    sock, arena, _ = opened
    for text in (b"one", b"three", b""):
        peer.sendto(text, ("127.0.0.1", sock.port))
    batch = sock.receive()
    assert batch is not None
    assert [bytes(arena.packet(row)) for row in batch.row] == [b"one", b"three", b""]
    assert batch.addresses == [address_bytes(socket.AF_INET, *peer.getsockname())] * 3
    assert address_parts(batch.addresses[0]) == (socket.inet_aton("127.0.0.1"), peer.getsockname()[1])
    assert not batch.too_long.any()
    assert sock.receive() is None


def test_arrival_times_are_in_order_and_not_in_the_future(opened: Opened, peer: socket.socket) -> None:
    sock, _, _ = opened
    for _ in range(5):
        peer.sendto(b"x", ("127.0.0.1", sock.port))
    batch = sock.receive()
    assert batch is not None and len(batch.arrival_us) == 5
    assert (np.diff(batch.arrival_us) >= 0).all()


def test_a_datagram_longer_than_a_row_is_marked_and_harms_no_neighbour(opened: Opened, peer: socket.socket) -> None:
    sock, arena, _ = opened
    for size in (PACKET_MAX, PACKET_MAX + 1, 9000, 3):
        peer.sendto(b"z" * size, ("127.0.0.1", sock.port))
    batch = sock.receive()
    assert batch is not None
    assert batch.too_long.tolist() == [False, True, True, False]
    assert bytes(arena.packet(int(batch.row[0]))) == b"z" * PACKET_MAX
    assert bytes(arena.packet(int(batch.row[3]))) == b"zzz"


def test_kept_rows_are_not_written_until_all_others_were(opened: Opened, peer: socket.socket) -> None:
    sock, arena, _ = opened
    kept: dict[int, bytes] = {}
    for number in range(64 - BATCH):
        peer.sendto(b"%d" % number, ("127.0.0.1", sock.port))
        batch = sock.receive()
        assert batch is not None
        row = int(batch.row[0])
        assert row not in kept, f"row {row} was reused after {number} packets"
        kept[row] = bytes(arena.packet(row))
        sock.keep(np.array([0]))
    assert all(bytes(arena.packet(row)) == text for row, text in kept.items())


def test_rejected_rows_are_used_again(opened: Opened, peer: socket.socket) -> None:
    sock, _, _ = opened
    seen = set()
    for _ in range(100):
        peer.sendto(b"junk", ("127.0.0.1", sock.port))
        batch = sock.receive()
        assert batch is not None
        seen.update(batch.row.tolist())
    assert len(seen) == 1


SIZES: list[tuple[str, list[int]]] = [
    ("equal", [1100] * 10),
    ("last shorter", [1100, 1100, 700]),
    ("growing", [10, 20, 30]),
    ("short in the middle", [900, 500, 900, 900]),
    ("more than a segmented datagram holds", [1200] * 130),
    ("more segments than allowed", [20] * 150),
    ("one", [1]),
]


@pytest.mark.parametrize("sizes", [sizes for _, sizes in SIZES], ids=[name for name, _ in SIZES])
def test_sends_every_datagram_whole_and_in_order(opened: Opened, peer: socket.socket, sizes: list[int]) -> None:
    sock, _, send = opened
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    for row, size in enumerate(sizes):
        send.bytes[row, HEAD : HEAD + size] = row % 251
    count = len(sizes)
    starts = np.full(count, HEAD)
    sent = sock.send(np.arange(count), starts, np.array(sizes), destinations(peer, count))
    assert sent == count
    for row, size in enumerate(sizes):
        assert peer.recv(2000) == bytes([row % 251]) * size


def test_two_peers_get_their_own(opened: Opened, peer: socket.socket) -> None:
    sock, _, send = opened
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(5)
        send.bytes[3:7, HEAD] = [1, 2, 3, 4]
        addresses = np.concatenate([destinations(peer, 2), destinations(other, 2)])
        assert sock.send(np.arange(3, 7), np.full(4, HEAD), np.ones(4, np.int64), addresses) == 4
        assert [peer.recv(10), peer.recv(10)] == [b"\1", b"\2"]
        assert [other.recv(10), other.recv(10)] == [b"\3", b"\4"]


def test_an_unreachable_peer_does_not_stop_the_others(opened: Opened, peer: socket.socket) -> None:
    sock, _, send = opened
    send.bytes[:3, HEAD] = [1, 2, 3]
    addresses = destinations(peer, 3)
    addresses[1, 2:4] = 0  # port 0: refused by the kernel
    sock.send(np.arange(3), np.full(3, HEAD), np.ones(3, np.int64), addresses)
    assert [peer.recv(10), peer.recv(10)] == [b"\1", b"\3"]


def test_ipv6_addresses_are_keys_too() -> None:
    receive, send = Arena(64), Arena(8)
    make: list[Callable[..., UdpSocket]] = list(KINDS)
    for kind in make:
        sock = kind(socket.AF_INET6, "::1", 0, receive, send, RowQueue(64), BATCH)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
            other.bind(("::1", 0))
            other.settimeout(5)
            other.sendto(b"hello", ("::1", sock.port))
            batch = sock.receive()
            assert batch is not None and len(batch.addresses[0]) == ADDRESS_SIZE
            assert address_parts(batch.addresses[0]) == (bytes(15) + b"\1", other.getsockname()[1])
            send.bytes[0, HEAD : HEAD + 2] = np.frombuffer(b"ok", np.uint8)
            address = np.frombuffer(batch.addresses[0], np.uint8)[None, :]
            assert sock.send(np.arange(1), np.array([HEAD]), np.array([2]), address) == 1
            assert other.recv(10) == b"ok"
        sock.close()
