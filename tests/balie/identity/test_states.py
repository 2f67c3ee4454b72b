"""Identifications in any order of events: what was said is never taken back, and nothing comes of what is over."""

from __future__ import annotations

import contextlib
import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine, select, update

from balie.booking import appointments
from balie.booking.appointments import Booking
from balie.booking.slots import Wish
from balie.identity import codes, records
from balie.identity.errors import IdentityError
from balie.identity.persons import Person
from balie.store.schema import identification, participant, product
from tests.support import databases, office
from tests.support.booking import AN, KEY, TUESDAY_10_S
from tests.support.office import MONDAY_S

TERMINAL = ("verified", "failed", "aborted", "expired")
ORDER = {"requested": 0, "started": 1, **dict.fromkeys(TERMINAL, 2)}


class Identifications(RuleBasedStateMachine):
    """Every rule is one transaction; a refusal changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.engine: Engine = databases.in_memory()
        self.chance = random.Random(3)
        self.now_s, self.codes, self.seen = MONDAY_S, list[tuple[str, int]](), dict[int, str]()

    @initialize()
    def found(self) -> None:
        with self.engine.begin() as tx:
            here = office.found(tx)
            tx.execute(update(product).where(product.c.id == here.badminton).values(identification="oidc"))
            asked = Booking(AN, wish=Wish((here.badminton,)), start_s=TUESDAY_10_S)
            made = appointments.book(tx, MONDAY_S, self.chance.randbytes, KEY, asked)
            self.appointment_id, self.product_id, self.staff_id = made.appointment_id, here.badminton, here.bart
            self.citizen_id = tx.execute(select(participant.c.id)).scalar_one()

    @rule(acr=st.sampled_from(["", "urn:high"]), ttl_s=st.sampled_from([60, 1800]))
    def request(self, acr: str, ttl_s: int) -> None:
        with self.engine.begin() as tx:
            about = (self.appointment_id, self.citizen_id, self.product_id, "test", acr, ttl_s)
            records.request(tx, self.now_s, *about)

    @rule(pick=st.integers(0, 5))
    def start(self, pick: int) -> None:
        with self.engine.begin() as tx, contextlib.suppress(IdentityError):
            records.start(tx, self.now_s, pick)

    @rule(pick=st.integers(0, 5), name=st.sampled_from(["An Peeters", "Jan Claes"]))
    def verify(self, pick: int, name: str) -> None:
        person = Person("https://login.example", "1", name, "urn:high")
        with self.engine.begin() as tx, contextlib.suppress(IdentityError):
            records.verify(tx, self.now_s, self.chance.randbytes, KEY, pick, person)

    @rule(pick=st.integers(0, 5), code=st.sampled_from(["aborted", "nonce_wrong"]))
    def fail(self, pick: int, code: str) -> None:
        with self.engine.begin() as tx:
            records.fail(tx, self.now_s, pick, code)

    @rule(pick=st.integers(0, 5))
    def accept(self, pick: int) -> None:
        with self.engine.begin() as tx:
            records.accept(tx, self.now_s, pick, self.staff_id)

    @rule()
    def ask_again(self) -> None:
        with self.engine.begin() as tx:
            records.ask_again(tx, self.now_s, self.appointment_id)

    @rule(pick=st.integers(0, 5))
    def give_code(self, pick: int) -> None:
        with self.engine.begin() as tx, contextlib.suppress(IdentityError):
            self.codes.append((codes.give(tx, self.now_s, self.chance.randbytes, pick), pick))

    @rule(data=st.data())
    def use_code(self, data: st.DataObject) -> None:
        if self.codes:
            code, expected = data.draw(st.sampled_from(self.codes))
            with self.engine.begin() as tx, contextlib.suppress(IdentityError):
                assert codes.use(tx, self.now_s, code).identification_id == expected
                self.codes.remove((code, expected))  # a second time would find it gone
                assert codes.find(tx, self.now_s, code) is None

    @rule(seconds=st.sampled_from([1, 59, 600, 1800]))
    def wait(self, seconds: int) -> None:
        self.now_s += seconds
        with self.engine.begin() as tx:
            records.expire(tx, self.now_s)

    @invariant()
    def what_is_over_stays_as_it_is(self) -> None:
        with self.engine.begin() as tx:
            if not self.engine.dialect.has_table(tx, "identification"):
                return
            rows = tx.execute(select(identification)).all()
        for row in rows:
            before = self.seen.get(row.id, "requested")
            assert ORDER[before] <= ORDER[row.state]
            assert before == row.state or before not in TERMINAL, f"{before} became {row.state}"
            self.seen[row.id] = row.state
            assert (row.state == "verified") == bool(row.name) == (row.subject_hash is not None)
            assert (row.state in TERMINAL) == (row.done_s is not None)
            assert row.start_hash is None or row.state in ("requested", "started")
            assert row.state in TERMINAL or row.expires_s > self.now_s

    @invariant()
    def the_last_that_was_verified_counts(self) -> None:
        with self.engine.begin() as tx:
            if not self.engine.dialect.has_table(tx, "identification"):
                return
            which = select(identification).where(
                identification.c.state == "verified", identification.c.void_s.is_(None)
            )
            last = tx.execute(which.order_by(identification.c.id.desc())).first()
            found = records.verified(tx, self.appointment_id)
            assert (found and found.id) == (last and last.id)
            sure = last is not None and (last.matches or last.accepted_s is not None)
            assert records.needed(tx, self.appointment_id, self.product_id) == (not sure)


TestIdentifications = Identifications.TestCase
TestIdentifications.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
