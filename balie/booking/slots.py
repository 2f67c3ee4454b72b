"""When there is still room: the times at which an appointment may begin, and with whom.

Times lie on a grid of a quarter of an hour from the beginning of the hours.  Products of one appointment are done one
after the other: their durations add up, the longest of their buffers stand before and after, the longest notice and
the shortest horizon hold.  The appointment lies within the hours; its buffers need not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from balie.booking import claims, office
from balie.booking.catalogue import Colleague, Product, Service, products_of, service_of, staff_of
from balie.booking.errors import Unfit
from balie.booking.hours import Hours, day_of, moment, open_intervals
from balie.store.engine import Tx
from balie.store.schema import CELL_S, slot_claim

GRID_CELLS = 3
"""A quarter of an hour: people agree on 9.15, not on 9.05."""
DAYS_MAX = 400
OPENINGS_MAX = 64  # cached: a few services, modalities and durations; 50 people for 60 days take 0.1 MB


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
    products = products_of(tx, wish.product_ids)
    if not all(wish.modality in each.modalities for each in products):
        raise Unfit("modality", "modality_not_offered", f"not every product can be done by {wish.modality}")
    return Plan(products, service_of(tx, products[0].service_id), wish.modality, wish.staff_id, wish.urgent)


@dataclass(frozen=True)
class _Opening:
    """For each person the cells, counted from the window's first, at which an appointment may begin."""

    starts: dict[int, NDArray[np.int64]]


class Calendars:
    """Free times, with what is taken kept in memory: it is read anew for whoever staff.claims_version says.

    What is kept is never believed for a booking: that is for the keys of slot_claim.
    """

    def __init__(self) -> None:
        self._taken: dict[int, tuple[int, int, NDArray[np.int64]]] = {}
        self._openings: OrderedDict[Any, _Opening] = OrderedDict()

    def free(self, tx: Tx, wish: Wish, now_s: int, from_day: date, until_day: date) -> list[Slot]:
        """All free times on these days (both included; local), in order.  Raises as plan()."""
        wanted = plan(tx, wish)
        today = day_of(now_s, wanted.service.zone)
        from_day = max(from_day, today)
        until_day = min(until_day, today + wanted.horizon, from_day + timedelta(days=DAYS_MAX))
        people = [each for each in staff_of(tx, wanted.service.id) if wish.staff_id in (None, each.id)]
        if until_day < from_day or not people:
            return []
        base = moment(from_day, 0, wanted.service.zone) // CELL_S
        end = moment(until_day + timedelta(days=1), 0, wanted.service.zone) // CELL_S
        opening = self._opening(tx, wanted, from_day, until_day, base)
        self._refresh(tx, people, today, wanted.service.zone)
        earliest = -(-(now_s + wanted.notice_s) // CELL_S)
        starts, who = self._match(wanted, people, opening, base, end, earliest)
        full = claims.full_days(tx, wanted.products, from_day.isoformat(), until_day.isoformat())
        found = []
        for start, ids in zip(starts, who, strict=True):
            start_s = start * CELL_S
            if not full or day_of(start_s, wanted.service.zone).isoformat() not in full:
                found.append(Slot(start_s, start_s + wanted.duration_s, ids))
        return found

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

    def _match(
        self, wanted: Plan, people: Sequence[Colleague], opening: _Opening, base: int, end: int, earliest: int
    ) -> tuple[list[int], list[tuple[int, ...]]]:
        """Absolute start cells in order, and for each who is free."""
        before, after = wanted.before_min * 60 // CELL_S, wanted.after_min * 60 // CELL_S
        length = wanted.duration_s // CELL_S
        free: list[NDArray[np.int64]] = []
        ids: list[NDArray[np.int64]] = []
        nothing = np.zeros(0, np.int64)
        for person in people:
            starts = opening.starts.get(person.id, nothing)
            starts = starts[starts + base >= earliest]
            taken = self._taken[person.id][2]
            # What is taken from the first cell of the buffer before to the last of the one after: none, or not free.
            low = np.searchsorted(taken, starts + base - before)
            high = np.searchsorted(taken, starts + base + length + after)
            left = starts[low == high]
            free.append(left)
            ids.append(np.full(len(left), person.id, np.int64))
        all_starts, all_ids = np.concatenate(free), np.concatenate(ids)
        order = np.lexsort((all_ids, all_starts))
        all_starts, all_ids = all_starts[order], all_ids[order]
        unique, first = np.unique(all_starts, return_index=True)
        bounds = [*first.tolist(), len(all_ids)]
        listed = all_ids.tolist()
        return (unique + base).tolist(), [tuple(listed[a:b]) for a, b in pairwise(bounds)]

    def _opening(self, tx: Tx, wanted: Plan, from_day: date, until_day: date, base: int) -> _Opening:
        hours = office.hours_rows(tx, wanted.service.id)
        shut = office.closure_rows(tx, wanted.service, from_day, until_day)
        key = (wanted.service.id, wanted.modality, wanted.duration_s, from_day, until_day, hours, shut)
        found = self._openings.get(key)
        if found is None:
            found = self._openings[key] = _open(wanted, hours, shut, from_day, until_day, base)
            if len(self._openings) > OPENINGS_MAX:
                self._openings.popitem(last=False)
        self._openings.move_to_end(key)
        return found

    def _refresh(self, tx: Tx, people: Sequence[Colleague], today: date, zone: str) -> None:
        """Read the calendars of those whose claims changed since."""
        since = moment(today, 0, zone) // CELL_S
        stale = []
        for person in people:
            known = self._taken.get(person.id)
            if known is None or known[0] != person.claims_version or known[1] > since:
                stale.append(person)
        if not stale:
            return
        query = select(slot_claim.c.staff_id, slot_claim.c.cell)
        query = query.where(slot_claim.c.staff_id.in_([each.id for each in stale]), slot_claim.c.cell >= since)
        cells: dict[int, list[int]] = {each.id: [] for each in stale}
        for staff_id, cell in tx.execute(query.order_by(slot_claim.c.staff_id, slot_claim.c.cell)):
            cells[staff_id].append(cell)
        for person in stale:
            self._taken[person.id] = (person.claims_version, since, np.array(cells[person.id], np.int64))


def _open(wanted: Plan, hours: office.Rows, shut: office.Rows, from_day: date, until_day: date, base: int) -> _Opening:
    days = [from_day + timedelta(days=n) for n in range((until_day - from_day).days + 1)]
    mine = [each for each in office.hours_of(hours) if wanted.modality in each.modalities]
    length = wanted.duration_s // CELL_S
    starts: dict[int, set[int]] = {}
    for each, interval in open_intervals(mine, office.closures_of(shut), wanted.service.zone, days):
        opens = moment_of_opening(each, interval.start_s, wanted.service.zone) // CELL_S
        first, last = -(-interval.start_s // CELL_S), interval.end_s // CELL_S - length
        first += (opens - first) % GRID_CELLS
        starts.setdefault(each.staff_id, set()).update(range(first - base, last - base + 1, GRID_CELLS))
    return _Opening({staff_id: np.array(sorted(found), np.int64) for staff_id, found in starts.items()})


def moment_of_opening(hours: Hours, within_s: int, zone: str) -> int:
    """When the hours of that day begin, where the grid begins too: a closure of an hour does not shift it."""
    return moment(day_of(within_s, zone), hours.from_min, zone)


def fits(tx: Tx, wanted: Plan, people: Sequence[Colleague], start_s: int) -> list[Colleague]:
    """Who works at this time, whatever is taken: read from the tables, for a booking."""
    day = day_of(start_s, wanted.service.zone)
    hours = office.hours_rows(tx, wanted.service.id)
    shut = office.closure_rows(tx, wanted.service, day, day)
    opening = _open(wanted, hours, shut, day, day, 0)
    start = start_s // CELL_S
    return [each for each in people if start_s % CELL_S == 0 and start in opening.starts.get(each.id, ())]
