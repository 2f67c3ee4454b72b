"""Every table of balie, grouped as people speak of them.  SQLAlchemy Core, the same on SQLite and PostgreSQL.

Times are Unix seconds, UTC, in columns that end in _s; days and minutes of wishes ("every Tuesday from 9.00") are local
to the zone that stands beside them.  Texts for citizens that an administrator writes are JSON objects by language,
{"nl": ...}.  Constraints, not code, keep what may never happen: two appointments in one cell, two messages of one kind.

Each table names its retention class in info["retention"]; RETENTION says what the classes mean.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

RETENTION = {
    "settings": "until an administrator changes it: no personal data of citizens",
    "staff": "while somebody works here",
    "session": "until it expires or is withdrawn",
    "claim": "as long as the appointment stands, or its hold of ten minutes",
    "draft": "two hours after the last step, sealed with a key that its browser alone has",
    "appointment": "two years, without names after 90 days",
    "contact": "90 days after the appointment",
    "link": "until the appointment is over, moved or cancelled",
    "message": "two years, its text 30 days",
    "evidence": "six months",
    "inbound": "90 days",
    "visit": "90 days after the appointment",
    "invitation": "30 days after the visit",
    "survey": "three years: it says nothing of who answered, or when",
    "act": "two years after the appointment: what was reserved and paid, without names after 90 days",
    "task": "six months after it ended, two years when it was about money",
    "identity": "90 days after the appointment",
    "accounting": "ten years",
    "document": "seven days after the appointment",
    "hook": "30 days after delivery",
    "audit": "five years",
}
"""What happens to rows of a class, and when.  Defaults of requirements (d); each becomes a setting."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

CELL_S = 300
"""The grain of a calendar: appointments begin and end on five minutes, so a claim is a row per five minutes."""

_Id = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER is a rowid there


def _table(name: str, retention: str, *parts: Any, **options: Any) -> Table:
    assert retention in RETENTION, retention
    return Table(name, metadata, *parts, info={"retention": retention}, **options)


def _id() -> Column[int]:
    return Column("id", _Id, primary_key=True)


def _to(target: str, *, nullable: bool = False, cascade: bool = False, name: str = "") -> Column[int]:
    key = ForeignKey(f"{target}.id", ondelete="CASCADE" if cascade else None)
    return Column(name or f"{target}_id", _Id, key, nullable=nullable)


def _when(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _text(name: str, length: int = 200, *, default: str | None = "", nullable: bool = False) -> Column[str]:
    return Column(name, String(length), nullable=nullable, default=None if nullable else default)


def _flag(name: str, *, default: bool) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=default)


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


# -- the office -----------------------------------------------------------------------------------------

organisation = _table(
    "organisation",
    "settings",
    _id(),
    _text("name"),
    _text("phone", 40),
    _text("kbo", 20),
    _text("ovo", 20),
    _text("zone", 64, default="Europe/Brussels"),
    Column("languages", JSON, nullable=False, default=lambda: ["nl", "fr", "en", "de"]),
)

service = _table(  # a dienst: the people who do the same products
    "service",
    "settings",
    _id(),
    _to("organisation"),
    _text("slug", 64),
    Column("names", JSON, nullable=False, default=dict),
    _text("phone", 40),
    _text("mail", 254),
    _text("address"),  # where the desk is
    _flag("active", default=True),
    UniqueConstraint("organisation_id", "slug"),
)

staff = _table(
    "staff",
    "staff",
    _id(),
    _to("organisation"),
    _text("login", 254),
    Column("subject", String(255), nullable=True, unique=True),  # of an identity provider
    _text("name"),
    _text("mail", 254),
    _text("locale", 8, default="nl"),
    Column("roles", JSON, nullable=False, default=list),  # counter, lead, admin
    Column("password", String(255), nullable=True),  # argon2; none: signs in elsewhere
    _flag("active", default=True),
    Column("claims_version", _Id, nullable=False, default=0),  # moves with every claim: calendars are cached by it
    _when("created_s"),
    UniqueConstraint("login"),
)

staff_service = _table(
    "staff_service",
    "staff",
    Column("staff_id", _Id, ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True),
    Column("service_id", _Id, ForeignKey("service.id", ondelete="CASCADE"), primary_key=True),
)

staff_session = _table(
    "staff_session",
    "session",
    Column("token_hash", LargeBinary(32), primary_key=True),
    _to("staff", cascade=True),
    _when("created_s"),
    _when("seen_s"),
    _when("expires_s"),
    _text("agent"),
    Index(None, "staff_id"),
)

staff_photo = _table(  # small, and made from what was sent: apart, so that nothing reads it that does not show it
    "staff_photo",
    "staff",
    Column("staff_id", _Id, ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _text("mime", 32, default=None),
    Column("image", LargeBinary, nullable=False),
    _when("changed_s"),
    _one_of("mime", "image/jpeg", "image/png", "image/webp"),
)

api_key = _table(
    "api_key",
    "settings",
    _id(),
    _to("organisation"),
    _text("name"),
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False, default=list),
    _when("created_s"),
    _when("used_s", nullable=True),
    _when("revoked_s", nullable=True),
)

# -- what can be booked ---------------------------------------------------------------------------------

product = _table(
    "product",
    "settings",
    _id(),
    _to("service"),
    _text("slug", 64),
    _text("ipdc_id", 64),  # in the Flemish product catalogue
    _text("theme", 64),
    Column("names", JSON, nullable=False, default=dict),
    Column("summaries", JSON, nullable=False, default=dict),
    Column("welcomes", JSON, nullable=False, default=dict),
    Column("checklists", JSON, nullable=False, default=dict),  # what to have ready: {"nl": ["...", ...]}
    Column("duration_min", Integer, nullable=False),
    Column("buffer_before_min", Integer, nullable=False, default=0),
    Column("buffer_after_min", Integer, nullable=False, default=0),
    Column("min_notice_min", Integer, nullable=False, default=60),
    Column("horizon_days", Integer, nullable=False, default=60),
    Column("daily_max", Integer, nullable=True),
    Column("modalities", JSON, nullable=False, default=lambda: ["video", "phone", "desk"]),
    Column("max_third_parties", Integer, nullable=False, default=3),
    Column("reminder_min", JSON, nullable=False, default=lambda: [10_080, 2_880, 120, 10]),  # 7 d, 48 h, 2 h, 10 min
    _text("identification", 8, default="none"),
    _text("required_acr", 200),
    Column("price_cents", Integer, nullable=False, default=0),
    _text("vat_category", 2, default="O"),  # UNCL5305: S standard rate, Z zero, E exempt, O outside VAT
    Column("vat_rate", Integer, nullable=False, default=0),  # hundredths of a percent, within the price: 2100, 600
    _text("reservation_backend", 64),  # name of a [[reservations.backends]]; none: nothing to reserve
    _text("reservation_kind", 64),  # of that system's resources: badminton
    _flag("identity_log", default=False),  # it was agreed that identification is logged (S26)
    Column("identity_purposes", JSON, nullable=False, default=dict),  # what for, {"nl": "..."}
    _text("recording", 4, default="no"),
    _flag("active", default=True),
    Column("position", Integer, nullable=False, default=0),
    UniqueConstraint("service_id", "slug"),
    CheckConstraint("duration_min > 0 AND duration_min % 5 = 0", name="duration_in_cells"),
    CheckConstraint("buffer_before_min >= 0 AND buffer_before_min % 5 = 0", name="buffer_before_in_cells"),
    CheckConstraint("buffer_after_min >= 0 AND buffer_after_min % 5 = 0", name="buffer_after_in_cells"),
    CheckConstraint("min_notice_min >= 0", name="notice_positive"),
    CheckConstraint("daily_max IS NULL OR daily_max > 0", name="daily_max_positive"),
    _one_of("identification", "none", "link", "oidc"),
    _one_of("recording", "no", "ask"),
)

availability = _table(  # hours that come back every week, or every nth, in local time
    "availability",
    "staff",
    _id(),
    _to("staff", cascade=True),
    _to("service", cascade=True),
    Column("weekday", Integer, nullable=False),  # 0 is Monday
    Column("from_min", Integer, nullable=False),  # minutes of the local day
    Column("until_min", Integer, nullable=False),
    Column("every_weeks", Integer, nullable=False, default=1),  # counted from the week of from_day
    _text("from_day", 10, default=None),  # 2026-11-25, included
    _text("until_day", 10, default=None, nullable=True),  # included; none: for good
    Column("modalities", JSON, nullable=False, default=lambda: ["video", "phone", "desk"]),
    CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_known"),
    CheckConstraint("from_min >= 0 AND until_min <= 1440 AND from_min < until_min", name="minutes_in_order"),
    CheckConstraint("from_min % 5 = 0 AND until_min % 5 = 0", name="minutes_in_cells"),
    CheckConstraint("every_weeks BETWEEN 1 AND 8", name="every_weeks_known"),
    Index(None, "service_id"),
    Index(None, "staff_id"),
)

closure = _table(  # of everybody (no service, no staff), of a service, or an absence of one person
    "closure",
    "staff",
    _id(),
    _to("organisation"),
    _to("service", nullable=True, cascade=True),
    _to("staff", nullable=True, cascade=True),
    _text("from_local", 16, default=None),  # 2026-12-24T12:00, included
    _text("until_local", 16, default=None),  # excluded
    _text("reason"),
    CheckConstraint("from_local < until_local", name="times_in_order"),
    Index(None, "organisation_id", "until_local"),
)

# -- appointments ---------------------------------------------------------------------------------------

APPOINTMENT_STATES = (
    "held",
    "expired",
    "booked",
    "confirmed",
    "rescheduled",
    "cancelled_citizen",
    "cancelled_office",
    "checked_in",
    "in_call",
    "completed",
    "no_show_citizen",
    "no_show_office",
    "anonymised",
)

appointment = _table(
    "appointment",
    "appointment",
    _id(),
    _text("uid", 64, default=None),  # of the calendar: stays the same when the appointment moves
    _text("ref", 16, default=None),  # what people say on the telephone; stays too
    Column("sequence", Integer, nullable=False, default=0),  # of the calendar (RFC 5545 3.8.7.4)
    _to("service"),
    _to("staff"),
    _text("channel", 8, default="web"),
    _text("modality", 8, default="video"),
    _text("status", 20, default="held"),
    _when("start_s"),
    _when("end_s"),
    Column("buffer_before_min", Integer, nullable=False, default=0),
    Column("buffer_after_min", Integer, nullable=False, default=0),
    _text("zone", 64, default="Europe/Brussels"),
    _text("locale", 8, default="nl"),
    _text("room", 64, default=None),  # of the media server
    _when("hold_until_s", nullable=True),
    Column("hold_hash", LargeBinary(32), nullable=True),  # who holds the slot while he fills in the form
    Column("follow_up_of", _Id, ForeignKey("appointment.id"), nullable=True),
    Column("supersedes", _Id, ForeignKey("appointment.id"), nullable=True, unique=True),
    _text("created_by", 64),  # citizen, staff:<id>, api:<id>
    _text("reason", 500),  # of a cancellation
    _text("question", 2000),  # what the citizen wrote
    _text("attendance", 20),
    _when("ended_s", nullable=True),  # of the conversation: who has not come by then comes in no more
    _when("created_s"),
    _when("changed_s"),
    UniqueConstraint("uid", "sequence"),
    UniqueConstraint("ref", "sequence"),
    CheckConstraint("start_s < end_s", name="times_in_order"),
    _one_of("status", *APPOINTMENT_STATES),
    _one_of("channel", "web", "phone", "desk", "mail", "api"),
    _one_of("modality", "video", "phone", "desk"),
    Index(None, "staff_id", "start_s"),
    Index(None, "service_id", "start_s"),
    Index(None, "status", "hold_until_s"),
)

appointment_product = _table(
    "appointment_product",
    "appointment",
    Column("appointment_id", _Id, ForeignKey("appointment.id", ondelete="CASCADE"), primary_key=True),
    Column("product_id", _Id, ForeignKey("product.id"), primary_key=True),
    Column("position", Integer, nullable=False, default=0),
    Column("amount", Integer, nullable=False, default=1),
    _when("done_s", nullable=True),
    CheckConstraint("amount > 0", name="amount_positive"),
)

slot_claim = _table(  # its key makes overlap impossible: a member of staff has each cell once
    "slot_claim",
    "claim",
    Column("staff_id", _Id, ForeignKey("staff.id"), primary_key=True, autoincrement=False),
    Column("cell", BigInteger, primary_key=True, autoincrement=False),  # Unix time / CELL_S; buffers have cells too
    _to("appointment", cascade=True),
    Index(None, "appointment_id"),
    sqlite_with_rowid=False,
)

day_claim = _table(  # its key makes more than daily_max impossible: a product has each seat of a local day once
    "day_claim",
    "claim",
    Column("product_id", _Id, ForeignKey("product.id"), primary_key=True, autoincrement=False),
    Column("day", String(10), primary_key=True),
    Column("seat", Integer, primary_key=True, autoincrement=False),
    _to("appointment", cascade=True),
    Index(None, "appointment_id"),
    sqlite_with_rowid=False,
)

participant = _table(
    "participant",
    "contact",
    _id(),
    _to("appointment", cascade=True),
    _text("person", 32, default=None),  # the same person when the appointment moves; `sub` of his join tokens
    _text("role", 12, default="citizen"),
    _text("name"),
    _text("mail", 254),
    _text("phone", 20),  # E.164
    _text("locale", 8, default="nl"),
    _text("label", 64),  # what stands under his name: dochter
    Column("rights", JSON, nullable=False, default=dict),  # {"speak": true, "share": false, "files": false}
    _when("created_s"),
    _when("removed_s", nullable=True),
    UniqueConstraint("appointment_id", "person"),
    _one_of("role", "citizen", "carer", "family", "interpreter", "other"),
)

join_link = _table(
    "join_link",
    "link",
    _id(),
    _to("participant", cascade=True),
    Column("seed", LargeBinary(20), nullable=False),  # with the key of the configuration it gives the token again
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    _when("valid_from_s"),  # of the door; the page of the appointment opens at once
    _when("valid_until_s"),
    _when("exchanged_s", nullable=True),
    _when("revoked_s", nullable=True),
    _when("created_s"),
    Index(None, "participant_id"),
    Index(None, "valid_until_s"),
)

# -- messages and what is known of them -----------------------------------------------------------------

MESSAGE_KINDS = (
    "confirmation",
    "reminder",
    "door_open",
    "moved",
    "cancelled",
    "changed",
    "helper_added",
    "reply",
    "goodbye",  # what was agreed
    "survey",  # who left before he could be asked is asked once
    "receipt",  # what was paid, with its number
    "recap",  # what was done together, and how to do it alone
    "document",  # a document waits for him
)
MESSAGE_STATES = (
    "scheduled",  # waits for its time
    "claimed",  # a worker has it; nothing left this machine
    "handing_over",  # the relay may have it: after a crash nobody can know, so it is never sent again by itself
    "submitted",  # the relay said 250, or the CRM took it
    "accepted",  # a notice said relayed
    "delivered",
    "deferred",
    "failed",
    "unresolved",  # a crash while handing over: a person decides
    "cancelled",
    "suppressed",  # the address is known to be bad
)
READ_EVIDENCE = ("none", "mdn", "link_opened", "rsvp", "confirmed", "joined")  # weakest first

message = _table(
    "message",
    "message",
    _id(),
    _to("appointment", cascade=True),
    _to("participant", nullable=True, cascade=True),
    _text("kind", 16, default=None),
    _text("variant", 16),  # of a reminder its offset in minutes; of a retry its number
    _text("channel", 4, default="mail"),
    _text("recipient", 254),
    _text("locale", 8, default="nl"),
    _text("template", 64),  # with its version
    Column("data", JSON, nullable=False, default=dict),  # what the template needs beyond the appointment
    _text("subject"),
    Column("body", Text, nullable=True),  # what was sent, its links cut out; wiped after 30 days
    _text("status", 14, default="scheduled"),
    _when("due_s"),
    Column("attempts", Integer, nullable=False, default=0),
    _text("claimed_by", 64),
    _when("claimed_s", nullable=True),
    _text("envid", 64, default=None),  # of SMTP (RFC 3461 4.4); in Message-ID and in the address of replies too
    _when("submitted_s", nullable=True),
    _text("read_evidence", 12, default="none"),
    _when("evidence_s", nullable=True),
    _text("error_class", 24),
    _text("error", 500),
    _when("created_s"),
    UniqueConstraint("appointment_id", "participant_id", "kind", "variant", "channel"),
    UniqueConstraint("envid"),
    _one_of("kind", *MESSAGE_KINDS),
    _one_of("channel", "mail", "sms"),
    _one_of("status", *MESSAGE_STATES),
    _one_of("read_evidence", *READ_EVIDENCE),
    Index(None, "status", "due_s"),
)

message_event = _table(
    "message_event",
    "evidence",
    _id(),
    _to("message", cascade=True),
    _when("at_s"),
    _text("kind", 24, default=None),
    _text("source", 24),  # smtp, dsn, mdn, itip, citizen, staff, sms
    Column("detail", JSON, nullable=False, default=dict),
    Index(None, "message_id"),
)

suppression = _table(  # addresses that do not exist; hashed, for they are nobody's any more
    "suppression",
    "evidence",
    Column("address_hash", LargeBinary(32), primary_key=True),
    _text("reason", 24),
    _when("since_s"),
)

inbound_message = _table(
    "inbound_message",
    "inbound",
    _id(),
    Column("digest", LargeBinary(32), nullable=False, unique=True),  # of the raw mail: read twice, it counts once
    _when("received_s"),
    _text("kind", 12, default=None),
    _text("status", 12, default="new"),
    _to("message", nullable=True),
    _to("appointment", nullable=True, cascade=True),
    _text("mail_id", 250),  # its Message-ID, without angle brackets: an answer names it
    _text("sender", 254),
    _text("subject", 500),
    Column("text", Text, nullable=False, default=""),
    _text("matched_by", 24),  # token, envid, message_id, or nothing
    _to("staff", nullable=True),
    _when("answered_s", nullable=True),
    _when("closed_s", nullable=True),
    _one_of("kind", "dsn", "mdn", "itip_reply", "auto_reply", "human"),
    _one_of("status", "new", "applied", "assigned", "answered", "closed"),
    Index(None, "status", "received_s"),
)

# -- what a person must do (balie.record.tasks) ---------------------------------------------------------

TASK_KINDS = (  # what its object is
    "call",  # a participant, who asks to be telephoned
    "message",  # a message that did not arrive, or may not have
    "reply",  # an inbound message, to be read and answered
    "payment",
    "reservation",
    "document",
)
TASK_STATES = ("open", "done", "skipped")  # skipped: somebody said that nothing need be done

task = _table(
    "task",
    "task",
    _id(),
    _text("kind", 12, default=None),
    Column("object_id", _Id, nullable=False),  # of the table that the kind names
    _text("reason", 24, default=None),
    _to("appointment", nullable=True, cascade=True),  # none: a reply that nobody linked to one yet
    _text("state", 8, default="open"),
    _text("how", 16),  # it ended: a word of who raised it, such as phoned; "" by itself
    _text("outcome", 500),  # in words
    _to("staff", nullable=True),  # who ended it
    _when("opened_s"),
    _when("closed_s", nullable=True),
    UniqueConstraint("kind", "object_id", "reason"),
    CheckConstraint("appointment_id IS NOT NULL OR kind = 'reply'", name="about_an_appointment"),
    CheckConstraint("(state = 'open') = (closed_s IS NULL)", name="ended_once"),
    _one_of("kind", *TASK_KINDS),
    _one_of("state", *TASK_STATES),
    Index(None, "state", "opened_s"),
    Index(None, "appointment_id"),
)

# -- the visit ------------------------------------------------------------------------------------------

PRESENCE = ("waiting", "entered", "held", "left")
STEP_OWNERS = ("citizen", "office", "other")
OUTCOMES = ("done", "continues", "referred", "broken_off", "not_held")
INVITATION_STATES = ("offered", "started", "submitted", "declined", "mailed")
DEVICES = ("phone", "tablet", "computer")

presence = _table(  # who was where when: attendance is read from it
    "presence",
    "visit",
    _id(),
    _to("appointment", cascade=True),
    _text("person", 64, default=None),  # `sub` of his join token: participant.person, or staff-<id>
    _text("role", 12, default=None),  # of the join token: citizen, third, staff
    _text("what", 8, default=None),
    _text("reason", 24),
    _when("at_s"),
    _one_of("what", *PRESENCE),
    Index(None, "appointment_id", "at_s"),
)

device_test = _table(  # the latest of a person: codes, never what was seen or heard
    "device_test",
    "visit",
    _id(),
    _to("appointment", cascade=True),
    _to("participant", cascade=True),
    Column("codes", JSON, nullable=False, default=dict),  # {"camera": "ok", "microphone": "denied", ...}
    _flag("shared", default=False),  # he agreed that staff see it
    _when("at_s"),
    UniqueConstraint("participant_id"),
    Index(None, "appointment_id"),
)

next_step = _table(  # what was agreed, and who does it
    "next_step",
    "visit",
    _id(),
    _to("appointment", cascade=True),
    _text("text", 500, default=None),
    _text("owner", 8, default="office"),
    _text("due_day", 10, nullable=True),  # 2026-12-08, local
    _when("done_s", nullable=True),
    _text("created_by", 64),
    _when("created_s"),
    _when("changed_s"),
    _one_of("owner", *STEP_OWNERS),
    Index(None, "appointment_id"),
)

wrap_up = _table(  # what staff writes of a visit: notes from the first word on, finished when done_s is there
    "wrap_up",
    "visit",
    Column(
        "appointment_id",
        _Id,
        ForeignKey("appointment.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _text("outcome", 12),
    Column("note", Text, nullable=False, default=""),
    _to("staff", nullable=True),  # who wrote last
    _when("changed_s"),
    _when("done_s", nullable=True),
    _one_of("outcome", "", *OUTCOMES),
)

survey_invitation = _table(  # one question to one person, whether he would like to say something: asked once
    "survey_invitation",
    "invitation",
    _id(),
    _to("appointment", cascade=True),
    _to("participant", cascade=True),
    _text("state", 10, default="offered"),
    Column("seed", LargeBinary(20), nullable=False),  # with the key of the configuration it gives the token again
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    _when("shown_s", nullable=True),  # he saw the question: no mail asks it again
    _when("valid_until_s"),
    _when("created_s"),
    UniqueConstraint("participant_id"),
    _one_of("state", *INVITATION_STATES),
    Index(None, "appointment_id"),
    Index(None, "state", "valid_until_s"),
)

survey_response = _table(  # nothing here leads to a person or a visit, not even the order of the rows
    "survey_response",
    "survey",
    Column("key", String(32), primary_key=True),  # random
    _to("product", nullable=True),
    _text("month", 7, default=None),  # 2026-12
    _text("device", 8, default=None),
    _text("locale", 8, default="nl"),
    _text("questionnaire", 64, default=None),  # with its version: default/1
    Column("answers", JSON, nullable=False, default=dict),
    _one_of("device", *DEVICES),
    Index(None, "product_id", "month"),
    sqlite_with_rowid=False,
)

# -- formal acts: reserve, identify, pay, exchange documents -----------------------------------------------

STEP_KINDS = ("reserve", "identify", "pay", "document", "read")
STEP_STATES = ("open", "doing", "done", "skipped", "failed")
IDENTIFICATION_STATES = ("requested", "started", "verified", "failed", "aborted", "expired")
RESERVATION_STATES = ("selected", "held", "confirmed", "released", "expired", "conflict")
PAYMENT_STATES = (
    "created",  # the provider has not answered yet
    "open",
    "pending",
    "paid",
    "canceled",
    "expired",
    "failed",
    "refunded_part",
    "refunded",
    "charged_back",
)
REFUND_STATES = ("proposed", "requested", "pending", "done", "failed", "rejected")
INVOICE_KINDS = ("receipt", "invoice", "credit")
MISMATCHES = ("unknown", "other_reference", "unreadable")
DOCUMENT_STATES = ("uploading", "scanning", "available", "rejected", "deleted")

agenda_question = _table(  # what else is to be talked about, beside the products
    "agenda_question",
    "visit",
    _id(),
    _to("appointment", cascade=True),
    _text("text", 500, default=None),
    Column("position", Integer, nullable=False, default=0),
    _text("created_by", 64),
    _when("created_s"),
    _when("done_s", nullable=True),
    Index(None, "appointment_id"),
)

guide_step = _table(  # a step that staff opened and the citizen does: the order of the Samen panel
    "guide_step",
    "visit",
    _id(),
    _to("appointment", cascade=True),
    _to("product", nullable=True),
    _text("kind", 12, default=None),
    _text("text", 500),  # what staff says to it
    _text("state", 8, default="open"),
    _text("choice", 500),  # what the citizen chose so far, as JSON: a day, an hour, a court
    _text("pointed_at", 64),  # name of the field that staff points at
    _to("staff", nullable=True, name="pointer_id"),  # who points
    Column("position", Integer, nullable=False, default=0),
    _text("opened_by", 64),
    _when("opened_s"),
    Column("since_s", BigInteger, nullable=False, default=0),  # acts of before say nothing of this step
    _when("changed_s"),
    _when("done_s", nullable=True),
    _one_of("kind", *STEP_KINDS),
    _one_of("state", *STEP_STATES),
    Index(None, "appointment_id"),
)

identification = _table(  # who somebody proved to be; only what a formal act needs
    "identification",
    "identity",
    _id(),
    _to("appointment", cascade=True),
    _to("participant", cascade=True),
    _to("product", nullable=True),  # that asked for it
    _text("provider", 64, default=None),  # name of an [[identity.providers]]
    _text("required_acr", 200),
    _text("state", 10, default="requested"),
    _text("acr", 200),
    Column("subject_hash", LargeBinary(32), nullable=True),  # HMAC of issuer and subject
    _text("name"),  # as the provider says it
    Column("matches", Boolean, nullable=True),  # the name that was booked; a difference is for staff to look at
    _when("accepted_s", nullable=True),  # staff found that it is right though the name differs
    _to("staff", nullable=True, name="accepted_by"),
    _when("void_s", nullable=True),  # staff asked anew: since then it says nothing any more
    _text("error", 64),  # a code
    _when("created_s"),
    _when("started_s", nullable=True),
    _when("expires_s"),  # of the request; what is verified stays so for the appointment
    _when("done_s", nullable=True),
    Column("start_hash", LargeBinary(32), nullable=True, unique=True),  # of a code for another device
    _when("start_until_s", nullable=True),
    _one_of("state", *IDENTIFICATION_STATES),
    Index(None, "appointment_id"),
    Index(None, "participant_id"),
    Index(None, "state", "expires_s"),
)

oidc_login = _table(  # somebody is at the identity provider, and comes back with this state; the row goes when he does
    "oidc_login",
    "session",
    Column("state_hash", LargeBinary(32), primary_key=True),
    _text("provider", 64, default=None),
    _to("identification", nullable=True, cascade=True),  # none: a member of staff signs in
    Column("browser_hash", LargeBinary(32), nullable=False),  # of the cookie of who began: nobody else ends it
    _text("back"),  # where to go afterwards: a path of the desk
    _when("created_s"),
    _when("expires_s"),
    Index(None, "expires_s"),
)

reservation = _table(  # something in another system that is kept for the citizen
    "reservation",
    "act",
    _id(),
    _to("appointment", cascade=True),
    _to("product"),
    _text("backend", 64, default=None),
    _text("resource", 64, default=None),  # its id there
    _text("resource_name"),
    _when("from_s"),
    _when("until_s"),
    _text("zone", 64, default="Europe/Brussels"),
    Column("price_cents", Integer, nullable=False, default=0),
    _text("state", 10, default="selected"),
    _text("external_ref", 128),  # of the other system
    _text("idempotency_key", 64, default=None),  # of everything that we ask it for this reservation
    _when("hold_until_s", nullable=True),
    _to("identification", nullable=True, name="holder_id"),  # in whose name it stands
    _text("error", 64),  # a code
    _text("wanted", 8),  # what the other system is being asked, until it answers: hold, confirm, release
    _when("again_s", nullable=True),  # when it is asked again, if no answer came
    _when("created_s"),
    _when("changed_s"),
    UniqueConstraint("idempotency_key"),
    CheckConstraint("from_s < until_s", name="times_in_order"),
    CheckConstraint("price_cents >= 0", name="price_positive"),
    _one_of("state", *RESERVATION_STATES),
    Index(None, "appointment_id"),
    _one_of("wanted", "", "hold", "confirm", "release"),
    Index(None, "again_s"),
    Index(None, "state", "hold_until_s"),
)

payment = _table(  # money of one citizen for one thing; its state changes only from what the provider was asked
    "payment",
    "act",
    _id(),
    _to("appointment"),
    _to("participant", nullable=True),
    _to("product"),
    _to("reservation", nullable=True),
    _text("provider", 64, default=None),
    _text("external_id", 64, nullable=True),
    _text("idempotency_key", 64, default=None),  # of its creation at the provider
    _text("ogm", 12, default=None),  # structured communication: twelve digits, the last two a check
    Column("amount_cents", Integer, nullable=False),
    Column("refunded_cents", Integer, nullable=False, default=0),
    _text("vat_category", 2, default="O"),
    Column("vat_rate", Integer, nullable=False, default=0),
    _text("description"),
    _text("method", 32),
    _text("state", 14, default="created"),
    _text("checkout_url", 2000),  # while it can be paid; only the citizen gets it
    _text("error", 64),
    _when("created_s"),
    _when("changed_s"),
    _when("asked_s", nullable=True),  # when the provider was last asked
    _when("ask_again_s", nullable=True),  # when it will be, if no word comes; none: nothing more to hear
    _when("expires_s", nullable=True),
    _when("paid_s", nullable=True),
    UniqueConstraint("provider", "external_id"),
    UniqueConstraint("idempotency_key"),
    UniqueConstraint("ogm"),
    CheckConstraint("amount_cents > 0", name="amount_positive"),
    CheckConstraint("refunded_cents BETWEEN 0 AND amount_cents", name="refund_within"),
    _one_of("state", *PAYMENT_STATES),
    Index(None, "appointment_id"),
    Index(None, "reservation_id"),
    Index(None, "ask_again_s"),
)

refund = _table(
    "refund",
    "act",
    _id(),
    _to("payment"),
    Column("amount_cents", Integer, nullable=False),
    _text("reason", 64, default=None),  # a code: slot_lost, paid_twice, cancelled, late
    _text("state", 10, default="proposed"),
    _text("external_id", 64, nullable=True),
    _text("idempotency_key", 64, default=None),
    _to("staff", nullable=True),  # who decided
    _text("error", 64),
    _when("created_s"),
    _when("changed_s"),
    _when("again_s", nullable=True),  # when the provider is asked again, if no answer came
    UniqueConstraint("idempotency_key"),
    CheckConstraint("amount_cents > 0", name="amount_positive"),
    _one_of("state", *REFUND_STATES),
    Index(None, "again_s"),
    Index(None, "payment_id"),
    Index(None, "state"),
)

invoice = _table(  # numbered without gaps, never changed: what is wrong is set right by a credit note
    "invoice",
    "accounting",
    _id(),
    _to("payment"),
    _to("refund", nullable=True),  # of a credit note
    _text("kind", 8, default=None),
    _text("series", 8, default=None),  # year, and C before that of credit notes
    Column("number", Integer, nullable=False),
    _when("issued_s"),
    Column("total_cents", Integer, nullable=False),
    Column("vat_cents", Integer, nullable=False),
    Column("content", JSON, nullable=False),  # all that stands on it
    Column("ubl", Text, nullable=False),
    _when("exported_s", nullable=True),
    _text("exported_as"),
    _when("acknowledged_s", nullable=True),
    _text("acknowledged_ref", 128),
    UniqueConstraint("series", "number"),
    UniqueConstraint("refund_id"),
    CheckConstraint("(kind = 'credit') = (refund_id IS NOT NULL)", name="credit_of_refund"),
    _one_of("kind", *INVOICE_KINDS),
    # The revision says where to each database; here, that would read the other one's dialect in, 3 MB.
    Index("uq_invoice_payment", "payment_id", unique=True, info={"where": "refund_id IS NULL"}),
    Index(None, "exported_s"),
)

invoice_mismatch = _table(  # what bookkeeping said of a document and cannot be: shown until somebody looked at it
    "invoice_mismatch",
    "accounting",
    _id(),
    _text("number", 32),  # as it was written there: there need not be such a document
    _text("reference", 128),
    _text("reason", 16, default=None),
    _text("source", 200),  # a file, api:<id> or staff:<id>
    _when("at_s"),
    _when("closed_s", nullable=True),
    _to("staff", nullable=True),  # who closed it, and what he found out
    _text("outcome", 500),
    UniqueConstraint("number", "reference", "reason"),
    _one_of("reason", *MISMATCHES),
    Index(None, "closed_s"),
)

document = _table(  # exchanged around a visit; the bytes are a file whose name says nothing
    "document",
    "document",
    _id(),
    _to("appointment", cascade=True),
    _to("participant", nullable=True, cascade=True),  # whose it is: of the citizen that sent it, or for whom it is
    _to("staff", nullable=True),  # who sent it
    _to("guide_step", nullable=True),  # that asked for it
    _text("direction", 4, default=None),  # from the citizen: in
    _text("name"),
    _text("mime", 64),  # by its content
    Column("size", BigInteger, nullable=False, default=0),
    Column("sha256", LargeBinary(32), nullable=True),
    _text("file", 64, default=None),
    _text("state", 10, default="uploading"),
    _text("reason", 24),  # a code: infected, unscannable
    _when("scanned_s", nullable=True),  # a scanner found nothing in it
    _when("created_s"),
    _when("changed_s"),
    _when("delete_s"),
    UniqueConstraint("file"),
    _one_of("direction", "in", "out"),
    _one_of("state", *DOCUMENT_STATES),
    Index(None, "appointment_id"),
    Index(None, "state", "delete_s"),
)

# -- other systems, and what happened -------------------------------------------------------------------

outbox = _table(  # CloudEvents, in order per subject
    "outbox",
    "hook",
    _id(),
    _text("event_id", 36, default=None),
    _text("type", 64, default=None),
    _text("subject", 64, default=None),  # appointment/<ref>
    _to("appointment", nullable=True),
    _when("time_s"),
    Column("data", JSON, nullable=False, default=dict),
    Column("place", _Id, nullable=True, unique=True),  # in the feed; given after the commit, so that none comes late
    UniqueConstraint("event_id"),
    Index(None, "subject", "id"),
)

counter = _table(  # numbers that go on when the rows that had them are gone; its row is locked while some are given
    "counter",
    "settings",
    Column("name", String(16), primary_key=True),
    Column("last", _Id, nullable=False),
)

hook_delivery = _table(  # an event on its way to one target
    "hook_delivery",
    "hook",
    _id(),
    _to("outbox", cascade=True),
    _text("target", 64, default=None),  # name in the configuration
    _text("subject", 64, default=None),
    _text("state", 8, default="pending"),
    Column("attempts", Integer, nullable=False, default=0),
    _when("due_s"),
    _text("claimed_by", 64),
    _when("claimed_s", nullable=True),
    _when("done_s", nullable=True),
    _text("error", 500),
    UniqueConstraint("outbox_id", "target"),
    _one_of("state", "pending", "sending", "done", "retry", "dead"),
    Index(None, "state", "due_s"),
    Index(None, "target", "subject", "id"),
)

draft = _table(  # what somebody typed in a booking that is not made yet
    "draft",
    "draft",
    Column("secret_hash", LargeBinary(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # balie.booking.drafts says with what
    _when("until_s"),
    Index(None, "until_s"),
)

idempotency = _table(  # answers of the API that may be asked for twice
    "idempotency",
    "session",
    Column("key_hash", LargeBinary(32), primary_key=True),
    Column("request_hash", LargeBinary(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    _when("created_s"),
)

audit = _table(  # appended, never changed; sealed by a chain of hashes
    "audit",
    "audit",
    _id(),
    _when("at_s"),
    _text("actor", 64, default=None),  # citizen, staff:<id>, api:<id>, system
    _text("action", 64, default=None),
    _text("object", 64, default=None),  # appointment/<ref>
    Column("detail", JSON, nullable=False, default=dict),
    Column("place", _Id, nullable=True, unique=True),  # in the chain
    Column("previous", LargeBinary(32), nullable=True),
    Column("hash", LargeBinary(32), nullable=True),
    Index(None, "object"),
)
