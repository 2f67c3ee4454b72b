"""Free times of a day as the citizen chooses from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from balie.booking.hours import day_of
from balie.i18n import amount_words, day_words, local, ngettext, time_words
from balie.reservations.backend import FreeTime

DAYS = 28
"""So far ahead a day can be chosen."""


@dataclass(frozen=True)
class Court:
    """One that is free.  value: of the form."""

    value: str
    name: str
    price: str


@dataclass(frozen=True)
class Hour:
    """A beginning, with what is free then."""

    from_s: int
    until_s: int
    words: str
    courts: tuple[Court, ...]

    @property
    def value(self) -> str:
        return f"{self.from_s}-{self.until_s}"

    @property
    def count(self) -> str:
        return ngettext("{n} vrij", "{n} vrij", len(self.courts)).format(n=len(self.courts))


def days(now_s: int, zone: str) -> list[tuple[str, str]]:
    """What can be chosen: (2026-12-08, dinsdag 8 december 2026)."""
    today = day_of(now_s, zone)
    return [(each.isoformat(), day_words(each)) for each in (today + timedelta(days=n) for n in range(DAYS))]


def hours(free: Sequence[FreeTime], zone: str) -> list[Hour]:
    """By beginning, in order; the courts of each by name."""
    at: dict[tuple[int, int], list[FreeTime]] = {}
    for each in sorted(free, key=lambda each: (each.from_s, each.until_s, each.resource_name)):
        at.setdefault((each.from_s, each.until_s), []).append(each)
    return [
        Hour(from_s, until_s, time_words(local(from_s, zone)), tuple(_court(each) for each in courts))
        for (from_s, until_s), courts in at.items()
    ]


def _court(free: FreeTime) -> Court:
    value = f"{free.from_s}-{free.until_s}-{free.resource}"
    return Court(value, free.resource_name, amount_words(free.price_cents) if free.price_cents else "")


def chosen(value: str) -> tuple[int, int, str] | None:
    """From a form's value: begin, end and resource ("" while only the hour is chosen); None for a strange one."""
    parts = value.split("-", 2)
    if len(parts) < 2 or not all(each.isascii() and each.isdecimal() and len(each) < 12 for each in parts[:2]):
        return None
    from_s, until_s = int(parts[0]), int(parts[1])
    return (from_s, until_s, parts[2] if len(parts) > 2 else "") if from_s < until_s else None
