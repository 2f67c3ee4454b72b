"""A time that is kept for somebody while he fills in the form, as it travels through the steps."""

from __future__ import annotations

from dataclasses import dataclass

from balie.booking.appointments import HOLD_S, Held
from balie.i18n import local, time_words
from web.forms import Form

SECRET_MAX = 64


@dataclass(frozen=True)
class Place:
    """secret: of the hold.  until_s: Unix time; only for showing, the database knows better."""

    secret: str
    until_s: int

    @property
    def fields(self) -> list[tuple[str, str]]:
        return [("plaats", self.secret), ("tot", str(self.until_s))]


def of(held: Held) -> Place:
    return Place(held.secret, held.until_s)


def read(form: Form, now_s: int) -> Place:
    """As a form or a URL has it; one that is over where it has none."""
    secret = form.last("plaats")[:SECRET_MAX]
    return Place(secret, form.number("tot", most=now_s + HOLD_S) or now_s)


@dataclass(frozen=True)
class Deadline:
    """left_s: seconds, 0 when it is over; until: 14.42 uur."""

    left_s: int
    until: str


def deadline(place: Place, now_s: int, zone: str) -> Deadline:
    return Deadline(max(0, place.until_s - now_s), time_words(local(place.until_s, zone)))
