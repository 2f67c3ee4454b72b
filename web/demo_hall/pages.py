"""The halls' own website: what staff shows on the shared screen, and where one reserves alone the next time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from aiohttp import web

from balie.i18n import amount_words, day_words, local, time_words
from balie.i18n import gettext as _
from web import forms
from web.citizen.show import go
from web.demo_hall.api import HALL, name
from web.demo_hall.hall import BY_ID, HORIZON_DAYS, KINDS, Hall, HallError, Hour
from web.forms import Form, whole
from web.render import page

BASE = "/demo/reservatie"
HOLD_S = 10 * 60


@dataclass(frozen=True)
class Row:
    """A court and its hours, for the table of a day."""

    hall: str
    court: str
    hours: list[Hour]


def kind_words(kind: str) -> str:
    return {"badminton": _("Badminton"), "tennis": _("Tennis")}[kind]


async def start(request: web.Request) -> web.Response:
    """GET: what can be reserved."""
    kinds = [(kind, kind_words(kind)) for kind in KINDS]
    return page(request, "demo/hall/start.html", kinds=kinds, base=BASE)


async def day(request: web.Request) -> web.Response:
    """GET …/{kind}?dag=2026-12-08: which hours are free."""
    hall, kind = request.app[HALL], request.match_info["kind"]
    if kind not in KINDS:
        raise web.HTTPNotFound
    return _day(request, hall, kind, _chosen(hall, request.query.get("dag", "")))


def _day(request: web.Request, hall: Hall, kind: str, chosen: date, status: int = 200, said: str = "") -> web.Response:
    hours = hall.day(kind, chosen)
    rows = [
        Row(court.hall, court.name, [each for each in hours if each.court is court])
        for court in dict.fromkeys(each.court for each in hours)
    ]
    last = hall.today() + timedelta(days=HORIZON_DAYS - 1)
    return page(
        request,
        "demo/hall/day.html",
        status=status,
        base=BASE,
        kind=kind,
        title=kind_words(kind),
        day=day_words(chosen),
        before=(chosen - timedelta(days=1)).isoformat() if chosen > hall.today() else "",
        after=(chosen + timedelta(days=1)).isoformat() if chosen < last else "",
        rows=rows,
        clock=lambda from_s: time_words(local(from_s, hall.zone.key)),
        money=amount_words,
        said=said,
    )


async def choose(request: web.Request) -> web.Response:
    """GET …/{kind}/reserveren?terrein=&uur=: in whose name?"""
    return _ask(request, Form(request.query))


def _ask(request: web.Request, form: Form, status: int = 200) -> web.Response:
    hall, kind = request.app[HALL], request.match_info["kind"]
    hour = _hour(hall, kind, form)
    if hour is None:
        return _day(request, hall, kind, hall.today(), 404, _("Kies een uur uit de tabel."))
    if not hour.free:
        return _day(request, hall, kind, local(hour.from_s, hall.zone.key).date(), 409, _("Dat uur is net bezet."))
    return page(request, "demo/hall/who.html", status=status, base=BASE, kind=kind, form=form, **_said(hall, hour))


async def reserve(request: web.Request) -> web.Response:
    """POST …/{kind}/reserveren."""
    hall, kind = request.app[HALL], request.match_info["kind"]
    form = await forms.read(request)
    holder, hour = form.text("naam", _("Vul uw naam in.")), _hour(hall, kind, form)
    if hour is None or form.errors:
        return _ask(request, form, 422)
    try:
        held = hall.hold(hour.court.id, hour.from_s, hour.until_s, HOLD_S)
        hall.confirm(held.ref, holder)
    except HallError:
        return _ask(request, form, 409)
    return go(f"{BASE}/reservatie/{held.ref}")


async def show(request: web.Request) -> web.Response:
    """GET …/reservatie/{ref}: what was reserved."""
    hall = request.app[HALL]
    try:
        found = hall.find(request.match_info["ref"])
    except HallError:
        raise web.HTTPNotFound from None
    hour = Hour(found.court, found.from_s, found.until_s, found.price_cents, False)
    return page(request, "demo/hall/reserved.html", base=BASE, found=found, **_said(hall, hour))


def _said(hall: Hall, hour: Hour) -> dict[str, Any]:
    zone = hall.zone.key
    return {
        "hour": hour,
        "court": name(hour.court),
        "day": day_words(local(hour.from_s, zone).date()),
        "from_words": time_words(local(hour.from_s, zone)),
        "until_words": time_words(local(hour.until_s, zone)),
        "price": amount_words(hour.price_cents),
    }


def _chosen(hall: Hall, typed: str) -> date:
    today = hall.today()
    try:
        chosen = date.fromisoformat(typed)
    except ValueError:
        return today
    return min(max(chosen, today), today + timedelta(days=HORIZON_DAYS - 1))


def _hour(hall: Hall, kind: str, form: Form) -> Hour | None:
    court, from_s = BY_ID.get(form.last("terrein")), whole(form.last("uur"), most=1 << 35)
    if court is None or court.kind != kind or from_s is None:
        return None
    hours = hall.day(kind, local(from_s, hall.zone.key).date())
    return next((each for each in hours if each.court is court and each.from_s == from_s), None)


ROUTES = (
    web.get(f"{BASE}/", start),
    web.get(f"{BASE}/reservatie/{{ref:[A-Z0-9]{{8}}}}", show),
    web.get(f"{BASE}/{{kind:badminton|tennis}}", day),
    web.get(f"{BASE}/{{kind:badminton|tennis}}/reserveren", choose),
    web.post(f"{BASE}/{{kind:badminton|tennis}}/reserveren", reserve),
)
