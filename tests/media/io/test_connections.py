"""Who may connect by TCP, how many, and for how long; over real sockets, with limits made small."""

from __future__ import annotations

import os
import resource
import select
import socket
from collections.abc import Iterator

import pytest

from media.core.drops import TcpCounts
from media.io import connections
from media.io.connection import Connection
from media.io.connections import FIRST_US, IDLE_US, STALLED_US, Connections
from media.native.index import ADDRESS_WORDS, Index

PROVEN_MAX = 4


class Door:
    """Connections on loopback, and the clients that came."""

    def __init__(self) -> None:
        self.counts, self.known, self.lost = TcpCounts(), Index[bytes](64, ADDRESS_WORDS), list[bytes]()
        self.all = Connections(PROVEN_MAX, self.counts, self.known, self.lost.append)
        self.all.listen("127.0.0.1", 0)
        self.clients: list[socket.socket] = []

    def come(self, source: str = "127.0.0.1") -> socket.socket:
        (listener,) = self.all.listeners
        client = socket.create_connection(listener.getsockname(), 5, (source, 0))
        self.clients.append(client)
        select.select([listener], [], [], 5)
        self.all.accept(listener)
        return client

    def newest(self) -> Connection:
        return list(self.all._open.values())[-1]

    def prove(self) -> Connection:
        connection = self.newest()
        self.known[connection.key] = len(self.known)
        self.all.believe(connection.key)
        assert connection.proven
        return connection

    def shut(self) -> None:
        self.all.shut()
        for client in self.clients:
            client.close()


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.shut()


def closed(client: socket.socket) -> bool:
    client.settimeout(5)
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_stranger_has_little_time_and_a_peer_as_long_as_he_speaks(door: Door) -> None:
    silent = door.come()
    start_us = door.newest().opened_us
    door.come()
    peer = door.prove()
    peer.heard_us = start_us
    door.all.expire(start_us + FIRST_US)
    assert len(door.all) == 2
    door.all.expire(start_us + FIRST_US + 1)
    assert len(door.all) == 1 and closed(silent)
    assert door.counts.strangers == 1 and door.lost == []
    door.all.expire(start_us + IDLE_US)
    assert len(door.all) == 1
    door.all.expire(start_us + IDLE_US + 1)
    assert len(door.all) == 0 and door.lost == [peer.key]


def test_who_takes_nothing_any_more_is_let_go(door: Door) -> None:
    door.come()
    peer = door.prove()
    peer.keep([memoryview(b"waits")], peer.opened_us)
    peer.heard_us += 2 * STALLED_US
    door.all.expire(peer.opened_us + STALLED_US)
    assert len(door.all) == 1
    door.all.expire(peer.opened_us + STALLED_US + 1)
    assert (len(door.all), door.counts.stalled) == (0, 1)


def test_the_connection_of_a_transport_that_is_gone_closes(door: Door) -> None:
    client = door.come()
    peer = door.prove()
    del door.known[peer.key]
    door.all.expire(peer.opened_us)
    assert closed(client)


def test_one_address_has_only_so_many(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STRANGERS_EACH_MAX", 2)
    monkeypatch.setattr(connections, "EACH_MAX", 3)
    door.come(), door.come()
    assert closed(door.come()), "a third stranger"
    door.prove()
    door.come()
    assert len(door.all) == 3
    for connection in list(door.all._open.values()):
        door.known[connection.key] = 1
        door.all.believe(connection.key)
    assert closed(door.come()), "a fourth at all"
    assert not door.counts.strangers and door.counts.refused == 2
    door.come("127.0.0.9")
    assert len(door.all) == 4, "another address may"
    for connection in list(door.all._open.values()):
        door.all.close(connection)
    assert not door.all._of_network


def test_a_newcomer_takes_the_place_of_the_oldest_stranger(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STRANGERS_MAX", 2)
    first, second = door.come(), door.come()
    door.come()
    assert closed(first)
    assert (len(door.all), door.counts.refused, door.counts.accepted) == (2, 1, 3)
    second.close()


def test_there_is_an_end_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STRANGERS_MAX", 1)
    door = Door()
    for _ in range(PROVEN_MAX + 1):
        door.come()
        door.prove()
    assert closed(door.come())
    assert len(door.all) == PROVEN_MAX + 1
    door.shut()


def test_without_file_numbers_the_door_says_no_and_goes_on(door: Door) -> None:
    """A listener that stayed readable would turn the loop for nothing."""
    (listener,) = door.all.listeners
    client = socket.create_connection(listener.getsockname(), 5)
    door.clients.append(client)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        door.all.accept(listener)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert closed(client) and door.counts.refused == 1
    door.come()
    assert len(door.all) == 1


def test_ipv6_counts_by_network(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        probe = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    probe.close()
    door = Door()
    door.all.listen("::1", 0)
    listener = door.all.listeners[1]
    client = socket.create_connection(listener.getsockname()[:2], 5)
    select.select([listener], [], [], 5)
    door.all.accept(listener)
    assert door.newest().ip == bytes(15) + b"\1"
    assert list(door.all._of_network) == [bytes(8)]
    client.close()
    door.shut()
