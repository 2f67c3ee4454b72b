"""Free times against a slow and simple judge that tries every five minutes: none outside hours, doubled or lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, update

from balie.booking import assignment, changes, slots
from balie.booking.claims import cells_of
from balie.booking.errors import SlotTaken
from balie.booking.hours import is_holiday
from balie.booking.slots import Calendars, Wish
from balie.store.engine import Store, Tx
from balie.store.schema import CELL_S, appointment, availability, closure, product, slot_claim, staff, staff_service
from tests.support import databases, office
from tests.support.booking import KEY, booked, entropy
from tests.support.office import MONDAY_S, ZONE, Office

PLACE = ZoneInfo(ZONE)
WEEKS = [date(2027, 3, 24), date(2027, 10, 27), date(2028, 2, 26), date(2026, 12, 21), date(2026, 12, 29)]
"""With a clock change, a leap day, holidays, a new year."""
DAYS = 7
TWICE = date(2027, 10, 31)  # an hour comes twice: each of its times may count for its hours or not


@dataclass(frozen=True)
class Week:
    """What hours somebody works: minutes and days from the first of the week; "b" Bart, "e" Els."""

    who: str
    weekday: int
    from_min: int
    until_min: int
    every_weeks: int
    modalities: tuple[str, ...]
    from_day: int
    until_day: int | None


@dataclass(frozen=True)
class Span:
    """Something from a number of minutes after the first midnight; "o" everybody, "s" the service, or a person."""

    who: str
    begins_min: int
    length_min: int


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    begins = draw(st.integers(0, 287)) * 5
    ends = min(1440, begins + draw(st.integers(1, 150)) * 5)
    ways = st.sampled_from([("video", "phone", "desk"), ("video",), ("desk",)])
    until = st.one_of(st.none(), st.integers(0, 9))
    every = st.sampled_from([1, 1, 2, 3])
    day = draw(st.integers(0, 6))
    return Week(draw(st.sampled_from("be")), day, begins, ends, draw(every), draw(ways), draw(SINCE), draw(until))


SINCE = st.integers(-21, 3)
fives = st.integers(-100, 2400).map(lambda n: n * 5)
lengths = st.integers(1, 400).map(lambda n: n * 5)
closures = st.builds(Span, st.sampled_from("osbe"), fives, lengths)
claims = st.builds(Span, st.sampled_from("be"), fives, st.integers(1, 30).map(lambda n: n * 5))


@dataclass(frozen=True)
class Case:
    """A week in the life of an office, and a wish."""

    first: date
    weeks: list[Week]
    closures: list[Span]
    claims: list[Span]
    before_min: int
    after_min: int
    notice_min: int
    horizon_days: int
    together: bool
    now_min: int
    with_bart: bool

    @cached_property
    def midnight(self) -> datetime:
        return datetime.combine(self.first, datetime.min.time())

    @cached_property
    def now_s(self) -> int:
        return int(self.midnight.replace(tzinfo=PLACE).timestamp()) + self.now_min * 60


cases = st.builds(
    Case,
    st.sampled_from(WEEKS),
    st.lists(weeks(), min_size=5, max_size=14),
    st.lists(closures, max_size=3),
    st.lists(claims, min_size=10, max_size=40),
    st.sampled_from([0, 5, 15]),
    st.sampled_from([0, 5, 10]),
    st.sampled_from([0, 60, 1440]),
    st.sampled_from([2, 5, 7]),
    st.booleans(),
    st.integers(0, 287).map(lambda n: n * 5),
    st.booleans(),
)


@cache
def wall(at_s: int) -> datetime:
    """A clock there.  It is looked at a million times, for the few thousand moments of five weeks."""
    return datetime.fromtimestamp(at_s, PLACE).replace(tzinfo=None, fold=0)


class Judge:
    """Which times are free, by trying all of them."""

    def __init__(self, case: Case, made: Office) -> None:
        self.case = case
        self.people = {"b": made.bart, "e": made.els}
        self.base = int(case.midnight.replace(tzinfo=PLACE).timestamp()) // CELL_S
        self.taken: dict[str, set[int]] = {"b": set(), "e": set()}
        self.claims = []
        for claim in case.claims:
            cells = set(
                range(self.base + claim.begins_min // 5, self.base + (claim.begins_min + claim.length_min) // 5)
            )
            if not cells & self.taken[claim.who]:
                self.taken[claim.who] |= cells
                self.claims.append((claim.who, cells))
        self.duration_min = 75 if case.together else 30

    def free(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        last = min(self.case.first + timedelta(days=DAYS), wall(self.case.now_s).date() + self._horizon())
        for cell in range(self.base, self.base + (DAYS + 2) * 288):
            day = wall(cell * CELL_S).date()
            if cell * CELL_S < self.case.now_s + self.case.notice_min * 60 or day > last or is_holiday(day):
                continue
            for who in "b" if self.case.with_bart else "be":
                if self._is_free(who, cell) and any(
                    self._holds(each, cell) for each in self.case.weeks if each.who == who
                ):
                    found.setdefault(cell * CELL_S, set()).add(self.people[who])
        return found

    def _horizon(self) -> timedelta:
        return timedelta(days=self.case.horizon_days)

    def _is_free(self, who: str, cell: int) -> bool:
        since, until = cell - self.case.before_min // 5, cell + (self.duration_min + self.case.after_min) // 5
        return not self.taken[who] & set(range(since, until))

    def _holds(self, each: Week, cell: int) -> bool:
        at = wall(cell * CELL_S)
        since = self.case.first + timedelta(days=each.from_day)
        until = None if each.until_day is None else self.case.first + timedelta(days=each.until_day)
        if "video" not in each.modalities or at.weekday() != each.weekday or at.date() < since:
            return False
        if until is not None and at.date() > until:
            return False
        monday = [day - timedelta(days=day.weekday()) for day in (at.date(), since)]
        if (monday[0] - monday[1]).days // 7 % each.every_weeks:
            return False
        if (at.hour * 60 + at.minute - each.from_min) % 15:
            return False
        return all(self._is_open(each, at.date(), wall(step * CELL_S)) for step in self._steps(cell))

    def _steps(self, cell: int) -> range:
        return range(cell, cell + self.duration_min // 5)

    def _is_open(self, each: Week, day: date, at: datetime) -> bool:
        if at.date() != day or not each.from_min <= at.hour * 60 + at.minute < each.until_min:
            return False
        return not any(
            begins <= at < begins + timedelta(minutes=shut.length_min)
            for shut in self.case.closures
            if shut.who in ("o", "s", each.who)
            for begins in [self.case.midnight + timedelta(minutes=shut.begins_min)]
        )


@pytest.fixture(scope="module")
def engine() -> Engine:
    made = databases.in_memory()
    with made.begin() as tx:
        office.found(tx)
    return made


def arrange(tx: Tx, case: Case, made: Office, judge: Judge) -> None:
    tx.execute(delete(availability))
    for each in case.weeks:
        until = None if each.until_day is None else (case.first + timedelta(days=each.until_day)).isoformat()
        row = {
            "staff_id": judge.people[each.who],
            "service_id": made.service,
            "weekday": each.weekday,
            "from_min": each.from_min,
            "until_min": each.until_min,
            "every_weeks": each.every_weeks,
            "from_day": (case.first + timedelta(days=each.from_day)).isoformat(),
            "until_day": until,
            "modalities": list(each.modalities),
        }
        tx.execute(insert(availability), row)
    for shut in case.closures:
        begins = case.midnight + timedelta(minutes=shut.begins_min)
        row = {
            "organisation_id": made.organisation,
            "service_id": made.service if shut.who == "s" else None,
            "staff_id": judge.people.get(shut.who),
            "from_local": begins.isoformat(timespec="minutes"),
            "until_local": (begins + timedelta(minutes=shut.length_min)).isoformat(timespec="minutes"),
        }
        tx.execute(insert(closure), row)
    for number, (who, cells) in enumerate(judge.claims, 1):
        row = {"id": number, "uid": f"u{number}", "ref": f"R{number}", "room": "r", "service_id": made.service}
        times = {"start_s": min(cells) * CELL_S, "end_s": (max(cells) + 1) * CELL_S, "created_s": 0, "changed_s": 0}
        tx.execute(insert(appointment), {**row, **times, "staff_id": judge.people[who], "status": "booked"})
        keys = {"staff_id": judge.people[who], "appointment_id": number}
        tx.execute(insert(slot_claim), [{**keys, "cell": cell} for cell in cells])
    tx.execute(
        update(product).values(
            buffer_before_min=case.before_min,
            buffer_after_min=case.after_min,
            min_notice_min=case.notice_min,
            horizon_days=case.horizon_days,
            daily_max=None,
        )
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases)
def test_free_times_are_those_that_the_judge_finds(engine: Engine, case: Case) -> None:
    made = Office(organisation=1, service=1, bart=1, els=2, badminton=1, permit=2)
    judge = Judge(case, made)
    wish = Wish((made.badminton, made.permit) if case.together else (made.badminton,), "video")
    wish = Wish(wish.product_ids, "video", made.bart if case.with_bart else None)
    with engine.connect() as tx:
        arrange(tx, case, made, judge)
        offered = Calendars().free(tx, wish, case.now_s, case.first, case.first + timedelta(days=DAYS))
        wanted = slots.plan(tx, wish)
        for each in offered[:3]:
            cells = cells_of(each.start_s, each.end_s, case.before_min, case.after_min)
            assert set(assignment.free(tx, wanted, each.start_s, cells)) == set(each.staff_ids)
            assert assignment.working(tx, wanted, each.start_s) >= set(each.staff_ids)
        tx.rollback()
    starts = [each.start_s for each in offered]
    assert starts == sorted(set(starts))
    assert all(each.end_s - each.start_s == judge.duration_min * 60 for each in offered)
    assert all(list(each.staff_ids) == sorted(set(each.staff_ids)) for each in offered)
    found, right = {each.start_s: set(each.staff_ids) for each in offered}, judge.free()
    for at_s in found.keys() | right.keys():
        at = wall(at_s)
        if at.date() != TWICE or not 0 <= at.hour <= 3:
            assert found.get(at_s) == right.get(at_s), at


@pytest.mark.parametrize(
    ("before_min", "after_min", "missing"),
    [
        (0, 0, {"09:45", "10:00", "10:15"}),
        (15, 0, {"09:45", "10:00", "10:15", "10:30"}),
        (0, 10, {"09:30", "09:45", "10:00", "10:15"}),
        (20, 20, {"09:15", "09:30", "09:45", "10:00", "10:15", "10:30", "10:45"}),
    ],
)
async def test_buffers_keep_distance(sqlite_store: Store, before_min: int, after_min: int, missing: set[str]) -> None:
    """Somebody is taken from 10.00 to 10.30."""
    made = await sqlite_store.write(office.found)
    await sqlite_store.write(lambda tx: tx.execute(update(product).values(buffer_before_min=0, buffer_after_min=0)))
    wish, day = Wish((made.badminton,), staff_id=made.bart), date(2026, 12, 8)
    await booked(sqlite_store, made, wish=wish)
    buffers = {"buffer_before_min": before_min, "buffer_after_min": after_min}
    await sqlite_store.write(lambda tx: tx.execute(update(product).values(**buffers)))
    offered = await sqlite_store.read(Calendars().free, wish, MONDAY_S, day, day)
    morning = {f"{hour:02}:{minute:02}" for hour in (9, 10, 11) for minute in (0, 15, 30, 45)} - {"11:45"}
    assert morning - {wall(each.start_s).strftime("%H:%M") for each in offered} == missing


@pytest.mark.parametrize(("late_s", "first"), [(0, "10:00"), (1, "10:15"), (-1, "10:00"), (-900, "09:45")])
async def test_notice_counts_to_the_second(sqlite_store: Store, late_s: int, first: str) -> None:
    """Badminton wants two hours: who looks at 8.00 may come at 10.00."""
    wish, day = Wish(((await sqlite_store.write(office.found)).badminton,)), date(2026, 12, 8)
    now_s = office.unix_s("2026-12-08T08:00") + late_s
    offered = await sqlite_store.read(Calendars().free, wish, now_s, day, day)
    assert wall(offered[0].start_s).strftime("%H:%M") == first
    assert len(await sqlite_store.read(Calendars().free, wish, offered[-1].start_s - 7200, day, day)) == 1


async def test_what_is_kept_follows_every_claim(store: Store) -> None:
    """One Calendars through bookings, a move and a cancellation says what a fresh one says."""
    made = await store.write(office.found)
    kept, wish, day = Calendars(), Wish((made.badminton,)), date(2026, 12, 8)

    async def same() -> int:
        old = await store.read(kept.free, wish, MONDAY_S, day, day + timedelta(days=20))
        new = await store.read(Calendars().free, wish, MONDAY_S, day, day + timedelta(days=20))
        assert old == new
        return sum(len(each.staff_ids) for each in old)

    empty = await same()
    first = await booked(store, made, seed=1)
    one = await same()
    second = await booked(store, made, seed=2)
    assert empty > one > await same()
    later = office.unix_s("2026-12-09T11:00")
    moved = await store.write(changes.move, MONDAY_S, entropy(3).randbytes, KEY, first.appointment_id, later, "citizen")
    await same()
    for seed, gone in enumerate((second, moved), 4):
        await store.write(
            changes.cancel, MONDAY_S, entropy(seed).randbytes, gone.appointment_id, "citizen", by="citizen"
        )
    assert await same() == empty


async def test_a_wider_window_and_another_product_are_read_too(store: Store) -> None:
    made = await store.write(office.found)
    kept, day = Calendars(), date(2026, 12, 8)
    await asyncio.gather(*(booked(store, made, office.unix_s("2027-01-12T10:00"), seed=seed) for seed in range(2)))
    for products, days in (((made.badminton,), 1), ((made.permit,), 40), ((made.badminton, made.permit), 60)):
        wish = Wish(products)
        old = await store.read(kept.free, wish, MONDAY_S, day, day + timedelta(days=days))
        assert old and old == await store.read(Calendars().free, wish, MONDAY_S, day, day + timedelta(days=days))


async def test_a_change_of_hours_is_seen_at_once(store: Store) -> None:
    made = await store.write(office.found)
    kept, wish, day = Calendars(), Wish((made.badminton,)), date(2026, 12, 8)
    before = await store.read(kept.free, wish, MONDAY_S, day, day)

    def shorter(tx: Tx) -> None:
        tx.execute(update(availability).where(availability.c.from_min > 720).values(until_min=15 * 60))

    await store.write(shorter)
    after = await store.read(kept.free, wish, MONDAY_S, day, day)
    assert 0 < len(after) < len(before)
    assert after == await store.read(Calendars().free, wish, MONDAY_S, day, day)


async def test_an_absence_on_one_of_the_days_is_seen_at_once(store: Store) -> None:
    """The other days are as they were: each is remembered by itself, in any window."""
    made = await store.write(office.found)
    kept, wish, day = Calendars(), Wish((made.badminton,)), date(2026, 12, 8)

    async def offered(until: date) -> set[tuple[datetime, int]]:
        found = await store.read(kept.free, wish, MONDAY_S, day, until)
        assert found == await store.read(Calendars().free, wish, MONDAY_S, day, until)
        return {(wall(each.start_s), who) for each in found for who in each.staff_ids}

    before = await offered(day + timedelta(days=7))
    times = {"from_local": "2026-12-09T10:00", "until_local": "2026-12-09T11:00"}
    absence = insert(closure).values(organisation_id=made.organisation, staff_id=made.bart, **times)
    await store.write(lambda tx: tx.execute(absence))
    gone = before - await offered(day + timedelta(days=7))
    assert gone and {(at.date(), who) for at, who in gone} == {(date(2026, 12, 9), made.bart)}
    assert not gone & await offered(day + timedelta(days=2))


async def test_who_left_or_does_other_things_gets_no_appointment(store: Store) -> None:
    made = await store.write(office.found)
    at_s = office.unix_s("2026-12-08T10:00")

    def able(tx: Tx) -> set[int]:
        wanted = slots.plan(tx, Wish((made.badminton,)))
        found = assignment.working(tx, wanted, at_s)
        assert set(assignment.free(tx, wanted, at_s, cells_of(at_s, at_s + wanted.duration_s))) == found
        return found

    everybody = await store.read(able)
    assert made.bart in everybody
    left = update(staff).where(staff.c.id == made.bart).values(active=False)
    await store.write(lambda tx: tx.execute(left))
    assert await store.read(able) == everybody - {made.bart}
    await store.write(lambda tx: tx.execute(delete(staff_service)))
    assert await store.read(able) == set()


async def test_losers_do_not_teach_others_what_never_was(store: Store) -> None:
    """A booking that failed leaves no trace in what pages are told."""
    made = await store.write(office.found)
    kept, wish = Calendars(), Wish((made.badminton,), staff_id=made.bart)
    day = date(2026, 12, 8)
    await booked(store, made, wish=wish)
    before = await store.read(kept.free, wish, MONDAY_S, day, day)
    results = await asyncio.gather(
        *(booked(store, made, seed=seed, wish=wish) for seed in range(5)), return_exceptions=True
    )
    assert all(isinstance(each, SlotTaken) for each in results), results
    assert await store.read(kept.free, wish, MONDAY_S, day, day) == before
