"""Pages on which one chooses a time: the calendar of free hours, and what to do when a time is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web

from balie.booking.hours import day_of
from balie.booking.slots import DAYS_MAX, Slot, Wish
from balie.i18n import gettext as _
from balie.store.engine import Tx
from web.citizen.chosen import Chosen, checklist, shared_ways
from web.citizen.office import Office
from web.citizen.picking import Picker, hours, picker
from web.citizen.show import Problem, show
from web.citizen.typed import typed
from web.citizen.words import ways
from web.forms import Form


async def show_times(
    request: web.Request, here: Office, form: Form, chosen: Chosen, problem: Problem | None = None
) -> web.Response:
    """Step 2: days and hours.  What was typed in later steps goes along."""
    chosen = chosen.at(None)
    kept = typed(form)
    return show(
        request,
        "times.html",
        status=409 if problem else 200,
        here=f"/afspraak/nieuw/tijd?{urlencode(chosen.fields)}" if request.method == "POST" else "",
        typed_form="times" if kept else "",
        chosen=chosen,
        picker=await pick(here, form, chosen.wish, chosen.service.zone, shared_ways(chosen.products)),
        typed=kept,
        ready=checklist(chosen.products),
        problem=problem,
    )


async def pick(here: Office, form: Form, wish: Wish, zone: str, modalities: Sequence[str]) -> Picker:
    """The calendar for a wish, on the month and the day that a form asks for."""
    today = day_of(here.now_s, zone)
    until = today + timedelta(days=DAYS_MAX)  # the products' own horizon is nearer

    def free(tx: Tx) -> list[Slot]:
        return here.calendars.free(tx, wish, here.now_s, today, until)

    return picker(
        await here.read(free),
        zone,
        today,
        modality=wish.modality,
        ways=[(way, ways()[way]) for way in modalities],
        month=form.last("maand"),
        day=form.last("dag"),
    )


def refuse(request: web.Request, form: Form, chosen: Chosen, next_free: Sequence[Slot]) -> web.Response:
    """409: somebody was faster; these times are still free.  Nothing that was typed is lost."""
    return show(
        request,
        "taken.html",
        status=409,
        typed_form="typed",
        chosen=chosen.at(None),
        typed=typed(form),
        problem=just_taken(),
        next_free=hours(next_free, chosen.service.zone),
    )


def just_taken() -> Problem:
    what = _("Iemand anders nam dit uur net voor u")
    return Problem(what, _("Kies een ander uur. Wat u al invulde, blijft staan."))


def no_longer() -> Problem:
    what = _("Dit uur kunt u niet meer kiezen")
    return Problem(what, _("Het is voorbij of te kort dag, of onze uren zijn veranderd. Kies een ander uur."))
