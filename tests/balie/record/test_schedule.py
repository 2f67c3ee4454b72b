"""Which messages become due to whom, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import update

from balie.record import schedule
from balie.record.schedule import reminder_s
from balie.store.engine import Store, Tx
from balie.store.schema import message, participant, product
from tests.support import office
from tests.support.arranged import DAUGHTER, Arranged, Somebody, arrange, entropy, join
from tests.support.office import MONDAY_S, ZONE, unix_s
from tests.support.post_office import messages, story

START_S = unix_s("2026-12-15T14:30")
CHANCE = entropy(7)


def due(tx: Tx, *people: int) -> list[tuple[str, str, int]]:
    """(kind, variant, when) of what waits, of some participants or of all."""
    rows = [row for row in messages(tx, status="scheduled") if not people or row.participant_id in people]
    return [(row.kind, row.variant, row.due_s) for row in rows]


def booked(tx: Tx, /, people: tuple[Somebody, ...] = (Somebody(),), start_s: int = START_S, **more: Any) -> Arranged:
    made = arrange(tx, office.found(tx), start_s, people, **more)
    schedule.booked(tx, MONDAY_S, CHANCE, made.id)
    return made


async def test_a_booking_is_confirmed_at_once_and_reminded_of(store: Store) -> None:
    await store.write(booked)
    assert await store.read(due) == [
        ("confirmation", "", MONDAY_S),
        ("door_open", "10", START_S - 600),
        ("reminder", "120", START_S - 7200),
        ("reminder", "2880", START_S - 2 * 86_400),
        ("reminder", "10080", START_S - 7 * 86_400),
    ]


async def test_everybody_is_written_to_by_what_he_has_and_in_his_language(store: Store) -> None:
    people = (
        Somebody(),
        DAUGHTER,
        Somebody("Jan", "", "+32470111111", "en", "carer"),
        Somebody("Niemand", "", "", "de", "other"),
    )
    made = await store.write(booked, people)
    rows = await store.read(messages, due_s=MONDAY_S)
    assert [(row.participant_id, row.kind, row.channel, row.recipient, row.locale) for row in rows] == [
        (made.people[0], "confirmation", "mail", "an@burger.example", "nl"),
        (made.people[1], "helper_added", "mail", "lies@burger.example", "fr"),
        (made.people[2], "helper_added", "sms", "+32470111111", "en"),
    ]


async def test_every_message_has_an_envelope_of_its_own(store: Store) -> None:
    await store.write(booked, (Somebody(), DAUGHTER))
    envids = [row.envid for row in await store.read(messages)]
    assert len(set(envids)) == len(envids) == 10
    assert {len(envid) for envid in envids} == {32}
    assert all(envid == envid.lower() for envid in envids), "mail servers may write a local part in lower case"


async def test_reminders_whose_time_is_past_are_left_out(store: Store) -> None:
    await store.write(booked, start_s=MONDAY_S + 7200)
    assert await store.read(due) == [("confirmation", "", MONDAY_S), ("door_open", "10", MONDAY_S + 6600)]


async def test_reminders_of_several_products_are_those_of_all_each_once(store: Store) -> None:
    def several(tx: Tx) -> None:
        desk = office.found(tx)
        tx.execute(update(product).where(product.c.id == desk.badminton).values(reminder_min=[60, 10]))
        tx.execute(update(product).where(product.c.id == desk.permit).values(reminder_min=[10, 1440, 0]))
        made = arrange(tx, desk, START_S, products=(desk.badminton, desk.permit))
        schedule.booked(tx, MONDAY_S, CHANCE, made.id)

    await store.write(several)
    assert [variant for _, variant, _ in await store.read(due)] == ["", "10", "60", "1440"]


async def test_a_move_takes_the_reminders_along(store: Store) -> None:
    def move(tx: Tx) -> tuple[Arranged, Arranged]:
        desk = office.found(tx)
        old = arrange(tx, desk, START_S)
        schedule.booked(tx, MONDAY_S, CHANCE, old.id)
        new = arrange(tx, desk, START_S + 86_400, supersedes=old.id, sequence=1)
        schedule.moved(tx, MONDAY_S + 60, CHANCE, old.id, new.id)
        return old, new

    old, new = await store.write(move)
    assert await store.read(due, *old.people) == []
    assert await store.read(due, *new.people) == [
        ("moved", "", MONDAY_S + 60),
        ("door_open", "10", START_S + 86_400 - 600),
        ("reminder", "120", START_S + 86_400 - 7200),
        ("reminder", "2880", START_S - 86_400),
        ("reminder", "10080", START_S - 6 * 86_400),
    ]


async def test_a_cancellation_is_all_that_is_still_said(store: Store) -> None:
    def cancel(tx: Tx) -> Arranged:
        made = booked(tx, (Somebody(), DAUGHTER))
        schedule.cancelled(tx, MONDAY_S + 60, CHANCE, made.id)
        return made

    await store.write(cancel)
    assert await store.read(due) == [("cancelled", "", MONDAY_S + 60)] * 2
    withdrawn = await store.read(messages, status="cancelled")
    assert len(withdrawn) == 10
    assert await store.read(story, withdrawn[0].id) == ["cancelled"]


@pytest.mark.parametrize("status", ["submitted", "handing_over", "unresolved", "failed", "delivered"])
async def test_what_left_or_may_have_left_is_not_called_withdrawn(store: Store, status: str) -> None:
    def cancel(tx: Tx) -> None:
        made = booked(tx)
        tx.execute(update(message).where(message.c.kind == "confirmation").values(status=status))
        schedule.cancelled(tx, MONDAY_S + 60, CHANCE, made.id)

    await store.write(cancel)
    assert [row.status for row in await store.read(messages, kind="confirmation")] == [status]


async def test_a_message_that_left_and_is_delayed_somewhere_is_not_withdrawn(store: Store) -> None:
    def cancel(tx: Tx) -> None:
        made = booked(tx)
        confirmation = message.c.kind == "confirmation"
        tx.execute(update(message).where(confirmation).values(status="deferred", submitted_s=MONDAY_S))
        schedule.cancelled(tx, MONDAY_S + 60, CHANCE, made.id)

    await store.write(cancel)
    assert [row.status for row in await store.read(messages, kind="confirmation")] == ["deferred"]


async def test_changes_of_modality_are_each_told_and_an_untold_one_is_overtaken(store: Store) -> None:
    def change(tx: Tx) -> None:
        made = booked(tx)
        schedule.changed(tx, MONDAY_S + 60, CHANCE, made.id)
        schedule.changed(tx, MONDAY_S + 120, CHANCE, made.id)
        tx.execute(update(message).where(message.c.kind == "changed").values(status="submitted"))
        schedule.changed(tx, MONDAY_S + 180, CHANCE, made.id)

    await store.write(change)
    rows = await store.read(messages, kind="changed")
    assert [(row.variant, row.due_s) for row in rows] == [
        ("", MONDAY_S + 60),
        ("1", MONDAY_S + 120),
        ("2", MONDAY_S + 180),
    ]
    assert len(await store.read(due)) == 6, "confirmation and reminders stay"


async def test_an_untold_change_is_withdrawn_by_the_next(store: Store) -> None:
    def change(tx: Tx) -> None:
        made = booked(tx)
        schedule.changed(tx, MONDAY_S + 60, CHANCE, made.id)
        schedule.changed(tx, MONDAY_S + 120, CHANCE, made.id)

    await store.write(change)
    rows = await store.read(messages, kind="changed")
    assert [row.status for row in rows] == ["cancelled", "scheduled"]


async def test_a_helper_who_comes_later_is_told_and_reminded(store: Store) -> None:
    def add(tx: Tx) -> int:
        made = booked(tx)
        helper = join(tx, made.id, START_S, DAUGHTER, entropy(3))
        schedule.helper_added(tx, MONDAY_S + 60, CHANCE, helper)
        return helper

    helper = await store.write(add)
    kinds = [kind for kind, _, _ in await store.read(due, helper)]
    assert kinds == ["helper_added", "door_open", "reminder", "reminder", "reminder"]


@pytest.mark.parametrize(("heard", "told"), [(False, []), (True, [("cancelled", "removed", MONDAY_S + 60)])])
async def test_a_helper_who_is_removed_hears_it_only_if_he_heard_of_it(
    store: Store, heard: bool, told: list[tuple[str, str, int]]
) -> None:
    def remove(tx: Tx) -> Arranged:
        made = booked(tx, (Somebody(), DAUGHTER))
        if heard:
            tx.execute(update(message).where(message.c.kind == "helper_added").values(status="submitted"))
        tx.execute(update(participant).where(participant.c.id == made.people[1]).values(removed_s=MONDAY_S + 60))
        schedule.helper_removed(tx, MONDAY_S + 60, CHANCE, made.people[1])
        return made

    made = await store.write(remove)
    assert await store.read(due, made.people[1]) == told
    assert len(await store.read(due, made.people[0])) == 5


async def test_who_was_removed_hears_nothing_more(store: Store) -> None:
    def go_on(tx: Tx) -> Arranged:
        made = booked(tx, (Somebody(), DAUGHTER))
        tx.execute(update(participant).where(participant.c.id == made.people[1]).values(removed_s=MONDAY_S + 60))
        schedule.helper_removed(tx, MONDAY_S + 60, CHANCE, made.people[1])
        schedule.changed(tx, MONDAY_S + 90, CHANCE, made.id)
        schedule.cancelled(tx, MONDAY_S + 120, CHANCE, made.id)
        return made

    made = await store.write(go_on)
    assert await store.read(due) == [("cancelled", "", MONDAY_S + 120)]
    assert await store.read(due, made.people[1]) == []


async def test_again_is_another_message_to_the_same_or_another_address(store: Store) -> None:
    def repeat(tx: Tx) -> None:
        booked(tx, (Somebody(phone="+32470123456"),))
        first = messages(tx, kind="reminder", variant="120")[0].id
        second = schedule.again(tx, MONDAY_S + 60, CHANCE, first)
        assert second is not None
        schedule.again(tx, MONDAY_S + 120, CHANCE, second, recipient="an@elders.example")
        schedule.again(tx, MONDAY_S + 180, CHANCE, first, channel="sms")

    await store.write(repeat)
    rows = await store.read(messages, kind="reminder")
    assert [(row.variant, row.channel, row.recipient, row.due_s) for row in rows if row.variant.startswith("120")] == [
        ("120", "mail", "an@burger.example", START_S - 7200),
        ("120+1", "mail", "an@burger.example", MONDAY_S + 60),
        ("120+2", "mail", "an@elders.example", MONDAY_S + 120),
        ("120", "sms", "+32470123456", MONDAY_S + 180),
    ]


async def test_again_without_an_address_for_the_channel_is_nothing(store: Store) -> None:
    def repeat(tx: Tx) -> int | None:
        booked(tx)
        return schedule.again(tx, MONDAY_S, CHANCE, messages(tx)[0].id, channel="sms")

    assert await store.write(repeat) is None
    assert len(await store.read(messages)) == 5


async def test_answers_are_mails_of_their_own(store: Store) -> None:
    def write(tx: Tx) -> None:
        made = booked(tx, (Somebody(), Somebody("Jan", "", "+32470111111", role="carer")))
        for text in ("Ja.", "Toch niet."):
            assert schedule.answer(tx, MONDAY_S, CHANCE, made.people[0], "Re: uur", text, "<a@b>") is not None
        assert schedule.answer(tx, MONDAY_S, CHANCE, made.people[1], "Re: uur", "Ja.") is None

    await store.write(write)
    rows = await store.read(messages, kind="reply")
    assert [row.data for row in rows] == [
        {"subject": "Re: uur", "text": text, "in_reply_to": "<a@b>"} for text in ("Ja.", "Toch niet.")
    ]


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2027-03-29T09:00", 1440, "2027-03-28T09:00"),
        ("2027-03-28T09:00", 1440, "2027-03-27T09:00"),  # only 23 hours earlier
        ("2027-11-01T09:00", 2880, "2027-10-30T09:00"),  # 49 hours earlier
        ("2027-03-28T03:30", 120, "2027-03-28T00:30"),  # two hours, one of which does not exist
        ("2027-03-29T02:30", 1440, "2027-03-28T03:30"),  # half past two does not exist that day
        ("2026-12-08T14:30", 1450, "2026-12-07T14:20"),
    ],
)
def test_reminders_over_a_change_of_the_clock(start: str, minutes: int, expected: str) -> None:
    assert reminder_s(unix_s(start), ZONE, minutes) == unix_s(expected)


@given(st.integers(unix_s("2026-01-01T00:00"), unix_s("2029-01-01T00:00")), st.integers(1, 20_160))
@example(unix_s("2027-10-31T03:00") - 3600, 1)  # the second two o'clock of that night
def test_a_reminder_comes_before_and_about_when_it_should(start_s: int, minutes: int) -> None:
    early_s = start_s - reminder_s(start_s, ZONE, minutes)
    assert early_s > 0
    assert abs(early_s - minutes * 60) <= 3600
    if minutes < 1440:
        assert early_s == minutes * 60


async def test_a_second_confirmation_of_one_appointment_is_impossible(store: Store) -> None:
    """By constraint: whatever calls this twice."""

    def twice(tx: Tx) -> None:
        made = booked(tx)
        schedule.booked(tx, MONDAY_S, CHANCE, made.id)

    with pytest.raises(Exception, match="(?i)unique"):
        await store.write(twice)
    assert await store.read(messages) == []
