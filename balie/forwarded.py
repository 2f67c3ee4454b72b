"""Behind a reverse proxy: the scheme, host and address that the visitor used, from proxies that are trusted only."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](?::[0-9]{1,5})?")


def forwarded(trusted: Sequence[str]) -> Middleware:
    """A middleware that believes X-Forwarded-Proto, -Host and -For of the trusted addresses and networks.

    Of X-Forwarded-For the last address counts that is no trusted proxy's: earlier ones are the visitor's word.
    """
    networks = [ipaddress.ip_network(each) for each in trusted]

    def is_trusted(remote: str | None) -> bool:
        try:
            address = ipaddress.ip_address((remote or "").partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in networks)

    def visitor(request: web.Request) -> str:
        given = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        for each in reversed(given):
            address = each.strip()
            if not _is_address(address):
                return ""
            if not is_trusted(address):
                return address
        return ""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_trusted(request.remote):
            scheme, host = _last(request, "X-Forwarded-Proto"), _last(request, "X-Forwarded-Host")
            request = request.clone(
                scheme=scheme if scheme in ("http", "https") else request.scheme,
                host=host if _HOST.fullmatch(host) else request.host,
                remote=visitor(request) or request.remote or "",
            )
        return await handler(request)

    return middleware


def _last(request: web.Request, name: str) -> str:
    return ",".join(request.headers.getall(name, [])).rpartition(",")[2].strip()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
