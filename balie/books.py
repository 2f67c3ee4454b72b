"""What [bookkeeping] says, as balie.bookkeeping wants it."""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from balie.acts.rules import NoNumbers
from balie.bookkeeping.accounts import Accounts
from balie.bookkeeping.content import Seller
from balie.bookkeeping.export import FolderExport
from balie.bookkeeping.numbers import Numbers
from balie.config import Settings
from balie.sections.bookkeeping import digits
from balie.store.engine import Store

_log = structlog.get_logger("bookkeeping")


def numbers(settings: Settings) -> Numbers | NoNumbers:
    """Who writes the documents of payments; nobody without an enterprise number."""
    section = settings.bookkeeping
    if not section.kbo:
        if settings.payments.provider:
            _log.warning("payments_without_documents", need="[bookkeeping] kbo")
        return NoNumbers()
    seller = Seller(
        name=settings.organisation.name,
        kbo=digits(section.kbo),
        vat=f"BE{digits(section.vat)}" if section.vat else "",
        street=section.street,
        postcode=section.postcode,
        city=section.city,
        exemption=section.exemption,
    )
    return Numbers(seller, section.kind, accounts(settings), os.urandom)


def accounts(settings: Settings) -> Accounts:
    section = settings.bookkeeping
    return Accounts(section.account, {each.product: each.account for each in section.accounts})


def folder(settings: Settings) -> Path | None:
    """Where batches go, if anywhere."""
    section = settings.bookkeeping
    return settings.folder / section.folder if section.folder and section.kbo else None


def export(settings: Settings, store: Store) -> FolderExport | None:
    """The worker that puts them there, if there is a folder."""
    path = folder(settings)
    return FolderExport(store, path, accounts(settings)) if path is not None else None
