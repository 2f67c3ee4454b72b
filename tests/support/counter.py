"""A counter without sockets: the hub and WHIP/WHEP on a real media engine, and people who speak the protocol to it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from media.core.engine import Engine
from media.core.model import Event, RoomId, SendSpec, TransportConnected, TransportFailed, TransportId
from media.core.rooms import Rooms
from media.core.settings import Settings
from media.io.candidates import Candidate, host_candidates
from signalling.hub import Hub
from signalling.media_plane import Admission, Limits
from signalling.relays import NO_RELAYS, Relays
from signalling.tokens import Grants, Join, Key, Medium, Role, Tokens, default_grants
from signalling.whip import HttpSessions
from tests.support import sdp

ROOM = RoomId("loket-3")
UNIX_S = 1_800_000_000
S = 1_000_000
"""A second of the clock."""
SETTINGS = Settings(transports_max=32, tracks_max=32, subscriptions_max=64, history_rows=512, send_rows=64)
Heard = dict[str, Any]


class Plane:
    """media.io.server.MediaServer for signalling: a real engine, and no network."""

    fingerprint = ("sha-256", sdp.certificate(99))
    candidates: tuple[Candidate, ...] = host_candidates(("192.0.2.10", "2001:db8::10"), 7881)

    def __init__(self, settings: Settings = SETTINGS, seed: int = 1) -> None:
        self.engine = Engine(settings, random.Random(seed).randbytes)
        self.expected: dict[int, Sequence[tuple[str, str]]] = {}

    def expect_fingerprints(self, transport: TransportId, fingerprints: Sequence[tuple[str, str]]) -> None:
        self.forget_closed()
        self.expected[transport] = fingerprints

    def forget_closed(self) -> None:
        """As the media server does at its next turn."""
        for closed in self.engine.take_closed():
            self.expected.pop(closed, None)

    def flowing(self) -> int:
        """Subscriptions that are not held back."""
        return sum(not known.paused for known in self.engine._by_row.values())

    def sent(self) -> list[SendSpec]:
        """How each subscription goes out."""
        return [known.spec for known in self.engine._by_row.values()]


@dataclass
class Counter:
    """The server, its clock, and what it sent to each WebSocket.

    heard   by connection, messages not taken yet
    closes  by connection, close codes
    """

    limits: Limits = field(default_factory=Limits)
    settings: Settings = SETTINGS
    rooms: Rooms = field(default_factory=Rooms)
    admission: Admission | None = None
    codecs: tuple[str, ...] = ("VP8", "H264", "VP9", "AV1")
    relays: Relays = NO_RELAYS
    now_us: int = 1_000_000

    def __post_init__(self) -> None:
        self.plane = Plane(self.settings)
        self.tokens = Tokens("https://loket.example", (Key("2026", b"s" * 32),))
        chance = random.Random(2)
        self.hub = Hub(
            self.plane,
            self.tokens,
            chance.randbytes,
            rooms=self.rooms,
            limits=self.limits,
            admission=self.admission,
            video_preference=self.codecs,
            relays=self.relays,
        )
        self.http = HttpSessions(self.hub, chance.randbytes)
        self.heard: dict[int, list[Heard]] = {}
        self.closes: dict[int, int] = {}

    def token(
        self, who: str, role: Role = "citizen", room: str = ROOM, grants: Grants | None = None, *, wait: bool = False
    ) -> str:
        granted = grants if grants is not None else default_grants(role)
        return self.tokens.mint(Join(who, room, role, who.title(), granted, wait=wait), UNIX_S)

    def hello(self, who: str = "an") -> Heard:
        return {"type": "hello", "v": 1, "token": self.token(who)}

    def connect(self) -> int:
        connection = self.hub.connect(self.now_us)
        self.heard[connection] = []
        return connection

    def say(self, connection: int, message: object) -> list[Heard]:
        """Send a message, as JSON or as it is; returns what this WebSocket heard since the last time."""
        data = message if isinstance(message, str | bytes) else json.dumps(message)
        self.hub.receive(connection, data, self.now_us, UNIX_S)
        return self.take(connection)

    def take(self, connection: int) -> list[Heard]:
        self.pump()
        taken, self.heard[connection] = self.heard[connection], []
        return taken

    def pump(self) -> None:
        """Carry what is outgoing to the WebSockets."""
        for outgoing in self.hub.take_outgoing():
            if outgoing.close is not None:
                self.closes[outgoing.connection] = outgoing.close
            else:
                assert outgoing.connection not in self.closes, "nothing may follow a close"
                self.heard[outgoing.connection].append(json.loads(outgoing.data))

    def enter(
        self, who: str, role: Role = "citizen", *, room: str = ROOM, grants: Grants | None = None, wait: bool = False
    ) -> Person:
        connection = self.connect()
        hello = {"type": "hello", "v": 1, "token": self.token(who, role, room, grants, wait=wait)}
        heard = self.say(connection, hello)
        assert heard[0]["type"] == "welcome", heard
        person = Person(self, who, connection, heard[0])
        person.note(heard[1:])
        person.unheard = heard[1:]
        return person

    def later(self, after_us: int) -> None:
        self.now_us += after_us
        self.hub.poll(self.now_us)
        self.pump()

    def event(self, *events: Event) -> None:
        """The media server noticed something."""
        self.hub.media_events(list(events), self.now_us)
        self.http.media_events(list(events), self.now_us)
        self.pump()

    def connected(self, transport: TransportId | None) -> None:
        assert transport is not None
        self.plane.engine.connected(transport)
        self.plane.engine.take_events()
        self.event(TransportConnected(transport))

    def failed(self, transport: TransportId | None, reason: str = "consent") -> None:
        assert transport is not None
        self.plane.engine.failed(transport, reason)
        self.plane.engine.take_events()
        self.event(TransportFailed(transport, reason))

    def rows(self) -> dict[str, int]:
        """What is in use in the engine and in the hub."""
        totals = self.plane.engine.totals()
        used = {name: totals[name] for name in ("transports", "tracks", "subscriptions")}
        return {**used, **self.hub.counts(), "http": self.http.count()}


def publishing(*grants: Medium, subscribe: bool = True, moderate: bool = False) -> Grants:
    return Grants(frozenset(grants), subscribe=subscribe, moderate=moderate)


@dataclass
class Person:
    """Somebody with a WebSocket.  offers: the latest subscribe message is the one to answer."""

    counter: Counter
    id: str
    connection: int
    welcome: Heard
    seen: int = 0
    unheard: list[Heard] = field(default_factory=list)
    """What came with the welcome: the first hears() returns it."""
    offers: list[Heard] = field(default_factory=list)
    _offer_id: int = 0

    def __post_init__(self) -> None:
        self.seen = self.welcome["n"]

    def note(self, heard: list[Heard]) -> list[Heard]:
        self.offers += [message for message in heard if message["type"] == "subscribe"]
        self.seen = max([self.seen, *(message["n"] for message in heard)])
        return heard

    def say(self, message: object) -> list[Heard]:
        return self.note(self.counter.say(self.connection, message))

    def hears(self, kind: str = "") -> list[Heard]:
        """What came since the last time, of one type if that is named."""
        heard = self.unheard + self.note(self.counter.take(self.connection))
        self.unheard = []
        return [message for message in heard if kind in ("", message["type"])]

    def publish(self, tracks: dict[str, str], offer: str) -> Heard:
        """The answer, or the error."""
        self._offer_id += 1
        named = [{"mid": mid, "source": source} for mid, source in tracks.items()]
        heard = self.say({"type": "publish", "id": self._offer_id, "sdp": offer, "tracks": named})
        return next(message for message in heard if message["type"] in ("published", "error"))

    def publishes(
        self, *sources: str, browser: sdp.Browser = sdp.chromium, peer: int = 1, ufrag: str = "vd9w"
    ) -> Heard:
        """Send these sources, each in the section that sdp.microphone(), camera() and screen() make for it."""
        makers = {"microphone": sdp.microphone, "camera": sdp.camera, "screen": sdp.screen}
        parts = [makers[source]() for source in sources]
        tracks = {part.mid: source for part, source in zip(parts, sources, strict=True)}
        return self.publish(tracks, browser(parts, peer=peer, ufrag=ufrag))

    def answer(self, *, refuse: Sequence[str] = (), peer: int = 9) -> list[Heard]:
        """Answer the latest offer."""
        offer = self.offers[-1]
        answer = sdp.answer(offer["sdp"], refuse=refuse, peer=peer)
        return self.say({"type": "subscribed", "id": offer["id"], "sdp": answer})

    def session(self) -> Any:
        return self.counter.hub._audience.session(self.welcome["session"])

    def lose(self) -> None:
        """The WebSocket breaks."""
        self.counter.hub.socket_lost(self.connection, self.counter.now_us)

    def resume(self, *, seen: int | None = None, secret: str | None = None) -> list[Heard]:
        """Over a new WebSocket."""
        self.connection = self.counter.connect()
        resume = {
            "session": self.welcome["session"],
            "secret": self.welcome["secret"] if secret is None else secret,
            "seen": self.seen if seen is None else seen,
        }
        return self.say({"type": "hello", "v": 1, "token": "", "resume": resume})


def types(heard: list[Heard]) -> list[str]:
    return [message["type"] for message in heard]


def sources(participant: Heard) -> dict[str, bool]:
    """Of a participant in a message: source -> muted."""
    return {state["source"]: state["muted"] for state in participant["sources"]}
