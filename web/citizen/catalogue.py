"""What can be asked for, as pages name it: products by theme, by search, and by the word in a URL."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from balie.booking.catalogue import Product, Service
from balie.i18n import duration_words, pgettext, pick
from balie.i18n import gettext as _
from web.citizen.words import ways_words


@dataclass(frozen=True)
class Offer:
    """A product on a page.  key: its word in URLs; first: when it is first free, in words."""

    key: str
    name: str
    summary: str
    lasts: str
    ways: str
    first: str = ""


@dataclass(frozen=True)
class Theme:
    name: str
    offers: list[Offer]


class Catalogue:
    """The products of all services, as they are now."""

    def __init__(self, products: Sequence[Product], services: Iterable[Service]) -> None:
        self.products = products
        self.services = {each.id: each for each in services}
        self._slugs = Counter(each.slug for each in products)

    def key(self, product: Product) -> str:
        """Its slug; after that of its service where two services have the same."""
        if self._slugs[product.slug] == 1:
            return product.slug
        return f"{self.services[product.service_id].slug}.{product.slug}"

    def find(self, key: str) -> Product | None:
        """By its word in a URL, or by its number in the Flemish catalogue (ipdc_id), as other websites know it."""
        for each in self.products:
            if key and key in (self.key(each), each.ipdc_id):
                return each
        return None

    def find_all(self, keys: Iterable[str]) -> tuple[Product, ...]:
        """Each once, in the order of keys; unknown ones are left out."""
        found = (self.find(key) for key in keys)
        return tuple(dict.fromkeys(each for each in found if each is not None))

    def offer(self, product: Product, first: str = "") -> Offer:
        return Offer(
            self.key(product),
            pick(product.names),
            pick(product.summaries),
            duration_words(product.duration_min),
            ways_words(product.modalities),
            first,
        )

    def matching(self, asked: str) -> list[Product]:
        """Those that have every word that was asked for, in this language or in the source's."""
        wanted = _plain(asked).split()
        return [each for each in self.products if all(word in _searched(each) for word in wanted)]


def themes(products: Iterable[Product], offers: Iterable[Offer]) -> list[Theme]:
    """Offers under the names of their themes, in the order in which those first come up."""
    found: dict[str, Theme] = {}
    for product, offer in zip(products, offers, strict=True):
        words = theme_words(product.theme)
        name = words[:1].upper() + words[1:] or _("Andere onderwerpen")
        found.setdefault(name, Theme(name, [])).offers.append(offer)
    return list(found.values())


def services(catalogue: Catalogue, offers: Iterable[Offer]) -> list[Theme]:
    """Offers under the names of their services: what stands together can be one appointment."""
    found: dict[int, Theme] = {}
    for product, offer in zip(catalogue.products, offers, strict=True):
        name = pick(catalogue.services[product.service_id].names)
        found.setdefault(product.service_id, Theme(name, [])).offers.append(offer)
    return list(found.values())


def theme_words(theme: str) -> str:
    """The themes that most offices have, in the language of the page; one's own as it was written."""
    return {
        "documenten": pgettext("theme", "documenten"),
        "gezin": pgettext("theme", "gezin"),
        "milieu": pgettext("theme", "milieu"),
        "mobiliteit": pgettext("theme", "mobiliteit"),
        "sport": pgettext("theme", "sport"),
        "vrije tijd": pgettext("theme", "vrije tijd"),
        "werk": pgettext("theme", "werk"),
        "wonen": pgettext("theme", "wonen"),
        "zorg": pgettext("theme", "zorg"),
    }.get(theme.strip().lower(), theme)


def _searched(product: Product) -> str:
    theme = (product.theme, theme_words(product.theme))
    return _plain(" ".join((pick(product.names), pick(product.summaries), *theme, *product.names.values())))


def _plain(text: str) -> str:
    """Without capitals and accents: who types "evenement" finds "événement"."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))
