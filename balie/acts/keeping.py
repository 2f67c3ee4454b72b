"""The reservation's part of the saga: somebody chooses, the other system answers, or does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from balie.acts import intents, reasons, saga
from balie.acts.errors import ActError
from balie.acts.intents import Ask
from balie.acts.rules import Rules
from balie.booking.errors import NotFound
from balie.booking.people import STANDING
from balie.i18n import gettext as _
from balie.payments import records as payments
from balie.record import tasks
from balie.reservations import records as reservations
from balie.reservations.backend import FreeTime, Held
from balie.reservations.records import Reservation
from balie.store.engine import Tx
from balie.store.schema import appointment_product, organisation, product, service

Entropy = Callable[[int], bytes]

WAIT_S = 60  # for the other system to hold what somebody waits for in front of his screen
TASK_S = 300  # without an answer to a confirmation: then somebody telephones
GIVE_UP_S = 6 * 3600  # without an answer to a confirmation: then it is taken for lost, and the money is to go back
CHOICES_MAX = 100  # of one appointment: each is a row here, and work for the other system
FORGET_S = 7 * 86_400  # without an answer to a release: whatever was held has long ended by itself


@dataclass(frozen=True)
class Offer:
    """What of a product can be reserved, and where."""

    product_id: int
    backend: str
    kind: str
    zone: str


def offer(tx: Tx, product_id: int) -> Offer:
    """ActError unknown, not_offered."""
    query = (
        select(product.c.id, product.c.reservation_backend, product.c.reservation_kind, organisation.c.zone)
        .join(service, service.c.id == product.c.service_id)
        .join(organisation, organisation.c.id == service.c.organisation_id)
        .where(product.c.id == product_id, product.c.active)
    )
    row = tx.execute(query).first()
    if row is None:
        raise ActError("unknown")
    if not row.reservation_backend:
        raise ActError("not_offered")
    return Offer(row.id, row.reservation_backend, row.reservation_kind, row.zone)


def standing(tx: Tx, appointment_id: int) -> None:
    """ActError unknown, not_here.  Others who would decide something about it wait from here on."""
    try:
        status = saga.lock(tx, appointment_id)
    except NotFound:
        raise ActError("unknown") from None
    if status not in STANDING:
        raise ActError("not_here")


def of_it(tx: Tx, appointment_id: int, product_id: int) -> Row[Any]:
    """A product of an appointment.  ActError unknown: it has no such product."""
    query = (
        select(product)
        .join(appointment_product, appointment_product.c.product_id == product.c.id)
        .where(appointment_product.c.appointment_id == appointment_id, product.c.id == product_id)
    )
    row = tx.execute(query).first()
    if row is None:
        raise ActError("unknown")
    return row


def choose(
    tx: Tx,
    now_s: int,
    entropy: Entropy,
    rules: Rules,
    appointment_id: int,
    product_id: int,
    backend: str,
    time: FreeTime,
) -> tuple[int, list[int]]:
    """Somebody wants this, instead of what he chose before: its id, and what to ask about.

    ActError unknown, not_here, too_often, identify_first; reserved, paid, confirming: what he chose before is settled.
    """
    standing(tx, appointment_id)
    of_it(tx, appointment_id, product_id)
    if rules.again(tx, appointment_id, product_id):
        raise ActError("identify_first")
    asks: list[int] = []
    known = reservations.of_appointment(tx, appointment_id)
    if len(known) >= CHOICES_MAX:
        raise ActError("too_often")
    for before in known:
        if before.product_id == product_id:
            if before.state == "confirmed":
                raise ActError("reserved")
            if before.live:
                asks += _drop(tx, now_s, entropy, before, "citizen")
    made = reservations.choose(tx, now_s, entropy, appointment_id, product_id, backend, time, WAIT_S)
    return made, [intents.want(tx, now_s, made, "hold"), *asks]


def drop(tx: Tx, now_s: int, entropy: Entropy, reservation_id: int, actor: str) -> list[int]:
    """Somebody does not want it after all.  ActError unknown; paid, confirming, reserved: it is not his to drop."""
    try:
        about = reservations.get(tx, reservation_id)
    except NotFound:
        raise ActError("unknown") from None
    saga.lock(tx, about.appointment_id)
    about = reservations.get(tx, reservation_id)
    if about.state == "confirmed":
        raise ActError("reserved")
    return _drop(tx, now_s, entropy, about, actor) if about.live else []


def _drop(tx: Tx, now_s: int, entropy: Entropy, about: Reservation, actor: str) -> list[int]:
    """A payment that runs is no obstacle: money that comes after this is proposed to go back."""
    if intents.wanted(tx, about.appointment_id)[about.id] == "confirm":
        raise ActError("confirming")
    own = [each for each in payments.of_appointment(tx, about.appointment_id) if each.reservation_id == about.id]
    if any(each.has_money for each in own):
        raise ActError("paid")
    return saga.let_go(tx, now_s, entropy, about, "released", actor)


# -- answers ---------------------------------------------------------------------------------------------------


def held(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, reservation_id: int, what: Held) -> list[int]:
    """The other system keeps it.  When nobody wants it any more, at least we know now what to let go."""
    about = _locked(tx, reservation_id)
    if not reservations.hold(tx, now_s, reservation_id, what):
        intents.found_ref(tx, reservation_id, what.external_ref)
        return []
    intents.done(tx, reservation_id)
    saga.tell(tx, now_s, entropy, reservation_id, "held")
    return saga.follow(tx, now_s, entropy, rules, about.appointment_id)


def not_held(tx: Tx, now_s: int, entropy: Entropy, reservation_id: int, error: str) -> None:
    """The other system will not keep it: nothing to undo, and the citizen chooses again."""
    _locked(tx, reservation_id)
    if reservations.release(tx, now_s, reservation_id):
        reservations.trouble(tx, now_s, reservation_id, error)
        intents.done(tx, reservation_id)
        saga.tell(tx, now_s, entropy, reservation_id, "failed")


def confirmed(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, ask: Ask, external_ref: str) -> list[int]:
    """It is his.  Said twice, it is once."""
    about = _locked(tx, ask.about.id)
    if not reservations.confirm(tx, now_s, about.id, external_ref, about.holder_id):
        return []
    intents.done(tx, about.id)
    _answered(tx, now_s, about)
    saga.tell(tx, now_s, entropy, about.id, "confirmed")
    return saga.follow(tx, now_s, entropy, rules, about.appointment_id)


def lost(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, ask: Ask, error: str) -> list[int]:
    """It cannot be his any more.  Whatever is left of it there is let go."""
    about = _locked(tx, ask.about.id)
    if not reservations.conflict(tx, now_s, about.id, error):
        return []
    _answered(tx, now_s, about)
    saga.tell(tx, now_s, entropy, about.id, "failed")
    asks = [intents.want(tx, now_s, about.id, "release")]
    return asks + saga.follow(tx, now_s, entropy, rules, about.appointment_id)


def let_go(tx: Tx, reservation_id: int) -> None:
    """The other system let it go, or never had it."""
    ask = intents.get(tx, reservation_id, lock=True)
    if ask is not None and ask.wanted == "release":
        intents.done(tx, reservation_id)


def silent(tx: Tx, now_s: int, entropy: Entropy, rules: Rules, ask: Ask, error: str) -> list[int]:
    """No answer of use.  It is asked again; after a while a person hears of it, and at last it is taken for lost."""
    about = _locked(tx, ask.about.id)
    current = intents.get(tx, about.id)
    if current is None or current.wanted != ask.wanted:
        return []  # somebody else was answered meanwhile
    age_s = now_s - current.since_s
    intents.later(tx, now_s, current, error)
    if current.wanted == "confirm" and age_s >= GIVE_UP_S:
        return lost(tx, now_s, entropy, rules, current, error)
    if current.wanted == "confirm" and age_s >= TASK_S:
        reasons.ask(tx, now_s, "reservation", about.id, "confirm_waits", about.appointment_id)
    if current.wanted == "release" and age_s >= FORGET_S:
        intents.done(tx, about.id)
    return []


def _locked(tx: Tx, reservation_id: int) -> Reservation:
    saga.lock(tx, reservations.get(tx, reservation_id).appointment_id)
    return reservations.get(tx, reservation_id, lock=True)


def _answered(tx: Tx, now_s: int, about: Reservation) -> None:
    outcome = _("Het reservatiesysteem heeft geantwoord.")
    tasks.settle(tx, now_s, tasks.of("reservation", [about.id], ["confirm_waits"]), outcome)
