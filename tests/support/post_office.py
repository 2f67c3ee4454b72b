"""What tests of outgoing messages share: a municipality, its sender, a worker on a mail server."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from balie.post.delivery import Delivery, TextMessages, Ways
from balie.post.facts import Sender
from balie.post.smtp import Relay
from balie.record import schedule
from balie.store.engine import Store, Tx
from balie.store.schema import message, message_event, outbox, task
from tests.support import office
from tests.support.arranged import LINK_KEY, Arranged, Somebody, arrange, entropy
from tests.support.office import MONDAY_S, unix_s

SENDER = Sender(
    name="Gemeente Voorbeeldegem",
    address="afspraken@voorbeeldegem.example",
    reply_address="balie@voorbeeldegem.example",
    public_url="https://balie.voorbeeldegem.example",
    link_key=LINK_KEY,
)
START_S = unix_s("2026-12-15T14:30")
CHANCE = entropy(9)
TIMEOUT_S = 20.0  # of a server that answers: reached only when a test fails


def relay(port: int, **changed: Any) -> Relay:
    return Relay("127.0.0.1", port, **{"timeout_s": TIMEOUT_S, "domain": "voorbeeldegem.example", **changed})


def worker(
    store: Store, port: int | None, *, name: str = "w1", texts: TextMessages | None = None, **changed: Any
) -> Delivery:
    """port: of the mail server; None: crm mode.  changed: of the relay."""
    ways = Ways(None if port is None else relay(port, **changed), texts)
    return Delivery(store, SENDER, ways, entropy(1), name)


async def drain(delivery: Delivery, now_s: int) -> int | None:
    """All that is due now; returns when the next is."""
    while (next_s := await delivery.step(now_s)) is not None and next_s <= now_s:
        pass
    return next_s


def messages(tx: Tx, /, **wanted: object) -> list[Any]:
    """Rows of messages, the first first; wanted: values of columns."""
    query = select(message).order_by(message.c.id)
    for name, value in wanted.items():
        query = query.where(message.c[name] == value)
    return list(tx.execute(query))


def issues(tx: Tx, state: str = "open") -> list[tuple[int, str]]:
    """Messages and reasons."""
    query = select(task.c.object_id, task.c.reason).where(task.c.kind == "message", task.c.state == state)
    return [(row[0], row[1]) for row in tx.execute(query.order_by(task.c.id))]


def story(tx: Tx, message_id: int) -> list[str]:
    """Kinds of events of a message."""
    query = select(message_event.c.kind).where(message_event.c.message_id == message_id)
    return [row[0] for row in tx.execute(query.order_by(message_event.c.id))]


def book(tx: Tx, start_s: int = START_S, people: tuple[Somebody, ...] = (Somebody(),)) -> Arranged:
    made = arrange(tx, office.found(tx), start_s, people)
    schedule.booked(tx, MONDAY_S, CHANCE, made.id)
    return made


def book_several(tx: Tx, how_many: int) -> None:
    desk = office.found(tx)
    for number in range(how_many):
        made = arrange(tx, desk, START_S + number * 1800)
        schedule.booked(tx, MONDAY_S, CHANCE, made.id)


async def first(store: Store) -> Any:
    return (await store.read(messages, kind="confirmation"))[0]


def events_of(tx: Tx, kind: str) -> list[dict[str, Any]]:
    query = select(outbox.c.data).where(outbox.c.type == f"be.balie.message.{kind}")
    return [row[0] for row in tx.execute(query.order_by(outbox.c.id))]
