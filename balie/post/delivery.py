"""The worker that sends messages: each exactly once, or visibly unresolved, whatever dies when.

What is known is in the database before it can matter (balie.post.queue): that a message may be gone is committed when
the mail server waits for it, and what became of it when the server has answered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from sqlalchemy import select

from balie.i18n import speaking
from balie.post import facts, queue, short
from balie.post.calendar import invitation
from balie.post.compose import Letter, letter, template_name
from balie.post.facts import Facts, Sender
from balie.post.mailing import mail
from balie.post.outcome import Outcome
from balie.post.queue import Quiet
from balie.post.smtp import Conversation, Envelope, Relay
from balie.record import events
from balie.store.engine import Store, Tx
from balie.store.schema import message

_log = structlog.get_logger("balie.post")

LOOK_S = 5  # at least so often: others clear the wake-up too, and another process may have written
Entropy = Callable[[int], bytes]


class TextMessages(Protocol):
    """What sends text messages: a gateway of balie.post.sms."""

    def __call__(self, to: str, text: str, id: str, now_s: int) -> Awaitable[Outcome]: ...  # noqa: A002


@dataclass(frozen=True)
class Ways:
    """How messages leave.  relay: none in crm mode, where an event carries the message to another system, which sends
    text messages too.  texts: none without a gateway."""

    relay: Relay | None
    texts: TextMessages | None = None
    quiet: Quiet = field(default_factory=Quiet)


@dataclass(frozen=True)
class _Written:
    """A message, ready to go."""

    row: Any
    facts: Facts
    letter: Letter
    content: bytes

    @property
    def kept(self) -> dict[str, str]:
        template = template_name(self.row.kind)
        return {"subject": self.letter.subject[:200], "body": self.letter.kept, "template": template}


class Delivery:
    """Sends what is due.

    worker  names this process among others, now and before
    """

    def __init__(self, store: Store, sender: Sender, ways: Ways, entropy: Entropy, worker: str) -> None:
        self._store = store
        self._sender = sender
        self._ways = ways
        self._entropy = entropy
        self._worker = worker
        self._stopping = False

    async def run(self, clock: Callable[[], float]) -> None:
        """Until it is cancelled.  A message on its way is seen to its end first: cut off, nobody knew where it is."""
        while True:
            committed = self._store.committed
            step = asyncio.create_task(self._living_step(clock))
            try:
                pause_s, wakes_up = await asyncio.shield(step)
            except asyncio.CancelledError:
                self._stopping = True
                while not step.done():  # also when asked again
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.shield(step)
                raise
            with contextlib.suppress(TimeoutError):
                waiting = committed.wait() if wakes_up else asyncio.Event().wait()
                async with asyncio.timeout(pause_s):  # wait_for may lose a cancellation
                    await waiting

    async def step(self, now_s: int) -> int | None:
        """Send a batch of what is due.  Returns when to look again, None: when something new is written."""
        next_s = await self._store.read(queue.next_s)
        if next_s is None or next_s > now_s:
            return next_s
        await self._store.write(queue.recover, now_s)
        claimed = await self._store.write(queue.claim, now_s, self._entropy, self._worker, self._ways.quiet)
        try:
            async with self._conversation() as conversation:
                for message_id in claimed:
                    if self._stopping:
                        break
                    await self._send(conversation, message_id, now_s)
        finally:
            await self._store.write(queue.release, self._worker)
        return await self._store.read(queue.next_s)

    async def _living_step(self, clock: Callable[[], float]) -> tuple[float, bool]:
        """A step, while others see that this worker lives.  Returns how long to pause, and whether what is written
        meanwhile ends the pause: not after a failure, which may be the same again at once."""
        beat = asyncio.create_task(self._beat(clock))
        try:
            next_s = await self.step(int(clock()))
        except Exception:  # the worker must outlive a database that restarts
            _log.exception("messages_not_sent")
            return LOOK_S, False
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
        return LOOK_S if next_s is None else max(0.0, min(LOOK_S, next_s - clock())), True

    async def _beat(self, clock: Callable[[], float]) -> None:
        while True:
            await asyncio.sleep(queue.LEASE_S / 3)
            await self._store.write(queue.renew, int(clock()), self._worker)

    @asynccontextmanager
    async def _conversation(self) -> AsyncIterator[Conversation | None]:
        if self._ways.relay is None:
            yield None
            return
        async with Conversation(self._ways.relay) as conversation:
            yield conversation

    async def _send(self, conversation: Conversation | None, message_id: int, now_s: int) -> None:
        try:
            written = await self._store.read(self._write, message_id, now_s)
        except Exception as error:  # whatever is wrong with this message, the others must go
            _log.exception("message_not_written", message=message_id)
            outcome = Outcome("failed", "not_written", type(error).__name__)
            await self._store.write(self._settle, message_id, now_s, "balie", outcome)
            return
        if conversation is None:
            await self._store.write(self._to_crm, written, now_s)
        elif written.row.channel == "mail":
            await self._by_mail(conversation, written, now_s)
        else:
            await self._by_text(written, now_s)

    def _write(self, tx: Tx, message_id: int, now_s: int) -> _Written:
        row = tx.execute(select(message).where(message.c.id == message_id)).one()
        with speaking(row.locale):
            known = facts.read(tx, self._sender, message_id)
            if row.channel == "sms":
                text = short.text(known)
                return _Written(row, known, Letter("", text, "", known.links), b"")
            made = letter(known)
            calendar = invitation(known, self._sender, row.recipient, now_s)
            content = mail(made, calendar, known, self._sender, row.envid, row.recipient, now_s)
            return _Written(row, known, made, content)

    async def _by_mail(self, conversation: Conversation, written: _Written, now_s: int) -> None:
        row = written.row
        envelope = Envelope(row.envid, self._sender.reply_to(row.envid), row.recipient, written.content)
        outcome = await conversation.send(envelope, lambda: self._hand_over(written))
        await self._store.write(self._settle, row.id, now_s, "smtp", outcome)

    async def _by_text(self, written: _Written, now_s: int) -> None:
        row = written.row
        if self._ways.texts is None:
            outcome = Outcome("failed", "no_gateway")
        elif await self._hand_over(written):
            outcome = await self._ways.texts(row.recipient, written.letter.text, row.envid, now_s)
        else:
            return
        await self._store.write(self._settle, row.id, now_s, "sms", outcome)

    async def _hand_over(self, written: _Written) -> bool:
        return await self._store.write(queue.hand_over, self._worker, written.row.id, written.kept)

    def _settle(self, tx: Tx, message_id: int, now_s: int, source: str, outcome: Outcome) -> None:
        queue.settle(tx, now_s, self._entropy, self._worker, message_id, source, outcome)

    def _to_crm(self, tx: Tx, written: _Written, now_s: int) -> None:
        """All in one transaction: the event is there exactly when the message counts as sent."""
        row = written.row
        if not queue.hand_over(tx, self._worker, row.id, written.kept):
            return
        extra = {"message": {"id": row.envid, "kind": row.kind, "channel": row.channel, "locale": row.locale}}
        made = written.letter
        texts = {"subject": made.subject, "text": made.text, "html": made.html}
        personal = {"to": row.recipient, **{name: written.facts.without_token(text) for name, text in texts.items()}}
        if written.facts.token:
            whose = events.GOODBYE_OF if written.facts.goodbye else events.LINK_OF
            personal[whose] = row.participant_id
        events.emit(tx, now_s, self._entropy, row.appointment_id, events.MESSAGE + "due", extra, personal)
        self._settle(tx, row.id, now_s, "crm", Outcome("submitted"))
