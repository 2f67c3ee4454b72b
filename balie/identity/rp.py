"""A relying party at one provider: authorization code flow with PKCE S256, nonce and state (OpenID Connect Core 1.0).

What it is told by the provider is checked before it is believed; what is wrong raises IdentityError, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import jwt
import msgspec
from aiohttp import ClientSession
from yarl import URL

from balie.identity import assurance, fetch, idtoken, metadata, persons
from balie.identity.errors import IdentityError
from balie.identity.kept import Kept
from balie.identity.keyset import Jwks, KeySet
from balie.identity.metadata import Metadata
from balie.identity.persons import Person
from balie.identity.provider import Provider

KEEP_S = 3600.0  # of a provider's metadata
ASSERTION_S = 60
CODE_MAX = 4096  # characters of an authorization code that are worth sending


class TokenAnswer(msgspec.Struct, frozen=True):
    """Core, 3.1.3.3."""

    id_token: str | None = None
    access_token: str | None = None
    token_type: str = ""


@dataclass(frozen=True)
class Secrets:
    """Of one login; only who began it knows them."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """RFC 7636, 4.2."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class RelyingParty:
    """redirect_uri: where the provider sends browsers back to.  clock: Unix time in seconds."""

    def __init__(
        self,
        provider: Provider,
        session: ClientSession,
        redirect_uri: str,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        self.provider, self.redirect_uri = provider, redirect_uri
        self._session, self._clock, self._entropy = session, clock, entropy
        self._metadata = Kept(self._fetch_metadata, clock)
        self._keys = KeySet(self._fetch_keys, clock)

    async def metadata(self) -> Metadata:
        """What the provider says of itself, asked at most once an hour.  IdentityError."""
        return await self._metadata.get(KEEP_S)

    async def begin(self, secrets: Secrets, required_acr: str, language: str) -> str:
        """The URL to send a browser to."""
        found = await self.metadata()
        query = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.provider.scopes),
            "state": secrets.state,
            "nonce": secrets.nonce,
            "code_challenge": secrets.challenge,
            "code_challenge_method": "S256",
            "ui_locales": language,
        }
        if levels := assurance.wanted(required_acr, self.provider.acr_levels):
            query["acr_values"] = " ".join(levels)
        return str(URL(found.authorization_endpoint).extend_query(query))

    async def finish(
        self,
        query: Mapping[str, str],
        secrets: Secrets,
        began_s: float,
        required_acr: str,
        wants: Collection[str] = (),
    ) -> Person:
        """Who came back, from what his browser brought.

        wants  claims beside the name: when the ID token does not have them, userinfo is asked
        """
        found = await self.metadata()
        self._check_answer(query, found)
        tokens = await self._exchange(query["code"], secrets, found)
        if not tokens.id_token:
            raise IdentityError("id_token_missing")
        expected = idtoken.Expected(
            self.provider, secrets.nonce, self._clock(), began_s, required_acr, tokens.access_token or ""
        )
        claims, sent = await idtoken.check(tokens.id_token, self._keys, expected)
        if not persons.name_of(sent) or not set(wants) <= set(sent):
            sent = {**await self._userinfo(claims.sub, tokens, found), **sent}
        name = persons.name_of(sent)
        if not name:
            raise IdentityError("name_missing")
        return Person(claims.iss, claims.sub, name, claims.acr or "", sent, tokens.id_token)

    async def end_session(self, back: str, id_token: str = "") -> str:
        """Where a browser signs out at the provider too (RP-Initiated Logout 1.0), or "" when it cannot."""
        found = await self.metadata()
        if not found.end_session_endpoint:
            return ""
        query = {"client_id": self.provider.client_id, "post_logout_redirect_uri": back}
        if id_token:
            query["id_token_hint"] = id_token
        return str(URL(found.end_session_endpoint).extend_query(query))

    def _check_answer(self, query: Mapping[str, str], found: Metadata) -> None:
        """What the browser brought, before the provider is asked anything."""
        issuer = query.get("iss")
        missing = issuer is None and found.authorization_response_iss_parameter_supported
        if missing or issuer not in (None, self.provider.issuer):
            raise IdentityError("response_issuer_wrong")
        if error := query.get("error", ""):
            raise IdentityError("aborted" if error == "access_denied" else "login_refused", fetch.plain_code(error))
        if not 0 < len(query.get("code", "")) <= CODE_MAX:
            raise IdentityError("login_refused", "no code")

    async def _exchange(self, code: str, secrets: Secrets, found: Metadata) -> TokenAnswer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": secrets.verifier,
        }
        headers = self._authenticate(form)
        tokens = await fetch.ask(
            self._session, found.token_endpoint, TokenAnswer, headers=headers, form=form, refused="token_refused"
        )
        access = tokens.access_token or ""
        if not (access.isascii() and access.isprintable()):  # RFC 6749, A.12: it goes into a header
            raise IdentityError("provider_nonsense", "access_token")
        return tokens

    def _authenticate(self, form: dict[str, str]) -> dict[str, str]:
        """Who we are (Core, 9): headers, or more fields of the form."""
        me, provider = self.provider.client_id, self.provider
        if provider.auth == "client_secret_basic":
            # RFC 6749, 2.3.1: as in a form first, so that a colon in them says nothing.
            pair = f"{quote_plus(me)}:{quote_plus(provider.secret)}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        form["client_id"] = me
        if provider.auth == "client_secret_post":
            form["client_secret"] = provider.secret
            return {}
        assert provider.key is not None, "the configuration was checked"
        now_s = int(self._clock())
        claims = {"iss": me, "sub": me, "aud": provider.issuer, "iat": now_s, "exp": now_s + ASSERTION_S}
        claims["jti"] = self._entropy(16).hex()
        headers = {"kid": provider.key.id} if provider.key.id else None
        form["client_assertion"] = jwt.encode(claims, provider.key.pem, provider.key.alg, headers=headers)
        form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {}

    async def _userinfo(self, sub: str, tokens: TokenAnswer, found: Metadata) -> dict[str, Any]:
        """Core, 5.3: what it says only counts when it is about the same person."""
        if not found.userinfo_endpoint or not tokens.access_token or tokens.token_type.lower() != "bearer":
            return {}
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        answer = await fetch.ask(self._session, found.userinfo_endpoint, dict[str, Any], headers=headers)
        if answer.get("sub") != sub:
            raise IdentityError("subject_differs")
        return answer

    async def _fetch_metadata(self) -> Metadata:
        found = await fetch.ask(self._session, metadata.url_of(self.provider.issuer), Metadata)
        return metadata.check(found, self.provider.issuer)

    async def _fetch_keys(self) -> Jwks:
        return await fetch.ask(self._session, (await self.metadata()).jwks_uri, Jwks)
