"""Who paid gets the document of it by mail, once for each number, in his language; on both databases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
import pytest_asyncio
from sqlalchemy import update

from balie.booking import changes
from balie.bookkeeping.numbers import Numbers
from balie.i18n import speaking
from balie.post import facts, queue, short
from balie.post.compose import letter
from balie.post.mailing import mail
from balie.post.queue import Quiet
from balie.record import schedule
from balie.store.engine import Store, Tx
from balie.store.schema import participant, reservation
from tests.support.arranged import LINK_KEY
from tests.support.mailserver import mail_server
from tests.support.office import MONDAY_S, unix_s
from tests.support.post_office import CHANCE, SENDER, drain, messages, worker
from tests.support.till import NUMBERS, Till, added, open_till

INVOICES = replace(NUMBERS, kind="invoice")
PLAYS_S = unix_s("2026-12-10T18:00")


@pytest_asyncio.fixture
async def till(store: Store) -> Till:
    return await open_till(store)


async def court(till: Till) -> int:
    """A reservation."""
    row = {
        "appointment_id": till.appointment_id,
        "product_id": till.office.badminton,
        "backend": "sporthal",
        "resource": "pluim-1",
        "resource_name": "De Pluim, terrein 1",
        "from_s": PLAYS_S,
        "until_s": PLAYS_S + 3600,
        "state": "confirmed",
        "external_ref": "SP-4711",
        "idempotency_key": "x",
        "created_s": MONDAY_S,
        "changed_s": MONDAY_S,
    }
    return await till.store.write(added, reservation, row)


async def bought(till: Till, numbers: Numbers = NUMBERS, **values: object) -> int:
    """Paid by the citizen, and written down: the payment's id."""
    row = {"participant_id": await till.citizen(), "method": "bancontact", "ogm": "010806817183", **values}
    key = await till.paid(1, 900, **row)
    await till.store.write(numbers.issue, MONDAY_S, key)
    return key


async def written(till: Till, locale: str = "nl", at: int = -1) -> EmailMessage:
    """The latest receipt as a mail program has it."""

    def write(tx: Tx) -> bytes:
        row = messages(tx, kind="receipt")[at]
        with speaking(locale):
            known = facts.read(tx, SENDER, row.id)
            return mail(letter(known), None, known, SENDER, row.envid, row.recipient, MONDAY_S)

    parsed = message_from_bytes(await till.store.read(write), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def words(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\xa0", " ")


def attached(mail: EmailMessage) -> list[tuple[str | None, str]]:
    return [(each.get_filename(), each.get_content_type()) for each in mail.iter_attachments()]


async def test_all_that_one_must_know_stands_in_it(till: Till) -> None:
    await bought(till, reservation_id=await court(till))
    made = await written(till)
    assert made["Subject"] == "Betaalbewijs 2026-000001"
    for part in (words(made), re.sub(r"<[^>]+>", " ", words(made, "html"))):
        for said in (
            "Dag An Peeters,",
            "Dit is uw betaalbewijs",
            "De Pluim, terrein 1",
            "donderdag 10 december 2026, 18.00 uur tot 19.00 uur",
            "SP-4711",
            "Badminton",
            "€ 9,00",
            "Waarvan btw (6%)",
            "€ 0,51",
            "+++010/8068/17183+++",
            "Bancontact",
            "Gemeente Voorbeeldegem",
            "Dorpsplein 1",
            "9999 Voorbeeldegem",
            "Ondernemingsnummer 0207.490.187",
            "Btw-nummer BE 0207.490.187",
        ):
            assert said in part, said
    assert attached(made) == [], "a receipt needs no file"


@pytest.mark.parametrize("category", ["E", "O"])
async def test_why_there_is_no_vat(till: Till, category: str) -> None:
    await bought(till, vat_category=category)
    text = words(await written(till))
    assert "Btw: Vrijgesteld" in text and "Waarvan btw" not in text
    assert ("Btw-nummer" in text) is (category == "E")


async def test_the_html_is_a_table_that_a_screen_reader_reads_by_row(till: Till) -> None:
    await bought(till)
    reader = _Tables()
    reader.feed(words(await written(till), "html"))
    assert reader.captions == ["Betaalbewijs 2026-000001"]
    assert reader.scopes and set(reader.scopes) == {"row"}
    assert reader.languages == {"nl"}


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.captions: list[str] = []
        self.scopes: list[str | None] = []
        self.languages: set[str | None] = set()
        self._in_caption = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._in_caption = tag == "caption"
        if tag == "th":
            self.scopes.append(found.get("scope"))
        if "lang" in found:
            self.languages.add(found["lang"])

    def handle_data(self, data: str) -> None:
        if self._in_caption:
            self.captions.append(data)
            self._in_caption = False


async def test_an_invoice_brings_its_file_and_so_does_what_takes_it_back(till: Till) -> None:
    key = await bought(till, INVOICES)
    invoice = await written(till)
    assert invoice["Subject"] == "Factuur 2026-000001" and "Dit is uw factuur" in words(invoice)
    assert attached(invoice) == [("2026-000001.xml", "application/xml")]
    (file,) = invoice.iter_attachments()
    assert b"<cbc:ID>2026-000001</cbc:ID>" in file.get_payload(decode=True)
    await till.store.write(INVOICES.credit, MONDAY_S, await till.given_back(key, 300))
    credit = await written(till)
    assert credit["Subject"] == "Creditnota C2026-000001"
    for said in ("We betaalden u € 3,00 terug.", "Hoort bij: 2026-000001", "€ 0,17"):
        assert said in words(credit)
    assert "Betaald met" not in words(credit)
    assert attached(credit) == [("C2026-000001.xml", "application/xml")]


async def test_what_takes_a_receipt_back_brings_no_file(till: Till) -> None:
    key = await bought(till)
    await till.store.write(NUMBERS.credit, MONDAY_S, await till.given_back(key, 300))
    assert attached(await written(till)) == []


async def test_each_number_is_told_once(till: Till) -> None:
    key = await bought(till)
    back = await till.given_back(key, 300)
    for _again in range(3):
        await till.store.write(NUMBERS.issue, MONDAY_S, key)
        await till.store.write(NUMBERS.credit, MONDAY_S, back)
    found = await till.store.read(messages, kind="receipt")
    assert [(each.variant, each.channel) for each in found] == [("2026-000001", "mail"), ("C2026-000001", "mail")]


async def test_it_goes_to_who_paid_and_to_nobody_else(till: Till) -> None:
    await till.bought(7)
    assert await till.store.read(messages, kind="receipt") == [], "nobody is known who paid"
    await bought(till)
    (found,) = await till.store.read(messages, kind="receipt")
    assert found.participant_id == await till.citizen()


async def test_who_has_a_telephone_only_gets_a_short_one(till: Till) -> None:
    values = {"mail": "", "phone": "+32470123456"}
    await till.store.write(lambda tx: tx.execute(update(participant).values(**values)))
    await bought(till)

    def text(tx: Tx) -> tuple[str, str]:
        (row,) = messages(tx, kind="receipt")
        with speaking("nl"):
            return row.channel, short.text(facts.read(tx, SENDER, row.id))

    channel, said = await till.store.read(text)
    assert channel == "sms"
    assert "We ontvingen € 9,00, nummer 2026-000001." in said.replace("\xa0", " ")
    assert short.length(said) <= 160 and "Peeters" not in said


@pytest.mark.parametrize("end", ["cancelled", "moved", "missed", "ended"])
async def test_whatever_becomes_of_the_appointment_the_money_was_paid(till: Till, end: str) -> None:
    """And what was not sent then is sent later, if need be days later."""
    await bought(till)

    def do(tx: Tx) -> None:
        match end:
            case "cancelled":
                changes.cancel(tx, MONDAY_S, CHANCE, till.appointment_id, "citizen", by="citizen")
            case "moved":
                start_s = unix_s("2026-12-09T10:00")
                changes.move(tx, MONDAY_S, CHANCE, LINK_KEY, till.appointment_id, start_s, "citizen")
            case "missed":
                schedule.missed(tx, MONDAY_S, CHANCE, till.appointment_id)
            case _:
                schedule.ended(tx, MONDAY_S, CHANCE, till.appointment_id)

    await till.store.write(do)
    (found,) = await till.store.read(messages, kind="receipt")
    assert found.status == "scheduled"
    claimed: list[int] = []
    while batch := await till.store.write(queue.claim, MONDAY_S + 40 * 3600, CHANCE, "w", Quiet()):
        claimed += batch
    assert found.id in claimed


async def test_it_arrives(till: Till) -> None:
    await bought(till, INVOICES)
    async with mail_server() as server:
        await drain(worker(till.store, server.port), MONDAY_S)
        received = [message_from_bytes(each.content, policy=policy.default) for each in server.received]
    (found,) = [each for each in received if each["Subject"] == "Factuur 2026-000001"]
    assert found["To"] == "an@example.org" and found["Auto-Submitted"] == "auto-generated"
    (row,) = await till.store.read(messages, kind="receipt")
    assert row.status == "submitted" and "2026-000001" in row.body
