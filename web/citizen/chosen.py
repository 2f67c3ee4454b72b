"""What somebody wants to make an appointment for, as it travels through the steps: in URLs, and hidden in forms.

Nothing here is personal, and nothing here is believed: every step reads it again against the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from balie.booking.catalogue import Product, Service
from balie.booking.slots import Wish
from balie.i18n import SOURCE, duration_words, language, moment_words, pick
from balie.i18n import gettext as _
from web.citizen.catalogue import Catalogue
from web.citizen.words import and_words, ways
from web.forms import Form

PRODUCTS_MAX = 5  # in one appointment: more than anybody can talk about


@dataclass(frozen=True)
class Chosen:
    """Products of one service, a modality that they all allow, and a time when one was chosen (Unix seconds)."""

    products: tuple[Product, ...]
    keys: tuple[str, ...]
    service: Service
    modality: str
    start_s: int | None = None

    @property
    def wish(self) -> Wish:
        return Wish(tuple(each.id for each in self.products), self.modality)

    @property
    def helpers_max(self) -> int:
        return min(each.max_third_parties for each in self.products)

    @property
    def fields(self) -> list[tuple[str, str]]:
        found = [*(("product", key) for key in self.keys), ("vorm", self.modality)]
        return found if self.start_s is None else [*found, ("start", str(self.start_s))]

    def at(self, start_s: int | None) -> Chosen:
        return replace(self, start_s=start_s)

    # What pages say of it.

    @property
    def names(self) -> str:
        return and_words([pick(each.names) for each in self.products])

    @property
    def lasts(self) -> str:
        return duration_words(sum(each.duration_min for each in self.products))

    @property
    def when(self) -> str:
        assert self.start_s is not None, "a page that says when comes after the choice of a time"
        return moment_words(self.start_s, self.service.zone)

    @property
    def way(self) -> str:
        return ways()[self.modality]

    @property
    def where(self) -> str:
        return self.service.address if self.modality == "desk" else ""

    @property
    def change_url(self) -> str:
        return f"/afspraak/nieuw?{urlencode([('product', key) for key in self.keys])}"


def read(form: Form, catalogue: Catalogue) -> Chosen | None:
    """What a form or a URL asks for.  None, with an error at `product`, when that is nothing or cannot go together."""
    products = catalogue.find_all(form.all("product"))
    if refusal := _refusal(products):
        form.fail("product", refusal)
        return None
    shared = shared_ways(products)
    return Chosen(
        products,
        tuple(catalogue.key(each) for each in products),
        catalogue.services[products[0].service_id],
        form.choice("vorm", shared) or shared[0],
        form.moment("start"),
    )


def shared_ways(products: Iterable[Product]) -> list[str]:
    """The modalities that all of them allow, the digital counter first."""
    allowed = [each.modalities for each in products]
    return [way for way in ways() if all(way in each for each in allowed)]


def apart(products: Iterable[Product]) -> list[tuple[Product, ...]]:
    """What can be one appointment each: of one service, in a way that all of them allow."""
    found: list[tuple[Product, ...]] = []
    for each in products:
        for at, part in enumerate(found):
            if part[0].service_id == each.service_id and shared_ways((*part, each)):
                found[at] = (*part, each)
                break
        else:
            found.append((each,))
    return found


def checklist(products: Iterable[Product]) -> list[str]:
    """What to have ready for all of them, each thing once, in this language or else in the source's."""
    lists = (each.checklists.get(language()) or each.checklists.get(SOURCE) or [] for each in products)
    return list(dict.fromkeys(line for lines in lists for line in lines))


def _refusal(products: tuple[Product, ...]) -> str:
    """Why these cannot be one appointment; "" when they can."""
    second = _("Kies er één, en maak voor het andere een tweede afspraak.")
    if not products:
        return _("Kies waarover u ons wilt spreken.")
    if len(products) > PRODUCTS_MAX:
        return _("Kies hoogstens {n} onderwerpen.").format(n=PRODUCTS_MAX)
    if len({each.service_id for each in products}) > 1:
        return _("Deze onderwerpen zijn voor verschillende diensten.") + f" {second}"
    if not shared_ways(products):
        return _("Deze onderwerpen kunnen niet samen in één gesprek.") + f" {second}"
    return ""
