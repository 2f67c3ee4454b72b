"""An's way through a formal act, as tests tell it with accidents, and what must hold when all has been said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from balie.acts.errors import ActError
from balie.store.schema import invoice, payment, refund, reservation
from tests.support.acting import CrashError, World

MONEY = ("paid", "refunded_part")
STAFF = 1


# -- what must hold ----------------------------------------------------------------------------------------------


async def check(here: World) -> None:
    """The invariants, when all has been said."""
    all_kept, paid = await here.rows(reservation), await here.rows(payment)
    back, notes = await here.rows(refund), await here.rows(invoice)
    open_tasks = await here.tasks()
    of_his = {each.id: [one for one in paid if one.reservation_id == each.id] for each in all_kept}
    for each in all_kept:
        assert each.state not in ("selected", "held"), "no hold is left for ever"
        assert each.wanted == "", "and nothing is being asked for ever"
        own = [one for one in of_his[each.id] if one.state in MONEY]
        if each.state == "confirmed":
            excused = {"charged_back", "refund_elsewhere"} & set(open_tasks)
            assert own or not each.price_cents or excused, "confirmed implies paid or free"
    for each in paid:
        about = next(one for one in all_kept if one.id == each.reservation_id)
        refunds = [one for one in back if one.payment_id == each.id and one.state != "rejected"]
        documents = [one for one in notes if one.payment_id == each.id and one.refund_id is None]
        assert len(documents) <= 1, "one document for a payment"
        if each.state in MONEY:
            first = min((one for one in of_his[about.id] if one.state in MONEY), key=lambda one: (one.paid_s, one.id))
            his = about.state == "confirmed" and first.id == each.id
            kept = [one for one in back if one.payment_id == each.id and one.state == "rejected"]
            forgiven = "amount_mismatch" in open_tasks or kept
            assert his or refunds or forgiven, "paid implies confirmed, or its refund proposed, or somebody said no"
            assert documents or not (his or kept), "what was bought, or is kept, has its document"
    numbers = [(each.series, each.number) for each in notes]
    assert len(numbers) == len(set(numbers))
    _check_others(here, all_kept, paid, set(open_tasks))


def _check_others(here: World, kept: list[object], paid: list[object], open_tasks: set[str]) -> None:
    """What the hall and the provider think is what we think."""
    assert here.hall.standing("held") == []
    confirmed = {each.external_ref for each in kept if each.state == "confirmed"}  # type: ignore[attr-defined]
    assert {each.ref for each in here.hall.standing("confirmed")} == confirmed
    known = {each.external_id: each for each in paid}  # type: ignore[attr-defined]
    for each in here.desk.payments:
        ours = known.get(each.id)
        if each.status == "paid" and ours is not None:
            has = ours.state in (*MONEY, "refunded", "charged_back")  # type: ignore[attr-defined]
            assert has or open_tasks & {"amount_mismatch", "payment_unclear"}, "no money is overlooked"


async def check_replays(here: World) -> None:
    """Everything that was ever said, said once more, changes nothing."""
    before = await here.picture()
    for number in range(len(here.desk.payments)):
        for _again in range(5):
            await here.report(number)
    await here.acts.settle(here.appointment_id)
    await here.work()
    for each in await here.rows(payment):
        if each.external_id is not None:
            await here.acts.look(each.id)
    assert await here.picture() == before


async def finish(here: World) -> None:
    """Time passes; somebody of the staff gives back what is proposed; time passes once more."""
    await here.quiet()
    await check(here)
    await check_replays(here)
    for each in await here.rows(refund):
        if each.state in ("proposed", "failed"):
            assert await here.acts.refund(each.id, STAFF)
            if (await here.rows(refund))[-1].state != "failed":
                assert not await here.acts.refund(each.id, STAFF), "a colleague comes second"
    await here.quiet()
    await check(here)
    await check_replays(here)
    for each in await here.rows(refund):
        assert each.state in ("done", "rejected", "failed")
    for desk_payment in here.desk.payments:
        assert sum(each.cents for each in desk_payment.refunds) <= desk_payment.cents


# -- the story -----------------------------------------------------------------------------------------------------


async def tried(what: Callable[[], Awaitable[object]]) -> object:
    """Somebody who is told that it does not work, or whose process dies under him, presses once more a minute later."""
    try:
        return await what()
    except (ActError, CrashError):
        return None


async def through(
    here: World,
    *,
    outcome: str = "betaald",
    reports: Callable[[World], Awaitable[None]] | None = None,
    between: Callable[[World], Awaitable[None]] | None = None,
) -> None:
    """An reserves, identifies, pays.  between: what happens after the payment page opened, before she presses.

    Each step is tried twice, a minute apart, with the worker in between and a new process each time.
    """
    made = await twice(here, here.reserve)
    await here.identify()
    held = [each for each in await here.rows(reservation) if each.state in ("held", "confirmed")]
    if made is None and not held:
        return
    about = int(made) if isinstance(made, int) else held[-1].id
    await twice(here, lambda: here.pay(about))
    if between is not None:
        await between(here)
    if here.desk.payments and outcome:
        here.desk.cashier.choose(here.at_desk(), outcome)  # type: ignore[arg-type]
        await (reports or one_report)(here)
    await tried(here.work)
    here.restart()
    await tried(lambda: here.acts.settle(here.appointment_id))


async def twice(here: World, what: Callable[[], Awaitable[object]]) -> object:
    made = await tried(what)
    if made is None:
        here.restart()
        await here.work(60)
        made = await tried(what)
    return made


async def one_report(here: World) -> None:
    await here.report()


async def no_report(_here: World) -> None:
    return None


async def five_reports(here: World) -> None:
    for _each in range(5):
        await here.report()
        await here.work()


async def forged_reports(here: World) -> None:
    assert not await here.acts.report("mollie", "tr_forged")
    assert not await here.acts.report("another", here.at_desk())
    await here.work()
    assert here.acts.reports.unknown == 2


async def crossed_reports(here: World) -> None:
    """The word of the first fetch arrives after that of the second."""
    await here.report()
    await here.work()
    await here.report(0)
    await here.work()


REPORTS = {
    "once": one_report,
    "never": no_report,
    "five times": five_reports,
    "forged": forged_reports,
    "crossed": crossed_reports,
}
