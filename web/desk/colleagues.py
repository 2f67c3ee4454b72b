"""Accounts of the people who work here, for an administrator: made, changed, closed; a start password, shown once."""

from __future__ import annotations

from aiohttp import web
from multidict import MultiDict

from balie.booking import catalogue
from balie.booking.errors import Unfit
from balie.booking.people import check_mail
from balie.i18n import gettext as _
from balie.i18n import moment_words, pick
from balie.record import audit
from balie.staff import accounts, directory, sessions
from balie.staff.accounts import LOGIN_MAX, NAME_MAX, ROLES, AccountError
from balie.staff.directory import Account
from balie.staff.passwords import start_password
from balie.store.engine import Tx
from web.citizen.words import wrong
from web.desk import words
from web.desk.desk import HOME, Desk, go
from web.desk.keys import GATE
from web.forms import Form, whole

PLACE = "/balie/medewerkers"
DONE = {"rollen": "rollen", "afmelden": "afgemeld", "sluit": "account-dicht", "open": "account-open"}


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/medewerkers."""
    return await _show(desk)


async def _show(desk: Desk, status: int = 200) -> web.Response:
    def look(tx: Tx) -> tuple[list[Account], list[tuple[str, str]]]:
        return directory.listed(tx, desk.now_s, desk.member.organisation_id), _services(tx, desk)

    found, services = await desk.read(look)
    return await desk.show(
        "colleagues.html",
        status=status,
        accounts=[_told(desk, each) for each in found],
        roles=list(words.staff_roles().items()),
        services=services,
        adding=status != 200,
    )


def _services(tx: Tx, desk: Desk) -> list[tuple[str, str]]:
    return [(str(each.id), pick(each.names)) for each in catalogue.services(tx) if each.id in desk.member.services]


def _told(desk: Desk, each: Account) -> dict[str, object]:
    """An account in words."""
    highest = next((role for role in reversed(ROLES) if role in each.roles), "counter")
    return {
        "id": each.id,
        "login": each.login,
        "name": each.name,
        "mail": each.mail,
        "role": highest,
        "role_words": words.staff_roles()[highest],
        "services": [pick(names) for _id, names in each.services],
        "service_ids": [str(service_id) for service_id, _names in each.services],
        "active": each.active,
        "password": each.password,
        "seen": moment_words(each.seen_s, desk.member.zone) if each.seen_s is not None else "",
        "to_come": each.to_come,
        "me": each.id == desk.member.id,
    }


async def add(desk: Desk) -> web.StreamResponse:
    """POST /balie/medewerkers: a new account; the page with its start password, which nobody sees again."""
    form = desk.form
    # As the fields stand: the summary of what is wrong has their order.
    name = form.text("naam", _("Vul een naam in."), most=NAME_MAX)
    login = form.text("login", _("Vul een gebruikersnaam in."), most=LOGIN_MAX)
    mail = _mail(form)
    role, services = _wanted(form)
    if form.errors:
        return await _show(desk, 422)
    password = start_password(desk.entropy)
    kept = await desk.request.app[GATE].hash(password)

    def make(tx: Tx) -> int:
        return accounts.create(
            tx,
            desk.now_s,
            desk.member.organisation_id,
            login=login,
            name=name,
            mail=mail,
            roles=(role,),
            services=services,
            password=kept,
            start=True,
            actor=desk.member.actor,
        )

    try:
        await desk.write(make)
    except AccountError as error:
        form.fail(*words.account_error_words(error.code))
        return await _show(desk, 422)
    return await desk.show("start.html", name=name, login=accounts.plain_login(login), password=password, new=True)


def _mail(form: Form) -> str:
    typed = form.text("mail", most=LOGIN_MAX)
    try:
        return check_mail(typed) if typed else ""
    except Unfit as error:
        form.fail("mail", wrong(error))
        return ""


def _wanted(form: Form) -> tuple[str, list[int]]:
    """The role and the services of a form.  Only an administrator belongs to none: he sees all."""
    role = form.choice("rol", ROLES, _("Kies een rol."))
    services = [service_id for each in form.all("dienst") if (service_id := whole(each, least=1)) is not None]
    if not services and role != "admin":
        form.fail("dienst", _("Kies minstens één dienst."))
    return role, services


async def one(desk: Desk) -> web.StreamResponse:
    """GET /balie/medewerkers/{id}."""
    return await _one(desk)


async def _one(desk: Desk, status: int = 200) -> web.Response:
    def look(tx: Tx) -> tuple[Account, list[tuple[str, str]]]:
        return _known(tx, desk), _services(tx, desk)

    found, services = await desk.read(look)
    account = _told(desk, found)
    form = desk.form
    if not form.errors:
        form = Form(MultiDict([("rol", str(account["role"])), *(("dienst", str(key)) for key, _ in found.services)]))
    return await desk.show(
        "colleague.html",
        status=status,
        form=form,
        account=account,
        roles=list(words.staff_roles().items()),
        services=services,
    )


def _known(tx: Tx, desk: Desk) -> Account:
    """404: none, or of another organisation."""
    found = directory.of(tx, desk.now_s, desk.member.organisation_id, int(desk.request.match_info["id"]))
    if found is None:
        raise web.HTTPNotFound
    return found


async def act(desk: Desk) -> web.StreamResponse:
    """POST /balie/medewerkers/{id}: doe is rollen, wachtwoord, afmelden, sluit or open."""
    what, form = desk.form.last("doe"), desk.form
    if what == "wachtwoord":
        return await _new_start(desk)
    if what not in DONE:
        raise web.HTTPNotFound
    role, services = _wanted(form) if what == "rollen" else ("", [])

    def do(tx: Tx) -> None:
        staff_id, now_s, actor = _known(tx, desk).id, desk.now_s, desk.member.actor
        match what:
            case "rollen":
                accounts.set_roles(tx, now_s, staff_id, (role,), services, actor)
            case "sluit":
                accounts.disable(tx, now_s, staff_id, actor)
            case "open":
                accounts.enable(tx, now_s, staff_id, actor)
            case _:
                ended = sessions.revoke_all(tx, staff_id)
                audit.note(tx, now_s, actor, "staff.sessions_ended", f"staff/{staff_id}", number=ended)

    if not form.errors:
        try:
            await desk.write(do)
        except AccountError as error:
            form.fail(*words.account_error_words(error.code))
    if form.errors:
        return await _one(desk, 422)
    stepped_down = what == "rollen" and role != "admin" and desk.request.match_info["id"] == str(desk.member.id)
    return go(HOME if stepped_down else f"{PLACE}/{desk.request.match_info['id']}", DONE[what])


async def _new_start(desk: Desk) -> web.StreamResponse:
    """A new start password for who forgot his own; he is signed out everywhere."""
    found = await desk.read(_known, desk)
    if found.id == desk.member.id or not found.active:
        return go(f"{PLACE}/{found.id}")
    password = start_password(desk.entropy)
    kept = await desk.request.app[GATE].hash(password)
    await desk.write(accounts.set_password, desk.now_s, found.id, kept, desk.member.actor, start=True)
    return await desk.show("start.html", name=found.name, login=found.login, password=password, new=False)
