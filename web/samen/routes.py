"""The URLs of the panel."""

from __future__ import annotations

from aiohttp import web

from web.desk.desk import action
from web.desk.desk import page as desk_page
from web.samen import citizen, desk, paying, reserving
from web.samen.seat import guest

_MINE = "/a/{token}/samen"
_STEP = _MINE + "/{step:[0-9]{1,15}}"
_CALL = "/balie/gesprek/{ref:[A-Za-z0-9-]{4,16}}/samen"

CITIZEN = (
    web.get(_MINE, guest(citizen.page)),
    web.get(f"{_MINE}/deel", guest(citizen.fragment)),
    web.post(f"{_MINE}/vraag", guest(citizen.ask, citizen=True)),
    web.get(f"{_STEP}/uren", guest(reserving.free, citizen=True)),
    web.get(f"{_STEP}/qr", guest(citizen.qr, citizen=True)),
    web.post(f"{_STEP}/keuze", guest(reserving.choose, citizen=True)),
    web.post(f"{_STEP}/reserveren", guest(reserving.reserve, citizen=True)),
    web.post(f"{_STEP}/vrijgeven", guest(reserving.let_go, citizen=True)),
    web.post(f"{_STEP}/gelezen", guest(citizen.read, citizen=True)),
    web.get(f"{_STEP}/betalen", guest(paying.page, citizen=True)),
    web.post(f"{_STEP}/betalen", guest(paying.pay, citizen=True)),
)
DESK = (
    desk_page(_CALL, desk.show),
    action(f"{_CALL}/stap", desk.open_step),
    action(f"{_CALL}/stap/{{id:[0-9]{{1,15}}}}", desk.act),
    action(f"{_CALL}/vraag", desk.ask),
    action(f"{_CALL}/agenda", desk.mark),
    action(f"{_CALL}/product", desk.add_product),
)
