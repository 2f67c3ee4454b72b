"""After a visit: what became of it.  What can be known stands there already, so that one click is often enough."""

from __future__ import annotations

from datetime import date

from aiohttp import web

from balie.booking import appointments, reading
from balie.booking.appointments import Booking
from balie.booking.errors import BookingError, NotFound
from balie.booking.people import Person
from balie.booking.reading import Appointment
from balie.booking.slots import Slot, Wish
from balie.i18n import gettext as _
from balie.i18n import local, moment_words, ngettext, short_day_words, time_words
from balie.record.guided import Guided
from balie.samen import state
from balie.staff import agenda
from balie.store.engine import Tx
from balie.visit import steps, wrap_up
from balie.visit.steps import NextStep
from balie.visit.wrap_up import WrapUp
from web.citizen.goodbye import step_words
from web.desk import words
from web.desk.desk import Desk, go
from web.desk.rows import row
from web.forms import whole
from web.keys import CALENDARS
from web.samen import words as acts

PLACE = "/balie/afhandeling"
LOOKED_AT = 200  # free times: a week or two of one person
OFFERED = 4  # times of a follow-up; who wants another books it as any other


async def listed(desk: Desk) -> web.StreamResponse:
    """GET /balie/afhandeling; ?wie=ik shows one's own visits only."""
    own = desk.request.query.get("wie") == "ik"

    def look(tx: Tx) -> list[tuple[Appointment, WrapUp]]:
        staff_id = desk.member.id if own else None
        found = wrap_up.open_of(tx, desk.member.services, desk.now_s, staff_id=staff_id)
        return [(reading.by_id(tx, each), wrap_up.of_appointment(tx, each)) for each in found]

    found = await desk.read(look)
    return await desk.show(
        "wrap_ups.html",
        own=own,
        count=ngettext("{n} gesprek om af te ronden", "{n} gesprekken om af te ronden", len(found)).format(
            n=len(found)
        ),
        visits=[
            {
                "row": row(about, {}, desk.now_s),
                "ready": written.ready,
                "proposed": written.outcome or written.proposed,
                "left": "; ".join(acts.left(written.left, doubtful=written.doubtful)),
            }
            for about, written in found
        ],
        outcomes=outcomes(),
    )


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/gesprek/{ref}/afronden."""
    return await _show(desk)


async def _show(desk: Desk, status: int = 200) -> web.Response:
    def look(tx: Tx) -> tuple[Appointment, WrapUp, list[NextStep], list[Slot], list[Appointment], Guided]:
        found = visible(tx, desk)
        written, agreed = wrap_up.of_appointment(tx, found.id), steps.of_appointment(tx, found.id)
        happened = state.of(tx, found.id, "staff")
        return found, written, agreed, _free(tx, desk, found), _following(tx, found), happened

    found, written, agreed, free, following, happened = await desk.read(look)
    return await desk.show(
        "wrap_up.html",
        status=status,
        found=found,
        row=row(found, {}, desk.now_s),
        when=moment_words(found.start_s, found.zone),
        written=written,
        happened=acts.story(happened, found.zone),
        left=acts.left(written.left, doubtful=written.doubtful),
        note=written.note or "\n".join(acts.story(happened, found.zone, proofs=False)),
        agreed=[_told(desk, each) for each in agreed],
        owners=list(words.step_owners().items()),
        outcomes=list(outcomes().items()),
        outcome=written.outcome or written.proposed,
        attendances=list(attendances().items()),
        asks_attendance=written.attendance == "unclear" or "aanwezig" in desk.form.errors,
        free=[(each.start_s, _slot_words(each, found.zone)) for each in free],
        following=[(each.ref, moment_words(each.start_s, each.zone)) for each in following],
        goes_on=found.stands and found.modality == "video",
    )


def _told(desk: Desk, each: NextStep) -> dict[str, object]:
    """As it stands, or as it was ticked in a form that comes back."""
    ticked = str(each.id) in desk.form.all("klaar") if "notitie" in desk.form.values else each.done_s is not None
    return {"step": each, "words": step_words(each), "owner": words.step_owners()[each.owner], "done": ticked}


async def act(desk: Desk) -> web.StreamResponse:
    """POST /balie/gesprek/{ref}/afronden: doe is rond-af, bewaar, stap, weg or vervolg.  Each keeps what was typed."""
    form, what = desk.form, desk.form.last("doe").partition(":")
    note = form.lines("notitie", most=wrap_up.NOTE_MAX)
    do = {"rond-af": _finish, "stap": _add_step, "weg": _remove_step, "vervolg": _follow_up}.get(what[0])
    ticked = {whole(each, least=1) for each in form.all("klaar")}

    def write(tx: Tx) -> None:
        found = visible(tx, desk)
        if "notitie" in form.values:
            wrap_up.take_note(tx, desk.now_s, found.id, desk.member.id, note)
            _tick(tx, desk, found, ticked)
        if do is not None:
            do(tx, desk, found, what[2])

    if not form.errors:
        try:
            await desk.write(write)
        except BookingError as error:
            form.fail(*_refusal(error))
    if form.errors:
        return await _show(desk, 422)
    if what[0] == "rond-af":
        return go(PLACE, "afgerond")
    return go(desk.request.path, "bewaard" if do is None else "")


def _finish(tx: Tx, desk: Desk, found: Appointment, _what: str) -> None:
    outcome, attendance = desk.form.last("uitkomst"), desk.form.last("aanwezig")
    now_s, entropy, key = desk.now_s, desk.entropy, desk.link_key
    wrap_up.finish(tx, now_s, entropy, key, found.id, desk.member.id, outcome, attendance=attendance)


def _add_step(tx: Tx, desk: Desk, found: Appointment, _what: str) -> None:
    text, owner, day = (desk.form.last(f"stap-{each}").strip() for each in ("tekst", "wie", "dag"))
    steps.add(tx, desk.now_s, found.id, desk.member.actor, text, owner, day)


def _remove_step(tx: Tx, desk: Desk, found: Appointment, what: str) -> None:
    steps.remove(tx, desk.now_s, found.id, whole(what, least=1) or 0, desk.member.actor)


def _tick(tx: Tx, desk: Desk, found: Appointment, ticked: set[int | None]) -> None:
    """Steps that were done since the page was made, or were not after all."""
    for each in steps.of_appointment(tx, found.id):
        if (each.done_s is not None) != (each.id in ticked):
            steps.mark(tx, desk.now_s, found.id, each.id, desk.member.actor, done=each.id in ticked)


def _follow_up(tx: Tx, desk: Desk, found: Appointment, what: str) -> None:
    """The same people about the same, with the same member of staff, at one of the times that were shown."""
    who = found.citizen
    if who is None:
        raise NotFound("person")
    citizen, *helpers = (
        Person(each.name, each.role, each.mail, each.phone, each.locale, each.label, each.rights)
        for each in (who, *found.helpers)
    )
    request = Booking(
        citizen,
        channel=found.channel,
        actor=desk.member.actor,
        wish=_wish(found),
        start_s=whole(what) or 0,
        helpers=tuple(helpers),
        locale=found.locale,
        follow_up_of=found.id,
    )
    appointments.book(tx, desk.now_s, desk.entropy, desk.link_key, request)


def _wish(found: Appointment) -> Wish:
    return Wish(tuple(each.id for each in found.products), found.modality, found.staff_id, urgent=True)


def _free(tx: Tx, desk: Desk, found: Appointment) -> list[Slot]:
    """The first time of each of the next days with the same person; from tomorrow, for today he was here."""
    if found.citizen is None:
        return []
    tomorrow_s = desk.now_s + 86_400
    try:
        free = desk.request.app[CALENDARS].first(tx, _wish(found), desk.now_s, LOOKED_AT, from_s=tomorrow_s)
    except BookingError:
        return []  # what it was about is not offered any more
    by_day: dict[date, Slot] = {}
    for each in free:
        by_day.setdefault(local(each.start_s, found.zone).date(), each)
    return list(by_day.values())[:OFFERED]


def _following(tx: Tx, found: Appointment) -> list[Appointment]:
    return [reading.by_id(tx, each) for each in wrap_up.following(tx, found.id)]


def _slot_words(each: Slot, zone: str) -> str:
    at = local(each.start_s, zone)
    return _("{day} om {time}").format(day=short_day_words(at.date()), time=time_words(at))


def visible(tx: Tx, desk: Desk) -> Appointment:
    """404: none, or of a service of others."""
    try:
        return agenda.visible(tx, desk.member, desk.request.match_info["ref"])
    except NotFound:
        raise web.HTTPNotFound from None


def outcomes() -> dict[str, str]:
    """What became of a visit."""
    return {
        "done": _("Alles is klaar"),
        "continues": _("Wij werken er verder aan"),
        "referred": _("Doorverwezen naar een andere dienst"),
        "broken_off": _("Het gesprek is afgebroken"),
        "not_held": _("Het gesprek ging niet door"),
    }


def attendances() -> dict[str, str]:
    """Who was there."""
    return {
        "seen": _("We hebben elkaar gesproken"),
        "no_show_citizen": _("De burger was er niet"),
        "no_show_office": _("Wij waren er niet"),
    }


def _refusal(error: BookingError) -> tuple[str, str]:
    """The field on which a refusal stands, and what it says."""
    said = {
        "not_wrapped_up": (
            "doe",
            _("Het gesprek is nog niet voorbij. Beëindig het eerst, of wacht tot iedereen weg is."),
        ),
        "outcome_unknown": ("uitkomst", _("Kies hoe het afliep.")),
        "attendance_missing": ("aanwezig", _("Wij weten niet wie er was. Kies wat er gebeurde.")),
        "attendance_unknown": ("aanwezig", _("Kies wat er gebeurde.")),
    }
    if error.code in said:
        return said[error.code]
    if error.code.startswith(("text", "step", "due_day", "owner")):
        return words.step_error_words(error)
    return "doe", words.booking_error_words(error)[1]
