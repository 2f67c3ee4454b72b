"""The first two steps of a booking: what it is about, and when.  Choosing a time keeps it for ten minutes.

GET  /afspraak/nieuw         products;  ?product= chooses already, by slug or by number in the Flemish catalogue
GET  /afspraak/nieuw/tijd    days and hours
POST /afspraak/nieuw/tijd    keeps the time `start`, and leads to the next step
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from balie.booking import appointments
from balie.booking.appointments import Held
from balie.booking.catalogue import Product
from balie.booking.errors import BookingError, SlotTaken
from balie.booking.slots import Wish
from balie.i18n import gettext as _
from balie.i18n import pick
from balie.store.engine import Tx
from web import forms
from web.citizen import chosen as choosing
from web.citizen import draft as drafting
from web.citizen import place
from web.citizen.catalogue import Catalogue, Theme, services, themes
from web.citizen.draft import DETAILS, REVIEW, TIMES, Draft
from web.citizen.office import Office, office
from web.citizen.show import go, show
from web.citizen.times import GONE, TAKEN, show_times
from web.citizen.typed import CHECKED
from web.forms import Form


async def entrance(request: web.Request) -> web.Response:
    """GET /afspraak: as other websites link to us."""
    return web.Response(status=302, headers={"Location": f"/afspraak/nieuw?{request.query_string}".rstrip("?")})


async def products(request: web.Request) -> web.Response:
    """GET /afspraak/nieuw: step 1."""
    return _products(request, await office(request).catalogue(), forms.read_query(request))


def _products(request: web.Request, catalogue: Catalogue, form: Form) -> web.Response:
    chosen = catalogue.find_all(form.all("product"))
    offers = [catalogue.offer(each) for each in catalogue.products]
    several = len({each.service_id for each in catalogue.products}) > 1
    listed = services(catalogue, offers) if several else themes(catalogue.products, offers)
    narrowed = bool(chosen) and not form.errors and not form.last("alles")
    if narrowed:
        # What was chosen elsewhere stands first, and under it only what can go along.
        beside = [
            each for each in catalogue.products if each not in chosen and len(choosing.apart((*chosen, each))) == 1
        ]
        listed = [Theme(_("U koos"), [catalogue.offer(each) for each in chosen])]
        if beside:
            more = _("Wilt u in hetzelfde gesprek nog iets bespreken?")
            listed.append(Theme(more, [catalogue.offer(each) for each in beside]))
    return show(
        request,
        "products.html",
        status=422 if form.errors else 200,
        here="/afspraak/nieuw" if form.errors else "",
        form=form,
        themes=listed,
        narrowed=narrowed,
        several=several and not narrowed,
        chosen=[catalogue.key(each) for each in chosen],
        ready=choosing.checklist(chosen),
    )


async def times(request: web.Request) -> web.Response:
    """GET /afspraak/nieuw/tijd: step 2."""
    here, form = office(request), forms.read_query(request)
    catalogue = await here.catalogue()
    parts = choosing.apart(catalogue.find_all(form.all("product")))
    if len(parts) > 1:
        return _split(request, catalogue, parts)
    chosen = choosing.read(form, catalogue)
    if chosen is None:
        return _products(request, catalogue, form)
    return await show_times(request, here, form, chosen)


def _split(request: web.Request, catalogue: Catalogue, parts: list[tuple[Product, ...]]) -> web.Response:
    """What was chosen does not go together: an appointment each, and which comes first."""
    offered = [
        Part(
            pick(catalogue.services[part[0].service_id].names),
            [pick(each.names) for each in part],
            [("product", catalogue.key(each)) for each in part],
        )
        for part in parts
    ]
    chosen = [("product", catalogue.key(each)) for part in parts for each in part]
    return show(request, "split.html", parts=offered, back=f"/afspraak/nieuw?{urlencode([*chosen, ('alles', '1')])}")


@dataclass(frozen=True)
class Part:
    """Products that go together, and the fields that choose them."""

    service: str
    names: list[str]
    fields: list[tuple[str, str]]


async def time_chosen(request: web.Request) -> web.Response:
    """POST /afspraak/nieuw/tijd: hold the time that was chosen, and go on to where one was."""
    form = await forms.read(request)
    here = office(request)
    chosen = choosing.read(form, await here.catalogue())
    if chosen is None:
        return go("/afspraak/nieuw")
    draft = await drafting.look(request, here, form)
    former = place.read(form, here.now_s)
    if chosen.start_s is None:
        return go(drafting.url(TIMES, chosen, former, draft))
    try:
        held, draft = await here.write(_hold, here, chosen.wish, chosen.start_s, former.secret, draft)
    except SlotTaken:
        return go(drafting.url(TIMES, chosen, former, draft, TAKEN))
    except BookingError:
        return go(drafting.url(TIMES, chosen, former, draft, GONE))
    on = REVIEW if CHECKED in draft.form.values else DETAILS
    return drafting.answer(request, draft, drafting.url(on, chosen, place.of(held), draft))


def _hold(tx: Tx, here: Office, wish: Wish, start_s: int, former: str, draft: Draft) -> tuple[Held, Draft]:
    """A new hold takes the place of the one before; what was typed stays."""
    if former:
        appointments.let_go(tx, here.now_s, former)
    held = appointments.hold(tx, here.now_s, here.entropy, wish, start_s)
    return held, drafting.write(tx, here, draft, draft.values or [])
