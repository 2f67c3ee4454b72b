"""Invitations for calendars (iCalendar RFC 5545, iTIP RFC 5546), with as little in them as a calendar needs.

Calendars are shared with colleagues and family, so what the appointment is about stays out.  Times are in UTC: Outlook,
Gmail and Apple all show those in the reader's zone, while each has its own idea of VTIMEZONE.  The organiser is one
address, the same for all messages of an appointment: calendars take an update from nobody else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from balie.i18n import gettext as _
from balie.post.facts import Facts, Sender

if TYPE_CHECKING:
    from icalendar import Event

Method = Literal["REQUEST", "CANCEL"]

METHODS: dict[str, Method] = {
    "confirmation": "REQUEST",
    "helper_added": "REQUEST",
    "moved": "REQUEST",
    "changed": "REQUEST",
    "cancelled": "CANCEL",
}
"""By kind of message.  A reminder has none: some calendars would show the appointment as new."""


def invitation(facts: Facts, sender: Sender, attendee: str, now_s: int) -> bytes | None:
    """The calendar part of a message, or None when its kind has none.  attendee: the reader's mail address."""
    method = METHODS.get(facts.kind)
    if method is None:
        return None
    # With the first invitation: 3 MB, which a counter that sends no mail never gives.
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("PRODID", "-//balie//balie//NL")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    calendar.add_component(_event(facts, sender, attendee, method, now_s))
    return bytes(calendar.to_ical())


def _event(facts: Facts, sender: Sender, attendee: str, method: Method, now_s: int) -> Event:
    from icalendar import Event, vCalAddress

    event = Event()
    event.add("UID", facts.uid)
    event.add("SEQUENCE", _sequence(facts))
    event.add("DTSTAMP", _utc(now_s))
    event.add("DTSTART", _utc(facts.start_s))
    event.add("DTEND", _utc(facts.end_s))
    event.add("SUMMARY", _("Afspraak met {staff}, {organisation}").format(**_who(facts)))
    event.add("STATUS", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("CLASS", "PRIVATE")
    organizer = vCalAddress(f"mailto:{sender.reply_address}")
    organizer.params["CN"] = sender.name
    event.add("ORGANIZER", organizer)
    person = vCalAddress(f"mailto:{attendee}")
    person.params.update({"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION"})
    if method == "REQUEST":
        person.params["RSVP"] = "TRUE"
        event.add("LOCATION", _place(facts))
        event.add("DESCRIPTION", _("Lukt het niet? Bel {phone}.").format(phone=facts.desk_phone))
        if facts.page and facts.modality != "video":
            event.add("URL", facts.page)
    event.add("ATTENDEE", person)
    return event


def _who(facts: Facts) -> dict[str, str]:
    return {"staff": facts.staff, "organisation": facts.organisation}


def _place(facts: Facts) -> str:
    """Of a conversation by video its link: that is what Gmail and Outlook show there, and make a button of."""
    match facts.modality:
        case "video":
            return facts.page
        case "desk":
            return facts.address
        case _:
            return _("Per telefoon")


def _sequence(facts: Facts) -> int:
    """A cancellation comes after all that was said (RFC 5546 3.2.5); who need not come any more may be asked again."""
    whole = facts.kind == "cancelled" and not facts.variant.startswith("removed")
    return facts.sequence + (1 if whole else 0)


def _utc(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
