"""Security headers: on every answer of every URL, whatever its status."""

from __future__ import annotations

import re

import pytest
from aiohttp import hdrs
from pytest_aiohttp.plugin import AiohttpClient

from tests.support.site import PUBLIC_URL, Client, Site, build_site, raw
from tests.support.tree import files, text

ANSWERS = [
    ("GET", "/", 200),
    ("HEAD", "/", 200),
    ("GET", "/call", 200),
    ("GET", "{open}", 200),
    ("GET", "{early}", 425),
    ("GET", "{over}", 410),
    ("GET", "/g/onbekend", 404),
    ("POST", "{open}/join", 200),
    ("POST", "{over}/join", 410),
    ("GET", "/ws", 426),
    ("POST", "/whip/loket", 401),
    ("OPTIONS", "/whip/loket", 200),
    ("GET", "/whep/loket", 204),
    ("DELETE", "/whip/loket/x", 401),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 503),
    ("GET", "/metrics", 200),
    ("GET", "/static/css/balie.css", 200),
    ("GET", "/static/nothing.js", 404),
    ("GET", "/static/js", 403),
    ("GET", "/nowhere", 404),
    ("DELETE", "/", 405),
]
EXPECTED = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}


def policy(text: str) -> dict[str, list[str]]:
    """A content security policy by directive; of two of one name the first counts."""
    found: dict[str, list[str]] = {}
    for directive in text.split(";"):
        name, *values = directive.split()
        found.setdefault(name, values)
    return found


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
async def test_every_answer_has_them(
    client: Client, site: Site, method: str, path: str, status: int, accept: str
) -> None:
    response = await client.request(method, path.format(**site.links), headers={"Accept": accept})
    assert response.status == status
    assert {name: response.headers.get(name) for name in EXPECTED} == EXPECTED
    assert "camera=(self)" in response.headers["Permissions-Policy"]
    assert hdrs.SERVER not in response.headers, "versions are nobody's business"
    for name in ("Content-Security-Policy", "Cache-Control"):
        assert len(response.headers.getall(name)) == 1
    cached = "no-cache" if path.startswith("/static/") else "no-store"
    assert response.headers["Cache-Control"] == cached


async def test_a_websocket_has_them(client: Client) -> None:
    answer = await raw(
        client,
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"X-Content-Type-Options: nosniff" in answer
    assert b"permessage-deflate" not in answer, "300 kB of zlib for each connection"
    assert b"Server:" not in answer


async def test_the_policy_allows_our_own_files_only(client: Client) -> None:
    found = policy((await client.get("/")).headers["Content-Security-Policy"])
    assert found["default-src"] == ["'none'"]
    for name in ("script-src", "style-src", "font-src", "manifest-src", "form-action"):
        assert found[name] == ["'self'"], "and neither unsafe-inline nor unsafe-eval"
    for name in ("base-uri", "frame-ancestors"):
        assert found[name] == ["'none'"]
    assert set(found["connect-src"]) == {"'self'", "wss://balie.example.be", f"ws://127.0.0.1:{client.port}"}


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "a; script-src *",
        "127.0.0.1 https://evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "[::1]",
        "127.0.0.1:99999999",
        "",
    ],
)
async def test_a_host_that_somebody_made_up_gets_nowhere(client: Client, host: str) -> None:
    """Neither into the policy nor into a link."""
    answer = await raw(client, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 ")
    said = re.search(rb"Content-Security-Policy: (.*)\r\n", answer)
    assert said is not None
    assert policy(said[1].decode())["connect-src"] == ["'self'", "wss://balie.example.be"]
    assert not host or host.encode() not in answer


async def test_no_host_at_all_is_answered(client: Client) -> None:
    assert (await raw(client, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 200 ")


async def test_plain_http_promises_no_tls(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(build_site("http://localhost:8080").balie.web)
    headers = (await client.get("/")).headers
    assert "Strict-Transport-Security" not in headers
    assert "ws://localhost:8080" in policy(headers["Content-Security-Policy"])["connect-src"]


async def test_every_route_has_the_same_strict_policy(aiohttp_client: AiohttpClient) -> None:
    """Whatever it is, whoever asks, and whatever comes of it: with the names of the table of routes, made up."""
    site = build_site(PUBLIC_URL)
    client = await aiohttp_client(site.balie.web)
    found = set()
    for route in site.balie.web.router.routes():
        resource = route.resource
        assert resource is not None
        path = re.sub(r"\{kind[^}]*\}", "whip", resource.canonical)
        path = re.sub(r"\{[^}]*\}", "1234", path)
        if resource.canonical.startswith("/static"):
            path = "/static/js/call.js"
        response = await client.request(route.method.replace("*", "GET"), path, allow_redirects=False)
        found.add(response.headers["Content-Security-Policy"])
        assert response.headers["Referrer-Policy"] == "no-referrer", path
        assert response.status != 500, path
    (only,) = found
    directives = policy(only)
    assert "unsafe" not in only and "*" not in only and "data:" not in directives["script-src"]


def test_no_page_has_script_or_style_of_its_own() -> None:
    """The policy would keep them from running: a template must not count on them."""
    inline = re.compile(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*(?:\ssrc=|application/json))")
    for name in files():
        if name.startswith("web/templates/"):
            assert not inline.search(text(name)), name
            assert not re.search(r"(?:src|srcset|poster|action)=[\"'](?:https?:)?//", text(name)), name
