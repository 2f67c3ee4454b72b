"""Static files: of the right type, looked up anew each time, and none that is not ours."""

from __future__ import annotations

import pytest

from tests.support.site import Client, raw
from web.render import STATIC

TYPES = {".css": {"text/css"}, ".js": {"text/javascript", "application/javascript"}, ".svg": {"image/svg+xml"}}
FILES = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", FILES)
async def test_each_file_has_its_type(client: Client, name: str) -> None:
    """nosniff makes a browser refuse a script of another type."""
    response = await client.get(f"/static/{name}")
    assert response.status == 200
    assert response.content_type in TYPES[name[name.rindex(".") :]]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert await response.read() == (STATIC / name).read_bytes()


async def test_a_file_is_asked_for_again_and_not_sent_again(client: Client) -> None:
    """After an upgrade nobody runs old scripts; in between nothing travels twice."""
    first = await client.get("/static/js/call.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get("/static/js/call.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    changed = await client.get("/static/js/call.js", headers={"If-None-Match": '"another"'})
    assert changed.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../web/keys.py",
        "/static/../keys.py",
        "/static/..%2fkeys.py",
        "/static/%2e%2e/keys.py",
        "/static/%2e%2e%2fkeys.py",
        "/static/..%5ckeys.py",
        "/static/js/../../keys.py",
        "/static/js/..%2f..%2fkeys.py",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/js/call.js%00.css",
        "/static/js",
        "/static/",
        "/static/CSS/balie.css",
    ],
)
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    answer = await raw(client, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.split()[1] in (b"403", b"404")
    assert b"AppKey" not in answer
    assert b"root:" not in answer
    assert b"call.js" not in answer, "no list of what is there"


async def test_files_are_for_reading(client: Client) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await client.request(method, "/static/icon.svg")).status == 405
