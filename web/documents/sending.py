"""A file on its way out.  Whatever is in it, a browser keeps it as a file: it never runs on our pages."""

from __future__ import annotations

from aiohttp import web

from balie.documents import names
from balie.documents.records import Document
from web.documents.keys import documents

POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""Stricter than that of our pages: without scripts, forms, pictures, and in an origin of its own."""


def download(request: web.Request, found: Document) -> web.StreamResponse:
    """The bytes of a document that can be had; 404 while it cannot.

    An image is shown where a page of ours has it in an <img>, which asks nobody for Content-Disposition.
    """
    path = documents(request).shelf.path(found.file)
    if not found.open or not path.is_file():
        raise web.HTTPNotFound
    headers = {
        "Content-Type": found.mime,
        "Content-Disposition": names.disposition(found.name),
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
    }
    return web.FileResponse(path, headers=headers)
