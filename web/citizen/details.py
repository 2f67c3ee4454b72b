"""The last two steps of a booking: who one is, and whether all is right.  Then the appointment is made.

    GET  /afspraak/nieuw/gegevens   for the time in the URL
    POST /afspraak/nieuw/gegevens   the button that was pressed says what to do (`doe`)

What was typed comes back with every POST and is kept nowhere else, so that no step loses it: not a time that was taken
meanwhile, not another language, not a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from balie.booking import appointments
from balie.booking.appointments import Booking
from balie.booking.errors import BookingError, NotFound, SlotTaken
from balie.booking.people import Person
from balie.i18n import LANGUAGES
from balie.i18n import gettext as _
from web import forms
from web.citizen import chosen as choosing
from web.citizen import persons, place, words
from web.citizen.chosen import Chosen
from web.citizen.office import Office, office
from web.citizen.once import book_once
from web.citizen.place import Place, deadline
from web.citizen.show import go, show
from web.citizen.times import no_longer, refuse, show_times
from web.citizen.typed import numbers, one_less, one_more, typed
from web.forms import Form
from web.keys import SITE
from web.language import answered

PATH = "/afspraak/nieuw/gegevens"
REVIEW = "controle"


async def details(request: web.Request) -> web.Response:
    """GET: step 3.  The time that the URL names is held, or was; when it is not, the last step finds out."""
    here, form = office(request), forms.read_query(request)
    chosen = choosing.read(form, await here.catalogue())
    if chosen is None or chosen.start_s is None:
        return go("/afspraak/nieuw")
    return _details(request, here, form, chosen, place.read(form, here.now_s))


async def details_done(request: web.Request) -> web.Response:
    """POST: what the button says."""
    return await answered(request, await forms.read(request), _do)


async def _do(request: web.Request, form: Form) -> web.Response:
    here = office(request)
    chosen = choosing.read(form, await here.catalogue())
    if chosen is None or chosen.start_s is None:
        return go("/afspraak/nieuw")
    kept = place.read(form, here.now_s)
    if away := form.last("weg"):
        one_less(form, away)
        return _details(request, here, form, chosen, kept)
    match form.last("doe"):
        case "meer":
            return _details(request, here, form, chosen, kept, new_helper=one_more(form, chosen.helpers_max))
        case "wijzig":
            return _details(request, here, form, chosen, kept)
        case "ander":
            return await show_times(request, here, form, chosen)
        case "langer":
            return await again(request, here, form, chosen, await _longer(here, kept))
        case "boek":
            return await _book(request, here, form, chosen, kept)
        case _ if form.last("taal"):
            return await again(request, here, form, chosen, kept)
        case _:
            return _review(request, here, form, chosen, kept)


async def again(request: web.Request, here: Office, form: Form, chosen: Chosen, kept: Place) -> web.Response:
    """The page that one was on, with all that was typed, for a time that may be another one."""
    if form.last("blad") == REVIEW:
        return _review(request, here, form, chosen, kept)
    return _details(request, here, form, chosen, kept)


async def _longer(here: Office, kept: Place) -> Place:
    """Ten minutes from now on.  A hold that is over stays over: the last step looks whether the time is still free."""
    try:
        return Place(kept.secret, await here.write(appointments.extend, here.now_s, kept.secret))
    except NotFound:
        return Place(kept.secret, here.now_s)


@dataclass(frozen=True)
class _Helper:
    """A helper's fields on the page."""

    at: int
    title: str
    remove: str


def _details(
    request: web.Request, here: Office, form: Form, chosen: Chosen, kept: Place, *, new_helper: int = 0
) -> web.Response:
    helpers = [
        _Helper(
            at,
            _("Persoon {n} die meekomt").format(n=place_),
            _("Haal persoon {n} weg").format(n=place_),
        )
        for place_, at in enumerate(numbers(form), 1)
    ]
    return show(
        request,
        "details.html",
        status=422 if form.errors else 200,
        typed_form="typed",
        form=form,
        chosen=chosen,
        place=kept,
        hold=deadline(kept, here.now_s, chosen.service.zone),
        helpers=helpers,
        helpers_max=min(chosen.helpers_max, 9),
        new_helper=new_helper,
        roles=[("", _("Kies")), *words.roles().items()],
    )


@dataclass(frozen=True)
class _Answers:
    citizen: Person
    helpers: tuple[Person, ...]
    question: str


def _read(form: Form, chosen: Chosen, sms: bool) -> _Answers:
    """What is wrong with it is in form.errors afterwards.  sms: a telephone number is enough to be reached."""
    if chosen.modality == "phone" and not form.last("telefoon").strip():
        form.fail("telefoon", _("Vul het nummer in waarop we u mogen bellen."))
    return _Answers(
        persons.read(form, sms=sms),
        tuple(persons.read(form, f"helper-{at}-", helper=True, sms=sms) for at in numbers(form)),
        form.lines("vraag"),
    )


def _review(request: web.Request, here: Office, form: Form, chosen: Chosen, kept: Place) -> web.Response:
    """Step 4, or step 3 again when something is wrong."""
    answers = _read(form, chosen, here.app[SITE].sms)
    if form.errors:
        return _details(request, here, form, chosen, kept)
    return show(
        request,
        "review.html",
        typed_form="typed",
        chosen=chosen,
        place=kept,
        typed=[pair for pair in typed(form) if pair[0] not in ("plaats", "tot", "blad")],
        hold=deadline(kept, here.now_s, chosen.service.zone),
        answers=_summary(answers),
        ready=choosing.checklist(chosen.products),
    )


def _summary(answers: _Answers) -> list[tuple[str, list[str]]]:
    """Titles and lines, for reading over."""
    found = [(_("Uw naam"), [answers.citizen.name]), (_("Onze berichten"), _contact(answers.citizen))]
    for each in answers.helpers:
        role = f"{words.roles()[each.role]}, {each.label}" if each.label else words.roles()[each.role]
        found.append((_("Komt mee"), [f"{each.name} ({role})", *_contact(each)]))
    if answers.question:
        found.append((_("Uw vraag"), answers.question.splitlines()))
    return found


def _contact(person: Person) -> list[str]:
    in_language = _("taal: {language}").format(language=LANGUAGES[person.locale])
    return [*(each for each in (person.mail, person.phone) if each), in_language]


async def _book(request: web.Request, here: Office, form: Form, chosen: Chosen, kept: Place) -> web.Response:
    answers = _read(form, chosen, here.app[SITE].sms)
    if form.errors or chosen.start_s is None:
        return _details(request, here, form, chosen, kept)
    asked = Booking(
        citizen=answers.citizen,
        helpers=answers.helpers,
        question=answers.question,
        wish=chosen.wish,
        start_s=chosen.start_s,
    )
    try:
        token = await book_once(here, asked, kept.secret)
    except SlotTaken as taken:
        return refuse(request, form, chosen, taken.next_free)
    except BookingError as error:
        if error.code.startswith("start_"):
            return await show_times(request, here, form, chosen, no_longer())
        form.fail("helpers" if error.code == "helpers_too_many" else "naam", words.wrong(error))
        return _details(request, here, form, chosen, kept)
    return go(f"/afspraak/bevestigd/{token}")
