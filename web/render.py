"""Jinja set-up and page rendering.  All texts go through gettext; Dutch is the source language."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from balie import i18n
from web.assets import address
from web.keys import PAGES, SITE

FOLDER = Path(__file__).parent


@cache
def environment() -> Environment:
    """Templates of web/templates, escaped, with unknown names an error instead of an empty text.  The same for all
    applications of a process: nothing in it is of one of them, and each template is read and compiled once.
    """
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True, pgettext=i18n.pgettext)  # type: ignore[attr-defined]
    made.globals["static"] = address
    return made


def page(request: web.Request, template: str, *, status: int = 200, phone: str = "", **values: object) -> web.Response:
    """An HTML page.  phone: of the service that it is about; the organisation's when empty."""
    site = request.app[SITE].about(phone)
    html = request.app[PAGES].get_template(template).render(site=site, lang=i18n.language(), **values)
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)
