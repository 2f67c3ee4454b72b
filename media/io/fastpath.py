"""A batch's whole way in one call of the compiled loops: receive, decrypt, forward, encrypt, send.

At three hundred turns a second for ten small rooms, what Python does around each step costs as much as the steps.
So plain packets take them all at once (balie_turn in media/native/batches.c), and where something is to be decided,
the batch stops there and goes on as every batch does without this path.  Same results either way.
"""

from __future__ import annotations

from typing import Any

from media.core.compiled import CompiledLoops
from media.core.engine import Engine
from media.io.checks import compiled_checks
from media.io.compiled import CompiledPort
from media.io.outbox import Outbox
from media.io.ports import Sorted
from media.io.srtp import SrtpContexts
from media.native import FFI


class FastPath:
    """library  media.native.library()
    loops, contexts  the compiled ones of the engine and of SRTP
    """

    def __init__(
        self, library: Any, engine: Engine, loops: CompiledLoops, contexts: SrtpContexts, outbox: Outbox
    ) -> None:
        assert contexts.compiled is not None
        self._library, self.engine, self._loops, self._outbox = library, engine, loops, outbox
        self._srtp = contexts.compiled
        self.path: Any = FFI.new("struct balie_path *")
        self.path.core = loops.core
        self._srtp.lend(self.path)
        self._checks = compiled_checks(library, engine.ice.checks)
        self.path.checks = self._checks
        self.path.reports = loops.reports

    def begin(self, now_us: int) -> bool:
        """Before a turn; returns whether it is to sample jitter."""
        return self.engine.begin(self._loops, now_us)

    def take(self, port: CompiledPort, now_us: int) -> int | Sorted:
        """The next batch of a port, its media forwarded, its RTCP decrypted.

        Returns how many datagrams it had, 0 for no batch, when nothing more is to be done about it; else the batch
        with what came beside media.  Only while Engine.looks_closer is false.
        """
        count: int = self._library.balie_turn(self.path, port.struct, now_us, self.begin(now_us))
        return self.finish(port, count, now_us)

    def finish(self, port: CompiledPort, count: int, now_us: int) -> int | Sorted:
        """What is left to do about a batch of so many datagrams that took its turn; returns as take()."""
        path, engine, loops = self.path, self.engine, self._loops
        if path.plain:
            engine.sent(path.packets, path.copies)
            return port.sorted(count, 0) if path.beside else count
        if path.forged:
            self._srtp.count_forged(engine.counters)
        if path.reached == self._library.BALIE_SENT:
            self._finish(port)
        elif path.reached != self._library.BALIE_NOTHING:
            copies = engine.resume(loops, path.packets, path.strays, now_us)
            if copies is not None:
                self._outbox.send_copies(copies)
            if len(engine.kept):
                port.keep(engine.kept)
        return port.sorted(count, 0)

    def _finish(self, port: CompiledPort) -> None:
        """A batch went all the way: count what was left out on it, and send what goes through other ports."""
        path, engine = self.path, self.engine
        engine.sent(path.packets, path.copies)
        engine.held_back(self._loops)
        if path.refused:
            self._srtp.count_refused(path.refused, engine.counters)
        unsent = port.unsent()
        if any(unsent):
            self._outbox.sent_by(port, unsent, self._loops.copies(path.copies))
