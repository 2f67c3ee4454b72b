"""Who asks to be telephoned, on the list of tasks."""

from __future__ import annotations

from collections.abc import Sequence

from balie.record import tasks
from balie.record.tasks import Task
from balie.store.engine import Tx
from balie.visit import call_request
from web.desk import task_words, words
from web.desk.card import Card, Kind
from web.desk.desk import Desk


def _tell(tx: Tx, _desk: Desk, found: Sequence[Task]) -> dict[int, Card]:
    who = call_request.look(tx, [each.object_id for each in found])
    return {
        each.id: Card(
            title=caller.name,
            role=words.roles().get(caller.role, ""),
            happened=task_words.call(caller.name),
            phone=words.phone_words(caller.phone),
        )
        for each in found
        if (caller := who.get(each.object_id)) is not None
    }


async def _act(desk: Desk, task: Task, what: str, said: str) -> str:
    if what == "sluit":
        await desk.write(tasks.close, desk.now_s, task, desk.member.actor, said)
    else:
        about, actor = (desk.now_s, desk.entropy, task), desk.member.actor
        await desk.write(call_request.called, *about, actor, reached=what == "bereikt", words=said)
    return "taak"


KIND = Kind(
    slug="bellen",
    form="call",
    fields={"bereikt": "gebeld", "niet-bereikt": "gebeld", "sluit": "sluit"},
    tell=_tell,
    act=_act,
)
