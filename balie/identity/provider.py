"""A provider as it is set, with its secrets read."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from balie.config import Settings, secret_of
from balie.errors import ConfigError
from balie.sections.identity import ProviderSection, RoleSection, check_identity

RSA_MIN_BITS = 2048
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True)
class ClientKey:
    """What signs our assertions.  id: the kid that the provider knows it by, or ""."""

    pem: bytes = field(repr=False)
    alg: str
    id: str = ""


@dataclass(frozen=True)
class Provider:
    """See balie.sections.identity.ProviderSection."""

    name: str
    issuer: str
    client_id: str
    auth: str
    secret: str = field(default="", repr=False)
    key: ClientKey | None = None
    label: str = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    algorithms: tuple[str, ...] = ("RS256",)
    used_for: tuple[str, ...] = ("citizen",)
    acr_levels: tuple[str, ...] = ()
    staff_acr: str = ""
    roles: tuple[RoleSection, ...] = ()


def providers(settings: Settings, name: str = "config.toml") -> tuple[Provider, ...]:
    """ConfigError."""
    check_identity(settings.identity, name)
    return tuple(
        _provider(each, settings, f"{name} [identity] providers[{at}]")
        for at, each in enumerate(settings.identity.providers)
    )


def _provider(each: ProviderSection, settings: Settings, where: str) -> Provider:
    key, secret = None, each.client_secret.encode()
    if each.private_key_file:
        at = f"{where} private_key_file"
        key = client_key(secret_of(each.private_key_file, settings, at), each.private_key_id, at)
    elif each.client_secret_file:
        secret = secret_of(each.client_secret_file, settings, f"{where} client_secret_file")
    try:
        read = secret.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{where} client_secret_file", None, "text") from None
    return Provider(
        name=each.name,
        issuer=each.complete_issuer,
        client_id=each.client_id,
        auth=each.auth,
        secret=read,
        key=key,
        label=each.label or each.name,
        scopes=each.scopes,
        algorithms=each.algorithms,
        used_for=each.used_for,
        acr_levels=each.acr_levels,
        staff_acr=each.staff_acr,
        roles=each.roles,
    )


def client_key(pem: bytes, key_id: str, where: str) -> ClientKey:
    """An RSA or EC key in PEM, and the algorithm that goes with it.  ConfigError."""
    need = f"an RSA key of at least {RSA_MIN_BITS} bits or an EC key, in PEM without a password"
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise ConfigError(where, None, need) from None
    if isinstance(key, RSAPrivateKey) and key.key_size >= RSA_MIN_BITS:
        return ClientKey(pem, "RS256", key_id)
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return ClientKey(pem, CURVES[key.curve.name], key_id)
    raise ConfigError(where, None, need)
