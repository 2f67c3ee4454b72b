"""A file out of a form (multipart/form-data, RFC 7578), piece by piece: it is never in memory whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import unquote

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from balie.documents.errors import DocumentError
from balie.documents.records import UPLOAD_S
from web import csrf
from web.documents.keys import FILE
from web.legible import legible

FORM_TYPE = "multipart/form-data"
PARTS_MAX, FIELD_MAX = 8, 1000
OVERHEAD = 1 << 14  # bytes of a form around its file
PIECE = 1 << 16
IDLE_S = 60  # nothing comes for so long: whoever sent is gone

_ESCAPED = re.compile("%22|%0D|%0A")
"""All that browsers escape in the name of a file (HTML, multipart/form-data encoding algorithm)."""

Put = Callable[[dict[str, str], str, AsyncIterator[bytes]], Awaitable[int]]
"""What is done with a file: the fields before it, its name as the browser says it, its bytes.  Returns its id."""


async def take(request: web.Request, most: int, put: Put) -> int:
    """The id of what came.  most: bytes of a file.

    DocumentError none, size, and what put raises; 400 what is no form, or ends in the middle; 403 from elsewhere;
    408 too slow; 415 another kind of form.
    """
    csrf.check(request)
    if request.content_type != FORM_TYPE:
        raise web.HTTPUnsupportedMediaType
    if request.content_length is not None and request.content_length > most + OVERHEAD:
        raise DocumentError("size")
    try:
        async with asyncio.timeout(UPLOAD_S):
            return await _take(request, put)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


async def _take(request: web.Request, put: Put) -> int:
    fields: dict[str, str] = {}
    with _Honest():
        reader = await request.multipart()
    for _each in range(PARTS_MAX):
        with _Honest():
            part = await reader.next()
        if part is None:
            break
        if isinstance(part, MultipartReader) or not part.name or not legible(part.name):
            raise web.HTTPBadRequest
        if part.name != FILE:
            fields[part.name] = await _field(part)
            continue
        if not part.filename:
            raise DocumentError("none")
        return await put(fields, _ESCAPED.sub(lambda found: unquote(found[0]), part.filename), _pieces(part))
    raise DocumentError("none")


async def _field(part: BodyPartReader) -> str:
    with _Honest():
        data = await part.read_chunk(FIELD_MAX)
        if await part.read_chunk(FIELD_MAX):
            raise web.HTTPBadRequest
        found = data.decode()
    if not legible(found):
        raise web.HTTPBadRequest
    return found


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while not part.at_eof():
        with _Honest():
            async with asyncio.timeout(IDLE_S):
                piece = await part.read_chunk(PIECE)
        if piece:
            yield piece


class _Honest:
    """What aiohttp raises for a body that is not what it says is 400: a mistake of who sends."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        # AssertionError: the reader's word for a form that ends in the middle.
        wrong = ValueError | AssertionError | HttpProcessingError | web.RequestPayloadError
        if kind is not None and issubclass(kind, wrong):
            raise web.HTTPBadRequest from None
