"""What citizens read of a product, for an administrator to write: name, welcome at the door, what to have ready."""

from __future__ import annotations

from aiohttp import web
from multidict import MultiDict

from balie.booking import wording
from balie.booking.errors import NotFound
from balie.booking.wording import LINE_MAX, LINES_MAX, NAME_MAX, TEXT_MAX, Worded, Wording
from balie.i18n import LANGUAGES, SOURCE, pick
from balie.i18n import gettext as _
from web.desk.desk import Desk, go
from web.forms import Form

PLACE = "/balie/teksten"


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/teksten: all products, and what is not written in some language."""
    found = await desk.read(wording.listed, desk.member.organisation_id)
    return await desk.show("wordings.html", products=[_told(each) for each in found])


def _told(each: Worded) -> dict[str, object]:
    return {
        "id": each.id,
        "name": pick({code: words.name for code, words in each.words.items() if words.name}),
        "service": pick(each.service_names),
        "active": each.active,
        "missing": [LANGUAGES[code] for code in each.missing()],
    }


async def one(desk: Desk) -> web.StreamResponse:
    """GET /balie/teksten/{id}."""
    known = await _known(desk)
    typed: MultiDict[str] = MultiDict()
    for code, words in known.words.items():
        typed.update(
            {
                f"naam-{code}": words.name,
                f"samenvatting-{code}": words.summary,
                f"welkom-{code}": words.welcome,
                f"klaar-{code}": "\n".join(words.checklist),
            }
        )
    return await _show(desk, known, Form(typed))


async def act(desk: Desk) -> web.StreamResponse:
    """POST /balie/teksten/{id}."""
    known = await _known(desk)
    words = {code: _written(desk.form, code) for code in LANGUAGES}
    if desk.form.errors:
        return await _show(desk, known, desk.form, 422)
    await desk.write(wording.write, desk.now_s, desk.member.organisation_id, known.id, words, desk.member.actor)
    return go(f"{PLACE}/{known.id}", "bewaard")


async def _known(desk: Desk) -> Worded:
    """404: none, or of another organisation."""
    try:
        return await desk.read(wording.of, desk.member.organisation_id, int(desk.request.match_info["id"]))
    except NotFound:
        raise web.HTTPNotFound from None


async def _show(desk: Desk, known: Worded, form: Form, status: int = 200) -> web.Response:
    return await desk.show(
        "wording.html",
        status=status,
        product=_told(known),
        words=known.words,
        languages=[(code, name, code == SOURCE) for code, name in LANGUAGES.items()],
        form=form,
    )


def _written(form: Form, code: str) -> Wording:
    """The words of one language; only the name in Dutch must be there, for it is shown where others are not."""
    return Wording(
        name=form.text(f"naam-{code}", _("Vul een naam in.") if code == SOURCE else "", most=NAME_MAX),
        summary=form.lines(f"samenvatting-{code}", most=TEXT_MAX),
        welcome=form.lines(f"welkom-{code}", most=TEXT_MAX),
        checklist=_lines(form, f"klaar-{code}"),
    )


def _lines(form: Form, name: str) -> tuple[str, ...]:
    typed = form.lines(name, most=LINE_MAX * LINES_MAX)
    found = tuple(line for each in typed.split("\n") if (line := each.strip()))
    if len(found) > LINES_MAX:
        form.fail(name, _("Dit zijn te veel regels. Noem er hoogstens {most}.").format(most=LINES_MAX))
    elif any(len(line) > LINE_MAX for line in found):
        form.fail(name, _("Een regel is te lang: er passen {most} tekens in.").format(most=LINE_MAX))
    return found
