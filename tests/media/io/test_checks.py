"""Who says the same again is answered by the compiled loops, with the very bytes that Python would answer; whatever
differs is Python's to read."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from media import native
from media.core import stun
from media.core.model import TransportId
from media.io import checks
from media.io.server import MediaServer
from media.io.udp import address_parts
from tests.media.io.test_fastpath import SixthClient, came
from tests.support.client import WAIT_S, Client

pytestmark = pytest.mark.skipif(native.library() is None, reason="no C compiler was there at the installation")


@pytest.fixture
def read(server: MediaServer, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Checks that Python read, in order."""
    seen: list[bytes] = []
    real = server.engine.ice.handle

    def handle(data: bytes, *rest: object) -> object:
        seen.append(data)
        return real(data, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(server.engine.ice, "handle", handle)
    return seen


class Listener:
    """A socket that sends one datagram at a time and has what comes back."""

    def __init__(self, client: Client) -> None:
        self.client = client
        asyncio.get_running_loop().remove_reader(client.socket)

    async def ask(self, data: bytes) -> bytes:
        """The answer to a genuine check."""
        self.client.socket.send(data)
        async with asyncio.timeout(WAIT_S):
            return await asyncio.get_running_loop().sock_recv(self.client.socket, 2000)

    def expected(self, data: bytes) -> bytes:
        """What Python answers to it."""
        name = self.client.socket.getsockname()
        ip = socket.inet_pton(self.client.socket.family, name[0])
        return stun.binding_success(data[8:20], ip, name[1], self.client.ice.pwd.encode())


async def connected(server: MediaServer, kind: type[Client] = Client) -> Listener:
    client = came(server, kind)
    await client.connect()
    return Listener(client)


@pytest.mark.parametrize("kind", [Client, SixthClient])
async def test_the_same_again_is_answered_without_python(
    server: MediaServer, read: list[bytes], kind: type[Client]
) -> None:
    an = await connected(server, kind)
    read.clear()
    table, row = server.engine.ice.checks, an.client.transport
    for _ in range(3):
        before_us, check = server.now_us(), an.client.check()
        assert await an.ask(check) == an.expected(check)
        assert before_us <= table.heard_us[row] <= server.now_us()
        assert table.has_heard(row, check[8:20])
    assert not read
    an.client.socket.close()


async def test_without_a_digest_python_answers_all(
    server: MediaServer, read: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "sha1_address", lambda: 0)
    assert not checks.compiled_checks(native.library(), server.engine.ice.checks)
    fast = vars(server)["_fast"]
    fast.path.checks = checks.compiled_checks(native.library(), server.engine.ice.checks)
    an = await connected(server)
    check = an.client.check()
    assert await an.ask(check) == an.expected(check)
    assert read[-1] == check
    an.client.socket.close()


async def test_no_bit_of_it_may_differ(server: MediaServer, read: list[bytes]) -> None:
    """Each single bit: what is forged is refused and counted by Python, and is no sign of life.

    But for the name of the last attribute: who reads it may pass over what he does not know (RFC 8489 14.5).
    """
    an = await connected(server)
    check = an.client.check()
    await an.ask(check)
    read.clear()
    heard_us = int(server.engine.ice.checks.heard_us[an.client.transport])
    forgeries = []
    for bit in range(8 * len(check)):
        forged = bytearray(check)
        forged[bit >> 3] ^= 1 << (bit & 7)
        named = len(check) - 8 <= bit >> 3 < len(check) - 6
        if forged[0] <= 3 and not named:  # else it is not STUN at all
            forgeries.append(bytes(forged))
    before = server.engine.drops()
    for each in forgeries:
        an.client.socket.send(each)
    assert int(server.engine.ice.checks.heard_us[an.client.transport]) == heard_us
    last = an.client.check()
    assert await an.ask(last) == an.expected(last), "and no answer to any before it"
    assert read == forgeries
    drops = server.engine.drops()
    refused = ("stun_malformed", "stun_not_request", "stun_unknown_user", "stun_bad_integrity")
    assert sum(drops.get(name, 0) - before.get(name, 0) for name in refused) == len(forgeries)
    an.client.socket.close()


async def test_another_wish_is_read_and_is_then_what_is_known(server: MediaServer, read: list[bytes]) -> None:
    an = await connected(server)
    read.clear()
    others = [an.client.check(use_candidate=False) for _ in range(2)]
    for check in others:
        assert await an.ask(check) == an.expected(check)
    assert read == others[:1]
    an.client.socket.close()


async def test_new_credentials_are_read_until_they_are_known(server: MediaServer, read: list[bytes]) -> None:
    an = await connected(server)
    fresh = server.engine.restart_ice(TransportId(an.client.transport))
    earlier = [an.client.check() for _ in range(2)]
    read.clear()
    for check in earlier:
        assert await an.ask(check) == an.expected(check)
    assert read == earlier, "they work until the new ones are used, and are read"
    an.client.ice = fresh
    news = [an.client.check() for _ in range(2)]
    for check in news:
        assert await an.ask(check) == an.expected(check)
    assert read == [*earlier, news[0]]
    an.client.socket.close()


async def test_from_elsewhere_it_is_read(server: MediaServer, read: list[bytes]) -> None:
    """A phone that changes network is followed; what somebody overheard of it leads nowhere."""
    an = await connected(server)
    known = an.client.check()
    await an.ask(known)
    read.clear()
    port = vars(server)["_ports"][0].port
    with socket.create_server(("127.0.0.1", 0)):  # a number that nobody else takes meanwhile
        elsewhere = an.client._opened(port)
    before = server.engine.drops().get("stun_bad_integrity", 0)
    elsewhere.send(known)
    moved, first = Listener(an.client), an.client.socket
    an.client.socket = elsewhere
    check = an.client.check()
    assert await moved.ask(check) == moved.expected(check)
    assert read == [known, check]
    assert server.engine.drops()["stun_bad_integrity"] == before + 1
    selected = server.engine.ice.selected_address(an.client.transport)
    assert selected is not None
    assert address_parts(selected)[1] == elsewhere.getsockname()[1]
    again = an.client.check()
    assert await moved.ask(again) == moved.expected(again)
    assert len(read) == 2, "that is where it is reached now"
    first.close()
    elsewhere.close()


async def test_who_signs_without_a_fingerprint_is_read_each_time(server: MediaServer, read: list[bytes]) -> None:
    an = await connected(server)
    read.clear()
    key = an.client.ice.pwd.encode()
    for _ in range(2):
        whole = stun.request(0x0001, os.urandom(12), [(0x0006, f"{an.client.ice.ufrag}:peer".encode())], key)
        bare = whole[:2] + (len(whole) - 28).to_bytes(2, "big") + whole[4:-8]
        assert await an.ask(bare) == an.expected(bare)
    assert len(read) == 2
    an.client.socket.close()
