"""Who may come in: passwords, the number of tries, and the cookie of a session.

Who signs in with his organisation (web.identity) ends, as with a password, in admit().
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from balie.record import audit
from balie.sections.identity import LOCAL
from balie.staff import accounts, sessions
from balie.staff.limiter import Limiter
from balie.staff.passwords import Passwords
from balie.store.engine import Store, Tx
from web.identity.keys import identities
from web.keys import ENTROPY, SITE, STORE, UNIX_TIME

COOKIE = "balie"


@dataclass(frozen=True)
class Admission:
    """staff_id of whom the password is, or None; wait_s > 0: too many tries, this one was not looked at."""

    staff_id: int | None = None
    wait_s: int = 0


class Gate:
    """Looks at passwords, one at a time: a hash takes 64 MiB, and tens of milliseconds of a core that calls need."""

    def __init__(self, limiter: Limiter, passwords: Passwords) -> None:
        self._limiter, self._passwords = limiter, passwords
        self._hashing = asyncio.Lock()

    async def check(self, store: Store, login: str, password: str, address: str, now_s: int) -> Admission:
        """Whose login and password these are.  An unknown login takes as long as a wrong password."""
        login = accounts.plain_login(login)[: accounts.LOGIN_MAX]
        if wait_s := self._limiter.attempt(login, address, now_s):
            return Admission(wait_s=wait_s)
        known = await store.read(accounts.credentials, login)
        kept = known.kept if known is not None else None
        async with self._hashing:
            verdict = await asyncio.to_thread(self._passwords.check, password, kept)
        if known is None or kept is None or not verdict.right:
            return Admission()
        self._limiter.succeeded(login, address)
        if verdict.renewed:
            await store.write(accounts.renew_hash, known.staff_id, kept, verdict.renewed)
        return Admission(known.staff_id)

    async def hash(self, password: str) -> str:
        """What to keep of a new password."""
        async with self._hashing:
            return await asyncio.to_thread(self._passwords.hash, password)


def cookie_name(request: web.Request) -> str:
    """With https the prefix makes the browser refuse one that another host or a plain connection set (RFC 6265bis)."""
    return f"__Host-{COOKIE}" if _secure(request) else COOKIE


def _secure(request: web.Request) -> bool:
    return request.app[SITE].public_url.startswith("https:")


def presented(request: web.Request) -> str:
    """The token in the session cookie, or ""."""
    return request.cookies.get(cookie_name(request), "")


async def admit(request: web.Request, staff_id: int, where: str, *, way: str = LOCAL) -> web.Response:
    """Whoever proved to be this member of staff gets a new session, and goes on to a page.

    A session that his browser had ends: what somebody planted there before is worth nothing after.
    way: the identity provider, or LOCAL; a password where there is a provider is noted as break-glass.
    """
    app, now_s, there = request.app, int(request.app[UNIX_TIME]()), identities(request)
    spare = way == LOCAL and there is not None and there.staff is not None
    agent = request.headers.get("User-Agent", "")
    old = presented(request)

    def begin(tx: Tx) -> str:
        if old:
            sessions.end(tx, old)
        audit.note(tx, now_s, f"staff:{staff_id}", "staff.signed_in", f"staff/{staff_id}", way=way)
        if spare:
            audit.note(tx, now_s, f"staff:{staff_id}", "staff.break_glass", f"staff/{staff_id}")
        return sessions.begin(tx, now_s, app[ENTROPY], staff_id, agent)

    token = await app[STORE].write(begin)
    response = web.Response(status=303, headers={"Location": where})
    # No Max-Age: it goes with the browser, and the server ends it by its own clock.
    response.set_cookie(cookie_name(request), token, path="/", httponly=True, secure=_secure(request), samesite="Lax")
    return response


def dismiss(request: web.Request, where: str, response: web.Response | None = None) -> web.Response:
    """Take the cookie away, with a page if it is not simply another one to look at."""
    response = response or web.Response(status=303, headers={"Location": where})
    response.del_cookie(cookie_name(request), path="/", httponly=True, secure=_secure(request), samesite="Lax")
    return response
