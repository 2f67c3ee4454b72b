"""The citizen chooses a day, an hour and a court, and has it held.  Staff sees the choice grow, and makes none."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from aiohttp import web

from balie.booking.errors import BookingError, NotFound
from balie.i18n import day_words, language
from balie.i18n import gettext as _
from balie.record.guided import Step
from balie.samen import guide
from balie.store.engine import Tx
from web import forms
from web.forms import Form
from web.keys import ACTS, PAGES, SITE
from web.samen import citizen, times
from web.samen.acts import TROUBLE, trouble_words
from web.samen.seat import Guest, tell


async def free(request: web.Request, guest: Guest) -> web.StreamResponse:
    """GET /a/{token}/samen/{step}/uren?dag=2026-12-08: what can be had; the part alone for a script, else a page."""
    step = await _step(request, guest)
    day, found, trouble = _day(request.query.get("dag", ""), guest), [], ""
    if day is None:
        trouble = _("Kies een dag.")
    elif ACTS not in request.app or step.product_id is None:
        trouble = _("Hier kan nu niets gereserveerd worden.")
    else:
        try:
            free_times = await request.app[ACTS].free(guest.place.appointment_id, step.product_id, day)
            found = times.hours(free_times, guest.place.zone)
        except TROUBLE as error:
            trouble = trouble_words(error)
    shown = {
        "step": step,
        "day": day.isoformat() if day else "",
        "day_words": day_words(day) if day else "",
        "hours": found,
        "trouble": trouble,
        "url": guest.url,
        "chosen": step.choice,
        "form": Form(request.query),
    }
    template = "samen/hours.html" if request.query.get(citizen.FRAGMENT) else "samen/hours_page.html"
    html = (
        request.app[PAGES]
        .get_template(template)
        .render(
            site=request.app[SITE].about(guest.place.service_phone),
            lang=language(),
            languages={},
            here="",
            typed_form="",
            **shown,
        )
    )
    return web.Response(text=html, content_type="text/html", charset="utf-8")


async def choose(request: web.Request, guest: Guest) -> web.StreamResponse:
    """POST /a/{token}/samen/{step}/keuze: what he chose so far, for who looks along.  204; nothing is reserved."""
    form = await forms.read(request)
    choice: dict[str, Any] = {"day": form.last("dag")}
    if (wanted := times.chosen(form.last("tijd") or form.last("uur"))) is not None:
        choice |= {"from_s": wanted[0], "until_s": wanted[1], "name": form.last("naam") if wanted[2] else ""}
    step_id = int(request.match_info["step"])
    try:
        await guest.here.write(guide.choose, guest.here.now_s, guest.place.appointment_id, step_id, choice)
    except NotFound:
        raise web.HTTPNotFound from None
    except BookingError:
        raise web.HTTPConflict from None
    tell(request.app, guest.place)
    return web.Response(status=204)


async def reserve(request: web.Request, guest: Guest) -> web.StreamResponse:
    """POST /a/{token}/samen/{step}/reserveren: this court at this hour, held for him."""
    form = await forms.read(request)
    step = await _step(request, guest)
    wanted = times.chosen(form.last("tijd"))
    if wanted is None or not wanted[2]:
        form.fail("tijd", _("Kies een uur en een terrein."))
    elif not step.active or step.product_id is None or ACTS not in request.app:
        form.fail("tijd", trouble_words(NotFound("step")))
    else:
        acts, about = request.app[ACTS], guest.place.appointment_id
        # Whoever closes the page meanwhile has what he asked for: the other system may have it already.
        work = asyncio.ensure_future(acts.reserve(about, step.product_id, wanted[2], wanted[0], wanted[1]))
        try:
            await asyncio.shield(work)
        except TROUBLE as error:
            form.fail("tijd", trouble_words(error))
    return await citizen.done(request, guest, form, f"step-{step.id}")


async def let_go(request: web.Request, guest: Guest) -> web.StreamResponse:
    """POST /a/{token}/samen/{step}/vrijgeven: he would rather have another."""
    form = await forms.read(request)
    step = await _step(request, guest)
    if step.kept is None or step.kept.state != "held" or ACTS not in request.app:
        form.fail("doe", trouble_words(NotFound("reservation")))
    else:
        try:
            await asyncio.shield(asyncio.ensure_future(request.app[ACTS].release(step.kept.id)))
        except TROUBLE as error:
            form.fail("doe", trouble_words(error))

        def again(tx: Tx) -> None:
            guide.redo(tx, guest.here.now_s, guest.place.appointment_id, step.id, "citizen")

        if not form.errors:
            await guest.here.write(again)
    return await citizen.done(request, guest, form, f"step-{step.id}")


async def _step(request: web.Request, guest: Guest) -> Step:
    """The step of the path.  404: none of this appointment, or not to reserve something."""

    def look(tx: Tx) -> Step:
        return guide.find(tx, guest.place.appointment_id, int(request.match_info["step"]))

    try:
        step = await guest.here.read(look)
    except NotFound:
        raise web.HTTPNotFound from None
    if step.kind != "reserve":
        raise web.HTTPNotFound
    return step


def _day(text: str, guest: Guest) -> date | None:
    """One of those that can be chosen: for others no other system is asked anything."""
    offered = dict(times.days(guest.here.now_s, guest.place.zone))
    return date.fromisoformat(text) if text in offered else None
