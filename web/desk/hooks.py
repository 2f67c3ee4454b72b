"""Events that another system did not take: for an administrator to send again or to give up."""

from __future__ import annotations

import re

from aiohttp import web

from balie.hooks import queue
from balie.hooks.queue import ERROR_MAX, Skipped, Undelivered
from balie.i18n import gettext as _
from balie.i18n import moment_words
from balie.record import audit
from balie.record.events import APPOINTMENT, IDENTIFICATION, INVOICE, MESSAGE, PAYMENT, RESERVATION
from balie.store.engine import Tx
from web.desk.desk import Desk, go
from web.keys import SITE

PLACE = "/balie/koppelingen"
SHOWN_MAX = 50  # of one target: what keeps it from taking one keeps it from taking the others
SKIPPED_MAX = 100


def event_words(kind: str) -> str:
    """What became of an appointment, or of a message about it."""
    return {
        APPOINTMENT + "booked": _("Afspraak geboekt"),
        APPOINTMENT + "confirmed": _("Afspraak bevestigd"),
        APPOINTMENT + "rescheduled": _("Afspraak verzet"),
        APPOINTMENT + "cancelled": _("Afspraak geannuleerd"),
        APPOINTMENT + "changed": _("Afspraak gewijzigd"),
        APPOINTMENT + "helper_added": _("Iemand komt mee"),
        APPOINTMENT + "helper_removed": _("Iemand komt niet meer mee"),
        APPOINTMENT + "checked_in": _("Burger in de wachtkamer"),
        APPOINTMENT + "in_call": _("Gesprek begonnen"),
        APPOINTMENT + "completed": _("Gesprek afgerond"),
        APPOINTMENT + "no_show": _("Iemand kwam niet"),
        IDENTIFICATION + "verified": _("Burger geïdentificeerd"),
        INVOICE + "issued": _("Boekhoudstuk gemaakt"),
        MESSAGE + "due": _("Bericht om te verzenden"),
        MESSAGE + "failed": _("Bericht niet aangekomen"),
        MESSAGE + "replied": _("Antwoord van de burger"),
        RESERVATION + "held": _("Reservatie vastgehouden"),
        RESERVATION + "confirmed": _("Reservatie bevestigd"),
        RESERVATION + "released": _("Reservatie losgelaten"),
        RESERVATION + "failed": _("Reservatie mislukt"),
        PAYMENT + "paid": _("Betaling ontvangen"),
        PAYMENT + "failed": _("Betaling niet gelukt"),
        PAYMENT + "refunded": _("Betaling terugbetaald"),
    }.get(kind, kind)


def _why_words(error: str) -> str:
    """Of what balie.hooks.delivery wrote down about the last try."""
    if error == "410":
        return _("Het andere systeem wil deze berichten niet meer krijgen.")
    if error.startswith("no answer"):
        return _("Het andere systeem antwoordde niet op tijd.")
    if re.match("3[0-9][0-9]:", error):
        return _("Het andere systeem verwijst naar een ander adres. Kijk het adres in de configuratie na.")
    if re.fullmatch("[0-9]{3}", error):
        return _("Het andere systeem weigerde het, met code {code}.").format(code=error)
    return _("We kregen geen verbinding met het andere systeem.")


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/koppelingen; ?toon=overgeslagen shows what was given up."""
    return await _show(desk)


async def _show(desk: Desk, status: int = 200) -> web.Response:
    given_up = desk.request.query.get("toon") == "overgeslagen"

    def look(tx: Tx) -> tuple[dict[str, int], list[Undelivered], list[Skipped]]:
        if given_up:
            return {}, [], queue.skipped(tx, SKIPPED_MAX)
        numbers = queue.undelivered_number(tx)
        return numbers, [each for name in numbers for each in queue.undelivered(tx, target=name, limit=SHOWN_MAX)], []

    numbers, found, skipped = await desk.read(look)
    configured = desk.request.app[SITE].targets
    return await desk.show(
        "hooks.html",
        status=status,
        given_up=given_up,
        targets=[
            {
                "name": name,
                "number": number,
                "configured": name in configured,
                "events": [_told(desk, each) for each in found if each.target == name],
            }
            for name, number in numbers.items()
        ],
        skipped=[_skipped_told(desk, each) for each in skipped],
    )


def _told(desk: Desk, each: Undelivered) -> dict[str, object]:
    zone = desk.member.zone
    return {
        "id": each.id,
        "what": event_words(each.type),
        "ref": each.subject.rpartition("/")[2],
        "when": moment_words(each.time_s, zone),
        "tried": moment_words(each.tried_s, zone) if each.tried_s is not None else "",
        "attempts": each.attempts,
        "why": _why_words(each.error),
        "error": each.error,
        "waiting": each.waiting,
    }


def _skipped_told(desk: Desk, each: Skipped) -> dict[str, object]:
    zone = desk.member.zone
    return {
        "target": each.target,
        "what": event_words(each.type),
        "ref": each.subject.rpartition("/")[2],
        "when": moment_words(each.time_s, zone),
        "skipped": moment_words(each.skipped_s, zone),
        "reason": each.reason,
    }


async def replay_all(desk: Desk) -> web.StreamResponse:
    """POST /balie/koppelingen: all events of a target (doel) again."""
    target = desk.form.choice("doel", desk.request.app[SITE].targets)
    if not target:
        desk.form.fail("koppelingen", _no_longer())
        return await _show(desk, 422)

    def again(tx: Tx) -> None:
        if number := queue.replay_all(tx, desk.now_s, target):
            audit.note(tx, desk.now_s, desk.member.actor, "hook.replayed_all", f"hook/{target}", number=number)

    await desk.write(again)
    return go(PLACE, "koppeling-alles")


async def act(desk: Desk) -> web.StreamResponse:
    """POST /balie/koppelingen/{id}: doe is opnieuw or sla-over."""
    delivery_id, what, form = int(desk.request.match_info["id"]), desk.form.last("doe"), desk.form
    field = f"reden-{delivery_id}"
    why = _("Schrijf waarom. Zonder reden weten uw collega’s niet wat er gebeurde.")
    reason = form.text(field, why, most=ERROR_MAX) if what == "sla-over" else ""

    def do(tx: Tx) -> str:
        """What is wrong, or nothing."""
        found = next(iter(queue.undelivered(tx, delivery_id=delivery_id)), None)
        if found is None or what not in ("opnieuw", "sla-over"):
            return _("Dit staat niet meer open: het is al verzonden of overgeslagen.")
        if what == "opnieuw":
            if found.target not in desk.request.app[SITE].targets:
                return _no_longer()
            queue.replay(tx, desk.now_s, [delivery_id])
        else:
            queue.skip(tx, desk.now_s, delivery_id, reason)
        action = "hook.replayed" if what == "opnieuw" else "hook.skipped"
        about = {"target": found.target, "type": found.type, "delivery": delivery_id}
        audit.note(tx, desk.now_s, desk.member.actor, action, found.subject, **about)
        return ""

    if not form.errors and (wrong := await desk.write(do)):
        form.fail("koppelingen", wrong)
    if form.errors:
        return await _show(desk, 422)
    return go(PLACE, "koppeling" if what == "opnieuw" else "overgeslagen")


def _no_longer() -> str:
    return _("Deze koppeling staat niet meer in de configuratie. Opnieuw verzenden kan niet; overslaan wel.")
