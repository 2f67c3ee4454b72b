"""The public keys of a provider: kept for a while, and fetched anew when a token names one that we do not know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from balie.identity.errors import IdentityError
from balie.identity.kept import Kept
from balie.identity.provider import RSA_MIN_BITS

KEEP_S = 3600.0  # a key that the provider withdrew is good for an hour here
AGAIN_S = 10.0  # after a fetch: whoever may send us tokens cannot make us ask without end
KEYS_MAX = 100

KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
CURVES = {"ES256": ("P-256",), "ES384": ("P-384",), "ES512": ("P-521",), "EdDSA": ("Ed25519", "Ed448")}


class Jwks(msgspec.Struct, frozen=True):
    """RFC 7517, 5.  What we cannot use of it is passed over: other keys of it may be fine."""

    keys: list[dict[str, Any]]


class KeySet:
    """fetch: asks the provider.  clock: seconds."""

    def __init__(self, fetch: Callable[[], Awaitable[Jwks]], clock: Callable[[], float]) -> None:
        self._kept = Kept(fetch, clock)

    async def find(self, kid: str | None, alg: str) -> Any:
        """The key for a token's header, for PyJWT.  IdentityError key_unknown.

        A token that names no key is taken when only one key of the set can be meant (Core, 10.1).
        """
        for age_s in (KEEP_S, AGAIN_S):
            if (found := _found(await self._kept.get(age_s), kid, alg)) is not None:
                return found
        raise IdentityError("key_unknown")


def _found(jwks: Jwks, kid: str | None, alg: str) -> Any:
    fit = [each for each in jwks.keys[:KEYS_MAX] if fits(each, alg) and kid in (None, each.get("kid"))]
    if len(fit) != 1:
        return None
    try:
        key = PyJWK(fit[0], alg).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    return None if isinstance(key, RSAPublicKey) and key.key_size < RSA_MIN_BITS else key


def fits(fields: dict[str, Any], alg: str) -> bool:
    """Whether a key of a set is for signatures with an algorithm."""
    if fields.get("kty") != KINDS.get(alg[:2]) or fields.get("use", "sig") != "sig" or fields.get("alg", alg) != alg:
        return False
    return alg not in CURVES or fields.get("crv") in CURVES[alg]
