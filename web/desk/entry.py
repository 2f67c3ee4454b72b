"""Coming in and going out: signing in with a password, signing out, one's own sessions, password and language."""

from __future__ import annotations

from aiohttp import web
from multidict import MultiDict

from balie.i18n import LANGUAGES, language, moment_words
from balie.i18n import gettext as _
from balie.record import audit
from balie.staff import accounts, photos, sessions
from balie.staff.passwords import WeakPasswordError, check_strength
from balie.staff.photos import PhotoError
from balie.store.engine import Tx
from web import forms
from web.desk import gate
from web.desk.desk import ACCOUNT, ENTRY, Desk, go, inside
from web.desk.keys import GATE
from web.desk.words import browser_words
from web.forms import Form
from web.identity import leaving
from web.identity.keys import identities
from web.keys import PAGES, SITE, STORE, UNIX_TIME
from web.texts import wait_words

OUT = f"{ENTRY}?uit=1"
"""The page for who signed out."""


async def door(request: web.Request) -> web.Response:
    """GET /balie/aanmelden."""
    wanted = request.query.get("naar", "")
    return _door(request, Form(MultiDict({"naar": wanted} if wanted else {})))


def _door(request: web.Request, form: Form, status: int = 200) -> web.Response:
    template, there = request.app[PAGES].get_template("desk/entry.html"), identities(request)
    behind = there is not None and there.form_behind_link and not form.errors and "lokaal" not in request.query
    html = template.render(
        site=request.app[SITE],
        lang=language(),
        form=form,
        out="uit" in request.query,
        label=there.staff.label if there is not None and there.staff is not None else "",
        form_behind_link=behind,
    )
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)


async def enter(request: web.Request) -> web.Response:
    """POST /balie/aanmelden: to the page that one wanted, or the form again: 401, or 429 with the time to wait."""
    form = await forms.read(request)
    login = form.text("login", _("Vul uw gebruikersnaam in."))
    password = form.last("wachtwoord")
    if not password:
        form.fail("wachtwoord", _("Vul uw wachtwoord in."))
    if form.errors:
        return _door(request, form, 422)
    now_s = int(request.app[UNIX_TIME]())
    admission = await request.app[GATE].check(request.app[STORE], login, password, request.remote or "", now_s)
    if admission.wait_s:
        said = _("Er is te vaak geprobeerd om aan te melden. Probeer het opnieuw over {wait}.")
        form.fail("login", said.format(wait=wait_words(admission.wait_s)))
        response = _door(request, form, 429)
        response.headers["Retry-After"] = str(admission.wait_s)
        return response
    if admission.staff_id is None:
        form.fail(
            "login", _("Deze gebruikersnaam en dit wachtwoord horen niet bij elkaar. Kijk ze na en probeer opnieuw.")
        )
        return _door(request, form, 401)
    return await gate.admit(request, admission.staff_id, inside(form.last("naar")))


async def leave(desk: Desk) -> web.StreamResponse:
    """POST /balie/afmelden."""

    def end(tx: Tx) -> None:
        sessions.revoke(tx, desk.member.id, desk.session.key)
        audit.note(tx, desk.now_s, desk.member.actor, "staff.signed_out", f"staff/{desk.member.id}")

    await desk.write(end)
    response = gate.dismiss(desk.request, OUT)
    provider, id_token = leaving.take_provider(desk.request)
    there = identities(desk.request)
    if provider and there is not None and (url := await there.sign_out(provider, OUT, id_token)):
        response = gate.dismiss(desk.request, OUT, leaving.go_on(desk.request, url, ""))
    leaving.forget_provider(desk.request, response)
    return response


async def account(desk: Desk) -> web.StreamResponse:
    """GET /balie/sessies: where one is signed in, one's password and language."""
    return await _account(desk)


async def _account(desk: Desk, status: int = 200) -> web.Response:
    mine = await desk.read(sessions.of_member, desk.member.id, desk.now_s)
    photo = await desk.read(photos.url, desk.member.id)
    zone = desk.member.zone
    rows = [
        {
            "key": each.key.hex(),
            "here": each.key == desk.session.key,
            "browser": browser_words(each.agent),
            "since": moment_words(each.created_s, zone),
            "seen": moment_words(each.seen_s, zone),
        }
        for each in mine
    ]
    return await desk.show("account.html", status=status, sessions=rows, languages=LANGUAGES, photo=photo)


async def revoke(desk: Desk) -> web.StreamResponse:
    """POST /balie/sessies/intrekken: end one session of one's own, or (sessie=andere) all but this one."""
    which = desk.form.last("sessie")

    def end(tx: Tx) -> None:
        if which == "andere":
            sessions.revoke_all(tx, desk.member.id, but=desk.session.key)
        elif len(which) == 64:
            sessions.revoke(tx, desk.member.id, _key(which))
        audit.note(tx, desk.now_s, desk.member.actor, "staff.session_ended", f"staff/{desk.member.id}")

    await desk.write(end)
    if which == desk.session.key.hex():
        return gate.dismiss(desk.request, OUT)
    return go(ACCOUNT, "sessie")


def _key(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


async def password(desk: Desk) -> web.StreamResponse:
    """POST /balie/sessies/wachtwoord: another password; who does it knows the old one."""
    form, app = desk.form, desk.request.app
    new = form.last("nieuw")
    try:
        check_strength(new, desk.member.login)
    except WeakPasswordError as error:
        form.fail("nieuw", _weak_words(error.code))
    if desk.member.starts and new == form.last("huidig"):
        form.fail("nieuw", _("Kies een ander wachtwoord dan het startwachtwoord."))
    if not form.errors:
        remote = desk.request.remote or ""
        admission = await app[GATE].check(app[STORE], desk.member.login, form.last("huidig"), remote, desk.now_s)
        if admission.wait_s:
            said = _("Er is te vaak geprobeerd. Probeer het opnieuw over {wait}.")
            form.fail("huidig", said.format(wait=wait_words(admission.wait_s)))
        elif admission.staff_id != desk.member.id:
            form.fail("huidig", _("Dit is niet uw huidige wachtwoord."))
    if form.errors:
        return await _account(desk, 422)
    kept = await app[GATE].hash(new)
    await desk.write(accounts.set_password, desk.now_s, desk.member.id, kept, desk.member.actor, but=desk.session.key)
    return go(ACCOUNT, "wachtwoord")


def _weak_words(code: str) -> str:
    match code:
        case "short":
            return _("Kies een langer wachtwoord: minstens 12 tekens. Een zin van een paar woorden is goed.")
        case "long":
            return _("Kies een korter wachtwoord: hoogstens 256 tekens.")
        case _:
            return _("Kies een wachtwoord waar uw gebruikersnaam niet in staat.")


async def picture(desk: Desk) -> web.StreamResponse:
    """POST /balie/sessies/foto: another photo of oneself, or (doe=weg) none."""
    actor, member_id = desk.member.actor, desk.member.id
    if desk.form.last("doe") == "weg":
        await desk.write(photos.remove, desk.now_s, member_id, actor)
        return go(ACCOUNT, "foto-weg")
    try:
        mime, image = photos.read(desk.form.last("foto"))
    except PhotoError as error:
        strange = _("Deze foto kunnen we niet lezen. Kies een andere.")
        large = _("Deze foto is te groot. Kies een andere.")
        desk.form.fail("foto", large if error.code == "photo_large" else strange)
        return await _account(desk, 422)
    await desk.write(photos.put, desk.now_s, member_id, mime, image, actor)
    return go(ACCOUNT, "foto")


async def speak(desk: Desk) -> web.StreamResponse:
    """POST /balie/sessies/taal."""
    await desk.write(accounts.set_locale, desk.member.id, desk.form.choice("taal", LANGUAGES))
    return go(ACCOUNT, "taal")
