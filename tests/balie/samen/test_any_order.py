"""Whatever staff and citizen do with a step, in whatever order: what it says follows from what was done last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from balie.booking import appointments
from balie.booking.errors import BookingError
from balie.samen import guide, state
from balie.store.engine import Tx
from balie.store.schema import reservation
from tests.balie.samen.conftest import BART, NOW_S
from tests.support import databases, together
from tests.support import office as offices
from tests.support.booking import KEY, booking, entropy
from tests.support.office import MONDAY_S

DAY = {"day": "2026-12-10"}
STATES = ("held", "confirmed", "released", "expired", "conflict")
OPERATIONS = st.sampled_from(("withdraw", "redo", "point", "unpoint", "choose", *STATES))


@contextmanager
def visited() -> Iterator[tuple[Tx, int, int, int]]:
    """A transaction in which a step to reserve is open: (tx, appointment, badminton, step)."""
    with databases.in_memory().begin() as tx:
        office = offices.found(tx)
        together.offer(tx, office.badminton)
        made = appointments.book(tx, MONDAY_S, entropy().randbytes, KEY, booking(office)).appointment_id
        yield tx, made, office.badminton, guide.open_step(tx, NOW_S, made, BART, "reserve")


@pytest.mark.timeout(120)
@settings(max_examples=60, deadline=None)
@given(done=st.lists(OPERATIONS, max_size=12))
def test_it_says_what_was_done_last(done: list[str]) -> None:
    with visited() as (tx, about, product_id, key):
        stored, answer, acts = "open", "", 0
        for at, each in enumerate(done, 1):
            now_s = NOW_S + at
            operations: dict[str, Callable[[], object]] = {
                "withdraw": partial(guide.withdraw, tx, now_s, about, key, BART),
                "redo": partial(guide.redo, tx, now_s, about, key, BART),
                "point": partial(guide.point, tx, now_s, about, key, 1, "uur"),
                "unpoint": partial(guide.point, tx, now_s, about, key, 1, ""),
                "choose": partial(guide.choose, tx, now_s, about, key, DAY),
            }
            active = guide.find(tx, about, key).active
            if each in STATES:
                together.reserved(tx, now_s, about, product_id, each)
                acts += 1
                answer = {"held": "done", "confirmed": "done", "released": ""}.get(each, "failed")
            elif active or each in ("withdraw", "redo", "unpoint"):
                operations[each]()
                stored = {"withdraw": "skipped", "redo": "open", "choose": "doing"}.get(each, stored)
                answer = "" if each == "redo" else answer
            else:
                with pytest.raises(BookingError):
                    operations[each]()
            expected = stored if stored == "skipped" else answer or stored
            step = guide.find(tx, about, key)
            assert step.state == expected, (done, each)
            assert step.active or not step.pointed_at, "nobody points at what is over"
            assert len(tx.execute(select(reservation.c.id)).all()) == acts, "a step makes and takes away no reservation"
            third = state.of(tx, about, "third")
            assert [each.state for each in third.steps] == [expected], "the same for all who look"
