"""What a DTLS handshake costs, each side alone: CPU of a join apart from signalling.

`python -m benchmarks.handshake >> benchmarks/results/handshake.jsonl`; prints, never asserts.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.timing import emit
from media.io.dtls import Certificate, DtlsClient, DtlsServer

ROUNDS = 100


def handshake(ours: Certificate, theirs: Certificate) -> tuple[int, int, int]:
    """(server's, client's nanoseconds, datagrams) of one handshake."""
    spent = {"server": 0, "client": 0}
    clock = time.thread_time_ns
    start = clock()
    client = DtlsClient(theirs)
    client.expect([ours.fingerprint])
    flight = client.start()
    spent["client"] += clock() - start
    start = clock()
    server = DtlsServer(ours)
    server.expect([theirs.fingerprint])
    spent["server"] += clock() - start
    datagrams = 0
    side, name = (server, client), ("server", "client")
    turn = 0
    while flight:
        datagrams += len(flight)
        start = clock()
        flight = [answer for datagram in flight for answer in side[turn].handle(datagram)]
        spent[name[turn]] += clock() - start
        turn ^= 1
    for one, end in zip(name, side, strict=True):
        start = clock()
        end.srtp_keys()
        spent[one] += clock() - start
    return spent["server"], spent["client"], datagrams


def main() -> None:
    ours, theirs = Certificate.generate(), Certificate.generate()
    took = np.array([handshake(ours, theirs) for _ in range(ROUNDS)])
    for at, side in enumerate(("server", "client")):
        p50, p99 = np.percentile(took[:, at], [50, 99])
        case = {"side": side, "datagrams": int(took[0, 2])}
        emit("handshake", case, {"ns_p50": round(float(p50)), "ns_p99": round(float(p99))})


if __name__ == "__main__":
    main()
