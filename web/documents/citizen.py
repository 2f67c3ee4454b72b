"""/a/{token}/documenten: what the citizen sends and gets; who comes along only where he may have files.

/b/{token}/documenten is what he can still get after the visit, when his link to the appointment is dead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from balie.documents import records
from balie.documents.errors import DocumentError
from balie.documents.records import Document, Sender
from balie.i18n import gettext as _
from balie.record import guided
from balie.record.guided import Step
from balie.staff.limiter import network_of
from balie.store.engine import Tx
from web import forms
from web.citizen.goodbye import Farewell
from web.citizen.mine import Mine
from web.citizen.office import Office
from web.citizen.show import go, show
from web.desk.desk import not_signed_in
from web.documents import receiving, words
from web.documents.keys import FILE, STEP, documents, upload
from web.documents.sending import download
from web.documents.words import Line
from web.forms import Form, whole
from web.problems import Refused


@dataclass(frozen=True)
class _Page:
    """steps: that ask for a document and wait for it."""

    found: list[Document]
    steps: list[Step]
    names: dict[int, str]


async def page(request: web.Request, mine: Mine) -> web.StreamResponse:
    """GET /a/{token}/documenten; ?stap= is the step that somebody came from."""
    _only_with_files(mine)
    return await _page(request, mine, Form(request.query))


async def send(request: web.Request, mine: Mine) -> web.StreamResponse:
    """POST /a/{token}/documenten: a document, with the step that asked for it before it."""
    _only_with_files(mine)
    await not_signed_in(request)
    there, form = documents(request), Form(request.query)
    sender = Sender(participant_id=mine.me.id)

    async def put(fields: dict[str, str], name: str, pieces: AsyncIterator[bytes]) -> int:
        step_id = whole(fields.get(STEP, ""), least=1)
        network = network_of(request.remote or "")
        return await there.receive(mine.appointment.id, sender, name, pieces, step_id=step_id, network=network)

    try:
        await receiving.take(request, there.rules.max_bytes, put)
    except DocumentError as error:
        form.fail(FILE, words.error_words(error, there.rules.max_bytes))
        return await _page(request, mine, form, status=words.STATUS.get(error.code, 422))
    return go(f"{mine.url}/documenten?gedaan=verstuurd")


async def remove(request: web.Request, mine: Mine) -> web.StreamResponse:
    """POST /a/{token}/documenten/{id}/weg: his own, whatever became of it."""
    await forms.read(request)
    _only_with_files(mine)
    await not_signed_in(request)
    try:
        await documents(request).remove(mine.appointment.id, _key(request), Sender(participant_id=mine.me.id))
    except DocumentError:
        raise web.HTTPNotFound from None
    return go(f"{mine.url}/documenten?gedaan=weg")


async def fetch(request: web.Request, mine: Mine) -> web.StreamResponse:
    """GET /a/{token}/documenten/{id}: the document itself."""
    _only_with_files(mine)
    found = await mine.here.read(_look, mine)
    return _fetch(request, found.found)


async def late_page(request: web.Request, here: Office, parting: Farewell) -> web.StreamResponse:
    """GET /b/{token}/documenten: what staff gave, until its term is over."""
    given = await here.read(_given, parting)
    zone = parting.appointment.zone
    return show(
        request,
        "documents_late.html",
        farewell=parting,
        phone=parting.appointment.service_phone,
        given=[words.line(each, zone, staff=False, own=False) for each in given],
        place=f"{parting.url}/documenten",
        about=upload(request.app),
    )


async def late_fetch(request: web.Request, here: Office, parting: Farewell) -> web.StreamResponse:
    """GET /b/{token}/documenten/{id}."""
    return _fetch(request, await here.read(_given, parting))


def _fetch(request: web.Request, found: list[Document]) -> web.StreamResponse:
    one = next((each for each in found if each.id == _key(request)), None)
    if one is None:
        raise web.HTTPNotFound
    return download(request, one)


async def _page(request: web.Request, mine: Mine, form: Form, *, status: int = 200) -> web.Response:
    there = documents(request)
    found = await mine.here.read(_look, mine)
    asked = form.number(STEP, least=1)
    step = next((each for each in found.steps if each.id == asked), found.steps[0] if found.steps else None)
    given, sent = _lines(mine, found, there.scanner_down)
    return show(
        request,
        "documents.html",
        status=status,
        here=f"{mine.url}/documenten",
        mine=mine,
        phone=mine.phone,
        form=form,
        news=words.news_words(form.last("gedaan")),
        step=step,
        given=given,
        sent=sent,
        waits=any(each.waits for each in [*given, *sent]),
        about=upload(request.app),
        place=f"{mine.url}/documenten",
        rejected=words.rejected_words(),
        shared=any(each.rights.get("files") for each in mine.appointment.helpers),
    )


def _lines(mine: Mine, found: _Page, down: bool) -> tuple[list[Line], list[Line]]:
    """From staff, and from here."""
    given: list[Line] = []
    sent: list[Line] = []
    for each in found.found:
        own = each.participant_id == mine.me.id
        sender = "" if own or each.direction == "out" else found.names.get(each.participant_id or 0, "")
        made = words.line(each, mine.appointment.zone, staff=False, own=own, down=down, sender=sender)
        (given if made.by_us else sent).append(made)
    return given, sent


def _look(tx: Tx, mine: Mine) -> _Page:
    about = mine.appointment
    all_of_it = records.of_appointment(tx, about.id)
    steps = [each for each in guided.read(tx, about.id).steps if each.kind == "document" and each.active]
    return _Page(
        records.visible(all_of_it, mine.me.id, citizen=mine.is_citizen),
        steps if mine.is_citizen else [],
        {each.id: each.name for each in about.people},
    )


def _given(tx: Tx, parting: Farewell) -> list[Document]:
    if not _may(parting.me.role, parting.me.rights):
        raise Refused(text=_no_files())
    found = records.of_appointment(tx, parting.appointment.id)
    return [each for each in found if each.direction == "out" and each.open]


def _key(request: web.Request) -> int:
    return int(request.match_info["id"])


def _may(role: str, rights: dict[str, bool]) -> bool:
    return role == "citizen" or bool(rights.get("files"))


def _only_with_files(mine: Mine) -> None:
    """Who comes along exchanges documents only where the citizen lets him."""
    if not _may(mine.me.role, mine.me.rights):
        raise Refused(text=_no_files())


def _no_files() -> str:
    return _("U komt mee met iemand anders. Alleen wie de afspraak maakte, ziet en stuurt hier documenten.")
