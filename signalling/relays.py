"""TURN servers for people whose network lets nothing through to the media server itself, and credentials for them.

The scheme is the long-used one of draft-uberti-behave-turn-rest, coturn's use-auth-secret: the user name says until
when and who, the password is an HMAC-SHA1 of that under a secret that the servers share with us.  So they need not ask
us anything, and what leaks ends by itself.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field

from signalling import messages
from signalling.tokens import Join

LIFETIME_S = 21_600
"""Longer than any call: who made the relay may use it on, but a browser may need another when its network changes."""
PROBE_S = 600
"""Of the self-test, which anybody may take and which lasts half a minute."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TURN_URL = re.compile(
    rf"(?P<scheme>turns?):(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)


def is_turn_url(url: str) -> bool:
    """RFC 7065, as far as browsers use it: TLS is over TCP."""
    found = _TURN_URL.fullmatch(url)
    if found is None or (found["port"] and not 1 <= int(found["port"]) <= 65_535):
        return False
    return found["scheme"] == "turn" or found["transport"] != "udp"


@dataclass(frozen=True)
class Relays:
    """urls: of TURN servers that all have the same secret; none: nobody gets any."""

    urls: tuple[str, ...] = ()
    secret: bytes = field(default=b"", repr=False)
    lifetime_s: int = LIFETIME_S

    def servers(self, join: Join, unix_s: float) -> list[messages.IceServer]:
        """For new RTCPeerConnection({iceServers}), for somebody who was let in."""
        if not self.urls:
            return []
        username, password = self.credentials(f"{join.room}\0{join.participant}", unix_s, probe=join.role == "probe")
        return [messages.IceServer(list(self.urls), username, password)]

    def credentials(self, who: str, unix_s: float, *, probe: bool = False) -> tuple[str, str]:
        """User name and password.  who does not go to the server as he is called: its log is not ours."""
        until_s = int(unix_s) + (min(PROBE_S, self.lifetime_s) if probe else self.lifetime_s)
        name = hmac.digest(self.secret, who.encode(), "sha256")[:8].hex()
        username = f"{until_s}:{name}"
        return username, base64.b64encode(hmac.digest(self.secret, username.encode(), "sha1")).decode()

    def links(self, join: Join, unix_s: float) -> tuple[str, ...]:
        """The same as values of Link headers (RFC 9725 4.6)."""
        return tuple(
            f'<{url}>; rel="ice-server"; username="{server.username}"; credential="{server.credential}"; '
            'credential-type="password"'
            for server in self.servers(join, unix_s)
            for url in server.urls
        )


NO_RELAYS = Relays()
