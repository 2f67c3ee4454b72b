"""Pages on which one chooses a time: the calendar of free hours, and what to do when a time is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from aiohttp import web

from balie.booking.hours import day_of
from balie.booking.slots import DAYS_MAX, Slot, Wish
from balie.i18n import gettext as _
from balie.store.engine import Tx
from web.citizen.chosen import Chosen, checklist, shared_ways
from web.citizen.office import Office
from web.citizen.picking import Picker, hours, picker
from web.citizen.show import Problem, show
from web.citizen.words import ways
from web.forms import Form

REFUSED = "niet"
"""In a URL: why the time that was chosen is none."""
TAKEN, GONE = (REFUSED, "bezet"), (REFUSED, "voorbij")

NEXT_MAX = 3


async def show_times(request: web.Request, here: Office, form: Form, chosen: Chosen) -> web.Response:
    """Step 2: days and hours; or what is free beside a time that somebody else took."""
    carried = [(name, form.last(name)) for name in ("plaats", "concept") if form.last(name)]
    if form.last(REFUSED) == TAKEN[1] and chosen.start_s is not None:
        next_free = await here.read(_beside, here, chosen.wish, chosen.start_s)
        return show(
            request,
            "taken.html",
            chosen=chosen.at(None),
            carried=carried,
            problem=just_taken(),
            next_free=hours(next_free, chosen.service.zone),
        )
    return show(
        request,
        "times.html",
        chosen=chosen.at(None),
        picker=await pick(here, form, chosen.wish, chosen.service.zone, shared_ways(chosen.products)),
        carried=carried,
        ready=checklist(chosen.products),
        problem=no_longer() if form.last(REFUSED) == GONE[1] else None,
    )


def _beside(tx: Tx, here: Office, wish: Wish, start_s: int) -> list[Slot]:
    """The next times that are free, or the first when none comes after."""
    found = here.calendars.first(tx, wish, here.now_s, 2 * NEXT_MAX, from_s=start_s)
    others = [each for each in found if each.start_s != start_s]
    return others[:NEXT_MAX] or here.calendars.first(tx, wish, here.now_s, NEXT_MAX)


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


def just_taken() -> Problem:
    what = _("Iemand anders nam dit uur net voor u")
    return Problem(what, _("Kies een ander uur. Wat u al invulde, blijft staan."))


def no_longer() -> Problem:
    what = _("Dit uur kunt u niet meer kiezen")
    return Problem(what, _("Het is voorbij of te kort dag, of onze uren zijn veranderd. Kies een ander uur."))
