"""Reading forms, and saying at each field what is wrong with it.  What was typed is kept, whatever it was.

A handler reads a Form, takes what it needs from it, and shows the page again when `form.errors` has something:

    form = await forms.read(request)
    name = form.text("name", _("Vul uw naam in."))
    if form.errors: ...

A field that is missing, strange or tampered with is an error of that field, never an exception.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiMapping

from balie.i18n import gettext as _
from balie.i18n import ngettext
from web import csrf
from web.legible import legible

FORM_TYPE = "application/x-www-form-urlencoded"
BYTES_MAX = 64 << 10  # a question of 2,000 characters in Chinese is 18 kB
FIELDS_MAX = 200
LINE_MAX, TEXT_MAX = 200, 2000
MOMENT_MAX = 1 << 35
"""Of Unix seconds: the year 3058.  Calendars of the library end in 9999."""


@dataclass
class Form:
    """What somebody filled in.

    values  every field as it was typed, for showing it again
    errors  a sentence by field: what is wrong, and what to do
    """

    values: MultiMapping[str]
    errors: dict[str, str] = field(default_factory=dict)

    def fail(self, name: str, sentence: str) -> None:
        """The first thing that is wrong with a field is what its reader hears."""
        self.errors.setdefault(name, sentence)

    def last(self, name: str) -> str:
        """As typed.  The last one counts: a button overrides what the page had."""
        found = self.values.getall(name, ())
        return found[-1] if found else ""

    def all(self, name: str) -> list[str]:
        return list(self.values.getall(name, ()))

    def text(self, name: str, required: str = "", *, most: int = LINE_MAX) -> str:
        """One line, without spaces around it.  required: what to say when it is empty."""
        found = unicodedata.normalize("NFC", self.last(name)).strip()
        if not found and required:
            self.fail(name, required)
        elif any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in found):
            self.fail(name, _("Hier staat een teken in dat we niet kunnen lezen. Typ het opnieuw, op één regel."))
        self._measure(name, found, most)
        return found

    def lines(self, name: str, *, most: int = TEXT_MAX) -> str:
        """Several lines, each ended as in a text file."""
        typed = self.last(name).replace("\r\n", "\n").replace("\r", "\n")
        found = unicodedata.normalize("NFC", typed).strip()
        if any(unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t" for each in found):
            self.fail(name, _("Hier staat een teken in dat we niet kunnen lezen. Typ het opnieuw."))
        self._measure(name, found, most)
        return found

    def _measure(self, name: str, found: str, most: int) -> None:
        if (over := len(found) - most) > 0:
            rule = _("Dit is te lang: er passen {most} tekens in.").format(most=most)
            advice = ngettext("Haal er {n} weg.", "Haal er {n} weg.", over).format(n=over)
            self.fail(name, f"{rule} {advice}")

    def choice(self, name: str, options: Collection[str], required: str = "") -> str:
        """One of options, or "" when it is none of them."""
        found = self.last(name)
        if found in options:
            return found
        if required:
            self.fail(name, required)
        return ""

    def number(self, name: str, *, least: int = 0, most: int = 1 << 40) -> int | None:
        """A whole number within bounds, or None: no person types one, so a strange one is simply not there."""
        return whole(self.last(name), least=least, most=most)

    def moment(self, name: str) -> int | None:
        """Unix seconds, or None."""
        return self.number(name, most=MOMENT_MAX)


def whole(text: str, *, least: int = 0, most: int = 1 << 40) -> int | None:
    """Text as a whole number within bounds, or None."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        return None
    found = int(text)
    return found if least <= found <= most else None


async def read(request: web.Request) -> Form:
    """The form of a POST.  403 when another website sent it; 400, 413 or 415 when it is no form of ours."""
    csrf.check(request)
    if request.content_type != FORM_TYPE:
        raise web.HTTPUnsupportedMediaType
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BYTES_MAX:
            raise web.HTTPRequestEntityTooLarge(BYTES_MAX, len(body))
    return Form(MultiDict(_fields(bytes(body))))


def read_query(request: web.Request) -> Form:
    """The form of a GET: what stands behind the question mark."""
    return Form(request.query)


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        found = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:  # not ASCII, no UTF-8, or too many fields: no browser sends that
        raise web.HTTPBadRequest from None
    if not all(legible(each) for field in found for each in field):
        raise web.HTTPBadRequest
    return found
