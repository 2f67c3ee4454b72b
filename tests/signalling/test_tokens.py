"""Join tokens: whoever is not meant to come in does not, and is told why without a word of the token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from signalling.errors import TokenError
from signalling.tokens import LEEWAY_S, LIFETIME_MAX_S, Grants, Join, Key, Role, Tokens, default_grants

NOW = 1_800_000_000
ISSUER = "https://loket.example"
SECRET = b"0123456789abcdef0123456789abcdef"
HS = Key("hs", SECRET)
_private = Ed25519PrivateKey.generate()
PRIVATE_PEM = _private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC_PEM = _private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
ED = Key("ed", private_pem=PRIVATE_PEM)
AN = Join("an-1", "loket-3", "citizen", "An Peeters", default_grants("citizen"), "dochter")
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "an-1",
    "room": "loket-3",
    "role": "citizen",
    "name": "An Peeters",
    "grants": {"publish": ["audio"], "subscribe": True},
    "iat": NOW,
    "exp": NOW + 60,
    "jti": "7",
}
MISSING = object()


def tokens(*keys: Key) -> Tokens:
    return Tokens(ISSUER, keys or (HS,))


def signed(changes: dict[str, Any] | None = None, *, header: dict[str, Any] | None = None) -> str:
    claims = {key: value for key, value in {**CLAIMS, **(changes or {})}.items() if value is not MISSING}
    return jwt.encode(claims, SECRET, "HS256", headers=header if header is not None else {"kid": "hs"})


def by_hand(header: dict[str, Any], claims: str, secret: bytes = SECRET) -> str:
    """Signed like HS256 whatever the header says, with claims that no library would write."""
    parts = [base64.urlsafe_b64encode(each.encode()).rstrip(b"=") for each in (json.dumps(header), claims)]
    signature = base64.urlsafe_b64encode(hmac.digest(secret, b".".join(parts), hashlib.sha256)).rstrip(b"=")
    return b".".join([*parts, signature]).decode()


def refusal(token: str, *, checked_by: Tokens | None = None, at: float = NOW, room: str | None = None) -> TokenError:
    with pytest.raises(TokenError) as caught:
        (checked_by or tokens()).verify(token, at, room)
    assert caught.value.fatal
    for part in token.split("."):
        assert len(part) < 16 or part not in caught.value.message, "an error holds nothing of the token"
    return caught.value


@pytest.mark.parametrize("key", [HS, ED], ids=["HS256", "EdDSA"])
def test_what_was_minted_admits(key: Key) -> None:
    both = tokens(key)
    assert both.verify(both.mint(AN, NOW), NOW) == AN
    assert both.verify(both.mint(AN, NOW), NOW, "loket-3") == AN


def test_a_public_key_verifies_and_does_not_sign() -> None:
    assert tokens(Key("ed", public_pem=PUBLIC_PEM)).verify(tokens(ED).mint(AN, NOW), NOW) == AN
    with pytest.raises(ValueError, match="can verify but not sign"):
        tokens(Key("ed", public_pem=PUBLIC_PEM)).mint(AN, NOW)


def test_keys_rotate_without_an_interruption() -> None:
    old, new = Key("2025", b"o" * 32), Key("2026", b"n" * 32)
    before, between, after = tokens(old), tokens(new, old), tokens(new)
    token = before.mint(AN, NOW)
    assert between.verify(token, NOW) == AN
    assert after.verify(between.mint(AN, NOW), NOW) == AN, "the first key signs"
    assert "unknown key" in refusal(token, checked_by=after).message


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW - LEEWAY_S - 1, "token_invalid"),
        (NOW - LEEWAY_S, None),
        (NOW + 60 + LEEWAY_S, None),
        (NOW + 60 + LEEWAY_S + 0.5, "token_expired"),
    ],
)
def test_time_with_leeway(at: float, code: str | None) -> None:
    if code is None:
        assert tokens().verify(signed(), at).participant == "an-1"
    else:
        assert refusal(signed(), at=at).code == code


@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        *((name, MISSING, "token_invalid", "MissingRequiredClaim") for name in CLAIMS if name != "grants"),
        ("iss", "https://elsewhere.example", "token_invalid", "Issuer"),
        ("aud", "somebody else", "token_invalid", "Audience"),
        ("sub", "", "token_invalid", "claim sub must be a text of 1 to 128"),
        ("sub", 7, "token_invalid", "Subject"),
        ("sub", "x" * 129, "token_invalid", "claim sub"),
        ("room", ["loket-3"], "token_invalid", "claim room"),
        ("room", "a\nb", "token_invalid", "claim room"),
        ("name", "\u202eneB", "token_invalid", "claim name"),
        ("name", "x" * 201, "token_invalid", "claim name"),
        ("label", None, "token_invalid", "claim label must be a text of 0 to 200"),
        ("role", "admin", "token_invalid", "claim role is admin, allowed are citizen, staff"),
        ("role", ["staff"], "token_invalid", "claim role"),
        ("role", "r" * 500, "token_invalid", "rrr..., allowed"),
        ("grants", [], "token_invalid", "claim grants must be an object"),
        ("grants", {"publish": "audio"}, "token_invalid", "claim grants.publish"),
        ("grants", {"publish": ["audio", "microphone"]}, "token_invalid", "audio, video, screen"),
        ("grants", {"publish": [["audio"]]}, "token_invalid", "claim grants.publish"),
        ("since", 0, None, ""),
        ("since", NOW, None, ""),
        ("since", -1, "token_invalid", "claim since"),
        ("since", True, "token_invalid", "claim since"),
        ("since", float(NOW), "token_invalid", "claim since is 1"),
        ("since", 10**400, "token_invalid", "claim since"),
        ("exp", NOW, None, ""),
        ("exp", True, "token_invalid", "must be numbers"),
        ("exp", str(NOW + 60), "token_invalid", "must be numbers"),
        ("exp", 10**400, "token_invalid", "must be numbers"),
        ("iat", None, "token_invalid", ""),
        ("iat", False, "token_invalid", "must be numbers"),
        ("iat", NOW - 61, "token_invalid", f"longer than {LIFETIME_MAX_S} s"),
        ("exp", NOW + LIFETIME_MAX_S, None, ""),
        ("exp", NOW + LIFETIME_MAX_S + 1, "token_invalid", f"longer than {LIFETIME_MAX_S} s"),
        ("exp", NOW - 11, "token_expired", "ask for a new one"),
        ("nbf", NOW + LEEWAY_S, None, ""),
        ("nbf", NOW + LEEWAY_S + 1, "token_invalid", "not valid yet"),
        ("nbf", "tomorrow", "token_invalid", "must be numbers"),
        ("nbf", True, "token_invalid", "must be numbers"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_claims(name: str, value: object, code: str | None, words: str) -> None:
    token = signed({name: value})
    if code is None:
        assert tokens().verify(token, NOW).participant == "an-1"
        return
    error = refusal(token)
    assert error.code == code
    assert words in error.message


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e308"])
@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
def test_times_that_compare_with_nothing(name: str, value: str) -> None:
    """Python's JSON reads them, and `now > NaN` never is: a token that lives for ever."""
    claims = json.dumps({**CLAIMS, "nbf": NOW, name: "HERE"}).replace('"HERE"', value)
    assert refusal(by_hand({"alg": "HS256", "kid": "hs", "typ": "JWT"}, claims)).code == "token_invalid"


@pytest.mark.parametrize("spelling", ["none", "None", "NONE", ""])
def test_nobody_comes_in_unsigned(spelling: str) -> None:
    token = by_hand({"alg": spelling, "kid": "hs"}, json.dumps(CLAIMS))
    assert refusal(token).code == "token_invalid"
    assert refusal(token.rpartition(".")[0] + ".").code == "token_invalid"


def test_a_public_key_is_no_secret() -> None:
    """Algorithm confusion: HS256 with the public PEM as its secret, under the EdDSA key's kid."""
    both = tokens(ED, HS)
    for pem in (PUBLIC_PEM, PUBLIC_PEM.strip()):
        assert refusal(by_hand({"alg": "HS256", "kid": "ed"}, json.dumps(CLAIMS), pem), checked_by=both).code == (
            "token_invalid"
        )


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "EdDSA", "kid": "hs"},
        {"alg": "HS512", "kid": "hs"},
        {"alg": "HS256"},
        {"alg": "HS256", "kid": "hs2"},
        {"alg": "HS256", "kid": None},
        {"alg": "HS256", "kid": ["hs"]},
        {"alg": "HS256", "kid": {"hs": 1}},
        {"alg": "HS256", "kid": "hs", "crit": ["exp"]},
        {"alg": "HS256", "kid": "hs", "b64": False},
        {"kid": "hs"},
    ],
    ids=str,
)
def test_headers(header: dict[str, Any]) -> None:
    assert refusal(by_hand(header, json.dumps(CLAIMS))).code == "token_invalid"


def test_a_kid_picks_one_key_and_no_other() -> None:
    one, two = Key("one", b"1" * 32), Key("two", b"2" * 32)
    token = by_hand({"alg": "HS256", "kid": "one"}, json.dumps(CLAIMS), b"2" * 32)
    assert refusal(token, checked_by=tokens(one, two)).code == "token_invalid"


def test_a_changed_claim_breaks_the_signature() -> None:
    header, _, signature = signed().split(".")
    claims = base64.urlsafe_b64encode(json.dumps({**CLAIMS, "role": "staff"}).encode()).rstrip(b"=").decode()
    assert "InvalidSignature" in refusal(f"{header}.{claims}.{signature}").message


def test_another_room_is_forbidden_and_not_named() -> None:
    error = refusal(signed(), room="loket-4")
    assert error.code == "forbidden"
    assert "loket" not in error.message


def test_what_is_not_granted_is_not_there() -> None:
    assert tokens().verify(signed({"grants": MISSING}), NOW).grants == Grants()
    for nearly in ("true", 1, "yes", [True]):
        grants = tokens().verify(signed({"grants": {"subscribe": nearly, "moderate": nearly}}), NOW).grants
        assert grants == Grants(), nearly
    assert tokens().verify(signed({"grants": {"record": True}}), NOW).grants == Grants()


@pytest.mark.parametrize(
    ("role", "screen", "moderate"),
    [("citizen", True, False), ("staff", True, True), ("third", False, False), ("probe", False, False)],
)
def test_rights_by_role(role: Role, screen: bool, moderate: bool) -> None:
    grants = default_grants(role)
    assert ("screen" in grants.publish, grants.moderate) == (screen, moderate)
    assert grants.subscribe and {"audio", "video"} <= grants.publish


@settings(deadline=None)  # a busy machine is no failure
@given(st.one_of(st.text(max_size=200), st.from_regex(r"[\w-]+\.[\w-]+\.[\w-]*", fullmatch=True)))
def test_any_text_is_refused_and_nothing_else_happens(token: str) -> None:
    """Invariant: verify() raises TokenError for everything that was not minted here."""
    refusal(token)


@pytest.mark.parametrize("token", ["", "x" * 4097, "a.b.\udcff", "é.é.é", signed() + "\n", signed() + "."])
def test_odd_texts(token: str) -> None:
    with pytest.raises(TokenError) as caught:
        tokens().verify(token, NOW)
    assert caught.value.code == "token_invalid"


@pytest.mark.parametrize("lifetime_s", [0, -5, LIFETIME_MAX_S + 1])
def test_lifetimes_of_what_is_minted(lifetime_s: int) -> None:
    with pytest.raises(ValueError, match=f"1 to {LIFETIME_MAX_S} s"):
        tokens().mint(AN, NOW, lifetime_s)


def test_keys_that_are_none() -> None:
    other = generate_private_key(SECP256R1())
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for made, words in (
        (lambda: Key("k"), "needs a secret"),
        (lambda: Key("k", b"short"), "needs 32 bytes, found 5"),
        (lambda: tokens(Key("k", private_pem=private)), "not an Ed25519"),
        (lambda: tokens(Key("k", public_pem=public)), "not an Ed25519"),
        (lambda: tokens(HS, Key("hs", b"x" * 32)), "same kid"),
        (lambda: Tokens(ISSUER, ()), "at least one"),
    ):
        with pytest.raises(ValueError, match=words):
            made()


def test_a_key_does_not_show_itself() -> None:
    shown = repr(Key("hs", SECRET)) + repr(ED) + repr(Key("ed", public_pem=PUBLIC_PEM))
    assert SECRET.decode() not in shown
    assert "BEGIN" not in shown
