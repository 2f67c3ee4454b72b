"""The last two steps of a booking: who one is, and whether all is right.  Then the appointment is made.

    GET  /afspraak/nieuw/gegevens   for the time in the URL
    GET  /afspraak/nieuw/nakijken   all of it, to read over
    POST /afspraak/nieuw/gegevens   the button that was pressed says what to do (`doe`); it leads to one of the pages

What was typed is kept in a draft (web.citizen.draft), so that no step loses it: not a time that was taken meanwhile,
not another language, not a mistake, not the browser's Back.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from balie.booking import appointments, people
from balie.booking.appointments import Booking
from balie.booking.errors import BookingError, NotFound, SlotTaken, Unfit
from balie.booking.people import Person
from balie.i18n import LANGUAGES
from balie.i18n import gettext as _
from web import forms, language
from web.citizen import chosen as choosing
from web.citizen import draft as drafting
from web.citizen import persons, place, words
from web.citizen.chosen import Chosen
from web.citizen.draft import DETAILS, REVIEW, TIMES, Draft
from web.citizen.office import Office, office
from web.citizen.once import book_once
from web.citizen.place import Place, deadline
from web.citizen.show import Problem, go, show
from web.citizen.times import GONE, TAKEN
from web.citizen.typed import CHECKED, numbers, one_less, one_more, typed
from web.forms import Form
from web.keys import SITE


@dataclass(frozen=True)
class _Step:
    """What both pages and all buttons begin with."""

    here: Office
    chosen: Chosen
    kept: Place
    draft: Draft

    def url(self, path: str, *more: tuple[str, str]) -> str:
        return drafting.url(path, self.chosen, self.kept, self.draft, *more)


async def _begin(request: web.Request, form: Form) -> _Step | web.Response:
    """A page to go to instead, when there is nothing to fill in, or nothing any more."""
    here = office(request)
    chosen = choosing.read(form, await here.catalogue())
    if chosen is None or chosen.start_s is None:
        return go("/afspraak/nieuw")
    draft = await drafting.look(request, here, form)
    if draft.booked:
        return go(f"/afspraak/bevestigd/{draft.booked}")
    return _Step(here, chosen, place.read(form, here.now_s), draft)


async def details(request: web.Request) -> web.Response:
    """GET: step 3.  The time that the URL names is held, or was; when it is not, the last step finds out."""
    step = await _begin(request, forms.read_query(request))
    if isinstance(step, web.Response):
        return step
    form = step.draft.form
    if CHECKED in form.values:
        _read(form, step.chosen, step.here.app[SITE].sms)
    return _details(request, step, form)


async def review(request: web.Request) -> web.Response:
    """GET: step 4, or step 3 again when something is wrong."""
    step = await _begin(request, forms.read_query(request))
    if isinstance(step, web.Response):
        return step
    form = step.draft.form
    answers = _read(form, step.chosen, step.here.app[SITE].sms)
    if form.errors:
        return go(step.url(DETAILS))
    return show(
        request,
        "review.html",
        chosen=step.chosen,
        place=step.kept,
        draft=step.draft,
        hold=deadline(step.kept, step.here.now_s, step.chosen.service.zone),
        answers=_summary(answers),
        ready=choosing.checklist(step.chosen.products),
    )


async def details_done(request: web.Request) -> web.Response:
    """POST: what the button says, and on to a page."""
    form = await forms.read(request)
    step = await _begin(request, form)
    if isinstance(step, web.Response):
        return step
    if "naam" not in form.values and step.draft.values is None:
        return go(step.url(DETAILS))  # of the last page, and too late: the page says so
    response = await _do(request, step, form, typed(form) if "naam" in form.values else step.draft.values or [])
    if wanted := form.choice(language.FIELD, LANGUAGES):
        language.remember(request, response, wanted)
    return response


async def _do(request: web.Request, step: _Step, form: Form, values: drafting.Values) -> web.Response:
    filled = Draft(values=values).form
    now = REVIEW if form.last("blad") == "controle" else DETAILS
    was_checked = CHECKED in step.draft.form.values
    if away := form.last("weg"):
        one_less(filled, away)
        return await _go(request, step, filled, DETAILS, place="#helpers")
    match form.last("doe"):
        case "meer":
            added = one_more(filled, step.chosen.helpers_max)
            return await _go(request, step, filled, DETAILS, place=f"#helper-{added}" if added else "#helpers")
        case "wijzig":
            return await _go(request, step, filled, DETAILS)
        case "ander":
            return await _go(request, step, filled, TIMES, checked=was_checked and now == REVIEW)
        case "langer":
            return await _go(request, await _longer(step), filled, now, checked=was_checked)
        case "boek":
            return await _book(request, step, filled)
        case _ if form.last(language.FIELD):
            return await _go(request, step, filled, now, checked=was_checked)
        case _:
            _read(filled, step.chosen, step.here.app[SITE].sms)
            return await _go(request, step, filled, DETAILS if filled.errors else REVIEW, checked=True)


async def _go(
    request: web.Request,
    step: _Step,
    filled: Form,
    path: str,
    *more: tuple[str, str],
    checked: bool = False,
    place: str = "",
) -> web.Response:
    """Keep what was typed, and go to a page.  place: where on it."""
    values = [*typed(filled), (CHECKED, "1")] if checked else typed(filled)
    draft = await step.here.write(drafting.write, step.here, step.draft, values)
    chosen = step.chosen.at(None) if path == TIMES and not more else step.chosen
    return drafting.answer(request, draft, drafting.url(path, chosen, step.kept, draft, *more) + place)


async def _longer(step: _Step) -> _Step:
    """Ten minutes from now on.  A hold that is over stays over: the last step looks whether the time is still free."""
    secret, now_s = step.kept.secret, step.here.now_s
    try:
        until_s = await step.here.write(appointments.extend, now_s, secret)
    except NotFound:
        until_s = now_s
    return _Step(step.here, step.chosen, Place(secret, until_s), step.draft)


async def _book(request: web.Request, step: _Step, filled: Form) -> web.Response:
    answers = _read(filled, step.chosen, step.here.app[SITE].sms)
    if filled.errors or step.chosen.start_s is None:
        return await _go(request, step, filled, DETAILS, checked=True)
    asked = Booking(
        citizen=answers.citizen,
        helpers=answers.helpers,
        question=answers.question,
        wish=step.chosen.wish,
        start_s=step.chosen.start_s,
    )
    draft = step.draft.secret if step.draft.values is not None else ""
    try:
        token = await book_once(step.here, asked, step.kept.secret, draft)
    except SlotTaken:
        return await _go(request, step, filled, TIMES, TAKEN, checked=True)
    except BookingError:  # past, outside hours, or what is offered changed: all else was looked at before
        return await _go(request, step, filled, TIMES, GONE, checked=True)
    return go(f"/afspraak/bevestigd/{token}")


@dataclass(frozen=True)
class _Helper:
    """A helper's fields on the page."""

    at: int
    title: str
    remove: str


def _details(request: web.Request, step: _Step, form: Form) -> web.Response:
    helpers = [
        _Helper(at, _("Persoon {n} die meekomt").format(n=count), _("Haal persoon {n} weg").format(n=count))
        for count, at in enumerate(numbers(form), 1)
    ]
    return show(
        request,
        "details.html",
        typed_form="typed",
        form=form,
        wrong=_wrong(form),
        lost=_lost(step.draft) if step.draft.lost else None,
        chosen=step.chosen,
        place=step.kept,
        draft=step.draft,
        hold=deadline(step.kept, step.here.now_s, step.chosen.service.zone),
        helpers=helpers,
        helpers_max=min(step.chosen.helpers_max, 9),
        roles=[("", _("Kies")), *words.roles().items()],
    )


def _wrong(form: Form) -> list[tuple[str, str]]:
    """The errors for the summary: of who comes along it says of whom."""
    owners = {f"helper-{at}-": _("Persoon {n}").format(n=count) for count, at in enumerate(numbers(form), 1)}

    def said(name: str, sentence: str) -> str:
        owner = next((owner for prefix, owner in owners.items() if name.startswith(prefix)), "")
        return f"{owner}: {sentence}" if owner else sentence

    return [(name, said(name, sentence)) for name, sentence in form.errors.items()]


def _lost(draft: Draft) -> Problem:
    what = _("We hebben niet meer wat u invulde")
    if draft.browser:
        return Problem(what, _("We bewaren het twee uur, en wissen het dan. Vul uw gegevens opnieuw in."))
    return Problem(what, _("Uw browser houdt geen cookies bij. Sta ze toe voor deze website, of bel ons."))


@dataclass(frozen=True)
class _Answers:
    citizen: Person
    helpers: tuple[Person, ...]
    question: str


def _read(form: Form, chosen: Chosen, sms: bool) -> _Answers:
    """What is wrong with it is in form.errors afterwards.  sms: a telephone number is enough to be reached."""
    if chosen.modality == "phone" and not form.last("telefoon").strip():
        form.fail("telefoon", _("Vul het nummer in waarop we u mogen bellen."))
    citizen = persons.read(form, sms=sms, own=True)
    helpers = tuple(persons.read(form, f"helper-{at}-", helper=True, sms=sms) for at in numbers(form))
    try:
        people.check_number(len(helpers), chosen.helpers_max)
    except Unfit as error:
        form.fail("helpers", words.wrong(error))
    return _Answers(citizen, helpers, form.lines("vraag"))


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
