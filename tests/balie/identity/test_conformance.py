"""What a relying party must do, by the names of the OpenID Foundation's test plan for relying parties where it has one.

https://openid.net/certification/connect_rp_testing/: those for the code flow without dynamic registration.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from balie.booking.links import LinkKey
from balie.identity import fetch, logins
from balie.identity.errors import IdentityError
from balie.identity.persons import Person
from balie.identity.rp import RelyingParty
from tests.support import oidc
from tests.support.oidc import CLIENT, HIGH, LOW, MALLORY, NOW_S, REDIRECT, Op, ec_key, ed_key, jwk, raw, rsa_key, sign

SECRETS = logins.secrets(LinkKey(b"k" * 32), "s" * 43)


@asynccontextmanager
async def party(op: Op, **changes: Any) -> AsyncIterator[RelyingParty]:
    async with fetch.open_session(timeout_s=2) as session:
        yield RelyingParty(op.provider(**changes), session, REDIRECT, op.clock, lambda n: b"e" * n)


async def log_in(rp: RelyingParty, op: Op, required: str = "", wants: tuple[str, ...] = ()) -> Person:
    url = await rp.begin(SECRETS, required, "nl")
    return await rp.finish(op.authorize(url), SECRETS, op.clock(), required, wants)


@dataclass(frozen=True)
class Case:
    """refused: the code; "" when it must go well."""

    name: str
    set_up: Callable[[Op], object]
    refused: str = ""
    required: str = ""


def claims(**changes: Any) -> Callable[[Op], None]:
    """Of the ID token; None takes one away."""

    def set_up(op: Op) -> None:
        def change(found: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in {**found, **changes}.items() if value is not None}

        op.bad.claims = change

    return set_up


def token(make: Callable[[Op, dict[str, Any]], str]) -> Callable[[Op], None]:
    """Another token with the same claims."""

    def set_up(op: Op) -> None:
        kept: dict[str, Any] = {}
        op.bad.claims = lambda found: kept.update(found) or found
        op.bad.token = lambda _: make(op, kept)

    return set_up


def keys(*published: dict[str, Any], alg: str = "RS256", signing: tuple[Any, str | None] | None = None) -> Any:
    def set_up(op: Op) -> None:
        op.alg, op.published = alg, list(published)
        op.signing = signing or op.signing

    return set_up


def attribute(name: str, value: object) -> Callable[[Op], None]:
    return lambda op: setattr(op, name, value)


def bad(name: str, value: object) -> Callable[[Op], None]:
    return lambda op: setattr(op.bad, name, value)


def other(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda found: {**found, **changes}


def _person(acr: str | None) -> Callable[[Op], None]:
    return lambda op: setattr(op.person, "acr", acr)


ONE, TWO = rsa_key("one"), rsa_key("two")
WEAK = rsa_key("weak", 1024)
CASES = (
    Case("rp-discovery-openid-configuration", lambda op: None),
    Case("rp-discovery-issuer-not-matching-config", bad("metadata", other(issuer=MALLORY)), "provider_unfit"),
    Case("rp-discovery: the issuer with a slash more", bad("metadata", lambda m: {**m, "issuer": m["issuer"] + "/"}),
         "provider_unfit"),
    Case("rp-discovery: an endpoint without https elsewhere",
         bad("metadata", other(token_endpoint="http://mallory.example/token")), "provider_unfit"),
    Case("rp-discovery: no code flow", bad("metadata", other(response_types_supported=["id_token"])), "provider_unfit"),
    Case("rp-discovery: PKCE, but plain only", bad("metadata", other(code_challenge_methods_supported=["plain"])),
         "provider_unfit"),
    Case("rp-discovery: a member of another type", bad("metadata", other(jwks_uri=7)), "provider_nonsense"),
    Case("rp-discovery: not an object", bad("metadata", lambda _: []), "provider_nonsense"),
    Case("rp-response_type-code", lambda op: None),
    Case("rp-response_mode: the answer names its issuer", bad("back", lambda q: q)),
    Case("rp-response: another issuer (RFC 9207)", bad("back", other(iss=MALLORY)), "response_issuer_wrong"),
    Case("rp-response: no issuer where one was promised (RFC 9207)",
         bad("metadata", other(authorization_response_iss_parameter_supported=True)), "response_issuer_wrong"),
    Case("rp-response: the citizen says no", bad("back", lambda q: {"state": q["state"], "error": "access_denied"}),
         "aborted"),
    Case("rp-response: a scope that was not granted",
         bad("back", lambda q: {"state": q["state"], "error": "invalid_scope"}), "login_refused"),
    Case("rp-response: neither code nor error", bad("back", lambda q: {"state": q["state"]}), "login_refused"),
    Case("rp-response: an endless code", bad("back", other(code="x" * 5000)), "login_refused"),
    Case("rp-response: somebody else's code", bad("back", other(code="geraden")), "token_refused"),
    Case("rp-token_endpoint-client_secret_basic", attribute("auth", "client_secret_basic")),
    Case("rp-token_endpoint-client_secret_post", attribute("auth", "client_secret_post")),
    Case("rp-token_endpoint-private_key_jwt", attribute("auth", "private_key_jwt")),
    Case("rp-id_token-missing", bad("answer", lambda a: {"access_token": "x", "token_type": "Bearer"}),
         "id_token_missing"),
    Case("rp-id_token-null", bad("answer", other(id_token=None)), "id_token_missing"),
    Case("rp-id_token-no-text", bad("answer", other(id_token=7)), "provider_nonsense"),
    Case("rp-id_token-not-a-jwt", bad("token", lambda _: "geen token"), "id_token_malformed"),
    Case("rp-id_token-encrypted", bad("token", lambda t: f"{t}.x.y"), "id_token_malformed"),
    Case("rp-id_token-aud", claims(aud="iemand-anders"), "audience_wrong"),
    Case("rp-id_token-aud: a list of us alone", claims(aud=[CLIENT])),
    Case("rp-id_token-aud: us and others", claims(aud=[CLIENT, "iemand-anders"], azp=CLIENT), "audience_wrong"),
    Case("rp-id_token-aud: nobody", claims(aud=[]), "audience_wrong"),
    Case("rp-id_token-aud-missing", claims(aud=None), "id_token_malformed"),
    Case("rp-id_token-azp: us", claims(azp=CLIENT)),
    Case("rp-id_token-azp: somebody else", claims(azp="iemand-anders"), "azp_wrong"),
    Case("rp-id_token-iat", claims(iat=None), "id_token_malformed"),
    Case("rp-id_token-iat: in the future", claims(iat=NOW_S + 61), "issued_wrong"),
    Case("rp-id_token-iat: a clock that is a little fast", claims(iat=NOW_S + 60)),
    Case("rp-id_token-iat: before the login began", claims(iat=NOW_S - 61), "issued_wrong"),
    Case("rp-id_token-nbf: in the future", claims(nbf=NOW_S + 61), "issued_wrong"),
    Case("rp-id_token-exp: over", claims(exp=NOW_S - 60), "token_expired"),
    Case("rp-id_token-exp: a clock that is a little slow", claims(exp=NOW_S - 59)),
    Case("rp-id_token-exp-missing", claims(exp=None), "id_token_malformed"),
    Case("rp-id_token-exp: no number", claims(exp="morgen"), "id_token_malformed"),
    Case("rp-id_token-sub", claims(sub=None), "id_token_malformed"),
    Case("rp-id_token-sub: empty", claims(sub=""), "id_token_malformed"),
    Case("rp-id_token-sub: 256 characters", claims(sub="x" * 256), "id_token_malformed"),
    Case("rp-id_token-issuer-mismatch", claims(iss=MALLORY), "issuer_wrong"),
    Case("rp-id_token-issuer-missing", claims(iss=None), "id_token_malformed"),
    Case("rp-nonce-invalid", claims(nonce="anders"), "nonce_wrong"),
    Case("rp-nonce-missing", claims(nonce=None), "nonce_wrong"),
    Case("rp-nonce: no ASCII", claims(nonce="é"), "nonce_wrong"),
    Case("rp-id_token-bad-at_hash", claims(at_hash="x"), "access_token_wrong"),
    Case("rp-id_token-missing-at_hash", claims(at_hash=None)),
    Case("rp-id_token-sig-rs256", lambda op: None),
    Case("rp-id_token-sig-es256", keys(jwk(ec_key("a"), "a"), alg="ES256", signing=(ec_key("a"), "a"))),
    Case("rp-id_token-sig-eddsa", keys(jwk(ed_key("a"), "a"), alg="EdDSA", signing=(ed_key("a"), "a"))),
    Case("rp-id_token-sig-none", token(lambda op, c: raw({"alg": "none"}, c)), "alg_refused"),
    Case("rp-id_token-sig-none: spelt otherwise", token(lambda op, c: raw({"alg": "nOnE", "kid": "one"}, c)),
         "alg_refused"),
    Case("rp-id_token-sig-none: with the name of an allowed one",
         token(lambda op, c: raw({"alg": "RS256", "kid": "one"}, c)), "signature_bad"),
    Case("rp-id_token-sig-hs256", token(lambda op, c: sign(c, oidc.SECRET.encode() * 2, "HS256", "one", {})),
         "alg_refused"),
    Case("rp-id_token-bad-sig-hs256: the public key as the secret",
         token(lambda op, c: _with_the_public_key(c)), "alg_refused"),
    Case("rp-id_token-sig: an algorithm that is fine, but not here",
         token(lambda op, c: sign(c, ONE, "RS512", "one", {})), "alg_refused"),
    Case("rp-id_token-bad-sig-rs256", token(lambda op, c: sign(c, TWO, "RS256", "one", {})), "signature_bad"),
    Case("rp-id_token-bad-sig: a claim was changed", bad("token", lambda t: _changed(t)), "signature_bad"),
    Case("rp-id_token-crit: a header that we do not know", bad("header", {"crit": ["iets"], "iets": 1}),
         "id_token_malformed"),
    Case("rp-id_token-jwk: a key in the token itself", token(
        lambda op, c: sign(c, TWO, "RS256", "two", {"jwk": jwk(TWO, "two")})), "key_unknown"),
    Case("rp-id_token-kid-absent-single-jwks", keys(jwk(ONE, "one"), signing=(ONE, None))),
    Case("rp-id_token-kid-absent-single-jwks: one of its kind", keys(
        jwk(ONE, "one"), jwk(ec_key("a"), "a"), jwk(TWO, "two", use="enc"), signing=(ONE, None))),
    Case("rp-id_token-kid-absent-multiple-jwks", keys(jwk(ONE, "one"), jwk(TWO, "two"), signing=(ONE, None)),
         "key_unknown"),
    Case("rp-id_token-kid: unknown", keys(jwk(ONE, "one"), signing=(ONE, "nieuw")), "key_unknown"),
    Case("rp-id_token-kid: a key for encryption", keys(jwk(ONE, "one", use="enc")), "key_unknown"),
    Case("rp-id_token-kid: a key for another algorithm", keys(jwk(ONE, "one", alg="PS256")), "key_unknown"),
    Case("rp-id_token-kid: twice", keys(jwk(TWO, "one"), jwk(ONE, "one")), "key_unknown"),
    Case("rp-id_token-kid: a key of 1024 bits", keys(jwk(WEAK, "weak"), signing=(WEAK, "weak")), "key_unknown"),
    Case("rp-id_token-kid: a shared secret in the set", keys({"kty": "oct", "kid": "one", "k": "c2VjcmV0"}),
         "key_unknown"),
    Case("rp-discovery-jwks_uri-keys: junk beside the key", keys(
        {}, {"kty": 7, "kid": []}, {"kty": "RSA", "kid": "x"}, {"kty": "RSA", "kid": "y", "n": "!", "e": 3},
        jwk(ONE, "one"))),
    Case("rp-discovery-jwks_uri-keys: the key is junk", keys({"kty": "RSA", "kid": "one", "n": "!", "e": "AQAB"}),
         "key_unknown"),
    Case("rp-discovery-jwks_uri-keys: no set", bad("keys", lambda _: {"sleutels": []}), "provider_nonsense"),
    Case("rp-scope-userinfo-claims", attribute("in_userinfo", True)),
    Case("rp-userinfo-bad-sub-claim", lambda op: (attribute("in_userinfo", True)(op),
                                                  bad("userinfo", other(sub="een-ander"))(op)), "subject_differs"),
    Case("rp-userinfo-no-sub-claim", lambda op: (attribute("in_userinfo", True)(op),
                                                 bad("userinfo", lambda _: {})(op)), "subject_differs"),
    Case("rp-claims: no name anywhere", lambda op: op.person.claims.clear(), "name_missing"),
    Case("rp-claims: a name that is no text", lambda op: op.person.claims.update(given_name=[], family_name={}),
         "name_missing"),
    Case("rp-acr: as required", _person(HIGH), required=HIGH),
    Case("rp-acr: higher than required", _person(HIGH), required=LOW),
    Case("rp-acr: lower", _person(LOW), "acr_low", HIGH),
    Case("rp-acr: one that nobody knows", _person("urn:mallory:highest"), "acr_low", LOW),
    Case("rp-acr: one of several", _person("urn:other"), required=f"urn:other {HIGH}"),
    Case("rp-acr: missing", _person(None), "acr_missing", LOW),
    Case("rp-acr: missing, and nobody asks", _person(None)),
    Case("rp-acr: with a control character, and nobody asks", _person(HIGH + "\0"), "claim_unfit"),
    Case("rp-acr: of two lines", _person(f"{HIGH}\nx"), "claim_unfit", HIGH),
    Case("rp-acr: longer than any, and nobody asks", _person("x" * 201), "claim_unfit"),
    Case("rp-acr: as long as one may be", _person("x" * 200), required="x" * 200),
    Case("rp-id_token-sub: with a control character", claims(sub="1985\0an"), "claim_unfit"),
    Case("rp-id_token: signature with what is no base64", bad("token", lambda found: found + "\r\n;"),
         "id_token_malformed"),
    Case("rp-token: an access token that is none (RFC 6749, A.12)", bad("answer", other(access_token="x\r\nHost: y")),
         "provider_nonsense"),
)  # fmt: skip


def _with_the_public_key(found: dict[str, Any]) -> str:
    """The classic confusion; PyJWT refuses to make such a token, so it is made by hand."""
    unsigned = raw({"alg": "HS256", "kid": "one"}, found).rpartition(".")[0]
    made = hmac.digest(oidc.public_pem(ONE), unsigned.encode(), hashlib.sha256)
    return f"{unsigned}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def _changed(found: str) -> str:
    header, payload, signature = found.split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{raw({}, {**body, 'sub': 'een-ander'}).split('.')[1]}.{signature}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_case(op: Op, case: Case) -> None:
    case.set_up(op)
    async with party(op) as rp:
        if case.refused:
            with pytest.raises(IdentityError) as raised:
                await log_in(rp, op, case.required)
            assert raised.value.code == case.refused, str(raised.value)
        else:
            person = await log_in(rp, op, case.required)
            assert (person.name, person.issuer) == ("An Peeters", op.issuer)


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) > 80


async def test_the_request(op: Op) -> None:
    async with party(op, scopes=("openid", "profile", "vo")) as rp:
        await log_in(rp, op, LOW)
    (asked,) = op.requests
    assert asked["scope"] == "openid profile vo" and asked["acr_values"] == f"{LOW} {HIGH}"
    assert asked["fixed"] == "1", "what the endpoint has stays"
    assert asked["ui_locales"] == "nl" and asked["state"] == "s" * 43
    assert SECRETS.verifier not in json.dumps(op.requests), "only its hash leaves before the code is exchanged"


async def test_claims_that_are_wanted_are_fetched_once(op: Op) -> None:
    op.bad.userinfo = other(groups=["balie"])
    async with party(op) as rp:
        assert "groups" not in (await log_in(rp, op)).claims and "/userinfo" not in op.asked
        person = await log_in(rp, op, wants=("groups",))
    assert person.claims["groups"] == ["balie"] and op.asked.count("/userinfo") == 1
    assert person.claims["given_name"] == "An"


async def test_what_is_signed_wins_over_userinfo(op: Op) -> None:
    op.bad.userinfo = other(groups=["balie"], given_name="Mallory")
    async with party(op) as rp:
        person = await log_in(rp, op, wants=("groups",))
    assert person.name == "An Peeters"


async def test_metadata_and_keys_are_asked_once_an_hour(op: Op) -> None:
    async with party(op) as rp:
        for _ in range(3):
            await log_in(rp, op)
        assert [op.asked.count(each) for each in ("/.well-known/openid-configuration", "/jwks")] == [1, 1]
        op.clock.now_s += 3600
        await log_in(rp, op)
        assert [op.asked.count(each) for each in ("/.well-known/openid-configuration", "/jwks")] == [2, 2]


async def test_rp_key_rotation_op_sign_key(op: Op) -> None:
    """A new key is found at once; who only names new ones cannot make us ask again and again."""
    async with party(op) as rp:
        await log_in(rp, op)
        op.published, op.signing = [jwk(TWO, "two")], (TWO, "two")
        op.clock.now_s += 10
        assert (await log_in(rp, op)).name == "An Peeters"
        assert op.asked.count("/jwks") == 2
        op.signing = (TWO, "drie")
        for _ in range(5):
            with pytest.raises(IdentityError, match="key_unknown"):
                await log_in(rp, op)
        assert op.asked.count("/jwks") == 2, "within ten seconds of the last time"
        op.clock.now_s += 10
        with pytest.raises(IdentityError, match="key_unknown"):
            await log_in(rp, op)
        assert op.asked.count("/jwks") == 3


async def test_rp_key_withdrawn(op: Op) -> None:
    """A key that the provider took away is good for an hour at most."""
    async with party(op) as rp:
        await log_in(rp, op)
        op.published = [jwk(TWO, "two")]
        op.clock.now_s += 3600
        with pytest.raises(IdentityError, match="key_unknown"):
            await log_in(rp, op)


async def test_rp_init_logout(op: Op) -> None:
    async with party(op) as rp:
        back = "http://localhost/balie/aanmelden?uit=1"
        url = await rp.end_session(back, "e.y.J")
        assert url.startswith(f"{op.issuer}/logout?client_id={CLIENT}&post_logout_redirect_uri=http")
        assert dict(parse_qsl(urlsplit(url).query))["post_logout_redirect_uri"] == back
        assert url.endswith("&id_token_hint=e.y.J")


async def test_rp_init_logout_where_there_is_none(op: Op) -> None:
    op.bad.metadata = lambda found: {name: value for name, value in found.items() if name != "end_session_endpoint"}
    async with party(op) as rp:
        assert await rp.end_session("http://localhost/x") == ""


async def test_a_token_as_the_flemish_government_makes_them(op: Op) -> None:
    """As its documentation shows one: the authorized party is there too, and the key's name among the claims."""
    acr = "urn:be:vlaanderen:authmech:eid"
    claims(azp=CLIENT, kid="one", acr=acr, vo_doelgroepcode="BUR", vo_id="a5720746")(op)
    async with party(op, acr_levels=()) as rp:
        person = await log_in(rp, op, f"urn:be:vlaanderen:authmech:itsme {acr}", wants=("vo_doelgroepcode",))
    assert person.acr == acr and person.claims["vo_doelgroepcode"] == "BUR"
    assert op.requests[0]["acr_values"] == f"urn:be:vlaanderen:authmech:itsme {acr}"
