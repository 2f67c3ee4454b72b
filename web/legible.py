"""Text that comes in with a request must be text: UTF-8, and without a zero, which PostgreSQL takes in none.

Looked at here for all pages and programs, before any handler: address and query around every request
(web.middlewares), forms where they are read (web.forms, web.documents.receiving).  JSON bodies are msgspec's, which
refuses what is no UTF-8; a zero in one of their fields is for the types of web.api.types.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from aiohttp import web


def legible(text: str) -> bool:
    """Whether any database takes it.  Lone surrogates are what Python makes of bytes that are no UTF-8."""
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def check(request: web.Request) -> None:
    """404 for an address that nothing can have, 400 for a query that nobody wrote."""
    path, _, query = request.raw_path.partition("?")
    if not _decodes(path):
        raise web.HTTPNotFound
    if not _decodes(query):
        raise web.HTTPBadRequest


def _decodes(escaped: str) -> bool:
    """escaped: with percent signs, as it came."""
    try:
        return "\0" not in unquote_to_bytes(escaped).decode()
    except UnicodeError:
        return False
