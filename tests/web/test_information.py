"""What balie says of itself: cookies, privacy, accessibility, help.  It must be so, and it must be complete."""

from __future__ import annotations

import re

import pytest

from balie.identity import logins
from balie.store import schema
from tests.support.site import PHONE, Client
from tests.support.tree import ROOT, files, text
from web.citizen import draft
from web.desk import gate
from web.identity import leaving
from web.information.kept import kept
from web.information.terms import terms
from web.language import COOKIE

PAGES = ("/cookies", "/privacy", "/toegankelijkheid", "/hulp")
SCRIPTS = sorted((ROOT / "web/static/js").rglob("*.js"))
LOCKS = {"balie.alert"}
"""Of navigator.locks: held while a page is open, kept nowhere."""
DOCUMENT = "docs/privacy.md"
NOT_PERSONAL = {"settings"}


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_its_words_and_is_found_from_all_others(client: Client, path: str) -> None:
    page = await (await client.get(path)).text()
    assert page.count("<h1") == 1
    assert PHONE in page.replace("\u00a0", " ")
    for start in ("/", "/test", "/g/onbekend", "/bestaat-niet", "/balie/aanmelden", *PAGES):
        footer = (await (await client.get(start, headers={"Accept": "text/html"})).text()).partition("<footer")[2]
        assert f'href="{path}"' in footer, start


async def test_cookies_are_listed_as_they_are(client: Client) -> None:
    page = await (await client.get("/cookies")).text()
    assert set(re.findall(r"<code>([^<]+)</code>", page)) == {each.name for each in kept()}
    citizens, _, staff = page.partition("Alleen bij medewerkers")
    for each in kept():
        assert f"<code>{each.name}</code>" in (staff if each.staff else citizens)


def test_no_script_keeps_anything_else() -> None:
    """And all that is listed is kept by one: a line without a script behind it would be a lie too."""
    found = {name for script in SCRIPTS for name in re.findall(r'"(balie\.[a-z.-]+)"', script.read_text())} - LOCKS
    assert found == {each.name for each in kept() if each.place != "cookie"}
    for script in SCRIPTS:
        for reach in ("document.cookie", "cookieStore", "indexedDB", "caches.", "serviceWorker"):
            assert reach not in script.read_text(), script


def test_the_server_sets_no_other_cookie() -> None:
    setters = {name for name in files() if name.startswith("web/") and "set_cookie(" in text(name)}
    assert setters == {"web/citizen/draft.py", "web/desk/gate.py", "web/identity/leaving.py", "web/language.py"}
    cookies = {COOKIE, draft.COOKIE, gate.COOKIE, f"{logins.COOKIE}-…", leaving.SIGNED_IN_WITH}
    assert {each.name for each in kept() if each.place == "cookie"} == cookies


def test_the_document_has_the_same_list() -> None:
    rows = re.findall(r"^\| `([\w.…-]+)` \| (\w+) \|", text(DOCUMENT), re.MULTILINE)
    assert rows == [(each.name, each.place) for each in kept()]


def test_every_term_is_said() -> None:
    classes = [name for each in terms() for name in each.classes]
    assert sorted(classes) == sorted(set(schema.RETENTION) - NOT_PERSONAL)
    for each in terms():
        for name in each.classes:
            numbers = {"ten": "10", "two": "2", "seven": "7", "three": "3", "five": "5", "six": "6"}
            rule = " ".join(numbers.get(word, word) for word in schema.RETENTION[name].split())
            assert set(re.findall(r"\d+", each.how_long)) == set(re.findall(r"\d+", rule)), name
