"""A participant over WHIP and WHEP, blocking and small: HTTP, ICE, DTLS and SRTP for real, one after the other."""

from __future__ import annotations

import http.client
import os
import re
import select
import socket

from pylibsrtp import Policy, Session

from media.core import stun
from media.io.dtls import Certificate, DtlsClient
from tests.support.packets import key_frame, rtp

CERTIFICATE = Certificate.generate()
SSRC = 0x1001


def offer(direction: str, ufrag: str, pwd: str) -> str:
    """One VP8 section, as an encoder or a viewer offers it."""
    algorithm, digest = CERTIFICATE.fingerprint
    lines = [
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
        "m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:0", f"a={direction}", "a=rtcp-mux",
        f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}", f"a=fingerprint:{algorithm} {digest}", "a=setup:actpass",
        "a=rtpmap:96 VP8/90000",
    ]  # fmt: skip
    if direction == "sendonly":
        lines.append(f"a=ssrc:{SSRC} cname:caller")
    return "\r\n".join(lines) + "\r\n"


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} in {text[:400]}"
    return match[1]


class Connection:
    """One peer connection, made by POST to /whip/{room} or /whep/{room} and ended by DELETE."""

    def __init__(self, web: http.client.HTTPConnection, kind: str, room: str, token: str) -> None:
        self._web, self._headers = web, {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        ufrag, pwd = os.urandom(4).hex(), os.urandom(16).hex()
        direction = "sendonly" if kind == "whip" else "recvonly"
        status, self._location, answer = self._ask("POST", f"/{kind}/{room}", offer(direction, ufrag, pwd))
        assert status == 201, answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", int(found(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", answer))))
        self._check(found(r"a=ice-ufrag:(\S+)", answer), found(r"a=ice-pwd:(\S+)", answer), ufrag)
        self._shake(found(r"a=fingerprint:sha-256 (\S+)", answer))

    def _ask(self, method: str, path: str, body: str = "") -> tuple[int, str, str]:
        self._web.request(method, path, body, self._headers)
        response = self._web.getresponse()
        return response.status, response.getheader("Location") or "", response.read().decode()

    def _check(self, ufrag: str, pwd: str, own: str) -> None:
        self.socket.send(stun.binding_request(os.urandom(12), f"{ufrag}:{own}", pwd.encode(), 1, 7, True))
        assert stun.parse_binding_success(self.socket.recv(2000), pwd.encode()) is not None

    def _shake(self, fingerprint: str) -> None:
        dtls = DtlsClient(CERTIFICATE)
        dtls.expect([("sha-256", fingerprint)])
        flight = dtls.start()
        while dtls.state != "connected":
            for datagram in flight:
                self.socket.send(datagram)
            flight = dtls.handle(self.socket.recv(2000))
        for datagram in flight:
            self.socket.send(datagram)
        keys = dtls.srtp_keys()
        self._out = Session(Policy(keys.send_key, Policy.SSRC_ANY_OUTBOUND, 0, keys.profile))
        self._in = Session(Policy(keys.receive_key, Policy.SSRC_ANY_INBOUND, 0, keys.profile))

    def send_key_frame(self, sequence: int) -> None:
        packet = rtp(ssrc=SSRC, sequence=sequence, timestamp=sequence * 3000, payload=key_frame(800), marker=True)
        self.socket.send(self._out.protect(packet))

    def has_something(self, within_s: float = 0.2) -> bool:
        """Whether a datagram waits to be received."""
        return bool(select.select([self.socket], [], [], within_s)[0])

    def receive_video(self) -> bytes:
        """The next RTP packet, decrypted; reports and checks in between are passed over."""
        while True:
            data = self.socket.recv(2000)
            if data[0] >> 6 == 2 and not 192 <= data[1] <= 223:
                return self._in.unprotect(data)

    def end(self) -> None:
        """DELETE, and away."""
        status, _, answer = self._ask("DELETE", self._location)
        assert status == 200, answer
        self.socket.close()
