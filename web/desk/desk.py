"""Somebody at his desk: what a handler of a staff page works with.  Without a session there is none.

Handlers take a Desk and are put in the table of routes by page() and action(), which see to it that

- nobody comes here without a session, and without the role that a page asks for;
- who has a start password chooses his own before anything else (starting=True: what he needs for that);
- every form is one of ours, from this very session (web.csrf);
- texts are in the language of whose desk it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiDict

from balie.booking.links import LinkKey
from balie.bookkeeping import overview
from balie.i18n import gettext as _
from balie.i18n import language, speaking
from balie.staff import accounts, agenda, sessions
from balie.staff.accounts import Member, Role
from balie.staff.agenda import Waiting
from balie.staff.sessions import Session
from balie.store.engine import Tx
from balie.visit import wrap_up
from web import csrf, forms
from web.desk import gate, words
from web.forms import Form
from web.keys import ENTROPY, LINK_KEY, PAGES, SITE, STORE, UNIX_TIME
from web.language import local
from web.problems import Refused, SignedIn, problem

P = ParamSpec("P")
Result = TypeVar("Result")

HOME, ENTRY, ACCOUNT = "/balie", "/balie/aanmelden", "/balie/sessies"
PLACE_MAX = 200  # characters of a path that somebody wanted: it is kept while he is at an identity provider


@dataclass(frozen=True)
class Desk:
    """now_s: Unix seconds, one moment for the whole request.  form: what was sent, empty for a page."""

    request: web.Request
    member: Member
    session: Session
    csrf: str
    now_s: int
    form: Form = field(default_factory=lambda: Form(MultiDict()))

    @property
    def link_key(self) -> LinkKey:
        return self.request.app[LINK_KEY]

    @property
    def entropy(self) -> Callable[[int], bytes]:
        return self.request.app[ENTROPY]

    async def read(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await self.request.app[STORE].read(function, *args, **kwargs)

    async def write(self, function: Callable[Concatenate[Tx, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await self.request.app[STORE].write(function, *args, **kwargs)

    async def show(self, template: str, *, status: int = 200, **values: object) -> web.Response:
        """A page of templates/desk, with what is on all of them."""
        waiting, unfinished, mismatches = await self.read(_left_to_do, self.member, self.now_s)
        html = (
            self.request.app[PAGES]
            .get_template(f"desk/{template}")
            .render(
                site=self.request.app[SITE],
                lang=language(),
                member=self.member,
                csrf=self.csrf,
                here=self.request.path,
                waiting=waiting,
                unfinished=unfinished,
                mismatches_open=mismatches,
                done_words=words.done().get(self.request.query.get("gedaan", ""), ""),
                **{"form": self.form, **values},
            )
        )
        return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)


def _left_to_do(tx: Tx, member: Member, now_s: int) -> tuple[Waiting, int, int]:
    """What waits for anybody here, how many of his own visits he did not wrap up, and, for who sees the books, what
    does not agree in them."""
    own = wrap_up.open_of(tx, member.services, now_s, staff_id=member.id)
    mismatches = overview.open_number(tx) if member.may("lead") else 0
    return agenda.waiting(tx, member), len(own), mismatches


Handler = Callable[[Desk], Awaitable[web.StreamResponse]]


def go(path: str, done: str = "") -> web.Response:
    """After an action: the page to look at, which says what was done (a word that words.done() knows)."""
    return web.Response(status=303, headers={"Location": f"{path}?{urlencode({'gedaan': done})}" if done else path})


def inside(path: str) -> str:
    """A page of the desk: nowhere else does signing in lead."""
    found = local(path) if len(path) <= PLACE_MAX and path.isprintable() else HOME
    return found if found == HOME or found.startswith(f"{HOME}/") else HOME


def page(path: str, handler: Handler, *, role: Role = "counter", starting: bool = False) -> web.RouteDef:
    """A page of the desk: GET."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        desk = await _seat(request)
        if desk is None:
            return go(f"{ENTRY}?{urlencode({'naar': request.path})}")
        return await _serve(desk, handler, role) if starting or not desk.member.starts else go(ACCOUNT)

    return web.get(path, guarded)


def action(path: str, handler: Handler, *, role: Role = "counter", starting: bool = False) -> web.RouteDef:
    """Something that changes something: POST, with the token of the session."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        form = await forms.read(request)
        desk = await _seat(request, form)
        if desk is None:
            # What was typed is lost with the session; the page to begin again from is known.
            return go(ENTRY)
        csrf.check_token(desk.link_key, gate.presented(request), form.last(csrf.FIELD))
        return await _serve(desk, handler, role) if starting or not desk.member.starts else go(ACCOUNT)

    return web.post(path, guarded)


def sending(path: str, handler: Handler, *, role: Role = "counter") -> web.RouteDef:
    """A form with a file: POST.  Its handler reads it, and checks the token of the session in it."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        csrf.check(request)
        desk = await _seat(request)
        if desk is None:
            return go(ENTRY)
        return go(ACCOUNT) if desk.member.starts else await _serve(desk, handler, role)

    return web.post(path, guarded)


def exchange(path: str, handler: Handler, *, role: Role = "counter") -> web.RouteDef:
    """Something that a script of ours asks for: POST without a form.  401 as problem details without a session."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        csrf.check(request)
        desk = await _seat(request)
        if desk is None:
            return problem(401, "signed_out")
        return problem(403, "password_first") if desk.member.starts else await _serve(desk, handler, role)

    return web.post(path, guarded)


def stream(path: str, handler: Handler) -> web.RouteDef:
    """Something that a script of ours listens to for hours: GET.  401 and 403 as exchange()."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        desk = await seat(request)
        if desk is None:
            return problem(401, "signed_out")
        return problem(403, "password_first") if desk.member.starts else await _serve(desk, handler, "counter")

    return web.get(path, guarded)


async def _seat(request: web.Request, form: Form | None = None) -> Desk | None:
    """Whose session a request has, which lasts longer by it; None without one, or when his account was closed."""
    desk = await seat(request, form)
    if desk is not None and desk.now_s >= desk.session.stale_s:
        await desk.write(sessions.touch, desk.now_s, desk.session.key)
    return desk


async def seat(request: web.Request, form: Form | None = None) -> Desk | None:
    """The same for a page that asks by itself, which is no sign that anybody is there."""
    app, token = request.app, gate.presented(request)
    now_s = int(app[UNIX_TIME]())

    def look(tx: Tx) -> tuple[Session, Member] | None:
        session = sessions.find(tx, token, now_s)
        member = accounts.member(tx, session.staff_id) if session is not None else None
        return (session, member) if session is not None and member is not None else None

    found = await app[STORE].read(look) if token else None
    if found is None:
        return None
    session, member = found
    return Desk(request, member, session, csrf.token(app[LINK_KEY], token), now_s, form or Form(MultiDict()))


async def not_signed_in(request: web.Request) -> None:
    """For what a citizen does himself.  SignedIn (403) where a member of staff is, who is not that citizen."""
    if await seat(request) is not None:
        raise SignedIn


async def _serve(desk: Desk, handler: Handler, role: Role) -> web.StreamResponse:
    with speaking(desk.member.locale):
        if not desk.member.may(role):
            raise Refused(text=_("U hebt geen toegang tot deze pagina. Vraag het aan uw teamhoofd."))
        return await handler(desk)
