"""Messages on their way out, as rows: who takes which, and what becomes of it.  Functions of a transaction.

    scheduled, deferred -> claimed -> handing_over -> submitted
                                   -> deferred, failed, unresolved, cancelled, suppressed

A worker claims by a conditional UPDATE and holds what it claimed by a lease.  When a lease runs out, a claimed message
goes back: nothing left.  One that was being handed over does not: the relay may have it, so a person decides.  Safety
does not hang on the lease: a worker that lives on after it finds that its messages are no longer its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from balie.booking import parting
from balie.i18n import local
from balie.post import recap, undelivered
from balie.post.outcome import Outcome
from balie.post.suppression import is_suppressed, suppress
from balie.record import events, given
from balie.record.schedule import KEPT, MISSED
from balie.store.engine import Tx
from balie.store.schema import appointment, message, message_event, next_step, participant

Entropy = Callable[[int], bytes]

LEASE_S = 60  # so long a confirmation waits, at most, for another worker when its own died
BATCH = 10  # claimed at once: so few that another worker finds some too
LAST_HOURS_S = 2 * 3600  # a reminder this close to the appointment is for now, whatever the hour

BACKOFF_S = (60, 300, 900, 1800, 3600, 7200, *[4 * 3600] * 11)
"""Pauses after a try that did not succeed, two days together.  The first is short for greylists (RFC 6647 2.1 asks for
a minute at least), the last as long as RFC 5321 4.5.4.1 suggests."""

REMINDERS = ("reminder", "door_open")
GOODBYES = ("goodbye", "survey")
BEFOREHAND = ("booked", "confirmed")  # states of an appointment in which there is something to remind of

DUE = message.c.status.in_(("scheduled", "deferred")) & message.c.submitted_s.is_(None)
"""A notice of delay makes a message that left `deferred` too: submitted_s tells them apart."""


@dataclass(frozen=True)
class Quiet:
    """Hours in which nobody is reminded, in minutes of the local day.  Equal: none."""

    from_min: int = 21 * 60
    until_min: int = 8 * 60

    def over_s(self, now_s: int, zone: str) -> int | None:
        """When the quiet that now reigns is over; None when it does not."""
        at = local(now_s, zone)
        minute = at.hour * 60 + at.minute
        if self.from_min <= self.until_min:
            reigns = self.from_min <= minute < self.until_min
        else:
            reigns = minute >= self.from_min or minute < self.until_min
        if not reigns:
            return None
        day = at + timedelta(days=1) if minute >= self.until_min else at
        until = day.replace(hour=self.until_min // 60, minute=self.until_min % 60, second=0, microsecond=0, fold=0)
        return int(until.timestamp())


def next_s(tx: Tx) -> int | None:
    """When there is something to do: a message that is due, or a lease that runs out."""
    due_s = tx.scalar(select(func.min(message.c.due_s)).where(DUE))
    leased = message.c.status.in_(("claimed", "handing_over"))
    claimed_s = tx.scalar(select(func.min(message.c.claimed_s)).where(leased))
    times = [time_s for time_s in (due_s, claimed_s + LEASE_S if claimed_s is not None else None) if time_s is not None]
    return min(times, default=None)


def recover(tx: Tx, now_s: int) -> None:
    """Take from workers whose lease ran out."""
    stale = message.c.claimed_s <= now_s - LEASE_S
    claimed = stale & (message.c.status == "claimed")
    tx.execute(update(message).where(claimed).values(status="scheduled", claimed_by="", claimed_s=None))
    handed = stale & (message.c.status == "handing_over")
    lost = update(message).where(handed).values(status="unresolved", error_class="delivery_unknown")
    for row in tx.execute(lost.returning(message.c.id, message.c.appointment_id)).all():
        _note(tx, now_s, row.id, "unresolved", "balie", reason="delivery_unknown")
        undelivered.ask(tx, now_s, row, "delivery_unknown")


def renew(tx: Tx, now_s: int, worker: str) -> None:
    """This worker lives."""
    leased = message.c.status.in_(("claimed", "handing_over")) & (message.c.claimed_by == worker)
    tx.execute(update(message).where(leased).values(claimed_s=now_s))


def claim(tx: Tx, now_s: int, entropy: Entropy, worker: str, quiet: Quiet, limit: int = BATCH) -> list[int]:
    """Take messages that are due; returns their ids.  What need not be sent any more is settled on the way."""
    due = (
        select(
            message,
            appointment.c.start_s,
            appointment.c.end_s,
            appointment.c.zone,
            appointment.c.status.label("of"),
            participant.c.role,
        )
        .join(appointment, appointment.c.id == message.c.appointment_id)
        .outerjoin(participant, participant.c.id == message.c.participant_id)
        .where(DUE, message.c.due_s <= now_s)
        .order_by(message.c.due_s, message.c.id)
        .limit(limit)
        .with_for_update(of=message, skip_locked=True)  # SQLite has one writer and needs none
    )
    taken = []
    for row in tx.execute(due).all():
        if _is_pointless(tx, row, now_s):
            _set(tx, row.id, status="cancelled")
            _note(tx, now_s, row.id, "cancelled", "balie", reason="too_late")
        elif now_s >= deadline_s(row):
            _fail(tx, now_s, entropy, row, "gave_up", row.error, "balie")
        elif (waits_s := _waits_until_s(row, now_s, quiet)) > now_s:
            _set(tx, row.id, due_s=waits_s)
        elif row.channel == "mail" and is_suppressed(tx, row.recipient):
            _set(tx, row.id, status="suppressed", error_class="suppressed")
            _note(tx, now_s, row.id, "suppressed", "balie")
            undelivered.ask(tx, now_s, row, "suppressed")
        else:
            _set(tx, row.id, status="claimed", claimed_by=worker, claimed_s=now_s)
            taken.append(row.id)
    return taken


def release(tx: Tx, worker: str) -> None:
    """Give back what this worker claimed and will not send."""
    held = (message.c.status == "claimed") & (message.c.claimed_by == worker)
    tx.execute(update(message).where(held).values(status="scheduled", claimed_by="", claimed_s=None))


def hand_over(tx: Tx, worker: str, message_id: int, written: Mapping[str, str]) -> bool:
    """From here on it may be gone.  written: what it says, kept.  False: it is not ours to send any more."""
    ours = (message.c.id == message_id) & (message.c.status == "claimed") & (message.c.claimed_by == worker)
    return tx.execute(update(message).where(ours).values(status="handing_over", **written)).rowcount == 1


def settle(tx: Tx, now_s: int, entropy: Entropy, worker: str, message_id: int, source: str, outcome: Outcome) -> None:
    """Write down what became of a message of this worker.  source: smtp, sms, crm or balie."""
    joined = select(message, appointment.c.start_s, appointment.c.end_s).join(appointment)
    mine = (message.c.id == message_id) & (message.c.claimed_by == worker)
    row = tx.execute(joined.where(mine).with_for_update(of=message)).first()
    if row is None or outcome.state == "withdrawn":
        return
    if outcome.state == "submitted":
        _submitted(tx, now_s, row, source, outcome.said)
    elif row.status not in ("claimed", "handing_over"):
        return  # withdrawn meanwhile, or a person decides already
    elif outcome.state == "unresolved":
        _set(tx, row.id, status="unresolved", error_class=outcome.reason, error=outcome.said)
        _note(tx, now_s, row.id, "unresolved", source, reason=outcome.reason, said=outcome.said)
        undelivered.ask(tx, now_s, row, outcome.reason)
    elif outcome.state == "deferred":
        _defer(tx, now_s, entropy, row, source, outcome)
    else:
        if outcome.reason == "address_unknown":
            suppress(tx, now_s, row.recipient, outcome.reason)
        _fail(tx, now_s, entropy, row, outcome.reason, outcome.said, source)


def deadline_s(row: Row[Any]) -> int:
    """When it makes no sense any more.  A cancellation, an answer or a receipt is worth reading later too."""
    if row.kind in ("cancelled", "reply", "recap", *KEPT, *GOODBYES):
        return int(row.created_s) + sum(BACKOFF_S) + LAST_HOURS_S
    return int(row.start_s if row.kind in REMINDERS else row.end_s)


# -- rows -----------------------------------------------------------------------------------------------


def _is_pointless(tx: Tx, row: Row[Any], now_s: int) -> bool:
    """A reminder of what is over or has begun, or one that the next one overtook while nothing could be sent."""
    if row.kind in GOODBYES:
        return _has_nothing_to_say(tx, row)
    if row.kind == "recap":
        return not recap.has_something(tx, row.appointment_id)
    if row.kind not in REMINDERS:
        return False
    if row.of not in BEFOREHAND or (now_s >= row.start_s and not row.attempts):
        return True
    later = select(message.c.id).where(
        message.c.participant_id == row.participant_id,
        message.c.channel == row.channel,
        message.c.kind.in_(REMINDERS),
        message.c.due_s.between(row.due_s + 1, now_s),
        DUE,
    )
    return tx.execute(later.limit(1)).first() is not None


def _has_nothing_to_say(tx: Tx, row: Row[Any]) -> bool:
    """A goodbye without anything agreed or given, or a question that he was asked, or that the goodbye asks too."""
    if row.variant.startswith(MISSED) or row.submitted_s is not None:
        return False
    agreed = select(next_step.c.id).where(next_step.c.appointment_id == row.appointment_id).limit(1)
    something = tx.execute(agreed).first() is not None or given.untold(tx, row.appointment_id)
    told = row.role == "citizen" and something
    if row.kind == "goodbye":
        return not told and not row.variant
    return told or not parting.asks_by_mail(tx, row.participant_id)


def _waits_until_s(row: Row[Any], now_s: int, quiet: Quiet) -> int:
    """Reminders wait until morning, but not into the last hours before the appointment."""
    if row.kind != "reminder" or row.start_s - now_s <= LAST_HOURS_S:
        return now_s
    over_s = quiet.over_s(now_s, row.zone)
    return now_s if over_s is None else min(over_s, row.start_s - LAST_HOURS_S)


def _submitted(tx: Tx, now_s: int, row: Row[Any], source: str, said: str) -> None:
    """The other side has it.  A notice of delivery that was quicker than we are is not taken back."""
    values: dict[str, object] = {"submitted_s": now_s}
    if row.status in ("handing_over", "unresolved"):
        values |= {"status": "submitted", "error_class": "", "error": ""}
    _set(tx, row.id, **values)
    _note(tx, now_s, row.id, "submitted", source, said=said)
    undelivered.settle(tx, now_s, row, ("delivery_unknown",))
    if row.kind in GOODBYES:
        parting.mailed(tx, row.participant_id)


def _defer(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], source: str, outcome: Outcome) -> None:
    """Try again later, sooner when the appointment is near; a person hears of it when it was long enough."""
    end_s = deadline_s(row)
    if row.attempts >= len(BACKOFF_S) or now_s >= end_s:
        _fail(tx, now_s, entropy, row, "gave_up", outcome.said, source)
        return
    pause_s = min(BACKOFF_S[row.attempts], max(BACKOFF_S[0], (end_s - now_s) // 2))
    again = {"due_s": now_s + pause_s, "attempts": row.attempts + 1, "claimed_by": "", "claimed_s": None}
    _set(tx, row.id, status="deferred", error_class=outcome.reason, error=outcome.said, **again)
    _note(tx, now_s, row.id, "deferred", source, reason=outcome.reason, said=outcome.said)


def _fail(tx: Tx, now_s: int, entropy: Entropy, row: Row[Any], reason: str, said: str, source: str) -> None:
    _set(tx, row.id, status="failed", error_class=reason, error=said)
    _note(tx, now_s, row.id, "failed", source, reason=reason, said=said)
    undelivered.ask(tx, now_s, row, reason)
    about = {"message": {"id": row.envid, "kind": row.kind, "channel": row.channel, "reason": reason}}
    events.emit(tx, now_s, entropy, row.appointment_id, events.MESSAGE + "failed", about)


def _set(tx: Tx, message_id: int, **values: Any) -> None:
    tx.execute(update(message).where(message.c.id == message_id).values(**values))


def _note(tx: Tx, now_s: int, message_id: int, kind: str, source: str, **detail: Any) -> None:
    tx.execute(insert(message_event).values(message_id=message_id, at_s=now_s, kind=kind, source=source, detail=detail))
