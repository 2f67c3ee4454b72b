"""Own hours, absences and closures: when appointments can be made, and which ones no longer fit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from aiohttp import web
from babel.dates import format_date
from multidict import MultiDict

from balie.booking import catalogue
from balie.booking.catalogue import Service
from balie.booking.reading import Appointment
from balie.i18n import day_words, duration_words, language, local, pick, time_words
from balie.i18n import gettext as _
from balie.staff import working_hours
from balie.staff.working_hours import MODALITIES, Closure, Hours, HoursError
from balie.store.engine import Tx
from web.desk import words
from web.desk.desk import Desk, go
from web.desk.rows import rows
from web.forms import Form, whole

PLACE = "/balie/beschikbaarheid"


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/beschikbaarheid."""
    return await _show(desk)


async def _show(desk: Desk, status: int = 200) -> web.Response:
    member, today = desk.member, local(desk.now_s, desk.member.zone).date()

    def look(tx: Tx) -> tuple[list[Hours], list[Closure], list[Appointment], list[Service]]:
        services = [each for each in catalogue.services(tx) if each.id in member.services]
        hours = working_hours.hours_of(tx, member.id, today)
        closed = working_hours.closures(tx, member, desk.now_s)
        return hours, closed, working_hours.conflicts(tx, member, desk.now_s), services

    kept, closed, conflicts, services = await desk.read(look)
    names = {each.id: pick(each.names) for each in services}
    typed = {name: desk.form.values.getall(name) for name in desk.form.values}
    filled = MultiDict[str]()
    for name, values in {**_defaults(kept, today), **typed}.items():
        for value in values:
            filled.add(name, value)
    return await desk.show(
        "hours.html",
        status=status,
        form=Form(filled, desk.form.errors),
        day_options=[(str(at), name) for at, name in enumerate(_days())],
        by_day=[
            (name, [_told(each, names, today) for each in kept if each.weekday == at])
            for at, name in enumerate(_days())
        ],
        services=[(str(each.id), names[each.id]) for each in services],
        every=words.every_weeks(),
        modalities=[(each, words.modalities()[each]) for each in MODALITIES],
        absences=[_closed_told(each, names) for each in closed if each.staff_id is not None],
        closures=[_closed_told(each, names) for each in closed if each.staff_id is None],
        whose=_whose(desk, services),
        conflicts=rows(conflicts, {}, desk.now_s),
        today=today.isoformat(),
    )


def _days() -> list[str]:
    """maandag to zondag"""
    monday = date(2026, 1, 5)
    return [format_date(monday + timedelta(days=each), "EEEE", locale=language()) for each in range(7)]


def _defaults(kept: list[Hours], today: date) -> dict[str, list[str]]:
    """What the fields hold before anybody types: of each hours those themselves, of new ones a usual day."""
    new = Hours(0, 0, 9 * 60, 12 * 60, today.isoformat())
    filled: dict[str, list[str]] = {}
    for suffix, each in [("", new), *((f"-{each.id}", each) for each in kept)]:
        filled |= {
            f"dag{suffix}": [str(each.weekday)],
            f"van{suffix}": [_clock(each.from_min)],
            f"tot{suffix}": [_clock(each.until_min)],
            f"vanaf{suffix}": [each.from_day],
            f"tm{suffix}": [each.until_day],
            f"weken{suffix}": [str(each.every_weeks)],
            f"dienst{suffix}": [str(each.service_id)],
            f"vorm{suffix}": list(each.modalities),
        }
    return filled


def _clock(minutes: int) -> str:
    """As an input of type time has it; midnight at the end of a day is its last minute there."""
    return f"{minutes // 60:02}:{minutes % 60:02}" if minutes < 24 * 60 else "23:59"


def _told(each: Hours, names: dict[int, str], today: date) -> dict[str, object]:
    from_, until = (
        time_words(local(0, "UTC").replace(hour=at // 60 % 24, minute=at % 60))
        for at in (each.from_min, each.until_min)
    )
    often = "" if each.every_weeks == 1 else _("om de {n} weken").format(n=each.every_weeks)
    first = date.fromisoformat(each.from_day)
    from_day = _("vanaf {day}").format(day=day_words(first)) if first > today else ""
    until_day = (
        _("tot en met {day}").format(day=day_words(date.fromisoformat(each.until_day))) if each.until_day else ""
    )
    ways = [words.modalities()[way] for way in MODALITIES if way in each.modalities]
    with_ways = "" if len(ways) == len(MODALITIES) else ", ".join(ways)
    service = names.get(each.service_id, "") if len(names) > 1 else ""
    return {
        "id": each.id,
        "time": _("{from_} tot {until}").format(from_=from_, until=until),
        "lasts": duration_words(each.until_min - each.from_min),
        "more": " · ".join(part for part in (service, often, with_ways, from_day, until_day) if part),
    }


def _closed_told(each: Closure, names: dict[int, str]) -> dict[str, object]:
    first, last = (date.fromisoformat(moment[:10]) for moment in (each.from_local, each.until_local))
    all_day = each.from_local.endswith("T00:00") and each.until_local.endswith("T00:00")
    if all_day:
        last -= timedelta(days=1)
        when = day_words(first) if first == last else f"{day_words(first)} – {day_words(last)}"
    elif first == last:
        when = f"{day_words(first)}, {each.from_local[11:]} – {each.until_local[11:]}"
    else:
        when = f"{day_words(first)} {each.from_local[11:]} – {day_words(last)} {each.until_local[11:]}"
    of_whom = names.get(each.service_id, "") if each.service_id is not None else _("het hele bestuur")
    return {"id": each.id, "when": when, "reason": each.reason, "whose": "" if each.staff_id is not None else of_whom}


def _whose(desk: Desk, services: list[Service]) -> list[tuple[str, str]]:
    """What somebody may close beside himself."""
    found = [(f"dienst-{each.id}", pick(each.names)) for each in services] if desk.member.may("lead") else []
    return [*found, ("bestuur", _("Het hele bestuur"))] if desk.member.may("admin") else found


# -- actions --------------------------------------------------------------------------------------------


async def put(desk: Desk) -> web.StreamResponse:
    """POST /balie/beschikbaarheid/uren (new) and /uren/{id} (change)."""
    hours_id = desk.request.match_info.get("id", "")
    wanted = _read(desk, f"-{hours_id}" if hours_id else "", int(hours_id) if hours_id else None)
    if wanted is not None:
        await _attempt(desk, working_hours.put, wanted, suffix=f"-{hours_id}" if hours_id else "")
    return await _show(desk, 422) if desk.form.errors else go(PLACE, "uren")


def _read(desk: Desk, suffix: str, hours_id: int | None) -> Hours | None:
    form = desk.form
    from_min, until_min = (_minutes(form, f"{name}{suffix}") for name in ("van", "tot"))
    from_day = _day(form, f"vanaf{suffix}", _("Kies vanaf welke dag."))
    until_day = _day(form, f"tm{suffix}") if form.last(f"tm{suffix}") else ""
    services = sorted(desk.member.services)
    service_id = form.number(f"dienst{suffix}", least=1) or (services[0] if len(services) == 1 else 0)
    if from_min is None or until_min is None or form.errors:
        return None
    return Hours(
        service_id=service_id,
        weekday=form.number(f"dag{suffix}", most=6) or 0,
        from_min=from_min,
        until_min=until_min,
        from_day=from_day,
        until_day=until_day,
        every_weeks=form.number(f"weken{suffix}", least=1) or 1,
        modalities=tuple(form.all(f"vorm{suffix}")),
        id=hours_id,
    )


def _minutes(form: Form, name: str) -> int | None:
    typed = form.last(name)
    hour, _colon, minute = typed.partition(":")
    if (
        len(hour) == len(minute) == 2
        and hour.isdecimal()
        and minute.isdecimal()
        and int(hour) < 24
        and int(minute) < 60
    ):
        return 24 * 60 if typed == "23:59" else int(hour) * 60 + int(minute)
    form.fail(name, _("Vul een uur in, zoals 09:00."))
    return None


def _day(form: Form, name: str, required: str = "") -> str:
    typed = form.last(name)
    try:
        return (
            date.fromisoformat(typed).isoformat() if len(typed) == len("2026-12-08") else _no_day(form, name, required)
        )
    except ValueError:
        return _no_day(form, name, required)


def _no_day(form: Form, name: str, required: str) -> str:
    form.fail(name, required or _("Vul een dag in."))
    return ""


async def end(desk: Desk) -> web.StreamResponse:
    """POST /balie/beschikbaarheid/uren/{id}/einde: they hold today, and not from tomorrow on."""
    today = local(desk.now_s, desk.member.zone).date()
    hours_id = int(desk.request.match_info["id"])
    await _attempt(desk, working_hours.end, hours_id, today, suffix=f"-{hours_id}")
    return await _show(desk, 422) if desk.form.errors else go(PLACE, "uren-weg")


async def close(desk: Desk) -> web.StreamResponse:
    """POST /balie/beschikbaarheid/dicht: one's own absence, or (wie) a closure of a service or the office."""
    form, whose = desk.form, desk.form.last("wie")
    stem = "dicht-" if whose else "weg-"
    first = _day(form, f"{stem}van", _("Kies de eerste dag."))
    last = _day(form, f"{stem}tm", _("Kies de laatste dag.")) if form.last(f"{stem}tm") else first
    reason = form.text(f"{stem}reden", most=working_hours.REASON_MAX)
    hours = [_minutes(form, f"{stem}{name}uur") if form.last(f"{stem}{name}uur") else None for name in ("van", "tot")]
    if not form.errors:
        ends = date.fromisoformat(last) + timedelta(days=1) if hours[1] is None else date.fromisoformat(last)
        wanted = Closure(
            from_local=f"{first}T{_clock(hours[0] or 0)}",
            until_local=f"{ends.isoformat()}T{_clock(hours[1] or 0)}",
            reason=reason,
            service_id=None if whose in ("", "bestuur") else whole(whose.removeprefix("dienst-")) or 0,
            staff_id=None if whose else desk.member.id,
        )
        await _attempt(desk, working_hours.close, wanted, stem=stem)
    return await _show(desk, 422) if form.errors else go(PLACE, "sluiting" if whose else "afwezig")


async def reopen(desk: Desk) -> web.StreamResponse:
    """POST /balie/beschikbaarheid/dicht/{id}/weg."""
    await _attempt(desk, working_hours.reopen, int(desk.request.match_info["id"]), stem="weg-")
    return await _show(desk, 422) if desk.form.errors else go(PLACE, "afwezig-weg")


async def _attempt(
    desk: Desk, function: Callable[..., object], *arguments: object, stem: str = "", suffix: str = ""
) -> None:
    """Write; a refusal becomes an error of its field."""
    try:
        await desk.write(function, desk.now_s, desk.member, *arguments)
    except HoursError as error:
        field, sentence = words.hours_error_words(error.code)
        desk.form.fail(f"{stem}{field}{suffix}", sentence)
