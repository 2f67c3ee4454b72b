"""Why something with an appointment cannot be done, as codes: pages, the API and letters have their own words.

BookingError
├── NotFound    no such appointment, product, person or hold
├── NotNow      the appointment is not in a state for that
├── Unfit       something that was asked for is not possible: `field` says which part
└── SlotTaken   somebody else has that time
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from balie.booking.slots import Slot


class BookingError(Exception):
    """code: a word that a program can tell apart."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotFound(BookingError):
    """what: appointment, product, staff, person, hold."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}_not_found", f"no such {what}")
        self.what = what


class NotNow(BookingError):
    """status: of the appointment, which allows less than was asked for."""

    def __init__(self, code: str, status: str) -> None:
        super().__init__(code, f"an appointment that is {status} cannot be {code.removeprefix('not_')}")
        self.status = status


class Unfit(BookingError):
    """field: of the request; code: what is wrong with it."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(code, message)
        self.field = field


class SlotTaken(BookingError):
    """next_free: the first times that are still free, to offer instead."""

    def __init__(self, next_free: Sequence[Slot]) -> None:
        super().__init__("slot_taken", "this time has just been taken")
        self.next_free = tuple(next_free)
