"""What the desk calls formal acts: why one waits for a person, what to do, and what happened to it."""

from __future__ import annotations

from balie.i18n import gettext as _


def of_payments() -> dict[str, tuple[str, str]]:
    """By balie.acts.reasons.PAYMENT: what happened, and what to do."""
    return {
        "slot_lost": (
            _("Er is betaald, maar de reservatie kon niet bevestigd worden."),
            _("Bel de burger. Zoek samen een ander moment, of betaal terug."),
        ),
        "paid_twice": (
            _("Er is twee keer betaald voor hetzelfde."),
            _("Betaal het dubbele bedrag terug."),
        ),
        "late_paid": (
            _("Het geld kwam binnen nadat de betaling vervallen of geannuleerd was."),
            _("Kijk of de reservatie nog klopt, en laat de burger weten hoe het staat."),
        ),
        "amount_mismatch": (
            _("De betaaldienst kent een ander bedrag dan wij. Er is niets bevestigd."),
            _("Kijk de betaling na bij de betaaldienst, en bel de burger."),
        ),
        "payment_unclear": (
            _("De betaaldienst zegt al lang niets bruikbaars over deze betaling."),
            _("Kijk de betaling na bij de betaaldienst. Verwittig uw beheerder."),
        ),
        "charged_back": (
            _("De bank van de burger haalde het geld terug."),
            _("Bel de burger, en beslis of de reservatie blijft."),
        ),
        "refund_elsewhere": (
            _("Iemand betaalde geld terug bij de betaaldienst zelf, niet hier."),
            _("Kijk of de reservatie nog klopt."),
        ),
        "refund_failed": (
            _("De terugbetaling lukte niet."),
            _("Probeer opnieuw, of betaal terug op een andere manier en schrijf hoe."),
        ),
        "cancelled": (
            _("De afspraak is geannuleerd, en er was al betaald."),
            _("Betaal terug, of schrijf waarom niet."),
        ),
    }


def of_reservations() -> dict[str, tuple[str, str]]:
    """By balie.acts.reasons.RESERVATION."""
    return {
        "slot_lost": (
            _("De reservatie kon niet bevestigd worden. Er is niets betaald."),
            _("Bel de burger en zoek samen een ander moment."),
        ),
        "confirm_waits": (
            _("Het reservatiesysteem antwoordt niet. We weten nog niet of de reservatie vastligt."),
            _("We blijven het proberen. Bel ondertussen de beheerder van het reservatiesysteem."),
        ),
    }


def of_documents() -> dict[str, tuple[str, str]]:
    """By the reasons of balie.documents.service."""
    return {
        "infected": (
            _("In een document bij deze afspraak zat een virus. Het is geweigerd en gewist."),
            _("Laat weten dat het document niet aankwam. Vraag een andere versie, of het papier aan het loket."),
        ),
    }


def second_person() -> str:
    """Of a refund that somebody of the office asked for by cancelling."""
    return _(
        "Een medewerker annuleerde deze afspraak. Een andere collega beslist over het geld: "
        "een teamhoofd of een beheerder."
    )


def payment_states() -> dict[str, str]:
    return {
        "created": _("wordt aangevraagd"),
        "open": _("nog niet betaald"),
        "pending": _("onderweg"),
        "paid": _("betaald"),
        "canceled": _("geannuleerd"),
        "expired": _("vervallen"),
        "failed": _("mislukt"),
        "refunded_part": _("gedeeltelijk terugbetaald"),
        "refunded": _("terugbetaald"),
        "charged_back": _("teruggehaald door de bank"),
    }


def refund_states() -> dict[str, str]:
    return {
        "proposed": _("wacht op een beslissing"),
        "requested": _("wordt aangevraagd"),
        "pending": _("onderweg"),
        "done": _("terugbetaald"),
        "failed": _("mislukt"),
        "rejected": _("niet terugbetaald"),
    }


def history() -> dict[str, str]:
    """Of what happened, by the words of the audit."""
    return {
        "reservation_chosen": _("Reservatie gekozen"),
        "reservation_held": _("Reservatie vastgehouden"),
        "reservation_confirmed": _("Reservatie bevestigd"),
        "reservation_released": _("Reservatie losgelaten"),
        "reservation_expired": _("Reservatie vervallen"),
        "reservation_conflict": _("Reservatie verloren"),
        "payment_begun": _("Betaling begonnen"),
        "payment_open": _("Betaling staat klaar"),
        "payment_pending": _("Betaling onderweg"),
        "payment_paid": _("Betaald"),
        "payment_canceled": _("Betaling geannuleerd"),
        "payment_expired": _("Betaling vervallen"),
        "payment_failed": _("Betaling mislukt"),
        "payment_mismatch": _("Betaling met een ander bedrag"),
        "payment_refunded": _("Terugbetaald"),
        "payment_refunded_part": _("Gedeeltelijk terugbetaald"),
        "payment_charged_back": _("Betaling teruggehaald door de bank"),
        "refund_approved": _("Terugbetaling goedgekeurd"),
        "refund_rejected": _("Terugbetaling geweigerd"),
        "document_received": _("Document ontvangen van de burger"),
        "document_sent": _("Document verstuurd naar de burger"),
        "document_removed": _("Document weggehaald"),
        "document_rejected": _("Document geweigerd"),
        "act_task.closed": _("Taak afgesloten"),
        "invoice_issued": _("Betaalbewijs gemaakt"),
    }
