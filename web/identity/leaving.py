"""Sending a browser to an identity provider and knowing it again, by cookies that last as long as that takes.

The answer to the form is a page that goes on by itself, and not a redirect: our content security policy lets forms lead
nowhere but to us, and browsers hold redirects after a form to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from balie.identity import logins
from balie.identity.service import Departure
from balie.staff.limiter import network_of
from web.citizen.show import show
from web.identity.keys import identities
from web.keys import SITE, UNIX_TIME

SIGNED_IN_WITH = "balie-organisatie"
"""Of a member of staff: with which provider he signed in, and what that wants to hear when he signs out."""

SIGN_OUT = "/balie/afmelden"
DONE = "klaar"
"""Value of a login's cookie once its answer counted: what the other side gave is longer."""

VALUE_MAX = 3800  # characters: browsers keep cookies of 4 kB


def not_too_often(request: web.Request) -> None:
    """429 when more leave from one network than people do."""
    there, network, now_s = identities(request), network_of(request.remote or ""), int(request.app[UNIX_TIME]())
    if there is None:
        return
    if wait_s := there.departures.wait_s(network, now_s):
        raise web.HTTPTooManyRequests(headers={"Retry-After": str(wait_s)})
    there.departures.take(network, now_s)


def leave(request: web.Request, departure: Departure, label: str) -> web.Response:
    """A page that goes to the provider, with the cookie for coming back."""
    response = go_on(request, departure.url, label)
    _put(request, response, departure.cookie, departure.value)
    return response


def go_on(request: web.Request, url: str, label: str) -> web.Response:
    """A page that goes to another website by itself."""
    response = show(request, "leaving.html", here="/", url=url, label=label)
    response.headers["Refresh"] = f"0;url={url}"
    return response


def cookies(request: web.Request) -> Mapping[str, str]:
    """Those of logins, by their names without prefix."""
    prefix = _prefix(request, "__Host-")
    begin = prefix + logins.COOKIE
    return {name.removeprefix(prefix): value for name, value in request.cookies.items() if name.startswith(begin)}


def was_done(request: web.Request) -> bool:
    """Whether this browser brought this answer before, and all was well: who reloads that page.

    Its script took the answer out of the address (static/js/citizen/arrived.js): then any that was brought.
    """
    known = cookies(request)
    if request.query:
        return known.get(logins.cookie_of(request.query.get("state", ""))) == DONE
    return DONE in known.values()


def forget(request: web.Request, response: web.StreamResponse, *, done: bool) -> None:
    """Take the cookie of a login away that is over.  done: all was well, and for a while the browser knows that."""
    over = {logins.cookie_of(request.query.get("state", ""))} & cookies(request).keys()
    for name in {*over, *(name for name, value in cookies(request).items() if value == DONE)}:
        _put(request, response, name, DONE if done and name in over else "")


def _put(request: web.Request, response: web.StreamResponse, cookie: str, value: str) -> None:
    """A cookie of a login; "" takes it away."""
    name, age_s = _prefix(request, "__Host-") + cookie, logins.LASTS_S if value else 0
    response.set_cookie(name, value, max_age=age_s, path="/", httponly=True, secure=_secure(request), samesite="Lax")


def remember_provider(request: web.Request, response: web.StreamResponse, provider: str, id_token: str) -> None:
    """For signing out; only that page gets it."""
    value = f"{provider}.{id_token}"
    kept = value if len(value) <= VALUE_MAX else f"{provider}."
    name = _prefix(request, "__Secure-") + SIGNED_IN_WITH
    response.set_cookie(name, kept, path=SIGN_OUT, httponly=True, secure=_secure(request), samesite="Lax")


def take_provider(request: web.Request) -> tuple[str, str]:
    """(provider, its ID token), "" when nobody signed in with one."""
    value = request.cookies.get(_prefix(request, "__Secure-") + SIGNED_IN_WITH, "")
    provider, _, id_token = value.partition(".")
    return provider, id_token


def forget_provider(request: web.Request, response: web.StreamResponse) -> None:
    name = _prefix(request, "__Secure-") + SIGNED_IN_WITH
    response.del_cookie(name, path=SIGN_OUT, httponly=True, secure=_secure(request), samesite="Lax")


def _prefix(request: web.Request, prefix: str) -> str:
    """With https the prefix makes the browser refuse one that another host or a plain connection set (RFC 6265bis)."""
    return prefix if _secure(request) else ""


def _secure(request: web.Request) -> bool:
    return request.app[SITE].public_url.startswith("https:")
