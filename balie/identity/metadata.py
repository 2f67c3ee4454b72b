"""What a provider says of itself (OpenID Connect Discovery 1.0), and what of it is acceptable."""

from __future__ import annotations

import msgspec
from yarl import URL

from balie.checks import LOCAL_NAMES
from balie.identity.errors import IdentityError

WELL_KNOWN = "/.well-known/openid-configuration"


class Metadata(msgspec.Struct, frozen=True):
    """Those members that we use; RFC 8414 and OpenID Connect Discovery 1.0, 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    response_types_supported: list[str] = msgspec.field(default_factory=list)
    code_challenge_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool = False


def url_of(issuer: str) -> str:
    """Where the metadata of an issuer is (Discovery, 4.1: a slash at the end goes)."""
    return issuer.removesuffix("/") + WELL_KNOWN


def check(found: Metadata, issuer: str) -> Metadata:
    """IdentityError provider_unfit."""
    if found.issuer != issuer:
        raise IdentityError("provider_unfit", "issuer differs from the one that is set")
    local = URL(issuer).host in LOCAL_NAMES
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"):
        value = getattr(found, name)
        if not (_usable(value, local) or (not value and name in ("userinfo_endpoint", "end_session_endpoint"))):
            raise IdentityError("provider_unfit", f"{name} is no https URL")
    if "code" not in found.response_types_supported:
        raise IdentityError("provider_unfit", "response_types_supported has no code")
    methods = found.code_challenge_methods_supported
    if methods is not None and "S256" not in methods:
        raise IdentityError("provider_unfit", "code_challenge_methods_supported has no S256")
    return found


def _usable(value: str, local: bool) -> bool:
    try:
        url = URL(value)
    except ValueError:
        return False
    if url.user is not None or url.fragment or not value.isprintable():
        return False
    return bool(url.host) and (url.scheme == "https" or (local and url.scheme == "http" and url.host in LOCAL_NAMES))
