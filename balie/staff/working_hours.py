"""When somebody works: hours that come back every week, absences, and closures of a service.

Nothing here moves or cancels an appointment.  What falls outside the hours after a change is listed by conflicts(), and
a person decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from balie.booking import catalogue, office, reading
from balie.booking import hours as opening
from balie.booking.people import STANDING
from balie.booking.reading import Appointment
from balie.booking.slots import DAYS_MAX
from balie.i18n import local
from balie.record import audit
from balie.staff.accounts import Member
from balie.store.engine import Tx
from balie.store.schema import availability, closure

MODALITIES = ("video", "phone", "desk")
EVERY_MAX = 8  # weeks; the schema's own bound
REASON_MAX = 200
DAY_S = 86_400
WINDOW_S = 28 * DAY_S  # of appointments at a time: one person has fewer than a list holds


class HoursError(Exception):
    """code: times_order, times_cells, days_order, weeks, modality, service, overlap, past, never or unknown."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Hours:
    """Every week, or every nth, on one day.  Minutes of the local day; days as 2026-12-08, both included.

    id         None while it is not kept
    until_day  "" for good
    """

    service_id: int
    weekday: int
    from_min: int
    until_min: int
    from_day: str
    until_day: str = ""
    every_weeks: int = 1
    modalities: tuple[str, ...] = MODALITIES
    id: int | None = None


@dataclass(frozen=True)
class Closure:
    """Local times as 2026-12-24T12:00, the end excluded.  staff_id: whose absence; None: a service, or the office."""

    from_local: str
    until_local: str
    reason: str = ""
    service_id: int | None = None
    staff_id: int | None = None
    id: int | None = None


def hours_of(tx: Tx, staff_id: int, today: date) -> list[Hours]:
    """Those that hold now or later, as a week runs."""
    lasting = or_(availability.c.until_day.is_(None), availability.c.until_day >= today.isoformat())
    rows = select(availability).where(availability.c.staff_id == staff_id, lasting)
    in_order = rows.order_by(availability.c.weekday, availability.c.from_min, availability.c.id)
    return [_hours(row) for row in tx.execute(in_order)]


def put(tx: Tx, now_s: int, member: Member, wanted: Hours) -> int:
    """Add hours of one's own, or (with an id) change them.  Returns the id.  HoursError."""
    _check(tx, local(now_s, member.zone).date(), member, wanted)
    values = {
        "service_id": wanted.service_id,
        "weekday": wanted.weekday,
        "from_min": wanted.from_min,
        "until_min": wanted.until_min,
        "every_weeks": wanted.every_weeks,
        "from_day": wanted.from_day,
        "until_day": wanted.until_day or None,
        "modalities": [each for each in MODALITIES if each in wanted.modalities],
    }
    if wanted.id is None:
        key = tx.execute(insert(availability).values(staff_id=member.id, **values)).inserted_primary_key
        assert key is not None
        hours_id = int(key[0])
    else:
        his = (availability.c.id == wanted.id) & (availability.c.staff_id == member.id)
        if not tx.execute(update(availability).where(his).values(**values)).rowcount:
            raise HoursError("unknown")
        hours_id = wanted.id
    _note(tx, now_s, member, "hours.changed" if wanted.id else "hours.added", **values)
    return hours_id


def end(tx: Tx, now_s: int, member: Member, hours_id: int, last: date) -> None:
    """Hours of one's own hold up to and with a day, and not again; those that never held are gone.  HoursError."""
    his = (availability.c.id == hours_id) & (availability.c.staff_id == member.id)
    row = tx.execute(select(availability.c.from_day).where(his)).first()
    if row is None:
        raise HoursError("unknown")
    if last.isoformat() < row.from_day:
        tx.execute(delete(availability).where(his))
    else:
        tx.execute(update(availability).where(his).values(until_day=last.isoformat()))
    _note(tx, now_s, member, "hours.ended", hours=hours_id, last=last.isoformat())


def closures(tx: Tx, member: Member, now_s: int) -> list[Closure]:
    """One's own absences, and closures of one's services or the whole office, that are not over."""
    now_local = local(now_s, member.zone).isoformat(timespec="minutes")[:16]
    concerning = or_(
        closure.c.staff_id == member.id,
        closure.c.staff_id.is_(None) & or_(closure.c.service_id.is_(None), closure.c.service_id.in_(member.services)),
    )
    here = (closure.c.organisation_id == member.organisation_id) & (closure.c.until_local > now_local) & concerning
    rows = select(closure).where(here).order_by(closure.c.from_local, closure.c.id)
    return [
        Closure(row.from_local, row.until_local, row.reason, row.service_id, row.staff_id, row.id)
        for row in tx.execute(rows)
    ]


def close(tx: Tx, now_s: int, member: Member, wanted: Closure) -> int:
    """Be absent (staff_id is one's own), or close a service or the office: for a lead and an admin.  HoursError."""
    _check_times(wanted.from_local, wanted.until_local)
    _check_whose(member, wanted)
    if wanted.until_local <= local(now_s, member.zone).isoformat(timespec="minutes")[:16]:
        raise HoursError("past")
    values = {
        "service_id": wanted.service_id,
        "staff_id": wanted.staff_id,
        "from_local": wanted.from_local,
        "until_local": wanted.until_local,
    }
    row = {"organisation_id": member.organisation_id, "reason": wanted.reason[:REASON_MAX], **values}
    key = tx.execute(insert(closure).values(**row)).inserted_primary_key
    assert key is not None
    _note(tx, now_s, member, "closure.added", **values)
    return int(key[0])


def reopen(tx: Tx, now_s: int, member: Member, closure_id: int) -> None:
    """Take an absence or a closure back.  HoursError."""
    here = (closure.c.id == closure_id) & (closure.c.organisation_id == member.organisation_id)
    row = tx.execute(select(closure).where(here)).first()
    if row is None:
        raise HoursError("unknown")
    found = Closure(row.from_local, row.until_local, row.reason, row.service_id, row.staff_id, row.id)
    _check_whose(member, found)
    tx.execute(delete(closure).where(closure.c.id == closure_id))
    _note(tx, now_s, member, "closure.removed", closure=closure_id)


def conflicts(tx: Tx, member: Member, now_s: int) -> list[Appointment]:
    """Appointments to come that no longer fit: one's own outside one's hours or in an absence or a closure; and for a
    lead those of colleagues in a closure of his services or the office."""
    found = {each.id: each for each in _outside(tx, member, now_s)}
    if member.may("lead"):
        for shut in closures(tx, member, now_s):
            if shut.staff_id is None:
                found |= {each.id: each for each in _during(tx, member, shut, now_s)}
    return sorted(found.values(), key=lambda each: each.start_s)


def _outside(tx: Tx, member: Member, now_s: int) -> Iterator[Appointment]:
    """One's own that one's hours do not hold."""
    for from_s in range(now_s + 1, now_s + DAYS_MAX * DAY_S, WINDOW_S):
        by_service: dict[int, list[Appointment]] = defaultdict(list)
        for each in reading.between(tx, from_s, from_s + WINDOW_S, staff_id=member.id, statuses=STANDING):
            by_service[each.service_id].append(each)
        for service_id, appointments in by_service.items():
            service = catalogue.service_of(tx, service_id)
            hours = [each for each in office.hours_of(office.hours_rows(tx, service_id)) if each.staff_id == member.id]
            first, last = (opening.day_of(each.start_s, service.zone) for each in (appointments[0], appointments[-1]))
            shut = office.closures_of(office.closure_rows(tx, service, first, last))
            yield from (each for each in appointments if not _fits(each, hours, shut, service.zone))


def _fits(each: Appointment, hours: Iterable[opening.Hours], shut: Iterable[opening.Closure], zone: str) -> bool:
    """Whether somebody works from its start to its end, perhaps in hours that follow each other."""
    these = [one for one in hours if each.modality in one.modalities]
    day = opening.day_of(each.start_s, zone)
    intervals = [interval for _hours, interval in opening.open_intervals(these, shut, zone, [day])]
    at_s = each.start_s
    for interval in sorted(intervals, key=lambda interval: interval.start_s):
        if interval.start_s <= at_s:
            at_s = max(at_s, interval.end_s)
    return at_s >= each.end_s


def _during(tx: Tx, member: Member, shut: Closure, now_s: int) -> list[Appointment]:
    """Of one's services, whoever does them."""
    from_s, until_s = (_moment(each, member.zone) for each in (shut.from_local, shut.until_local))
    of = member.services if shut.service_id is None else [shut.service_id]
    near = reading.between(tx, max(from_s - DAY_S, now_s), until_s, service_ids=of, statuses=STANDING)
    return [each for each in near if each.end_s > from_s]


def _moment(wall: str, zone: str) -> int:
    at = datetime.fromisoformat(wall)
    return opening.moment(at.date(), at.hour * 60 + at.minute, zone)


# -- checks ---------------------------------------------------------------------------------------------


def _check(tx: Tx, today: date, member: Member, wanted: Hours) -> None:
    if wanted.service_id not in member.services:
        raise HoursError("service")
    if not 0 <= wanted.from_min < wanted.until_min <= 24 * 60 or not 0 <= wanted.weekday <= 6:
        raise HoursError("times_order")
    if wanted.from_min % 5 or wanted.until_min % 5:
        raise HoursError("times_cells")
    if wanted.until_day and wanted.until_day < wanted.from_day:
        raise HoursError("days_order")
    if not 1 <= wanted.every_weeks <= EVERY_MAX:
        raise HoursError("weeks")
    if not set(wanted.modalities) & set(MODALITIES):
        raise HoursError("modality")
    _check_days(today, wanted)
    kept = select(availability).where(availability.c.staff_id == member.id, availability.c.weekday == wanted.weekday)
    if any(_overlap(wanted, _hours(row)) for row in tx.execute(kept) if row.id != wanted.id):
        raise HoursError("overlap")


def _check_days(today: date, wanted: Hours) -> None:
    """Hours of which no day is left would be kept and never hold."""
    if not wanted.until_day:
        return
    if wanted.until_day < today.isoformat():
        raise HoursError("past")
    from_day, until_day = date.fromisoformat(wanted.from_day), date.fromisoformat(wanted.until_day)
    each = from_day + timedelta(days=(wanted.weekday - from_day.weekday()) % 7)
    if each.isocalendar()[:2] != from_day.isocalendar()[:2]:
        # Its week is the next one, and weeks are counted from that of from_day.
        each += timedelta(weeks=wanted.every_weeks - 1)
    while each < today:
        each += timedelta(weeks=wanted.every_weeks)
    if each > until_day:
        raise HoursError("never")


def _overlap(one: Hours, other: Hours) -> bool:
    """The same service twice at one time.  Hours of alternating weeks may look alike."""
    if one.service_id != other.service_id or one.from_min >= other.until_min or other.from_min >= one.until_min:
        return False
    if one.from_day > (other.until_day or "9999") or other.from_day > (one.until_day or "9999"):
        return False
    apart = _week(one.from_day) - _week(other.from_day)
    return one.every_weeks != other.every_weeks or apart % one.every_weeks == 0


def _week(day: str) -> int:
    """Counted from the year 1, which began on a Monday."""
    return (date.fromisoformat(day).toordinal() - 1) // 7


def _check_times(from_local: str, until_local: str) -> None:
    for each in (from_local, until_local):
        try:
            at = datetime.fromisoformat(each)
        except ValueError:
            raise HoursError("days_order") from None
        if at.tzinfo is not None or at.isoformat(timespec="minutes") != each:
            raise HoursError("days_order")
    if from_local >= until_local:
        raise HoursError("days_order")


def _check_whose(member: Member, wanted: Closure) -> None:
    """An absence is one's own; a service is closed by a lead of it, the office by an admin."""
    if wanted.staff_id is not None:
        allowed = wanted.staff_id == member.id
    elif wanted.service_id is not None:
        allowed = member.may("lead") and wanted.service_id in member.services
    else:
        allowed = member.may("admin")
    if not allowed:
        raise HoursError("unknown")


def _note(tx: Tx, now_s: int, member: Member, action: str, **detail: object) -> None:
    audit.note(tx, now_s, member.actor, action, f"staff/{member.id}", **detail)


def _hours(row: Row[Any]) -> Hours:
    return Hours(
        row.service_id,
        row.weekday,
        row.from_min,
        row.until_min,
        row.from_day,
        row.until_day or "",
        row.every_weeks,
        tuple(row.modalities),
        row.id,
    )
