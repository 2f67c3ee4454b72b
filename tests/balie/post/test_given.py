"""What staff gave in a call is told in the letter after it, or in one of its own: nobody is left to find out."""

from __future__ import annotations

import pytest

from balie.post.delivery import Delivery, Ways
from balie.record import schedule
from balie.store.engine import Store
from balie.visit import ending, steps
from tests.support import together
from tests.support.arranged import DAUGHTER, Somebody, entropy
from tests.support.mailserver import MailServer, mail_server
from tests.support.post_office import SENDER, drain, messages, relay
from tests.support.visits import CHANCE, END_S, START_S, Visit, visit

GIVEN = "Bart Claes gaf u een document."


async def give(made: Visit, at_s: int = START_S + 60) -> None:
    await made.store.write(together.sent, at_s, made.id, 0, direction="out", guide_step_id=None, participant_id=None)


async def letters(store: Store, until_s: int = END_S + schedule.RECAP_S) -> dict[str, str]:
    """What An and her daughter get by then: texts by subject."""
    async with mail_server() as server:
        await drain(Delivery(store, SENDER, Ways(relay(server.port), None), entropy(1), "w1"), until_s)
    return _texts(server)


def _texts(server: MailServer) -> dict[str, str]:
    return {
        str(each.mail["Subject"]): " ".join(each.mail.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
        for each in server.received
    }


@pytest.mark.parametrize("agreed", [True, False])
async def test_the_letter_after_the_call_tells_it(store: Store, agreed: bool) -> None:
    """Also where nothing else is to be said."""
    made = await visit(store, (Somebody(), DAUGHTER))
    if agreed:
        await store.write(steps.add, START_S, made.id, "staff:1", "Een racket kopen", "citizen")
    await give(made)
    await give(made, START_S + 61)
    token = await made.goodbye()
    await made.talk()
    found = await letters(store)
    (text,) = [text for subject, text in found.items() if subject.startswith("Na uw gesprek")]
    assert "Bart Claes gaf u 2 documenten." in text and f"/b/{token}/documenten" in text
    assert "attest" not in text, "what it is stands behind the link"
    assert ("Een racket kopen" in text) == agreed
    assert sum("documenten." in each for each in found.values()) == 1, "once, and not to who came along"


async def test_what_a_letter_of_its_own_told_is_no_reason_for_another(store: Store) -> None:
    made = await visit(store, (Somebody(),))
    await give(made, START_S - 3600)
    await store.write(schedule.document, START_S - 3600, CHANCE, made.id, "sent")
    await letters(store, START_S - 1800)
    await made.talk()
    assert not any(subject.startswith("Na uw gesprek") for subject in await letters(store))


async def test_a_call_that_came_to_nothing_has_a_letter_of_its_own(store: Store) -> None:
    made = await visit(store, (Somebody(),))
    await give(made)
    await made.see("staff-1", "entered", START_S)
    await store.write(ending.miss, END_S, CHANCE, made.id, "staff:1", "no_show_citizen")
    found = await letters(store)
    assert "Er staat een document voor u klaar" in found
    assert not any(GIVEN in each for each in found.values())


async def test_nothing_was_given_and_nothing_is_said(store: Store) -> None:
    made = await visit(store, (Somebody(),))
    await made.talk()
    assert "Na uw gesprek" not in " ".join(await letters(store))
    (row,) = await store.read(messages, kind="goodbye")
    assert row.status == "cancelled"
