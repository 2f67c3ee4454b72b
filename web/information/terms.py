"""How long personal data is kept, as /privacy says it: one line for the retention classes of balie.store.schema."""

from __future__ import annotations

from dataclasses import dataclass

from balie.i18n import gettext as _
from balie.i18n import ngettext


@dataclass(frozen=True)
class Term:
    """classes: of schema.RETENTION.  ours: balie erases it by itself; the municipality erases the rest."""

    classes: tuple[str, ...]
    what: str
    how_long: str
    ours: bool = False


def terms(document_days: int = 7) -> tuple[Term, ...]:
    """In the language of who asks.  The defaults of schema.RETENTION, in words; documents as the settings have it."""
    days = ngettext("{n} dag na uw afspraak", "{n} dagen na uw afspraak", document_days).format(n=document_days)
    return (
        Term((), _("Beeld en geluid van een gesprek"), _("We nemen niets op."), True),
        Term((), _("Wat u in een gesprek schrijft"), _("Tot het gesprek voorbij is."), True),
        Term(("claim",), _("Een uur dat u koos maar niet boekte"), _("10 minuten"), True),
        Term(("draft",), _("Wat u invulde voor een afspraak die u niet maakte"), _("2 uur"), True),
        Term(("link",), _("Uw persoonlijke link"), _("Tot uw afspraak voorbij, verzet of geannuleerd is."), True),
        Term(("invitation",), _("Dat we uw mening vroegen"), _("30 dagen na uw bezoek"), True),
        Term(("session",), _("Aanmeldingen van medewerkers"), _("Tot ze vervallen of ingetrokken worden."), True),
        Term(("document",), _("Documenten die u ons gaf of van ons kreeg"), days, True),
        Term(("contact",), _("Uw naam, e-mailadres en telefoonnummer"), _("90 dagen na uw afspraak")),
        Term(("visit",), _("Wie er was, en wat er afgesproken is"), _("90 dagen na uw afspraak")),
        Term(("appointment",), _("Dat er een afspraak was, en waarover"), _("2 jaar, na 90 dagen zonder namen")),
        Term(("message",), _("Berichten die we u stuurden"), _("2 jaar, de tekst 30 dagen")),
        Term(("evidence",), _("Of die berichten aankwamen"), _("6 maanden")),
        Term(("inbound",), _("Berichten die u ons stuurde"), _("90 dagen")),
        Term(
            ("hook",),
            _("Wat andere systemen van de gemeente van uw afspraak moeten weten"),
            _("30 dagen na verzending"),
        ),
        Term(("act",), _("Wat u reserveerde en betaalde"), _("2 jaar na uw afspraak, na 90 dagen zonder namen")),
        Term(
            ("task",),
            _("Wat we na een bericht of betaling nog moesten doen"),
            _("6 maanden, 2 jaar als het om geld ging"),
        ),
        Term(("identity",), _("Dat u zich identificeerde, en hoe"), _("90 dagen na uw afspraak")),
        Term(("accounting",), _("Rekeningen en betalingsbewijzen"), _("10 jaar")),
        Term(("survey",), _("Uw mening, zonder uw naam"), _("3 jaar")),
        Term(("audit",), _("Wie in het systeem iets veranderde"), _("5 jaar")),
        Term(("staff",), _("Gegevens van medewerkers"), _("Zolang iemand hier werkt.")),
    )
