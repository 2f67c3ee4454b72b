"""The whole ladder over real SMTP: our mail goes to a mail server, and what comes back moves the right message.

The answers are made from what the server was given, as mail servers and programs make them: the ENVID of the envelope,
Reply-To, Disposition-Notification-To, and the UID and organiser of the invitation.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtplib import SMTP
from icalendar import Calendar

from balie.post import inbox, undelivered
from balie.post.escalation import Rules, escalate
from balie.post.listener import Listener
from balie.post.receiving import Letterbox
from balie.post.suppression import is_suppressed
from balie.record import tasks
from balie.store.engine import Store
from tests.support import office
from tests.support.booking import LIES, booked
from tests.support.mails import CHANCE, appointment_status, events_of, message_of, raw, tasks_of
from tests.support.mailserver import MailServer, Received, mail_server
from tests.support.office import MONDAY_S
from tests.support.post_office import SENDER, drain, messages, worker

AN_MAIL, LIES_MAIL, NEW_MAIL = "an@example.org", "lies@example.org", "lies@nieuw.example"
LATER_S = MONDAY_S + 600


class Outside:
    """Mail servers and programs of other people, which answer to our listener."""

    def __init__(self, server: MailServer, port: int) -> None:
        self.server, self._port = server, port

    def mail_to(self, recipient: str, nth: int = -1) -> Received:
        return [each for each in self.server.received if each.recipient == recipient][nth]

    async def notice(self, name: str, about: Received) -> None:
        """A mail server's: to the sender of the envelope, about its ENVID."""
        assert about.dsn["NOTIFY"] == "SUCCESS,FAILURE,DELAY"
        await self._send(name, about, about.dsn["ENVID"], about.sender, sender="")

    async def receipt(self, name: str, about: Received) -> None:
        """A mail program's: to the address that asks for it, about the Message-ID."""
        await self._send(name, about, about.envid, str(about.mail["Disposition-Notification-To"]))

    async def answer(self, name: str, about: Received) -> None:
        """A person's: to the address for replies."""
        await self._send(name, about, about.envid, str(about.mail["Reply-To"]))

    async def invitation(self, name: str, about: Received) -> None:
        """A calendar's: to the organiser, about the UID, and about nothing else."""
        (file,) = [part for part in about.mail.iter_attachments() if part.get_content_type() == "application/ics"]
        (event,) = Calendar.from_ical(file.get_payload(decode=True)).walk("VEVENT")  # type: ignore[arg-type]
        organizer = str(event["ORGANIZER"]).removeprefix("mailto:")
        await self._send(name, about, "0" * 31, organizer, uid=str(event["UID"]))

    async def _send(
        self, name: str, about: Received, envid: str, to: str, sender: str = "x@y.example", **of: str
    ) -> None:
        data = raw(name, envid, recipient=about.recipient, reply_address=SENDER.reply_address, **of)
        if "+" not in to:
            data = re.sub(rb"\+[0-9a-f]+@", b"@", data)
        async with SMTP(hostname="127.0.0.1", port=self._port, start_tls=False) as client:
            await client.sendmail(sender, [to], data)


@asynccontextmanager
async def outside(store: Store) -> AsyncIterator[Outside]:
    letterbox = Letterbox(store, CHANCE, lambda: LATER_S)
    listener = Listener(letterbox, SENDER.reply_address, "balie.example", 1_000_000, lambda: LATER_S)
    port = await listener.start("127.0.0.1", 0)
    try:
        async with mail_server() as server:
            yield Outside(server, port)
    finally:
        await listener.stop()


async def states(store: Store, message_id: int) -> tuple[str, str]:
    row = await message_of(store, message_id)
    return row.status, row.read_evidence


async def sent(store: Store, participant_id: int, **wanted: Any) -> int:
    """The id of the one message to a person that was sent."""
    rows = await store.read(messages, participant_id=participant_id, **wanted)
    (message_id,) = [row.id for row in rows if row.submitted_s is not None]
    return int(message_id)


async def test_the_whole_ladder(store: Store) -> None:
    desk = await store.write(office.found)
    made = await booked(store, desk, helpers=(LIES,))
    an, lies = made.links
    async with outside(store) as world:
        post = worker(store, world.server.port)
        await drain(post, MONDAY_S)
        to_an, to_lies = await sent(store, an), await sent(store, lies)
        assert (await states(store, to_an), await states(store, to_lies)) == (("submitted", "none"),) * 2
        mail = world.mail_to(AN_MAIL)

        # Rung by rung.
        await world.notice("dsn_postfix_delayed", mail)
        assert await states(store, to_an) == ("deferred", "none")
        await drain(post, LATER_S)
        assert len(world.server.received) == 2, "a message that left is not sent again"
        await world.notice("dsn_postfix_relayed", mail)
        assert await states(store, to_an) == ("accepted", "none")
        await world.notice("dsn_postfix_delivered", mail)
        assert await states(store, to_an) == ("delivered", "none")
        await world.answer("auto_exchange_nl", mail)
        assert await states(store, to_an) == ("delivered", "none")
        await world.receipt("mdn_thunderbird_displayed", mail)
        assert await states(store, to_an) == ("delivered", "mdn")
        await world.invitation("itip_apple_tentative", mail)
        assert await states(store, to_an) == ("delivered", "mdn")
        assert await appointment_status(store, made.appointment_id) == "booked"
        await world.invitation("itip_outlook_accepted", mail)
        assert await states(store, to_an) == ("delivered", "rsvp")
        assert await appointment_status(store, made.appointment_id) == "confirmed"
        await world.answer("human_gmail_nl", mail)
        assert await states(store, to_an) == ("delivered", "rsvp")
        story = ["submitted", "delayed", "relayed", "delivered", "auto_reply", "displayed", "rsvp_tentative"]
        assert await events_of(store, to_an) == [*story, "rsvp_accepted", "answered"]
        assert (await states(store, to_lies), await events_of(store, to_lies)) == (("submitted", "none"), ["submitted"])

        # A person reads the letter and answers.
        (task,) = await store.read(tasks.listed, [desk.service], kinds=["reply"])
        letter = await store.read(inbox.get, task.object_id)
        assert (letter.ref, letter.to_mail) == (made.ref, AN_MAIL)
        await store.write(inbox.answer, LATER_S, CHANCE, letter.id, "Ja, dat mag.", f"staff:{desk.els}")
        await drain(post, LATER_S)
        reply = world.mail_to(AN_MAIL).mail
        assert reply["In-Reply-To"] == "<CAKx7Qn3v1@mail.gmail.com>"
        assert reply["Auto-Submitted"] == "no"
        body = reply.get_body(("plain",))
        assert body is not None and "Ja, dat mag." in body.get_content()


async def test_a_permanent_failure_becomes_a_task_and_then_another_address(store: Store) -> None:
    desk = await store.write(office.found)
    made = await booked(store, desk, helpers=(LIES,))
    an, lies = made.links
    async with outside(store) as world:
        post = worker(store, world.server.port)
        await drain(post, MONDAY_S)
        to_lies = await sent(store, lies)
        await world.notice("dsn_exchange_failed", world.mail_to(LIES_MAIL))
        assert await states(store, to_lies) == ("failed", "none")
        assert await states(store, await sent(store, an)) == ("submitted", "none")
        assert await store.read(is_suppressed, LIES_MAIL)
        (task,) = await store.read(tasks.listed, [desk.service])
        about = (await store.read(undelivered.look, [task.object_id]))[task.object_id]
        assert (task.kind, task.reason, task.ref) == ("message", "address_unknown", made.ref)
        assert (about.name, about.recipient) == ("Lies Peeters", LIES_MAIL)

        actor = f"staff:{desk.bart}"
        again = await store.write(undelivered.other_address, LATER_S, CHANCE, task, actor, NEW_MAIL)
        await drain(post, LATER_S)
        assert await states(store, again) == ("submitted", "none")
        await world.notice("dsn_postfix_delivered", world.mail_to(NEW_MAIL))
        assert await states(store, again) == ("delivered", "none")
        assert await states(store, to_lies) == ("failed", "none")
        assert await tasks_of(store, to_lies) == [("address_unknown", "retried")]
        reminders = await store.read(messages, participant_id=lies, status="scheduled")
        assert {row.recipient for row in reminders} == {NEW_MAIL}


async def test_a_decline_and_a_forgery_and_a_repetition(store: Store) -> None:
    desk = await store.write(office.found)
    made = await booked(store, desk)
    (an,) = made.links
    async with outside(store) as world:
        await drain(worker(store, world.server.port), MONDAY_S)
        to_an, mail = await sent(store, an), world.mail_to(AN_MAIL)
        for forged in (f"balie+{'f' * 32}@voorbeeldegem.example", SENDER.reply_address):
            await world._send("dsn_postfix_failed", mail, "f" * 32, forged, sender="")
        assert await states(store, to_an) == ("submitted", "none")

        await world.invitation("itip_google_declined", mail)
        assert await appointment_status(store, made.appointment_id) == "booked"
        assert await tasks_of(store, to_an) == [("declined", "open")]
        before = await events_of(store, to_an)
        for _ in range(3):
            await world.invitation("itip_google_declined", mail)
        assert await events_of(store, to_an) == before


async def test_where_nothing_comes_back_somebody_telephones(store: Store) -> None:
    desk = await store.write(office.found)
    made = await booked(store, desk, channel="phone", actor=f"staff:{desk.bart}")
    (an,) = made.links
    async with outside(store) as world:
        post = worker(store, world.server.port)
        await drain(post, MONDAY_S)
        to_an = await sent(store, an)
        day_before_s = office.unix_s("2026-12-07T10:00")
        rules = Rules(sms=False)
        assert (await store.write(escalate, day_before_s, CHANCE, rules)).tasks == 1
        assert await tasks_of(store, to_an) == [("no_evidence", "open")]
        await world.receipt("mdn_apple_displayed", world.mail_to(AN_MAIL))
        assert await tasks_of(store, to_an) == [("no_evidence", "done")]
        assert await store.read(tasks.listed, [desk.service], kinds=["message"]) == []
