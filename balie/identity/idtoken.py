"""ID tokens: what must be true of one before anything in it is believed (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from jwt import InvalidSignatureError, PyJWS, PyJWTError

from balie.identity import assurance
from balie.identity.errors import IdentityError
from balie.identity.keyset import KeySet
from balie.identity.provider import Provider

SKEW_S = 60  # how far the provider's clock may differ from ours
SUBJECT_MAX = 255  # Core, 2

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""RFC 7515, 7.1.  Decoders pass over what is not base64, and the token goes into a cookie and a URL as it is."""

_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class Header(msgspec.Struct, frozen=True):
    alg: str = ""
    kid: str | None = None


class Claims(msgspec.Struct, frozen=True):
    """Those that are checked, and those that name somebody."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    nbf: int | float | None = None
    nonce: str | None = None
    azp: str | None = None
    acr: str | None = None
    at_hash: str | None = None


@dataclass(frozen=True)
class Expected:
    """now_s, began_s: Unix time now, and when the login began.  required_acr: see balie.identity.assurance."""

    provider: Provider
    nonce: str = field(repr=False)
    now_s: float
    began_s: float
    required_acr: str = ""
    access_token: str = field(default="", repr=False)


async def check(token: str, keys: KeySet, expected: Expected) -> tuple[Claims, dict[str, Any]]:
    """The claims of a token that is right, as checked and as sent.  IdentityError."""
    header = _header(token)
    if header.alg not in expected.provider.algorithms:
        raise IdentityError("alg_refused")
    payload = _verified(token, await keys.find(header.kid, header.alg), header.alg)
    try:
        claims = msgspec.json.decode(payload, type=Claims)
        sent = msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise IdentityError("id_token_malformed", "claims") from None
    check_claims(claims, expected, header.alg)
    return claims, sent


def check_claims(claims: Claims, expected: Expected, alg: str) -> None:
    """IdentityError: the first thing that is wrong."""
    provider, now_s = expected.provider, expected.now_s
    if claims.iss != provider.issuer:
        raise IdentityError("issuer_wrong")
    if not 0 < len(claims.sub) <= SUBJECT_MAX:
        raise IdentityError("id_token_malformed", "sub")
    if not claims.sub.isprintable():
        raise IdentityError("claim_unfit", "sub")
    # We trust no other audience, so there may be none (Core, 3.1.3.7, 3).
    if claims.aud not in (provider.client_id, [provider.client_id]):
        raise IdentityError("audience_wrong")
    if claims.azp is not None and claims.azp != provider.client_id:
        raise IdentityError("azp_wrong")
    if claims.nonce is None or not hmac.compare_digest(_bytes(claims.nonce), _bytes(expected.nonce)):
        raise IdentityError("nonce_wrong")
    if not now_s < claims.exp + SKEW_S:
        raise IdentityError("token_expired")
    if not expected.began_s - SKEW_S <= claims.iat <= now_s + SKEW_S or (claims.nbf or 0) > now_s + SKEW_S:
        raise IdentityError("issued_wrong")
    if claims.at_hash is not None and not _belongs(claims.at_hash, expected.access_token, alg):
        raise IdentityError("access_token_wrong")
    acr = claims.acr or ""
    # It is kept, shown, written down and told to other systems: cut or cleaned, it would be another level.
    if len(acr) > assurance.ACR_MAX or not acr.isprintable():
        raise IdentityError("claim_unfit", "acr")
    assurance.check(acr, expected.required_acr, provider.acr_levels)


def _header(token: str) -> Header:
    if _COMPACT.fullmatch(token) is None:
        raise IdentityError("id_token_malformed", "parts")
    first = token.partition(".")[0]
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)), type=Header)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise IdentityError("id_token_malformed", "header") from None


def _verified(token: str, key: Any, alg: str) -> bytes:
    try:
        # Of PyJWT the signature only: its checks of claims have a clock of their own.
        payload: bytes = PyJWS(algorithms=[alg]).decode_complete(token, key, algorithms=[alg])["payload"]
    except InvalidSignatureError:
        raise IdentityError("signature_bad") from None
    except (PyJWTError, ValueError, TypeError):
        raise IdentityError("id_token_malformed", "signature") from None
    return payload


def _belongs(at_hash: str, access_token: str, alg: str) -> bool:
    """Core, 3.1.3.6: the left half of the hash of the access token.  EdDSA has no agreed hash, so it says nothing."""
    if alg[2:] not in _HASHES:
        return True
    digest = _HASHES[alg[2:]](_bytes(access_token)).digest()
    made = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    return hmac.compare_digest(made, _bytes(at_hash))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
