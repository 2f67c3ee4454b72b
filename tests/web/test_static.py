"""Static files: of the right type, kept for good under their version, and none that is not ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.site import Client, raw
from web.assets import LOOK_S, STATIC, Assets, address

TYPES = {".css": {"text/css"}, ".js": {"text/javascript", "application/javascript"}, ".svg": {"image/svg+xml"}}
FILES = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", FILES)
async def test_each_file_has_its_type(client: Client, name: str) -> None:
    """nosniff makes a browser refuse a script of another type."""
    response = await client.get(address(name))
    assert response.status == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.content_type in TYPES[name[name.rindex(".") :]]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert await response.read() == (STATIC / name).read_bytes()


@pytest.mark.parametrize("path", ["/static/js/call.js", f"/static/v{'0' * 12}/js/call.js"])
async def test_without_its_version_a_file_is_asked_for_again_and_not_sent_again(client: Client, path: str) -> None:
    """A page from before an upgrade may ask for more of its scripts, and gets what there is."""
    first = await client.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    assert await first.read() == (STATIC / "js/call.js").read_bytes()
    again = await client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    changed = await client.get(path, headers={"If-None-Match": '"another"'})
    assert changed.status == 200


def test_a_change_to_any_file_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    script, style = tmp_path / "js/a.js", tmp_path / "a.css"
    script.write_text("one"), style.write_text("two")
    assets = Assets(tmp_path)
    versions = [assets.version(0)]
    script.write_text("three")
    assert assets.version(LOOK_S / 2) == versions[0], "nobody looks at each page"
    versions.append(assets.version(LOOK_S))
    (tmp_path / "js/.#a.js").symlink_to("nobody@nowhere")  # of an editor
    assert assets.version(2 * LOOK_S) == versions[-1]
    style.rename(tmp_path / "b.css")
    versions.append(assets.version(3 * LOOK_S))
    assert len(set(versions)) == 3
    assert Assets(tmp_path).version(0) == versions[-1], "the same files are the same version elsewhere"


def test_scripts_and_styles_name_each_other_from_where_they_are() -> None:
    """An address from the root would have no version: the same script twice, with two memories."""
    patterns = (
        r'^(?:import|export)\b(?:[^;"]*\bfrom)?\s*"([^"]+)";',
        r'\bimport\("([^"]+)"\)',
        r"""url\(["']?([^"')]+)""",
    )
    for path in [*STATIC.rglob("*.js"), *STATIC.rglob("*.css")]:
        named = [name for each in patterns for name in re.findall(each, path.read_text(), re.MULTILINE)]
        assert all(name.startswith((".", "#", "data:")) for name in named), (path, named)


@pytest.mark.parametrize(
    "path",
    [
        f"/static/v{'0' * 12}/../../keys.py",
        f"/static/v{'0' * 12}/..%2f..%2fkeys.py",
        f"/static/v{'0' * 12}/%2e%2e/keys.py",
        f"/static/v{'0' * 12}//etc/passwd",
        f"/static/v{'0' * 12}/%2fetc/passwd",
        f"/static/v{'0' * 12}/js/call.js%00.css",
        f"/static/v{'0' * 12}/{'a' * 5000}",
        f"/static/v{'0' * 12}/js",
        f"/static/v{'0' * 12}/",
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
