"""Behind a reverse proxy: the scheme, host and address that the visitor used, from proxies that are trusted only."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def forwarded(trusted: Sequence[str]) -> Middleware:
    """A middleware that believes X-Forwarded-Proto, -Host and -For of the trusted addresses and networks.

    Of X-Forwarded-For the last entry counts, the one that the trusted proxy wrote: earlier ones are the visitor's word.
    """
    networks = [ipaddress.ip_network(each) for each in trusted]

    def is_trusted(remote: str | None) -> bool:
        try:
            address = ipaddress.ip_address((remote or "").partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in networks)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_trusted(request.remote):
            scheme = _last(request, "X-Forwarded-Proto")
            request = request.clone(
                scheme=scheme if scheme in ("http", "https") else request.scheme,
                host=_last(request, "X-Forwarded-Host") or request.host,
                remote=_last(request, "X-Forwarded-For") or request.remote or "",
            )
        return await handler(request)

    return middleware


def _last(request: web.Request, name: str) -> str:
    return ",".join(request.headers.getall(name, [])).rpartition(",")[2].strip()
