"""The conversation with a real mail server that refuses, defers, hangs up, or takes it."""

from __future__ import annotations

import socket
import ssl
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from balie.post.outcome import Outcome
from balie.post.smtp import Conversation, Envelope, Relay, reason_of
from tests.support.certificates import server_and_client
from tests.support.mailserver import DROP, HANG, MailServer, mail_server
from tests.support.post_office import relay

ENVELOPE = Envelope("e1", "balie+e1@voorbeeldegem.example", "an@burger.example", b"Subject: Dag\r\n\r\nDag.\r\n")
SHORT_S = 0.05  # for a server that is told never to answer


class Hands:
    """What is asked just before a mail is handed over."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.asked = 0

    async def __call__(self) -> bool:
        self.asked += 1
        return self.answer


async def send(to: Relay, *envelopes: Envelope, hands: Hands | None = None) -> list[Outcome]:
    hands = hands or Hands()
    async with Conversation(to) as conversation:
        return [await conversation.send(envelope, hands) for envelope in envelopes or (ENVELOPE,)]


async def test_a_mail_is_taken_with_its_envelope() -> None:
    async with mail_server() as server:
        hands = Hands()
        assert await send(relay(server.port), hands=hands) == [Outcome("submitted", said="250 2.0.0 Taken")]
    (mail,) = server.received
    assert (mail.sender, mail.recipient) == (ENVELOPE.sender, ENVELOPE.recipient)
    assert mail.content == ENVELOPE.content
    assert hands.asked == 1


async def test_delivery_notices_are_asked_for_where_they_are_offered() -> None:
    async with mail_server() as server:
        await send(relay(server.port), replace(ENVELOPE, envid="a+b=c", recipient="an+kind@burger.example"))
    assert server.received[0].dsn == {
        "RET": "HDRS",
        "ENVID": "a+2Bb+3Dc",
        "NOTIFY": "SUCCESS,FAILURE,DELAY",
        "ORCPT": "rfc822;an+2Bkind@burger.example",
    }


async def test_a_server_without_delivery_notices_is_not_asked_for_them() -> None:
    """It would refuse the mail (555): the test server does."""
    async with mail_server() as server:
        server.offers_dsn = False
        assert [outcome.state for outcome in await send(relay(server.port))] == ["submitted"]
    assert server.received[0].dsn == {}


async def test_many_mails_share_a_connection() -> None:
    async with mail_server() as server:
        outcomes = await send(relay(server.port), *[replace(ENVELOPE, envid=f"e{n}") for n in range(20)])
        assert {outcome.state for outcome in outcomes} == {"submitted"}
        assert len(server.received) == 20 and server.connections == 1


async def test_a_line_that_begins_with_a_dot_arrives() -> None:
    async with mail_server() as server:
        content = b"Subject: x\r\n\r\n.\r\n..a\r\n.b\r\nc.\r\n"
        await send(relay(server.port), replace(ENVELOPE, content=content), ENVELOPE)
    assert [mail.content for mail in server.received] == [content, ENVELOPE.content]


@pytest.mark.parametrize(
    ("stage", "answer", "outcome"),
    [
        ("MAIL", "451 4.3.2 Busy", ("deferred", "sender_refused")),
        ("MAIL", "550 5.7.1 We do not know you", ("deferred", "sender_refused")),
        ("RCPT", "450 4.2.0 Greylisted, come back", ("deferred", "try_later")),
        ("RCPT", "452 4.2.2 Mailbox full", ("deferred", "mailbox_full")),
        ("RCPT", "550 5.1.1 No such user", ("failed", "address_unknown")),
        ("RCPT", "550 5.1.10 Null MX", ("failed", "address_unknown")),
        ("RCPT", "550 5.2.1 Disabled", ("failed", "mailbox_closed")),
        ("RCPT", "552 5.2.2 Mailbox full", ("failed", "mailbox_full")),
        ("RCPT", "554 5.7.1 Refused by policy", ("failed", "refused_policy")),
        ("RCPT", "550 No", ("failed", "refused")),
        ("DATA", "451 4.3.0 Not now", ("deferred", "try_later")),
        ("DATA", "554 No valid recipients", ("failed", "refused")),
        ("DOT", "452 4.3.1 Disk full", ("deferred", "try_later")),
        ("DOT", "552 5.3.4 Too large", ("failed", "too_large")),
        ("DOT", "550 5.7.1 Looks like spam", ("failed", "refused_policy")),
        ("DOT", "421 4.3.2 Going down", ("deferred", "try_later")),
    ],
)
async def test_what_the_server_says_decides(stage: str, answer: str, outcome: tuple[str, str]) -> None:
    async with mail_server() as server:
        server.answer(stage, answer)
        hands = Hands()
        refused, taken = await send(relay(server.port), ENVELOPE, replace(ENVELOPE, envid="e2"), hands=hands)
    assert (refused.state, refused.reason, refused.said) == (*outcome, answer)
    assert taken.state == "submitted", "the next one has nothing to do with it"
    assert len(server.received) == 1
    assert hands.asked == (2 if stage == "DOT" else 1), "what is refused before was never on its way"


@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_connection_lost_before_the_mail_can_be_tried_again(stage: str) -> None:
    async with mail_server() as server:
        server.answer(stage, DROP)
        hands = Hands()
        (lost,) = await send(relay(server.port), hands=hands)
        assert (lost.state, lost.reason) == ("deferred", "no_connection")
        assert hands.asked == 0 and not server.received
        assert [outcome.state for outcome in await send(relay(server.port))] == ["submitted"]


async def test_a_connection_lost_after_the_mail_is_a_question() -> None:
    async with mail_server() as server:
        server.answer("DOT", DROP)
        outcomes = await send(relay(server.port), ENVELOPE, replace(ENVELOPE, envid="e2"))
    assert [(outcome.state, outcome.reason) for outcome in outcomes] == [
        ("unresolved", "delivery_unknown"),
        ("submitted", ""),
    ]
    assert len(server.received) == 2, "it had taken it: nobody could know"


@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_server_that_falls_silent_before_the_mail_is_tried_again(stage: str) -> None:
    async with mail_server() as server:
        server.answer(stage, HANG)
        hands = Hands()
        (silent,) = await send(relay(server.port, timeout_s=SHORT_S), hands=hands)
    assert (silent.state, silent.reason) == ("deferred", "no_connection")
    assert hands.asked == 0


async def test_a_server_that_falls_silent_with_the_mail_is_a_question() -> None:
    async with mail_server() as server:
        server.answer("DOT", HANG)
        (silent,) = await send(relay(server.port, timeout_s=SHORT_S))
    assert (silent.state, silent.reason) == ("unresolved", "delivery_unknown")


async def test_who_says_no_at_the_last_moment_is_obeyed() -> None:
    async with mail_server() as server:
        stopped, *_ = await send(relay(server.port), hands=Hands(answer=False))
        assert stopped == Outcome("withdrawn")
        assert [outcome.state for outcome in await send(relay(server.port))] == ["submitted"]
    assert len(server.received) == 1


async def test_what_goes_wrong_at_the_last_moment_sends_nothing() -> None:
    async def fails() -> bool:
        raise OSError("disk full")

    async with mail_server() as server, Conversation(relay(server.port)) as conversation:
        with pytest.raises(OSError, match="disk full"):
            await conversation.send(ENVELOPE, fails)
        assert (await conversation.send(ENVELOPE, Hands())).state == "submitted"
    assert len(server.received) == 1


async def test_where_nobody_listens_only_the_first_mail_waits() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        outcomes = await send(relay(taken.getsockname()[1]), ENVELOPE, ENVELOPE)
    assert [(outcome.state, outcome.reason) for outcome in outcomes] == [("deferred", "no_connection")] * 2
    assert outcomes[0] is outcomes[1]


def encrypted(security: str, context: ssl.SSLContext) -> AbstractAsyncContextManager[MailServer]:
    return mail_server(tls=context) if security == "tls" else mail_server(starttls=context)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_goes_encrypted(security: str) -> None:
    theirs, ours = server_and_client("127.0.0.1")
    async with encrypted(security, theirs) as server:
        assert [each.state for each in await send(relay(server.port, security=security, tls=ours))] == ["submitted"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_with_another_certificate_gets_no_mail(security: str) -> None:
    theirs, _ = server_and_client("127.0.0.1")
    _, ours = server_and_client("127.0.0.1")
    async with encrypted(security, theirs) as server:
        (refused,) = await send(relay(server.port, security=security, tls=ours))
    assert (refused.state, refused.reason) == ("deferred", "no_connection")
    assert not server.received


async def test_a_server_without_encryption_gets_no_mail_when_it_must_be() -> None:
    async with mail_server() as server:
        (refused,) = await send(relay(server.port, security="starttls"))
    assert refused.state == "deferred" and not server.received


@pytest.mark.parametrize(("password", "state"), [("geheim", "submitted"), ("fout", "deferred")])
async def test_a_server_may_ask_who_we_are(password: str, state: str) -> None:
    theirs, ours = server_and_client("127.0.0.1")
    async with mail_server(starttls=theirs, login=("balie", "geheim")) as server:
        known = {"user": "balie", "password": password}
        (outcome,) = await send(relay(server.port, security="starttls", tls=ours, **known))
    assert outcome.state == state and len(server.received) == (state == "submitted")


@pytest.mark.parametrize(
    "recipient",
    ["ân@burger.example", "an@b.example\r\nRCPT TO:<x@elders.example>", "an@b.example\0", "An <an@b.example>", ""],
)
async def test_what_is_no_plain_address_goes_nowhere(recipient: str) -> None:
    async with mail_server() as server:
        (outcome,) = await send(relay(server.port), replace(ENVELOPE, recipient=recipient))
        assert (outcome.state, outcome.reason) == ("failed", "address_unsupported")
        assert server.connections == 0


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("5.1.1", "address_unknown"),
        ("4.2.2", "mailbox_full"),
        ("5.3.4", "too_large"),
        ("5.7.26", "refused_policy"),
        ("5.0.0", "refused"),
        ("", "refused"),
        ("5", "refused"),
    ],
)
def test_a_status_has_a_reason(status: str, reason: str) -> None:
    assert reason_of(status) == reason


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(Relay("h", 25, password="geheim"))


async def test_the_test_server_speaks_of_every_stage() -> None:
    """So that tests that wait for one can not pass for want of it."""
    heard = []

    async def hear(stage: str) -> None:
        heard.append(stage)

    async with mail_server() as server:
        assert isinstance(server, MailServer)
        server.hook = hear
        await send(relay(server.port))
    assert heard == ["EHLO", "MAIL", "RCPT", "DATA", "GO", "DOT", "TAKEN"]
