"""Holding and booking: whoever comes first has the time, and everybody else hears what is free."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from balie.booking import appointments, links, reading
from balie.booking.appointments import HOLD_S
from balie.booking.claims import expire_holds
from balie.booking.errors import BookingError, NotFound, SlotTaken, Unfit
from balie.booking.people import Person
from balie.booking.slots import Calendars, Wish
from balie.store.engine import Store, Tx
from balie.store.schema import audit, join_link, message, outbox, participant, slot_claim
from tests.support import office
from tests.support.booking import AN, KEY, LIES, TUESDAY_10_S, booked, entropy
from tests.support.office import MONDAY_S, unix_s


def count(tx: Tx, table: object) -> int:
    return tx.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]


async def test_what_a_booking_leaves(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made, helpers=(LIES,), question=" Mag mijn hond mee? ")
    found = await store.read(reading.by_ref, done.ref.lower())
    assert (found.status, found.channel, found.modality, found.zone) == ("booked", "web", "video", office.ZONE)
    assert (found.start_s, found.end_s) == (TUESDAY_10_S, TUESDAY_10_S + 1800)
    assert found.question == "Mag mijn hond mee?"
    assert [(each.name, each.role, each.phone, each.locale) for each in found.people] == [
        ("An Peeters", "citizen", "+32470123456", "nl"),
        ("Lies Peeters", "family", "", "fr"),
    ]
    assert [each.slug for each in found.products] == ["badminton"]
    assert await store.read(count, slot_claim) == 7, "half an hour and the buffer of five minutes"
    assert await store.read(count, message) == 2 * 3, "to both: at once, 2 h and 10 min before; 48 h before is past"
    assert await store.read(count, outbox) == await store.read(count, audit) == 1
    assert len(set(done.links.values())) == 2
    tokens = await store.read(lambda tx: [row.token_hash for row in tx.execute(select(join_link))])
    assert not {token.encode() for token in done.links.values()} & set(tokens)


async def test_fifty_people_and_one_time(store: Store) -> None:
    """One has it, and 49 hear what is free instead."""
    made = await store.write(office.found)
    wish = Wish((made.badminton,), staff_id=made.bart)
    tries = (booked(store, made, seed=seed, wish=wish) for seed in range(50))
    results = await asyncio.gather(*tries, return_exceptions=True)
    won = [each for each in results if not isinstance(each, BaseException)]
    lost = [each for each in results if isinstance(each, SlotTaken)]
    assert (len(won), len(lost)) == (1, 49), [each for each in results if not isinstance(each, SlotTaken)][1:]
    assert all(each.next_free and each.next_free[0].start_s > TUESDAY_10_S for each in lost)
    assert await store.read(count, participant) == 1


async def test_colleagues_share_the_work(store: Store) -> None:
    made = await store.write(office.found)
    refs = [await booked(store, made, seed=seed) for seed in range(2)]
    people = {(await store.read(reading.by_ref, each.ref)).staff_id for each in refs}
    assert people == {made.bart, made.els}
    with pytest.raises(SlotTaken):
        await booked(store, made, seed=3)


async def test_a_hold_keeps_a_time_for_ten_minutes(store: Store) -> None:
    made = await store.write(office.found)
    wish = Wish((made.badminton,), staff_id=made.bart)
    held = await store.write(appointments.hold, MONDAY_S, entropy().randbytes, wish, TUESDAY_10_S)
    with pytest.raises(SlotTaken):
        await booked(store, made, wish=wish)
    done = await booked(store, made, held=held.secret, wish=None, now_s=MONDAY_S + HOLD_S - 1)
    assert done.appointment_id == held.appointment_id
    with pytest.raises(NotFound):
        await booked(store, made, held=held.secret, wish=None)


async def test_a_hold_that_is_over_is_anybodys(store: Store) -> None:
    made = await store.write(office.found)
    wish = Wish((made.badminton,), staff_id=made.bart)
    held = await store.write(appointments.hold, MONDAY_S, entropy().randbytes, wish, TUESDAY_10_S)
    await booked(store, made, wish=wish, now_s=MONDAY_S + HOLD_S, seed=2)
    with pytest.raises(NotFound, match="hold"):
        await booked(store, made, held=held.secret, wish=None, now_s=MONDAY_S + HOLD_S, seed=3)
    with pytest.raises(NotFound):
        await booked(store, made, held="another's", wish=None)


async def test_holds_end_by_themselves_and_on_request(store: Store) -> None:
    made = await store.write(office.found)
    wish = Wish((made.badminton,), staff_id=made.bart)
    await store.write(appointments.hold, MONDAY_S, entropy(1).randbytes, wish, TUESDAY_10_S)
    other = await store.write(appointments.hold, MONDAY_S, entropy(2).randbytes, wish, TUESDAY_10_S + 3600)
    assert await store.write(expire_holds, MONDAY_S + HOLD_S - 1) == 0
    until_s = await store.write(appointments.extend, MONDAY_S + 60, other.secret)
    assert until_s == MONDAY_S + 60 + HOLD_S
    assert await store.write(expire_holds, MONDAY_S + HOLD_S) == 1
    await store.write(appointments.let_go, MONDAY_S, other.secret)
    assert await store.read(count, slot_claim) == 0
    await store.write(appointments.let_go, MONDAY_S, "unknown")


async def test_a_daily_maximum_holds(store: Store) -> None:
    made = await store.write(office.found)
    day = [unix_s(f"2026-12-10T{hour}") for hour in ("09:00", "09:45", "10:30", "13:30", "14:15")]
    wish = Wish((made.permit,))
    for seed, start_s in enumerate(day[:4]):
        await booked(store, made, start_s, seed=seed, wish=wish)
    with pytest.raises(SlotTaken) as error:
        await booked(store, made, day[4], seed=9, wish=wish)
    assert unix_s("2026-12-11T00:00") <= error.value.next_free[0].start_s
    await booked(store, made, day[4], seed=10)


async def test_what_a_page_offers_can_be_booked(store: Store) -> None:
    """Each time that is free by the calendars is free by the tables too, until it is taken."""
    made = await store.write(office.found)
    calendars, rng = Calendars(), random.Random(5)
    wish = Wish((made.badminton, made.permit))
    monday, friday = office.day("2026-12-07"), office.day("2026-12-11")
    for turn in range(12):
        free = await store.read(calendars.free, wish, MONDAY_S, monday, friday)
        slot = rng.choice(free)
        await booked(store, made, slot.start_s, seed=turn, wish=wish)
        again = await store.read(calendars.free, wish, MONDAY_S, monday, friday)
        left = {each.start_s: each.staff_ids for each in again}.get(slot.start_s, ())
        assert len(left) == len(slot.staff_ids) - 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"citizen": replace(AN, name=" ")}, "name_missing"),
        ({"citizen": replace(AN, name="x" * 201)}, "name_too_long"),
        ({"citizen": replace(AN, name="An\r\nBcc: all@example.org")}, "name_unprintable"),
        ({"citizen": replace(AN, mail="an@")}, "mail_invalid"),
        ({"citizen": replace(AN, phone="12")}, "phone_invalid"),
        ({"citizen": replace(AN, mail="", phone="")}, "contact_missing"),
        ({"citizen": replace(AN, locale="xx")}, "locale_unknown"),
        ({"helpers": (replace(LIES, role="citizen"),)}, "role_unknown"),
        ({"helpers": (LIES,) * 4}, "helpers_too_many"),
        ({"question": "?" * 2001}, "question_too_long"),
        ({"channel": "fax"}, "channel_unknown"),
        ({"start_s": TUESDAY_10_S + 60}, "start_outside_hours"),
        ({"start_s": unix_s("2026-12-08T12:00")}, "start_outside_hours"),
        ({"start_s": unix_s("2026-12-12T10:00")}, "start_outside_hours"),
        ({"start_s": unix_s("2026-12-25T10:00")}, "start_outside_hours"),
        ({"start_s": MONDAY_S - 86_400}, "start_out_of_range"),
        ({"start_s": unix_s("2027-06-08T10:00")}, "start_out_of_range"),
        ({"start_s": 1 << 62}, "start_out_of_range"),
        ({"wish": None}, "start_missing"),
        ({"wish": Wish(())}, "products_missing"),
        ({"wish": Wish((1, 1))}, "products_repeated"),
        ({"wish": Wish((77,))}, "product_not_found"),
        ({"wish": Wish((1,), "fax")}, "modality_not_offered"),
    ],
)
async def test_what_cannot_be_booked(sqlite_store: Store, changes: dict[str, object], code: str) -> None:
    """It is said, with a word for it, and nothing is left behind."""
    made = await sqlite_store.write(office.found)
    with pytest.raises(BookingError) as error:
        await booked(sqlite_store, made, **changes)  # type: ignore[arg-type]
    assert error.value.code == code
    assert await sqlite_store.read(count, slot_claim) == await sqlite_store.read(count, outbox) == 0


async def test_names_are_kept_as_people_write_them(sqlite_store: Store) -> None:
    made = await sqlite_store.write(office.found)
    name = "Zoë 🏸 van ’t Hof-Ŝmit"
    done = await booked(sqlite_store, made, citizen=Person(f" {name} ", mail="zoe@example.org"))
    found = await sqlite_store.read(reading.by_id, done.appointment_id)
    assert found.citizen is not None
    assert found.citizen.name == name


async def test_notice_binds_citizens_and_not_the_desk(sqlite_store: Store) -> None:
    made = await sqlite_store.write(office.found)
    now_s, start_s = unix_s("2026-12-08T09:30"), TUESDAY_10_S
    with pytest.raises(Unfit):
        await booked(sqlite_store, made, start_s, now_s)
    urgent = Wish((made.badminton,), "desk", urgent=True)
    done = await booked(sqlite_store, made, start_s, now_s, wish=urgent, channel="desk", actor="staff:1")
    assert (await sqlite_store.read(reading.by_id, done.appointment_id)).created_by == "staff:1"


async def test_links_open_from_half_an_hour_before_until_an_hour_after(store: Store) -> None:
    made = await store.write(office.found)
    done = await booked(store, made, helpers=(LIES,))
    (an, token), (_, other) = done.links.items()
    assert token != other
    for at, state in (
        (MONDAY_S, "early"),
        (TUESDAY_10_S - 1801, "early"),
        (TUESDAY_10_S - 1800, "open"),
        (TUESDAY_10_S + 1800 + 3599, "open"),
        (TUESDAY_10_S + 1800 + 3600, "over"),
    ):
        found = await store.read(links.find, token, at)
        assert (found.state, found.participant_id, found.appointment_id) == (state, an, done.appointment_id), at
    for strange in ("", "x", "x" * 65, token[:-1], token + "A", "\ud800", "'; --"):
        assert (await store.read(links.find, strange, TUESDAY_10_S)).state == "unknown"
    assert await store.read(links.current, KEY, an) == token
    assert await store.read(links.current, links.LinkKey(b"o" * 32), an) is None
    assert await store.write(links.forget_over, TUESDAY_10_S + 1800 + 3600) == 2
