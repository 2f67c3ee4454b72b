"""Documents at the desk: on the page of an appointment, and beside its call.

With ?deel=1 an answer is the section of the call's panel alone, for its script; without, the page of the appointment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from balie.booking.errors import BookingError
from balie.booking.reading import Appointment
from balie.documents import records
from balie.documents.errors import DocumentError
from balie.documents.records import Document, Sender
from balie.i18n import gettext as _
from balie.i18n import language
from balie.record import schedule
from balie.samen import guide
from balie.store.engine import Tx
from web import csrf
from web.desk import gate
from web.desk.appointment import show_again
from web.desk.desk import Desk, go
from web.desk.words import done
from web.documents import receiving, section, words
from web.documents.keys import FILE, documents
from web.documents.section import PLACE, TEXT
from web.documents.sending import download
from web.keys import HUB, PAGES, PUMP
from web.samen.seat import NEWS

FRAGMENT = "deel"


async def show(desk: Desk) -> web.StreamResponse:
    """GET …/documenten: the section, for the script of the call's panel."""
    found = await desk.read(section.visible, desk)
    return await _section(desk, found)


async def send(desk: Desk) -> web.StreamResponse:
    """POST …/documenten: a document for the citizen."""
    there, found = documents(desk.request), await desk.read(section.visible, desk)
    sender = Sender(staff_id=desk.member.id)

    async def put(fields: dict[str, str], name: str, pieces: AsyncIterator[bytes]) -> int:
        csrf.check_token(desk.link_key, gate.presented(desk.request), fields.get(csrf.FIELD, ""))
        return await there.receive(found.id, sender, name, pieces)

    try:
        await receiving.take(desk.request, there.rules.max_bytes, put)
    except DocumentError as error:
        desk.form.fail(FILE, words.error_words(error, there.rules.max_bytes))
        return await _answer(desk, found, words.STATUS.get(error.code, 422))
    return await _done(desk, found, "document")


async def ask(desk: Desk) -> web.StreamResponse:
    """POST …/documenten/vraag: a step for the citizen; outside a call a letter tells him."""
    text = desk.form.lines(TEXT, most=guide.TEXT_MAX)
    if not text:
        desk.form.fail(TEXT, _("Schrijf welk document u nodig hebt."))

    def write(tx: Tx) -> Appointment:
        found = section.visible(tx, desk)
        guide.open_step(tx, desk.now_s, found.id, desk.member.actor, "document", text=text)
        if found.status != "in_call":
            schedule.document(tx, desk.now_s, desk.entropy, found.id, "asked")
        return found

    found = await desk.read(section.visible, desk)
    if not desk.form.errors:
        try:
            await desk.write(write)
        except BookingError as error:
            there_already = error.code == "step_open_already"
            already = _("Er wordt al een document gevraagd. Wacht tot het er is, of trek die vraag in.")
            desk.form.fail(TEXT, already if there_already else _("Dat kan niet meer bij deze afspraak."))
    if desk.form.errors:
        return await _answer(desk, found, 422)
    _tell(desk, found)
    return await _done(desk, found, "document-gevraagd")


async def remove(desk: Desk) -> web.StreamResponse:
    """POST …/documenten/{id}/weg; or the step that asks for one, with stap."""
    found = await desk.read(section.visible, desk)
    try:
        await documents(desk.request).remove(found.id, _key(desk), Sender(staff_id=desk.member.id))
    except DocumentError:
        raise web.HTTPNotFound from None
    return await _done(desk, found, "document-weg")


async def fetch(desk: Desk) -> web.StreamResponse:
    """GET …/documenten/{id}: the document itself."""

    def look(tx: Tx) -> Document:
        return records.get(tx, section.visible(tx, desk).id, _key(desk))

    try:
        return download(desk.request, await desk.read(look))
    except DocumentError:
        raise web.HTTPNotFound from None


# -- answers ------------------------------------------------------------------------------------------------------


def _key(desk: Desk) -> int:
    return int(desk.request.match_info["id"])


def _tell(desk: Desk, found: Appointment) -> None:
    desk.request.app[HUB].tell(found.room, NEWS)
    desk.request.app[PUMP].flush()


async def _done(desk: Desk, found: Appointment, what: str) -> web.StreamResponse:
    if FRAGMENT in desk.request.query:
        return await _section(desk, found, said=done()[what])
    return go(f"{PLACE}/{found.ref}", what)


async def _answer(desk: Desk, found: Appointment, status: int) -> web.StreamResponse:
    if FRAGMENT in desk.request.query:
        return await _section(desk, found, status)
    return await show_again(desk, status)


async def _section(desk: Desk, found: Appointment, status: int = 200, *, said: str = "") -> web.Response:
    shown = {
        **await section.values(desk, found, said=said),
        "csrf": desk.csrf,
        "lang": language(),
        "papers_level": "h3",
    }
    html = desk.request.app[PAGES].get_template("documents/desk.html").render(**shown)
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)
