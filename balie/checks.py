"""What values settings take that a type does not say: addresses, URLs, times of day.  Each raises ConfigError."""

from __future__ import annotations

import ipaddress
import re

from yarl import URL

from balie.errors import ConfigError
from signalling.relays import is_turn_url

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def check_public_address(value: str, where: str) -> None:
    """An address that goes into ICE candidates: a literal one that packets can be sent to."""
    try:
        address = ipaddress.ip_address(value)
        usable = not (address.is_unspecified or address.is_multicast or "%" in value)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            where=where,
            found=value,
            need="the address that browsers reach",
            hint="Browsers send media straight to it.  `balie doctor` prints this host's addresses.",
        )


def check_address(value: str, where: str) -> None:
    """An address to bind: literal, because a name may mean another address tomorrow."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ConfigError(where, value, "an IPv4 or IPv6 address, such as 0.0.0.0") from None


def check_network(value: str, where: str) -> None:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ConfigError(where, value, "an address or a network, such as 10.0.0.0/8") from None


def check_mail_address(value: str, where: str) -> None:
    if value and not re.fullmatch(r"[^@\s<>+]+@[^@\s<>]+\.[^@\s<>]+|[^@\s<>+]+@localhost", value):
        raise ConfigError(where, value, "a mail address without + and name, such as balie@example.be")


def check_name(value: str, where: str) -> None:
    """What we call another system: it stands in addresses, in cookies and in the database."""
    if value and not re.fullmatch(r"[a-z0-9-]{1,32}", value):
        raise ConfigError(where, value, "at most 32 small letters, digits and hyphens, such as acm")


def check_clock(value: str, where: str) -> None:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ConfigError(where, value, "a time of day, such as 21:00")


def check_hook_url(value: str, where: str) -> None:
    """A URL that we post to, or nothing.  Plain http only to this machine: what is posted names people."""
    if not value:
        return
    try:
        url = URL(value)
        usable = bool(url.host) and url.user is None and not url.fragment
        usable = usable and (url.scheme == "https" or (url.scheme == "http" and url.host in LOCAL_NAMES))
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(where, value, "an https URL, such as https://crm.example.be/events")


def check_url(value: str, where: str) -> None:
    try:
        url = URL(value)
        usable = url.scheme in ("http", "https") and bool(url.host) and url.path == "/" and not url.query_string
        usable = usable and not url.fragment and url.user is None
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(where, value, "a URL without path, such as https://balie.example.be")


def check_turn_url(value: str, where: str) -> None:
    if not is_turn_url(value):
        need = "turn:HOST, turn:HOST:PORT?transport=udp or tcp, or turns:HOST:PORT?transport=tcp"
        raise ConfigError(where, value, need, "An IPv6 address stands in [brackets].")
