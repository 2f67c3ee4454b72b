"""The states of a payment: whatever a provider says, in whatever order, how often so ever."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from balie.payments import records, refunds
from balie.payments.provider import Created, PaymentState, RefundStatus, Status
from balie.payments.records import Purchase
from balie.record.events import PAYMENT
from balie.store.engine import Store, Tx
from balie.store.schema import outbox, payment
from tests.support import appointments, databases, office
from tests.support.office import MONDAY_S

CENTS = 900
STATES: tuple[PaymentState, ...] = ("open", "pending", "paid", "canceled", "expired", "failed")
MONEY = ("paid", "refunded_part", "refunded", "charged_back")
entropy = random.Random(5).randbytes


def begin(tx: Tx, now_s: int = MONDAY_S) -> int:
    here = office.found(tx)
    made = appointments.put(tx, here, "ABC234")
    wanted = Purchase(made, 1, here.badminton, None, CENTS, "S", 600, "Badminton")
    payment_id = records.begin(tx, now_s, entropy, "mollie", wanted)
    assert records.opened(tx, now_s, payment_id, Created("tr_1", "https://pay.example/1", now_s + 900))
    return payment_id


@contextmanager
def empty() -> Iterator[Tx]:
    with databases.in_memory().begin() as tx:
        yield tx


def status(state: PaymentState, back: int = 0, charged_back: int = 0, cents: int = CENTS) -> Status:
    made = tuple(RefundStatus(f"re_{each}", "done", 300) for each in range(back))
    return Status(state, "bancontact", cents, 300 * back, charged_back, MONDAY_S, None, made)


STATUSES = st.one_of(
    st.builds(status, st.sampled_from(STATES)),
    st.builds(status, st.just("paid"), st.integers(0, 3), st.sampled_from([0, 0, 0, CENTS])),
    st.builds(status, st.sampled_from(STATES), cents=st.just(90)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STATUSES, min_size=1, max_size=8))
def test_money_that_was_seen_is_never_unseen(said: list[Status]) -> None:
    with empty() as tx:
        payment_id = begin(tx)
        seen, back, now_s = False, 0, MONDAY_S
        for each in said:
            now_s += 10
            before = records.get(tx, payment_id)
            change = records.apply(tx, now_s, entropy, payment_id, each)
            after = records.get(tx, payment_id)
            if each.amount_cents != CENTS:
                assert after.state == before.state and after.error == records.MISMATCH
                continue
            seen = seen or each.state == "paid"
            assert (after.state in MONEY) == seen
            assert change.late == (before.state in records.ENDED and each.state == "paid")
            back = max(back, each.refunded_cents) if seen else back
            assert after.refunded_cents >= before.refunded_cents
            assert before.state != "charged_back" or after.state == "charged_back"
            again = records.apply(tx, now_s + 1, entropy, payment_id, each)
            assert not again.moved and not again.late and not again.heard.elsewhere, "said twice it is once"
            assert records.get(tx, payment_id).state == after.state
        total = sum(each.amount_cents for each in refunds.of_payments(tx, [payment_id]) if each.state == "done")
        assert total >= records.get(tx, payment_id).refunded_cents


@pytest.mark.parametrize("end", ["canceled", "expired", "failed"])
async def test_late_money_is_accepted(store: Store, end: PaymentState) -> None:
    payment_id = await store.write(begin)
    await store.write(records.apply, MONDAY_S + 60, entropy, payment_id, status(end))
    change = await store.write(records.apply, MONDAY_S + 120, entropy, payment_id, status("paid"))
    assert change.late and change.payment.state == "paid" and change.payment.paid_s == MONDAY_S
    kinds = await store.read(lambda tx: list(tx.scalars(select(outbox.c.type).order_by(outbox.c.id))))
    assert kinds == [PAYMENT + "failed", PAYMENT + "paid"]


async def test_each_of_two_answers_at_once_counts_once(store: Store) -> None:
    """The row is locked: who comes second sees what the first wrote."""
    payment_id = await store.write(begin)
    changes = await asyncio.gather(
        *(store.write(records.apply, MONDAY_S + 60, entropy, payment_id, status("paid")) for _each in range(4))
    )
    assert [each.moved for each in changes].count(True) == 1
    kinds = await store.read(lambda tx: list(tx.scalars(select(outbox.c.type))))
    assert kinds == [PAYMENT + "paid"]


async def test_only_the_citizen_gets_the_address_to_pay_at(store: Store) -> None:
    payment_id = await store.write(begin)
    assert await store.read(records.checkout_url, payment_id, 1) == "https://pay.example/1"
    assert await store.read(records.checkout_url, payment_id, 2) == ""
    assert "pay.example" not in repr(await store.read(records.get, payment_id))
    await store.write(records.apply, MONDAY_S + 60, entropy, payment_id, status("paid"))
    assert await store.read(records.checkout_url, payment_id, 1) == ""


def next_due_s(tx: Tx) -> int | None:
    found: int | None = tx.scalar(select(func.min(payment.c.ask_again_s)))
    return found


async def test_a_payment_is_asked_for_ever_more_rarely_until_it_is_given_up(sqlite_store: Store) -> None:
    payment_id = await sqlite_store.write(begin)
    times = []
    for _each in range(400):
        next_s = await sqlite_store.read(next_due_s)
        if next_s is None:
            break
        times.append(next_s - MONDAY_S)
        (found,) = await sqlite_store.write(records.due, next_s)
        assert await sqlite_store.write(records.due, next_s) == [], "another worker finds it taken"
        await sqlite_store.write(records.apply, next_s, entropy, found.id, status("open"))
    else:
        raise AssertionError("it is asked for for ever")
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert times[0] == records.SOONEST_S and pauses == sorted(pauses)
    assert max(pauses) == records.LATEST_S and times[-1] >= records.HEARS_S - records.LATEST_S
    assert len([each for each in times if each <= 900]) > 10, "while somebody waits, often"
    assert payment_id == 1


async def test_paid_ones_are_looked_at_now_and_then_for_half_a_year(sqlite_store: Store) -> None:
    """A bank may take money back, and the word of that may be lost."""
    payment_id = await sqlite_store.write(begin)
    now_s, times = MONDAY_S, 0
    while True:
        await sqlite_store.write(records.apply, now_s, entropy, payment_id, status("paid"))
        next_s = await sqlite_store.read(next_due_s)
        if next_s is None:
            break
        now_s, times = next_s, times + 1
    assert now_s - MONDAY_S >= records.REVERSIBLE_S and 10 < times < 30


async def test_a_number_that_another_payment_has_is_nonsense(store: Store) -> None:
    first = await store.write(begin)

    def second(tx: Tx) -> tuple[int, bool]:
        of_it = records.get(tx, first)
        wanted = Purchase(of_it.appointment_id, 1, of_it.product_id, None, CENTS, "S", 600, "")
        made = records.begin(tx, MONDAY_S, entropy, "mollie", wanted)
        return made, records.opened(tx, MONDAY_S, made, Created("tr_1", "https://pay.example/1", None))

    made, opened = await store.write(second)
    assert not opened
    found = await store.read(records.get, made)
    assert (found.state, found.error, found.external_id) == ("created", "provider_nonsense", None)


async def test_structured_communications_are_unique(store: Store) -> None:
    """Chance may give the same number twice; then another is drawn."""
    first = await store.write(begin)
    same = (await store.read(records.get, first)).ogm
    number = int(same[:10]).to_bytes(8, "big")
    draws: Iterator[bytes] = iter([b"k" * 20, number, b"\x00" * 7 + b"\x07", *[b"e" * 16] * 5])

    def again(tx: Tx) -> str:
        of_it = records.get(tx, first)
        wanted = Purchase(of_it.appointment_id, 1, of_it.product_id, None, CENTS, "S", 600, "")
        return records.get(tx, records.begin(tx, MONDAY_S, lambda _n: next(draws), "mollie", wanted)).ogm

    assert await store.write(again) == "000000000707"


async def test_a_refund_is_proposed_once_for_a_reason_and_never_for_more_than_is_left(store: Store) -> None:
    payment_id = await store.write(begin)
    await store.write(records.apply, MONDAY_S, entropy, payment_id, status("paid"))

    def propose(tx: Tx, reason: str) -> int | None:
        return refunds.propose(tx, MONDAY_S, entropy, payment_id, reason)

    first = await store.write(propose, "slot_lost")
    assert first is not None
    assert await store.write(propose, "slot_lost") is None
    assert await store.write(propose, "cancelled") is None, "all of it is spoken for"
    assert await store.write(refunds.reject, MONDAY_S, first, 1)
    assert not await store.write(refunds.approve, MONDAY_S, entropy, first, 1), "decided"
    assert await store.write(propose, "cancelled") is not None


async def test_an_answer_that_got_lost_is_recognised(store: Store) -> None:
    """The provider made our refund, and we did not hear so: it is not one that somebody else made."""
    payment_id = await store.write(begin)
    await store.write(records.apply, MONDAY_S, entropy, payment_id, status("paid"))
    made = await store.write(refunds.propose, MONDAY_S, entropy, payment_id, "slot_lost")
    assert made is not None
    assert await store.write(refunds.approve, MONDAY_S, entropy, made, 1)
    back = Status("paid", "", CENTS, CENTS, refunds=(RefundStatus("re_1", "done", CENTS),))
    change = await store.write(records.apply, MONDAY_S + 5, entropy, payment_id, back)
    assert change.heard == refunds.Heard(done=(made,)) and change.payment.state == "refunded"
    assert not await store.write(refunds.asked, MONDAY_S + 6, made, RefundStatus("re_1", "pending", CENTS))
    assert [each.state for each in await store.read(refunds.of_payments, [payment_id])] == ["done"]


async def test_a_charge_back_stays(store: Store) -> None:
    payment_id = await store.write(begin)
    await store.write(records.apply, MONDAY_S, entropy, payment_id, status("paid"))
    change = await store.write(records.apply, MONDAY_S, entropy, payment_id, status("paid", charged_back=CENTS))
    assert change.charged_back
    change = await store.write(records.apply, MONDAY_S, entropy, payment_id, status("paid"))
    assert change.payment.state == "charged_back" and not change.moved


def values_of(tx: Tx, payment_id: int) -> dict[str, Any]:
    return dict(tx.execute(select(payment).where(payment.c.id == payment_id)).one()._mapping)


async def test_no_card_has_a_column(sqlite_store: Store) -> None:
    payment_id = await sqlite_store.write(begin)
    names = (await sqlite_store.read(values_of, payment_id)).keys()
    assert not {"card", "pan", "iban", "account", "holder"} & {part for each in names for part in each.split("_")}
    with pytest.raises(Exception, match="CHECK|check"):
        await sqlite_store.write(lambda tx: tx.execute(update(payment).values(refunded_cents=CENTS + 1)))
