"""The first two steps of a booking: what it is about, and when.  Choosing a time keeps it for ten minutes.

GET  /afspraak/nieuw         products;  ?product= chooses already, by slug or by number in the Flemish catalogue
GET  /afspraak/nieuw/tijd    days and hours
POST /afspraak/nieuw/tijd    with `start`: keeps that time;  without: days and hours again, for a form half filled in
"""

from __future__ import annotations

from aiohttp import web

from balie.booking import appointments
from balie.booking.appointments import Held
from balie.booking.errors import BookingError, SlotTaken
from balie.booking.slots import Wish
from balie.i18n import gettext as _
from balie.store.engine import Tx
from web import forms
from web.citizen import chosen as choosing
from web.citizen import details, place
from web.citizen.catalogue import Catalogue, Theme, themes
from web.citizen.chosen import Chosen
from web.citizen.office import Office, office
from web.citizen.show import go, show
from web.citizen.times import no_longer, refuse, show_times
from web.citizen.typed import typed
from web.forms import Form
from web.language import answered


async def entrance(request: web.Request) -> web.Response:
    """GET /afspraak: as other websites link to us."""
    return web.Response(status=302, headers={"Location": f"/afspraak/nieuw?{request.query_string}".rstrip("?")})


async def products(request: web.Request) -> web.Response:
    """GET /afspraak/nieuw: step 1."""
    return _products(request, await office(request).catalogue(), forms.read_query(request))


def _products(request: web.Request, catalogue: Catalogue, form: Form) -> web.Response:
    chosen = catalogue.find_all(form.all("product"))
    listed = themes(catalogue.products, [catalogue.offer(each) for each in catalogue.products])
    if chosen and not form.errors:
        # What was chosen elsewhere stands first, and under it only what can go along.
        beside = [each for each in catalogue.products if each.service_id == chosen[0].service_id and each not in chosen]
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
        chosen=[catalogue.key(each) for each in chosen],
        ready=choosing.checklist(chosen),
    )


async def times(request: web.Request) -> web.Response:
    """GET /afspraak/nieuw/tijd: step 2."""
    return await _times(request, forms.read_query(request))


async def times_again(request: web.Request) -> web.Response:
    """POST /afspraak/nieuw/tijd."""
    return await answered(request, await forms.read(request), _times)


async def _times(request: web.Request, form: Form) -> web.Response:
    here = office(request)
    catalogue = await here.catalogue()
    chosen = choosing.read(form, catalogue)
    if chosen is None:
        return _products(request, catalogue, form)
    if request.method == "POST" and chosen.start_s is not None:
        return await _keep(request, here, form, chosen, chosen.start_s)
    return await show_times(request, here, form, chosen)


async def _keep(request: web.Request, here: Office, form: Form, chosen: Chosen, start_s: int) -> web.Response:
    """Hold the time that was chosen, and go on to where one was."""
    former = form.last("plaats")[: place.SECRET_MAX]
    try:
        held = await here.write(_hold, here, chosen.wish, start_s, former)
    except SlotTaken as taken:
        return refuse(request, form, chosen, taken.next_free)
    except BookingError:
        return await show_times(request, here, form, chosen, no_longer())
    kept = place.of(held)
    if typed(form):
        return await details.again(request, here, form, chosen, kept)
    return go(place.url(chosen, kept))


def _hold(tx: Tx, here: Office, wish: Wish, start_s: int, former: str) -> Held:
    """A new hold takes the place of the one before."""
    if former:
        appointments.let_go(tx, here.now_s, former)
    return appointments.hold(tx, here.now_s, here.entropy, wish, start_s)
