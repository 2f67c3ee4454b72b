"""The URLs of citizens' pages."""

from __future__ import annotations

from aiohttp import web

from web import language
from web.citizen import details, goodbye, manage, start, wishing
from web.citizen.goodbye import leaving
from web.citizen.mine import mine
from web.documents.routes import CITIZEN as DOCUMENTS
from web.information.pages import ROUTES as INFORMATION
from web.samen.routes import CITIZEN as SAMEN

ROUTES = (
    web.get("/", start.start),
    web.get("/afspraak", wishing.entrance),
    web.get("/afspraak/nieuw", wishing.products),
    web.get("/afspraak/nieuw/tijd", wishing.times),
    web.post("/afspraak/nieuw/tijd", wishing.time_chosen),
    web.get("/afspraak/nieuw/gegevens", details.details),
    web.post("/afspraak/nieuw/gegevens", details.details_done),
    web.get("/afspraak/nieuw/nakijken", details.review),
    web.get("/afspraak/bevestigd/{token}", mine(manage.booked)),
    web.get("/a/{token}", mine(manage.appointment)),
    web.get("/a/{token}/afspraak.ics", mine(manage.calendar_file)),
    web.post("/a/{token}/gezien", mine(manage.seen)),
    web.post("/a/{token}/komt", mine(manage.comes)),
    web.post("/a/{token}/vorm", mine(manage.way)),
    web.get("/a/{token}/telefoon", mine(manage.calling)),
    web.post("/a/{token}/telefoon", mine(manage.call_me)),
    web.get("/a/{token}/annuleren", mine(manage.cancelling)),
    web.post("/a/{token}/annuleren", mine(manage.cancel)),
    web.get("/a/{token}/verzetten", mine(manage.moving)),
    web.post("/a/{token}/verzetten", mine(manage.move)),
    web.get("/a/{token}/iemand-mee", mine(manage.bringing)),
    web.post("/a/{token}/iemand-mee", mine(manage.bring)),
    web.post("/a/{token}/iemand-mee/{participant}/weg", mine(manage.leave_out)),
    web.get("/b/{token}", leaving(goodbye.page)),
    web.post("/b/{token}", leaving(goodbye.answer)),
    web.get("/b/{token}/stappen", leaving(goodbye.agreed)),
    web.post("/b/{token}/gezien", leaving(goodbye.seen)),
    web.post("/b/{token}/begin", leaving(goodbye.start)),
    web.post("/b/{token}/sluiten", leaving(goodbye.decline)),
    *SAMEN,
    *DOCUMENTS,
    *INFORMATION,
    *language.ROUTES,
)
