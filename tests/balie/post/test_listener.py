"""Our own small mail server, over real SMTP: it takes what is ours, keeps it before it says so, and relays nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiosmtplib import SMTP, SMTPDataError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from structlog.testing import capture_logs

from balie.post.listener import BURST, CONNECTIONS_MAX, RECIPIENTS_MAX, Allowance, Listener
from balie.post.receiving import Letterbox, Received
from balie.store.engine import Store
from tests.support.mails import CHANCE, ENVID, REPLY_ADDRESS, case, letters, message_of, raw
from tests.support.office import MONDAY_S

LARGE = 100_000


@dataclass
class Clock:
    now_s: float = MONDAY_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Door:
    """A listener that listens."""

    listener: Listener
    port: int
    clock: Clock

    async def send(self, raw: bytes, *to: str, sender: str = "") -> str:
        """By a client as mail servers are; returns the last answer."""
        async with SMTP(hostname="127.0.0.1", port=self.port, start_tls=False, timeout=10) as client:
            _, answer = await client.sendmail(sender, list(to), raw)
            return answer

    async def talk(self, *lines: bytes) -> list[bytes]:
        """Without manners: lines are sent as they are.  Returns the first line of each answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answers = [await reader.readline()]
        for line in lines:
            writer.write(line)
            await writer.drain()
            answers.append(await reader.readline())
            while answers[-1][3:4] == b"-":
                answers[-1] = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return answers


Opens = Callable[[Letterbox], Awaitable[Door]]


@pytest_asyncio.fixture
async def opens() -> AsyncIterator[Opens]:
    listeners: list[Listener] = []

    async def open_door(letterbox: Letterbox) -> Door:
        clock = Clock()
        listener = Listener(letterbox, REPLY_ADDRESS, "balie.example", LARGE, clock)
        listeners.append(listener)
        return Door(listener, await listener.start("127.0.0.1", 0), clock)

    yield open_door
    for listener in listeners:
        await listener.stop()


@pytest_asyncio.fixture
async def door(sqlite_store: Store, opens: Opens) -> Door:
    return await opens(Letterbox(sqlite_store, CHANCE, lambda: MONDAY_S))


TOKEN_ADDRESS = f"balie+{ENVID}@balie.example"


async def test_a_notice_from_nobody_is_kept_and_counts(store: Store, opens: Opens) -> None:
    """Delivery notices have an empty sender (RFC 3461 6)."""
    made = await store.write(case)
    door = await opens(Letterbox(store, CHANCE, lambda: MONDAY_S))
    answer = await door.send(raw("dsn_postfix_failed"), TOKEN_ADDRESS)
    assert answer.startswith("2.0.0")
    assert (await message_of(store, made.message)).status == "failed"


async def test_the_envelope_says_what_it_is_about(door: Door, sqlite_store: Store) -> None:
    """A head can say anything, or nothing."""
    made = await sqlite_store.write(case)
    await door.send(b"Subject: hallo\r\n\r\nja, ik kom\r\n", TOKEN_ADDRESS.upper(), sender="an@voorbeeld.example")
    (letter,) = await letters(sqlite_store)
    assert (letter.message_id, letter.matched_by, letter.text) == (made.message, "token", "ja, ik kom")


@pytest.mark.parametrize(
    "address",
    [
        "iemand@elders.example",
        "ander@balie.example",
        "balie@elders.example",
        "balie@balie.example.elders.example",
        "balie%elders.example@elders.example",
        "xbalie+token@balie.example",
    ],
)
async def test_it_relays_nothing(door: Door, sqlite_store: Store, address: str) -> None:
    with pytest.raises(SMTPRecipientsRefused) as refused:
        await door.send(raw("human_gmail_nl"), address, sender="an@voorbeeld.example")
    assert refused.value.recipients[0].code == 550
    assert await letters(sqlite_store) == []


async def test_a_request_to_the_bare_address_is_taken(door: Door, sqlite_store: Store) -> None:
    await door.send(raw("human_unmatched"), REPLY_ADDRESS, sender="jef@voorbeeld.example")
    (letter,) = await letters(sqlite_store)
    assert (letter.status, letter.matched_by, letter.sender) == ("new", "", "jef@voorbeeld.example")


async def test_250_comes_after_it_is_kept(sqlite_store: Store, opens: Opens) -> None:
    """When the database cannot, the server in front keeps the mail and tries again; then it counts once."""
    await sqlite_store.write(case)

    class Full(Letterbox):
        full = True

        async def put(self, raw: bytes, envelope_to: Sequence[str] = ()) -> Received:
            if self.full:
                raise OSError("disk full: secret path")
            return await super().put(raw, envelope_to)

    box = Full(sqlite_store, CHANCE, lambda: MONDAY_S)
    door = await opens(box)
    with capture_logs() as logs, pytest.raises(SMTPDataError) as refused:
        await door.send(raw("human_gmail_nl"), TOKEN_ADDRESS)
    assert refused.value.code == 451
    assert "secret" not in refused.value.message
    assert [entry["event"] for entry in logs] == ["mail cannot be kept"]
    assert await letters(sqlite_store) == []
    box.full = False
    for _ in range(2):
        await door.send(raw("human_gmail_nl"), TOKEN_ADDRESS)
    assert len(await letters(sqlite_store)) == 1


async def test_a_mail_that_is_too_large_is_refused(door: Door, sqlite_store: Store) -> None:
    with pytest.raises(SMTPResponseException) as refused:
        await door.send(b"Subject: groot\r\n\r\n" + b"regel\r\n" * (LARGE // 7 + 1), TOKEN_ADDRESS)
    assert refused.value.code == 552
    assert await letters(sqlite_store) == []


async def test_a_mail_that_lies_about_its_size_is_refused(door: Door, sqlite_store: Store) -> None:
    mail = b"Subject: groot\r\n\r\n" + b"regel\r\n" * (LARGE // 7 + 1)
    answers = await door.talk(
        b"EHLO a\r\n",
        b"MAIL FROM:<> SIZE=10\r\n",
        f"RCPT TO:<{TOKEN_ADDRESS}>\r\n".encode(),
        b"DATA\r\n",
        mail + b".\r\n",
    )
    assert [answer[:3] for answer in answers] == [b"220", b"250", b"250", b"250", b"354", b"552"]
    assert await letters(sqlite_store) == []


async def test_bad_manners_are_answered_and_harm_nobody(door: Door, sqlite_store: Store) -> None:
    answers = await door.talk(
        b"\xff\xfe\r\n",
        b"MAIL FROM:<a@b.example>\r\n",
        b"EHLO a\r\n",
        b"RCPT TO:<balie@balie.example>\r\n",
        b"MAIL FROM:\r\n",
        b"MAIL FROM:<a@b.example> NONSENSE=1\r\n",
        b"EXPN balie\r\n",
        b"X" * 5_000 + b"\r\n",
        b"MAIL FROM:<a@b.example>\r\n",
        b"RCPT TO:<" + b"a" * 400 + b"@balie.example>\r\n",
        b"DATA\r\n",
        b"QUIT\r\n",
    )
    codes = [int(answer[:3]) for answer in answers]
    assert codes[0] == 220 and codes[-1] == 221
    assert codes[3] == 250 and codes[9] == 250  # EHLO, and the one good MAIL
    assert all(code >= 500 for at, code in enumerate(codes[1:-1], 1) if at not in (3, 9)), codes
    assert await letters(sqlite_store) == []


async def test_who_hangs_up_in_the_middle_leaves_nothing(door: Door, sqlite_store: Store) -> None:
    recipient = f"RCPT TO:<{TOKEN_ADDRESS}>\r\n".encode()
    await door.talk(b"EHLO a\r\n", b"MAIL FROM:<>\r\n", recipient, b"DATA\r\n")
    await door.send(raw("human_unmatched"), REPLY_ADDRESS)
    assert [letter.subject for letter in await letters(sqlite_store)] == ["Vraag over een feest"]


async def test_so_many_recipients_and_no_more(door: Door) -> None:
    to = [f"balie+{at}@balie.example" for at in range(RECIPIENTS_MAX + 1)]
    async with SMTP(hostname="127.0.0.1", port=door.port, start_tls=False) as client:
        refused, _ = await client.sendmail("", to, raw("human_unmatched"))
    assert {address: answer.code for address, answer in refused.items()} == {to[-1]: 452}


async def test_too_much_at_once_is_for_later(door: Door) -> None:
    async with SMTP(hostname="127.0.0.1", port=door.port, start_tls=False) as client:
        for _ in range(BURST):
            await client.mail("")
            await client.rset()
        with pytest.raises(SMTPSenderRefused) as refused:
            await client.mail("")
        assert refused.value.code == 451
        door.clock.now_s += 1
        assert (await client.mail("")).code == 250


async def test_too_many_connections_are_for_later(door: Door, sqlite_store: Store) -> None:
    clients = [SMTP(hostname="127.0.0.1", port=door.port, start_tls=False) for _ in range(CONNECTIONS_MAX)]
    for client in clients:
        await client.connect()
    assert (await door.talk())[0].startswith(b"421 4.3.2")
    await clients[0].quit()
    for client in clients[1:]:
        client.close()
    await door.send(raw("human_unmatched"), REPLY_ADDRESS)
    assert len(await letters(sqlite_store)) == 1


async def test_it_stops_while_somebody_talks(sqlite_store: Store) -> None:
    listener = Listener(Letterbox(sqlite_store, CHANCE, lambda: MONDAY_S), REPLY_ADDRESS, "balie", LARGE, Clock())
    port = await listener.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await reader.readline()).startswith(b"220 balie balie")
    await listener.stop()
    await listener.stop()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_an_allowance_fills_up_with_time() -> None:
    allowance = Allowance(per_s=2, burst=3, left=3)
    assert [allowance.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert [allowance.take(100.5) for _ in range(2)] == [True, False]
    assert [allowance.take(99.0) for _ in range(1)] == [False]  # a clock that was set back gives nothing
    assert [allowance.take(10_000.0) for _ in range(4)] == [True, True, True, False]
