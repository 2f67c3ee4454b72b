"""Behind a personal link: whose appointment it is, or why the link shows none.  Looking changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from balie.booking import links, reading
from balie.booking.errors import NotFound
from balie.booking.reading import Appointment, Participant
from balie.i18n import duration_words, local, moment_words, pick, speaking, time_words
from balie.i18n import gettext as _
from balie.identity import records
from balie.identity.records import Asked
from balie.store.engine import Tx
from web import language
from web.citizen.catalogue import Catalogue
from web.citizen.chosen import checklist, shared_ways
from web.citizen.office import Office, office, read_catalogue
from web.citizen.show import show
from web.citizen.words import and_words, ways

Gone = Literal["unknown", "over", "moved", "cancelled"]
STATUS: dict[Gone, int] = {"unknown": 404, "over": 410, "moved": 410, "cancelled": 410}
CHANGEABLE = ("booked", "confirmed")


@dataclass(frozen=True)
class Mine:
    """An appointment and the participant whose link it is.

    opens_in_s  until the door opens, 0 when it is open
    identity    what products ask of its citizen, for him only
    """

    here: Office
    token: str
    appointment: Appointment
    me: Participant
    opens_in_s: int
    identity: Asked | None = None

    @property
    def url(self) -> str:
        return f"/a/{self.token}"

    @property
    def is_citizen(self) -> bool:
        return self.me.role == "citizen"

    @property
    def changeable(self) -> bool:
        """By its citizen, for as long as it did not begin."""
        return self.is_citizen and self.appointment.status in CHANGEABLE and self.here.now_s < self.appointment.start_s

    @property
    def helpers_max(self) -> int:
        return min((each.max_third_parties for each in self.appointment.products), default=0)

    @property
    def other_ways(self) -> list[tuple[str, str]]:
        shared = shared_ways(self.appointment.products)
        return [(way, ways()[way]) for way in shared if way != self.appointment.modality]

    @property
    def phone(self) -> str:
        """Of the service; "" when it has none of its own."""
        return self.appointment.service_phone

    # What pages say of it.

    @property
    def names(self) -> str:
        return and_words([pick(each.names) for each in self.appointment.products])

    @property
    def when(self) -> str:
        return moment_words(self.appointment.start_s, self.appointment.zone)

    @property
    def lasts(self) -> str:
        return duration_words((self.appointment.end_s - self.appointment.start_s) // 60)

    @property
    def way(self) -> str:
        return ways()[self.appointment.modality]

    @property
    def opens(self) -> str:
        """When the door does, with the day when that is not today."""
        opens_s, zone = self.here.now_s + self.opens_in_s, self.appointment.zone
        at = local(opens_s, zone)
        if at.date() == local(self.here.now_s, zone).date():
            return _("om {time}").format(time=time_words(at))
        return _("op {moment}").format(moment=moment_words(opens_s, zone))

    @property
    def checklist(self) -> list[str]:
        return checklist(self.appointment.products)


@dataclass(frozen=True)
class Closed:
    """No appointment to show.  products: words for URLs, to make the same again; phone: of its service."""

    why: Gone
    products: tuple[str, ...] = ()
    phone: str = ""


Handler = Callable[[web.Request, Mine], Awaitable[web.StreamResponse]]


def mine(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for who has a link, in his own language unless he chose another; a page that says why for all else."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        here = office(request)
        found = await here.read(look, here, request.match_info["token"])
        if isinstance(found, Closed):
            return closed(request, found)
        with speaking(language.chosen(request) or found.me.locale):
            return await handler(request, found)

    return guarded


def closed(request: web.Request, found: Closed) -> web.Response:
    """404 or 410, with a way forward.  It does not say whose the link was."""
    return show(request, "gone.html", status=STATUS[found.why], gone=found, phone=found.phone)


def look(tx: Tx, here: Office, token: str) -> Mine | Closed:
    found = links.find(tx, token, here.now_s)
    if found.state == "unknown":
        return _why(tx, token)
    appointment = reading.by_id(tx, found.appointment_id)
    me = next((each for each in appointment.people if each.id == found.participant_id), None)
    if found.state == "over" or not appointment.stands or me is None:
        return Closed("over", _again(read_catalogue(tx), appointment), appointment.service_phone)
    asks = me.role == "citizen" and any(each.identification == "oidc" for each in appointment.products)
    identity = records.asked(tx, here.now_s, appointment.id) if asks else None
    return Mine(here, token, appointment, me, found.opens_in_s, identity)


def _why(tx: Tx, token: str) -> Closed:
    """What became of the appointment of a link that opens nothing any more."""
    appointment_id = links.replaced_by(tx, token)
    if appointment_id is None:
        return Closed("unknown")
    try:
        appointment = reading.by_id(tx, appointment_id)
    except NotFound:
        return Closed("unknown")
    if appointment.status == "rescheduled":
        return Closed("moved", (), appointment.service_phone)
    if appointment.status.startswith("cancelled"):
        return Closed("cancelled", _again(read_catalogue(tx), appointment), appointment.service_phone)
    if not appointment.stands:
        return Closed("over", _again(read_catalogue(tx), appointment), appointment.service_phone)
    return Closed("unknown")  # of somebody who does not come along any more


def _again(catalogue: Catalogue, appointment: Appointment) -> tuple[str, ...]:
    """What of it can still be booked."""
    offered = {each.id for each in catalogue.products}
    return tuple(catalogue.key(each) for each in appointment.products if each.id in offered)
