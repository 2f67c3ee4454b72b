"""`python -m benchmarks.visit_load PORT ROOMS PEOPLE`: calls of real clients on a server of tests.support.served.

Says "ready" once all are in, and goes on until it is ended.
"""

from __future__ import annotations

import http.client
import sys

from benchmarks.crowd import Crowd
from benchmarks.keys import Keyring
from benchmarks.load import Load
from benchmarks.ours import START_MAX_S, Guests, connect
from benchmarks.places import LOOPBACK
from benchmarks.wire import Wire
from signalling.tokens import Key, Tokens
from tests.support.served import SECRET

LASTS_S = 900.0


def main(port: int, rooms: int, people: int) -> None:
    crowd = Crowd(rooms, people)
    load = Load(crowd, Wire(), Keyring(crowd.connections), LOOPBACK.base_address)
    server = http.client.HTTPConnection(LOOPBACK.host, port, timeout=START_MAX_S)
    connect(server)
    joined = Guests(load, Tokens("balie", (Key("1", SECRET.encode()),)), server).join()
    server.close()

    def mark(which: str) -> None:
        if which == "start":
            print("ready", flush=True)

    load.run(joined, 1.0, LASTS_S, mark)


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:4]))
