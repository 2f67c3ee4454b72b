"""/balie/taken: one list of what a person must do, and what he can do about each.

What a task says and what its buttons do is of its kind (web.desk.card.Kind); who sees it, balie.record.tasks decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from balie.booking import catalogue
from balie.booking.catalogue import Service
from balie.booking.errors import BookingError
from balie.i18n import gettext as _
from balie.i18n import moment_words, pick
from balie.record import tasks
from balie.record.tasks import LISTED_MAX, OUTCOME_MAX, Task, TaskError
from balie.store.engine import Tx
from web.desk import act_tasks, call_tasks, letters, message_tasks, task_words
from web.desk.card import Card, Kind
from web.desk.desk import Desk, go
from web.forms import whole

PLACE = letters.TASKS
ENDED_MAX = 100
KINDS: Mapping[str, Kind] = {
    "call": call_tasks.KIND,
    "message": message_tasks.KIND,
    "reply": letters.KIND,
    "payment": act_tasks.PAYMENT,
    "reservation": act_tasks.RESERVATION,
    "document": act_tasks.DOCUMENT,
}
"""By balie.store.schema.TASK_KINDS, as they stand in the filter."""


@dataclass(frozen=True)
class Wanted:
    """What somebody asks to see.  kind: "" for all; service_id: None for all of his."""

    kind: str
    service_id: int | None
    ended: bool

    @property
    def slug(self) -> str:
        return KINDS[self.kind].slug if self.kind else ""

    def address_of(self, task_id: int) -> str:
        """Where the form of a task goes: what comes back is filtered as before."""
        return self.address().replace(PLACE, f"{PLACE}/{task_id}", 1)

    def address(self, **changed: str) -> str:
        """Of the list, as he filtered it."""
        shown = {
            "soort": self.slug,
            "dienst": str(self.service_id or ""),
            "toon": "afgehandeld" if self.ended else "",
            **changed,
        }
        query = urlencode({name: value for name, value in shown.items() if value})
        return f"{PLACE}?{query}" if query else PLACE


def _wanted(desk: Desk) -> Wanted:
    query = desk.request.query
    kind = next((name for name, kind in KINDS.items() if kind.slug == query.get("soort")), "")
    service_id = whole(query.get("dienst", ""), least=1)
    own = service_id if service_id in desk.member.services else None
    return Wanted(kind, own, query.get("toon") == "afgehandeld")


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/taken; ?soort= one kind, ?dienst= one service, ?toon=afgehandeld those that ended."""
    return await _show(desk)


async def _show(desk: Desk, status: int = 200) -> web.Response:
    wanted = _wanted(desk)
    services = sorted(desk.member.services) if wanted.service_id is None else [wanted.service_id]

    def look(tx: Tx) -> tuple[list[dict[str, object]], dict[str, int], list[Service]]:
        kinds = [wanted.kind] if wanted.kind else []
        most = ENDED_MAX if wanted.ended else LISTED_MAX
        found = tasks.listed(tx, services, kinds=kinds, ended=wanted.ended, limit=most)
        return _told(tx, desk, found), tasks.open_numbers(tx, services), catalogue.services(tx)

    found, numbers, all_services = await desk.read(look)
    own = [(str(each.id), pick(each.names)) for each in all_services if each.id in desk.member.services]
    counted = sum(numbers.values()) if not wanted.kind else numbers.get(wanted.kind, 0)
    return await desk.show(
        "tasks.html",
        status=status,
        wanted=wanted,
        kinds=_choices(numbers, ended=wanted.ended),
        services=own,
        tasks=found,
        more=0 if wanted.ended else counted - len(found),
    )


def _choices(numbers: Mapping[str, int], *, ended: bool) -> list[tuple[str, str]]:
    """Kinds to choose from; of those that are open, how many there are."""
    names = task_words.kinds()
    shown = [(kind.slug, names[name], numbers.get(name, 0)) for name, kind in KINDS.items()]
    every = ("", _("Alles"), sum(numbers.values()))
    return [(slug, name if ended else f"{name} ({number})") for slug, name, number in (every, *shown)]


def _told(tx: Tx, desk: Desk, found: list[Task]) -> list[dict[str, object]]:
    cards: dict[int, Card] = {}
    for name, kind in KINDS.items():
        of_kind = [each for each in found if each.kind == name]
        cards |= kind.tell(tx, desk, of_kind) if of_kind else {}
    return [_line(each, cards.get(each.id), each.zone or desk.member.zone) for each in found]


def _line(task: Task, card: Card | None, zone: str) -> dict[str, object]:
    """card: none when what the task is about was erased, as its term was over; then it can be closed, and no more."""
    gone = Card(task.name, _("Waar deze taak over ging, is intussen gewist."))
    return {
        "id": task.id,
        "form": KINDS[task.kind].form if card is not None else "close",
        "card": card or gone,
        "kind": task_words.marks()[task.kind],
        "ref": task.ref,
        "when": moment_words(task.start_s, zone) if task.start_s is not None else "",
        "since": moment_words(task.opened_s, zone),
        "ended": task_words.ended(task),
        "skipped": task.state == "skipped",
        "outcome": task.outcome,
        "staff": task.staff_name,
        "closed": moment_words(task.closed_s, zone) if task.closed_s is not None else "",
    }


async def act(desk: Desk) -> web.StreamResponse:
    """POST /balie/taken/{id}: doe is one of what its kind can do; the words that go with it stand in a field of it."""
    task_id, what = int(desk.request.match_info["id"]), desk.form.last("doe")
    field = f"taak-{task_id}"
    try:
        task = await desk.read(tasks.visible, task_id, desk.member.services)
        kind = KINDS[task.kind]
        if what not in kind.fields:
            raise TaskError("unknown_task")
        if stem := kind.fields[what]:
            field = f"{stem}-{task_id}"
        if task.state != "open":
            raise TaskError("settled")
        said = desk.form.text(field, most=OUTCOME_MAX) if stem else ""
        if not desk.form.errors:
            return go(_wanted(desk).address(gedaan=await kind.act(desk, task, what, said)))
    except TaskError as error:
        desk.form.fail(field, task_words.error(error.code))
    except BookingError:
        desk.form.fail(field, _("Dit is geen e-mailadres. Kijk het na."))
    return await _show(desk, 422)
