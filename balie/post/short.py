"""What a text message says, in 160 characters: what and when, the link, and a telephone number while there is room.

A text message stands on a locked screen, so it names nobody.  Characters outside the alphabet of GSM (3GPP TS 23.038)
would make it one of 70 characters: they lose their accents.
"""

from __future__ import annotations

import unicodedata

from balie.i18n import gettext as _
from balie.i18n import local, short_day_words, time_words
from balie.post.facts import Facts

LENGTH_MAX = 160
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE = frozenset("^{}\\[~]|€")
"""These take the room of two."""


def text(facts: Facts) -> str:
    """At most LENGTH_MAX long, unless link and time alone are longer: then it goes as two."""
    parts = [_what(facts), _link(facts)]
    call = _("Bel {phone}").format(phone=facts.desk_phone) if facts.desk_phone else ""
    richest_first = ([facts.organisation + ":", *parts, call], [*parts, call], parts)
    written = [gsm(" ".join(part for part in each if part)) for each in richest_first]
    return next((each for each in written if length(each) <= LENGTH_MAX), written[-1])


def length(written: str) -> int:
    """Of a text in the alphabet of GSM."""
    return len(written) + sum(each in GSM_TWICE for each in written)


def gsm(written: str) -> str:
    return "".join(each if each in GSM or each in GSM_TWICE else _plain(each) for each in written)


def _plain(character: str) -> str:
    """A character without its accent, or a question mark."""
    if character in "‘’‛":
        return "'"
    if character.isspace():
        return " "
    bare = "".join(each for each in unicodedata.normalize("NFKD", character) if each in GSM)
    return bare or ("-" if unicodedata.category(character) == "Pd" else "?")


def _link(facts: Facts) -> str:
    if facts.kind in ("goodbye", "survey"):
        return f"{facts.site}/afspraak/nieuw" if facts.missed else facts.goodbye
    if facts.kind == "document":
        return facts.papers
    return facts.door if facts.kind == "door_open" and facts.modality == "video" else facts.page


def _what(facts: Facts) -> str:
    at = local(facts.start_s, facts.zone)
    when = {"day": short_day_words(at.date()), "time": time_words(at)}
    match facts.kind:
        case "reminder":
            return _("Herinnering: afspraak {day}, {time}{how}.").format(**when, how=_how(facts))
        case "door_open" if facts.modality == "video":
            return _("De deur is open. Uw gesprek begint om {time}.").format(**when)
        case "door_open":
            return _("Straks, om {time}: uw afspraak{how}.").format(**when, how=_how(facts))
        case "moved":
            return _("Uw afspraak is verzet naar {day}, {time}{how}.").format(**when, how=_how(facts))
        case "changed":
            return _("Uw afspraak {day}, {time} is nu{how}.").format(**when, how=_how(facts))
        case "cancelled":
            return _("De afspraak {day}, {time} gaat niet door.").format(**when)
        case "goodbye" if facts.missed:
            return _("Uw afspraak {day} ging niet door. Maak een nieuwe.").format(**when)
        case "goodbye" if facts.given and not facts.steps:
            return _("Er staat een document voor u klaar.")
        case "goodbye":
            return _("Na uw gesprek: kijk na wat we afspraken.")
        case "survey":
            return _("Hoe was uw gesprek? U mag het ons zeggen.")
        case "recap":
            return _("Wat u deed in uw gesprek: vraag het ons gerust na.")
        case "receipt" if facts.receipt is not None:
            what = {"amount": facts.receipt.total, "number": facts.receipt.number}
            if facts.receipt.kind == "credit":
                return _("We betaalden u {amount} terug, nummer {number}.").format(**what)
            return _("We ontvingen {amount}, nummer {number}.").format(**what)
        case "document" if facts.data.get("what") == "asked":
            return _("We vragen u een document voor uw afspraak.")
        case "document":
            return _("Er staat een document voor u klaar.")
        case "reply":
            return str(facts.data["text"])
        case _:
            return _("Afspraak {day}, {time}{how}.").format(**when, how=_how(facts))


def _how(facts: Facts) -> str:
    match facts.modality:
        case "video":
            return _(" met beeld en geluid")
        case "phone":
            return _(" per telefoon")
        case _:
            return _(" aan het loket")
