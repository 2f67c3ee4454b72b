"""Who may do what, in which order, and what is said when it cannot be."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from datetime import date

import pytest
from sqlalchemy import select, update

from balie.acts import buying
from balie.acts.errors import ActError
from balie.acts.repair import LOOK_S
from balie.acts.rules import NoNumbers, Rules
from balie.acts.service import HOLD_S, Acts, Systems
from balie.booking import changes
from balie.record.events import PAYMENT, RESERVATION
from balie.store.schema import appointment, audit, outbox, payment, product, reservation
from tests.support.acting import HOUR_S, PLAY_S, World
from tests.support.appointments import AT_S
from tests.support.booking import KEY
from tests.support.office import MONDAY_S


async def refused(code: str, what: Awaitable[object]) -> None:
    with pytest.raises(ActError) as raised:
        await what
    assert raised.value.code == code


async def test_what_is_free_on_a_local_day(here: World) -> None:
    found = await here.acts.free(here.appointment_id, here.office.badminton, date(2026, 12, 10))
    assert [each.from_s for each in found][:1] == [MONDAY_S - 7 * HOUR_S + 3 * 86_400], "from midnight in Brussels"
    assert len(found) == 24
    today = await here.acts.free(here.appointment_id, here.office.badminton, date(2026, 12, 7))
    assert today[0].from_s == MONDAY_S, "what has begun is not offered"
    dst = await here.acts.free(here.appointment_id, here.office.badminton, date(2027, 3, 28))
    assert len(dst) == 23, "the day on which the clocks go forward"


async def test_what_cannot_be_reserved(here: World) -> None:
    await refused("unknown", here.acts.free(here.appointment_id, 999, date(2026, 12, 10)))
    await refused("not_offered", here.acts.free(here.appointment_id, here.office.permit, date(2026, 12, 10)))
    await refused("slot_taken", here.acts.reserve(here.appointment_id, here.office.badminton, "court-9", PLAY_S, 1))
    await refused("unknown", here.acts.reserve(999, here.office.badminton, "court-1", PLAY_S, PLAY_S + HOUR_S))
    await refused("unknown", here.acts.release(999))
    here.hall.fail("free", "down", "refused")
    await refused("backend_down", here.reserve())
    await refused("backend_refused", here.reserve())
    here.hall.fail("hold", "taken", "refused")
    await refused("slot_taken", here.reserve())
    await refused("backend_refused", here.reserve())
    assert {each.state for each in await here.rows(reservation)} == {"released"}
    other = update(product).where(product.c.id == here.office.badminton).values(reservation_backend="elders")
    await here.store.write(lambda tx: tx.execute(other))
    await refused("no_backend", here.reserve())


async def test_only_the_citizen_pays_and_only_he_learns_where(here: World) -> None:
    about = await here.reserve()
    await here.identify()
    third = here.acts.pay(here.appointment_id, here.third_id, reservation_id=about)
    await refused("not_citizen", third)
    payment_id = await here.pay(about)
    assert (await here.acts.checkout_url(payment_id, here.citizen_id)).startswith(here.desk.url)
    assert await here.acts.checkout_url(payment_id, here.third_id) == ""
    assert await here.pay(about) == payment_id, "who presses again goes on paying"
    assert len(here.desk.payments) == 1
    words = here.desk.payments[0].description
    assert words.startswith("Badmintonterrein huren +++") and "Peeters" not in words


async def test_what_cannot_be_paid(here: World) -> None:
    await here.identify()
    await refused("unknown", here.acts.pay(here.appointment_id, here.citizen_id))
    await refused("unknown", here.acts.pay(here.appointment_id, here.citizen_id, reservation_id=999))
    await refused("unknown", here.acts.pay(here.appointment_id, here.citizen_id, product_id=here.office.permit))
    await refused("not_held", here.acts.pay(here.appointment_id, here.citizen_id, product_id=here.office.badminton))
    about = await here.reserve()
    here.clock.now_s += HOLD_S
    await refused("not_held", here.pay(about))
    here.clock.now_s -= HOLD_S
    here.desk.fail("create", "refused")
    await refused("provider_refused", here.pay(about))
    here.desk.fail("create", "down")
    await refused("provider_down", here.pay(about))
    await here.pay(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    await refused("reserved", here.pay(about))
    ended = update(appointment).values(status="completed")
    await here.store.write(lambda tx: tx.execute(ended))
    await refused("not_here", here.pay(about))
    await refused("not_here", here.reserve(PLAY_S + HOUR_S))


async def test_without_a_provider_nobody_pays(here: World) -> None:
    about = await here.reserve()
    systems = Systems({"sporthal": here.hall}, {}, "")
    acts = Acts(here.store, systems, Rules(NoNumbers()), lambda n: b"k" * n, here.clock, "http://localhost")
    await refused("no_provider", acts.pay(here.appointment_id, here.citizen_id, reservation_id=about))
    assert await acts.methods(900, "nl") == []


async def test_a_product_with_a_price_and_nothing_to_reserve(here: World) -> None:
    values = {"reservation_backend": "", "price_cents": 1500, "identification": "none"}
    await here.store.write(lambda tx: tx.execute(update(product).values(**values)))

    def pay() -> Awaitable[int]:
        return here.acts.pay(here.appointment_id, here.citizen_id, product_id=here.office.badminton)

    payment_id = await pay()
    assert await pay() == payment_id
    here.desk.cashier.choose(here.at_desk(), "betaald")
    await refused("paid", pay())
    assert [each.amount_cents for each in await here.rows(payment)] == [1500]
    await here.quiet()
    assert await here.tasks() == []


async def test_the_methods_are_the_provider_s(here: World) -> None:
    assert [each.name for each in await here.acts.methods(900, "nl")] == ["Bancontact", "Overschrijving"]
    here.desk.broken = "down"
    assert await here.acts.methods(900, "nl") == []


async def test_it_goes_along_when_the_appointment_moves(here: World) -> None:
    """Also what is being paid at that moment: the citizen pays on, and it is confirmed in his name."""
    about = await here.reserve()
    await here.identify()
    payment_id = await here.pay(about)
    moved = await here.store.write(
        changes.move, here.now_s, random.Random(2).randbytes, KEY, here.appointment_id, AT_S + 3600, "citizen"
    )
    assert {each.appointment_id for each in await here.rows(reservation)} == {moved.appointment_id}
    mine = await here.store.read(buying.citizen, moved.appointment_id)
    assert mine is not None and mine != here.citizen_id
    assert await here.acts.checkout_url(payment_id, mine) != ""
    assert await here.acts.checkout_url(payment_id, here.citizen_id) == ""
    here.desk.cashier.choose(here.at_desk(), "betaald")
    await here.report()
    await here.work()
    assert [each.holder for each in here.hall.standing("confirmed")] == ["An Peeters"]
    assert [each.state for each in await here.rows(reservation)] == ["confirmed"]


async def test_other_systems_hear_of_it_without_a_name(here: World) -> None:
    about = await here.reserve()
    await here.identify()
    await here.pay(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    await here.report()
    await here.work()
    rows = await here.store.read(lambda tx: list(tx.execute(select(outbox).order_by(outbox.c.id)).all()))
    kinds = [each.type for each in rows]
    assert kinds == [RESERVATION + "held", PAYMENT + "paid", RESERVATION + "confirmed"]
    assert rows[1].data["payment"]["amount_cents"] == 900 and rows[2].data["reservation"]["state"] == "confirmed"
    assert "Peeters" not in str([each.data for each in rows])
    notes = await here.store.read(lambda tx: list(tx.execute(select(audit).order_by(audit.c.id)).all()))
    assert [(each.actor, each.action) for each in notes] == [
        ("citizen", "reservation_chosen"),
        ("system", "reservation_held"),
        ("citizen", "payment_begun"),
        ("provider:mollie", "payment_paid"),
        ("system", "reservation_confirmed"),
    ]
    assert here.told, "and the panel"


async def test_the_worker_waits_until_something_is_due(here: World) -> None:
    await here.repair.step()
    assert here.repair.wait_s == LOOK_S, "nothing is"
    await here.reserve()
    (held,) = await here.rows(reservation)
    await here.work()
    here.clock.now_s = held.hold_until_s - 3
    await here.repair.step()
    assert here.repair.wait_s == 3, "the hold ends"
    here.clock.now_s = held.hold_until_s
    assert await here.repair.step() == 1


async def test_the_worker_wakes_by_itself(here: World) -> None:
    """run() goes on until it is cancelled, whatever fails in between."""
    about = await here.reserve()
    await here.identify()
    await here.pay(about)
    here.desk.cashier.choose(here.at_desk(), "betaald")
    running = asyncio.create_task(here.repair.run())
    await here.report()
    async with asyncio.timeout(20):
        while (await here.rows(reservation))[0].state != "confirmed":
            pass
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
