"""/a/{token}: my appointment, and what I can do about it.  Every change is a POST from its page."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiDict

from balie.booking import changes, people
from balie.booking.errors import BookingError, NotFound, NotNow, SlotTaken, Unfit
from balie.booking.slots import Wish
from balie.i18n import gettext as _
from balie.i18n import moment_words
from balie.post import evidence
from balie.store.engine import Tx
from web import csrf, forms
from web.citizen import invitation, persons, words
from web.citizen.mine import Closed, Mine, closed, look
from web.citizen.office import ACTOR
from web.citizen.picking import hours
from web.citizen.show import Problem, go, show
from web.citizen.times import just_taken, no_longer, pick
from web.forms import Form
from web.keys import SITE


def _news() -> dict[str, str]:
    """What was just done, by the word in the URL."""
    return {
        "komt": _("Bedankt, we weten dat u komt."),
        "verzet": _("Uw afspraak is verzet. U krijgt er een bericht over, met een nieuwe link."),
        "vorm": _("We hebben het aangepast. Dag en uur blijven dezelfde."),
        "nummer": _("We bellen u op het nummer dat u opgaf. Dag en uur blijven dezelfde."),
        "mee": _("Deze persoon komt mee en krijgt een bericht met een eigen link."),
        "weg": _("Deze persoon komt niet meer mee. De link werkt niet meer."),
    }


async def appointment(request: web.Request, mine: Mine) -> web.Response:
    """GET /a/{token}."""
    return _page(request, mine)


def _page(request: web.Request, mine: Mine, problem: Problem | None = None) -> web.Response:
    return show(
        request,
        "mine.html",
        status=409 if problem else 200,
        here=mine.url,
        mine=mine,
        phone=mine.phone,
        roles=words.roles(),
        done=request.query.get("gedaan", ""),
        news=_news().get(request.query.get("gedaan", ""), ""),
        problem=problem,
    )


async def booked(request: web.Request, mine: Mine) -> web.Response:
    """GET /afspraak/bevestigd/{token}: it is made, and this happens next."""
    return show(request, "booked.html", mine=mine, phone=mine.phone, roles=words.roles())


async def calendar_file(request: web.Request, mine: Mine) -> web.Response:
    """GET /a/{token}/afspraak.ics: for who wants it in his calendar without the mail."""
    url = f"{request.app[SITE].public_url}{mine.url}"
    data = invitation.calendar_file(mine, url, request.app[SITE].name, request.app[SITE].about(mine.phone).phone)
    headers = {"Content-Disposition": 'attachment; filename="afspraak.ics"'}
    return web.Response(body=data, content_type="text/calendar", charset="utf-8", headers=headers)


async def seen(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/gezien: somebody has the page before him and does something on it."""
    csrf.check(request)
    await mine.here.write(evidence.link_opened, mine.here.now_s, mine.me.id)
    return web.Response(status=204)


async def comes(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/komt: "Ik kom"."""
    csrf.check(request)

    def confirm(tx: Tx) -> None:
        if mine.is_citizen:
            changes.confirm(tx, mine.here.now_s, mine.here.entropy, mine.appointment.id, ACTOR)
        evidence.confirmed(tx, mine.here.now_s, mine.me.id)

    return await _change(request, mine, confirm, "komt")


async def way(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/vorm: rather by telephone, at the desk, or by video.  The time stays."""
    form = await forms.read(request)
    wanted = form.choice("vorm", dict(mine.other_ways))
    if not wanted or not mine.changeable:
        return await _too_late(request, mine)
    if wanted == "phone" and not mine.me.phone:
        return go(f"{mine.url}/telefoon")

    def change(tx: Tx) -> None:
        changes.change_modality(tx, mine.here.now_s, mine.here.entropy, mine.appointment.id, wanted, ACTOR)

    return await _change(request, mine, change, "vorm")


def _can_be_called(mine: Mine) -> bool:
    """It is by telephone, or can be."""
    return mine.changeable and (mine.appointment.modality == "phone" or "phone" in dict(mine.other_ways))


async def calling(request: web.Request, mine: Mine) -> web.Response:
    """GET /a/{token}/telefoon: on which number?"""
    if not _can_be_called(mine):
        return await _too_late(request, mine)
    return _call_page(request, mine, Form(MultiDict({"telefoon": mine.me.phone})))


def _call_page(request: web.Request, mine: Mine, form: Form) -> web.Response:
    return show(request, "call_me.html", status=422 if form.errors else 200, mine=mine, phone=mine.phone, form=form)


async def call_me(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/telefoon: on this number; and by telephone, if it was not yet."""
    form = await forms.read(request)
    if not _can_be_called(mine):
        return await _too_late(request, mine)
    phone = form.text("telefoon", _("Vul het nummer in waarop we u mogen bellen."))

    def change(tx: Tx) -> None:
        now_s, entropy = mine.here.now_s, mine.here.entropy
        people.change_phone(tx, now_s, entropy, mine.appointment.id, mine.me.id, phone, ACTOR)
        changes.change_modality(tx, now_s, entropy, mine.appointment.id, "phone", ACTOR)

    if not form.errors:
        try:
            return await _change(request, mine, change, "nummer")
        except Unfit as error:
            form.fail("telefoon", words.wrong(error))
    return _call_page(request, mine, form)


async def _change(request: web.Request, mine: Mine, change: Callable[[Tx], None], done: str) -> web.Response:
    """Do it and say so; or say why not, on the page of the appointment as it is."""
    try:
        await mine.here.write(change)
    except (NotFound, NotNow):
        return await _too_late(request, mine)
    return go(f"{mine.url}?{urlencode({'gedaan': done})}")


async def _too_late(request: web.Request, mine: Mine) -> web.Response:
    """What was asked for cannot be any more: the appointment as it is now, which may be another than a moment ago."""
    found = await mine.here.read(look, mine.here, mine.token)
    if isinstance(found, Closed):
        return closed(request, found)
    what = _("Dat kan nu niet meer")
    now = _("Uw afspraak is intussen veranderd of begonnen. Kijk hieronder hoe het nu is.")
    return _page(request, found, Problem(what, now))


async def cancelling(request: web.Request, mine: Mine) -> web.Response:
    """GET /a/{token}/annuleren: are you sure?"""
    if not mine.changeable:
        return await _too_late(request, mine)
    return show(request, "cancel.html", mine=mine, phone=mine.phone, form=forms.read_query(request))


async def cancel(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/annuleren."""
    form = await forms.read(request)
    reason = form.lines("reden", most=changes.REASON_MAX)
    if form.errors:
        return show(request, "cancel.html", status=422, mine=mine, phone=mine.phone, form=form)
    if not mine.changeable:
        return await _too_late(request, mine)
    try:
        await mine.here.write(
            changes.cancel, mine.here.now_s, mine.here.entropy, mine.appointment.id, ACTOR, by="citizen", reason=reason
        )
    except (NotFound, NotNow):
        return await _too_late(request, mine)
    return show(request, "cancelled.html", here="/", mine=mine, phone=mine.phone)


async def moving(request: web.Request, mine: Mine) -> web.Response:
    """GET /a/{token}/verzetten: days and hours; with `start`, are you sure?"""
    if not mine.changeable:
        return await _too_late(request, mine)
    form = forms.read_query(request)
    if (start_s := form.moment("start")) is not None:
        when = moment_words(start_s, mine.appointment.zone)
        return show(request, "move_sure.html", mine=mine, phone=mine.phone, start_s=start_s, new=when)
    return await _move_page(request, mine, form)


async def _move_page(request: web.Request, mine: Mine, form: Form, problem: Problem | None = None) -> web.Response:
    found = mine.appointment
    wish = Wish(tuple(each.id for each in found.products), found.modality)
    try:
        picker = await pick(mine.here, form, wish, found.zone, ())
    except BookingError:  # a product is not offered any more, or not in this way
        what = _("U kunt deze afspraak hier niet verzetten")
        return _page(request, mine, Problem(what, _("Wij doen het graag voor u.")))
    status = 409 if problem else 200
    here_url = f"{mine.url}/verzetten"
    return show(
        request, "move.html", status=status, here=here_url, mine=mine, phone=mine.phone, picker=picker, problem=problem
    )


async def move(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/verzetten."""
    form = await forms.read(request)
    start_s = form.moment("start")
    if not mine.changeable or start_s is None:
        return await _too_late(request, mine)
    try:
        made = await mine.here.write(
            changes.move, mine.here.now_s, mine.here.entropy, mine.here.link_key, mine.appointment.id, start_s, ACTOR
        )
    except SlotTaken as taken:
        next_free = hours(taken.next_free, mine.appointment.zone)
        return show(
            request,
            "move_taken.html",
            status=409,
            mine=mine,
            phone=mine.phone,
            problem=just_taken(),
            next_free=next_free,
        )
    except (NotFound, NotNow):
        return await _too_late(request, mine)
    except BookingError as error:
        if error.code == "start_same":
            return go(mine.url)
        return await _move_page(request, mine, form, no_longer())
    return go(f"/a/{next(iter(made.links.values()))}?gedaan=verzet")


async def bringing(request: web.Request, mine: Mine) -> web.Response:
    """GET /a/{token}/iemand-mee."""
    if not mine.changeable or len(mine.appointment.helpers) >= mine.helpers_max:
        return await _too_late(request, mine)
    return _bring_page(request, mine, forms.read_query(request))


def _bring_page(request: web.Request, mine: Mine, form: Form) -> web.Response:
    roles = [("", _("Kies")), *words.roles().items()]
    return show(
        request, "bring.html", status=422 if form.errors else 200, mine=mine, phone=mine.phone, form=form, roles=roles
    )


async def bring(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/iemand-mee."""
    form = await forms.read(request)
    person = persons.read(form, helper=True, sms=request.app[SITE].sms)
    if form.errors:
        return _bring_page(request, mine, form)
    if not mine.changeable:
        return await _too_late(request, mine)
    try:
        await mine.here.write(
            people.add_helper,
            mine.here.now_s,
            mine.here.entropy,
            mine.here.link_key,
            mine.appointment.id,
            person,
            ACTOR,
        )
    except (NotFound, NotNow):
        return await _too_late(request, mine)
    except BookingError as error:
        form.fail("naam", words.wrong(error))
        return _bring_page(request, mine, form)
    return go(f"{mine.url}?gedaan=mee")


async def leave_out(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/iemand-mee/{participant}/weg."""
    csrf.check(request)
    participant_id = forms.whole(request.match_info["participant"])
    if participant_id is None or not mine.changeable:
        return await _too_late(request, mine)

    def remove(tx: Tx) -> None:
        people.remove_helper(tx, mine.here.now_s, mine.here.entropy, mine.appointment.id, participant_id, ACTOR)

    return await _change(request, mine, remove, "weg")
