"""An OpenID provider of the tests' own: right by default, and wrong in whatever way a test asks for."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import json
import secrets as chance
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt import InsecureKeyLengthWarning
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from balie.identity.provider import Provider, client_key

CLIENT, SECRET = "balie", "geheim: met % en ruimte"
REDIRECT = "http://localhost/identificatie/terug/test"
BACK = ("/identificatie/terug/test", "/identificatie/terug")
NOW_S = 1_800_000_000
HIGH, LOW = "urn:test:high", "urn:test:low"
MALLORY = "https://mallory.example"


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same for the same name: making one takes a while."""
    return rsa.generate_private_key(65537, bits)


@functools.cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def ed_key(name: str) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public_pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def jwk(key: Any, kid: str | None, **more: object) -> dict[str, Any]:
    """The public half, as a key set has it."""
    kinds = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm: Any = next((each for kind, each in kinds.items() if isinstance(key, kind)), OKPAlgorithm)
    made = {**algorithm.to_jwk(key.public_key(), as_dict=True), "use": "sig", **more}
    made.pop("key_ops", None)
    return made if kid is None else {**made, "kid": kid}


def sign(claims: Mapping[str, Any], key: Any, alg: str, kid: str | None, header: Mapping[str, Any]) -> str:
    headers = {**header} if kid is None else {"kid": kid, **header}
    with warnings.catch_warnings(action="ignore", category=InsecureKeyLengthWarning):  # that is what some tests are for
        return jwt.encode(dict(claims), key, algorithm=alg, headers=headers)


def raw(header: Mapping[str, Any], payload: object, signature: bytes = b"") -> str:
    """A token as no library would make it."""
    parts = [json.dumps(header).encode(), payload if isinstance(payload, bytes) else json.dumps(payload).encode()]
    return ".".join(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in (*parts, signature))


@dataclass
class Clock:
    """Unix time in seconds."""

    now_s: float = NOW_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Person:
    sub: str = "1985-an"
    claims: dict[str, Any] = field(default_factory=lambda: {"given_name": "An", "family_name": "Peeters"})
    acr: str | None = HIGH


def _same(found: Any) -> Any:
    return found


@dataclass
class Bad:
    """How it misbehaves: each changes what would have been right, or puts something in its place."""

    metadata: Callable[[dict[str, Any]], Any] = _same
    keys: Callable[[dict[str, Any]], Any] = _same
    claims: Callable[[dict[str, Any]], dict[str, Any]] = _same
    header: dict[str, Any] = field(default_factory=dict)
    token: Callable[[str], str] = _same
    answer: Callable[[dict[str, Any]], Any] = _same
    userinfo: Callable[[dict[str, Any]], Any] = _same
    back: Callable[[dict[str, str]], dict[str, str]] = _same
    instead: dict[str, Callable[[web.Request], Any]] = field(default_factory=dict)  # of a whole endpoint, by path


class Op:
    """Where browsers are sent by hand: authorize(url) gives the query that one would bring back."""

    def __init__(self, clock: Clock | None = None, *, alg: str = "RS256") -> None:
        self.clock, self.alg, self.bad, self.person = clock or Clock(), alg, Bad(), Person()
        self.signing: tuple[Any, str | None] = (rsa_key("one"), "one")
        self.published: list[dict[str, Any]] = [jwk(rsa_key("one"), "one")]
        self.auth = "client_secret_basic"
        self.asked: list[str] = []
        self.requests: list[dict[str, str]] = []
        self.in_userinfo = False
        self.people: dict[str, Person] = {}  # by code, where several sign in at once
        self.issuer = ""
        self._codes: dict[str, dict[str, str]] = {}
        self.app = web.Application()
        for method, path, handler in (
            ("GET", "/.well-known/openid-configuration", self._metadata),
            ("GET", "/jwks", self._jwks),
            ("POST", "/token", self._token),
            ("GET", "/userinfo", self._userinfo),
        ):
            self.app.router.add_route(method, path, functools.partial(self._serve, handler))

    def provider(self, **changes: Any) -> Provider:
        key = client_key(pem(ec_key("client")), "ours", "test") if self.auth == "private_key_jwt" else None
        values: dict[str, Any] = {
            "name": "test",
            "issuer": self.issuer,
            "client_id": CLIENT,
            "auth": self.auth,
            "secret": SECRET,
            "key": key,
            "label": "Testdienst",
            "algorithms": (self.alg,),
            "acr_levels": (LOW, HIGH),
        }
        return Provider(**{**values, **changes})

    def authorize(self, url: str, person: Person | None = None) -> dict[str, str]:
        """Somebody signs in there and says yes; what he brings back.  The request must be right in every way."""
        query = dict(parse_qsl(urlsplit(url).query))
        assert query["response_type"] == "code" and query["client_id"] == CLIENT
        assert urlsplit(query["redirect_uri"]).path in BACK and "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256" and len(query["state"]) >= 43 and len(query["nonce"]) >= 43
        self.requests.append(query)
        self.person = person or self.person
        code = chance.token_urlsafe(16)
        self._codes[code] = query
        return self.bad.back({"code": code, "state": query["state"]})

    async def _serve(self, handler: Callable[[web.Request], Any], request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.bad.instead:
            answer = self.bad.instead[request.path](request)
            found: web.StreamResponse = await answer if asyncio.iscoroutine(answer) else answer
            return found
        response: web.StreamResponse = await handler(request)
        return response

    async def _metadata(self, _request: web.Request) -> web.Response:
        known: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?fixed=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.alg],
        }
        return web.json_response(self.bad.metadata(known))

    async def _jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(self.bad.keys({"keys": self.published}))

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        asked = self._codes.pop(str(form.get("code")), None)
        if not self._is_client(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form.get("code_verifier")).encode()).digest())
        if asked is None or challenge.decode().rstrip("=") != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.person = self.people.get(str(form.get("code")), self.person)
        access = "toegang-" + chance.token_urlsafe(8)
        answer = {"access_token": access, "token_type": "Bearer", "id_token": self.id_token(asked["nonce"], access)}
        return web.json_response(self.bad.answer(answer))

    def id_token(self, nonce: str, access_token: str) -> str:
        now_s = int(self.clock())
        digest = hashlib.sha256(access_token.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.person.sub,
            "aud": CLIENT,
            "exp": now_s + 300,
            "iat": now_s,
            "nonce": nonce,
            "acr": self.person.acr,
            **({} if self.in_userinfo else self.person.claims),
        }
        if self.alg.endswith("256"):
            claims["at_hash"] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        key, kid = self.signing
        return self.bad.token(sign(self.bad.claims(claims), key, self.alg, kid, self.bad.header))

    async def _userinfo(self, request: web.Request) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("Bearer toegang-"):
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response(self.bad.userinfo({"sub": self.person.sub, **self.person.claims}))

    def _is_client(self, request: web.Request, form: dict[str, Any]) -> bool:
        if self.auth == "client_secret_post":
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if self.auth == "client_secret_basic":
            kind, _, pair = request.headers.get("Authorization", "").partition(" ")
            name, _, secret = base64.b64decode(pair).decode().partition(":")
            return kind == "Basic" and (unquote_plus(name), unquote_plus(secret)) == (CLIENT, SECRET)
        options: Any = {"verify_exp": False, "verify_iat": False}
        found = jwt.decode(
            str(form["client_assertion"]),
            public_pem(ec_key("client")),
            algorithms=["ES256"],
            audience=self.issuer,
            options=options,
        )
        return found["iss"] == found["sub"] == CLIENT and found["exp"] - found["iat"] <= 60 and bool(found["jti"])
