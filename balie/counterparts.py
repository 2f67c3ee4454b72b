"""The other systems of formal acts, as the settings name them, and the part of the application that speaks to them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from balie import books
from balie.acts.repair import Repair
from balie.acts.rules import Rules
from balie.acts.service import Acts, Systems
from balie.config import Settings, secret_of
from balie.documents.records import Rules as DocumentRules
from balie.documents.scan import Clamd
from balie.documents.service import Documents
from balie.documents.storage import Shelf
from balie.errors import StartError
from balie.payments.mollie import Account, Mollie
from balie.reservations.http import HttpBackend, Site
from balie.store.engine import Store

MB = 1_000_000


@dataclass(frozen=True)
class Counterparts:
    """acts: for pages.  adapters: to be open while it is used."""

    acts: Acts
    adapters: tuple[HttpBackend | Mollie, ...]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for each in self.adapters:
                await stack.enter_async_context(each)
            yield

    @property
    def work(self) -> Callable[[], Awaitable[None]]:
        """What goes on by itself, until it is cancelled."""
        return Repair(self.acts).run


def counterparts(
    settings: Settings, store: Store, clock: Callable[[], float], changed: Callable[[int], Awaitable[None]]
) -> Counterparts:
    """Nothing is spoken to yet.  ConfigError: a secret that cannot be read."""
    backends = [HttpBackend(each, clock) for each in _sites(settings)]
    providers = [Mollie(each) for each in _accounts(settings)]
    systems = Systems(
        {each.name: each for each in backends},
        {each.name: each for each in providers},
        settings.payments.provider,
    )
    url = settings.server.public_url.rstrip("/")
    rules = Rules(books.numbers(settings), alone_cents=settings.payments.refund_alone_cents)
    acts = Acts(store, systems, rules, os.urandom, clock, url, changed)
    return Counterparts(acts, (*backends, *providers))


def documents(
    settings: Settings, store: Store, clock: Callable[[], float], changed: Callable[[int], Awaitable[None]]
) -> Documents:
    """What citizen and staff give each other, and who looks for viruses in it."""
    section = settings.documents
    rules = DocumentRules(
        max_bytes=section.max_mb * MB,
        count_max=section.count_max,
        total_bytes=section.total_mb * MB,
        keep_days=section.keep_days,
        scans=bool(section.clamd),
    )
    scanner = Clamd(section.clamd, section.clamd_timeout_s) if section.clamd else None
    shelf = Shelf(settings.folder / section.folder)
    return Documents(store, shelf, rules, scanner, os.urandom, clock, changed)


def open_folder(shelf: Shelf) -> None:
    """StartError: documents cannot be kept there."""
    try:
        shelf.open()
    except OSError as error:
        raise StartError(
            f"[documents] folder: {shelf.folder} cannot be used: {error.strerror or error}.\n"
            "Name a folder that this user may write in."
        ) from None


def _sites(settings: Settings) -> list[Site]:
    found = []
    for at, each in enumerate(settings.reservations.backends):
        where = f"[reservations] backends[{at}].secret_file"
        secret = each.secret.encode() or secret_of(each.secret_file, settings, where)
        found.append(Site(each.name, each.url, secret, each.timeout_s))
    return found


def _accounts(settings: Settings) -> list[Account]:
    section = settings.payments
    if not section.provider:
        return []
    key = section.key or secret_of(section.key_file, settings, "[payments] key_file").decode()
    return [Account(section.provider, key, section.url, section.timeout_s)]
