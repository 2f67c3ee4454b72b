"""What the kernel charges for a datagram over loopback: by sendto, sendmmsg, GSO groups, recvmmsg.

`python -m benchmarks.udp >> benchmarks/results/udp.jsonl`; prints, never asserts.  Sending over
loopback includes delivery into the receiver's buffer, so these are costs of both ends of the stack.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import numpy as np

from benchmarks.timing import emit, percentiles, timed
from media.core.packets import HEAD, Arena
from media.io.udp import ADDRESS_SIZE, BatchSocket, RowQueue, address_bytes, has_batches

PACKETS = 256
SIZE = 1116
GROUPS = (1, 4, 32)
ROUNDS = 300


def open_batch(gso: bool) -> BatchSocket:
    arena, send = Arena(4 * PACKETS), Arena(PACKETS)
    return BatchSocket(socket.AF_INET, "127.0.0.1", 0, arena, send, RowQueue(4 * PACKETS), PACKETS, gso=gso)


def drain(sink: socket.socket) -> None:
    try:
        while True:
            sink.recv(2048)
    except BlockingIOError:
        return


def plain() -> None:
    """sendto(), as asyncio would: one call each."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, sink_socket() as sink:
        data, to = bytes(SIZE), sink.getsockname()

        def once() -> None:
            for _ in range(PACKETS):
                sender.sendto(data, to)

        emit("udp", {"way": "sendto", "bytes": SIZE}, measured_with_drain(once, [sink]))


def sink_socket() -> socket.socket:
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.setblocking(False)
    sink.bind(("127.0.0.1", 0))
    sink.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE; without the right to, losses cost less
    return sink


def measured_with_drain(once: Callable[[], object], sinks: list[socket.socket]) -> dict[str, float]:
    took = []
    for _ in range(ROUNDS):
        took.append(timed(once))
        for sink in sinks:
            drain(sink)
    return percentiles(took, PACKETS)


def batches(group: int) -> None:
    """BatchSocket.send: sendmmsg, with `group` neighbours to one address."""
    sender = open_batch(gso=group > 1)
    sinks = [sink_socket() for _ in range(8)]
    names = [np.frombuffer(address_bytes(socket.AF_INET, *sink.getsockname()), np.uint8) for sink in sinks]
    addresses = np.zeros((PACKETS, ADDRESS_SIZE), np.uint8)
    for at in range(PACKETS):
        addresses[at, :16] = names[at // group % len(sinks)]
    rows, starts, sizes = np.arange(PACKETS), np.full(PACKETS, HEAD), np.full(PACKETS, SIZE)
    numbers = measured_with_drain(lambda: sender.send(rows, starts, sizes, addresses), sinks)
    emit("udp", {"way": "sendmmsg", "group": group, "bytes": SIZE}, numbers)
    for sink in sinks:
        sink.close()
    sender.close()


def receiving() -> None:
    """BatchSocket.receive: recvmmsg and what Python makes of its answer."""
    receiver = open_batch(gso=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for packets in (1, 16, PACKETS):
            took = []
            for _ in range(ROUNDS):
                for _ in range(packets):
                    sender.sendto(bytes(SIZE), ("127.0.0.1", receiver.port))
                took.append(timed(receiver.receive))
            emit("udp", {"way": "recvmmsg", "packets": packets, "bytes": SIZE}, percentiles(took, packets))
    receiver.close()


def main() -> None:
    plain()
    if not has_batches():
        print("no recvmmsg and sendmmsg on this system: only sendto was measured")
        return
    for group in GROUPS:
        batches(group)
    receiving()


if __name__ == "__main__":
    main()
