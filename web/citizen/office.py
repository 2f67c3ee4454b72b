"""The application as handlers of citizens' pages use it: one moment, the database, what can be asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from aiohttp import web

from balie.booking import catalogue
from balie.booking.links import LinkKey
from balie.booking.slots import Calendars
from balie.store.engine import Tx
from web.citizen.catalogue import Catalogue
from web.keys import CALENDARS, ENTROPY, LINK_KEY, STORE, UNIX_TIME

P = ParamSpec("P")
Result = TypeVar("Result")

ACTOR = "citizen"
"""Who does what is done on these pages."""


@dataclass(frozen=True)
class Office:
    """now_s: Unix seconds, one moment for the whole request."""

    app: web.Application
    now_s: int

    @property
    def calendars(self) -> Calendars:
        return self.app[CALENDARS]

    @property
    def link_key(self) -> LinkKey:
        return self.app[LINK_KEY]

    @property
    def entropy(self) -> Callable[[int], bytes]:
        return self.app[ENTROPY]

    async def read(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await self.app[STORE].read(function, *args, **kwargs)

    async def write(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await self.app[STORE].write(function, *args, **kwargs)

    async def catalogue(self) -> Catalogue:
        return await self.read(read_catalogue)


def office(request: web.Request) -> Office:
    return Office(request.app, int(request.app[UNIX_TIME]()))


def read_catalogue(tx: Tx) -> Catalogue:
    return Catalogue(catalogue.products(tx), catalogue.services(tx))
