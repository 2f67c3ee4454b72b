"""Messages that did not arrive, or may not have, on the list of tasks."""

from __future__ import annotations

from collections.abc import Sequence

from balie.post import undelivered
from balie.post.undelivered import Undelivered
from balie.record import tasks
from balie.record.tasks import Task, TaskError
from balie.store.engine import Tx
from web.desk import words
from web.desk.card import Card, Kind
from web.desk.desk import Desk


def _tell(tx: Tx, _desk: Desk, found: Sequence[Task]) -> dict[int, Card]:
    about = undelivered.look(tx, [each.object_id for each in found])
    return {each.id: _card(each, about[each.object_id]) for each in found if each.object_id in about}


def _card(task: Task, about: Undelivered) -> Card:
    return Card(
        title=about.name,
        role=words.roles().get(about.role, ""),
        happened=words.reason_words(task.reason),
        facts=(words.message_words(about.kind, about.channel, about.recipient),),
        error=about.error,
        phone=words.phone_words(about.phone),
    )


async def _act(desk: Desk, task: Task, what: str, said: str) -> str:
    return await desk.write(_do, desk, task, what, said)


def _do(tx: Tx, desk: Desk, task: Task, what: str, said: str) -> str:
    now_s, entropy, actor = desk.now_s, desk.entropy, desk.member.actor
    match what:
        case "opnieuw":
            undelivered.retry(tx, now_s, entropy, task, actor)
        case "adres":
            undelivered.other_address(tx, now_s, entropy, task, actor, said)
        case "sms":
            undelivered.by_sms(tx, now_s, entropy, task, actor)
        case "gebeld":
            undelivered.phoned(tx, now_s, task, actor, said)
        case "sluit":
            tasks.close(tx, now_s, task, actor, said)
        case _:
            raise TaskError("unknown_task")
    return "taak" if what in ("gebeld", "sluit") else "opnieuw"


KIND = Kind(
    slug="berichten",
    form="message",
    fields={"opnieuw": "", "adres": "adres", "sms": "", "gebeld": "gebeld", "sluit": "sluit"},
    tell=_tell,
    act=_act,
)
