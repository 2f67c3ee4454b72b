"""Behind a proxy: whose word counts."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from balie.forwarded import forwarded

HEADERS = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "balie.example.be",
    "X-Forwarded-For": "203.0.113.9, 192.0.2.1",
}


async def seen(trusted: tuple[str, ...], headers: dict[str, str]) -> list[str]:
    async def show(request: web.Request) -> web.Response:
        return web.json_response([request.scheme, request.host, request.remote, request.match_info["x"]])

    app = web.Application(middlewares=[forwarded(trusted)])
    app.router.add_get("/{x}", show)
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/kept", headers={"Host": "inside", **headers})
        answer: list[str] = await response.json()
        return answer


async def test_a_trusted_proxy_is_believed() -> None:
    assert await seen(("127.0.0.0/8",), HEADERS) == ["https", "balie.example.be", "192.0.2.1", "kept"]


async def test_a_stranger_is_not() -> None:
    assert await seen(("192.0.2.0/24", "::1"), HEADERS) == ["http", "inside", "127.0.0.1", "kept"]


@pytest.mark.parametrize(
    "headers", [{}, {"X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "", "X-Forwarded-For": " ,"}]
)
async def test_nothing_useful_said_changes_nothing(headers: dict[str, str]) -> None:
    assert await seen(("127.0.0.1",), headers) == ["http", "inside", "127.0.0.1", "kept"]


async def test_a_chain_of_trusted_proxies_is_walked_to_the_visitor() -> None:
    headers = {"X-Forwarded-For": "10.0.0.1, 203.0.113.9, 192.0.2.1"}
    assert (await seen(("127.0.0.1", "192.0.2.0/24"), headers))[2] == "203.0.113.9"


@pytest.mark.parametrize("host", ["a b", 'x"y', "h/path", "h:port", "a\tb"])
async def test_a_host_that_is_none_is_not_believed(host: str) -> None:
    assert (await seen(("127.0.0.1",), {"X-Forwarded-Host": host, "X-Forwarded-For": "<script>"}))[1:3] == [
        "inside",
        "127.0.0.1",
    ]
