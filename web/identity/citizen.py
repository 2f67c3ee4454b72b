"""A citizen shows who he is: from the page of his appointment, from the call, or with another device.

Only he: who comes along, and staff, get 403 on everything here that begins an identification.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from balie.booking import reading
from balie.booking.errors import NotFound
from balie.booking.reading import Appointment
from balie.i18n import gettext as _
from balie.i18n import language, moment_words, pick, speaking
from balie.identity import codes, records
from balie.identity.errors import IdentityError
from balie.identity.service import Departure, Identities
from balie.store.engine import Tx
from web import forms
from web.citizen.mine import Mine
from web.citizen.office import office
from web.citizen.show import go, show
from web.citizen.words import and_words
from web.desk import qr
from web.desk.desk import not_signed_in
from web.identity import leaving, words
from web.identity.keys import identities
from web.identity.news import tell
from web.keys import SITE
from web.language import chosen
from web.problems import Refused

START = "/identificatie/start"


@dataclass(frozen=True)
class _Start:
    """What a code on another device is for."""

    begins: codes.Begins
    asked: records.Asked
    appointment: Appointment


async def page(request: web.Request, mine: Mine) -> web.Response:
    """GET /a/{token}/identificeren: what for, how long it is kept, and the button."""
    await _only_citizen(request, mine)
    return _page(request, mine)


async def begin(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/identificeren: to the provider.  Sent with target=_blank, so that a call goes on."""
    await forms.read(request)
    await _only_citizen(request, mine)
    there = identities(request)
    if mine.identity is None or mine.identity.state == "verified":
        return go(f"{mine.url}/identificeren")
    leaving.not_too_often(request)
    try:
        identification_id = await _request(mine, there)
        departure = await _depart(there, identification_id)
    except IdentityError as error:
        return _page(request, mine, error.code)
    tell(request.app, mine.appointment.room)
    return leaving.leave(request, departure, _label(there))


async def code(request: web.Request, mine: Mine) -> web.Response:
    """POST /a/{token}/identificeren/code: a QR code for another device, good once and for ten minutes."""
    await forms.read(request)
    await _only_citizen(request, mine)
    if mine.identity is None or mine.identity.state == "verified":
        return go(f"{mine.url}/identificeren")
    try:
        identification_id = await _request(mine, identities(request))
        made = await mine.here.write(codes.give, mine.here.now_s, mine.here.entropy, identification_id)
    except IdentityError as error:
        return _page(request, mine, error.code)
    link = f"{request.app[SITE].public_url}{START}/{made}"
    return _page(request, mine, link=link)


async def start_page(request: web.Request) -> web.Response:
    """GET /identificatie/start/{code}: one button.  Looking changes nothing."""
    await not_signed_in(request)
    here = office(request)
    found = await here.read(_begins, here.now_s, request.match_info["code"])
    if found is None:
        return show(request, "identify_over.html", status=410)
    about, asked = found.appointment, found.asked
    with speaking(chosen(request) or found.begins.locale):
        return show(
            request,
            "identify_start.html",
            phone=about.service_phone,
            asked=asked,
            purpose=pick(asked.purposes),
            path=request.path,
            # Who was handed somebody else's code sees that this is no appointment of his.
            names=and_words([pick(each.names) for each in about.products]),
            when=moment_words(about.start_s, about.zone),
        )


async def start(request: web.Request) -> web.Response:
    """POST /identificatie/start/{code}: to the provider, once."""
    await forms.read(request)
    await not_signed_in(request)
    here, there, given = office(request), identities(request), request.match_info["code"]
    found = await here.read(_begins, here.now_s, given)
    if found is None:
        return show(request, "identify_over.html", status=410)
    with speaking(chosen(request) or found.begins.locale):
        try:
            await _ready(there)  # a code is not used up by a provider that is down
            begins = await here.write(codes.use, here.now_s, given)
            departure = await _depart(there, begins.identification_id)
        except IdentityError as error:
            return _back_page(request, error.code)
        tell(request.app, begins.room)
        return leaving.leave(request, departure, _label(there))


def _back_page(request: web.Request, code: str) -> web.Response:
    said = words.for_citizen(code)
    return show(request, "identify_back.html", status=503, here="/", error=said, found=None)


def _page(request: web.Request, mine: Mine, error: str = "", link: str = "") -> web.Response:
    asked, there = mine.identity, identities(request)
    if asked is None:
        raise web.HTTPNotFound
    failed = error or (asked.error if asked.state in ("failed", "aborted") else "")
    return show(
        request,
        "identify.html",
        status=503 if error else 200,
        here=f"{mine.url}/identificeren",
        mine=mine,
        phone=mine.phone,
        asked=asked,
        purpose=pick(asked.purposes),
        label=_label(there),
        possible=there is not None and there.citizen is not None,
        error=words.for_citizen(failed) if failed else "",
        link=link,
        qr=qr.svg(link) if link else "",
        minutes=codes.LASTS_S // 60,
    )


async def _only_citizen(request: web.Request, mine: Mine) -> None:
    if not mine.is_citizen:
        raise Refused(text=_("Alleen wie de afspraak maakte, kan dit doen. U komt mee met die persoon."))
    await not_signed_in(request)


async def _request(mine: Mine, there: Identities | None) -> int:
    """Ask, as the product has it."""
    asked, provider = mine.identity, there.citizen if there is not None else None
    if asked is None or provider is None:
        raise IdentityError("not_configured")
    try:
        return await mine.here.write(
            records.request,
            mine.here.now_s,
            mine.appointment.id,
            mine.me.id,
            asked.product_id,
            provider.name,
            asked.required_acr,
        )
    except NotFound:
        raise IdentityError("request_over") from None


async def _ready(there: Identities | None) -> None:
    if there is None:
        raise IdentityError("not_configured")
    await there.ready(there.citizen)


async def _depart(there: Identities | None, identification_id: int) -> Departure:
    if there is None:
        raise IdentityError("not_configured")
    return await there.begin(there.citizen, language(), identification_id=identification_id)


def _label(there: Identities | None) -> str:
    return there.citizen.label if there is not None and there.citizen is not None else ""


def _begins(tx: Tx, now_s: int, given: str) -> _Start | None:
    begins = codes.find(tx, now_s, given)
    asked = records.asked(tx, now_s, begins.appointment_id) if begins is not None else None
    if begins is None or asked is None:
        return None
    return _Start(begins, asked, reading.by_id(tx, begins.appointment_id))
