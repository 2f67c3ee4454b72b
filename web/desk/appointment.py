"""One appointment: what is known of it, and what staff can do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from balie.booking import changes, links, people, reading
from balie.booking.changes import REASON_MAX
from balie.booking.errors import BookingError, NotFound, SlotTaken
from balie.booking.reading import Appointment, Step
from balie.booking.slots import Wish
from balie.i18n import LANGUAGES, duration_words, local, moment_words, pick, short_day_words, speaking
from balie.i18n import gettext as _
from balie.post import inbox
from balie.record import tasks
from balie.staff import agenda, messages
from balie.staff.messages import Sent
from balie.store.engine import Tx
from balie.visit import call_request, device_test, wrap_up
from balie.visit.device_test import DeviceTest
from web.citizen import persons
from web.desk import qr, story, task_words, times, words
from web.desk.call import is_open
from web.desk.desk import Desk, go
from web.desk.rows import row
from web.desk.waiting import light_words
from web.documents import section
from web.forms import Form, read_query
from web.keys import CALENDARS, SITE
from web.selftest.words import findings

PLACE = "/balie/afspraak"
HELPER = "helper-"


def _place(desk: Desk) -> str:
    return f"{PLACE}/{desk.request.match_info['ref']}"


def _visible(tx: Tx, desk: Desk) -> Appointment:
    """404: none, or of a service of others: who may not see it does not learn that it exists."""
    try:
        return agenda.visible(tx, desk.member, desk.request.match_info["ref"])
    except NotFound:
        raise web.HTTPNotFound from None


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/afspraak/{ref}."""
    return await _show(desk)


async def show_again(desk: Desk, status: int) -> web.Response:
    """The page, with what is wrong with a form of it."""
    return await _show(desk, status)


async def _show(desk: Desk, status: int = 200) -> web.Response:
    def look(tx: Tx) -> tuple[Appointment, list[Step], list[Sent], dict[str, Any]]:
        found = _visible(tx, desk)
        around = {
            "known": agenda.known(tx, [found.id]),
            "tasks": [each for each in tasks.of_appointment(tx, found.id) if each.state == "open"],
            "calls": call_request.waiting(tx, [found.service_id], found.id),
            "letters": [each for each in inbox.of_appointment(tx, found.id) if each.status in inbox.WAITING],
            "token": _token(tx, desk, found),
            "names": agenda.names(tx, found.ref),
            "tests": device_test.shared(tx, [found.id]),
            "earlier": reading.by_id(tx, found.follow_up_of).ref if found.follow_up_of is not None else "",
        }
        return found, reading.timeline(tx, found), messages.of_appointment(tx, found.ref), around

    found, steps, sent, around = await desk.read(look)
    ways = [each for each in words.modalities() if all(each in product.modalities for product in found.products)]
    link = _link(desk, found, around["token"])
    return await desk.show(
        "appointment.html",
        status=status,
        found=found,
        row=row(found, around["known"], desk.now_s),
        when=moment_words(found.start_s, found.zone),
        lasts=duration_words((found.end_s - found.start_s) // 60),
        service=pick(found.service_names),
        people=[_person_told(each, around["tests"].get(each.id), found.zone) for each in found.people],
        sent=[story.message_told(each, found.zone) for each in sent],
        steps=story.told(steps, found, around["names"]),
        call=f"/balie/gesprek/{found.ref}" if is_open(found, desk.now_s) else "",
        wraps_up=found.status in wrap_up.ENDED or (found.stands and found.end_s <= desk.now_s),
        ways=[(each, words.modalities()[each]) for each in ways],
        changeable=found.status in ("booked", "confirmed") and found.end_s > desk.now_s,
        helpers_max=min((each.max_third_parties for each in found.products), default=0),
        roles=[(role, name) for role, name in words.roles().items() if role != "citizen"],
        languages=LANGUAGES,
        link=link,
        qr=qr.svg(link) if link else "",
        open_qr=desk.request.query.get("gedaan", "").startswith("geboekt"),
        tasks=[each.id for each in around["tasks"] if each.kind not in (call_request.KIND, inbox.KIND)],
        calls=[_call_told(each) for each in around["calls"]],
        letters=around["letters"],
        earlier=around["earlier"],
        papers_level="h2",
        **await section.values(desk, found),
    )


def _token(tx: Tx, desk: Desk, found: Appointment) -> str:
    """Of the citizen's link; "" when there is none any more."""
    if not found.stands or found.citizen is None:
        return ""
    return links.current(tx, desk.link_key, found.citizen.id) or ""


def _link(desk: Desk, found: Appointment, token: str) -> str:
    """The address of the citizen's link: the door of a call, or else the page of the appointment."""
    kind = "g" if found.modality == "video" else "a"
    return f"{desk.request.app[SITE].public_url}/{kind}/{token}" if token else ""


def _person_told(each: reading.Participant, test: DeviceTest | None, zone: str) -> dict[str, object]:
    return {
        "id": each.id,
        "name": each.name,
        "role": each.label or words.roles()[each.role],
        "citizen": each.role == people.CITIZEN,
        "mail": each.mail,
        "phone": words.phone_words(each.phone),
        "language": LANGUAGES.get(each.locale, ""),
        "test": _test_told(test, zone) if test is not None else None,
    }


def _call_told(each: call_request.Waiting) -> dict[str, object]:
    """Somebody who asks to be telephoned."""
    who = each.who
    return {"id": each.task.id, "words": task_words.call(who.name), "phone": words.phone_words(who.phone)}


def _test_told(test: DeviceTest, zone: str) -> dict[str, object]:
    """What somebody's device can do, when he let us know."""
    return {
        "words": light_words(test.light),
        "tone": "" if test.light == "careful" else test.light,
        "findings": findings(test),
        "day": short_day_words(local(test.at_s, zone).date()),
    }


async def sheet(desk: Desk) -> web.StreamResponse:
    """GET /balie/afspraak/{ref}/blad: a sheet to print and give along, in the citizen's words and with his link."""

    def look(tx: Tx) -> tuple[Appointment, str]:
        found = _visible(tx, desk)
        return found, _token(tx, desk, found)

    found, token = await desk.read(look)
    if not token:
        return go(_place(desk))
    link = _link(desk, found, token)
    with speaking(found.locale):
        return await desk.show(
            "sheet.html",
            found=found,
            when=moment_words(found.start_s, found.zone),
            lasts=duration_words((found.end_s - found.start_s) // 60),
            products=[pick(each.names) for each in found.products],
            modality=words.modalities()[found.modality],
            link=link,
            qr=qr.svg(link),
        )


# -- what can be done with it ---------------------------------------------------------------------------


async def _do(desk: Desk, act: Callable[[Tx, Appointment], object], done: str) -> web.StreamResponse:
    """Do it and show the page, or show why it cannot be done."""

    def write(tx: Tx) -> None:
        act(tx, _visible(tx, desk))

    if not desk.form.errors:
        try:
            await desk.write(write)
        except BookingError as error:
            desk.form.fail(*words.booking_error_words(error))
    if desk.form.errors:
        return await _show(desk, 422)
    return go(_place(desk), done)


async def confirm(desk: Desk) -> web.StreamResponse:
    """POST …/bevestigen: the citizen said that he comes."""

    def act(tx: Tx, found: Appointment) -> None:
        changes.confirm(tx, desk.now_s, desk.entropy, found.id, desk.member.actor)

    return await _do(desk, act, "bevestigd")


async def change(desk: Desk) -> web.StreamResponse:
    """POST …/vorm: by video, by telephone or at the desk."""
    modality = desk.form.choice("vorm", words.modalities(), _("Kies een vorm."))

    def act(tx: Tx, found: Appointment) -> None:
        changes.change_modality(tx, desk.now_s, desk.entropy, found.id, modality, desk.member.actor)

    return await _do(desk, act, "vorm")


async def add_helper(desk: Desk) -> web.StreamResponse:
    """POST …/helper: somebody comes along."""
    person = persons.read(desk.form, HELPER, helper=True)

    def act(tx: Tx, found: Appointment) -> None:
        people.add_helper(tx, desk.now_s, desk.entropy, desk.link_key, found.id, person, desk.member.actor)

    return await _do(desk, act, "helper" if person.mail or desk.request.app[SITE].sms else "helper-stil")


async def remove_helper(desk: Desk) -> web.StreamResponse:
    """POST …/helper/weg: somebody does not come along after all."""
    who = desk.form.number("wie", least=1) or 0

    def act(tx: Tx, found: Appointment) -> None:
        people.remove_helper(tx, desk.now_s, desk.entropy, found.id, who, desk.member.actor)

    return await _do(desk, act, "helper-weg")


async def resend(desk: Desk) -> web.StreamResponse:
    """POST …/link: somebody's link once more."""
    who = desk.form.number("wie", least=1) or 0

    def act(tx: Tx, found: Appointment) -> None:
        messages.resend_link(tx, desk.now_s, desk.entropy, desk.member, found, who)

    return await _do(desk, act, "link")


async def cancelling(desk: Desk) -> web.StreamResponse:
    """GET …/annuleren: sure?"""
    found = await desk.read(_visible, desk)
    return await desk.show("cancel.html", row=row(found, {}, desk.now_s))


async def cancel(desk: Desk) -> web.StreamResponse:
    """POST …/annuleren: it does not take place."""
    by = "citizen" if desk.form.last("door") == "burger" else "office"
    reason = desk.form.lines("reden", most=REASON_MAX)
    if by == "office" and not reason:
        desk.form.fail("reden", _("Schrijf waarom. De burger leest dit."))
    if desk.form.errors:
        found = await desk.read(_visible, desk)
        return await desk.show("cancel.html", status=422, row=row(found, {}, desk.now_s))

    def act(tx: Tx, found: Appointment) -> None:
        actor = desk.member.actor
        if by == "citizen":
            changes.cancel(tx, desk.now_s, desk.entropy, found.id, actor, by="citizen", reason=reason)
        else:
            changes.cancel(tx, desk.now_s, desk.entropy, found.id, actor, by="office", reason=reason)

    return await _do(desk, act, "geannuleerd")


async def moving(desk: Desk) -> web.StreamResponse:
    """GET …/verzetten; vanaf and bij say from which day and with whom."""
    return await _moving(desk, read_query(desk.request))


async def moving_times(desk: Desk) -> web.StreamResponse:
    """GET …/verzetten/uren: the times alone, a piece of the page."""
    asked = read_query(desk.request)
    _found, free, _colleagues = await desk.read(_free, desk, asked)
    return await desk.show("times.html", times=free, form=asked)


async def _moving(desk: Desk, asked: Form, status: int = 200, instead: times.Times | None = None) -> web.StreamResponse:
    found, free, colleagues = await desk.read(_free, desk, asked)
    return await desk.show(
        "move.html",
        status=status,
        form=asked,
        row=row(found, {}, desk.now_s),
        times=instead or free,
        colleagues=[("0", _("Wie eerst vrij is")), *((str(key), name) for key, name in colleagues)],
        staff_id=str(found.staff_id),
    )


def _free(tx: Tx, desk: Desk, asked: Form) -> tuple[Appointment, times.Times, list[tuple[int, str]]]:
    """The appointment of a path, when it could be instead, and with whom."""
    found = _visible(tx, desk)
    colleagues = agenda.colleagues(tx, {found.service_id})
    # With the same person, unless somebody says otherwise; 0 is whoever is free first.
    staff_id = asked.number("bij") if "bij" in asked.values else found.staff_id
    product_ids = tuple(each.id for each in found.products)
    wish = Wish(product_ids, found.modality, staff_id if staff_id in dict(colleagues) else None, urgent=True)
    from_day = times.day_of(asked.last("vanaf"))
    return found, times.look(tx, desk.request.app[CALENDARS], wish, desk.now_s, from_day, found.zone), colleagues


async def move(desk: Desk) -> web.StreamResponse:
    """POST …/verzetten: to another time; with doe=uren only the times again."""
    if desk.form.last("doe") == "uren":
        return await _moving(desk, desk.form)
    start_s, staff_id = desk.form.number("start", least=1), desk.form.number("bij", least=1)
    if start_s is None:
        desk.form.fail("start", _("Kies een uur."))
        return await _moving(desk, desk.form, 422)
    start = start_s

    def write(tx: Tx) -> None:
        found = _visible(tx, desk)
        key, actor = desk.link_key, desk.member.actor
        changes.move(tx, desk.now_s, desk.entropy, key, found.id, start, actor, staff_id=staff_id, urgent=True)

    try:
        await desk.write(write)
    except SlotTaken as error:
        desk.form.fail("start", words.booking_error_words(error)[1])
        return await _moving(desk, desk.form, 409, times.listed(error.next_free, desk.member.zone))
    except BookingError as error:
        desk.form.fail("start", words.booking_error_words(error)[1])
        return await _moving(desk, desk.form, 422)
    return go(_place(desk), "verzet")
