"""Who looks at a panel, and of which appointment: one statement each, for it is asked at every change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy import Row, Select, bindparam, func, select

from balie.booking.links import TOKEN_MAX, hashed
from balie.booking.people import STANDING
from balie.i18n import gettext as _
from balie.i18n import speaking
from balie.samen.state import Reader
from balie.store.engine import Tx
from balie.store.schema import appointment, join_link, participant, service, staff
from web import language
from web.citizen import mine
from web.citizen.office import Office, office
from web.desk.desk import Desk, not_signed_in
from web.keys import HUB, PUMP
from web.problems import Refused, problem

NEWS = "acts"
"""What everybody in the room is told to fetch again."""

_OTHER = participant.alias("other")
_CITIZEN = (
    select(_OTHER.c.name)
    .where(_OTHER.c.appointment_id == appointment.c.id, _OTHER.c.role == "citizen")
    .order_by(_OTHER.c.id)
    .limit(1)
    .correlate(appointment)
    .scalar_subquery()
)
_PHONE = (
    select(service.c.phone).where(service.c.id == appointment.c.service_id).correlate(appointment).scalar_subquery()
)
_PLACE = [
    appointment.c.id.label("appointment_id"),
    *(appointment.c[name] for name in ("ref", "room", "zone", "start_s", "end_s", "service_id", "modality")),
    staff.c.id.label("staff_id"),
    staff.c.name.label("staff_name"),
    func.coalesce(_CITIZEN, "").label("citizen_name"),
    _PHONE.label("service_phone"),
]
_BY_LINK: Select[Any] = (
    select(
        *_PLACE,
        participant.c.id.label("participant_id"),
        *(participant.c[name] for name in ("role", "rights", "locale")),
    )
    .select_from(join_link)
    .join(participant, participant.c.id == join_link.c.participant_id)
    .join(appointment, appointment.c.id == participant.c.appointment_id)
    .join(staff, staff.c.id == appointment.c.staff_id)
    .where(
        join_link.c.token_hash == bindparam("token_hash"),
        join_link.c.revoked_s.is_(None),
        join_link.c.valid_from_s <= bindparam("now_s"),
        join_link.c.valid_until_s > bindparam("now_s"),
        participant.c.removed_s.is_(None),
        appointment.c.status.in_(STANDING),
    )
)
_BY_REF: Select[Any] = (
    select(*_PLACE)
    .join(staff, staff.c.id == appointment.c.staff_id)
    .where(appointment.c.ref == bindparam("ref"))
    .order_by(appointment.c.sequence.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Place:
    """The appointment.  Times are Unix seconds."""

    appointment_id: int
    ref: str
    room: str
    zone: str
    start_s: int
    end_s: int
    service_id: int
    modality: str
    staff_id: int
    staff_name: str
    citizen_name: str = ""
    service_phone: str = ""

    @property
    def host(self) -> str:
        """What people call the member of staff."""
        return self.staff_name.split()[0]

    @property
    def citizen(self) -> str:
        """What people call the citizen."""
        return self.citizen_name.partition(" ")[0]


@dataclass(frozen=True)
class Guest:
    """Somebody with a personal link whose door is open.  files: he may have what staff gives."""

    here: Office
    token: str
    place: Place
    participant_id: int
    role: str
    files: bool

    @property
    def url(self) -> str:
        return f"/a/{self.token}/samen"

    @property
    def reader(self) -> Reader:
        return "citizen" if self.role == "citizen" else "third"


Handler = Callable[[web.Request, Guest], Awaitable[web.StreamResponse]]


def guest(handler: Handler, *, citizen: bool = False) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for who has a link to a call that is on, in his language.

    citizen  only for the citizen himself: who comes along neither chooses, proves nor pays anything in his place (403)

    404, 410 or 425 for all else.
    """

    async def guarded(request: web.Request) -> web.StreamResponse:
        here = office(request)
        token = request.match_info["token"]
        row = await here.read(_by_link, token, here.now_s)
        if row is None:
            return await _shut(request, here, token)
        with speaking(language.chosen(request) or row.locale):
            files = row.role == "citizen" or bool(row.rights.get("files"))
            found = Guest(here, token, _place(row), row.participant_id, row.role, files)
            if citizen:
                await _only_citizen(request, found)
            return await handler(request, found)

    return guarded


def at_desk(tx: Tx, desk: Desk) -> Place:
    """The appointment of the path, if it is of one's services.  404 otherwise."""
    row = tx.execute(_BY_REF, {"ref": desk.request.match_info["ref"].upper().replace("-", "")}).first()
    if row is None or row.service_id not in desk.member.services:
        raise web.HTTPNotFound
    return _place(row)


def tell(app: web.Application, place: Place) -> None:
    """Everybody in the call looks again."""
    app[HUB].tell(place.room, NEWS)
    app[PUMP].flush()


def _by_link(tx: Tx, token: str, now_s: int) -> Row[Any] | None:
    if not 0 < len(token) <= TOKEN_MAX:
        return None
    return tx.execute(_BY_LINK, {"token_hash": hashed(token), "now_s": now_s}).first()


def _place(row: Row[Any]) -> Place:
    return Place(*(row._mapping[name] for name in Place.__dataclass_fields__))


async def _only_citizen(request: web.Request, guest: Guest) -> None:
    if guest.reader != "citizen":
        raise Refused(text=_("Alleen wie de afspraak maakte, doet dit. U kunt wel meekijken."))
    await not_signed_in(request)


async def _shut(request: web.Request, here: Office, token: str) -> web.StreamResponse:
    """Before its time, after it, or never: a page says which, a script hears the status."""
    found = await here.read(mine.look, here, token)
    if not isinstance(found, mine.Closed):
        return problem(425, "too_early") if found.opens_in_s else problem(410, "over")
    return mine.closed(request, found)
