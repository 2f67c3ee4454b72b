"""Asks a TURN server for a relay as a browser would (RFC 8656 7), to see whether it answers and knows our secret.

For `balie doctor`: over UDP, TCP or TLS as the URL says, with waiting.  A relay that was given is given back at once.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import ssl
import struct

from media.core import stun
from signalling.relays import Relays

WAIT_S = 3.0
TRIES = 3  # of a datagram, each a third of WAIT_S
ANSWER_MAX = 4096
PORT, TLS_PORT = 3478, 5349  # RFC 7065 3.2

_ALLOCATE, _ALLOCATED, _REFUSED, _REFRESH = 0x0003, 0x0103, 0x0113, 0x0004
_USERNAME, _ERROR, _LIFETIME, _REALM, _NONCE, _TRANSPORT = 0x0006, 0x0009, 0x000D, 0x0014, 0x0015, 0x0019
_UDP = bytes((17, 0, 0, 0))
UNAUTHORIZED, STALE_NONCE = 401, 438


class ProbeError(Exception):
    """What is wrong with a server, for an operator."""


def probe(url: str, relays: Relays, unix_s: float) -> None:
    """ProbeError, OSError: no relay is to be had there."""
    host, port, transport, secure = _parts(url)
    line: _Line = _Datagrams(host, port) if transport == "udp" else _Stream(host, port, secure=secure)
    try:
        code, asked = _ask(line, _ALLOCATE, [(_TRANSPORT, _UDP)], None)
        if code != UNAUTHORIZED or not {_REALM, _NONCE} <= asked.keys():
            raise ProbeError(
                f"it answers with {code or 'a relay'} to somebody without a name: use-auth-secret is not set"
            )
        username, password = relays.credentials("balie doctor", unix_s, probe=True)
        known, key = _credentials(username, password, asked)
        code, answer = _ask(line, _ALLOCATE, [(_TRANSPORT, _UDP), *known], key)
        if code == STALE_NONCE and {_REALM, _NONCE} <= answer.keys():  # RFC 8489 9.2.5: once more, with the new one
            known, key = _credentials(username, password, answer)
            code, _ = _ask(line, _ALLOCATE, [(_TRANSPORT, _UDP), *known], key)
        if code == UNAUTHORIZED:
            raise ProbeError("it does not take our credentials: its static-auth-secret is another, or a clock is wrong")
        if code:
            raise ProbeError(f"it gives no relay: error {code}")
        _ask(line, _REFRESH, [(_LIFETIME, bytes(4)), *known], key)
    finally:
        line.close()


def _credentials(username: str, password: str, asked: dict[int, bytes]) -> tuple[list[tuple[int, bytes]], bytes]:
    """Attributes, and the key, for a server that asked for them (RFC 8489 9.2)."""
    key = hashlib.md5(b":".join((username.encode(), asked[_REALM], password.encode()))).digest()
    return [(_USERNAME, username.encode()), (_REALM, asked[_REALM]), (_NONCE, asked[_NONCE])], key


def _parts(url: str) -> tuple[str, int, str, bool]:
    """Of a URL that balie.checks let pass."""
    found = re.fullmatch(r"(turns?):(?:\[(.+)\]|([^:?]+))(?::(\d+))?(?:\?transport=(\w+))?", url)
    assert found is not None
    secure = found[1] == "turns"
    port = int(found[4] or (TLS_PORT if secure else PORT))
    return found[2] or found[3], port, found[5] or ("tcp" if secure else "udp"), secure


def _ask(
    line: _Line, kind: int, attributes: list[tuple[int, bytes]], key: bytes | None
) -> tuple[int, dict[int, bytes]]:
    """The error code of the answer, 0 for success, and its attributes."""
    transaction = secrets.token_bytes(12)
    request = stun.request(kind, transaction, attributes, key)
    answer = line.exchange(request)
    if not stun.answers(answer, request):
        raise ProbeError("what answers there is no TURN server")
    found = dict(stun.attributes(answer))
    error = found.get(_ERROR, b"")
    return (error[2] * 100 + error[3] if len(error) >= 4 else 0), found


class _Line:
    """A way to a server: one message there, one back."""

    _socket: socket.socket

    def exchange(self, message: bytes) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        self._socket.close()


class _Datagrams(_Line):
    def __init__(self, host: str, port: int) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.settimeout(WAIT_S / TRIES)
        self._socket.connect(address)

    def exchange(self, message: bytes) -> bytes:
        for _ in range(TRIES):
            self._socket.send(message)
            try:
                while not stun.answers(answer := self._socket.recv(ANSWER_MAX), message):
                    continue  # a second one, to what we said twice
                return answer
            except TimeoutError:
                continue
        raise TimeoutError("timed out")


class _Stream(_Line):
    def __init__(self, host: str, port: int, *, secure: bool) -> None:
        self._socket = socket.create_connection((host, port), WAIT_S)
        if secure:
            try:
                self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=host)
            except OSError:
                self._socket.close()
                raise

    def exchange(self, message: bytes) -> bytes:
        self._socket.sendall(message)
        head = self._exactly(stun.HEADER_SIZE)
        size: int = struct.unpack_from("!H", head, 2)[0]
        if size > ANSWER_MAX:
            raise ProbeError("what answers there is no TURN server")
        return head + self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ProbeError("it closed the connection")
            data += more
        return data
