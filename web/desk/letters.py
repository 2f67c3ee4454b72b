"""What people wrote back: read it, say which appointment it is about, give it to a colleague, answer it, close it."""

from __future__ import annotations

from aiohttp import web

from balie.booking.errors import NotFound
from balie.booking.reading import Appointment
from balie.i18n import gettext as _
from balie.i18n import moment_words
from balie.post import inbox
from balie.post.inbox import InboxError, Letter
from balie.staff import agenda
from balie.staff.accounts import Member
from balie.store.engine import Tx
from web.desk import words
from web.desk.desk import Desk, go

PLACE = "/balie/antwoorden"
SETTLED = ("answered", "closed", "applied")
SETTLED_MAX = 100
FIELDS = {"koppel": "nummer", "wijs": "wie", "antwoord": "tekst", "sluit": "sluit"}
"""Of each thing that one can do with a letter, where its error stands."""
DONE = {"koppel": "gekoppeld", "wijs": "toegewezen", "antwoord": "antwoord", "sluit": "gesloten"}


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/antwoorden; ?toon=afgehandeld shows those that are settled."""
    settled = desk.request.query.get("toon") == "afgehandeld"
    states, most = (SETTLED, SETTLED_MAX) if settled else (inbox.WAITING, 200)
    found = await desk.read(inbox.listed, states, sorted(desk.member.services), most)
    return await desk.show("letters.html", settled=settled, letters=[_told(each, desk.member) for each in found])


async def one(desk: Desk) -> web.StreamResponse:
    """GET /balie/antwoorden/{id}."""
    return await _one(desk)


async def _one(desk: Desk, status: int = 200) -> web.Response:
    def look(tx: Tx) -> tuple[Letter, list[tuple[int, str]]]:
        letter, about = _visible(tx, desk)
        services = {about.service_id} if about is not None else desk.member.services
        return letter, agenda.colleagues(tx, services)

    try:
        letter, colleagues = await desk.read(look)
    except InboxError:
        raise web.HTTPNotFound from None
    return await desk.show(
        "letter.html",
        status=status,
        letter=_told(letter, desk.member),
        colleagues=[(str(key), name) for key, name in colleagues],
        me=str(desk.member.id),
    )


def _visible(tx: Tx, desk: Desk) -> tuple[Letter, Appointment | None]:
    """The letter of a path, and what it is about.  InboxError unknown_letter: none, or for another service."""
    letter = inbox.get(tx, int(desk.request.match_info["id"]))
    try:
        return letter, agenda.visible(tx, desk.member, letter.ref) if letter.ref else None
    except NotFound:
        raise InboxError("unknown_letter") from None


def _told(letter: Letter, member: Member) -> dict[str, object]:
    """A letter in words."""
    zone = letter.zone or member.zone
    return {
        "id": letter.id,
        "sender": letter.sender,
        "subject": letter.subject or _("(geen onderwerp)"),
        "text": letter.text,
        "received": moment_words(letter.received_s, zone),
        "state": words.letter_states()[letter.status],
        "open": letter.status in inbox.WAITING,
        "ref": letter.ref,
        "about": moment_words(letter.start_s, zone) if letter.start_s is not None else "",
        "staff": letter.staff_name,
        "to": letter.to_name,
        "to_mail": letter.to_mail,
    }


async def act(desk: Desk) -> web.StreamResponse:
    """POST /balie/antwoorden/{id}: doe is koppel, wijs, antwoord or sluit."""
    what, form = desk.form.last("doe"), desk.form
    text = form.lines("tekst", most=inbox.ANSWER_MAX) if what == "antwoord" else ""
    if not form.errors:
        try:
            await desk.write(_do, desk, what, text)
        except InboxError as error:
            if error.code == "unknown_letter":
                raise web.HTTPNotFound from None
            form.fail(FIELDS.get(what, "nummer"), words.letter_error_words(error.code))
    if form.errors:
        return await _one(desk, 422)
    stay = what in ("koppel", "wijs")
    return go(f"{PLACE}/{desk.request.match_info['id']}" if stay else PLACE, DONE[what])


def _do(tx: Tx, desk: Desk, what: str, text: str) -> None:
    letter, _about = _visible(tx, desk)
    now_s, actor = desk.now_s, desk.member.actor
    match what:
        case "koppel":
            ref = desk.form.last("nummer")
            try:
                about = agenda.visible(tx, desk.member, ref)
            except NotFound:
                raise InboxError("unknown_appointment") from None
            inbox.link(tx, now_s, letter.id, about.ref, actor)
        case "wijs":
            inbox.assign(tx, now_s, letter.id, desk.form.number("wie", least=1) or 0, actor)
        case "antwoord":
            inbox.answer(tx, now_s, desk.entropy, letter.id, text, actor)
        case "sluit":
            inbox.close(tx, now_s, letter.id, actor)
        case _:
            raise InboxError("unknown_letter")
