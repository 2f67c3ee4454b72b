"""Booking for somebody who telephones, stands at the desk or wrote: everything on one screen, by keyboard alone."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from multidict import MultiDict

from balie.booking import appointments, catalogue
from balie.booking.appointments import QUESTION_MAX, Booked, Booking
from balie.booking.catalogue import Colleague, Product, Service
from balie.booking.errors import BookingError, NotFound, SlotTaken
from balie.booking.slots import Wish
from balie.i18n import LANGUAGES, duration_words, pick
from balie.i18n import gettext as _
from balie.staff import agenda
from balie.store.engine import Tx
from web.citizen import persons
from web.desk import times, words
from web.desk.desk import Desk, go
from web.desk.times import Times
from web.forms import Form, read_query, whole
from web.keys import CALENDARS, SITE

PLACE = "/balie/afspraak/nieuw"
HELPER = "helper-"


@dataclass(frozen=True)
class Offered:
    """What this member of staff can book: of his own services."""

    services: list[Service]
    products: list[Product]
    colleagues: list[Colleague]


def _offered(tx: Tx, desk: Desk) -> Offered:
    services = [each for each in catalogue.services(tx) if each.id in desk.member.services]
    products = [each for each in catalogue.products(tx) if each.service_id in desk.member.services]
    people = {each.id: each for service in services for each in catalogue.staff_of(tx, service.id)}
    return Offered(services, products, sorted(people.values(), key=lambda each: each.name))


def _wish(form: Form, offered: Offered) -> Wish:
    """What stands in the form, as far as it can be: unknown products and people are left out."""
    known = {each.id for each in offered.products}
    asked = (whole(each) for each in form.all("product"))
    product_ids = tuple(dict.fromkeys(each for each in asked if each in known))
    staff_id = form.number("bij", least=1)
    if staff_id not in {each.id for each in offered.colleagues}:
        staff_id = None
    # Staff may book what a citizen is too late for: he is on the line.
    return Wish(product_ids, form.choice("vorm", words.modalities()) or "video", staff_id, urgent=True)


async def new(desk: Desk) -> web.StreamResponse:
    """GET /balie/afspraak/nieuw; ?vervolg=REF begins with the people and products of an earlier one."""
    earlier = desk.request.query.get("vervolg", "")
    filled = await desk.read(_follow_up, desk, earlier) if earlier else MultiDict[str]()
    return await _show(desk, Form(filled))


def _follow_up(tx: Tx, desk: Desk, ref: str) -> MultiDict[str]:
    """What is known already.  404: no such appointment of one's services."""
    try:
        found = agenda.visible(tx, desk.member, ref)
    except NotFound:
        raise web.HTTPNotFound from None
    filled = MultiDict({"vervolg": found.ref, "vorm": found.modality, "bij": str(found.staff_id)})
    for product in found.products:
        filled.add("product", str(product.id))
    if (who := found.citizen) is not None:
        filled.update(
            {"naam": who.name, "mail": who.mail, "telefoon": words.phone_words(who.phone), "spreektaal": who.locale}
        )
    return filled


async def _show(desk: Desk, form: Form, status: int = 200, found: Times | None = None) -> web.Response:
    def look(tx: Tx) -> tuple[Offered, Times]:
        offered = _offered(tx, desk)
        return offered, found if found is not None else _times(tx, desk, form, offered)

    offered, free = await desk.read(look)
    return await desk.show(
        "booking.html",
        status=status,
        form=form,
        services=[
            (
                pick(service.names),
                [
                    (str(each.id), pick(each.names), duration_words(each.duration_min))
                    for each in offered.products
                    if each.service_id == service.id
                ],
            )
            for service in offered.services
        ],
        times=free,
        colleagues=[("", _("Wie eerst vrij is")), *((str(each.id), each.name) for each in offered.colleagues)],
        modalities=list(words.modalities().items()),
        channels=[(each, words.channels()[each]) for each in words.STAFF_CHANNELS],
        languages=LANGUAGES,
        roles=[(role, name) for role, name in words.roles().items() if role != "citizen"],
        helper_open=any(form.last(f"{HELPER}{name}") for name in ("naam", "mail", "telefoon")),
    )


def _times(tx: Tx, desk: Desk, form: Form, offered: Offered) -> Times:
    from_day = times.day_of(form.last("vanaf"))
    wish = _wish(form, offered)
    return times.look(tx, desk.request.app[CALENDARS], wish, desk.now_s, from_day, desk.member.zone)


async def free(desk: Desk) -> web.StreamResponse:
    """GET /balie/afspraak/nieuw/uren: the times for what is chosen, a piece of the page."""
    form = read_query(desk.request)
    found = await desk.read(lambda tx: _times(tx, desk, form, _offered(tx, desk)))
    return await desk.show("times.html", times=found, form=form)


async def book(desk: Desk) -> web.StreamResponse:
    """POST /balie/afspraak/nieuw: with doe=uren the page again with the times; else the appointment."""
    form = desk.form
    if form.last("doe") == "uren":
        return await _show(desk, form)
    citizen = persons.read(form)
    helped = any(form.last(f"{HELPER}{name}").strip() for name in ("naam", "mail", "telefoon"))
    helpers = (persons.read(form, HELPER, helper=True),) if helped else ()
    channel = form.choice("kanaal", words.STAFF_CHANNELS) or words.STAFF_CHANNELS[0]
    question = form.lines("vraag", most=QUESTION_MAX)
    start_s = form.number("start", least=1)

    def write(tx: Tx) -> Booked:
        wish = _wish(form, _offered(tx, desk))
        request = Booking(
            citizen=citizen,
            channel=channel,
            actor=desk.member.actor,
            wish=wish,
            start_s=start_s or 0,
            helpers=helpers,
            question=question,
            follow_up_of=agenda.visible(tx, desk.member, earlier).id if (earlier := form.last("vervolg")) else None,
        )
        return appointments.book(tx, desk.now_s, desk.entropy, desk.link_key, request)

    _require_time(form, start_s)
    silent = not (citizen.mail or desk.request.app[SITE].sms)
    if silent and not form.errors and channel != "desk" and form.last("vorm") not in ("phone", "desk"):
        # At the desk he gets the sheet with his link in his hand; over the telephone nothing would bring it to him.
        form.fail("mail", _("Vul een e-mailadres in, of kies telefoon of loket. We sturen geen sms met de link."))
    found: Times | None = None
    if not form.errors:
        try:
            booked = await desk.write(write)
        except SlotTaken as error:
            found = times.listed(error.next_free, desk.member.zone)
            form.fail("start", words.booking_error_words(error)[1])
        except BookingError as error:
            form.fail(*words.booking_error_words(error))
        else:
            return go(f"/balie/afspraak/{booked.ref}", "geboekt-stil" if silent else "geboekt")
    return await _show(desk, form, 409 if found is not None else 422, found)


def _require_time(form: Form, start_s: int | None) -> None:
    if not form.all("product"):
        form.fail("product", _("Kies waarover het gaat."))
    elif start_s is None:
        form.fail("start", _("Kies een uur."))
