"""Beside the call: who it is about, what is agreed, somebody more to invite, a colleague to give it to.

Its forms are sent by the page's script and answered with the panel anew: the call goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from aiohttp import web
from multidict import MultiDict

from balie.booking import links, people
from balie.booking.errors import BookingError, NotFound
from balie.booking.reading import Appointment
from balie.i18n import LANGUAGES, day_words, language, moment_words
from balie.i18n import gettext as _
from balie.staff import agenda
from balie.store.engine import Tx
from balie.visit import call_request, device_test, steps, wrap_up
from balie.visit import transfer as handing
from balie.visit.steps import NextStep
from web.citizen import persons
from web.desk import qr, task_words, words
from web.desk.desk import Desk
from web.desk.live import LIVE
from web.desk.rows import row
from web.desk.waiting import Lights, light_words
from web.documents import section
from web.forms import Form
from web.keys import HUB, PUMP, SITE
from web.samen import desk as together

PLACE = "/balie/gesprek"
HELPER = "helper-"
NEWS = "appointment"
"""What everybody in the room is told to fetch again."""


def visible(tx: Tx, desk: Desk) -> Appointment:
    """The appointment of the path.  404 as web.desk.appointment has it."""
    try:
        return agenda.visible(tx, desk.member, desk.request.match_info["ref"])
    except NotFound:
        raise web.HTTPNotFound from None


async def show(desk: Desk) -> web.StreamResponse:
    """GET …/paneel: what stands in it now."""
    return await answer(desk)


async def answer(desk: Desk, status: int = 200, **more: Any) -> web.Response:
    return await desk.show("panel.html", status=status, **await values(desk, **more))


async def values(desk: Desk, *, done: str = "", said: str = "", opened: str = "", new: int = 0) -> dict[str, Any]:
    """What the panel's template shows.

    done, said    the part in which something was done, and what
    opened        the part in which something is wrong
    new           participant id of somebody who was just invited: his QR code is shown at once
    """

    def look(
        tx: Tx,
    ) -> tuple[Appointment, Lights, list[tuple[int, str]], dict[int, str], str, list[NextStep], set[str]]:
        found = visible(tx, desk)
        lights = device_test.shared(tx, [found.id])
        tokens = {each.id: links.current(tx, desk.link_key, each.id) or "" for each in found.helpers}
        note, agreed = wrap_up.of_appointment(tx, found.id).note, steps.of_appointment(tx, found.id)
        calls = {each.who.name for each in call_request.waiting(tx, {found.service_id}, found.id)}
        return found, lights, agenda.colleagues(tx, {found.service_id}), tokens, note, agreed, calls

    found, lights, colleagues, tokens, note, agreed, calls = await desk.read(look)
    most = min((each.max_third_parties for each in found.products), default=0)
    return {
        **await together.values(desk),
        **await section.values(desk, found),
        "papers_level": "h3",
        "place": f"{PLACE}/{found.ref}",
        "found": found,
        "row": row(found, {}, desk.now_s),
        "when": moment_words(found.start_s, found.zone),
        "people": [_person(desk, each, lights, tokens.get(each.id, ""), new) for each in found.people],
        "colleagues": _colleagues(desk, colleagues, found),
        "calls": [task_words.call(each) for each in sorted(calls)],
        "note": note,
        "steps": [_step(each) for each in agreed],
        "owners": list(words.step_owners().items()),
        "helpers_left": most - len(found.helpers),
        "roles": [(role, name) for role, name in words.roles().items() if role != people.CITIZEN],
        "languages": LANGUAGES,
        "done": done,
        # What was done need not be done once more: its form begins empty.
        "form": Form(MultiDict()) if done else desk.form,
        "said": said,
        "opened": {done, opened},
    }


def _person(desk: Desk, each: Any, lights: Lights, token: str, new: int) -> dict[str, object]:
    test = lights.get(each.id)
    light = test.light if test is not None else ""
    link = f"{desk.request.app[SITE].public_url}/g/{token}" if token else ""
    return {
        "person": each.person,
        "name": each.name,
        "role": each.label or words.roles()[each.role],
        "phone": words.phone_words(each.phone),
        "language": LANGUAGES.get(each.locale, "") if each.locale != language() else "",
        "light": light,
        "light_words": light_words(light),
        "link": link,
        "qr": qr.svg(link) if link else "",
        "new": each.id == new,
    }


def _colleagues(desk: Desk, colleagues: list[tuple[int, str]], found: Appointment) -> list[tuple[str, str]]:
    """Those at their desk first: they hear at once that somebody is given to them."""
    live = desk.request.app[LIVE]
    others = [(key, name) for key, name in colleagues if key != found.staff_id]
    here = [(str(key), _("{name} – nu aan de balie").format(name=name)) for key, name in others if live.at_desk(key)]
    return here + [(str(key), name) for key, name in others if not live.at_desk(key)]


def _step(each: NextStep) -> dict[str, object]:
    due = day_words(date.fromisoformat(each.due_day)) if each.due_day else ""
    return {"id": each.id, "text": each.text, "owner": words.step_owners()[each.owner], "due": due}


# -- what can be done ---------------------------------------------------------------------------------------


async def act(
    desk: Desk, change: Callable[[Tx, Appointment], int], say: Callable[[BookingError], tuple[str, str]]
) -> tuple[int, Appointment] | None:
    """Change something; or None, and the form says why not.  say: the field and the sentence of a refusal."""

    def write(tx: Tx) -> tuple[int, Appointment]:
        found = visible(tx, desk)
        return change(tx, found), found

    if desk.form.errors:
        return None
    try:
        return await desk.write(write)
    except BookingError as error:
        desk.form.fail(*say(error))
        return None


def tell(desk: Desk, about: Appointment, what: str = NEWS) -> None:
    """Everybody in the call looks again."""
    desk.request.app[HUB].tell(about.room, what)
    desk.request.app[PUMP].flush()


async def transfer(desk: Desk) -> web.StreamResponse:
    """POST …/doorgeven: to a colleague, who is alerted on his first page."""
    staff_id = desk.form.number("collega", least=1)
    if staff_id is None:
        desk.form.fail("collega", _("Kies een collega."))
    to = staff_id or 0

    def change(tx: Tx, found: Appointment) -> int:
        return int(handing.transfer(tx, desk.now_s, desk.entropy, found.id, to, desk.member.actor))

    did = await act(desk, change, lambda error: ("collega", words.booking_error_words(error)[1]))
    if did is None:
        return await answer(desk, 422, opened="transfer")
    tell(desk, did[1])
    found = await desk.read(visible, desk)
    said = _("Het gesprek is nu van {name}.").format(name=found.staff_name)
    return await answer(desk, done="transfer", said=said)


async def invite(desk: Desk) -> web.StreamResponse:
    """POST …/uitnodigen: somebody more, now.  By mail or text message, or by the QR code that the panel shows then."""
    sms = desk.request.app[SITE].sms
    person = persons.read(desk.form, HELPER, helper=True, sms=sms, reachable=False)

    def change(tx: Tx, found: Appointment) -> int:
        key, actor = desk.link_key, desk.member.actor
        return people.add_helper(tx, desk.now_s, desk.entropy, key, found.id, person, actor, reachable=False)

    did = await act(desk, change, lambda error: ("doe", words.booking_error_words(error)[1]))
    if did is None:
        return await answer(desk, 422, opened="invite")
    added, found = did
    tell(desk, found)
    sent = bool(person.mail or (person.phone and sms))
    said = _("{name} krijgt een eigen uitnodiging.") if sent else _("Laat {name} de QR-code scannen.")
    return await answer(desk, done="invite", said=said.format(name=person.name), new=added)
