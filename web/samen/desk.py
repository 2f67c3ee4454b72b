"""The panel at the desk: what is on the agenda, which steps are open and how they stand.

Nothing here takes what a citizen chooses, who he is or what he pays: there is no such field in any of these forms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from balie.booking import catalogue, lengthening
from balie.booking.catalogue import Product
from balie.booking.errors import BookingError, NotFound
from balie.booking.lengthening import Room
from balie.i18n import duration_words, language, local, ngettext, pick, time_words
from balie.i18n import gettext as _
from balie.record.guided import Guided
from balie.samen import agenda, guide, state
from balie.store.engine import Tx
from web.desk.desk import Desk
from web.forms import whole
from web.keys import ACTS, PAGES
from web.samen import view, words
from web.samen.acts import trouble_words
from web.samen.seat import Place, at_desk, tell

Change = Callable[[Tx, Place], None]


async def show(desk: Desk) -> web.StreamResponse:
    """GET …/samen: the section of the panel, as it is now."""
    return await _answer(desk)


async def open_step(desk: Desk) -> web.StreamResponse:
    """POST …/samen/stap: kind, or kind:product; tekst is what staff says to it."""
    kind, _colon, product = desk.form.last("soort").partition(":")
    text = desk.form.lines("stap-tekst", most=guide.TEXT_MAX)

    def change(tx: Tx, place: Place) -> None:
        about = whole(product, least=1)
        guide.open_step(tx, desk.now_s, place.appointment_id, desk.member.actor, kind, about, text)

    return await _change(desk, change, "stap", _step_refusal)


async def act(desk: Desk) -> web.StreamResponse:
    """POST …/samen/stap/{id}: doe is intrekken, opnieuw, klopt (of a name that differs), or wijs:<field>, the field
    empty for none any more."""
    what, _colon, field = desk.form.last("doe").partition(":")
    step_id = int(desk.request.match_info["id"])

    def change(tx: Tx, place: Place) -> None:
        about, actor = place.appointment_id, desk.member.actor
        match what:
            case "intrekken":
                guide.withdraw(tx, desk.now_s, about, step_id, actor)
            case "opnieuw":
                guide.redo(tx, desk.now_s, about, step_id, actor)
            case "klopt":
                guide.accept(tx, desk.now_s, about, step_id, desk.member.id)
            case "wijs":
                guide.point(tx, desk.now_s, about, step_id, desk.member.id, field)
            case _:
                raise NotFound("action")

    answer = await _change(desk, change, f"step-{step_id}", _step_refusal)
    if what == "klopt" and answer.status == 200 and ACTS in desk.request.app:
        place = await desk.read(at_desk, desk)
        await desk.request.app[ACTS].settle(place.appointment_id)  # what waited for this name
    return answer


async def ask(desk: Desk) -> web.StreamResponse:
    """POST …/samen/vraag: something more on the agenda."""
    text = desk.form.text("agenda-vraag", _("Schrijf waarover het gaat."), most=agenda.TEXT_MAX)

    def change(tx: Tx, place: Place) -> None:
        agenda.ask(tx, desk.now_s, place.appointment_id, desk.member.actor, text)

    return await _change(desk, change, "agenda", lambda error: ("agenda-vraag", _question_words(error)))


async def mark(desk: Desk) -> web.StreamResponse:
    """POST …/samen/agenda: doe is klaar, open or weg; wat is product-3 or question-5."""
    kind, _dash, number = desk.form.last("wat").partition("-")
    what, key = desk.form.last("doe"), whole(number, least=1) or 0

    def change(tx: Tx, place: Place) -> None:
        about, actor = place.appointment_id, desk.member.actor
        if what == "weg" and kind == "question":
            agenda.drop(tx, desk.now_s, about, key, actor)
        elif what in ("klaar", "open") and kind in ("product", "question"):
            mark_it = agenda.mark_product if kind == "product" else agenda.mark_question
            mark_it(tx, desk.now_s, about, key, actor, done=what == "klaar")
        else:
            raise NotFound("item")

    return await _change(desk, change, "agenda", lambda error: ("doe", trouble_words(error)))


async def add_product(desk: Desk) -> web.StreamResponse:
    """POST …/samen/product: one more, if there is time; toch adds it without any."""
    product_id, squeeze = desk.form.number("product", least=1) or 0, bool(desk.form.last("toch"))
    room: list[Room] = []

    def change(tx: Tx, place: Place) -> None:
        about = place.appointment_id
        room.append(
            lengthening.add_product(tx, desk.now_s, desk.entropy, about, product_id, desk.member.actor, squeeze=squeeze)
        )

    return await _change(desk, change, "product", _product_refusal, said=lambda place: _added(room[-1], place))


# -- answers ----------------------------------------------------------------------------------------------------


async def _change(
    desk: Desk,
    change: Change,
    about: str,
    refusal: Callable[[BookingError], tuple[str, str]],
    said: Callable[[Place], str] = lambda _place: "",
) -> web.Response:
    """Do it, tell everybody in the call, and answer with the section; 422 with what is wrong."""

    def write(tx: Tx) -> Place:
        place = at_desk(tx, desk)
        change(tx, place)
        return place

    if not desk.form.errors:
        try:
            place = await desk.write(write)
        except BookingError as error:
            desk.form.fail(*refusal(error))
        else:
            tell(desk.request.app, place)
            return await _answer(desk, said=said(place), about=about)
    return await _answer(desk, 422, about=about)


async def _answer(desk: Desk, status: int = 200, **more: Any) -> web.Response:
    shown = {**await values(desk, **more), "csrf": desk.csrf, "lang": language(), "form": desk.form}
    html = desk.request.app[PAGES].get_template("samen/desk.html").render(**shown)
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)


async def values(desk: Desk, *, said: str = "", about: str = "") -> dict[str, Any]:
    """What the section shows, all under one name: the desk's panel has others.

    said   what was done, in words; about: the key of the part that it was done in
    """

    def look(tx: Tx) -> tuple[Place, Guided, list[Product], Room | None]:
        place = at_desk(tx, desk)
        found = state.of(tx, place.appointment_id, "staff")
        return place, found, *_to_add(tx, desk, place, found)

    place, found, others, room = await desk.read(look)
    names = view.product_names(found)
    several = len(found.items) > 1
    openable = [
        (f"{kind}:{key}" if key else kind, _openable(kind, names.get(key or 0, "") if several else ""), may)
        for kind, key, may in guide.possible(found)
        if kind != "read"
    ]
    shown = {
        **view.values(place, found, "staff"),
        "openable": openable,
        "others": [(str(each.id), _other(each)) for each in others],
        "left": _left(place, desk.now_s),
        "said": said,
        "about": about,
        "short": _does_not_fit(room, place) if room is not None else "",
        "wanted": desk.form.last("product"),
    }
    return {"samen": shown, "samen_path": f"/balie/gesprek/{place.ref}/samen"}


def _to_add(tx: Tx, desk: Desk, place: Place, found: Guided) -> tuple[list[Product], Room | None]:
    """Products that could be added; and the room that there is not, for one that was wanted."""
    there = {each.id for each in found.items}
    others = [
        each
        for each in catalogue.products(tx, place.service_id)
        if each.id not in there and place.modality in each.modalities
    ]
    wanted = desk.form.number("product", least=1)
    if wanted not in {each.id for each in others} or "product" not in desk.form.errors:
        return others, None
    return others, lengthening.room(tx, place.appointment_id, wanted or 0)


def _openable(kind: str, about: str) -> str:
    title = words.titles()[kind]
    return f"{title} ({about})" if about else title


def _other(each: Product) -> str:
    return _("{name} ({duration})").format(name=pick(each.names), duration=duration_words(each.duration_min))


def _left(place: Place, now_s: int) -> str:
    """How much is left of the time that was booked."""
    minutes = (place.end_s - now_s) // 60
    if minutes <= 0:
        return _("De geplande tijd is voorbij.")
    until = time_words(local(place.end_s, place.zone))
    left = ngettext("Nog {n} minuut, tot {time}.", "Nog {n} minuten, tot {time}.", minutes)
    return left.format(n=minutes, time=until)


def _does_not_fit(room: Room, place: Place) -> str:
    """Why it takes no longer."""
    name = place.host
    if room.next_s is not None and room.next_s < room.end_s:
        at = time_words(local(room.next_s, place.zone))
        return _("Dat past niet meer: de volgende afspraak van {name} begint om {time}.").format(name=name, time=at)
    if room.next_s is not None:
        return _("Dat past niet meer voor de volgende afspraak van {name}.").format(name=name)
    return _("Dat past niet meer binnen de uren van {name}.").format(name=name)


def _added(room: Room, place: Place) -> str:
    if room.fits:
        until = time_words(local(room.end_s, place.zone))
        return _("Toegevoegd. Het gesprek mag nu duren tot {time}.").format(time=until)
    return _("Toegevoegd. Het gesprek duurt niet langer.")


def _product_refusal(error: BookingError) -> tuple[str, str]:
    said = {
        "product_does_not_fit": _("Er is geen tijd meer voor. U kunt het toch toevoegen, zonder extra tijd."),
        "product_full": _("Dit is vandaag al zo vaak geboekt als het kan."),
        "product_there_already": _("Dit staat al op de agenda."),
    }
    return "product", said.get(error.code, _("Dit kan niet bij deze afspraak. Plan een vervolgafspraak."))


def _step_refusal(error: BookingError) -> tuple[str, str]:
    said = {
        "text_missing": ("stap-tekst", _("Schrijf wat de burger moet lezen.")),
        "text_too_long": ("stap-tekst", _("Deze tekst is te lang.")),
        "step_open_already": ("soort", _("Deze stap staat al open.")),
        "guide_too_long": ("soort", _("Er zijn al te veel stappen in dit gesprek.")),
        "kind_unknown": ("soort", _("Kies een stap.")),
        "product_unfit": ("soort", _("Deze stap past niet bij wat er op de agenda staat.")),
        "not_pointed": ("doe", _("Deze stap is al klaar.")),
        "in_its_name": (
            "doe",
            _("Er is al iets gereserveerd op deze naam. Pas de naam daar aan, of annuleer de afspraak."),
        ),
    }
    return said.get(error.code, ("doe", trouble_words(error)))


def _question_words(error: BookingError) -> str:
    if error.code == "questions_too_many":
        return _("Er staat al genoeg op de agenda voor één gesprek.")
    return trouble_words(error)
