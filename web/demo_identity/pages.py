"""The demo provider's endpoints: those that balie asks, and the page on which a person says who he is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

from aiohttp import web
from yarl import URL

from web import forms
from web.citizen.show import go
from web.demo_identity.directory import BASE, BY_KEY, HIGH, LOW, PEOPLE, Asked, Directory, RefusalError
from web.render import page

DIRECTORY = web.AppKey("DIRECTORY", Directory)
WANTED = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge")
"""Of a request, and in its form."""
FORM_MAX = 10_000


async def metadata(request: web.Request) -> web.Response:
    """GET …/.well-known/openid-configuration."""
    issuer = request.app[DIRECTORY].issuer
    return web.json_response(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/aanmelden",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/afmelden",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "acr_values_supported": [LOW, HIGH],
            "authorization_response_iss_parameter_supported": True,
        }
    )


async def jwks(request: web.Request) -> web.Response:
    """GET …/jwks."""
    return web.json_response(request.app[DIRECTORY].jwks)


async def choose(request: web.Request) -> web.Response:
    """GET …/aanmelden: who are you?"""
    asked = _asked(request, request.query)
    if isinstance(asked, web.Response):
        return asked
    hidden = [(name, request.query[name]) for name in (*WANTED, "code_challenge_method")]
    return page(request, "demo/identity/choose.html", url=f"{BASE}/aanmelden", hidden=hidden, people=PEOPLE, high=HIGH)


async def chosen(request: web.Request) -> web.Response:
    """POST …/aanmelden: somebody of the list (wie), or nobody."""
    form = await forms.read(request)
    asked = _asked(request, {name: form.last(name) for name in form.values})
    if isinstance(asked, web.Response):
        return asked
    who = BY_KEY.get(form.last("wie"))
    if who is None:
        return _back(request, asked, error="access_denied")
    try:
        return _back(request, asked, code=request.app[DIRECTORY].choose(asked, who))
    except RefusalError as refusal:
        return _back(request, asked, error=refusal.error)


async def token(request: web.Request) -> web.Response:
    """POST …/token."""
    body = await request.content.read(FORM_MAX + 1)
    form = _form(body)
    directory = request.app[DIRECTORY]
    client_id, secret = _client(request, form)
    if not directory.is_client(client_id, secret):
        return web.json_response({"error": "invalid_client"}, status=401)
    if form.get("grant_type") != "authorization_code":
        return web.json_response({"error": "unsupported_grant_type"}, status=400)
    try:
        found = directory.exchange(form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", ""))
    except RefusalError as refusal:
        return web.json_response({"error": refusal.error}, status=400)
    return web.json_response(found)


async def userinfo(request: web.Request) -> web.Response:
    """GET …/userinfo."""
    kind, _, access = request.headers.get("Authorization", "").partition(" ")
    found = request.app[DIRECTORY].userinfo(access) if kind.lower() == "bearer" else None
    return web.json_response(found) if found is not None else web.json_response({"error": "invalid_token"}, status=401)


async def sign_out(request: web.Request) -> web.Response:
    """GET …/afmelden: nobody is kept signed in here, so there is only the way back."""
    directory, after = request.app[DIRECTORY], request.query.get("post_logout_redirect_uri", "")
    known = after in directory.after and request.query.get("client_id") == directory.client_id
    return page(request, "demo/identity/out.html", back=after if known else "")


def _asked(request: web.Request, given: Mapping[str, str]) -> Asked | web.Response:
    """What a client asks, or what becomes of a request that is wrong."""
    directory, uri = request.app[DIRECTORY], given.get("redirect_uri", "")
    if given.get("client_id") != directory.client_id or uri != directory.redirect_uri:
        raise web.HTTPBadRequest  # a browser is sent to no address that was not agreed (RFC 6749, 4.1.2.1)
    asked = Asked(uri, given.get("state", ""), given.get("nonce", ""), given.get("code_challenge", ""))
    if given.get("response_type") != "code":
        return _back(request, asked, error="unsupported_response_type")
    if "openid" not in given.get("scope", "").split():
        return _back(request, asked, error="invalid_scope")
    if given.get("code_challenge_method") != "S256" or not asked.challenge or not asked.state or not asked.nonce:
        return _back(request, asked, error="invalid_request")
    return asked


def _back(request: web.Request, asked: Asked, **answer: str) -> web.Response:
    query = {**answer, "state": asked.state, "iss": request.app[DIRECTORY].issuer}
    return go(str(URL(asked.redirect_uri).extend_query(query)))


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=20)) if len(body) <= FORM_MAX else {}
    except ValueError:  # not ASCII, or too many fields
        return {}


def _client(request: web.Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Who asks: by its header (RFC 6749, 2.3.1), or in the form."""
    kind, _, pair = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


ROUTES = (
    web.get(f"{BASE}/.well-known/openid-configuration", metadata),
    web.get(f"{BASE}/jwks", jwks),
    web.get(f"{BASE}/aanmelden", choose),
    web.post(f"{BASE}/aanmelden", chosen),
    web.post(f"{BASE}/token", token),
    web.get(f"{BASE}/userinfo", userinfo),
    web.get(f"{BASE}/afmelden", sign_out),
)
