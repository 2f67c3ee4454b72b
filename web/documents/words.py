"""What pages say of documents."""

from __future__ import annotations

from dataclasses import dataclass

from balie.documents.errors import DocumentError
from balie.documents.records import Document
from balie.i18n import decimal_words, moment_words
from balie.i18n import gettext as _

STATUS = {"over": 410, "unknown": 404, "size": 413, "busy": 429, "disk": 503}
"""HTTP status of what is wrong with an upload; 422 for the rest."""
MB, KB = 1_000_000, 1_000


def error_words(error: DocumentError, most: int) -> str:
    """Why a document was not taken, and what to do.  most: bytes of one."""
    return {
        "over": _("Deze afspraak is voorbij. Er kunnen geen documenten meer bij."),
        "no_step": _("Dit document wordt niet meer gevraagd. Kies het document opnieuw."),
        "none": _("Kies eerst een bestand."),
        "empty": _("Dit bestand is leeg. Kies een ander."),
        "size": _(
            "Dit bestand is te groot. Het mag hoogstens {size} zijn. Maak het kleiner, of stuur het in delen."
        ).format(size=size_words(most)),
        "full": _("Er staan al genoeg documenten bij deze afspraak. Haal er eerst een weg."),
        "type": _("Dit soort bestand kunnen we niet aannemen. Stuur een foto, een pdf of een tekstbestand."),
        "name": _(
            "De naam van dit bestand past niet bij wat erin zit. Bewaar het opnieuw op uw toestel en probeer nog eens."
        ),
        "macros": _("In dit bestand zitten macro’s. Bewaar het als pdf en stuur de pdf."),
        "bomb": _("Dit bestand wordt veel te groot als we het openen. Bewaar het als pdf en stuur de pdf."),
        "encrypted": _("Op dit bestand staat een wachtwoord. Bewaar het zonder wachtwoord en stuur het opnieuw."),
        "broken": _("Dit bestand is beschadigd. Bewaar het opnieuw op uw toestel en probeer nog eens."),
        "busy": _("Er komen net te veel documenten tegelijk binnen. Wacht even en probeer opnieuw."),
        "disk": _("We kunnen nu geen documenten bewaren. Wacht even en probeer opnieuw, of bel ons."),
    }.get(error.code, _("Dit document is er niet meer."))


def size_words(size: int) -> str:
    """20 MB, 1,4 MB, 340 kB"""
    if size >= 10 * MB or (size >= MB and size % MB == 0):
        return _("{n} MB").format(n=size // MB)
    if size >= MB:
        return _("{n} MB").format(n=decimal_words(size / MB))
    return _("{n} kB").format(n=max(1, size // KB))


@dataclass(frozen=True)
class Line:
    """A document in a list.

    tone      good, bad or nothing
    safe      somebody looked for viruses
    preview   it can be shown on the page
    by_us     of staff; own: whoever looks may take it back
    waits     the page should look again soon
    """

    id: int
    name: str
    about: str
    state: str
    tone: str
    open: bool
    safe: bool
    preview: bool
    by_us: bool
    own: bool
    waits: bool
    said: str


def line(each: Document, zone: str, *, staff: bool, own: bool, down: bool = False, sender: str = "") -> Line:
    """down: the scanner does not answer.  sender: who sent it, where that needs saying."""
    state, tone = _state(each, staff=staff, down=down)
    when = moment_words(each.created_s, zone)
    size = [size_words(each.size)] if each.size else []
    return Line(
        id=each.id,
        name=each.name,
        about=" · ".join([*([sender] if sender else []), *size, when]),
        state=state,
        tone=tone,
        open=each.open,
        safe=each.scanned_s is not None,
        preview=each.open and each.picture,
        by_us=each.direction == "out",
        own=own,
        waits=each.state in ("uploading", "scanning"),
        said=f"{each.name}: {state}" if state else each.name,
    )


def _state(each: Document, *, staff: bool, down: bool) -> tuple[str, str]:
    mine = (each.direction == "out") == staff
    match each.state:
        case "uploading":
            return _("wordt verstuurd"), ""
        case "scanning" if down and staff:
            return _("de virusscanner antwoordt niet, we proberen opnieuw"), "bad"
        case "scanning":
            return _("wordt gecontroleerd op virussen"), ""
        case "rejected" if each.reason == "infected":
            return _("geweigerd: er zat een virus in"), "bad"
        case "rejected":
            return _("geweigerd: de virusscanner kan het niet lezen"), "bad"
        case "available":
            return (_("verstuurd") if mine else _("ontvangen")), "good"
    return "", ""


def news_words(word: str) -> str:
    """What was done, by the word in the address."""
    return {
        "verstuurd": _("Uw document is verstuurd."),
        "weg": _("Het document is weg."),
    }.get(word, "")


def rejected_words() -> str:
    """For whoever sent something with a virus in it."""
    return _(
        "We hebben dit bestand gewist. Niemand heeft het geopend. Laat uw toestel nakijken, en stuur het document "
        "daarna opnieuw, bijvoorbeeld als foto."
    )
