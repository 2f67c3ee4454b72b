"""The panel of the citizen, and of who comes along.  Who comes along looks; what is done, the citizen does himself."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from balie.booking.errors import BookingError
from balie.i18n import gettext as _
from balie.i18n import language, pick
from balie.identity import records
from balie.record.guided import Guided
from balie.samen import agenda, guide, state
from balie.store.engine import Tx
from web import forms
from web.citizen.show import go
from web.desk.desk import seat
from web.desk.qr import picture
from web.documents.keys import upload
from web.forms import Form
from web.keys import PAGES, SITE
from web.problems import signed_in_words
from web.samen import times, view
from web.samen.acts import trouble_words
from web.samen.seat import Guest, tell

FRAGMENT = "deel"
"""Field of a form that a script sends: it wants the panel alone, not a page."""


async def page(request: web.Request, guest: Guest) -> web.StreamResponse:
    """GET /a/{token}/samen: the panel as a page of its own, for a second device or without a script."""
    return await answer(request, guest)


async def fragment(request: web.Request, guest: Guest) -> web.StreamResponse:
    """GET /a/{token}/samen/deel: the panel alone, for the script of the call page."""
    return await answer(request, guest, alone=True)


async def answer(
    request: web.Request,
    guest: Guest,
    *,
    alone: bool = False,
    form: Form | None = None,
    about: str = "",
    trouble: str = "",
) -> web.Response:
    """The panel as it is now; 422 with what is wrong with a form.

    about    key of the part that a form belonged to
    trouble  something that did not work, in words
    """
    found = await guest.here.read(state.of, guest.place.appointment_id, guest.reader, files=guest.files)
    asked = await guest.here.read(records.asked, guest.here.now_s, guest.place.appointment_id)
    signed_in = signed_in_words() if guest.reader == "citizen" and await seat(request) is not None else ""
    shown = {
        **values(guest, found),
        "signed_in": signed_in,
        "asked": asked,
        "purpose": pick(asked.purposes) if asked is not None else "",
    }
    form = form or Form(request.query)
    if trouble:
        form.fail("doe", trouble)
    template = "samen/panel.html" if alone else "samen/page.html"
    html = (
        request.app[PAGES]
        .get_template(template)
        .render(
            site=request.app[SITE].about(guest.place.service_phone),
            lang=language(),
            form=form,
            about=about,
            languages={},
            here="",
            **shown,
        )
    )
    status = 422 if form.errors else 200
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)


def values(guest: Guest, found: Guided) -> dict[str, Any]:
    """What the citizen's panel shows beside what all do."""
    pays = {each.id: view.payable(found, each) for each in found.steps if each.kind == "pay" and each.active}
    return {
        **view.values(guest.place, found, guest.reader),
        "url": guest.url,
        "days": times.days(guest.here.now_s, guest.place.zone) if guest.reader == "citizen" else [],
        "pays": pays,
        "typed_form": "",
        "papers": upload(guest.here.app),
        "papers_place": f"/a/{guest.token}/documenten",
        "given": view.given(guest.place, found),
    }


async def done(request: web.Request, guest: Guest, form: Form, about: str) -> web.StreamResponse:
    """After something was done: everybody looks again; the page goes on, the script gets the panel."""
    if form.errors:
        return await answer(request, guest, alone=bool(form.last(FRAGMENT)), form=form, about=about)
    tell(request.app, guest.place)
    if form.last(FRAGMENT):
        return await answer(request, guest, alone=True)
    return go(guest.url)


async def qr(request: web.Request, guest: Guest) -> web.StreamResponse:
    """GET /a/{token}/samen/{step}/qr: a picture of where to do a step on a second device, his own link in it."""
    step_id = int(request.match_info["step"])
    found = await guest.here.read(state.of, guest.place.appointment_id, guest.reader)
    kind = next((each.kind for each in found.steps if each.id == step_id), "")
    ways = {"identify": "/identificeren", "pay": f"/samen/{step_id}/betalen", "document": f"/documenten?stap={step_id}"}
    if kind not in ways:
        raise web.HTTPNotFound
    drawn = picture(f"{request.app[SITE].public_url}/a/{guest.token}{ways[kind]}")
    return web.Response(body=drawn, content_type="image/svg+xml")


async def ask(request: web.Request, guest: Guest) -> web.StreamResponse:
    """POST /a/{token}/samen/vraag: something more to talk about."""
    form = await forms.read(request)
    text = form.text("vraag", _("Schrijf uw vraag."), most=agenda.TEXT_MAX)

    def write(tx: Tx) -> None:
        agenda.ask(tx, guest.here.now_s, guest.place.appointment_id, "citizen", text)

    if not form.errors:
        try:
            await guest.here.write(write)
        except BookingError as error:
            form.fail("vraag", question_words(error))
    return await done(request, guest, form, "vraag")


async def read(request: web.Request, guest: Guest) -> web.StreamResponse:
    """POST /a/{token}/samen/{step}/gelezen."""
    form = await forms.read(request)
    step_id = int(request.match_info["step"])
    try:
        await guest.here.write(guide.have_read, guest.here.now_s, guest.place.appointment_id, step_id)
    except BookingError as error:
        form.fail("doe", trouble_words(error))
    return await done(request, guest, form, f"step-{step_id}")


def question_words(error: BookingError) -> str:
    if error.code == "questions_too_many":
        return _("Er staan al {n} vragen op de agenda. Dat is genoeg voor één gesprek.").format(n=agenda.QUESTIONS_MAX)
    if error.code == "text_missing":
        return _("Schrijf uw vraag.")
    return trouble_words(error)
