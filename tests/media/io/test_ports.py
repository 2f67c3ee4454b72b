"""Ports over real loopback sockets: the one with arrays and the compiled one must behave alike."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from media import native
from media.core.ice import ADDRESSES_MAX
from media.core.packets import HEAD, Arena
from media.io.compiled import CompiledPort
from media.io.peers import Peers
from media.io.ports import ArrayPort, Port
from media.io.udp import PlainSocket, RowQueue, address_bytes, has_batches, open_socket
from media.native.index import ADDRESS_WORDS, Index

BATCH, ROWS, TRANSPORTS = 8, 64, 4
RTP = bytes([0x80, 96]) + bytes(40)
RTCP = bytes([0x80, 200]) + bytes(40)


@dataclass
class Opened:
    port: Port
    receive: Arena
    send: Arena
    peers: Peers


def opened_by(kind: str, family: socket.AddressFamily, host: str) -> Opened:
    receive, send, rows = Arena(ROWS), Arena(200), RowQueue(ROWS)
    peers = Peers(TRANSPORTS, Index(TRANSPORTS * ADDRESSES_MAX, ADDRESS_WORDS))
    if kind == "compiled":
        port: Port = CompiledPort(native.library(), family, host, 0, receive, send, rows, BATCH, 0, peers)
    elif kind == "plain":
        port = ArrayPort(PlainSocket(family, host, 0, receive, send, rows, BATCH), 0, peers, receive)
    else:
        port = ArrayPort(open_socket(family, host, 0, receive, send, rows, BATCH), 0, peers, receive)
    return Opened(port, receive, send, peers)


KINDS = ["plain"] + (["arrays"] if has_batches() else []) + (["compiled"] if native.library() is not None else [])


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    made = opened_by(request.param, socket.AF_INET, "127.0.0.1")
    yield made
    made.port.close()


@pytest.fixture
def peer() -> Iterator[Callable[[], socket.socket]]:
    made: list[socket.socket] = []

    def new() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        made.append(sock)
        return sock

    yield new
    for sock in made:
        sock.close()


def know(opened: Opened, transport: int, sock: socket.socket, *, keys: bool = True) -> bytes:
    """A peer whose address was checked."""
    address = address_bytes(sock.family, *sock.getsockname()[:2])
    opened.peers.by_address[address] = transport
    opened.peers.reach(transport, address, 0)
    opened.peers.has_keys[transport] = keys
    return address


def to(opened: Opened) -> tuple[str, int]:
    return ("127.0.0.1", opened.port.port)


def test_a_batch_is_sorted_by_protocol_and_sender(opened: Opened, peer: Callable[[], socket.socket]) -> None:
    an, bert, stranger = peer(), peer(), peer()
    know(opened, 1, an)
    of_bert = know(opened, 2, bert, keys=False)
    for sock, data in ((an, RTP), (bert, RTP), (stranger, RTP), (an, RTCP), (an, b"\x00\x01stun"), (an, RTP + b"2")):
        sock.sendto(data, to(opened))
    batch = opened.port.receive()
    assert batch is not None
    assert batch.count == 6
    packets = [bytes(opened.receive.packet(row)) for row in batch.rtp_row.tolist()]
    assert packets == [RTP, RTP + b"2"]
    assert batch.rtp_transport.tolist() == [1, 1]
    assert [bytes(opened.receive.packet(row)) for row in batch.rtcp_row.tolist()] == [RTCP]
    assert batch.rtcp_transport.tolist() == [1]
    assert [other.transport for other in batch.others] == [2, -1, 1]
    assert batch.others[0].address == of_bert
    assert bytes(opened.receive.packet(batch.others[2].row)) == b"\x00\x01stun"
    assert opened.port.receive() is None


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x80\x60", RTP[:21], RTCP[:21], b"\x40" * 30, b"\xc0\x60" + bytes(40)]
)
def test_what_is_too_short_or_no_media_is_left_to_python(
    opened: Opened, peer: Callable[[], socket.socket], data: bytes
) -> None:
    an = peer()
    know(opened, 0, an)
    an.sendto(data, to(opened))
    batch = opened.port.receive()
    assert batch is not None
    assert (len(batch.rtp_row), len(batch.rtcp_row), len(batch.others)) == (0, 0, 1)
    assert bytes(opened.receive.packet(batch.others[0].row)) == data


def test_a_datagram_that_does_not_fit_is_marked(opened: Opened, peer: Callable[[], socket.socket]) -> None:
    an = peer()
    know(opened, 0, an)
    an.sendto(RTP + bytes(1500), to(opened))
    batch = opened.port.receive()
    assert batch is not None
    assert [other.too_long for other in batch.others] == [True]


def test_arrival_times_are_the_kernels_and_in_order(opened: Opened, peer: Callable[[], socket.socket]) -> None:
    an = peer()
    know(opened, 0, an)
    for _ in range(5):
        an.sendto(RTP, to(opened))
    batch = opened.port.receive()
    assert batch is not None
    times = batch.rtp_arrival_us
    assert (np.diff(times) >= 0).all()
    assert 0 <= times[-1] - times[0] < 5_000_000


def test_rows_that_are_kept_are_not_received_into(opened: Opened, peer: Callable[[], socket.socket]) -> None:
    an = peer()
    know(opened, 0, an)
    kept: dict[int, bytes] = {}
    for number in range((ROWS - BATCH) // 2):
        data = RTP + bytes([number])
        an.sendto(data, to(opened))
        an.sendto(RTP + b"not kept", to(opened))
        batch = opened.port.receive()
        assert batch is not None
        row = batch.rtp_row[:1].copy()
        kept[int(row[0])] = data
        opened.port.keep(row)
    assert len(kept) == (ROWS - BATCH) // 2
    assert {row: bytes(opened.receive.packet(row)) for row in kept} == kept


def write(opened: Opened, packets: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    for row, data in enumerate(packets):
        opened.send.bytes[row, HEAD : HEAD + len(data)] = np.frombuffer(data, np.uint8)
    return np.full(len(packets), HEAD, np.int64), np.array([len(data) for data in packets], np.int64)


def test_copies_go_to_their_transports_in_order(opened: Opened, peer: Callable[[], socket.socket]) -> None:
    """Equal neighbours leave as one segmented datagram where that is possible: the receiver cannot tell."""
    socks = [peer() for _ in range(3)]
    for transport, sock in enumerate(socks):
        know(opened, transport, sock)
    packets = [bytes([number]) * (900 if number % 5 else 300) for number in range(60)]
    starts, sizes = write(opened, packets)
    transports = np.array([number // 4 % 3 for number in range(60)], np.int64)
    assert not any(opened.port.send_copies(starts, sizes, transports))
    for transport, sock in enumerate(socks):
        mine = [
            data for data, to_transport in zip(packets, transports.tolist(), strict=True) if to_transport == transport
        ]
        assert [sock.recv(2000) for _ in mine] == mine


def test_what_cannot_be_sent_is_counted_and_the_rest_goes(opened: Opened, peer: Callable[[], socket.socket]) -> None:
    an = peer()
    know(opened, 1, an)
    opened.peers.socket_of[2] = 1
    starts, sizes = write(opened, [b"refused by libsrtp", b"nowhere", b"elsewhere", b"good"])
    sizes[0] = 0
    unsent = opened.port.send_copies(starts, sizes, np.array([1, 0, 2, 1], np.int64))
    assert (unsent.without_address, unsent.elsewhere, unsent.would_block, unsent.failed) == (1, 1, 0, 0)
    assert an.recv(100) == b"good"


@pytest.mark.parametrize("kind", KINDS)
def test_ipv6(kind: str) -> None:
    try:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    with sock:
        sock.settimeout(5)
        made = opened_by(kind, socket.AF_INET6, "::1")
        address = know(made, 3, sock)
        sock.sendto(RTP, ("::1", made.port.port))
        sock.sendto(b"\x00", ("::1", made.port.port))
        batch = made.port.receive()
        assert batch is not None
        assert batch.rtp_transport.tolist() == [3]
        assert batch.others[0].address == address
        starts, sizes = write(made, [b"over six"])
        assert not any(made.port.send_copies(starts, sizes, np.array([3], np.int64)))
        assert sock.recv(100) == b"over six"
        made.port.close()
