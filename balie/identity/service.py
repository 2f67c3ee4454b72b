"""Identification from the first step to the last: the provider, the database, and the browser between them.

No transaction is open while a provider is asked.  A login is taken out of the database before its code is exchanged, so
that an answer counts once, whatever comes of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from aiohttp import ClientSession
from sqlalchemy import select

from balie.booking.links import LinkKey
from balie.identity import fetch, logins, members, records
from balie.identity.errors import IdentityError
from balie.identity.logins import Begun, Login
from balie.identity.persons import Person
from balie.identity.provider import Provider
from balie.identity.records import Identified
from balie.identity.rp import RelyingParty
from balie.staff.limiter import Allowance, Buckets
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, identification, participant, service

RETURN = "/identificatie/terug"
"""Under it, each provider has an address of its own to send browsers back to: an answer that comes to another one's is
a mix-up (RFC 9700, 4.4.2).  The address itself is for a single provider that knows it from before.
"""

DEPARTURES = Allowance(burst=60, every_s=2)
"""For one network: each leaves a row for a quarter of an hour, and signing in at the desk asks nobody who he is."""
NETWORKS_MAX = 10_000

_log = structlog.get_logger("identity")


@dataclass(frozen=True)
class Departure:
    """Where a browser goes, and the cookie that it needs for coming back."""

    url: str = field(repr=False)
    cookie: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class About:
    """The appointment of an identification.  locale: of the citizen; phone: of its service."""

    id: int
    room: str
    locale: str
    required_acr: str
    phone: str


@dataclass(frozen=True)
class Arrival:
    """What became of somebody who came back.

    error       a code of balie.identity.errors, "" when all is well
    about       of a citizen's identification; None for staff, and when nobody knows what it was about
    staff_id    of a member of staff who may come in, to the page `back`
    id_token    for signing out at the provider
    """

    error: str = ""
    provider: str = ""
    about: About | None = None
    identified: Identified | None = None
    staff_id: int = 0
    back: str = ""
    id_token: str = field(default="", repr=False)


class Identities:
    """All providers that are set up.  In an `async with identities.running()` they can be asked.

    public_url     of balie, without a slash at the end
    clock          Unix time in seconds
    shared_return  the only provider sends browsers back to RETURN itself
    """

    def __init__(
        self,
        providers: Collection[Provider],
        store: Store,
        key: LinkKey,
        public_url: str,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        *,
        form_behind_link: bool = False,
        shared_return: bool = False,
        timeout_s: float = fetch.TIMEOUT_S,
    ) -> None:
        assert not shared_return or len(providers) <= 1, "the configuration was checked"
        self.form_behind_link = form_behind_link
        self.departures = Buckets(DEPARTURES, NETWORKS_MAX)
        self._providers, self._shared_return = {each.name: each for each in providers}, shared_return
        self._store, self._key, self._public_url = store, key, public_url
        self._clock, self._entropy, self._timeout_s = clock, entropy, timeout_s
        self._parties: dict[str, RelyingParty] = {}

    @property
    def citizen(self) -> Provider | None:
        """Who says who citizens are."""
        return next((each for each in self._providers.values() if "citizen" in each.used_for), None)

    @property
    def staff(self) -> Provider | None:
        """Who says who members of staff are."""
        return next((each for each in self._providers.values() if "staff" in each.used_for), None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with fetch.open_session(self._timeout_s) as session:
            self._parties = {name: self._party(each, session) for name, each in self._providers.items()}
            try:
                yield
            finally:
                self._parties = {}

    def _party(self, provider: Provider, session: ClientSession) -> RelyingParty:
        back = self._public_url + self.return_path(provider.name)
        return RelyingParty(provider, session, back, self._clock, self._entropy)

    def return_path(self, provider: str) -> str:
        """Where a provider sends browsers back to."""
        return RETURN if self._shared_return else f"{RETURN}/{provider}"

    async def ready(self, provider: Provider | None) -> None:
        """Whether somebody can be sent there.  IdentityError."""
        await self._of(provider.name if provider is not None else "").metadata()

    async def begin(
        self, provider: Provider | None, language: str, *, identification_id: int | None = None, back: str = ""
    ) -> Departure:
        """A citizen whose identification was asked for, or a member of staff, leaves for a provider.  IdentityError."""
        await self.ready(provider)
        assert provider is not None
        now_s = int(self._clock())

        def write(tx: Tx) -> tuple[Begun, str]:
            acr = records.start(tx, now_s, identification_id) if identification_id is not None else provider.staff_acr
            return logins.begin(tx, now_s, self._entropy, provider.name, identification_id, back), acr

        begun, acr = await self._store.write(write)
        secrets = logins.secrets(self._key, begun.state)
        url = await self._of(provider.name).begin(secrets, acr, language)
        return Departure(url, begun.cookie, begun.browser)

    async def finish(self, path: str, query: Mapping[str, str], cookies: Mapping[str, str]) -> Arrival:
        """Somebody comes back, with what the provider gave his browser.

        path: that he came to; cookies: by their names without prefix
        """
        now_s, state = int(self._clock()), query.get("state", "")
        try:
            if not await self._store.read(logins.known, now_s, state):
                raise IdentityError("login_unknown")
            login = await self._store.write(logins.take, now_s, state, cookies)
        except IdentityError as error:
            self._complain(error, "")
            return Arrival(error.code)
        about = await self._store.read(_about, login.identification_id)
        try:
            return await self._finish(path, query, login, about)
        except IdentityError as error:
            self._complain(error, login.provider)
            if login.identification_id is not None:
                await self._store.write(records.fail, now_s, login.identification_id, error.code)
            return Arrival(error.code, login.provider, about, back=login.back)

    async def sign_out(self, provider: str, path: str, id_token: str = "") -> str:
        """Where a browser signs out at a provider, to come back to a page of ours; "" when that cannot be."""
        try:
            return await self._of(provider).end_session(self._public_url + path, id_token)
        except IdentityError as error:
            self._complain(error, provider)
            return ""

    async def _finish(self, path: str, query: Mapping[str, str], login: Login, about: About | None) -> Arrival:
        party, state = self._of(login.provider), query["state"]
        if path != self.return_path(login.provider):
            raise IdentityError("return_address_wrong")
        provider, secrets = party.provider, logins.secrets(self._key, state)
        acr = about.required_acr if about is not None else provider.staff_acr
        wants = {each.claim for each in provider.roles} if about is None else ()
        person = await party.finish(query, secrets, login.created_s, acr, wants)
        return await self._store.write(self._believe, int(self._clock()), login, about, provider, person)

    def _believe(
        self, tx: Tx, now_s: int, login: Login, about: About | None, provider: Provider, person: Person
    ) -> Arrival:
        if login.identification_id is None:
            staff_id = members.admit(tx, now_s, provider.roles, person)
            return Arrival("", provider.name, staff_id=staff_id, back=login.back, id_token=person.id_token)
        found = records.verify(tx, now_s, self._entropy, self._key, login.identification_id, person)
        return Arrival("", provider.name, about, found, id_token=person.id_token)

    def _of(self, name: str) -> RelyingParty:
        if name not in self._parties:
            raise IdentityError("not_configured")
        return self._parties[name]

    def _complain(self, error: IdentityError, provider: str) -> None:
        _log.warning("identification_failed", code=error.code, detail=error.detail, provider=provider)


def _about(tx: Tx, identification_id: int | None) -> About | None:
    if identification_id is None:
        return None
    row = tx.execute(
        select(
            appointment.c.id, appointment.c.room, participant.c.locale, identification.c.required_acr, service.c.phone
        )
        .select_from(identification)
        .join(appointment, appointment.c.id == identification.c.appointment_id)
        .join(service, service.c.id == appointment.c.service_id)
        .join(participant, participant.c.id == identification.c.participant_id)
        .where(identification.c.id == identification_id)
    ).one()
    return About(row.id, row.room, row.locale, row.required_acr, row.phone)
