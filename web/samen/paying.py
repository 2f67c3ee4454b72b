"""The citizen pays: in a tab of its own, on the provider's page, while the call goes on (D4).  Nobody else can."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from balie.booking.errors import NotFound
from balie.i18n import amount_words, language
from balie.i18n import gettext as _
from balie.record.guided import Guided, Step
from balie.samen import state
from web import forms
from web.identity import leaving
from web.keys import ACTS, PAGES, SITE
from web.samen import view
from web.samen.acts import TROUBLE, trouble_words
from web.samen.seat import Guest, tell

_log = structlog.get_logger("samen")


async def page(request: web.Request, guest: Guest) -> web.StreamResponse:
    """GET /a/{token}/samen/{step}/betalen: what, for how much, and a button; where the QR code leads."""
    return await _page(request, guest)


async def pay(request: web.Request, guest: Guest) -> web.StreamResponse:
    """POST /a/{token}/samen/{step}/betalen: on to the provider's page."""
    await forms.read(request)
    step, found = await _look(request, guest)
    _what, cents, kept = view.payable(found, step)
    if not cents or not step.active or ACTS not in request.app:
        return await _page(request, guest, _("Er is nu niets te betalen. Kijk in uw gesprek hoe het staat."))
    what = {"reservation_id": kept.id} if kept is not None else {"product_id": step.product_id}
    work = request.app[ACTS].pay(guest.place.appointment_id, guest.participant_id, **what)
    try:
        # Whoever closes the tab meanwhile must not leave half a payment.
        payment_id = await asyncio.shield(asyncio.ensure_future(work))
    except TROUBLE as error:
        _log.warning("payment_not_opened", reason=type(error).__name__)
        return await _page(request, guest, trouble_words(error))
    tell(request.app, guest.place)
    url = await request.app[ACTS].checkout_url(payment_id, guest.participant_id)
    return (
        leaving.go_on(request, url, _("de betaalpagina"))
        if url
        else await _page(request, guest, trouble_words(NotFound("payment")))
    )


async def _page(request: web.Request, guest: Guest, trouble: str = "") -> web.Response:
    step, found = await _look(request, guest)
    what, cents, _kept = view.payable(found, step)
    waits = view.waits_words(found, step, "citizen")
    html = (
        request.app[PAGES]
        .get_template("samen/checkout.html")
        .render(
            site=request.app[SITE].about(guest.place.service_phone),
            lang=language(),
            languages={},
            here="",
            typed_form="",
            url=guest.url,
            step=step,
            what=what,
            amount=amount_words(cents) if cents and not waits else "",
            trouble=waits or trouble,
        )
    )
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=409 if trouble else 200)


async def _look(request: web.Request, guest: Guest) -> tuple[Step, Guided]:
    """The step of the path.  404: none of this appointment, or not to pay something."""
    found = await guest.here.read(state.of, guest.place.appointment_id, "citizen")
    step = next((each for each in found.steps if each.id == int(request.match_info["step"])), None)
    if step is None or step.kind != "pay":
        raise web.HTTPNotFound
    return step, found
