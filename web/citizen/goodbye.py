"""The goodbye, /b/{token}: what was agreed, reserved and paid, and what somebody would like to say of his visit.
Looking changes nothing.

The same questions stand in the pop-up at the end of a call (templates/goodbye.html), whose script sends here what a
form of this page sends, and asks for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date

from aiohttp import web

from balie.booking import parting, reading
from balie.booking.errors import NotFound, Unfit
from balie.booking.parting import Parting
from balie.booking.reading import Appointment, Participant
from balie.documents import records
from balie.documents.records import Document
from balie.i18n import day_words, language, moment_words, speaking
from balie.i18n import gettext as _
from balie.store.engine import Tx
from balie.visit import settled, steps, survey
from balie.visit.settled import Settled
from balie.visit.steps import NextStep
from web import forms
from web.citizen.office import Office, office
from web.citizen.show import go, show
from web.documents.words import size_words
from web.forms import Form
from web.keys import SITE
from web.language import chosen
from web.problems import problem
from web.samen import words

JSON = "application/json"
PHONE, TABLET = re.compile(r"Mobi|iPhone|iPod"), re.compile(r"iPad|Tablet|Android")


@dataclass(frozen=True)
class Farewell:
    """Somebody at the end of his visit.  steps, done: for the citizen; who comes along need not know what it was about.

    papers  what staff gave, which he can still get; of who comes along, where the citizen lets him have documents
    done    what was reserved and paid
    """

    token: str
    parting: Parting
    appointment: Appointment
    me: Participant
    steps: tuple[NextStep, ...]
    papers: tuple[Document, ...] = ()
    done: Settled = field(default_factory=Settled)

    @property
    def url(self) -> str:
        return f"/b/{self.token}"

    @property
    def when(self) -> str:
        return moment_words(self.appointment.start_s, self.appointment.zone)


Handler = Callable[[web.Request, Office, Farewell], Awaitable[web.StreamResponse]]


def leaving(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for who has such a link, in his language; 404 with a way forward for all else."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        here = office(request)
        found = await here.read(_look, request.match_info["token"], here.now_s)
        if found is None:
            return problem(404, "unknown") if _is_script(request) else show(request, "parted.html", status=404)
        with speaking(chosen(request) or found.me.locale):
            return await handler(request, here, found)

    return guarded


async def page(request: web.Request, here: Office, found: Farewell) -> web.StreamResponse:
    """GET /b/{token}."""
    return _page(request, here, found, Form(request.query))


async def agreed(request: web.Request, here: Office, found: Farewell) -> web.StreamResponse:
    """GET /b/{token}/stappen, for the pop-up: what was agreed and settled, in words; what staff gave; whether there is
    something to ask, and whether the visit is over."""
    return web.json_response(
        {
            "asks": found.parting.asks,
            "over": found.parting.ended,
            "papers": [
                {"name": each.name, "about": size_words(each.size), "href": f"{found.url}/documenten/{each.id}"}
                for each in found.papers
            ],
            "settled": _settled(request, here, found),
            "steps": [{"owner": each.owner, "words": step_words(each)} for each in found.steps],
        }
    )


async def seen(request: web.Request, here: Office, found: Farewell) -> web.StreamResponse:
    """POST /b/{token}/gezien: the question stands before him, so no mail asks it."""
    await forms.read(request)
    await here.write(survey.shown, here.now_s, found.token)
    return web.Response(status=204)


async def start(request: web.Request, here: Office, found: Farewell) -> web.StreamResponse:
    """POST /b/{token}/begin: he wants to say something."""
    await forms.read(request)
    await here.write(survey.start, here.now_s, here.entropy, found.token)
    return _done(request, found)


async def decline(request: web.Request, here: Office, found: Farewell) -> web.StreamResponse:
    """POST /b/{token}/sluiten: he would rather not."""
    await forms.read(request)
    await here.write(survey.decline, here.now_s, here.entropy, found.token)
    return _done(request, found)


async def answer(request: web.Request, here: Office, found: Farewell) -> web.StreamResponse:
    """POST /b/{token}: what he says."""
    form = await forms.read(request)
    answers = {each.key: form.last(each.key) for each in survey.QUESTIONS}
    device = device_of(request.headers.get("User-Agent", ""))
    try:
        await here.write(survey.answer, here.now_s, here.entropy, found.token, answers, device, language())
    except Unfit as error:
        form.fail(error.field, _unfit_words(error))
        return (
            problem(422, "unfit", field=error.field) if _is_script(request) else _page(request, here, found, form, 422)
        )
    return _done(request, found)


def step_words(each: NextStep) -> str:
    if not each.due_day:
        return each.text
    return _("{what} (voor {day})").format(what=each.text, day=day_words(date.fromisoformat(each.due_day)))


def device_of(agent: str) -> str:
    """What somebody holds, as far as his browser says: a phone, a tablet, or else a computer."""
    if PHONE.search(agent):
        return "phone"
    return "tablet" if TABLET.search(agent) else "computer"


def _page(request: web.Request, here: Office, found: Farewell, form: Form, status: int = 200) -> web.Response:
    mine = {owner: [step_words(each) for each in found.steps if each.owner == owner] for owner in OWNERS}
    done = _settled(request, here, found)
    return show(
        request,
        "goodbye.html",
        status=status,
        farewell=found,
        phone=found.appointment.service_phone,
        form=form,
        agreed=mine,
        settled=done,
    )


def _settled(request: web.Request, here: Office, found: Farewell) -> list[str]:
    return words.settled_words(
        found.done, found.appointment.zone, here.now_s, request.app[SITE].about(found.appointment.service_phone).phone
    )


OWNERS = ("citizen", "office", "other")


def _unfit_words(error: Unfit) -> str:
    if error.code.endswith("too_long"):
        return _("Dit is te lang: er passen {most} tekens in.").format(most=survey.TEXT_MAX)
    return _("Hier staat een teken in dat we niet kunnen lezen. Typ het opnieuw.")


def _done(request: web.Request, found: Farewell) -> web.Response:
    return web.Response(status=204) if _is_script(request) else go(found.url)


def _is_script(request: web.Request) -> bool:
    return request.headers.get("Accept", "").startswith(JSON)


def _look(tx: Tx, token: str, now_s: int) -> Farewell | None:
    found = parting.find(tx, token, now_s)
    if found is None:
        return None
    try:
        about = reading.by_id(tx, found.appointment_id)
    except NotFound:
        return None
    me = next((each for each in about.people if each.id == found.participant_id), None)
    if me is None:
        return None
    given: tuple[Document, ...] = ()
    if me.role == "citizen" or me.rights.get("files"):
        given = tuple(each for each in records.of_appointment(tx, about.id) if each.direction == "out" and each.open)
    if me.role != "citizen":
        return Farewell(token, found, about, me, (), given)
    done = settled.of_citizen(tx, about.id, me.id)
    return Farewell(token, found, about, me, tuple(steps.of_appointment(tx, about.id)), given, done)
