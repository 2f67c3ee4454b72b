"""The question what people think of their visit: asked once, answered or not, and never led back to anybody.

An answer has no name, no appointment and no moment finer than a month, and its row stands in no order.  What is kept of
a person is only that he need not be asked again, and that for two weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import insert, select, update

from balie.booking import parting
from balie.booking.parting import ANSWERABLE, Parting
from balie.booking.people import check_text
from balie.i18n import local
from balie.store.engine import Tx
from balie.store.schema import (
    DEVICES,
    appointment,
    appointment_product,
    participant,
    survey_invitation,
    survey_response,
)
from balie.visit import ending
from balie.visit.stays import VISITORS, judge, stays

Entropy = Callable[[int], bytes]
Theme = Literal["use", "satisfaction", "low_threshold", "improvement"]

TEXT_MAX = 1000
DONE = ("started", "submitted", "declined")
"""States of an invitation of who said that his visit is over."""
SCALE = ("1", "2", "3", "4", "5")
"""The worst first."""


@dataclass(frozen=True)
class Question:
    """options: of a choice; none for words of one's own."""

    key: str
    theme: Theme
    options: tuple[str, ...] = ()


QUESTIONNAIRE = "default/1"
QUESTIONS = (
    Question("satisfied", "satisfaction", SCALE),
    Question("solved", "satisfaction", ("yes", "partly", "no")),
    Question("sound_and_picture", "use", SCALE),
    Question("easy", "low_threshold", SCALE),
    Question("better", "improvement"),
)
"""What is asked where nobody made a questionnaire: the four themes, every question of which may be left open."""


def shown(tx: Tx, now_s: int, token: str) -> Parting | None:
    """He sees the question, so no mail asks it.  None: no such goodbye."""
    found = parting.find(tx, token, now_s)
    if found is not None and not found.shown:
        tx.execute(update(survey_invitation).where(survey_invitation.c.id == found.id).values(shown_s=now_s))
    return found


def start(tx: Tx, now_s: int, entropy: Entropy, token: str) -> Parting | None:
    """He wants to say something: his visit is over, and so is the conversation if nobody else goes on with it."""
    found = shown(tx, now_s, token)
    if found is not None:
        _move(tx, found, ("offered", "mailed"), "started")
        _finish(tx, now_s, entropy, found)
    return found


def decline(tx: Tx, now_s: int, entropy: Entropy, token: str) -> Parting | None:
    """He would rather not: he is done, and never asked again."""
    found = shown(tx, now_s, token)
    if found is not None:
        _move(tx, found, ANSWERABLE, "declined")
        _finish(tx, now_s, entropy, found)
    return found


def answer(
    tx: Tx, now_s: int, entropy: Entropy, token: str, answers: Mapping[str, str], device: str, locale: str
) -> bool:
    """Keep what he says.  False: there is nothing to answer (any more).  device: one of DEVICES.  Unfit: a text.

    Questions without an answer, and answers that a question does not have, are left out.
    """
    found = shown(tx, now_s, token)
    if found is None or not _move(tx, found, ANSWERABLE, "submitted"):
        return False
    said = {each.key: value for each in QUESTIONS if (value := _said(each, answers.get(each.key, "")))}
    if said:
        tx.execute(insert(survey_response).values(**_row(tx, entropy, found, said, device, locale)))
    _finish(tx, now_s, entropy, found)
    return True


def left(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int, person: str) -> None:
    """Somebody is gone from the room.  If he had said before that he is done, it was his page that stayed behind: one
    without a connection takes half a minute to go (signalling.hub).  person: as in participant."""
    query = (
        select(survey_invitation.c.shown_s, appointment.c.ended_s)
        .join(participant, participant.c.id == survey_invitation.c.participant_id)
        .join(appointment, appointment.c.id == survey_invitation.c.appointment_id)
        .where(participant.c.appointment_id == appointment_id, participant.c.person == person)
        .where(survey_invitation.c.state.in_(DONE))
    )
    row = tx.execute(query).first()
    if row is None or row.ended_s is not None:
        return
    came_s = max((each.from_s for each in stays(tx, appointment_id) if each.person == person), default=0)
    if row.shown_s is not None and row.shown_s >= came_s:  # else he had come back since
        _end_without_visitors(tx, now_s, entropy, appointment_id)


def _said(question: Question, value: str) -> str:
    if not question.options:
        return check_text(value, question.key, TEXT_MAX)
    return value if value in question.options else ""


def _row(
    tx: Tx, entropy: Entropy, found: Parting, said: Mapping[str, str], device: str, locale: str
) -> dict[str, object]:
    visit = tx.execute(select(appointment).where(appointment.c.id == found.appointment_id)).one()
    product = (
        select(appointment_product.c.product_id)
        .where(appointment_product.c.appointment_id == visit.id)
        .order_by(appointment_product.c.position)
        .limit(1)
    )
    return {
        "key": entropy(16).hex(),
        "product_id": tx.scalar(product),
        "month": local(visit.start_s, visit.zone).strftime("%Y-%m"),
        "device": device if device in DEVICES else "computer",
        "locale": locale,
        "questionnaire": QUESTIONNAIRE,
        "answers": dict(said),
    }


def _move(tx: Tx, found: Parting, before: tuple[str, ...], state: str) -> bool:
    """To another state, if it is in one of those: two clicks count once."""
    which = (survey_invitation.c.id == found.id) & survey_invitation.c.state.in_(before)
    return tx.execute(update(survey_invitation).where(which).values(state=state)).rowcount == 1


def _finish(tx: Tx, now_s: int, entropy: Entropy, found: Parting) -> None:
    """Who says that he is done, is: the conversation that he had is over unless another visitor goes on with it.

    Not while he is still in it himself: on another device, or because his leaving is not known yet (left()).
    """
    if not found.ended:
        _end_without_visitors(tx, now_s, entropy, found.appointment_id)


def _end_without_visitors(tx: Tx, now_s: int, entropy: Entropy, appointment_id: int) -> None:
    seen = stays(tx, appointment_id)
    here = any(each.role in VISITORS and each.until_s is None for each in seen)
    if not here and judge(seen) == "seen":
        ending.end(tx, now_s, entropy, appointment_id, "citizen")
