"""What the door says of an appointment: who, when, how long, what to have ready."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from balie.booking import reading
from balie.booking.reading import Appointment
from balie.i18n import duration_words, local, moment_words, pick, quoted, time_words
from balie.i18n import gettext as _
from balie.staff import photos
from balie.store.engine import Tx
from balie.store.schema import participant
from web.citizen.chosen import checklist
from web.citizen.words import and_words
from web.desk.words import phone_words


@dataclass(frozen=True)
class Known:
    """An appointment, whose link it is, and a picture of the member of staff as a data: URL, "" for none."""

    appointment: Appointment
    participant_id: int
    photo: str


@dataclass(frozen=True)
class Welcome:
    """In the language of the page.

    host      the member of staff; "" where he reads it himself
    greeting  as the products have it, lines between them; "" for none
    phone     on which we could call him, as he reads it; "" for none
    """

    host: str
    initials: str
    photo_url: str
    service: str
    words: str
    greeting: str
    checklist: tuple[str, ...]
    lasts: str
    when: str
    phone: str


def known(tx: Tx, participant_id: int) -> Known:
    """NotFound."""
    row = tx.execute(select(participant.c.appointment_id).where(participant.c.id == participant_id)).first()
    appointment = reading.by_id(tx, row.appointment_id if row is not None else 0)
    return Known(appointment, participant_id, photos.url(tx, appointment.staff_id))


def locale_of(found: Known) -> str:
    """Of whose link it is."""
    return next((each.locale for each in found.appointment.people if each.id == found.participant_id), "")


def of_guest(found: Known, now_s: int) -> Welcome:
    """For a citizen, or somebody who comes along."""
    about = found.appointment
    citizen = about.citizen
    facts = {"when": _when(about, now_s), "names": _names(about), "citizen": citizen.name if citizen else ""}
    if citizen is None or citizen.id == found.participant_id:
        words = _("U hebt {when} een videogesprek over {names}.").format(**facts)
    else:
        words = _("{citizen} heeft {when} een videogesprek over {names}. U neemt deel.").format(**facts)
    phone = next((each.phone for each in about.people if each.id == found.participant_id), "")
    return _welcome(about, words, about.staff_name, found.photo, now_s, phone)


def of_staff(about: Appointment, now_s: int) -> Welcome:
    """For who works here: whom he speaks, and about what."""
    citizen = about.citizen
    facts = {"when": _when(about, now_s), "names": _names(about), "citizen": citizen.name if citizen else "…"}
    return _welcome(about, _("U spreekt {when} met {citizen} over {names}.").format(**facts), "", "", now_s)


def _welcome(about: Appointment, words: str, host: str, photo_url: str, now_s: int, phone: str = "") -> Welcome:
    lasts = duration_words((about.end_s - about.start_s) // 60)
    return Welcome(
        host=host,
        initials=initials(host),
        photo_url=photo_url,
        service=pick(about.service_names),
        words=words,
        greeting="\n".join(text for each in about.products if (text := pick(each.welcomes) if each.welcomes else "")),
        checklist=tuple(checklist(about.products)),
        lasts=_("Het gesprek duurt ongeveer {duration}.").format(duration=lasts),
        when=_("Uw afspraak is {when} en duurt ongeveer {duration}.").format(when=_when(about, now_s), duration=lasts),
        phone=phone_words(phone) if phone else "",
    )


def _when(about: Appointment, now_s: int) -> str:
    """om 14.30 uur; with the day when that is not today"""
    at = local(about.start_s, about.zone)
    if at.date() == local(now_s, about.zone).date():
        return _("om {time}").format(time=time_words(at))
    return _("op {moment}").format(moment=moment_words(about.start_s, about.zone))


def _names(about: Appointment) -> str:
    return and_words([quoted(pick(each.names)) for each in about.products])


def initials(name: str) -> str:
    """The letters that stand for a face: of the first and the last word."""
    words = name.split()
    return "".join(word[0] for word in [*words[:1], *words[1:][-1:]]).upper()
