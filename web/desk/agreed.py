"""During the call: notes for colleagues, and the next steps that the citizen is told."""

from __future__ import annotations

from aiohttp import web

from balie.booking.reading import Appointment
from balie.i18n import gettext as _
from balie.store.engine import Tx
from balie.visit import steps, wrap_up
from web.desk import panel, words
from web.desk.desk import Desk

NEWS = "steps"


async def note(desk: Desk) -> web.StreamResponse:
    """POST …/notitie: what was typed so far."""
    written = desk.form.lines("notitie", most=wrap_up.NOTE_MAX)

    def change(tx: Tx, found: Appointment) -> int:
        wrap_up.take_note(tx, desk.now_s, found.id, desk.member.id, written)
        return 0

    did = await panel.act(desk, change, words.note_error_words)
    return await panel.answer(desk, 422 if did is None else 200)


async def add(desk: Desk) -> web.StreamResponse:
    """POST …/stappen: something that will be done, by whom, by when."""
    text = desk.form.text("stap-tekst", _("Schrijf wat er gebeurt."), most=steps.TEXT_MAX)
    owner = desk.form.choice("stap-wie", words.step_owners(), _("Kies wie het doet."))
    day = desk.form.last("stap-dag").strip()

    def change(tx: Tx, found: Appointment) -> int:
        return steps.add(tx, desk.now_s, found.id, desk.member.actor, text, owner, day)

    return await _answer(desk, await panel.act(desk, change, words.step_error_words), _("De stap is toegevoegd."))


async def remove(desk: Desk) -> web.StreamResponse:
    """POST …/stappen/weg: not after all."""
    which = desk.form.number("stap", least=1) or 0

    def change(tx: Tx, found: Appointment) -> int:
        steps.remove(tx, desk.now_s, found.id, which, desk.member.actor)
        return 0

    return await _answer(desk, await panel.act(desk, change, words.step_error_words), _("De stap is weggehaald."))


async def _answer(desk: Desk, did: tuple[int, Appointment] | None, said: str) -> web.Response:
    if did is None:
        return await panel.answer(desk, 422, opened="steps")
    panel.tell(desk, did[1], NEWS)
    return await panel.answer(desk, done="steps", said=said)
