"""The media server as the process above sees it: the same commands, carried out in a process of their own.

A command waits for its answer: the media process answers between two batches of packets, within a few milliseconds
at the worst, and a joining person needs about ten.  When that process dies or falls silent, all its transports have
failed, and another one takes its place: pages, appointments and the calls' WebSockets go on.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog

from media.core.errors import LimitError
from media.core.model import (
    Event,
    LocalIce,
    Outgoing,
    ParticipantId,
    ReceiveSpec,
    RoomId,
    SendSpec,
    SpeakersChanged,
    SubscriptionId,
    TrackId,
    TransportConnected,
    TransportFailed,
    TransportId,
)
from media.io.binding import Binding
from media.io.candidates import Candidate, host_candidates
from media.process import wire
from media.process.wire import ERRORS, Frames, frame

_log = structlog.get_logger("media")

START_MAX_S = 15.0
ANSWER_MAX_S = 5.0
"""A process that says nothing for so long forwards nothing either."""
END_MAX_S = 5.0
READ_BYTES = 1 << 16
GENERATION = 1 << 20
"""Rows of the n-th media process are counted from n times this: what was said of an earlier one's is not mistaken."""
LIVES_MAX = 3
LIFE_MIN_S = 10.0
"""A process that so often ends sooner than this will not do."""


def _nothing(*_: object) -> None:
    """Before anybody listens."""


class ProcessLostError(Exception):
    """The media process ended, or said what makes no sense."""


class RemoteEngine:
    """media.core.commands.Commands in another process.

    ask     sends a command and returns its result; raises as the command does
    tell    sends a command that has no result, and waits for nothing
    forget  called with a transport that is closed: what was heard of it and not taken yet is about nobody
    """

    def __init__(
        self, ask: Callable[..., Any], tell: Callable[..., None], forget: Callable[[TransportId], None]
    ) -> None:
        self._ask = ask
        self._tell = tell
        self._forget = forget
        self._base = 0
        self._specs: dict[TrackId, ReceiveSpec] = {}
        self.open: set[TransportId] = set()
        self.connected: set[TransportId] = set()

    def begin_anew(self) -> list[TransportId]:
        """Another process serves from now on.  Returns the transports that were open."""
        lost = sorted(self.open)
        self._base += GENERATION
        self.open.clear()
        self.connected.clear()
        return lost

    def local(self, transport: int) -> TransportId:
        """A row of the process that runs now, as it is called here."""
        return TransportId(transport + self._base)

    def _row(self, number: int) -> int:
        """LimitError: it was of an earlier process."""
        if number < self._base:
            raise LimitError("the media server started anew: what was on the old one is gone")
        return number - self._base

    def open_transport(self, now_us: int) -> tuple[TransportId, LocalIce]:
        row, ice = self._ask("open_transport", now_us)
        transport = self.local(row)
        self.open.add(transport)
        return transport, ice

    def restart_ice(self, transport: TransportId) -> LocalIce:
        ice: LocalIce = self._ask("restart_ice", self._row(transport))
        return ice

    def close_transport(self, transport: TransportId) -> None:
        self.open.discard(transport)
        self.connected.discard(transport)
        if transport >= self._base:
            self._ask("close_transport", self._row(transport))
        self._forget(transport)

    def is_connected(self, transport: TransportId) -> bool:
        return transport in self.connected

    def add_track(self, transport: TransportId, room: RoomId, participant: ParticipantId, spec: ReceiveSpec) -> TrackId:
        track = TrackId(self._ask("add_track", self._row(transport), room, participant, spec) + self._base)
        self._specs[track] = spec
        return track

    def remove_track(self, track: TrackId) -> None:
        del self._specs[track]
        if track >= self._base:
            self._ask("remove_track", self._row(track))

    def track_spec(self, track: TrackId) -> ReceiveSpec:
        return self._specs[track]

    def set_track_muted(self, track: TrackId, muted: bool) -> None:
        if track >= self._base:
            self._ask("set_track_muted", self._row(track), muted)

    def add_subscription(
        self, transport: TransportId, track: TrackId, spec: SendSpec, paused: bool = False
    ) -> Outgoing:
        made: Outgoing = self._ask("add_subscription", self._row(transport), self._row(track), spec, paused)
        return Outgoing(SubscriptionId(made.subscription + self._base), made.ssrc, made.rtx_ssrc, made.cname)

    def update_subscription(self, subscription: SubscriptionId, spec: SendSpec) -> None:
        if subscription >= self._base:
            self._ask("update_subscription", self._row(subscription), spec)

    def set_subscription_paused(self, subscription: SubscriptionId, paused: bool) -> None:
        if subscription >= self._base:
            # Who joins a room of ten has twenty of them begin at once.
            self._tell("set_subscription_paused", self._row(subscription), paused)

    def totals(self) -> dict[str, int]:
        found: dict[str, int] = self._ask("totals")
        return found

    def drops(self) -> dict[str, int]:
        found: dict[str, int] = self._ask("drops")
        return found


class RemoteMedia:
    """media.io.server.MediaServer in a process of its own.

    on_events  called with what happened
    on_lost    called when no media process stays alive: there is nothing more that this one can do
    """

    def __init__(self, binding: Binding) -> None:
        self.engine = RemoteEngine(self._ask, self._tell, self._forget_events)
        self.on_events: Callable[[list[Event]], None] = _nothing
        self.on_lost: Callable[[], None] = _nothing
        self.fingerprint = ("", "")
        self.port = binding.port
        self._binding = binding
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._frames = Frames()
        self._replies: list[list[Any]] = []
        self._events: list[Event] = []
        self._born_s = 0.0
        self._short_lives = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Host candidates for the SDP; valid after start()."""
        binding = self._binding
        return host_candidates(binding.public_addresses or binding.hosts, self.port, tcp=binding.tcp)

    def now_us(self) -> int:
        """The clock of everything in media, of both processes: microseconds that never run backwards."""
        return time.monotonic_ns() // 1000

    def expect_fingerprints(self, transport: TransportId, fingerprints: Sequence[tuple[str, str]]) -> None:
        """The peer's certificate, from its SDP: the only one that this transport accepts."""
        if transport in self.engine.open:
            self._ask("expect_fingerprints", transport - self.engine.local(0), fingerprints)

    async def start(self) -> None:
        """OSError with the address when one cannot be bound."""
        self._start(self._binding)

    async def close(self) -> None:
        """Say goodbye to every peer and release the sockets."""
        if self._socket is not None:
            self._hang_up()
        if self._process is not None:
            try:
                await asyncio.to_thread(self._process.wait, END_MAX_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    # -- the other process -----------------------------------------------------------------------

    def _start(self, binding: Binding) -> None:
        """Begin a process and wait until it listens.  OSError.  ProcessLostError."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "media.process.child", str(theirs.fileno())]
            # Settings may come by the environment, keys among them: it has no use for any.
            environment = {name: value for name, value in os.environ.items() if not name.startswith("BALIE_")}
            # The send arena is touched as far as a turn needs it: huge pages would hold 2 MB for every first byte.
            environment["NUMPY_MADVISE_HUGEPAGE"] = "0"
            self._process = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, env=environment
            )
        self._born_s = time.monotonic()
        self._socket, self._frames, self._replies = ours, Frames(), []
        try:
            ours.sendall(frame((binding,)))
            story = self._reply(START_MAX_S)
        except (OSError, ProcessLostError):
            self._end()
            raise ProcessLostError("it does not start") from None
        if story[0] == "failed":
            self._end()
            raise OSError(story[1], story[2])
        self.port, self.fingerprint = int(story[1]), (str(story[2][0]), str(story[2][1]))
        asyncio.get_running_loop().add_reader(ours.fileno(), self._readable)

    def _hang_up(self) -> None:
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._socket = None

    def _end(self) -> None:
        """Of a process that is of no more use."""
        if self._socket is not None:
            self._hang_up()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _replace(self, reason: str) -> None:
        """All its transports have failed; another process serves from now on, on the same port."""
        code = self._process.poll() if self._process is not None else None
        _log.error("media_process_lost", reason=reason, code=code)
        self._end()
        self._events += [TransportFailed(transport, "media_restarted") for transport in self.engine.begin_anew()]
        self._short_lives = self._short_lives + 1 if time.monotonic() - self._born_s < LIFE_MIN_S else 0
        if self._short_lives >= LIVES_MAX:
            self.on_lost()
            return
        try:
            self._start(replace(self._binding, port=self.port))
        except (OSError, ProcessLostError) as error:
            _log.error("media_process_does_not_start", reason=str(error))
            self.on_lost()
            return
        asyncio.get_running_loop().call_soon(self._deliver)

    # -- what is said ----------------------------------------------------------------------------

    def _ask(self, command: str, *values: object) -> Any:
        with self._line() as line:
            line.sendall(frame(("ask", command, values)))
            reply = self._reply(ANSWER_MAX_S)
            if reply[0] == "done":
                return wire.result(command, reply[1]) if command != "expect_fingerprints" else None
            raised = ERRORS[reply[1]](reply[2])
        raise raised

    def _tell(self, command: str, *values: object) -> None:
        with self._line() as line:
            line.sendall(frame(("tell", command, values)))

    @contextmanager
    def _line(self) -> Iterator[socket.socket]:
        """To say something over.  LimitError: there is none, or what was said or heard ended it."""
        if self._socket is None:
            raise LimitError("the media server does not run")
        try:
            yield self._socket
        except (OSError, ProcessLostError, KeyError, ValueError) as error:
            self._replace(f"{type(error).__name__}: {error}")
            raise LimitError("the media server started anew: try again") from None

    def _forget_events(self, transport: TransportId) -> None:
        self._events = [event for event in self._events if getattr(event, "transport", None) != transport]

    def _reply(self, max_s: float) -> list[Any]:
        """The next message that is no event.  ProcessLostError."""
        assert self._socket is not None
        until_s = time.monotonic() + max_s
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        while not self._replies:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                raise ProcessLostError(f"it did not answer in {max_s:g} s")
            self._read()
        if self._events:
            asyncio.get_running_loop().call_soon(self._deliver)
        return self._replies.pop(0)

    def _readable(self) -> None:
        try:
            self._read(socket.MSG_DONTWAIT)
            if self._replies:
                raise ProcessLostError("an answer to nothing")
        except BlockingIOError:
            return  # between the loop's look and this turn of it, somebody asked something and read it all
        except (OSError, ProcessLostError, ValueError, KeyError) as error:
            self._replace(f"{type(error).__name__}: {error}")
            return
        self._deliver()

    def _read(self, flags: int = 0) -> None:
        assert self._socket is not None
        data = self._socket.recv(READ_BYTES, flags)
        if not data:
            raise ProcessLostError("it ended")
        for message in self._frames.feed(data):
            if message[0] == "events":
                self._hear(wire.heard(message[1]))
            else:
                self._replies.append(message)

    def _hear(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, SpeakersChanged):
                self._events.append(event)
                continue
            transport = self.engine.local(event.transport)
            if isinstance(event, TransportConnected):
                self.engine.connected.add(transport)
            elif isinstance(event, TransportFailed):
                self.engine.connected.discard(transport)
            self._events.append(replace(event, transport=transport))

    def _deliver(self) -> None:
        if self._events:
            events, self._events = self._events, []
            self.on_events(events)
