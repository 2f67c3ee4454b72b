"""When there is still room: the times at which an appointment may begin, and with whom.

Times lie on a grid of a quarter of an hour from the beginning of the hours.  Products of one appointment are done one
after the other: their durations add up, the longest of their buffers stand before and after, the longest notice and
the shortest horizon hold.  The appointment lies within the hours; its buffers need not.

Calendars are numbers here: a binary digit for each cell, the earliest in front, the last one for the cell before an
`end` that is kept beside.  What is free of a person for two months is so found with a few operations on 2 kB.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from itertools import compress
from operator import itemgetter, or_
from typing import Any

from balie.booking import claims, office
from balie.booking.catalogue import Colleague, Product, Service, staff_of, together
from balie.booking.errors import Unfit
from balie.booking.hours import Closure, Hours, day_of, moment, open_intervals
from balie.store.engine import Tx
from balie.store.schema import CELL_S

GRID_CELLS = 3
"""A quarter of an hour: people agree on 9.15, not on 9.05."""
DAYS_MAX = 400
_ONE = ord("1")
_AS_NUMBERS = bytes.maketrans(b"01", b"\0\1")
HOURS_MAX = 64  # kept: a few services, ways of talking and durations; of 50 people and 60 days each is 0.1 MB


@dataclass(frozen=True)
class Wish:
    """What somebody wants.  staff_id: with this person only; urgent: staff may book without notice."""

    product_ids: tuple[int, ...]
    modality: str = "video"
    staff_id: int | None = None
    urgent: bool = False


@dataclass(frozen=True)
class Slot:
    """A time at which it may begin, in Unix seconds, and who could do it."""

    start_s: int
    end_s: int
    staff_ids: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What a wish comes to."""

    products: tuple[Product, ...]
    service: Service
    modality: str
    staff_id: int | None
    urgent: bool

    @property
    def duration_s(self) -> int:
        return sum(each.duration_min for each in self.products) * 60

    @property
    def before_min(self) -> int:
        return max(each.buffer_before_min for each in self.products)

    @property
    def after_min(self) -> int:
        return max(each.buffer_after_min for each in self.products)

    @property
    def notice_s(self) -> int:
        return 0 if self.urgent else max(each.min_notice_min for each in self.products) * 60

    @property
    def horizon(self) -> timedelta:
        return timedelta(days=min(each.horizon_days for each in self.products))


def plan(tx: Tx, wish: Wish) -> Plan:
    """NotFound: a product.  Unfit: products that do not go together, or not in this way."""
    products, service = together(tx, wish.product_ids)
    if not all(wish.modality in each.modalities for each in products):
        raise Unfit("modality", "modality_not_offered", f"not every product can be done by {wish.modality}")
    return Plan(products, service, wish.modality, wish.staff_id, wish.urgent)


@dataclass(frozen=True)
class _Opening:
    """When people of a service are there, for some days or one.

    end  0 when nobody has hours
    who  of each of the people who have hours, in order of their ids: 1 where an appointment may begin with him
    """

    end: int
    who: list[int]


@dataclass(frozen=True)
class _Hours:
    """Hours of a service as they are now, by day of the week, and what they come to on days that were asked for.

    ids: of who has any, in order
    """

    weekly: dict[int, list[Hours]]
    ids: list[int]
    days: dict[tuple[date, office.Rows], _Opening] = field(default_factory=dict)

    def opening(self, wanted: Plan, shut: office.Rows, days: Iterable[date]) -> _Opening:
        """shut: closures that touch some of these days."""
        found = []
        for day in days:
            here = tuple(each for each in shut if each[1] < f"{day}T24" and each[2] > f"{day}")
            known = self.days.get((day, here))
            if known is None:
                known = self.days[day, here] = self._on(wanted, office.closures_of(here), day)
            if known.end:
                found.append(known)
        end = max((each.end for each in found), default=0)
        rows = range(len(self.ids))
        return _Opening(end, [reduce(or_, (each.who[at] << end - each.end for each in found), 0) for at in rows])

    def _on(self, wanted: Plan, shut: Sequence[Closure], day: date) -> _Opening:
        found = list(starts(wanted, self.weekly.get(day.weekday(), ()), shut, day))
        end = max((cells[-1] + 1 for _, cells in found if cells), default=0)
        who = dict.fromkeys(self.ids, 0)
        for those, cells in found:
            mask = _digits(cells, cells[0], end) if cells else 0
            for each in those:
                who[each] |= mask
        return _Opening(end, list(who.values()))


@dataclass(frozen=True)
class _Taken:
    """What is taken of a calendar from the cell `first` to the cell `end`: 1 where it is."""

    version: int
    first: int
    end: int
    digits: int

    def within(self, before: int, length: int, end: int) -> int:
        """1 where something is taken between so many cells before and so many from there on.  end: of the result."""
        return _spread(self.digits, before + length) >> before + self.end - end


def _digits(cells: Iterable[int], first: int, end: int) -> int:
    """1 for these cells."""
    found = bytearray(b"0") * (end - first)
    for cell in cells:
        found[cell - first] = _ONE
    return int(found, 2)


def _spread(digits: int, count: int) -> int:
    """Each 1 as so many of them, itself the last."""
    done = 1
    while done < count:
        more = min(done, count - done)
        digits |= digits << more
        done += more
    return digits


class Calendars:
    """Free times, with what is taken kept in memory: it is read anew for whoever staff.claims_version says.

    What is kept is never believed for a booking: that is for the keys of slot_claim.  It grows with the people and the
    days that were asked for: 60 days of somebody take 2 kB.  Not for a transaction that writes: if it is undone, what
    was read here was never so.
    """

    def __init__(self) -> None:
        self._taken: dict[int, _Taken] = {}
        self._hours: OrderedDict[Any, _Hours] = OrderedDict()

    def free(self, tx: Tx, wish: Wish, now_s: int, from_day: date, until_day: date) -> list[Slot]:
        """All free times on these days (both included; local), in order.  Raises as plan()."""
        wanted = plan(tx, wish)
        zone = wanted.service.zone
        today = day_of(now_s, zone)
        from_day = max(from_day, today)
        until_day = min(until_day, today + wanted.horizon, from_day + timedelta(days=DAYS_MAX))
        people = [each for each in staff_of(tx, wanted.service.id) if wish.staff_id in (None, each.id)]
        if until_day < from_day or not people:
            return []
        first = moment(today, 0, zone) - wanted.before_min * 60
        last = moment(until_day + timedelta(days=1), 0, zone) + wanted.after_min * 60
        full = claims.full_days(tx, wanted.products, from_day.isoformat(), until_day.isoformat())
        ids, opening = self._opening(tx, wanted, from_day, until_day)
        self._refresh(tx, people, first // CELL_S, last // CELL_S)
        # Nothing is read from here on: another transaction may have its turn at each reading, and refresh too.
        there = {each.id for each in people}
        rows = [(at, each) for at, each in enumerate(ids) if each in there]
        found = self._match(wanted, rows, opening, -(-(now_s + wanted.notice_s) // CELL_S))
        return [each for each in found if not full or day_of(each.start_s, zone).isoformat() not in full]

    def first(self, tx: Tx, wish: Wish, now_s: int, count: int = 3, *, from_s: int = 0) -> list[Slot]:
        """The first free times from a moment on."""
        wanted = plan(tx, wish)
        day = day_of(max(now_s, from_s), wanted.service.zone)
        last = day_of(now_s, wanted.service.zone) + wanted.horizon
        found: list[Slot] = []
        while day <= last and len(found) < count:
            until = min(day + timedelta(days=13), last)
            found += [each for each in self.free(tx, wish, now_s, day, until) if each.start_s >= from_s]
            day = until + timedelta(days=1)
        return found[:count]

    def _match(self, wanted: Plan, people: Sequence[tuple[int, int]], opening: _Opening, earliest: int) -> list[Slot]:
        """The times from a cell on that somebody has free, with who has.  people: row of the opening, and id."""
        before, end, duration_s = wanted.before_min * 60 // CELL_S, opening.end, wanted.duration_s
        length = (duration_s + wanted.after_min * 60) // CELL_S
        later = (1 << max(end - earliest, 0)) - 1
        free = [opening.who[at] & later & ~self._taken[each].within(before, length, end) for at, each in people]
        somebody = f"{reduce(or_, free, 0):b}"
        width = len(somebody)
        places = [at for at, digit in enumerate(somebody) if digit == "1"]
        if not places:
            return []
        # The first one twice: of a single place, itemgetter would give no tuple.
        pick = itemgetter(*places, places[0])
        rows = [pick(f"{each:0{width}b}".encode().translate(_AS_NUMBERS)) for each in free]
        ids, first = [each for _, each in people], end - width
        return [
            Slot((first + at) * CELL_S, (first + at) * CELL_S + duration_s, tuple(compress(ids, whose)))
            for at, whose in zip(places, zip(*rows, strict=True), strict=False)
        ]

    def _opening(self, tx: Tx, wanted: Plan, from_day: date, until_day: date) -> tuple[list[int], _Opening]:
        """Who has hours, and when."""
        mark = office.hours_mark(tx, wanted.service.id)
        shut = office.closure_rows(tx, wanted.service, from_day, until_day)
        key = (wanted.service, wanted.modality, wanted.duration_s, mark)
        found = self._hours.get(key)
        if found is None:
            found = self._hours[key] = _hours(tx, wanted)
            if len(self._hours) > HOURS_MAX:
                self._hours.popitem(last=False)
        self._hours.move_to_end(key)
        days = (from_day + timedelta(days=n) for n in range((until_day - from_day).days + 1))
        return found.ids, found.opening(wanted, shut, days)

    def _refresh(self, tx: Tx, people: Sequence[Colleague], first: int, last: int) -> None:
        """Read the calendars of those whose claims changed since, or of whom less is known."""
        stale = []
        for person in people:
            known = self._taken.get(person.id)
            if known is None or known.version != person.claims_version or not known.first <= first < last <= known.end:
                last = max(last, known.end) if known is not None else last
                stale.append(person)
        if not stale:
            return
        cells = claims.taken(tx, [each.id for each in stale], first, last)
        for person in stale:
            digits = _digits(cells.get(person.id, ()), first, last)
            self._taken[person.id] = _Taken(person.claims_version, first, last, digits)


def _hours(tx: Tx, wanted: Plan) -> _Hours:
    weekly: dict[int, list[Hours]] = {}
    for each in office.hours_of(office.hours_rows(tx, wanted.service.id)):
        if wanted.modality in each.modalities:
            weekly.setdefault(each.weekday, []).append(each)
    return _Hours(weekly, sorted({each.staff_id for those in weekly.values() for each in those}))


def starts(
    wanted: Plan, hours: Iterable[Hours], shut: Sequence[Closure], day: date
) -> Iterator[tuple[set[int], range]]:
    """For each stretch of hours on a day, who has it and at which cells the appointment may begin.

    hours: those for the wanted way of talking.  People who work alike are done together.
    """
    alike: dict[tuple[int, int, tuple[Closure, ...]], list[Hours]] = {}
    for each in hours:
        if each.holds_on(day):
            absent = tuple(one for one in shut if one.staff_id in (None, each.staff_id))
            alike.setdefault((each.from_min, each.until_min, absent), []).append(each)
    length, zone = wanted.duration_s // CELL_S, wanted.service.zone
    for (from_min, _, absent), those in alike.items():
        # The grid begins where the hours do: a closure of an hour does not shift it.
        grid = moment(day, from_min, zone) // CELL_S
        for _, open_ in open_intervals(those[:1], absent, zone, [day]):
            first = -(-open_.start_s // CELL_S)
            cells = range(first + (grid - first) % GRID_CELLS, open_.end_s // CELL_S - length + 1, GRID_CELLS)
            yield {each.staff_id for each in those}, cells
