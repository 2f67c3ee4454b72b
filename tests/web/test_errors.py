"""Errors: a page in Dutch for people, problem details for programs, and nothing of our insides for anybody."""

from __future__ import annotations

import asyncio
import io
import logging

import pytest
import structlog
from aiohttp import ClientResponse, web
from pytest_aiohttp.plugin import AiohttpClient

from tests.support.site import PHONE, Client, Site, raw

PAGE, PROGRAM = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, {"Accept": "*/*"}
SECRET = "geheim-van-binnen"


@pytest.fixture
async def broken(site: Site, aiohttp_client: AiohttpClient) -> Client:
    """The site, with a URL that fails and one that reads a body."""

    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError(SECRET)

    async def read(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    site.balie.web.router.add_get("/fail/{token}", fail)
    site.balie.web.router.add_post("/read", read)
    return await aiohttp_client(site.balie.web)


async def provoke(client: Client, status: int, headers: dict[str, str]) -> ClientResponse:
    match status:
        case 403:
            return await client.post("/g/x/join", headers={**headers, "Origin": "https://evil.example"})
        case 404:
            return await client.get("/nowhere/<b>", headers=headers)
        case 405:
            return await client.put("/call", headers=headers)
        case 413:
            return await client.post("/read", data=io.BytesIO(bytes(2 << 20)), headers=headers)
        case 426:
            return await client.get("/ws", headers=headers)
        case _:
            return await client.get(f"/fail/{SECRET}", headers=headers)


@pytest.mark.parametrize("status", [403, 404, 405, 413, 426, 500])
async def test_people_get_a_page(broken: Client, status: int) -> None:
    with structlog.testing.capture_logs():
        response = await provoke(broken, status, PAGE)
    text = await response.text()
    assert (response.status, response.content_type, response.charset) == (status, "text/html", "utf-8")
    assert '<html lang="nl">' in text
    assert PHONE in text.replace("\u00a0", " ")
    assert "Deze pagina bestaat niet" in text if status == 404 else "Er ging iets mis" in text
    for inside in (SECRET, "Traceback", "RuntimeError", "Not Found", "Method", "exceeded", "WebSocket", "<b>"):
        assert inside not in text


@pytest.mark.parametrize("status", [403, 404, 405, 413, 426, 500])
async def test_programs_get_problem_details(broken: Client, status: int) -> None:
    with structlog.testing.capture_logs():
        response = await provoke(broken, status, PROGRAM)
    assert (response.status, response.content_type) == (status, "application/problem+json")
    body = await response.json()
    assert body["status"] == status
    assert body["title"]
    assert set(body) <= {"title", "status", "detail"}
    assert SECRET not in str(body)


async def test_what_is_allowed_instead_is_said(broken: Client) -> None:
    assert (await provoke(broken, 405, PROGRAM)).headers["Allow"] == "GET,HEAD"
    assert (await provoke(broken, 426, PROGRAM)).headers["Upgrade"] == "websocket"


async def test_a_mistake_of_ours_is_logged_without_the_path(broken: Client) -> None:
    """The path may hold a link's token; and it must not need redaction to stay out."""
    with structlog.testing.capture_logs() as logs:
        await broken.get("/fail/sleutel-van-een-link?naam=An")
    (entry,) = logs
    assert entry.pop("exc_info")
    assert entry == {"event": "request_failed", "log_level": "error", "method": "GET", "route": "/fail/{token}"}


@pytest.mark.parametrize(
    "body",
    [
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nkapot\r\n0\r\n\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
    ids=["chunks", "compression"],
)
async def test_a_broken_body_is_the_senders_fault(broken: Client, body: bytes) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await raw(broken, b"POST /read HTTP/1.1\r\nHost: x\r\n" + body)
    assert answer.split()[1] == b"400"
    assert logs == []


async def test_who_goes_away_while_we_answer_is_no_mistake(
    site: Site, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A citizen closes the lid of a laptop: nothing to wake anybody for."""

    async def read(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        raise ConnectionResetError("Cannot write to closing transport")

    site.balie.web.router.add_get("/read", read)
    client = await aiohttp_client(site.balie.web)
    with structlog.testing.capture_logs() as logs, pytest.raises(asyncio.IncompleteReadError):
        await raw(client, b"GET /read HTTP/1.1\r\nHost: x\r\n\r\n")
    assert logs == []
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_connection_that_we_lost_elsewhere_is_a_mistake(site: Site, aiohttp_client: AiohttpClient) -> None:
    async def fail(_: web.Request) -> web.Response:
        raise ConnectionRefusedError("the database")

    site.balie.web.router.add_get("/fail", fail)
    client = await aiohttp_client(site.balie.web)
    with structlog.testing.capture_logs() as logs:
        assert (await client.get("/fail")).status == 500
    assert [entry["event"] for entry in logs] == ["request_failed"]


async def test_words_of_the_parser_reach_no_log_unredacted(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """aiohttp says itself what it could not parse, under its own logger's name: balie.log redacts it."""
    with caplog.at_level(logging.DEBUG):
        answer = await raw(client, b"GET /g/aaaaBBBB1111ccccDDDD2222 HTTP/9.9.9\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 400 ")
    said = {record.name for record in caplog.records if record.levelno > logging.DEBUG}
    assert said <= {"aiohttp.server", "aiohttp.access"}
