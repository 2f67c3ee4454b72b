"""Conversations as PROTOCOL.md writes them, played to a real hub.

Name > {json}   the client says it          Name < {json}   the server says it       Name x 1000   it closes
-- Name's publish connection stands         -- Name's WebSocket breaks               -- Name speaks
-- the steps of loket-3 changed elsewhere
A text "<...>" is filled in when the client says it, and may be anything when the server does.
"""

from __future__ import annotations

import json
import re
from typing import Any

from media.core.model import ParticipantId, SpeakersChanged
from signalling.hub import Outgoing
from signalling.tokens import Role
from tests.support import sdp
from tests.support.counter import ROOM, UNIX_S, Counter, Heard

ROLES: dict[str, Role] = {"mia": "staff"}
WAITING = {"jan"}
BROWSERS = {"mia": sdp.chromium}
SOURCES = {"microphone": sdp.microphone, "camera": sdp.camera, "screen": sdp.screen}


class Stage:
    """Who speaks over which WebSocket, and what each was told last."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.connections: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.told: dict[tuple[str, str], Heard] = {}

    def say(self, who: str, message: Heard) -> list[str]:
        """Returns what the server says and does then, as lines."""
        if message["type"] == "hello":
            self.connections[who] = self.counter.hub.connect(self.counter.now_us)
            self.names[self.connections[who]] = who
        data = json.dumps({key: self.filled(who, value) for key, value in message.items()})
        self.counter.hub.receive(self.connections[who], data, self.counter.now_us, UNIX_S)
        return self.heard()

    def present(self, who: str) -> bool:
        return self.connections.get(who) in self.counter.hub._connections

    def direct(self, direction: str) -> list[str]:
        """What happens beside the WebSockets."""
        counter = self.counter
        if found := re.fullmatch(r"(\w+)'s (publish|subscribe) connection stands", direction):
            session = counter.hub._audience.session(self.told[found[1], "welcome"]["session"])
            assert session is not None, direction
            transport = (session.publishing if found[2] == "publish" else session.subscribing).transport
            assert transport is not None, direction
            counter.plane.engine.connected(transport)
            counter.hub.media_events(counter.plane.engine.take_events(), counter.now_us)
        elif found := re.fullmatch(r"(\w+)'s WebSocket breaks", direction):
            counter.hub.socket_lost(self.connections[found[1]], counter.now_us)
        elif found := re.fullmatch(r"(\w+) speaks", direction):
            speaker = ParticipantId(found[1].lower())
            counter.hub.media_events([SpeakersChanged(ROOM, (speaker,))], counter.now_us)
        elif found := re.fullmatch(r"the (\w+) of (\S+) changed elsewhere", direction):
            counter.hub.tell(found[2], found[1])
        else:
            raise AssertionError(f"nobody knows how to play {direction!r}")
        return self.heard()

    def heard(self) -> list[str]:
        return [self._line(outgoing) for outgoing in self.counter.hub.take_outgoing()]

    def _line(self, outgoing: Outgoing) -> str:
        who = self.names[outgoing.connection]
        if outgoing.close is not None:
            return f"{who} x {outgoing.close}"
        message = json.loads(outgoing.data)
        self.told[who, message["type"]] = message
        return f"{who} < {json.dumps(message)}"

    def filled(self, who: str, value: Any) -> Any:
        """A client's value with what <...> stands for."""
        if isinstance(value, dict):
            return {key: self.filled(who, each) for key, each in value.items()}
        if not isinstance(value, str) or not re.fullmatch(r"<.*>", value):
            return value
        match value.strip("<>").partition(" of ")[0]:
            case "join token":
                return self.counter.token(who.lower(), ROLES.get(who.lower(), "citizen"), wait=who.lower() in WAITING)
            case "session" | "secret" as field:
                return self.told[who, "welcome"][field]
            case "offer":
                named = value.strip("<>").partition(" of ")[2] or "microphone, camera"
                parts = [SOURCES[source]() for source in named.split(", ")]
                return BROWSERS.get(who.lower(), sdp.firefox)(parts)
            case "answer":
                return sdp.answer(self.told[who, "subscribe"]["sdp"])
            case other:
                raise AssertionError(f"nobody knows what <{other}> stands for")


def play(counter: Counter, script: str) -> list[str]:
    """The script as it really goes: the clients' lines as they are written, the server's as they come."""
    stage, played = Stage(counter), list[str]()
    for line in filter(None, (line.strip() for line in script.splitlines())):
        if line.startswith("-- "):
            played += [line, *stage.direct(line[3:])]
        elif found := re.fullmatch(r"(\w+) > (\{.*\})", line):
            played += [line, *stage.say(found[1], json.loads(found[2]))]
        else:
            assert re.match(r"\w+ [<x] ", line), line
    return played


def fits(written: Any, real: Any) -> bool:
    """Whether a real value is as written, where <...> is any text that is not empty."""
    if isinstance(written, str) and re.fullmatch(r"<.*>", written):
        return isinstance(real, str) and bool(real)
    if isinstance(written, dict) and isinstance(real, dict):
        return written.keys() == real.keys() and all(fits(written[key], real[key]) for key in written)
    if isinstance(written, list) and isinstance(real, list):
        return len(written) == len(real) and all(map(fits, written, real))
    return type(written) is type(real) and bool(written == real)
