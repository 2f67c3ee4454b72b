"""What citizens' pages call things, and how they say what is wrong."""

from __future__ import annotations

from collections.abc import Iterable

from balie.booking.errors import BookingError
from balie.booking.people import LABEL_MAX, NAME_MAX
from balie.i18n import gettext as _
from balie.i18n import pgettext


def ways() -> dict[str, str]:
    """The modalities of an appointment, as one chooses between them."""
    return {"video": _("Met beeld en geluid"), "phone": _("Aan de telefoon"), "desk": _("Aan ons loket")}


def ways_words(modalities: Iterable[str]) -> str:
    """videogesprek, telefoon of loket"""
    short = {"video": _("videogesprek"), "phone": _("telefoon"), "desk": _("loket")}
    allowed = set(modalities)
    return listed([word for way, word in short.items() if way in allowed], _(" of "))


def roles() -> dict[str, str]:
    """Who somebody may bring along."""
    return {
        "family": _("Familie"),
        "carer": _("Mantelzorger"),
        "interpreter": _("Tolk"),
        "other": pgettext("person", "Iemand anders"),
    }


def listed(words: list[str], last: str) -> str:
    """a, b and c"""
    return last.join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def and_words(words: list[str]) -> str:
    return listed(words, _(" en "))


def wrong(error: BookingError, *, own: bool = False) -> str:
    """What is wrong with something that somebody filled in, and what to do.  own: of himself."""
    found = {
        "name_missing": _("Vul een naam in."),
        "name_too_long": _("Deze naam is te lang: er passen {most} tekens in. Kort hem in.").format(most=NAME_MAX),
        "name_unprintable": _("In deze naam staat een teken dat we niet kunnen lezen. Typ hem opnieuw, op één regel."),
        "label_too_long": _("Dit is te lang: er passen {most} tekens in. Kort het in.").format(most=LABEL_MAX),
        "mail_invalid": _("Dit e-mailadres klopt niet. Een adres ziet eruit als naam@voorbeeld.be."),
        "phone_invalid": _("Dit nummer klopt niet. Een Belgisch gsm-nummer ziet eruit als 0470 12 34 56."),
        "contact_missing": _("Vul een e-mailadres of een gsm-nummer in."),
        "mail_missing": _("Vul een e-mailadres in. We kunnen geen sms sturen."),
        "role_unknown": _("Kies wie deze persoon is."),
        "helpers_too_many": _("Er kan niemand meer bij. Haal eerst iemand anders weg, of bel ons."),
        "person_not_found": _("Deze persoon komt al niet meer mee."),
    }
    own_words = {
        "name_missing": _("Vul uw naam in."),
        "name_too_long": _("Uw naam is te lang: er passen {most} tekens in. Kort hem in.").format(most=NAME_MAX),
        "name_unprintable": _("In uw naam staat een teken dat we niet kunnen lezen. Typ hem opnieuw, op één regel."),
        "mail_invalid": _("Uw e-mailadres klopt niet. Een adres ziet eruit als naam@voorbeeld.be."),
        "phone_invalid": _("Uw nummer klopt niet. Een Belgisch gsm-nummer ziet eruit als 0470 12 34 56."),
        "contact_missing": _("Vul uw e-mailadres of uw gsm-nummer in."),
        "mail_missing": _("Vul uw e-mailadres in. We kunnen geen sms sturen."),
    }
    if own and error.code in own_words:
        return own_words[error.code]
    return found.get(error.code) or _("Dit klopt niet. Kijk het na, of bel ons.")
