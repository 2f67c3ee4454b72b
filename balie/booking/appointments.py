"""Making an appointment: hold a time while the form is filled in, then book it; or book it at once.

Somebody has a time when the keys of slot_claim say so, and never before: fifty people who press the button together
are told apart by the database.  What follows from a booking (links, messages, an event, the audit) is written in the
same transaction.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, bindparam, insert, select, update

from balie.booking import assignment, claims, links, people
from balie.booking.errors import NotFound, SlotTaken, Unfit
from balie.booking.hours import day_of
from balie.booking.links import LinkKey
from balie.booking.people import CITIZEN, Person
from balie.booking.slots import Calendars, Plan, Wish, plan
from balie.i18n import LANGUAGES
from balie.record import audit, events, schedule
from balie.store.engine import Tx
from balie.store.schema import appointment, appointment_product

HOLD_S = 600
CHANNELS = ("web", "phone", "desk", "mail", "api")
QUESTION_MAX = 2000
REF_LETTERS = "ACDEFGHJKLMNPQRTUVWXYZ2346789"  # without those that look or sound like another
REF_SIZE = 7  # 17 thousand million: a reference is no secret, but nobody meets another's by a slip
TIME_MAX_S = 1 << 36  # the year 4147: calendars end in 9999

Entropy = Callable[[int], bytes]

# Made once: to build a statement costs more than to run it, and a booking has twenty.
_FACTS = select(
    appointment.c.ref,
    appointment.c.channel,
    appointment.c.modality,
    appointment.c.start_s,
    appointment.c.end_s,
).where(appointment.c.id == bindparam("appointment_id"))
_HELD: Select[Any] = (
    select(appointment.c.id, appointment.c.modality, appointment.c.hold_until_s, appointment.c.hold_hash)
    .where(appointment.c.hold_hash == bindparam("secret_hash"), appointment.c.status == "held")
    .with_for_update()
)
_PRODUCTS = (
    select(appointment_product.c.product_id)
    .where(appointment_product.c.appointment_id == bindparam("appointment_id"))
    .order_by(appointment_product.c.position)
)


@dataclass(frozen=True)
class Held:
    """A time that is kept for a while.  secret: of who holds it; until_s: Unix time."""

    appointment_id: int
    secret: str
    until_s: int


@dataclass(frozen=True)
class Booking:
    """What is asked for.  Either a held time, or a wish and a beginning."""

    citizen: Person
    channel: str = "web"
    actor: str = "citizen"
    held: str = ""
    wish: Wish | None = None
    start_s: int = 0
    helpers: tuple[Person, ...] = ()
    question: str = ""
    locale: str = ""
    follow_up_of: int | None = None


@dataclass(frozen=True)
class Booked:
    """links: token by participant id, the citizen's first."""

    appointment_id: int
    ref: str
    links: dict[int, str]


def hold(tx: Tx, now_s: int, entropy: Entropy, wish: Wish, start_s: int) -> Held:
    """Keep a time for ten minutes.  Raises as plan(); SlotTaken; Unfit start: outside hours, notice or horizon."""
    secret = _text(entropy(20))
    wanted = plan(tx, wish)
    row = {"status": "held", "hold_until_s": now_s + HOLD_S, "hold_hash": _hashed(secret), "created_by": "citizen"}
    made = place(tx, now_s, entropy, wanted, start_s, row)
    return Held(made, secret, now_s + HOLD_S)


def extend(tx: Tx, now_s: int, secret: str) -> int:
    """Another ten minutes, if the time is still held.  Returns until when."""
    row = _held(tx, now_s, secret)
    tx.execute(update(appointment).where(appointment.c.id == row.id).values(hold_until_s=now_s + HOLD_S))
    return now_s + HOLD_S


def let_go(tx: Tx, now_s: int, secret: str) -> None:
    """Somebody chose another time; nothing when he held none."""
    row = tx.execute(_HELD, {"secret_hash": _hashed(secret)}).first()
    if row is not None:
        tx.execute(update(appointment).where(appointment.c.id == row.id).values(status="expired", changed_s=now_s))
        claims.release(tx, (row.id,))


def book(tx: Tx, now_s: int, entropy: Entropy, key: LinkKey, request: Booking) -> Booked:
    """Make the appointment.

    NotFound: product, hold.  SlotTaken: the time, or the hold is over and somebody took it.  Unfit: a field.
    """
    citizen, helpers = _checked(request)
    values = {
        "status": "booked",
        "channel": request.channel,
        "locale": request.locale or citizen.locale,
        "question": people.check_text(request.question, "question", QUESTION_MAX),
        "created_by": request.actor,
        "follow_up_of": request.follow_up_of,
        "changed_s": now_s,
    }
    if request.held:
        row = _held(tx, now_s, request.held)
        wanted = plan(tx, Wish(_products(tx, row.id), row.modality))
        appointment_id = row.id
        values |= {"hold_until_s": None, "hold_hash": None}
        tx.execute(update(appointment).where(appointment.c.id == row.id).values(**values))
    elif request.wish is not None:
        wanted = plan(tx, request.wish)
        appointment_id = place(tx, now_s, entropy, wanted, request.start_s, values)
    else:
        raise Unfit("start", "start_missing", "a held time, or products and a beginning are needed")
    people.check_number(len(helpers), min(each.max_third_parties for each in wanted.products))
    everybody = [(people.new_person_id(entropy), each) for each in (citizen, *helpers)]
    return settle(tx, now_s, entropy, key, appointment_id, everybody, request.actor, "booked")


def settle(
    tx: Tx,
    now_s: int,
    entropy: Entropy,
    key: LinkKey,
    appointment_id: int,
    everybody: Iterable[tuple[str, Person]],
    actor: str,
    action: str,
) -> Booked:
    """The people of a new appointment, with their links; and, when it is not one that moved, what others hear of it."""
    row = tx.execute(_FACTS, {"appointment_id": appointment_id}).one()
    tokens = {}
    for person_id, person in everybody:
        added = people.insert_person(tx, now_s, appointment_id, person_id, person)
        tokens[added] = links.create(tx, now_s, entropy, key, added, row.start_s, row.end_s)
    audit.note(
        tx,
        now_s,
        actor,
        action,
        events.subject(row.ref),
        channel=row.channel,
        modality=row.modality,
        start_s=row.start_s,
    )
    events.emit(tx, now_s, entropy, appointment_id, events.APPOINTMENT + action)
    if action == "booked":
        schedule.booked(tx, now_s, entropy, appointment_id)
    return Booked(appointment_id, row.ref, tokens)


def place(tx: Tx, now_s: int, entropy: Entropy, wanted: Plan, start_s: int, values: dict[str, Any]) -> int:
    """A new row with its claims, for the person with the least to do that day.  SlotTaken; Unfit start."""
    zone = wanted.service.zone
    day = day_of(start_s, zone) if 0 < start_s < TIME_MAX_S else None
    if day is None or start_s < now_s + wanted.notice_s or day > day_of(now_s, zone) + wanted.horizon:
        raise Unfit("start", "start_out_of_range", "this time is past, too soon or too far away")
    claims.expire_holds(tx, now_s)
    free = assignment.free(tx, wanted, start_s, _cells(wanted, start_s))
    if not free and not assignment.working(tx, wanted, start_s):
        raise Unfit("start", "start_outside_hours", "nobody is there at this time")
    for staff_id in free:
        appointment_id = put(tx, now_s, entropy, wanted, staff_id, start_s, values)
        if appointment_id is not None:
            if claims.claim_day(tx, wanted.products, day.isoformat(), appointment_id):
                return appointment_id
            break
    raise _taken(tx, wanted, now_s, start_s)


def put(
    tx: Tx, now_s: int, entropy: Entropy, wanted: Plan, staff_id: int, start_s: int, values: dict[str, Any]
) -> int | None:
    """A new row with the time of this person, whatever his hours are; None when somebody else has it."""
    appointment_id = _insert(tx, now_s, entropy, wanted, staff_id, start_s, values)
    if not claims.claim(tx, staff_id, _cells(wanted, start_s), appointment_id):
        tx.execute(appointment.delete().where(appointment.c.id == appointment_id))
        return None
    _insert_products(tx, wanted, appointment_id)
    return appointment_id


def _taken(tx: Tx, wanted: Plan, now_s: int, start_s: int) -> SlotTaken:
    wish = Wish(tuple(each.id for each in wanted.products), wanted.modality, wanted.staff_id, wanted.urgent)
    calendars = Calendars()  # of its own: inside a transaction that will be undone, what it reads is not for others
    others = [each for each in calendars.first(tx, wish, now_s, 6, from_s=start_s) if each.start_s != start_s]
    return SlotTaken(others[:3] or calendars.first(tx, wish, now_s, 3))


def _cells(wanted: Plan, start_s: int) -> range:
    return claims.cells_of(start_s, start_s + wanted.duration_s, wanted.before_min, wanted.after_min)


def _insert(
    tx: Tx, now_s: int, entropy: Entropy, wanted: Plan, staff_id: int, start_s: int, values: dict[str, Any]
) -> int:
    row = {
        "uid": f"{_text(entropy(18))}@balie",
        "ref": new_ref(entropy),
        "service_id": wanted.service.id,
        "staff_id": staff_id,
        "modality": wanted.modality,
        "start_s": start_s,
        "end_s": start_s + wanted.duration_s,
        "buffer_before_min": wanted.before_min,
        "buffer_after_min": wanted.after_min,
        "zone": wanted.service.zone,
        "room": _text(entropy(18)),
        "created_s": now_s,
        "changed_s": now_s,
        **values,
    }
    made = tx.execute(insert(appointment), row).inserted_primary_key
    assert made is not None
    return int(made[0])


def _insert_products(tx: Tx, wanted: Plan, appointment_id: int) -> None:
    rows = [
        {"appointment_id": appointment_id, "product_id": each.id, "position": at}
        for at, each in enumerate(wanted.products)
    ]
    tx.execute(insert(appointment_product), rows)


def _products(tx: Tx, appointment_id: int) -> tuple[int, ...]:
    return tuple(tx.scalars(_PRODUCTS, {"appointment_id": appointment_id}))


def new_ref(entropy: Entropy) -> str:
    """What people say on the telephone."""
    number = int.from_bytes(entropy(8))
    letters = []
    for _ in range(REF_SIZE):
        number, at = divmod(number, len(REF_LETTERS))
        letters.append(REF_LETTERS[at])
    return "".join(letters)


def _checked(request: Booking) -> tuple[Person, tuple[Person, ...]]:
    if request.channel not in CHANNELS:
        raise Unfit("channel", "channel_unknown", f"a channel is one of {', '.join(CHANNELS)}")
    if request.locale and request.locale not in LANGUAGES:
        raise Unfit("locale", "locale_unknown", f"a language is one of {', '.join(LANGUAGES)}")
    if any(each.role == CITIZEN for each in request.helpers):
        raise Unfit("helpers", "role_unknown", f"somebody who comes along is one of {', '.join(people.HELPERS)}")
    citizen = people.check_person(replace(request.citizen, role=CITIZEN), "citizen.")
    helpers = tuple(people.check_person(each, f"helpers[{at}].") for at, each in enumerate(request.helpers))
    return citizen, helpers


def _held(tx: Tx, now_s: int, secret: str) -> Row[Any]:
    """NotFound hold: there is none with this secret, or its time is over (somebody else may have it by now)."""
    row = tx.execute(_HELD, {"secret_hash": _hashed(secret)}).first()
    if row is None or row.hold_until_s <= now_s or not hmac.compare_digest(row.hold_hash, _hashed(secret)):
        raise NotFound("hold")
    return row


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
