"""Errors in the two forms that leave this server: problem details (RFC 9457) for programs, a page for people."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from balie.i18n import gettext as _
from balie.i18n import language

PROBLEM_TYPE = "application/problem+json"


class Refused(web.HTTPForbidden):
    """403, with a sentence that may be shown.  Other HTTP errors are aiohttp's: their texts are for nobody here.

    language: of the sentence, for the page around it
    """

    def __init__(self, text: str) -> None:
        super().__init__(text=text)
        self.language = language()


class SignedIn(Refused):
    """An act of a citizen's own, in a browser in which a member of staff is signed in: he may have the link before him
    to print it, and is not that citizen."""

    def __init__(self) -> None:
        super().__init__(signed_in_words())


def signed_in_words() -> str:
    """Why nothing can be done here, and what to do."""
    return _(
        "In deze browser is een medewerker aangemeld. Daarom kan hier niets gebeuren in naam van de burger. "
        "Bent u de burger? Open uw link in een privévenster of in een andere browser, of meld u eerst af aan de balie."
    )


def problem(status: int, title: str = "", detail: str = "", **more: object) -> web.Response:
    """title is a word that a program can tell apart; detail a sentence for whoever reads it."""
    body: dict[str, object] = {"title": title or HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    return web.json_response({**body, **more}, status=status, content_type=PROBLEM_TYPE)
