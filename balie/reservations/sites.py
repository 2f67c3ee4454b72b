"""The reservation systems of the configuration."""

from __future__ import annotations

from balie import signing
from balie.config import Settings, secret_of
from balie.errors import ConfigError
from balie.reservations.http import Site

SECRET_HINT = "Make one: `openssl rand -base64 32 > sporthal.key`, for the reservation system too."


def sites(settings: Settings, name: str = "config.toml") -> list[Site]:
    """With their secrets read.  ConfigError: a name twice, or a secret that is missing or too short."""
    found: list[Site] = []
    for at, each in enumerate(settings.reservations.backends):
        where = f"{name} [reservations] backends[{at}]"
        if each.name in [site.name for site in found]:
            raise ConfigError(f"{where}.name", each.name, "another name for each")
        if bool(each.secret) == bool(each.secret_file):
            raise ConfigError(where, None, "one of secret and secret_file", SECRET_HINT)
        secret = each.secret.encode() or secret_of(each.secret_file, settings, f"{where}.secret_file")
        if len(signing.key(secret)) < signing.SECRET_MIN_BYTES:
            need = f"a secret of at least {signing.SECRET_MIN_BYTES} bytes"
            raise ConfigError(f"{where}.secret_file", None, need, SECRET_HINT)
        found.append(Site(each.name, each.url, secret, each.timeout_s))
    return found
