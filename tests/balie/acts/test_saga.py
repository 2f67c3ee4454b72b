"""Whatever goes wrong, and wherever: afterwards money and reservations agree, or a person has a task.

A story is An's way through the whole act, with one or two accidents in it.  It is told against a provider behind real
HTTP and a hall in this process; then time passes until nobody has anything more to say, and the invariants are
looked at.
"""

from __future__ import annotations

import pytest

from balie.store.schema import invoice, payment, refund, reservation
from tests.support.acting import CrashError, World
from tests.support.acting_story import REPORTS, STAFF, finish, through

OUTCOMES = ("betaald", "geannuleerd", "mislukt", "later", "")  # the last one closes the tab


@pytest.mark.parametrize("reports", REPORTS)
@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_whatever_is_heard_of_a_payment(here: World, outcome: str, reports: str) -> None:
    await through(here, outcome=outcome, reports=REPORTS[reports])
    await finish(here)
    (about,) = await here.rows(reservation)
    bought = outcome in ("betaald", "later")
    assert about.state == ("confirmed" if bought else "expired")
    assert len([each for each in await here.rows(invoice) if each.refund_id is None]) == int(bought)


HALL_FAULTS = [
    (call, fault)
    for call in ("hold", "confirm", "release")
    for fault in ("down", "lost", "nonsense", "taken", "refused")
]


@pytest.mark.parametrize("reports", ["once", "never"])
@pytest.mark.parametrize(("call", "fault"), HALL_FAULTS)
async def test_the_hall_fails_once(here: World, call: str, fault: str, reports: str) -> None:
    here.hall.fail(call, fault)
    await through(here, reports=REPORTS[reports], outcome="geannuleerd" if call == "release" else "betaald")
    await finish(here)
    unsure = fault in ("down", "lost", "nonsense")
    if call == "confirm":
        about = (await here.rows(reservation))[-1]
        assert about.state == ("confirmed" if unsure else "conflict")
        assert [each.state for each in await here.rows(payment)] == ["paid" if unsure else "refunded"]
    if call == "hold":
        assert (await here.rows(reservation))[-1].state == "confirmed", "she pressed twice, or it was asked again"


@pytest.mark.parametrize("call", ["free", "hold", "confirm", "release"])
@pytest.mark.parametrize("fault", ["down", "lost", "nonsense"])
async def test_the_hall_is_away_from_some_call_on(here: World, call: str, fault: str) -> None:
    """And comes back only after a day."""
    for _each in range(400):
        here.hall.fail(call, fault)
    await through(here, outcome="geannuleerd" if call == "release" else "betaald")
    await here.work(86_400)
    if call == "confirm":
        assert "slot_lost" in await here.tasks()
        assert [each.state for each in await here.rows(refund)] == ["proposed"]
    here.hall.faults.clear()
    await finish(here)


async def test_a_confirmation_that_waits_is_a_task_before_it_is_given_up(here: World) -> None:
    for _each in range(20):
        here.hall.fail("confirm", "down")
    await through(here)
    await here.work(400)
    assert await here.tasks() == ["confirm_waits"]
    here.hall.faults.clear()
    await here.work(1200)
    assert (await here.rows(reservation))[0].state == "confirmed"
    assert await here.tasks() == []
    await finish(here)


@pytest.mark.parametrize("when", ["held", "identified", "paying", "paid"])
async def test_the_hall_gives_the_slot_to_somebody_else(here: World, when: str) -> None:
    about = await here.reserve()
    if when == "held":
        here.hall.give_away()
    await here.identify()
    if when == "identified":
        here.hall.give_away()
    await here.pay(about)
    if when == "paying":
        here.hall.give_away()
    here.desk.cashier.choose(here.at_desk(), "betaald")
    if when == "paid":
        here.hall.give_away()
    await here.report()
    await here.work()
    assert (await here.rows(reservation))[0].state == "conflict"
    assert await here.tasks() == ["slot_lost"]
    assert [each.state for each in await here.rows(refund)] == ["proposed"]
    await finish(here)
    assert [each.state for each in await here.rows(payment)] == ["refunded"]
    assert [each.kind for each in await here.rows(invoice)] == ["receipt", "credit"]


DESK_FAULTS = [
    (call, fault) for call in ("create", "fetch", "refund") for fault in ("down", "lost", "nonsense", "refused")
]


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize(("call", "fault"), DESK_FAULTS)
async def test_the_provider_fails(here: World, call: str, fault: str, times: int) -> None:
    for _each in range(times):
        here.desk.fail(call, fault)
    if call == "refund":
        here.hall.fail("confirm", "taken")
    await through(here)
    await finish(here)
    assert len(here.desk.payments) <= 2
    if call == "refund":
        assert sum(len(each.refunds) for each in here.desk.payments) <= 1, "money goes back once"


async def test_the_provider_knows_another_amount(here: World) -> None:
    for _each in range(50):
        here.desk.fail("fetch", "amount")
    await through(here)
    await here.work(7200)
    assert await here.tasks() == ["amount_mismatch"]
    assert (await here.rows(reservation))[0].state == "expired", "never confirmed"
    await finish(here)


CALLS = ("hold", "confirm", "create", "fetch")


@pytest.mark.parametrize("reports", ["once", "never"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
async def test_the_process_dies_between_intent_and_result(here: World, call: str, when: str, reports: str) -> None:
    mortal = here.backend if call in ("hold", "confirm") else here.provider
    mortal.die_at = f"{call}:{when}"
    await through(here, reports=REPORTS[reports])
    await finish(here)
    assert (await here.rows(reservation))[-1].state == "confirmed"
    assert len([each for each in here.desk.payments if each.status == "paid"]) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_process_dies_over_a_refund(here: World, when: str) -> None:
    here.hall.fail("confirm", "taken")
    await through(here)
    (found,) = await here.rows(refund)
    here.provider.die_at = f"refund:{when}"
    with pytest.raises(CrashError):
        await here.acts.refund(found.id, STAFF)
    here.restart()
    await here.work(600)
    assert [each.state for each in await here.rows(refund)] == ["done"]
    assert [len(each.refunds) for each in here.desk.payments] == [1]
    await finish(here)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_process_dies_over_a_release(here: World, when: str) -> None:
    about = await here.reserve()
    here.backend.die_at = f"release:{when}"
    with pytest.raises(CrashError):
        await here.acts.release(about)
    here.restart()
    await here.work(600)
    assert here.hall.standing("held") == []
    await finish(here)
