"""A mailbox on a real IMAP server: every mail counts exactly once, whatever breaks on the way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from balie.post.imap import TROUBLE, Account, Mailbox
from balie.post.mime import READ_MAX
from balie.post.receiving import Letterbox, Received
from balie.store.engine import Store
from tests.support.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.support.mails import CHANCE, case, events_of, letters, message_of, raw
from tests.support.office import MONDAY_S
from tests.support.processes import free_port


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def imap(server: Dovecot) -> Dovecot:
    server.empty()
    return server


def account(imap: Dovecot) -> Account:
    return Account("127.0.0.1", imap.port, "none", USER, PASSWORD, timeout_s=10)


def letterbox(store: Store) -> Letterbox:
    return Letterbox(store, CHANCE, lambda: MONDAY_S)


class Breaks(Letterbox):
    """Fails at the mails that it is told to, before or after they are in the database."""

    def __init__(self, store: Store, *, before: Sequence[int] = (), after: Sequence[int] = ()) -> None:
        super().__init__(store, CHANCE, lambda: MONDAY_S)
        self.before, self.after, self.count = before, after, 0

    async def put(self, raw: bytes, envelope_to: Sequence[str] = ()) -> Received:
        self.count += 1
        if self.count in self.before:
            raise OSError("no space left on device")
        received = await super().put(raw, envelope_to)
        if self.count in self.after:
            raise OSError("killed")
        return received


async def test_what_is_unseen_counts_once(store: Store, imap: Dovecot) -> None:
    made = await store.write(case)
    mailbox = Mailbox(account(imap), letterbox(store))
    assert await mailbox.look() == 0
    for name in ("dsn_postfix_relayed", "mdn_apple_displayed", "human_gmail_nl"):
        imap.deliver(raw(name))
    assert await mailbox.look() == 3
    assert imap.seen() == 3
    assert await mailbox.look() == 0
    row = await message_of(store, made.message)
    assert (row.status, row.read_evidence) == ("accepted", "mdn")
    assert [letter.kind for letter in await letters(store)] == ["dsn", "mdn", "human"]


async def test_by_tls(sqlite_store: Store, imap: Dovecot) -> None:
    await sqlite_store.write(case)
    imap.deliver(raw("human_outlook_fr"))
    by_tls = replace(account(imap), port=imap.tls_port, security="tls", tls=imap.tls)
    assert await Mailbox(by_tls, letterbox(sqlite_store)).look() == 1


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(sqlite_store: Store, imap: Dovecot) -> None:
    imap.deliver(raw("human_outlook_fr"))
    by_tls = replace(account(imap), port=imap.tls_port, security="tls")
    with pytest.raises(TROUBLE):
        await Mailbox(by_tls, letterbox(sqlite_store)).look()
    assert await letters(sqlite_store) == []


async def test_a_crash_after_it_was_kept_does_not_double_it(store: Store, imap: Dovecot) -> None:
    made = await store.write(case)
    imap.deliver(raw("dsn_postfix_failed"))
    with capture_logs() as logs:
        assert await Mailbox(account(imap), Breaks(store, after=[1])).look() == 0
    assert [entry["event"] for entry in logs] == ["mail cannot be kept"]
    assert imap.seen() == 0
    assert await Mailbox(account(imap), letterbox(store)).look() == 1
    assert imap.seen() == 1
    assert await events_of(store, made.message) == ["failed"]
    assert len(await letters(store)) == 1


async def test_one_mail_that_cannot_be_kept_does_not_keep_others_out(store: Store, imap: Dovecot) -> None:
    await store.write(case)
    for name in ("human_gmail_nl", "human_outlook_fr", "human_html_only"):
        imap.deliver(raw(name))
    with capture_logs():
        assert await Mailbox(account(imap), Breaks(store, before=[2])).look() == 2
    assert imap.seen() == 2
    assert await Mailbox(account(imap), letterbox(store)).look() == 1
    assert len(await letters(store)) == 3


async def test_of_a_large_mail_only_the_beginning_is_fetched(sqlite_store: Store, imap: Dovecot) -> None:
    await sqlite_store.write(case)
    large = raw("human_html_only").replace(b"text/html", b"text/plain") + b"regel\n" * 1_700_000
    imap.deliver(large)

    class Weighs(Letterbox):
        size = 0

        async def put(self, raw: bytes, envelope_to: Sequence[str] = ()) -> Received:
            self.size = len(raw)
            return await super().put(raw, envelope_to)

    scales = Weighs(sqlite_store, CHANCE, lambda: MONDAY_S)
    assert await Mailbox(account(imap), scales).look() == 1
    assert scales.size == READ_MAX
    again = await letterbox(sqlite_store).put(large.replace(b"\n", b"\r\n"), ())
    assert again.again  # whole, by another way


@pytest.mark.parametrize("wrong", [{"password": "fout"}, {"folder": "Bestaat niet"}, {"user": "nie mand"}])
async def test_a_wrong_setting_is_an_error_and_no_mail_is_lost(
    sqlite_store: Store, imap: Dovecot, wrong: dict[str, str]
) -> None:
    imap.deliver(raw("human_gmail_nl"))
    with pytest.raises(TROUBLE, match="answers NO"):
        await Mailbox(replace(account(imap), **wrong), letterbox(sqlite_store)).look()  # type: ignore[arg-type]
    assert imap.seen() == 0


async def test_a_server_that_says_nothing_is_given_up(sqlite_store: Store) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    mute = Account("127.0.0.1", server.sockets[0].getsockname()[1], "none", USER, PASSWORD, timeout_s=0.05)
    with pytest.raises(TROUBLE):
        await Mailbox(mute, letterbox(sqlite_store)).look()
    server.close()
    await server.wait_closed()


async def test_a_server_that_hangs_up_in_the_middle_is_given_up(sqlite_store: Store, imap: Dovecot) -> None:
    """Right after it was asked for a mail: what it did not give stays there."""
    await sqlite_store.write(case)
    imap.deliver(raw("human_gmail_nl"))

    async def halfway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind = await asyncio.open_connection("127.0.0.1", imap.port)

        async def back() -> None:
            while data := await behind_reader.read(65_536):
                writer.write(data)
            writer.close()

        answers = asyncio.create_task(back())
        while (line := await reader.readline()) and b"FETCH" not in line:
            behind.write(line)
        behind.close()
        await answers

    server = await asyncio.start_server(halfway, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TROUBLE):
        await Mailbox(replace(account(imap), port=port, timeout_s=1), letterbox(sqlite_store)).look()
    server.close()
    await server.wait_closed()
    assert await letters(sqlite_store) == []
    assert await Mailbox(account(imap), letterbox(sqlite_store)).look() == 1


async def test_it_goes_on_when_the_server_comes_back(sqlite_store: Store, imap: Dovecot) -> None:
    await sqlite_store.write(case)
    imap.deliver(raw("human_gmail_nl"))
    away = replace(account(imap), port=free_port(socket.SOCK_STREAM))
    mailbox = Mailbox(away, letterbox(sqlite_store))
    seen: list[bool] = []

    async def pause(every_s: float) -> None:
        assert every_s == 60
        seen.append(mailbox.failing)
        if len(seen) == 2:
            mailbox._account = account(imap)
        elif len(seen) == 3:
            raise asyncio.CancelledError

    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await mailbox.run(60, pause)
    assert seen == [True, True, False]
    assert [entry["event"] for entry in logs] == ["mailbox cannot be read", "mailbox can be read again"]
    assert len(await letters(sqlite_store)) == 1
