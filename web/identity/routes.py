"""The URLs of these pages."""

from __future__ import annotations

from aiohttp import web

from balie.identity.service import RETURN
from web.citizen.mine import mine
from web.identity import back, citizen, member

ROUTES = (
    web.get("/a/{token}/identificeren", mine(citizen.page)),
    web.post("/a/{token}/identificeren", mine(citizen.begin)),
    web.post("/a/{token}/identificeren/code", mine(citizen.code)),
    web.get(f"{citizen.START}/{{code}}", citizen.start_page),
    web.post(f"{citizen.START}/{{code}}", citizen.start),
    web.get(f"{RETURN}/{{provider:[a-z0-9-]{{1,32}}}}", back.back),
    web.get(RETURN, back.back),
    web.post("/identificatie/afmelden", back.sign_out),
    web.get(back.SIGNED_OUT, back.signed_out),
    web.post(member.PLACE, member.begin),
)
