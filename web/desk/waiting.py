"""Who waits to be let in, who is inside, and who waits for a telephone call, as lines of the first page, in words.

Only appointments of one's own services: who waits for others is nobody's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from balie.booking import reading
from balie.booking.reading import Appointment
from balie.i18n import gettext as _
from balie.i18n import local, ngettext, pick, time_words
from balie.record import guided
from balie.record.guided import Guided
from balie.staff.accounts import Member
from balie.store.engine import Tx
from balie.visit import call_request, device_test, transfer
from balie.visit.device_test import DeviceTest
from balie.visit.transfer import Handed
from signalling.lobby import Here, Lobby
from web.citizen.words import and_words
from web.desk import standing, task_words, words
from web.desk.desk import Desk
from web.texts import wait_words

SLOW_S, LONG_S = 5 * 60, 10 * 60
"""From when on waiting is marked: one looks at the clock, and one is about to leave."""
STAFF = "staff"
Lights = Mapping[int, DeviceTest]
"""By participant id."""


@dataclass(frozen=True)
class Guest:
    """Somebody of an appointment.

    role   "" for the citizen
    tone   how a page marks the state, beside its words
    light  good, careful or bad: what the test of his device found, when he shared it
    """

    name: str
    role: str
    state: str
    tone: str
    light: str = ""
    light_words: str = ""


@dataclass(frozen=True)
class VisitLine:
    """An appointment whose people are here.

    mine   it is of who looks
    alert  what there is to do for him, "" for nothing; keys, one a thing, say whether any of it is new
    staff  colleagues inside, in words
    absent who comes along and is not here yet, in words; acts: as of web.desk.standing.told()
    """

    ref: str
    path: str
    time: str
    products: str
    whose: str
    mine: bool
    keys: str
    alert: str
    tone: str
    guests: tuple[Guest, ...]
    staff: str
    handed: str
    absent: str
    acts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CallLine:
    """Somebody who asks to be telephoned, in the waiting room still or not.

    path         of the appointment; done_path: where one says how it ended
    keys, alert  as of VisitLine
    """

    name: str
    phone: str
    asked: str
    time: str
    whose: str
    mine: bool
    path: str
    done_path: str
    keys: str
    alert: str


async def calls(desk: Desk) -> list[CallLine]:
    """Who asks to be telephoned: those of one's own appointments first, the longest wait first."""
    found = await desk.read(call_request.waiting, desk.member.services)
    return sorted((_call(each, desk) for each in found), key=lambda each: not each.mine)


def _call(each: call_request.Waiting, desk: Desk) -> CallLine:
    task, who, mine = each.task, each.who, each.who.staff_id == desk.member.id
    return CallLine(
        name=who.name,
        phone=words.phone_words(who.phone),
        asked=_("vroeg dit {wait} geleden").format(wait=wait_words(max(60, desk.now_s - task.opened_s))),
        time=time_words(local(task.start_s or 0, task.zone)),
        whose=_("van u") if mine else who.staff_name,
        mine=mine,
        path=f"/balie/afspraak/{task.ref}",
        done_path=f"/balie/taken#taak-{task.id}",
        keys=f"{task.ref}:call:{task.opened_s}" if mine else "",
        alert=task_words.call(who.name) if mine else "",
    )


async def visits(desk: Desk, lobbies: Mapping[str, Lobby]) -> list[VisitLine]:
    """Those where somebody waits first, one's own before others', the longest wait first; then those that go on."""
    if not lobbies:
        return []

    def look(tx: Tx) -> tuple[list[Appointment], dict[str, Handed], Lights, dict[int, Guided]]:
        found = reading.in_rooms(tx, lobbies.keys(), desk.member.services)
        here = [each for each in found if _guests(lobbies[each.room])]
        handed = transfer.last(tx, [each.ref for each in here])
        acts = {each.id: guided.read(tx, each.id) for each in here}
        return here, handed, device_test.shared(tx, [each.id for each in here]), acts

    here, handed, lights, acts = await desk.read(look)
    ordered = sorted(here, key=lambda each: _order(each, lobbies[each.room], desk.member))
    return [_line(each, lobbies[each.room], handed.get(each.ref), lights, acts[each.id], desk) for each in ordered]


def _line(
    each: Appointment, lobby: Lobby, handed: Handed | None, lights: Lights, acts: Guided, desk: Desk
) -> VisitLine:
    member, now_s = desk.member, desk.now_s
    guests = [_guest(each, person, lights, now_s, waits=person in lobby.waiting) for person in _guests(lobby)]
    mine = each.staff_id == member.id
    colleagues = [person.name for person in lobby.inside if person.role == STAFF]
    given = handed if handed is not None and mine and handed.to_staff == member.id else None
    keys, alert = _alert(each, lobby, given, member) if mine else ([], "")
    return VisitLine(
        ref=each.ref,
        path=f"/balie/gesprek/{each.ref}",
        time=time_words(local(each.start_s, each.zone)),
        products=and_words([pick(product.names) for product in each.products]),
        whose=_("van u") if mine else each.staff_name,
        mine=mine,
        keys=" ".join(keys),
        alert=alert,
        tone=max((guest.tone for guest in guests), key=("", "good", "slow", "bad").index, default=""),
        guests=tuple(guests),
        staff=and_words(colleagues) if colleagues else "",
        handed=given.from_name if given is not None else "",
        absent=_absent(each, lobby),
        acts=tuple(standing.told(acts)),
    )


def _absent(each: Appointment, lobby: Lobby) -> str:
    """Who comes along, with his role, while he is not here: his name stands among the guests when he is."""
    here = {person.id for person in _guests(lobby)}
    roles = words.roles()
    return and_words([f"{who.name} ({who.label or roles[who.role]})" for who in each.helpers if who.person not in here])


def _alert(each: Appointment, lobby: Lobby, given: Handed | None, member: Member) -> tuple[list[str], str]:
    """What calls him whose appointment it is.  Who is inside already hears it there."""
    if f"staff-{member.id}" in {person.id for person in lobby.inside}:
        return [], ""
    waiting = [person for person in lobby.waiting if not person.held]
    keys = [f"{each.ref}:{person.id}" for person in waiting]
    names = and_words([person.name for person in waiting or _guests(lobby)])
    if given is not None:
        said = _("{colleague} geeft u het gesprek met {name} door.").format(colleague=given.from_name, name=names)
        return [*keys, f"{each.ref}@{given.at_s}"], said
    return keys, ngettext("{name} wacht op u.", "{name} wachten op u.", len(waiting)).format(name=names) if keys else ""


def _guests(lobby: Lobby) -> list[Here]:
    return [*lobby.waiting, *(each for each in lobby.inside if each.role != STAFF)]


def _order(each: Appointment, lobby: Lobby, member: Member) -> tuple[bool, bool, int, int]:
    first = min((person.since_s for person in lobby.waiting), default=0)
    return not lobby.waiting, each.staff_id != member.id, first, each.start_s


def _guest(each: Appointment, person: Here, lights: Lights, now_s: int, *, waits: bool) -> Guest:
    known = next((someone for someone in each.people if someone.person == person.id), None)
    role = ""
    if known is not None and known.role != "citizen":
        role = known.label or words.roles()[known.role]
    test = lights.get(known.id) if known is not None else None
    light = test.light if test is not None else ""
    state, tone = _waits(person, each, now_s) if waits else (_("in het gesprek"), "")
    return Guest(person.name, role, state, tone, light, light_words(light))


def light_words(light: str) -> str:
    return {
        "good": _("toestel getest: in orde"),
        "careful": _("toestel getest: niet alles werkt"),
        "bad": _("toestel getest: een gesprek lukt niet"),
    }.get(light, "")


def _waits(person: Here, each: Appointment, now_s: int) -> tuple[str, str]:
    """How long, and how it is marked.  Who comes early does not wait long before his hour."""
    waiting_s = max(0, now_s - person.since_s)
    wait = wait_words(waiting_s)
    if person.held:
        return _("in de wacht, {wait}").format(wait=wait), "slow"
    if waiting_s < 60:
        return _("net aangekomen"), "good"
    since_hour_s = min(waiting_s, now_s - each.start_s)
    if since_hour_s >= LONG_S:
        return _("wacht al {wait}").format(wait=wait), "bad"
    return _("wacht {wait}").format(wait=wait), "slow" if since_hour_s >= SLOW_S else "good"
