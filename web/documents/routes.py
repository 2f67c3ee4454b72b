"""The URLs of documents."""

from __future__ import annotations

from aiohttp import web

from web.citizen.goodbye import leaving
from web.citizen.mine import mine
from web.desk.desk import action, sending
from web.desk.desk import page as desk_page
from web.documents import citizen, desk
from web.documents.section import PLACE

_ID = "/{id:[0-9]{1,15}}"
_MINE, _LATE = "/a/{token}/documenten", "/b/{token}/documenten"
_DESK = PLACE + "/{ref:[A-Za-z0-9-]{4,16}}/documenten"

CITIZEN = (
    web.get(_MINE, mine(citizen.page)),
    web.post(_MINE, mine(citizen.send)),
    web.get(_MINE + _ID, mine(citizen.fetch)),
    web.post(f"{_MINE}{_ID}/weg", mine(citizen.remove)),
    web.get(_LATE, leaving(citizen.late_page)),
    web.get(_LATE + _ID, leaving(citizen.late_fetch)),
)
DESK = (
    desk_page(_DESK, desk.show),
    sending(_DESK, desk.send),
    action(f"{_DESK}/vraag", desk.ask),
    desk_page(_DESK + _ID, desk.fetch),
    action(f"{_DESK}{_ID}/weg", desk.remove),
)
