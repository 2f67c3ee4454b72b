"""Who there is, and who is signing in: all of it invented, and in memory."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

BASE = "/demo/identiteit"
CODE_S, TOKEN_S = 60, 300
CODES_MAX = 1000
HIGH, LOW = "urn:balie:demo:hoog", "urn:balie:demo:laag"
ROLE = "balie_rol"
"""A claim of members of staff."""


@dataclass(frozen=True)
class Invented:
    """Somebody who does not exist.  key: in the form; staff: works at the counter."""

    key: str
    given: str
    family: str
    acr: str = HIGH
    staff: str = ""

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"

    @property
    def claims(self) -> dict[str, Any]:
        about = {"sub": f"demo-{self.key}", "given_name": self.given, "family_name": self.family, "name": self.name}
        return {**about, ROLE: [self.staff], "preferred_username": f"{self.key}.demo"} if self.staff else about


PEOPLE = (
    Invented("an", "An", "Peeters"),
    Invented("jan", "Jan", "Claes"),
    Invented("fatima", "Fatima", "El Idrissi", LOW),
    Invented("bart", "Bart", "Claes", staff="balie"),
)
BY_KEY = {each.key: each for each in PEOPLE}


@dataclass(frozen=True)
class Asked:
    """A request of the client (OpenID Connect Core 1.0, 3.1.2.1), as far as it is used."""

    redirect_uri: str
    state: str
    nonce: str
    challenge: str


@dataclass(frozen=True)
class _Code:
    asked: Asked
    who: Invented
    until_s: float


class RefusalError(Exception):
    """error: a code of OAuth."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass
class Directory:
    """clock: Unix time in seconds.  redirect_uri, after: where its one client may have browsers sent."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    after: tuple[str, ...]
    clock: Callable[[], float]
    entropy: Callable[[int], bytes]

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self.kid = self._random(6)
        self._codes: dict[str, _Code] = {}
        self._tokens: dict[str, tuple[Invented, float]] = {}

    @property
    def jwks(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        public.pop("key_ops", None)
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def is_client(self, client_id: str, secret: str) -> bool:
        known = (self.client_id.encode(), self.secret.encode())
        given = (client_id.encode("utf-8", "replace"), secret.encode("utf-8", "replace"))
        return hmac.compare_digest(known[0], given[0]) & hmac.compare_digest(known[1], given[1])

    def choose(self, asked: Asked, who: Invented) -> str:
        """Somebody says who he is; the code for it."""
        now_s = self.clock()
        self._codes = {code: each for code, each in self._codes.items() if each.until_s > now_s}
        if len(self._codes) >= CODES_MAX:
            raise RefusalError("temporarily_unavailable")
        code = self._random(24)
        self._codes[code] = _Code(asked, who, now_s + CODE_S)
        return code

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code, once (Core, 3.1.3.3), to who made its challenge (RFC 7636, 4.6).  RefusalError."""
        found, now_s = self._codes.pop(code, None), int(self.clock())
        digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
        if found is None or found.until_s <= now_s or found.asked.redirect_uri != redirect_uri:
            raise RefusalError("invalid_grant")
        if not hmac.compare_digest(challenge, found.asked.challenge.encode("utf-8", "replace")):
            raise RefusalError("invalid_grant")
        access = self._random(24)
        self._tokens = {token: each for token, each in self._tokens.items() if each[1] > now_s}
        self._tokens[access] = (found.who, now_s + TOKEN_S)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": TOKEN_S,
            "id_token": self._id_token(found, access, now_s),
        }

    def userinfo(self, access: str) -> dict[str, Any] | None:
        who, until_s = self._tokens.get(access, (None, 0.0))
        return who.claims if who is not None and until_s > self.clock() else None

    def _id_token(self, found: _Code, access: str, now_s: int) -> str:
        at_hash = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            **found.who.claims,
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now_s,
            "exp": now_s + TOKEN_S,
            "nonce": found.asked.nonce,
            "acr": found.who.acr,
            "at_hash": base64.urlsafe_b64encode(at_hash).decode().rstrip("="),
        }
        return jwt.encode(claims, self._key, "RS256", headers={"kid": self.kid})

    def _random(self, count: int) -> str:
        return base64.urlsafe_b64encode(self.entropy(count)).decode().rstrip("=")
