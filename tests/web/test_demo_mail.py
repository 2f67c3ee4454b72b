"""The demo's mailbox: what was sent, safe to look at."""

from __future__ import annotations

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from balie.store.engine import Store
from tests.support.townhall import Client, Townhall, page_of, townhall, words
from web.demo_mail import Attachment, Mail, linked

LINK = "http://localhost/a/abc"
MAIL = Mail(
    "Gemeente <balie@example.be>",
    "an@example.org",
    "Uw afspraak <b>",
    f"Dag An,\n\nUw afspraak: {LINK}.\n<script>alert(1)</script>",
    "<p>Dag An</p><script>alert(1)</script>",
    (Attachment("afspraak é.ics", "text/calendar", b"BEGIN:VCALENDAR"), Attachment("x", "text/html; x", b"<script>")),
)


@pytest.fixture
def hall(sqlite_store: Store) -> Townhall:
    return townhall(sqlite_store)


@pytest.fixture
async def client(hall: Townhall, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(hall.app)


async def test_the_newest_is_first(client: Client, hall: Townhall) -> None:
    assert "Er is nog geen mail." in await page_of(await client.get("/demo/mail"))
    hall.post.received += [MAIL, Mail("b@example.be", "lies@example.org", "Tweede", "x")]
    said = words(await page_of(await client.get("/demo/mail")))
    assert said.index("Tweede") < said.index("Uw afspraak <b>")


async def test_a_mail_is_text_with_links_to_press(client: Client, hall: Townhall) -> None:
    hall.post.received.append(MAIL)
    page = await page_of(await client.get("/demo/mail/1"))
    assert f'<a href="{LINK}">{LINK}</a>.' in page
    assert "<script>alert" not in page
    assert "Uw afspraak &lt;b&gt;" in page


async def test_parts_are_downloads(client: Client, hall: Townhall) -> None:
    """Nothing that came by mail runs here."""
    hall.post.received.append(MAIL)
    for part, kind, data in (
        ("1", "text/calendar", b"BEGIN:VCALENDAR"),
        ("2", "application/octet-stream", b"<script>"),
        ("html", "text/html", MAIL.html.encode()),
    ):
        response = await client.get(f"/demo/mail/1/{part}")
        assert (response.content_type, await response.read()) == (kind, data)
        assert response.headers["Content-Disposition"].startswith("attachment;")
    assert (await client.get("/demo/mail/1/1")).headers["Content-Disposition"].endswith("afspraak%20%C3%A9.ics")


@pytest.mark.parametrize("path", ["0", "2", "-1", "x", "1/0", "1/3", "1/x", "1/../2", "9999999999999999"])
async def test_what_is_not_there(client: Client, hall: Townhall, path: str) -> None:
    hall.post.received.append(MAIL)
    assert (await client.get(f"/demo/mail/{path}")).status == 404


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "zie https://x.be/a?b=1&c=2, of niet",
            'zie <a href="https://x.be/a?b=1&amp;c=2">https://x.be/a?b=1&amp;c=2</a>, of niet',
        ),
        ("<https://x.be/a>", '&lt;<a href="https://x.be/a">https://x.be/a</a>&gt;'),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ('https://x.be/"onclick="', '<a href="https://x.be/">https://x.be/</a>&#34;onclick=&#34;'),
        ("", ""),
    ],
)
def test_links_in_text(text: str, html: str) -> None:
    assert linked(text) == html
