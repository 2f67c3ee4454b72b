"""What handlers of these pages find in the application."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from balie.documents.kinds import ACCEPT
from balie.documents.service import Documents
from balie.i18n import gettext as _

DOCUMENTS = web.AppKey("DOCUMENTS", Documents)
FILE, STEP = "bestand", "stap"
"""Fields of a form that sends a document; the file is the last of them."""
MB = 1_000_000


def documents(request: web.Request) -> Documents:
    """404 where there are none: an application of a test."""
    found = request.app.get(DOCUMENTS)
    if found is None:
        raise web.HTTPNotFound
    return found


@dataclass(frozen=True)
class Upload:
    """What a form that sends a document says beforehand.  accept: helps to choose."""

    max_bytes: int
    scans: bool
    keep_days: int
    accept: str = ACCEPT

    @property
    def hint(self) -> str:
        size = _("{n} MB").format(n=self.max_bytes // MB)
        return _(
            "Een foto, een pdf, een tekst of een rekenblad (docx, odt, xlsx, ods, txt) van hoogstens {size}."
        ).format(size=size)


def upload(app: web.Application) -> Upload | None:
    """None where there are none."""
    found = app.get(DOCUMENTS)
    if found is None:
        return None
    return Upload(found.rules.max_bytes, found.rules.scans, found.rules.keep_days)
