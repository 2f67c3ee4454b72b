"""[identity]: the identity providers (OpenID Connect) that say who citizens and members of staff are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from yarl import URL

from balie.checks import LOCAL_NAMES, check_name
from balie.errors import ConfigError
from balie.reading import setting

ACM_ISSUER = "https://authenticatie.vlaanderen.be/op"
"""Of the Flemish government, for real; to try with there is https://authenticatie-ti.vlaanderen.be/op."""

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Of signatures by a private key.  Those with a shared secret (HS256) and `none` cannot be set."""


def check_issuer(value: str, where: str) -> None:
    """An issuer identifier (OpenID Connect Core 1.0, 2): https, no query, no fragment.  Plain http to this machine."""
    if not value:
        return
    try:
        url = URL(value)
        usable = bool(url.host) and url.user is None and not url.raw_query_string and not url.fragment
        usable = usable and (url.scheme == "https" or (url.scheme == "http" and url.host in LOCAL_NAMES))
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(where, value, "an https URL as the provider writes it, such as https://login.example.be/op")


LOCAL = "local"
"""In the audit, of who came in with a password of ours: no provider is called so."""


def check_provider_name(value: str, where: str) -> None:
    """It stands in the redirect address, in a cookie, in the audit and in the database."""
    check_name(value, where)
    if value == LOCAL:
        raise ConfigError(where, value, "another name", "The audit calls it so when somebody came in with a password.")


@dataclass(frozen=True)
class RoleSection:
    """Who has this value in this claim gets this role and, unless he is an administrator, these services (slugs)."""

    claim: str = setting("", nonempty=True)
    value: str = setting("", nonempty=True)
    role: Literal["counter", "lead", "admin"] = setting("counter")
    services: tuple[str, ...] = setting(())


@dataclass(frozen=True)
class ProviderSection:
    """One provider of [identity] providers.

    name        in our addresses, in the database and in the audit
    preset      acm: of the Flemish government; generic: any other that speaks OpenID Connect
    label       what people call it, on buttons
    used_for    whom it identifies; the first of each kind is asked
    auth        how we prove to it who we are; private_key_jwt with private_key_file, the others with a secret
    acr_levels  its levels of assurance, the lowest first: then a higher one than was asked for is good too
    staff_acr   the levels, or the lowest, with which staff may come in, separated by spaces; none: any
    roles       what members of staff may do, by their claims; who has none of these claims does not come in
    rrn_legal_basis  the law that lets you ask for the national number: without it the scope rrn is refused
    """

    name: str = setting("", nonempty=True, check=check_provider_name)
    preset: Literal["generic", "acm"] = setting("generic")
    label: str = setting("")
    issuer: str = setting("", check=check_issuer)
    client_id: str = setting("", nonempty=True)
    auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt"] = setting("client_secret_basic")
    client_secret: str = setting("", secret=True)
    client_secret_file: str = setting("")
    private_key_file: str = setting("")
    private_key_id: str = setting("")
    scopes: tuple[str, ...] = setting(("openid", "profile"), nonempty=True)
    algorithms: tuple[Algorithm, ...] = setting(("RS256",), nonempty=True)
    used_for: tuple[Literal["citizen", "staff"], ...] = setting(("citizen",), nonempty=True)
    acr_levels: tuple[str, ...] = setting(())
    staff_acr: str = setting("")
    roles: tuple[RoleSection, ...] = setting(())
    rrn_legal_basis: str = setting("")

    @property
    def complete_issuer(self) -> str:
        return self.issuer or (ACM_ISSUER if self.preset == "acm" else "")


@dataclass(frozen=True)
class IdentitySection:
    """local_accounts: whether the form for name and password stands on the page where staff signs in, or behind a link.
    It only goes behind a link when there is another way in.

    return_address  own: where each provider sends browsers back to has its name; shared: the address without a name, as
                    it was registered at a provider before, which only works while there is one provider
    """

    providers: tuple[ProviderSection, ...] = setting(())
    local_accounts: Literal["shown", "link"] = setting("shown")
    return_address: Literal["own", "shared"] = setting("own")


def check_identity(section: IdentitySection, name: str = "config.toml") -> None:
    """What no single setting can say of itself.  ConfigError."""
    names = [each.name for each in section.providers]
    for at, each in enumerate(section.providers):
        where = f"{name} [identity] providers[{at}]"
        for key, found, need, hint in _mistakes(each):
            raise ConfigError(f"{where} {key}", found, need, hint)
        if names.count(each.name) > 1:
            raise ConfigError(f"{where} name", each.name, "another name for every provider")
    if section.return_address == "shared" and len(section.providers) != 1:
        need = "own, or exactly one provider"
        hint = "With one address for all, an answer of one provider could be taken for another's (RFC 9700, 4.4)."
        raise ConfigError(f"{name} [identity] return_address", "shared", need, hint)
    if section.local_accounts == "link" and not any("staff" in each.used_for for each in section.providers):
        raise ConfigError(f"{name} [identity] local_accounts", "link", 'a provider with "staff" in used_for beside it')


def _mistakes(each: ProviderSection) -> Iterator[tuple[str, object, str, str]]:
    """(setting, what was found, what is needed, what to do)."""
    if not each.complete_issuer:
        yield "issuer", each.issuer, "the issuer as the provider writes it", "See its openid-configuration."
    if "openid" not in each.scopes:
        yield "scopes", list(each.scopes), "openid among them", "Without it the provider does not say who somebody is."
    if "rrn" in each.scopes and not each.rrn_legal_basis.strip():
        need = "no scope rrn, or rrn_legal_basis with the law that lets you ask for it"
        hint = "The law of 8 August 1983 allows it to few; balie itself never needs the number."
        yield "scopes", list(each.scopes), need, hint
    if each.preset == "acm" and each.algorithms != ("RS256",):
        yield "algorithms", list(each.algorithms), '["RS256"]', "The Flemish government signs with nothing else."
    secrets = bool(each.client_secret) + bool(each.client_secret_file)
    if each.auth == "private_key_jwt" and (secrets or not each.private_key_file):
        yield "auth", each.auth, "private_key_file and no client secret", ""
    if each.auth != "private_key_jwt" and (secrets != 1 or each.private_key_file):
        yield "auth", each.auth, "one of client_secret and client_secret_file", "A file keeps it out of backups."
    if "staff" in each.used_for and not each.roles:
        hint = 'Such as roles = [{ claim = "groups", value = "balie", role = "counter", services = ["vrije-tijd"] }].'
        yield "roles", [], "at least one rule that says who may do what", hint
