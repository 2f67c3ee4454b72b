"""Errors in the two forms that leave this server: problem details (RFC 9457) for programs, a page for people."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

PROBLEM_TYPE = "application/problem+json"


class Refused(web.HTTPForbidden):
    """403, with a sentence that may be shown.  Other HTTP errors are aiohttp's: their texts are for nobody here."""


def problem(status: int, title: str = "", detail: str = "", **more: object) -> web.Response:
    """title is a word that a program can tell apart; detail a sentence for whoever reads it."""
    body: dict[str, object] = {"title": title or HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    return web.json_response({**body, **more}, status=status, content_type=PROBLEM_TYPE)
