"""No route lets text through that PostgreSQL takes in none, or that is no text: asked of all that are served."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from yarl import URL

from balie.acts.service import REPORT
from balie.hooks.keys import SCOPES, create_key
from balie.store.engine import Store
from tests.support.samen import Together, served_together
from tests.support.site import Client, raw
from tests.web.samen.test_rights import PERSONAL, filled, routes
from web.forms import FORM_TYPE
from web.legible import legible

ALL = ("GET", "POST", "PUT", "PATCH", "DELETE")
NAMES = ("reeks", "nummer", "toon", "dag", "zoek", "naar", "product", "gedaan", "after", "service", "nergens")
"""Of queries; what nobody reads is refused as well."""
ILLEGIBLE = ("%00", "x%00y", "%ed%a0%80", "%ff%fe", "%c3")
"""A zero, half a character (CESU-8), no UTF-8 at all, a character that is cut off."""
UNREAD = (f"{REPORT}/{{provider}}", "/join", "/gezien", "/komt", "/weg", "/proef")
"""What is sent there is not looked at, or, of a payment provider, thrown away when it is no number."""


@pytest_asyncio.fixture
async def call(store: Store) -> AsyncIterator[Together]:
    """On both databases."""
    async with served_together(store) as made:
        await made.bart.sign_in("mia")  # who sees everything
        yield made


async def ask(call: Together, method: str, where: str, **more: Any) -> int:
    """As whoever may: the citizen, an administrator with his token, a program with its key."""
    headers = {"Sec-Fetch-Site": "same-origin", **more.pop("headers", {})}
    client = call.bart.client if where.startswith("/balie") else call.an.client
    answer = await client.request(method, URL(where, encoded=True), headers=headers, allow_redirects=False, **more)
    return answer.status


async def test_no_address(call: Together) -> None:
    for at, (method, path) in enumerate(routes(call, *ALL)):
        for variable in re.findall(r"\{\w+\}", path):
            where = filled(path.replace(variable, ILLEGIBLE[at % 5]), call, call.an.token)
            assert await ask(call, method, where) == 404, f"{method} {where}"


async def test_no_query(call: Together) -> None:
    key = await call.desk.store.write(
        create_key, call.desk.now_s, call.desk.entropy.randbytes, call.desk.office.organisation, "Crm", tuple(SCOPES)
    )
    headers = {"Authorization": f"Bearer {key}"}
    asked = routes(call, *ALL)
    assert len(asked) > 150
    for at, (method, path) in enumerate(asked):
        where = filled(path, call, call.an.token)
        for query in (f"{NAMES[at % len(NAMES)]}={ILLEGIBLE[at % 5]}", "reeks=%00", "a=1&%ff=1"):
            assert await ask(call, method, f"{where}?{query}", headers=headers) == 400, f"{method} {where}?{query}"


async def test_no_form(call: Together) -> None:
    """415: another kind of form is read there; 401, 404: nobody is known to whom it could be of use."""
    read = 0
    for at, (_method, path) in enumerate(routes(call, "POST")):
        where = filled(path, call, call.an.token)
        if path.endswith(UNREAD):
            continue
        for odd in ("%00", ILLEGIBLE[at % 5]):
            body = "&".join((f"csrf={call.bart.token}", *(f"{name}={odd}" for name in PERSONAL)))
            status = await ask(call, "POST", where, data=body, headers={"Content-Type": FORM_TYPE})
            assert status in (400, 401, 404, 415), f"{where} {odd}: {status}"
            read += status == 400
    assert read > 100


async def test_bytes_that_are_no_text(client: Client) -> None:
    """As no browser sends them: not escaped."""
    for target in (b"/a/\xff", b"/?zoek=\xff", b"/?\xed\xa0\x80=1", b"/a/\0", b"/?\0=1"):
        request = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert (await raw(client, request)).split()[1] == b"400", target


async def test_what_is_text_is_let_through(client: Client) -> None:
    found = await asyncio.gather(*(client.get(f"/?zoek={each}") for each in ("%F0%9F%98%80", "%C3%A9+x", "%25%30%30")))
    assert [each.status for each in found] == [200] * 3


@pytest.mark.parametrize(
    ("text", "readable"), [("", True), ("é 😀\n", True), ("\0", False), ("a\ud83d", False), ("\udcff", False)]
)
def test_legible(text: str, readable: bool) -> None:
    assert legible(text) == readable
