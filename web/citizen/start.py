"""GET /: what one can come for, how to find it, and where to go with an appointment that one has."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from balie.booking.catalogue import Product
from balie.booking.slots import Wish
from balie.i18n import gettext as _
from balie.i18n import moment_words, ngettext
from balie.store.engine import Tx
from web.citizen.catalogue import Catalogue, themes
from web.citizen.chosen import shared_ways
from web.citizen.office import Office, office
from web.citizen.show import show
from web.forms import LINE_MAX


async def start(request: web.Request) -> web.Response:
    here = office(request)
    asked = request.query.get("zoek", "").strip()[:LINE_MAX]
    catalogue = await here.catalogue()
    products = catalogue.matching(asked)
    firsts = await here.read(_first_free, here, products)
    offers = [catalogue.offer(each, _first_words(catalogue, each, firsts[each.id])) for each in products]
    found = ngettext("{n} onderwerp gevonden", "{n} onderwerpen gevonden", len(products)).format(n=len(products))
    return show(request, "start.html", asked=asked, found=found, themes=themes(products, offers))


def _first_free(tx: Tx, here: Office, products: Iterable[Product]) -> dict[int, int | None]:
    """By product, when it is first free in the way that comes first (Unix seconds)."""
    found: dict[int, int | None] = {}
    for each in products:
        ways = shared_ways((each,))
        slots = here.calendars.first(tx, Wish((each.id,), ways[0]), here.now_s, 1) if ways else []
        found[each.id] = slots[0].start_s if slots else None
    return found


def _first_words(catalogue: Catalogue, product: Product, start_s: int | None) -> str:
    if start_s is None:
        return _("niets vrij de komende tijd")
    return moment_words(start_s, catalogue.services[product.service_id].zone)
