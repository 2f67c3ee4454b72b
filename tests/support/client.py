"""A small real peer for tests of the media server: its own socket, ICE checks, DTLS and SRTP, nothing mocked."""

from __future__ import annotations

import asyncio
import os
import socket

from pylibsrtp import Policy, Session

from media.core import stun
from media.core.model import LocalIce, TransportId
from media.io.dtls import Certificate, DtlsClient
from media.io.framing import Frames, framed
from media.process.media import Media

_CERTIFICATE = Certificate.generate()
WAIT_S = 10.0


class Client:
    """One peer connection.  connect(), then send_rtp/send_rtcp and received."""

    def __init__(self, server: Media, transport: TransportId, ice: LocalIce) -> None:
        self.server, self.transport, self.ice = server, transport, ice
        self.socket = self._opened(server.port)
        self.dtls = DtlsClient(_CERTIFICATE)
        self.dtls.expect([server.fingerprint])
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.sent: list[bytes] = []
        """Everything sent, as it went over the wire."""
        self._out: Session | None = None
        self._in: Session | None = None
        self._checked = asyncio.Event()
        self.arrived = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def _opened(self, port: int) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        opened.bind(("127.0.0.1", 0))
        opened.connect(("127.0.0.1", port))
        return opened

    def check(self, *, use_candidate: bool = True) -> bytes:
        """A connectivity check for this peer."""
        return stun.binding_request(
            os.urandom(12), f"{self.ice.ufrag}:peer", self.ice.pwd.encode(), 1, 7, use_candidate
        )

    async def connect(self) -> None:
        """ICE, then DTLS, until keys are there on both sides."""
        self.server.expect_fingerprints(self.transport, [_CERTIFICATE.fingerprint])
        self.send(self.check())
        async with asyncio.timeout(WAIT_S):
            await self._checked.wait()
            for datagram in self.dtls.start():
                self.send(datagram)
            while self.dtls.state != "connected":
                await self.wait()
        keys = self.dtls.srtp_keys()
        self._out = Session(Policy(keys.send_key, Policy.SSRC_ANY_OUTBOUND, 0, keys.profile))
        self._in = Session(Policy(keys.receive_key, Policy.SSRC_ANY_INBOUND, 0, keys.profile))

    async def wait(self) -> None:
        """Until something arrives."""
        async with asyncio.timeout(WAIT_S):
            await self.arrived.wait()
        self.arrived.clear()

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)
        self.socket.send(datagram)

    def protect(self, packet: bytes) -> bytes:
        assert self._out is not None
        return self._out.protect(packet)

    def send_rtp(self, packet: bytes) -> None:
        self.send(self.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        assert self._out is not None
        self.send(self._out.protect_rtcp(packet))

    async def caught_up(self) -> None:
        """Until the server has read everything that was sent before: it answers in order."""
        self._checked.clear()
        self.send(self.check())
        async with asyncio.timeout(WAIT_S):
            await self._checked.wait()

    async def until_rtp(self, count: int) -> list[bytes]:
        """The first packets received, once there are that many."""
        async with asyncio.timeout(WAIT_S):
            while len(self.rtp) < count:
                await self.wait()
        return self.rtp

    def _readable(self) -> None:
        while True:
            try:
                data = self.socket.recv(2000)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self._heard(data)

    def _heard(self, data: bytes) -> None:
        if data[0] <= 3:
            if stun.parse_binding_success(data, self.ice.pwd.encode()):
                self._checked.set()
        elif data[0] <= 63:
            for answer in self.dtls.handle(data):
                self.send(answer)
        elif self._in is not None:
            if 192 <= data[1] <= 223:
                self.rtcp.append(self._in.unprotect_rtcp(data))
            else:
                self.rtp.append(self._in.unprotect(data))
        self.arrived.set()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()


class TcpClient(Client):
    """The same over ICE-TCP: each packet after its length, on one connection (RFC 4571)."""

    def __init__(self, server: Media, transport: TransportId, ice: LocalIce) -> None:
        self._frames = Frames()
        self.gone = asyncio.Event()
        """The server closed the connection."""
        super().__init__(server, transport, ice)

    def _opened(self, port: int) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", port), WAIT_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setblocking(False)
        return opened

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)
        self.socket.sendall(framed(datagram))

    def _readable(self) -> None:
        while True:
            try:
                data = self.socket.recv(65_536)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            if not data:
                asyncio.get_running_loop().remove_reader(self.socket)
                self.gone.set()
                return
            self._frames.feed(data)
            while frames := self._frames.take(100):
                for frame in frames:
                    self._heard(frame)
