"""A letter as a mail: headers, alternatives and the invitation, in the arrangement that mail programs expect.

No header but To holds anything that a citizen typed, and To only his address, which was checked.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from balie.i18n import local
from balie.post.calendar import METHODS
from balie.post.compose import Letter
from balie.post.facts import Facts, Sender

POLICY = SMTP.clone(cte_type="7bit")  # arrives whole through servers that know no 8BITMIME
SUBJECT_MAX = 200

_MESSAGE_ID = re.compile(r"<[!-;=@-~]{1,250}>")  # without ?, of which encoded words are made


def mail(
    letter: Letter, invitation: bytes | None, facts: Facts, sender: Sender, envid: str, to: str, now_s: int
) -> bytes:
    """A mail, ready to be handed over.  ValueError: an address that cannot stand in a header."""
    made = EmailMessage(POLICY)
    reply_to = sender.reply_to(envid)
    made["From"] = Address(one_line(sender.name), addr_spec=sender.address)
    made["To"] = Address(addr_spec=to)
    made["Subject"] = one_line(letter.subject)[:SUBJECT_MAX]
    made["Date"] = format_datetime(local(now_s, facts.zone))
    made["Message-ID"] = message_id(sender, envid)
    made["Reply-To"] = Address(addr_spec=reply_to)
    made["Auto-Submitted"] = "no" if facts.kind == "reply" else "auto-generated"  # RFC 3834 5
    if _MESSAGE_ID.fullmatch(answers := facts.data.get("in_reply_to", "")):
        made["In-Reply-To"] = made["References"] = answers
    if asks_for_receipt(facts):
        made["Disposition-Notification-To"] = reply_to  # RFC 8098 2.1
    made.set_content(letter.text)
    made.add_alternative(letter.html, subtype="html")
    if invitation is not None:
        # Outlook and Apple read the alternative, Gmail and older programs the file; nodemailer and Google send both.
        method = METHODS[facts.kind]
        made.add_alternative(invitation.decode(), subtype="calendar", params={"method": method})
        made.make_mixed()
        made.add_attachment(invitation, "application", "ics", filename="afspraak.ics")
    if facts.receipt is not None and facts.receipt.ubl:
        made.add_attachment(facts.receipt.ubl, "application", "xml", filename=facts.receipt.file_name)
    return made.as_bytes()


def message_id(sender: Sender, envid: str) -> str:
    return f"<{envid}@{sender.domain}>"


def asks_for_receipt(facts: Facts) -> bool:
    """Mail programs put the question to the reader, who may find it a nuisance: it comes with the confirmation and the
    first reminder, and never again."""
    return facts.kind in ("confirmation", "helper_added") or (facts.kind == "reminder" and facts.first)


def one_line(text: str) -> str:
    """For a header: a line break in it would begin another header.  EmailMessage reads what looks like an encoded word
    (RFC 2047) and writes what it stands for, line breaks too, so nothing may look like one."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).replace("=?", "= ?").split())
