"""What a media server is told when it begins."""

from __future__ import annotations

from dataclasses import dataclass, field

from media.core.settings import Settings


@dataclass(frozen=True)
class Binding:
    """Where the media server listens and what it tells browsers.

    hosts             addresses to bind, IPv4 and IPv6; the port is the same for all, 0 picks one
    public_addresses  addresses that browsers reach; empty means the bound ones
    coalesce_us       how long packets may wait for company under load
    tcp               whether who cannot use UDP may come by TCP, on the same port number
    """

    hosts: tuple[str, ...] = ("127.0.0.1",)
    port: int = 0
    public_addresses: tuple[str, ...] = ()
    coalesce_us: int = 3_000
    tcp: bool = True
    settings: Settings = field(default_factory=Settings)
    compiled: bool = True
    """Use the loops of media.native where they are compiled."""
