"""What somebody did in his visit, and how he does it alone the next time (S32)."""

from __future__ import annotations

from collections.abc import Mapping

from balie.i18n import amount_words, day_words, local, pick, time_words
from balie.i18n import gettext as _
from balie.record import guided
from balie.record.guided import Kept, Step
from balie.store.engine import Tx

TEXT_MAX = 120  # characters of a text to read: enough to know which


def has_something(tx: Tx, appointment_id: int) -> bool:
    """Whether a step was done."""
    return any(each.state == "done" for each in guided.read(tx, appointment_id).steps)


def of_appointment(
    tx: Tx, appointment_id: int, zone: str, site: str, alone: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The steps that were done, in words and in their order; and (product, where one does it alone).

    site   of ours, without a slash at its end: where a product is booked that no other system has
    alone  public addresses of reservation systems, by name
    """
    found = guided.read(tx, appointment_id)
    done = [each for each in found.steps if each.state == "done"]
    ways = tuple(
        (pick(each.names), alone.get(each.backend, "") or f"{site}/afspraak?product={each.slug}")
        for each in found.items
        if any(step.product_id in (None, each.id) for step in done)
    )
    return tuple(_words(each, zone) for each in done), ways


def _words(step: Step, zone: str) -> str:
    match step.kind:
        case "reserve" if step.kept is not None:
            return _("U koos {what}.").format(what=_kept(step.kept, zone))
        case "identify":
            return _("U bewees wie u bent.")
        case "pay" if step.paid is not None:
            return _("U betaalde {amount}.").format(amount=amount_words(step.paid.amount_cents))
        case "document":
            return _("U stuurde een document.")
        case _:
            text = " ".join(step.text.split())
            return _("U las: {text}").format(text=text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]} …")


def _kept(kept: Kept, zone: str) -> str:
    """Terrein 2, dinsdag 8 december 2026, 14.00 uur tot 15.00 uur"""
    since, until = local(kept.from_s, zone), local(kept.until_s, zone)
    times = {"day": day_words(since.date()), "since": time_words(since), "until": time_words(until)}
    return _("{name}, {day}, {since} tot {until}").format(name=kept.name, **times)
