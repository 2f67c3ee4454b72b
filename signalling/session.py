"""One WebSocket participant: who he is, his two peer connections, and what he was told (for a resume)."""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Callable

from media.core.model import ParticipantId, RoomId
from signalling import messages
from signalling.errors import SignallingError
from signalling.media_plane import Limits
from signalling.publishing import Publishing
from signalling.subscribing import Subscribing
from signalling.tokens import Join


class TokenBucket:
    """At most `burst` at once and `per_s` a second on average."""

    def __init__(self, burst: int, per_s: int, now_us: int) -> None:
        self._burst_us, self._cost_us = burst * 1_000_000 // per_s, 1_000_000 // per_s
        self._credit_us, self._last_us = self._burst_us, now_us

    def take(self, now_us: int) -> bool:
        self._credit_us = min(self._burst_us, self._credit_us + now_us - self._last_us)
        self._last_us = now_us
        if self._credit_us < self._cost_us:
            return False
        self._credit_us -= self._cost_us
        return True


class Session:
    """State of a session.

    connection    the WebSocket it speaks through, None while that is lost
    lost_us       when it was lost
    told_waiting  what it was told of its own waiting since its last welcome: position, staff, held
    told_lobby    whom it was told to be waiting since then
    """

    def __init__(
        self,
        identifier: str,
        secret: str,
        join: Join,
        publishing: Publishing,
        subscribing: Subscribing,
        limits: Limits,
        send: Callable[[int, bytes], None],
    ) -> None:
        self.id = identifier
        self.join = join
        self.room = RoomId(join.room)
        self.participant = ParticipantId(join.participant)
        self.publishing, self.subscribing = publishing, subscribing
        self.connection: int | None = None
        self.lost_us = 0
        self.told_waiting: tuple[int, tuple[str, ...], bool] | None = None
        self.told_lobby: tuple[tuple[str, str, str, bool], ...] | None = None
        self._secret_hash = hashlib.sha256(secret.encode()).digest()
        self._number = 0
        self._sent: deque[tuple[int, bytes]] = deque(maxlen=limits.buffered)
        self._send = send

    def tell(self, make: Callable[[int], messages.FromServer]) -> None:
        """Number a message, keep it for a resume, and send it if there is a connection."""
        self._number += 1
        data = messages.encode(make(self._number))
        self._sent.append((self._number, data))
        if self.connection is not None:
            self._send(self.connection, data)

    def mention(self, make: Callable[[int], messages.FromServer]) -> None:
        """Send what is over in a moment: with the number of the message before it, and never again."""
        if self.connection is not None:
            self._send(self.connection, messages.encode(make(self._number)))

    def secret_fits(self, secret: str) -> bool:
        return hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), self._secret_hash)

    def resume(self, connection: int, seen: int, welcome: Callable[[int], messages.Welcome]) -> None:
        """Go on over another WebSocket: welcome, then everything after number `seen`.

        Raises SignallingError not_found when messages in between are no longer kept; nothing changed then.
        """
        missed = [data for number, data in self._sent if number > seen]
        if seen < self._number - len(missed) or seen > self._number:
            raise SignallingError("not_found", "too much was missed for a resume: join anew", fatal=True)
        self.connection = connection
        self.told_waiting = self.told_lobby = None
        self._send(connection, messages.encode(welcome(self._number)))
        for data in missed:
            self._send(connection, data)

    def close(self) -> None:
        """End both peer connections."""
        self.publishing.close()
        self.subscribing.close()
