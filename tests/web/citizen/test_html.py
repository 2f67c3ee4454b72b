"""Every page is valid HTML: browsers mend what is not, each in its own way.

The rules that html-validate.json leaves out are of taste: a button in a form sends it, and of fields with one name the
last counts (web.forms).
"""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.support import booking
from tests.support.booking import TUESDAY_10_S
from tests.support.office import MONDAY_S, unix_s
from tests.support.townhall import (
    AN,
    BADMINTON,
    BOOK,
    CHECK,
    DETAILS,
    LIES,
    TIMES,
    Client,
    Townhall,
    hidden,
    page_of,
    sent,
)
from tests.support.tree import ROOT
from web.demo_mail import Attachment, Mail

CONFIG = ROOT / "tests/web/citizen/html-validate.json"
TIME = ("start", str(TUESDAY_10_S))


async def booking_pages(client: Client) -> dict[str, str]:
    """Of every step, and of what can go wrong in it."""
    fields = hidden(await sent(client, TIMES, BADMINTON, TIME))
    pages = {
        "details": await sent(client, DETAILS, *fields, *AN, *LIES, ("doe", "meer")),
        "details-wrong": await sent(client, DETAILS, *fields, *LIES, ("mail", 'a"<&@'), CHECK),
        "review": await sent(client, DETAILS, *fields, *AN, *LIES, ("vraag", "a\r\n<b>"), CHECK),
        "times-typed": await sent(client, DETAILS, *fields, *AN, ("doe", "ander")),
        "no-such-time": await sent(client, TIMES, BADMINTON, ("start", str(MONDAY_S))),
        "french": await sent(client, DETAILS, *fields, *AN, ("taal", "fr")),
    }
    await sent(client, TIMES, BADMINTON, TIME)
    pages["taken"] = await sent(client, TIMES, BADMINTON, TIME)
    pages["booked"] = await sent(client, DETAILS, *fields, *AN, *LIES, BOOK)
    return pages


async def appointment_pages(client: Client, path: str, helper: str) -> dict[str, str]:
    pages = {
        "mine": await page_of(await client.get(path)),
        "helper": await page_of(await client.get(helper)),
        "my-self-test": await page_of(await client.get(f"{path}/test")),
        "bring": await page_of(await client.get(f"{path}/iemand-mee")),
        "bring-wrong": await sent(client, f"{path}/iemand-mee", status=422),
        "move": await page_of(await client.get(f"{path}/verzetten?dag=2026-12-09")),
        "move-sure": await page_of(await client.get(f"{path}/verzetten?start={TUESDAY_10_S + 3600}")),
        "move-impossible": await sent(client, f"{path}/verzetten", ("start", "1"), status=409),
        "cancel": await page_of(await client.get(f"{path}/annuleren")),
        "cancelled": await sent(client, f"{path}/annuleren"),
    }
    pages["gone"] = await page_of(await client.get(path), 410)
    return pages


async def test_every_page_is_valid(
    client: Client, hall: Townhall, appointment: Callable[..., Awaitable[list[str]]], tmp_path: Path
) -> None:
    hall.post.received.append(Mail("b@x.be", "a@x.be", "Dag", "https://x.be/", "<p>", (Attachment("a", "b/c", b""),)))
    pages = {
        name: await page_of(await client.get(path), status)
        for name, path, status in (
            ("start", "/", 200),
            ("search", "/?zoek=xyz", 200),
            ("products", "/afspraak/nieuw", 200),
            ("product", "/afspraak/nieuw?product=badminton", 200),
            ("no-product", TIMES, 422),
            ("times", f"{TIMES}?product=badminton&dag=2026-12-08", 200),
            ("unknown", "/a/onbekend", 404),
            ("self-test", "/test", 200),
            ("cookies", "/cookies", 200),
            ("privacy", "/privacy", 200),
            ("accessibility", "/toegankelijkheid", 200),
            ("help", "/hulp", 200),
            ("mailbox", "/demo/mail", 200),
            ("mail", "/demo/mail/1", 200),
        )
    }
    path, helper = await appointment(helpers=(booking.LIES,), start_s=unix_s("2026-12-08T14:30"))
    pages |= await booking_pages(client)
    pages |= await appointment_pages(client, path, helper)
    for name, page in pages.items():
        (tmp_path / f"{name}.html").write_text(page)
    command = [
        str(ROOT / "node_modules/.bin/html-validate"),
        "--config",
        str(CONFIG),
        "--formatter",
        "text",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert done.returncode == 0, done.stdout + done.stderr
