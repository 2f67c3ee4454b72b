"""Every URL of the desk.  page() and action() let nobody in without a session; only the door is open to all."""

from __future__ import annotations

from aiohttp import web

from web.desk import appointment, booking, call, entry, hours, letters, overview, tasks, today
from web.desk.desk import ENTRY, action, exchange, page

_ONE = appointment.PLACE + "/{ref:[A-Za-z0-9-]{4,16}}"
_CALL = "/balie/gesprek/{ref:[A-Za-z0-9-]{4,16}}"
_ID = "/{id:[0-9]{1,15}}"

ROUTES = (
    web.get(ENTRY, entry.door),
    web.post(ENTRY, entry.enter),
    action("/balie/afmelden", entry.leave),
    page(entry.ACCOUNT, entry.account),
    action(f"{entry.ACCOUNT}/intrekken", entry.revoke),
    action(f"{entry.ACCOUNT}/wachtwoord", entry.password),
    action(f"{entry.ACCOUNT}/taal", entry.speak),
    page("/balie", today.today),
    page(overview.PLACE, overview.show),
    action(overview.PLACE, overview.search),
    page(booking.PLACE, booking.new),
    action(booking.PLACE, booking.book),
    page(f"{booking.PLACE}/uren", booking.free),
    page(_ONE, appointment.show),
    page(f"{_ONE}/blad", appointment.sheet),
    action(f"{_ONE}/bevestigen", appointment.confirm),
    action(f"{_ONE}/vorm", appointment.change),
    action(f"{_ONE}/helper", appointment.add_helper),
    action(f"{_ONE}/helper/weg", appointment.remove_helper),
    action(f"{_ONE}/link", appointment.resend),
    page(f"{_ONE}/annuleren", appointment.cancelling),
    action(f"{_ONE}/annuleren", appointment.cancel),
    page(f"{_ONE}/verzetten", appointment.moving),
    action(f"{_ONE}/verzetten", appointment.move),
    page(f"{_ONE}/verzetten/uren", appointment.moving_times),
    page(_CALL, call.door),
    exchange(f"{_CALL}/join", call.join),
    page(tasks.PLACE, tasks.show),
    action(tasks.PLACE + _ID, tasks.act),
    page(letters.PLACE, letters.show),
    page(letters.PLACE + _ID, letters.one),
    action(letters.PLACE + _ID, letters.act),
    page(hours.PLACE, hours.show),
    action(f"{hours.PLACE}/uren", hours.put),
    action(f"{hours.PLACE}/uren{_ID}", hours.put),
    action(f"{hours.PLACE}/uren{_ID}/einde", hours.end),
    action(f"{hours.PLACE}/dicht", hours.close),
    action(f"{hours.PLACE}/dicht{_ID}/weg", hours.reopen),
)
