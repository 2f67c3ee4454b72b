"""WHIP and WHEP clients of a counter, and what a test asks of their connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pytest

from signalling.errors import SignallingError
from signalling.tokens import Grants
from signalling.whip import STATUS, Created, Patched
from tests.support import sdp
from tests.support.counter import ROOM, UNIX_S, Counter
from tests.support.sdp import camera, chromium, microphone, watching

Kind = Literal["whip", "whep"]
KINDS = pytest.mark.parametrize("kind", ["whip", "whep"])
BOTH = chromium([microphone(), camera()])
WATCH = chromium(watching(1, 1))


@dataclass
class Encoder:
    """An HTTP client with one token."""

    counter: Counter
    token: str
    room: str = ROOM

    def post(self, kind: Kind, offer: str = "", *, after_s: float = 0) -> Created:
        begin = self.counter.http.publish if kind == "whip" else self.counter.http.watch
        offer = offer or (BOTH if kind == "whip" else WATCH)
        return begin(self.room, self.token, offer, self.counter.now_us, UNIX_S + after_s)

    def refused(self, kind: Kind, offer: str = "", *, after_s: float = 0) -> int:
        """The HTTP status."""
        with pytest.raises(SignallingError) as caught:
            self.post(kind, offer, after_s=after_s)
        return STATUS[caught.value.code]

    def patch(
        self, kind: Kind, created: Created, fragment: str, if_match: str | None, *, after_s: float = 0
    ) -> Patched:
        return self.counter.http.patch(
            kind, self.room, created.resource, self.token, fragment, if_match, UNIX_S + after_s
        )

    def delete(self, kind: Kind, created: Created, *, after_s: float = 0) -> None:
        self.counter.http.delete(kind, self.room, created.resource, self.token, self.counter.now_us, UNIX_S + after_s)


def encoder(counter: Counter, who: str = "cam", grants: Grants | None = None) -> Encoder:
    return Encoder(counter, counter.token(who, grants=grants))


def state(counter: Counter) -> tuple[dict[str, int], list[object]]:
    return counter.rows(), [(m.id, [t.source for t in m.tracks]) for m in counter.rooms.members(ROOM)]


def filled(created: Created) -> list[str]:
    return [part[2] for part in sdp.parts_of(created.sdp)]


def status_of(call: Callable[[], object]) -> int:
    with pytest.raises(SignallingError) as caught:
        call()
    return STATUS[caught.value.code]
