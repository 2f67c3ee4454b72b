"""What requests to the API and its answers look like.  The OpenAPI document is made from these types.

A field that a request has and a type does not is refused: a misspelt `mial` would otherwise be a citizen without mail.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

from balie.booking.appointments import CHANNELS
from balie.booking.people import RIGHTS
from balie.i18n import LANGUAGES
from balie.store.schema import APPOINTMENT_STATES

HIDDEN = ("held", "expired")
"""States of what is no appointment yet, or never was."""

Language = Literal["nl", "fr", "en", "de"]
Modality = Literal["video", "phone", "desk"]
HelperRole = Literal["carer", "family", "interpreter", "other"]
Moment = Annotated[
    datetime, Meta(tz=True, description="RFC 3339, with its offset", examples=["2026-12-08T14:30:00+01:00"])
]
# Of answers: whatever the database allows.
State = Annotated[str, Meta(extra_json_schema={"enum": [each for each in APPOINTMENT_STATES if each not in HIDDEN]})]
Way = Annotated[str, Meta(extra_json_schema={"enum": list(get_args(Modality))})]
Channel = Annotated[str, Meta(extra_json_schema={"enum": list(CHANNELS)})]
Role = Annotated[str, Meta(extra_json_schema={"enum": list(RIGHTS)})]
Tongue = Annotated[str, Meta(extra_json_schema={"enum": list(LANGUAGES)})]
Texts = Annotated[dict[str, str], Meta(description="By language: nl, fr, en, de")]
Slug = Annotated[str, Meta(max_length=64)]
Words = Annotated[str, Meta(pattern=r"^[^\x00]*$", description="Any text; no database takes a zero in one")]
StaffId = Annotated[int, Meta(ge=1, le=2**53, description="Only with this person")]


# -- requests -------------------------------------------------------------------------------------------


class Asked(Struct, forbid_unknown_fields=True, kw_only=True):
    """Of a request."""


class NoQuery(Asked):
    """Nothing stands behind the question mark."""


class ProductsQuery(Asked):
    service: Annotated[str, Meta(description="Only those of a service")] = ""


class TimesQuery(Asked):
    service: Slug
    product: Annotated[list[Slug], Meta(min_length=1, max_length=10, description="Repeat it for several products")]
    modality: Modality = "video"
    staff: StaffId | None = None
    from_: Annotated[date | None, Meta(description="First day; default today")] = field(name="from", default=None)
    until: Annotated[date | None, Meta(description="Last day, included")] = None


class EventsQuery(Asked):
    after: Annotated[str, Meta(max_length=18, description="The cursor of the page before; empty: from the oldest")] = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    contact: Annotated[bool, Meta(description="With names and addresses; needs appointments:read too")] = False


class Hold(Asked):
    """Keep a time for ten minutes, while the rest is asked."""

    service: Slug
    products: Annotated[list[Slug], Meta(min_length=1, max_length=10)]
    start: Moment
    modality: Modality = "video"
    staff: StaffId | None = None


class Citizen(Asked):
    """A mail address or a telephone number is needed; Belgian numbers may be written as people write them."""

    name: str
    mail: str = ""
    phone: str = ""
    locale: Language = "nl"


class Helper(Citizen, kw_only=True):
    """Somebody who comes along; label stands under the name in the call, such as "dochter"."""

    role: HelperRole
    label: str = ""


class Book(Asked):
    """An appointment at a time that is held, or else at `start` about `products`."""

    citizen: Citizen
    hold: Annotated[str, Meta(max_length=64, description="What POST /holds answered")] = ""
    service: Slug = ""
    products: Annotated[list[Slug], Meta(max_length=10)] = []
    start: Moment | None = None
    modality: Modality = "video"
    staff: StaffId | None = None
    helpers: Annotated[list[Helper], Meta(max_length=10)] = []
    question: Words = ""
    channel: Annotated[
        Literal["web", "phone", "desk", "mail", "api"], Meta(description="How the citizen asked for it")
    ] = "api"
    follow_up_of: Annotated[str, Meta(description="The reference of an earlier appointment")] = ""


class Move(Asked):
    start: Moment
    staff: StaffId | None = None


class Cancel(Asked):
    by: Literal["citizen", "office"] = "citizen"
    reason: Words = ""


class ChangeModality(Asked):
    modality: Modality


class Acknowledge(Asked):
    reference: Annotated[str, Meta(min_length=1, max_length=128, description="Of bookkeeping's own, for the document")]


# -- answers --------------------------------------------------------------------------------------------


class Service(Struct, kw_only=True):
    """name: in the language of the request."""

    slug: str
    name: str
    names: Texts
    phone: str
    mail: str
    address: str
    zone: str


class Services(Struct):
    services: list[Service]


class Product(Struct, kw_only=True):
    """name, summary and checklist: in the language of the request."""

    slug: str
    service: str
    name: str
    names: Texts
    summary: str
    checklist: list[str]
    theme: str
    ipdc_id: str
    duration_min: int
    modalities: list[Way]
    min_notice_min: int
    horizon_days: int
    helpers_max: int
    price_cents: int


class Products(Struct):
    products: list[Product]


class Day(Struct):
    """free: how many times there are to begin at."""

    day: date
    free: int


class Days(Struct):
    days: list[Day]


class Colleague(Struct):
    id: int
    name: str


class Slot(Struct):
    """A time that is free, and with whom."""

    start: Moment
    end: Moment
    staff: list[Colleague]


class Slots(Struct):
    slots: list[Slot]


class Held(Struct):
    """hold: a secret; who has it may book the time until then."""

    hold: str
    until: Moment


class ProductName(Struct):
    slug: str
    name: str


class Person(Struct, kw_only=True):
    """id stays the same when the appointment moves.  link: only in the answer to who just made it."""

    id: str
    role: Role
    name: str
    mail: str
    phone: str
    locale: Tongue
    label: str
    link: Annotated[str | UnsetType, Meta(description="A personal link; who has it is let in")] = UNSET


class Appointment(Struct, kw_only=True):
    """sequence goes up with every change of its time or modality; ref and uid stay."""

    ref: str
    uid: str
    sequence: int
    status: State
    channel: Channel
    modality: Way
    start: Moment
    end: Moment
    zone: str
    service: str
    products: list[ProductName]
    staff: Colleague
    people: list[Person]
    question: str
    reason: str
    follow_up_of: str | None


class EventProduct(Struct):
    slug: str
    ipdc_id: str


class EventBefore(Struct):
    sequence: int
    start: Moment
    end: Moment


class EventPerson(Struct, kw_only=True):
    role: str
    name: str
    mail: str
    phone: str
    locale: str
    label: str


class EventData(Struct, kw_only=True):
    """The appointment when the event happened.  Events of a kind may have more fields; docs/hooks.md names them."""

    ref: str
    uid: str
    sequence: int
    status: str
    channel: str
    modality: str
    start: Moment
    end: Moment
    zone: str
    service: str
    products: list[EventProduct]
    staff: str
    follow_up_of: str | None
    supersedes: EventBefore | None
    personal: Annotated[
        dict[str, Any] | UnsetType, Meta(description="people, and more; only for who asked for contact data")
    ] = UNSET


class Event(Struct, kw_only=True):
    """CloudEvents 1.0.  sequence: the place in the feed, and a cursor."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: Moment
    sequence: str
    datacontenttype: Literal["application/json"]
    data: EventData


class Events(Struct):
    """cursor: to ask for the next page with, also when there is none yet."""

    events: list[Event]
    cursor: str
    more: bool


class Acknowledgement(Struct):
    """reference and acknowledged are those of the first time."""

    number: str
    reference: str
    acknowledged: Moment


class FieldError(Struct):
    """field: such as citizen.mail or helpers[0].name."""

    field: str
    code: str
    detail: str


class Problem(Struct, omit_defaults=True):
    """RFC 9457.  title: a word that a program can tell apart; detail: for who reads the log."""

    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []
    next_free: Annotated[list[Slot], Meta(description="Of slot_taken: times that are still free")] = []
    appointment_status: Annotated[str, Meta(description="Of a refused change: the state that does not allow it")] = ""
    oldest: Annotated[str, Meta(description="Of events_gone: the cursor to go on with")] = ""
