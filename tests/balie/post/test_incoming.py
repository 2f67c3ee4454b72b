"""What mails of well-known programs are and say, and that no mail costs much."""

from __future__ import annotations

from time import process_time

import pytest

from balie.post.incoming import (
    AutomaticAnswer,
    CalendarAnswer,
    DeliveryNotice,
    Human,
    Incoming,
    ReadReceipt,
    Report,
    parse,
)
from tests.support.mails import ENVID, RECIPIENT, UID, names, raw

MESSAGE_ID = f"{ENVID}@balie.example"
DEAR_S = 1.0  # of processor time: seen are 0.15 at most
HEAD = b"From: an@voorbeeld.example\nMessage-ID: <bom@voorbeeld.example>\nContent-Type: "


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        ("dsn_", DeliveryNotice),
        ("forged_", DeliveryNotice),
        ("mdn_", ReadReceipt),
        ("itip_", CalendarAnswer),
        ("auto_", AutomaticAnswer),
        ("human_", Human),
        ("forwarded_", Human),
        ("broken_", Human),
    ],
)
def test_every_program_is_understood(prefix: str, kind: type[Incoming]) -> None:
    found = {name: type(parse(raw(name))) for name in names() if name.startswith(prefix)}
    assert found
    assert set(found.values()) == {kind}, found


def test_no_file_is_left_out() -> None:
    kinds = ("dsn", "forged", "mdn", "itip", "auto", "human", "forwarded", "broken")
    assert {name.partition("_")[0] for name in names()} == set(kinds)


@pytest.mark.parametrize(
    ("name", "action", "status"),
    [
        ("dsn_postfix_relayed", "relayed", "2.0.0"),
        ("dsn_postfix_delivered", "delivered", "2.0.0"),
        ("dsn_postfix_delayed", "delayed", "4.7.1"),
        ("dsn_postfix_failed", "failed", "5.1.1"),
        ("dsn_mailbox_full", "failed", "5.2.2"),
        ("dsn_expired", "failed", "4.4.1"),
        ("dsn_exchange_failed", "failed", "5.1.10"),
        ("dsn_gmail_failed", "failed", "5.1.1"),  # its Status says 5.0.0, its Diagnostic-Code more
        ("dsn_exim_plain", "failed", "5.7.1"),
    ],
)
def test_delivery_notices(name: str, action: str, status: str) -> None:
    mail = parse(raw(name))
    assert isinstance(mail, DeliveryNotice)
    (report,) = mail.reports
    assert (report.recipient, report.action, report.status) == (RECIPIENT, action, status)


def test_a_notice_names_the_envelope_and_the_mail_that_it_brings_back() -> None:
    mail = parse(raw("dsn_postfix_failed"))
    assert isinstance(mail, DeliveryNotice)
    assert (mail.envid, mail.about) == (ENVID, (MESSAGE_ID,))
    returned = parse(raw("dsn_exchange_failed"))
    assert isinstance(returned, DeliveryNotice)
    assert (returned.envid, returned.about, returned.answers) == ("", (MESSAGE_ID,), (MESSAGE_ID,))


def test_a_notice_in_utf8() -> None:
    """RFC 6533."""
    mail = parse(raw("dsn_utf8_failed"))
    assert isinstance(mail, DeliveryNotice)
    assert (mail.envid, mail.subject) == (ENVID, "Onbestelbaar: één adres")
    address = "andré@voorbeeld.example"
    assert mail.reports == (
        Report(
            recipient=address,
            original=address,
            action="failed",
            status="5.1.1",
            diagnostic="smtp; 550 5.1.1 Onbekende gebruiker",
        ),
    )


@pytest.mark.parametrize(
    ("name", "displayed"),
    [
        ("mdn_outlook_displayed", True),
        ("mdn_thunderbird_displayed", True),
        ("mdn_apple_displayed", True),
        ("mdn_outlook_deleted", False),
    ],
)
def test_read_receipts(name: str, displayed: bool) -> None:
    mail = parse(raw(name))
    assert isinstance(mail, ReadReceipt)
    assert (mail.recipient, mail.about, mail.displayed) == (RECIPIENT, (MESSAGE_ID,), displayed)


@pytest.mark.parametrize(
    ("name", "said", "comment"),
    [
        ("itip_outlook_accepted", "ACCEPTED", ""),
        ("itip_google_declined", "DECLINED", ""),
        ("itip_google_comment", "ACCEPTED", "Ik kom vijf minuten later, de trein rijdt niet."),
        ("itip_apple_tentative", "TENTATIVE", ""),
    ],
)
def test_calendar_answers(name: str, said: str, comment: str) -> None:
    mail = parse(raw(name))
    assert isinstance(mail, CalendarAnswer)
    assert (mail.uid, mail.sequence, mail.attendee) == (UID, 0, RECIPIENT)
    assert (mail.answer, mail.comment) == (said, comment)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "human_gmail_nl",
            "Goeiemorgen,\n\nMag mijn dochter ook meekomen? Zij spreekt beter Nederlands. 👍\n\nGroeten\nAn",
        ),
        ("human_outlook_fr", "Bonjour,\n\nLe rendez-vous coûte-t-il 5 € ?\n\nBien à vous,\nAn"),
        ("human_thunderbird_de", "Das passt mir gut.\n\nGeht auch Bargeld? Ich frage für meine Mutter."),
        ("human_html_only", "Kan het later?\nLiefst na 16 uur & niet op vrijdag.\nKlik hier"),
        ("auto_gmail_fr", "Bonjour,\n\nJe suis absente jusqu'au 14 décembre. À bientôt !"),
        ("forwarded_bounce", "Ik kreeg dit. Wat betekent het?"),
    ],
)
def test_only_the_new_words_are_kept(name: str, text: str) -> None:
    assert parse(raw(name)).text == text


def test_files_are_named() -> None:
    assert parse(raw("human_attachment")).attachments == ("attest ziekenfonds.pdf", "foto één.jpg")


def test_broken_words_and_charsets_are_read_as_far_as_they_go() -> None:
    mail = parse(raw("broken_charsets"))
    assert mail.sender == RECIPIENT
    assert mail.text.startswith("Ik kom om één uur.")
    assert mail.subject.endswith("goed 🎉")


def test_bytes_that_say_nothing_of_themselves_are_utf8_or_windows() -> None:
    for data in ("één café".encode(), "één café".encode("cp1252")):
        mail = parse(b"Subject: " + data + b"\n\n" + data)
        assert (mail.subject, mail.text) == ("één café", "één café")


def test_the_same_mail_is_the_same_whichever_way_it_came() -> None:
    mail = raw("human_gmail_nl")
    again = b"Received: from elders by mx2; later\nX-Spam: no\n" + mail.replace(b"\n", b"\r\n")
    assert parse(mail).digest == parse(again).digest
    assert parse(mail).digest != parse(mail.replace(b"dochter", b"zoon")).digest
    assert parse(mail).digest != parse(mail.replace(b"<CAKx7Qn3v1@", b"<een.andere@")).digest


def test_mails_without_a_message_id_are_told_apart_by_everything() -> None:
    assert parse(b"From: a@b.example\n\nja").digest != parse(b"From: a@b.example\nX: 1\n\nja").digest


def test_a_calendar_that_answers_for_two_is_read_by_a_person() -> None:
    """RFC 5546 3.2.3: a reply is of one person."""
    mail = raw("itip_google_declined").replace(b"STATUS:CONFIRMED", b"ATTENDEE;PARTSTAT=ACCEPTED:mailto:jef@b.example")
    assert isinstance(parse(mail), Human)


def test_a_calendar_that_proposes_another_time_is_read_by_a_person() -> None:
    mail = raw("itip_apple_tentative").replace(b"METHOD:REPLY", b"METHOD:COUNTER")
    assert isinstance(parse(mail), Human)


def nested(levels: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(levels))
    return b"From: an@voorbeeld.example\n" + head + b"\nhallo\n" * 5_000


BOMBS = {
    "ten megabytes": HEAD + b"text/plain\n\n" + b"hallo wereld\n" * 800_000,
    "ten megabytes in one line": HEAD + b"text/plain\n\n" + b"x" * 10_000_000,
    "nothing but lines": HEAD + b"text/plain\n\n" + b"\n" * 10_000_000,
    "nothing but zeros": bytes(10_000_000),
    "thirty levels": nested(30),
    "five thousand levels": nested(5_000),
    "mails in mails": b"From: an@voorbeeld.example\n" + b"Content-Type: message/rfc822\n\n" * 10_000,
    "fifty thousand parts": HEAD + b"multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 50_000,
    "sixty thousand headers": b"X: y\n" * 60_000 + b"\nhallo",
    "twenty thousand recipients": b"To: " + b"an@voorbeeld.example, " * 20_000 + b"\n\nhallo",
    "nested comments": b"From: " + b"(" * 100_000 + b"\n\nhallo",
    "encoded words": b"Subject: " + b"=?utf-8?Q?a?= " * 20_000 + b"\n\nhallo",
    "open elements": HEAD + b"text/html\n\n" + b"<" * 200_000,
    "open comments": HEAD + b"text/html\n\n" + b"<!--" * 50_000,
    "open ends": HEAD + b"text/html\n\n" + b"</a " * 20_000,
    "open declarations": HEAD + b"text/html\n\n" + b"<![cdata[" * 50_000,
    "nothing but attributions": HEAD + b"text/plain\n\n" + b"On wrote\n" * 7_000,
    "events in events": HEAD + b"text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\n" + b"BEGIN:VEVENT\n" * 5_000,
    "time zones": HEAD
    + b"text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:x\n"
    + b"EXDATE;TZID=Ergens:20260101T000000\n" * 1_200
    + b"END:VEVENT\nEND:VCALENDAR\n",
    "reports": HEAD
    + b"multipart/report; boundary=b; report-type=delivery-status\n\n--b\nContent-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; an@voorbeeld.example\n\n" * 4_900
    + b"--b--",
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_mail_costs_much(name: str) -> None:
    begun = process_time()
    mail = parse(BOMBS[name])
    assert process_time() - begun < DEAR_S
    assert isinstance(mail, Human | DeliveryNotice)


def test_nothing_is_a_mail_too() -> None:
    mail = parse(b"")
    assert isinstance(mail, Human)
    assert (mail.sender, mail.subject, mail.text, mail.recipients) == ("", "", "", ())
