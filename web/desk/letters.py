"""What people wrote back: read it, say which appointment it is about, give it to a colleague, answer it, close it."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from balie.booking.errors import NotFound
from balie.booking.reading import Appointment
from balie.i18n import gettext as _
from balie.i18n import moment_words
from balie.post import inbox
from balie.post.inbox import InboxError, Letter
from balie.record import tasks
from balie.record.tasks import Task, TaskError
from balie.staff import agenda
from balie.staff.accounts import Member
from balie.store.engine import Tx
from web.desk import words
from web.desk.card import Card, Kind
from web.desk.desk import Desk, go

TASKS = "/balie/taken"
PLACE = f"{TASKS}/antwoorden"
LISTED_MAX = 200
FIELDS = {"koppel": "nummer", "wijs": "wie", "antwoord": "tekst", "sluit": "sluit"}
"""Of each thing that one can do with a letter, where its error stands."""
DONE = {"koppel": "gekoppeld", "wijs": "toegewezen", "antwoord": "antwoord", "sluit": "gesloten"}
EXCERPT_MAX = 240  # characters of a letter on the list of tasks


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/taken/antwoorden: all that came in, also what nobody need read."""
    found = await desk.read(inbox.listed, sorted(desk.member.services), LISTED_MAX)
    return await desk.show("letters.html", letters=[_told(each, desk.member) for each in found])


async def one(desk: Desk) -> web.StreamResponse:
    """GET /balie/taken/antwoorden/{id}."""
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
    """POST /balie/taken/antwoorden/{id}: doe is koppel, wijs, antwoord or sluit."""
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
    return go(f"{PLACE}/{desk.request.match_info['id']}" if stay else TASKS, DONE[what])


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


# -- on the list of tasks -------------------------------------------------------------------------------


def _tell(tx: Tx, _desk: Desk, found: Sequence[Task]) -> dict[int, Card]:
    letters = inbox.look(tx, [each.object_id for each in found])
    return {each.id: _card(letters[each.object_id]) for each in found if each.object_id in letters}


def _card(letter: Letter) -> Card:
    text = " ".join(letter.text.split())
    excerpt = text if len(text) <= EXCERPT_MAX else f"{text[:EXCERPT_MAX].rstrip()} …"
    given = [_("Voor {name}").format(name=letter.staff_name)] if letter.status == "assigned" else []
    loose = [] if letter.ref else [_("nog bij geen afspraak")]
    return Card(
        title=letter.sender,
        happened=words.letter_kinds()[letter.kind],
        facts=(letter.subject or _("(geen onderwerp)"), excerpt, *loose, *given),
        path=f"{PLACE}/{letter.id}",
    )


async def _close(desk: Desk, task: Task, _what: str, said: str) -> str:
    """A letter that was erased cannot be answered; one that is there is closed on its own page."""
    if await desk.read(inbox.look, [task.object_id]):
        raise TaskError("unknown_task")
    await desk.write(tasks.close, desk.now_s, task, desk.member.actor, said)
    return "taak"


KIND = Kind("antwoorden", "reply", {"sluit": "sluit"}, _tell, _close)
