"""What a citizen did in his visit is mailed to him after it, with where he does it alone the next time."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import update

from balie.post.delivery import Delivery, Ways
from balie.record import schedule
from balie.samen import guide
from balie.store.engine import Store
from balie.store.schema import message
from tests.support import together
from tests.support.arranged import Somebody, entropy
from tests.support.mailserver import mail_server
from tests.support.post_office import SENDER, drain, messages, relay
from tests.support.visits import CHANCE, END_S, START_S, Visit, visit

BART = "staff:1"


async def guided(store: Store, *kinds: str) -> Visit:
    made = await visit(store, (Somebody(),))
    await store.write(together.offer, made.office.badminton)
    for kind in kinds:
        text = "Breng een racket mee. " * 10 if kind == "read" else ""
        await store.write(guide.open_step, START_S, made.id, BART, kind, None, text)
    return made


def worker(store: Store, port: int, **alone: str) -> Delivery:
    return Delivery(store, replace(SENDER, alone=alone), Ways(relay(port), None), entropy(1), "w1")


async def test_steps_that_were_done_and_the_way_to_do_them_alone(store: Store) -> None:
    made = await guided(store, "reserve", "identify", "pay", "read", "document")
    await store.write(together.reserved, START_S, made.id, made.office.badminton, "confirmed")
    await store.write(together.proved, START_S, made.id)
    await store.write(together.paid, START_S, made.id, made.office.badminton)
    await store.write(guide.have_read, START_S, made.id, 4)
    await made.talk()
    async with mail_server() as server:
        await drain(worker(store, server.port, sporthal="https://sport.example"), END_S + schedule.RECAP_S - 1)
        before = len(server.received)
        await drain(worker(store, server.port, sporthal="https://sport.example"), END_S + schedule.RECAP_S)
    mail = server.received[before].mail
    assert mail["Subject"] == "Wat u deed in uw gesprek op maandag 7 december 2026 om 10.00 uur"
    text = " ".join(mail.get_body(("plain",)).get_content().split()).replace("\xa0", " ")  # type: ignore[union-attr]
    assert f"- U koos {together.COURT}, donderdag 10 december 2026, 14.00 uur tot 15.00 uur." in text
    assert text.index("U koos") < text.index("U bewees wie u bent.") < text.index("U betaalde € 9,00.")
    assert "U las: Breng een racket mee." in text and "…" in text
    assert "document" not in text, "that was not done"
    assert "https://sport.example" in text and "Badmintonterrein huren" in text


async def test_where_there_is_no_other_site_it_is_ours(store: Store) -> None:
    made = await guided(store, "read")
    await store.write(guide.have_read, START_S, made.id, 1)
    await made.talk()
    async with mail_server() as server:
        await drain(worker(store, server.port), END_S + schedule.RECAP_S)
    text = server.received[-1].content.decode()
    assert "/afspraak?product" in text


async def test_nothing_was_done_and_nothing_is_mailed(store: Store) -> None:
    made = await guided(store, "reserve", "read")
    await made.talk()
    async with mail_server() as server:
        await drain(worker(store, server.port), END_S + schedule.RECAP_S)
    (row,) = await store.read(messages, kind="recap")
    assert row.status == "cancelled"
    assert not any("Wat u deed" in each.mail["Subject"] for each in server.received)


async def test_a_visit_without_steps_has_no_recap(store: Store) -> None:
    made = await guided(store)
    await made.talk()
    assert await store.read(messages, kind="recap") == []


async def test_a_receipt_that_waits_goes_out_after_the_end_too(store: Store) -> None:
    made = await guided(store)
    await store.write(schedule.booked, START_S - 86_400, CHANCE, made.id)
    await store.write(lambda tx: tx.execute(update(message).values(kind="receipt")))
    await made.talk()
    assert {each.status for each in await store.read(messages, kind="receipt")} == {"scheduled"}
