"""What citizens read of a product before their appointment, in each language, as an administrator writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select, update

from balie.booking.errors import NotFound
from balie.i18n import LANGUAGES, SOURCE
from balie.record import audit
from balie.store.engine import Tx
from balie.store.schema import product, service

NAME_MAX, TEXT_MAX, LINE_MAX, LINES_MAX = 200, 500, 200, 12
"""Characters of a name, of a text and of a line; how many lines there may be to have ready."""


@dataclass(frozen=True)
class Wording:
    """In one language; "" and () for what is not written in it: then Dutch is shown.

    name       as people choose it
    summary    under the name, where one chooses
    welcome    at the door of the call, before any camera
    checklist  what to have ready, a line each
    """

    name: str = ""
    summary: str = ""
    welcome: str = ""
    checklist: tuple[str, ...] = ()


NOTHING = Wording()


@dataclass(frozen=True)
class Worded:
    """A product and its words by language.  active: whether it can be booked."""

    id: int
    service_names: dict[str, str]
    active: bool
    words: dict[str, Wording]

    def missing(self) -> list[str]:
        """Languages in which something is not written that Dutch has."""
        source = self.words[SOURCE]
        wanted = [part for part in Wording.__dataclass_fields__ if getattr(source, part)]
        return [code for code, written in self.words.items() if not all(getattr(written, part) for part in wanted)]


_ALL = (
    select(product, service.c.names.label("service_names"), service.c.active.label("service_active"))
    .join(service)
    .order_by(service.c.id, product.c.position, product.c.id)
)


def listed(tx: Tx, organisation_id: int) -> list[Worded]:
    """Of all products of an organisation, those that are not offered any more too."""
    return [
        Worded(
            row.id,
            row.service_names,
            row.active and row.service_active,
            {
                code: Wording(
                    row.names.get(code, ""),
                    row.summaries.get(code, ""),
                    row.welcomes.get(code, ""),
                    tuple(row.checklists.get(code, ())),
                )
                for code in LANGUAGES
            },
        )
        for row in tx.execute(_ALL.where(service.c.organisation_id == organisation_id))
    ]


def of(tx: Tx, organisation_id: int, product_id: int) -> Worded:
    """NotFound: none, or of another organisation."""
    for each in listed(tx, organisation_id):
        if each.id == product_id:
            return each
    raise NotFound("product")


def write(tx: Tx, now_s: int, organisation_id: int, product_id: int, words: Mapping[str, Wording], actor: str) -> bool:
    """Make these the words.  Returns whether anything changed.  NotFound."""
    before = of(tx, organisation_id, product_id)
    changed = sorted(code for code in LANGUAGES if words.get(code, NOTHING) != before.words[code])
    if not changed:
        return False
    values = {
        "names": {code: each.name for code, each in words.items() if each.name},
        "summaries": {code: each.summary for code, each in words.items() if each.summary},
        "welcomes": {code: each.welcome for code, each in words.items() if each.welcome},
        "checklists": {code: list(each.checklist) for code, each in words.items() if each.checklist},
    }
    tx.execute(update(product).where(product.c.id == product_id).values(**values))
    audit.note(tx, now_s, actor, "product.words", f"product/{product_id}", languages=changed)
    return True
