"""One request to another system, bounded: no redirect, so many bytes and no more, and one error for every way in which
no answer comes.  What an answer means is for who asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import ClientError, ClientSession
from yarl import URL

PIECE = 1 << 16


class NoAnswerError(Exception):
    """Nobody knows whether it was done: no connection, no answer in time, or none that is HTTP."""


class TooLargeError(Exception):
    """The answer has more bytes than it may."""


async def exchange(
    session: ClientSession,
    method: str,
    url: str | URL,
    bytes_max: int,
    *,
    headers: Mapping[str, str] | None = None,
    data: bytes | Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and body.  NoAnswerError, TooLargeError.  The session has the time that it may take."""
    try:
        async with session.request(method, url, headers=headers, data=data, allow_redirects=False) as response:
            answer = bytearray()
            async for piece in response.content.iter_chunked(PIECE):
                answer += piece
                if len(answer) > bytes_max:
                    raise TooLargeError(f"more than {bytes_max} bytes")
            return response.status, bytes(answer)
    except (ClientError, TimeoutError, OSError, ValueError) as error:  # ValueError: of an answer that is no HTTP
        raise NoAnswerError(type(error).__name__) from None
