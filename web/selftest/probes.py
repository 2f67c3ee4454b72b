"""Rooms in which one person meets himself: how a test reaches the media server as a conversation would.

Anybody may test, also without an appointment.  So a network asks a few at a time, the whole counter has a few at a
time, and each ends by itself: calls go first.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from balie.staff.limiter import Allowance, Buckets, network_of
from media.core.model import RoomId
from signalling.tokens import Grants, Join
from web.keys import ENTROPY, HUB, PUMP, UNIX_TIME

LASTS_S = 60
"""A test takes ten seconds; a slow phone that tries again within it, half a minute."""
TOKEN_S = 30  # to connect with
PROBES_MAX = 40
"""At a time: as many connections as some twenty conversations have, and less traffic than five."""
ALLOWANCE = Allowance(burst=12, every_s=10)
"""For one network: a family, or a class in a library that tests together."""
NETWORKS_MAX = 10_000
ROOM_BYTES = 16


@dataclass
class Probes:
    """Who may test now.  now_s: Unix seconds.

    later  runs something after so many seconds, as asyncio's loop does
    """

    most: int = PROBES_MAX
    later: Callable[[float, Callable[[], None]], object] = lambda wait_s, act: asyncio.get_running_loop().call_later(
        wait_s, act
    )
    _over_s: list[float] = field(default_factory=list)
    _networks: Buckets = field(default_factory=lambda: Buckets(ALLOWANCE, NETWORKS_MAX))

    def wait_s(self, address: str, now_s: float) -> int:
        """Seconds to wait before this address may test; 0: it may, and that counts."""
        network = network_of(address)
        if wait_s := self._networks.wait_s(network, int(now_s)):
            return wait_s
        self._over_s = [each for each in self._over_s if each > now_s]
        if len(self._over_s) >= self.most:
            return max(1, round(min(self._over_s) - now_s))
        self._networks.take(network, int(now_s))
        self._over_s.append(now_s + LASTS_S)
        return 0


PROBES = web.AppKey("PROBES", Probes)


def open_room(app: web.Application) -> str:
    """A join token for a new room that ends by itself; nobody else ever gets one for it."""
    hub, pump, now_s = app[HUB], app[PUMP], app[UNIX_TIME]()
    room = "probe-" + base64.b32encode(app[ENTROPY](ROOM_BYTES)).decode().rstrip("=").lower()
    join = Join("probe", room, "probe", "probe", Grants(frozenset(("audio", "video")), subscribe=True))

    def end() -> None:
        hub.end_room(RoomId(room))
        pump.flush()

    app[PROBES].later(LASTS_S, end)
    return hub.tokens.mint(join, int(now_s), TOKEN_S)
