"""What happened to an appointment, line by line, as one colleague would tell another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from balie.booking.reading import Appointment, Step
from balie.i18n import gettext as _
from balie.i18n import moment_words
from balie.staff.messages import Sent
from web.desk import act_words, words
from web.identity import words as identity_words
from web.samen import words as samen_words

SILENT = ("cancelled",)
"""Events of messages that say nothing to a reader: what was not sent any more."""


@dataclass(frozen=True)
class Told:
    """tone: good, bad or nothing.  link: where there is more to read."""

    when: str
    what: str
    who: str
    tone: str = ""
    link: str = ""


def told(steps: Iterable[Step], found: Appointment, names: Mapping[str, str]) -> list[Told]:
    """The latest first.  names: of staff and participants, as balie.staff.agenda.names() gives them."""
    lines = []
    for each in steps:
        if each.source == "message" and each.kind in SILENT:
            continue
        when = moment_words(each.at_s, found.zone)
        match each.source:
            case "audit":
                lines.append(Told(when, _act_words(each), _actor_words(each.actor, names), _act_tone(each.kind)))
            case "message":
                lines.append(_of_message(when, each, names))
            case _:
                lines.append(_of_letter(when, each))
    return lines[::-1]


def message_told(each: Sent, zone: str) -> dict[str, str]:
    return {
        "what": words.message_words(each.kind, each.channel, each.recipient),
        "who": each.name,
        "when": moment_words(each.at_s, zone),
        "evidence": words.evidence_words(each.status, each.read_evidence, each.channel),
        "tone": words.evidence_tone(each.status, each.read_evidence),
    }


def _actor_words(actor: str, names: Mapping[str, str]) -> str:
    if actor in names:
        return names[actor]
    if actor.startswith("provider:"):
        return _("de betaaldienst")
    return {"citizen": _("de burger"), "system": _("het systeem")}.get(actor, _("een ander systeem"))


def _act_words(step: Step) -> str:
    detail = step.detail
    match step.kind:
        case "booked":
            channel = words.channels().get(str(detail.get("channel")), "")
            return _("Geboekt via {channel}").format(channel=channel)
        case "changed":
            return _("Gewijzigd: {how}").format(how=words.modalities().get(str(detail.get("modality")), ""))
        case "cancelled":
            return _("Geannuleerd door de burger") if detail.get("by") == "citizen" else _("Geannuleerd door ons")
        case "helper_added" | "helper_removed":
            role = words.roles().get(str(detail.get("role")), "")
            added = step.kind == "helper_added"
            return (_("Komt mee: {role}") if added else _("Komt niet meer mee: {role}")).format(role=role)
    return {
        "rescheduled": _("Verzet naar een ander tijdstip"),
        "confirmed": _("Bevestigd: de burger komt"),
        "link_resent": _("Link opnieuw verzonden"),
        "phone_changed": _("Telefoonnummer gewijzigd"),
        "transferred": _("Doorgegeven aan een collega"),
        "checked_in": _("Binnengekomen in de wachtkamer"),
        "in_call": _("Het gesprek begon"),
        "completed": _("Het gesprek is afgelopen"),
        "no_show_citizen": _("De burger was er niet"),
        "no_show_office": _("Wij waren er niet"),
        "attendance_corrected": _("Verbeterd wie er was"),
        "step_added": _("Volgende stap toegevoegd"),
        "step_changed": _("Volgende stap gewijzigd"),
        "step_removed": _("Volgende stap weggehaald"),
        "step_done": _("Volgende stap klaar"),
        "step_open": _("Volgende stap toch niet klaar"),
        "wrapped_up": _("Afgerond"),
        "wrap_up_reopened": _("Opnieuw geopend"),
        "hook.replayed": _("Koppeling: opnieuw verzonden"),
        "hook.skipped": _("Koppeling: overgeslagen"),
        "call_asked": _("Gevraagd om gebeld te worden"),
        "task.retried": _("Taak: bericht opnieuw verzonden"),
        "task.channel_switched": _("Taak: bericht per sms verzonden"),
        "task.phoned": _("Taak: de burger gebeld"),
        "task.closed": _("Taak afgesloten"),
        "letter.assigned": _("Antwoord toegewezen"),
        "letter.linked": _("Antwoord gekoppeld aan deze afspraak"),
        "letter.answered": _("Antwoord verstuurd aan de burger"),
        "letter.closed": _("Antwoord afgesloten"),
        **act_words.history(),
        **identity_words.history(),
        **samen_words.history(),
    }.get(step.kind, _("Aangepast"))


def _act_tone(kind: str) -> str:
    return "bad" if kind == "cancelled" else "good" if kind in ("booked", "confirmed") else ""


_MESSAGE_TONES = {
    "delivered": "good",
    "displayed": "good",
    "rsvp_accepted": "good",
    "link_opened": "good",
    "confirmed": "good",
    "joined": "good",
    "failed": "bad",
    "unresolved": "bad",
    "suppressed": "bad",
    "rsvp_declined": "bad",
}


def _of_message(when: str, step: Step, names: Mapping[str, str]) -> Told:
    what = words.kinds().get(str(step.detail.get("of")), "")
    of_mail = {
        "delivered": _("afgeleverd bij mailserver"),
        "deferred": _("de mailserver vraagt later opnieuw te proberen"),
    }
    of_text = {
        "delivered": _("aangekomen op de telefoon"),
        "deferred": _("nog niet verzonden – we proberen opnieuw"),
    }
    by_text = step.detail.get("channel") == "sms"
    if by_text:
        what = _("{what} per sms").format(what=what)
    happened = (of_text if by_text else of_mail) | {
        "submitted": _("verzonden"),
        "sent": _("verzonden"),
        "relayed": _("doorgegeven aan een andere mailserver"),
        "expanded": _("doorgegeven aan een verdeellijst"),
        "delayed": _("vertraagd bij de mailserver"),
        "failed": _("niet afgeleverd"),
        "unresolved": _("niet zeker of het verzonden is"),
        "suppressed": _("niet verzonden: dit adres bestaat niet"),
        "displayed": _("geopend, zegt het mailprogramma"),
        "not_displayed": _("gewist zonder te openen, zegt het mailprogramma"),
        "auto_reply": _("automatisch antwoord ontvangen"),
        "answered": _("beantwoord per mail"),
        "link_opened": _("afspraak bekeken"),
        "confirmed": _("bevestigd door burger"),
        "joined": _("kwam naar het gesprek"),
        "rsvp_accepted": _("aanvaard in de agenda"),
        "rsvp_declined": _("geweigerd in de agenda"),
        "rsvp_tentative": _("misschien, zegt de agenda"),
    }
    who = names.get(f"participant:{step.detail.get('participant_id')}", "")
    told = happened.get(step.kind, _("bericht van de mailserver"))
    return Told(when, f"{what}: {told}", who, _MESSAGE_TONES.get(step.kind, ""))


def _of_letter(when: str, step: Step) -> Told:
    link = f"/balie/taken/antwoorden/{step.detail['id']}"
    if step.kind == "human":
        return Told(
            when, _("Antwoord van de burger: {subject}").format(subject=step.detail["subject"]), "", "good", link
        )
    return Told(when, _("Automatische mail ontvangen"), "", "", link)
