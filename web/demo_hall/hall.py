"""The halls' own books: courts, hours, who holds what.  An SQLite file that nothing else reads.

A court has each hour once: the key of `taken` makes two reservations of one hour impossible.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

OPENS, CLOSES = 9, 22
"""Full hours of the local day."""
HORIZON_DAYS = 28
DAY_CENTS, EVENING_CENTS, EVENING_FROM = 900, 1_100, 18
TTL_MAX_S = 3600
REF_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is taken for another on the telephone

_TABLES = """
CREATE TABLE IF NOT EXISTS reservation (
    ref TEXT PRIMARY KEY, court TEXT NOT NULL, from_s INTEGER NOT NULL, until_s INTEGER NOT NULL,
    state TEXT NOT NULL, hold_until_s INTEGER, holder TEXT NOT NULL DEFAULT '', price_cents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS taken (
    court TEXT NOT NULL, from_s INTEGER NOT NULL, ref TEXT NOT NULL REFERENCES reservation,
    PRIMARY KEY (court, from_s)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answered (key TEXT PRIMARY KEY, asked TEXT NOT NULL, answer TEXT NOT NULL) WITHOUT ROWID;
"""


class HallError(Exception):
    """status: of HTTP: 404, 409 taken, 410 the hold is over, 422."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Court:
    id: str
    name: str
    hall: str
    kind: str


COURTS = (
    *(Court(f"pluim-{n}", f"Terrein {n}", "Sporthal De Pluim", "badminton") for n in (1, 2, 3, 4)),
    *(Court(f"vlieger-{n}", f"Terrein {n}", "Sporthal De Vlieger", "badminton") for n in (1, 2)),
    *(Court(f"park-{n}", f"Veld {n}", "Tennispark De Linde", "tennis") for n in (1, 2)),
)
BY_ID = {each.id: each for each in COURTS}
KINDS = tuple(dict.fromkeys(each.kind for each in COURTS))


@dataclass(frozen=True)
class Hour:
    """An hour of a court.  free: it can be had now."""

    court: Court
    from_s: int
    until_s: int
    price_cents: int
    free: bool


@dataclass(frozen=True)
class Reserved:
    """hold_until_s: of a hold; holder: in whose name it stands."""

    ref: str
    court: Court
    from_s: int
    until_s: int
    state: str
    hold_until_s: int | None
    holder: str
    price_cents: int


class Hall:
    """The books in one file.

    clock    Unix time in seconds
    entropy  returns that many random bytes
    """

    def __init__(self, file: Path, zone: str, clock: Callable[[], float], entropy: Callable[[int], bytes]) -> None:
        self.zone, self._clock, self._entropy = ZoneInfo(zone), clock, entropy
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.executescript(_TABLES)

    def close(self) -> None:
        self._db.close()

    @property
    def now_s(self) -> int:
        return int(self._clock())

    # -- looking ---------------------------------------------------------------------------------------

    def today(self) -> date:
        return datetime.fromtimestamp(self.now_s, self.zone).date()

    def day(self, kind: str, day: date) -> list[Hour]:
        """All hours of a local day, court by court."""
        self._let_go()
        taken = set(self._db.execute("SELECT court, from_s FROM taken"))
        days = (day - self.today()).days
        found = []
        for court in COURTS:
            if court.kind != kind or not 0 <= days < HORIZON_DAYS:
                continue
            for hour in range(OPENS, CLOSES):
                start = datetime(day.year, day.month, day.day, hour, tzinfo=self.zone)
                from_s = int(start.timestamp())
                free = from_s > self.now_s and (court.id, from_s) not in taken and not _regulars(court, day, hour)
                price = EVENING_CENTS if hour >= EVENING_FROM else DAY_CENTS
                found.append(Hour(court, from_s, from_s + 3600, price, free))
        return found

    def free(self, kind: str, from_s: int, until_s: int) -> list[Hour]:
        """Hours that can be had and begin between these moments."""
        first = max(datetime.fromtimestamp(max(from_s, self.now_s), self.zone).date(), self.today())
        last = min(datetime.fromtimestamp(until_s, self.zone).date(), first + timedelta(days=HORIZON_DAYS))
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        hours = (hour for day in days for hour in self.day(kind, day))
        return [each for each in hours if each.free and from_s <= each.from_s < until_s]

    def find(self, ref: str) -> Reserved:
        """HallError 404."""
        self._let_go()
        row = self._db.execute("SELECT * FROM reservation WHERE ref = ?", (ref,)).fetchone()
        if row is None:
            raise HallError(404, "unknown")
        return Reserved(row[0], BY_ID[row[1]], *row[2:])

    # -- changing --------------------------------------------------------------------------------------

    def hold(self, court: str, from_s: int, until_s: int, ttl_s: int) -> Reserved:
        """Keep an hour for a while.  HallError 422, 409."""
        known = BY_ID.get(court)
        if known is None or until_s != from_s + 3600 or not 0 < ttl_s <= TTL_MAX_S:
            raise HallError(422, "not_offered")
        day = datetime.fromtimestamp(from_s, self.zone).date()
        hour = next(
            (each for each in self.day(known.kind, day) if (each.court.id, each.from_s) == (court, from_s)), None
        )
        if hour is None:
            raise HallError(422, "not_offered")
        if not hour.free:
            raise HallError(409, "taken")
        ref = "".join(REF_LETTERS[byte % len(REF_LETTERS)] for byte in self._entropy(8))
        row = (ref, court, from_s, until_s, "held", self.now_s + ttl_s, "", hour.price_cents)
        self._db.execute("INSERT INTO reservation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._db.execute("INSERT INTO taken VALUES (?, ?, ?)", (court, from_s, ref))
        return self.find(ref)

    def confirm(self, ref: str, holder: str) -> Reserved:
        """HallError 404, 410."""
        found = self.find(ref)
        if found.state not in ("held", "confirmed"):
            raise HallError(410, "over")
        values = ("confirmed", holder, ref)
        self._db.execute("UPDATE reservation SET state = ?, holder = ?, hold_until_s = NULL WHERE ref = ?", values)
        return self.find(ref)

    def release(self, ref: str) -> Reserved:
        """HallError 404."""
        if self.find(ref).state in ("held", "confirmed"):
            self._end(ref, "released")
        return self.find(ref)

    def once(self, key: str, asked: str, do: Callable[[], dict[str, object]]) -> dict[str, object]:
        """What was answered to this key before, or what do() answers now.  HallError 422: the key was for another."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            row = self._db.execute("SELECT asked, answer FROM answered WHERE key = ?", (key,)).fetchone()
            if row is not None and row[0] != asked:
                raise HallError(422, "key_reused")
            answer: dict[str, object] = json.loads(row[1]) if row is not None else do()
            if row is None:
                self._db.execute("INSERT INTO answered VALUES (?, ?, ?)", (key, asked, json.dumps(answer)))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return answer

    def _let_go(self) -> None:
        """Holds whose time is over."""
        over = "SELECT ref FROM reservation WHERE state = 'held' AND hold_until_s <= ?"
        for (ref,) in self._db.execute(over, (self.now_s,)).fetchall():
            self._end(ref, "expired")

    def _end(self, ref: str, state: str) -> None:
        self._db.execute("UPDATE reservation SET state = ?, hold_until_s = NULL WHERE ref = ?", (state, ref))
        self._db.execute("DELETE FROM taken WHERE ref = ?", (ref,))


def _regulars(court: Court, day: date, hour: int) -> bool:
    """Clubs that come every week: a hall that is never taken teaches nobody anything.  One hour in three."""
    return hashlib.sha256(f"{court.id} {day.weekday()} {hour}".encode()).digest()[0] % 3 == 0
