"""Join tokens: short-lived JWTs that admit one person to one room, with the rights they name and no other.

HS256 with a shared secret or EdDSA with a key pair, chosen by `kid`.  Deny by default: a right that is not in the token
is not there, an unknown claim value refuses the token.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from signalling.errors import TokenError, shown

Role = Literal["citizen", "staff", "third", "probe"]
Medium = Literal["audio", "video", "screen"]

ROLES: tuple[Role, ...] = ("citizen", "staff", "third", "probe")
MEDIA: tuple[Medium, ...] = ("audio", "video", "screen")
LIFETIME_MAX_S = 120  # to connect with; a session, once begun, lasts by its own rules
OPERATOR_LIFETIME_MAX_S = 3600  # what `balie token --ttl` may ask for
LEEWAY_S = 10  # clocks of two servers
SECRET_MIN_BYTES = 32  # RFC 7518 3.2
NAME_MAX, ID_MAX, TOKEN_MAX = 200, 128, 4096
_TIME_MAX_S = 1 << 53
_CLAIMS = ("iss", "sub", "room", "role", "name", "exp", "iat", "jti")


@dataclass(frozen=True)
class Grants:
    """What a participant may do.  The default is nothing."""

    publish: frozenset[Medium] = frozenset()
    subscribe: bool = False
    moderate: bool = False


@dataclass(frozen=True)
class Join:
    """A verified token: who may enter which room, as what.

    wait     somebody of the staff lets him in
    since_s  he waits since then, Unix time, though this server does not know it; 0 when he begins to wait
    """

    participant: str
    room: str
    role: Role
    name: str
    grants: Grants
    label: str = ""
    wait: bool = False
    since_s: int = 0


@dataclass(frozen=True)
class Key:
    """One signing or verifying key.  secret for HS256; private and/or public PEM for EdDSA."""

    kid: str
    secret: bytes = field(default=b"", repr=False)
    private_pem: bytes = field(default=b"", repr=False)
    public_pem: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if not self.secret and not self.private_pem and not self.public_pem:
            raise ValueError(f"key {self.kid!r} needs a secret or an Ed25519 key")
        if self.secret and len(self.secret) < SECRET_MIN_BYTES:
            raise ValueError(f"key {self.kid!r}: a secret needs {SECRET_MIN_BYTES} bytes, found {len(self.secret)}")

    @property
    def algorithm(self) -> str:
        return "HS256" if self.secret else "EdDSA"

    def signing_key(self) -> bytes | Ed25519PrivateKey:
        if self.secret:
            return self.secret
        if not self.private_pem:
            raise ValueError(f"key {self.kid!r} can verify but not sign")
        key = load_pem_private_key(self.private_pem, None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"key {self.kid!r} is not an Ed25519 key")
        return key

    def verifying_key(self) -> bytes | Ed25519PublicKey:
        if self.secret:
            return self.secret
        if not self.public_pem:
            private = self.signing_key()
            assert isinstance(private, Ed25519PrivateKey)
            return private.public_key()
        key = load_pem_public_key(self.public_pem)
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"key {self.kid!r} is not an Ed25519 key")
        return key


class Tokens:
    """Mints with the first key, verifies with any: so keys rotate without an interruption.

    now_s everywhere is Unix time in seconds, an argument like all time.
    """

    def __init__(self, issuer: str, keys: tuple[Key, ...], *, lifetime_max_s: int = LIFETIME_MAX_S) -> None:
        if not keys:
            raise ValueError("at least one token key is needed")
        if len({key.kid for key in keys}) != len(keys):
            raise ValueError("two token keys have the same kid")
        self._issuer = issuer
        self._keys = {key.kid: key for key in keys}
        self._verifying = {key.kid: key.verifying_key() for key in keys}
        self._lifetime_max_s = lifetime_max_s

    def mint(self, join: Join, now_s: int, lifetime_s: int = LIFETIME_MAX_S) -> str:
        """A token for join.  ValueError: the lifetime is over the limit."""
        if not 0 < lifetime_s <= self._lifetime_max_s:
            raise ValueError(f"a token lives 1 to {self._lifetime_max_s} s, found {lifetime_s}")
        key = next(iter(self._keys.values()))
        claims = {
            "iss": self._issuer,
            "sub": join.participant,
            "room": join.room,
            "role": join.role,
            "name": join.name,
            "label": join.label,
            "wait": join.wait,
            "since": join.since_s,
            "grants": {
                "publish": sorted(join.grants.publish),
                "subscribe": join.grants.subscribe,
                "moderate": join.grants.moderate,
            },
            "iat": now_s,
            "exp": now_s + lifetime_s,
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(claims, key.signing_key(), algorithm=key.algorithm, headers={"kid": key.kid})

    def verify(self, token: str, now_s: float, room: str | None = None) -> Join:
        """What a token admits to.

        room: the one that is asked for, when the request names one.
        Raises TokenError: token_expired; forbidden (another room); token_invalid (everything else).
        """
        if not token or len(token) > TOKEN_MAX or not token.isascii():
            raise TokenError("token_invalid", f"a join token is a JWT of 1 to {TOKEN_MAX} characters")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError:
            raise TokenError("token_invalid", "the join token is not a JWT") from None
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenError("token_invalid", "the join token is signed with an unknown key (kid)")
        try:
            claims = jwt.decode(
                token,
                self._verifying[key.kid],
                algorithms=[key.algorithm],
                issuer=self._issuer,
                options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.PyJWTError as error:
            raise TokenError("token_invalid", f"the join token does not verify: {type(error).__name__}") from None
        self._check_times(claims, now_s)
        join = _read(claims)
        if room is not None and join.room != room:
            raise TokenError("forbidden", "the join token is for another room")
        return join

    def _check_times(self, claims: Mapping[str, Any], now_s: float) -> None:
        issued, expires = claims["iat"], claims["exp"]
        not_before = claims.get("nbf", issued)
        if not all(_is_number(value) for value in (issued, expires, not_before)):
            raise TokenError("token_invalid", "claims iat, exp and nbf must be numbers: Unix time in seconds")
        if expires - issued > self._lifetime_max_s:
            raise TokenError("token_invalid", f"the join token lives longer than {self._lifetime_max_s} s")
        if now_s > expires + LEEWAY_S:
            raise TokenError("token_expired", "the join token has expired: ask for a new one")
        if now_s < max(issued, not_before) - LEEWAY_S:
            raise TokenError("token_invalid", "the join token is not valid yet: compare the clocks of both servers")


def _is_number(value: object) -> bool:
    """Not NaN or infinity either, which Python's JSON reads: comparisons with them let everything pass."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_TIME_MAX_S < value < _TIME_MAX_S


def _text(claims: Mapping[str, Any], name: str, longest: int, *, empty: bool = False) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > longest or not (value or empty) or not value.isprintable():
        least = 0 if empty else 1
        raise TokenError("token_invalid", f"claim {name} must be a text of {least} to {longest} characters")
    return value


def _read(claims: Mapping[str, Any]) -> Join:
    role = claims["role"]
    if role not in ROLES:
        raise TokenError("token_invalid", f"claim role is {shown(role)}, allowed are {', '.join(ROLES)}")
    grants = claims.get("grants", {})
    if not isinstance(grants, dict):
        raise TokenError("token_invalid", "claim grants must be an object")
    wait = claims.get("wait", False)
    if not isinstance(wait, bool):
        raise TokenError("token_invalid", f"claim wait is {shown(wait)}, allowed are true and false")
    since = claims.get("since", 0)
    if not isinstance(since, int) or isinstance(since, bool) or not 0 <= since < _TIME_MAX_S:
        raise TokenError("token_invalid", f"claim since is {shown(since)}, allowed is Unix time in whole seconds")
    publish = grants.get("publish", [])
    if not isinstance(publish, list) or any(medium not in MEDIA for medium in publish):
        raise TokenError("token_invalid", f"claim grants.publish must be a list of {', '.join(MEDIA)}")
    return Join(
        participant=_text(claims, "sub", ID_MAX),
        room=_text(claims, "room", ID_MAX),
        role=role,
        name=_text(claims, "name", NAME_MAX),
        label=_text(claims, "label", NAME_MAX, empty=True),
        wait=wait,
        since_s=since,
        grants=Grants(
            publish=frozenset(publish),
            subscribe=grants.get("subscribe") is True,
            moderate=grants.get("moderate") is True,
        ),
    )


def default_grants(role: Role) -> Grants:
    """What each role is given unless somebody decides otherwise: staff moderates, a third party does not share."""
    match role:
        case "staff":
            return Grants(frozenset(MEDIA), subscribe=True, moderate=True)
        case "citizen":
            return Grants(frozenset(MEDIA), subscribe=True)
        case "third":
            return Grants(frozenset(("audio", "video")), subscribe=True)
        case "probe":
            return Grants(frozenset(("audio", "video")), subscribe=True)
