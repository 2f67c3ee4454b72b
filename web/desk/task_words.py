"""What the desk says of tasks of any kind: their kinds, how they ended, and why something cannot be done."""

from __future__ import annotations

from balie.i18n import gettext as _
from balie.record.tasks import Task
from web.desk import act_words


def kinds() -> dict[str, str]:
    """Of balie.store.schema.TASK_KINDS, as one chooses which to see."""
    return {
        "call": _("Bellen"),
        "message": _("Berichten"),
        "reply": _("Antwoorden"),
        "payment": _("Betalingen"),
        "reservation": _("Reservaties"),
        "document": _("Documenten"),
    }


def marks() -> dict[str, str]:
    """The same, of one task."""
    return {
        "call": _("bellen"),
        "message": _("bericht"),
        "reply": _("antwoord"),
        "payment": _("betaling"),
        "reservation": _("reservatie"),
        "document": _("document"),
    }


def call(name: str) -> str:
    """Of somebody in the waiting room."""
    return _("{name} vraagt om gebeld te worden.").format(name=name)


def endings() -> dict[str, str]:
    """How a task ended, by the word that it ended with."""
    return {
        "retried": _("opnieuw verzonden"),
        "channel_switched": _("per sms verzonden"),
        "phoned": _("gebeld"),
        "answered": _("beantwoord"),
        "refunded": _("terugbetaald"),
        "kept": _("niet terugbetaald"),
    }


def ended(task: Task) -> str:
    other = _("niet meer nodig") if task.state == "skipped" else _("afgesloten")
    return endings().get(task.how, other)


def error(code: str) -> str:
    """Why something cannot be done with a task."""
    return {
        "settled": _("Een collega was u voor: dit is al afgehandeld."),
        "outcome_missing": _("Schrijf hoe het afliep. Dan weten uw collega’s het ook."),
        "outcome_long": _("Schrijf het korter: hoogstens 500 tekens."),
        "over": _("Deze afspraak is voorbij, verzet of geannuleerd. Een bericht heeft geen zin meer."),
        "no_phone": _("Er is geen gsm-nummer bekend. Bel of schrijf naar een ander adres."),
        "gone": _("Deze persoon neemt niet meer deel aan de afspraak."),
        "second_person": act_words.second_person(),
        "refund_open": _("Beslis eerst over de terugbetaling."),
        "nothing_left": _("Dit geld ging al op een andere manier terug. Kies ‘Betaal niet terug’ en schrijf hoe."),
    }.get(code, _("Deze taak bestaat niet meer."))
