"""What went wrong with an identification, for who stands before it and for staff who help him."""

from __future__ import annotations

from balie.i18n import gettext as _


def for_citizen(code: str) -> str:
    """What happened, and what he can do now.  code: of balie.identity.errors."""
    match code:
        case "aborted":
            return _("U hebt het afgebroken. Dat mag: u kunt het straks opnieuw doen.")
        case "provider_down":
            return _(
                "De dienst waarmee u toont wie u bent, antwoordt nu niet. Probeer het over enkele minuten opnieuw."
            )
        case "login_unknown" | "request_over":
            return _("Dit is al gedaan, of het duurde te lang. Kijk op uw andere pagina of het gelukt is.")
        case "other_browser":
            return _("U begon in een andere browser. Ga verder in de browser waarin u begon, of begin hier opnieuw.")
        case "acr_missing" | "acr_low":
            return _(
                "De manier waarop u zich toonde, is hiervoor niet sterk genoeg. Kies een andere, zoals itsme of eID."
            )
        case "token_expired" | "issued_wrong":
            return _("Het duurde te lang. Begin opnieuw.")
        case "name_missing":
            return _("We kregen geen naam door. Kies een andere manier, of vraag hulp aan de medewerker.")
        case "not_configured":
            return _("U kunt zich hier nog niet online identificeren. De medewerker helpt u op een andere manier.")
        case _:
            return _("We kregen een antwoord dat we niet kunnen vertrouwen. Er is niets bewaard. Begin opnieuw.")


def for_staff(code: str) -> str:
    """The same for who helps him: short, and what to do.  code: of balie.identity.errors."""
    match code:
        case "aborted":
            return _("afgebroken door de burger")
        case "provider_down":
            return _("de identiteitsdienst antwoordt niet: probeer het straks opnieuw")
        case "login_unknown" | "request_over":
            return _("te laat, of al gebruikt: laat de burger opnieuw beginnen")
        case "other_browser":
            return _("de burger kwam terug in een andere browser: laat hem opnieuw beginnen")
        case "acr_missing" | "acr_low":
            return _("het niveau is te laag: de burger kiest beter itsme of eID")
        case "token_expired" | "issued_wrong":
            return _("het antwoord kwam te laat: laat de burger opnieuw beginnen")
        case "name_missing":
            return _("de identiteitsdienst gaf geen naam door")
        case "not_configured":
            return _("er is geen identiteitsdienst ingesteld: vraag het aan uw beheerder")
        case "login_refused" | "token_refused" | "provider_unfit" | "provider_nonsense":
            return _("de identiteitsdienst en balie begrijpen elkaar niet ({code}): vraag het aan uw beheerder").format(
                code=code
            )
        case _:
            return _("het antwoord was niet te vertrouwen ({code}): laat de burger opnieuw beginnen").format(code=code)


def history() -> dict[str, str]:
    """What the story of an appointment calls what was noted, where that was agreed."""
    return {
        "identification.requested": _("Gevraagd om zich te identificeren"),
        "identification.verified": _("Geïdentificeerd"),
        "identification.failed": _("Identificatie mislukt"),
        "identification.aborted": _("Identificatie afgebroken"),
        "identification.expired": _("Identificatie niet gedaan"),
    }


def for_member(code: str) -> str:
    """For a member of staff who wanted to sign in."""
    match code:
        case "aborted":
            return _("U hebt het aanmelden afgebroken.")
        case "provider_down":
            return _("De aanmelddienst van uw organisatie antwoordt nu niet. Probeer het over enkele minuten opnieuw.")
        case "login_unknown" | "other_browser" | "token_expired" | "issued_wrong":
            return _("Het duurde te lang, of u begon in een andere browser. Meld u opnieuw aan.")
        case "acr_missing" | "acr_low":
            return _("U meldde zich niet sterk genoeg aan. Kies een sterkere manier, zoals itsme of eID.")
        case "no_role":
            return _("U bent aangemeld bij uw organisatie, maar u hebt daar geen rol voor de balie. Vraag ze aan.")
        case "account_closed":
            return _("Uw account bij deze balie is afgesloten. Vraag uw beheerder om het te openen.")
        case "account_refused":
            return _("Uw rol kan niet veranderen zolang u de enige beheerder bent. Meld u aan met een lokaal account.")
        case _:
            return _("Het aanmelden lukte niet ({code}). Toon dit aan uw beheerder.").format(code=code)
