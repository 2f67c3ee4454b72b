"""Puts a citizen's page together, in his language."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from balie.i18n import LANGUAGES, language
from web.keys import PAGES, SITE


@dataclass(frozen=True)
class Problem:
    """What happened, and what one can do now.  The page adds whom to call."""

    title: str
    words: str = ""


def show(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    here: str = "",
    typed_form: str = "",
    phone: str = "",
    **values: object,
) -> web.Response:
    """A page of templates/citizen.

    here        where to come back to after a choice of language; the page itself when empty
    phone       of the service that it is about; the organisation's when empty
    typed_form  the id of a form that may hold what somebody typed: a choice of language then goes through it
    """
    html = (
        request.app[PAGES]
        .get_template(f"citizen/{template}")
        .render(
            site=request.app[SITE].about(phone),
            lang=language(),
            languages=LANGUAGES,
            here=here or request.path_qs,
            typed_form=typed_form,
            **values,
        )
    )
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)


def go(path: str) -> web.Response:
    """After a POST: the page to look at."""
    return web.Response(status=303, headers={"Location": path})
