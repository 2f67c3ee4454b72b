"""Messages that did not arrive, or may not have, and people who ask to be telephoned: what one does about them."""

from __future__ import annotations

from aiohttp import web

from balie.booking.errors import BookingError
from balie.i18n import gettext as _
from balie.i18n import moment_words
from balie.post import tasks
from balie.post.tasks import Task, TaskError
from balie.store.engine import Tx
from balie.visit import call_request
from web.desk import words
from web.desk.desk import Desk, go

PLACE = "/balie/meldingen"
SETTLED = ("retried", "channel_switched", "phoned", "closed")
SETTLED_MAX = 100
CALLED = ("bereikt", "niet-bereikt")


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/meldingen; ?toon=afgehandeld shows those that are settled."""
    return await _show(desk)


async def _show(desk: Desk, status: int = 200) -> web.Response:
    settled = desk.request.query.get("toon") == "afgehandeld"
    services = sorted(desk.member.services)
    if settled:
        found = await desk.read(tasks.listed, SETTLED, services, SETTLED_MAX)
        found.sort(key=lambda each: each.closed_s or 0, reverse=True)
    else:
        found = await desk.read(tasks.listed, ("open",), services)
    return await desk.show("tasks.html", status=status, settled=settled, tasks=[_told(each) for each in found])


def _told(task: Task) -> dict[str, object]:
    """A task in words.  call: somebody asks to be telephoned; asked: since when."""
    call = task.reason == call_request.REASON
    return {
        "call": call,
        "asked": moment_words(task.opened_s, task.zone) if call else "",
        "id": task.id,
        "name": task.name,
        "role": words.roles().get(task.role, ""),
        "ref": task.ref,
        "when": moment_words(task.start_s, task.zone),
        "reason": words.call_words(task.name) if call else words.reason_words(task.reason),
        "message": words.message_words(task.kind, task.channel, task.recipient),
        "evidence": words.evidence_words(task.status, task.read_evidence, task.channel),
        "error": task.error,
        "phone": words.phone_words(task.phone),
        "state": words.task_states()[task.state],
        "outcome": task.outcome,
        "staff": task.staff_name,
        "closed": moment_words(task.closed_s, task.zone) if task.closed_s is not None else "",
    }


async def act(desk: Desk) -> web.StreamResponse:
    """POST /balie/meldingen/{id}: doe is opnieuw, adres, sms, gebeld or sluit; bereikt, niet-bereikt or sluit for who
    asked to be called."""
    task_id, what = int(desk.request.match_info["id"]), desk.form.last("doe")
    field = {what: f"{what}-{task_id}" for what in ("adres", "gebeld", "sluit")}.get(what, "")
    field = f"gebeld-{task_id}" if what in CALLED else field
    said = desk.form.text(field, most=tasks.OUTCOME_MAX) if field else ""
    if not desk.form.errors:
        try:
            await desk.write(_do, desk, task_id, what, said)
        except TaskError as error:
            desk.form.fail(field or f"taak-{task_id}", words.task_error_words(error.code))
        except BookingError:
            desk.form.fail(field, _("Dit is geen e-mailadres. Kijk het na."))
    if desk.form.errors:
        return await _show(desk, 422)
    return go(PLACE, "opnieuw" if what in ("opnieuw", "adres", "sms") else "taak")


def _do(tx: Tx, desk: Desk, task_id: int, what: str, said: str) -> None:
    task = tasks.get(tx, task_id)
    if task.service_id not in desk.member.services:
        raise TaskError("unknown_task")
    now_s, entropy, actor = desk.now_s, desk.entropy, desk.member.actor
    if task.reason == call_request.REASON and what not in (*CALLED, "sluit"):
        raise TaskError("unknown_task")
    match what:
        case "opnieuw":
            tasks.retry(tx, now_s, entropy, task_id, actor)
        case "adres":
            tasks.other_address(tx, now_s, entropy, task_id, actor, said)
        case "sms":
            tasks.by_sms(tx, now_s, entropy, task_id, actor)
        case "bereikt" | "niet-bereikt":
            call_request.called(tx, now_s, entropy, task_id, actor, reached=what == "bereikt", words=said)
        case "gebeld":
            tasks.phoned(tx, now_s, task_id, actor, said)
        case "sluit":
            tasks.close(tx, now_s, task_id, actor, said)
        case _:
            raise TaskError("unknown_task")
