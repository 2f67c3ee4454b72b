"""Invitations: read back by another reader, and put into mails as the big mail programs want them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from balie.post.calendar import METHODS, invitation
from balie.post.compose import letter
from balie.post.facts import Facts
from balie.post.mailing import mail
from balie.store.schema import MESSAGE_KINDS
from tests.support.letters import HELPER, PAGE, START_S, known
from tests.support.office import MONDAY_S
from tests.support.post_office import SENDER

TO = "an@burger.example"


def read(facts: Facts) -> tuple[str, Any]:
    """Method and event."""
    made = invitation(facts, SENDER, TO, MONDAY_S)
    assert made is not None
    calendar = Calendar.from_ical(made)
    assert isinstance(calendar, Calendar) and not calendar.errors
    (event,) = calendar.walk("VEVENT")
    assert isinstance(event, Event) and not event.errors
    return str(calendar["METHOD"]), event


def test_an_invitation_asks_one_person_for_one_time() -> None:
    method, event = read(known(uid="3f9c", sequence=2))
    assert method == "REQUEST"
    assert event["UID"] == "3f9c" and event["SEQUENCE"] == 2 and event["STATUS"] == "CONFIRMED"
    assert event["DTSTART"].dt == datetime(2026, 12, 8, 13, 30, tzinfo=UTC)
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(minutes=45)
    assert event["DTSTAMP"].dt.timestamp() == MONDAY_S
    assert str(event["ORGANIZER"]) == "mailto:balie@voorbeeldegem.example"
    assert event["ORGANIZER"].params["CN"] == "Gemeente Voorbeeldegem"
    attendee = event["ATTENDEE"]
    assert str(attendee) == f"mailto:{TO}"
    assert (attendee.params["RSVP"], attendee.params["PARTSTAT"]) == ("TRUE", "NEEDS-ACTION")


def test_a_calendar_learns_no_more_than_it_needs() -> None:
    made = invitation(known(), SENDER, TO, MONDAY_S)
    assert made is not None
    for private in ("An Peeters", "Badminton", "betaalkaart", "+32470123456", "K7XQ2M"):
        assert private not in made.decode().replace("\r\n ", "")


@pytest.mark.parametrize(
    ("modality", "place", "url"),
    [("video", PAGE, None), ("phone", "Per telefoon", PAGE), ("desk", "Dorpsplein 1, 9999 Voorbeeldegem", PAGE)],
)
def test_the_place_is_where_one_must_be(modality: str, place: str, url: str | None) -> None:
    _, event = read(known(modality=modality))
    assert event["LOCATION"] == place and event.get("URL") == url
    assert "+32 2 555 01 30" in event["DESCRIPTION"]


def test_a_move_is_the_same_event_later_said() -> None:
    _, first = read(known(sequence=0))
    _, moved = read(known("moved", sequence=1, start_s=START_S + 86_400, end_s=START_S + 87_300))
    assert moved["UID"] == first["UID"] and moved["SEQUENCE"] == first["SEQUENCE"] + 1
    assert moved["DTSTART"].dt > first["DTSTART"].dt


def test_a_cancellation_takes_it_away() -> None:
    method, event = read(known("cancelled", sequence=1))
    assert method == "CANCEL"
    assert event["STATUS"] == "CANCELLED" and event["SEQUENCE"] == 2 and event["UID"] == "3f9c"
    assert str(event["ATTENDEE"]) == f"mailto:{TO}" and "RSVP" not in event["ATTENDEE"].params
    assert "LOCATION" not in event and "URL" not in event


def test_who_need_not_come_any_more_can_be_asked_again() -> None:
    _, event = read(known("cancelled", role=HELPER, variant="removed", sequence=1))
    assert event["SEQUENCE"] == 1


def test_reminders_have_no_invitation() -> None:
    without = {kind for kind in MESSAGE_KINDS if invitation(known(kind), SENDER, TO, MONDAY_S) is None}
    assert without == {"reminder", "door_open", "reply", "goodbye", "survey", "recap", "receipt", "document"}
    assert METHODS.keys() == set(MESSAGE_KINDS) - without


TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=120)


@given(
    staff=TEXTS,
    organisation=TEXTS,
    address=TEXTS,
    start_s=st.integers(0, 2**32),
    minutes=st.integers(5, 600),
    sequence=st.integers(0, 500),
)
def test_any_invitation_is_read_back_as_it_was_meant(
    staff: str, organisation: str, address: str, start_s: int, minutes: int, sequence: int
) -> None:
    facts = known(
        staff=staff,
        organisation=organisation,
        address=address,
        modality="desk",
        start_s=start_s,
        end_s=start_s + minutes * 60,
        sequence=sequence,
    )
    made = invitation(facts, SENDER, TO, MONDAY_S)
    assert made is not None
    assert all(len(line) <= 75 for line in made.split(b"\r\n")), "RFC 5545 3.1"
    _, event = read(facts)
    assert event["SUMMARY"] == f"Afspraak met {staff}, {organisation}"
    assert event["LOCATION"] == address
    assert event["DTSTART"].dt.timestamp() == start_s and event["DTEND"].dt.timestamp() == start_s + minutes * 60
    assert event["SEQUENCE"] == sequence
    assert event.keys() == read(known(modality="desk"))[1].keys()


@given(st.text(max_size=60))
def test_no_text_becomes_another_property(text: str) -> None:
    """A line break in what somebody typed is no line break of the calendar."""
    _, event = read(known(staff=f"Bart{text}\r\nATTENDEE:mailto:x@elders.example", organisation=text or "x"))
    assert str(event["ATTENDEE"]) == f"mailto:{TO}"


@pytest.mark.parametrize(("kind", "method"), METHODS.items())
def test_a_mail_has_it_as_an_alternative_and_as_a_file(kind: str, method: str) -> None:
    facts = known(kind)
    made = invitation(facts, SENDER, TO, MONDAY_S)
    assert made is not None
    parsed: Any = message_from_bytes(
        mail(letter(facts), made, facts, SENDER, "e" * 32, TO, MONDAY_S), policy=policy.default
    )
    assert parsed.get_content_type() == "multipart/mixed"
    alternative, file = parsed.iter_parts()
    plain, html, calendar = alternative.iter_parts()
    assert [part.get_content_type() for part in (alternative, plain, html, calendar)] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    assert calendar.get_param("method") == method and calendar.get_content_charset() == "utf-8"
    assert file.get_content_type() == "application/ics" and file.get_filename() == "afspraak.ics"
    assert file.get_content() == made and calendar.get_content().encode() == made


def test_a_mail_without_invitation_is_simply_two_alternatives() -> None:
    facts = known("reminder")
    parsed = message_from_bytes(mail(letter(facts), None, facts, SENDER, "e" * 32, TO, MONDAY_S))
    assert parsed.get_content_type() == "multipart/alternative"
