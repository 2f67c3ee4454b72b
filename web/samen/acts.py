"""What the panel says when a formal act does not work (balie.acts.service)."""

from __future__ import annotations

from balie.acts.errors import ActError
from balie.booking.errors import BookingError
from balie.i18n import gettext as _
from balie.payments.errors import ProviderError
from balie.reservations.errors import BackendError

TROUBLE = (ActError, BookingError, BackendError, ProviderError)
"""What formal acts may raise."""


def trouble_words(error: Exception) -> str:
    """For the citizen: what happened, and what to do now."""
    code = getattr(error, "code", "")
    said = {
        "slot_taken": _("Dit uur is net weg: iemand anders was eerst. Kies een ander."),
        "backend_refused": _("Dit uur kan niet. Kies een ander."),
        "backend_down": _("Het reservatiesysteem antwoordt niet. Wacht even en probeer opnieuw."),
        "no_backend": _("Hier kan nu niets gereserveerd worden. Vraag het aan de medewerker."),
        "no_provider": _("Online betalen kan hier nu niet. Vraag het aan de medewerker."),
        "provider_down": _("De betaalpagina antwoordt niet. Er is niets betaald. Wacht even en probeer opnieuw."),
        "provider_refused": _("De betaling kan niet beginnen. Er is niets betaald. Vraag het aan de medewerker."),
        "not_held": _("Uw reservatie wordt niet meer vastgehouden. Kies opnieuw een uur."),
        "reserved": _("Dit is al van u. U hoeft niets meer te doen."),
        "too_often": _("U koos al heel vaak opnieuw. Vraag hulp aan de medewerker."),
        "looked_too_often": _("U vroeg de uren heel vaak na elkaar op. Wacht even en probeer opnieuw."),
        "confirming": _("Uw reservatie wordt net bevestigd. Wacht even."),
        "paid": _("Dit is al betaald. U hoeft niets meer te doen."),
        "identify_first": _("Identificeer u eerst."),
        "not_citizen": _("Alleen wie de afspraak maakte, doet dit. U kunt wel meekijken."),
    }
    code = {"backend_nonsense": "backend_down", "provider_nonsense": "provider_down"}.get(code, code)
    return said.get(code, _("Dat kan nu niet meer. Kijk hoe het staat in de stappen."))
