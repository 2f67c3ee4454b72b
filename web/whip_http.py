"""/whip and /whep: HTTP around signalling.whip.  Bearer token in, SDP in and out.

Open to pages of all sites (CORS, RFC 9725 4.2): what counts is the token, which a page must have been given.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

from aiohttp import web

from signalling.errors import SignallingError
from signalling.sdp import SDP_MAX
from signalling.whip import STATUS, Created
from web.keys import HTTP_SESSIONS, MEDIA, PUMP, UNIX_TIME
from web.problems import problem

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
BODY_S = 10.0  # for 64 kB: a slow phone needs one, who needs more is holding the connection
RETRY_S = {"draining": 60, "room_full": 60}
"""Retry-After of refusals that time heals: a restart takes a minute, and somebody may leave."""

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Patch, Accept-Post, ETag, Link, Location, Retry-After, WWW-Authenticate",
}
PREFLIGHT = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
}

Handler = Callable[[web.Request], Awaitable[web.Response]]


class _BodyError(Exception):
    """A body that is not what it must be, beside what signalling has words for."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


def _answered(handler: Handler) -> Handler:
    """Refusals as problem details; what changed is told to the room; readable by pages of other sites."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.Response:
        try:
            response = await handler(request)
        except SignallingError as error:
            response = _refusal(request, error)
        except _BodyError as error:
            response = problem(error.status, detail=error.detail)
            response.headers.update(error.headers)
            response.force_close()  # the rest of the body is not worth reading
        finally:
            request.app[PUMP].flush()
        response.headers.update(CORS)
        return response

    return answer


def _refusal(request: web.Request, error: SignallingError) -> web.Response:
    response = problem(STATUS[error.code], error.code, error.message)
    if response.status == 401:
        # Who shows no token is not told of an error in it (RFC 6750 3.1).
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if _shown_token(request) else "Bearer"
    if error.code in RETRY_S:
        response.headers["Retry-After"] = str(RETRY_S[error.code])
    return response


def _shown_token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _token(request: web.Request) -> str:
    token = _shown_token(request)
    if not token:
        raise SignallingError("token_invalid", "Authorization: Bearer with a join token is needed")
    return token


async def _text(request: web.Request, content_type: str) -> str:
    """The body, of the type that is wanted, at most SDP_MAX bytes, within BODY_S."""
    if request.content_type != content_type:
        accepted = {"PATCH": "Accept-Patch", "POST": "Accept-Post"}[request.method]
        raise _BodyError(415, f"Content-Type must be {content_type}", {accepted: content_type})
    body = b""
    try:
        async with asyncio.timeout(BODY_S):
            while more := await request.content.read(SDP_MAX + 1 - len(body)):
                body += more
    except TimeoutError:
        raise _BodyError(408, f"the body was not there within {BODY_S:g} s") from None
    if len(body) > SDP_MAX:
        raise _BodyError(413, f"at most {SDP_MAX} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise SignallingError("bad_sdp", "the body is not UTF-8") from None


@_answered
async def create(request: web.Request) -> web.Response:
    """POST /whip/{room}, /whep/{room}: 201 with Location, ETag and the answer; a Link for each TURN server."""
    kind, room = request.match_info["kind"], request.match_info["room"]
    sessions, media = request.app[HTTP_SESSIONS], request.app[MEDIA]
    token = _token(request)
    offer = await _text(request, SDP_TYPE)
    begin = sessions.publish if kind == "whip" else sessions.watch
    created: Created = begin(room, token, offer, media.now_us(), request.app[UNIX_TIME]())
    # The path as it was asked for: a room may have a slash in its name, which url_for() would leave as it is.
    location = f"{request.rel_url.raw_path}/{created.resource}"
    headers = {"Location": location, "ETag": f'"{created.etag}"', "Accept-Patch": FRAGMENT_TYPE}
    response = web.Response(status=201, text=created.sdp, content_type=SDP_TYPE, headers=headers)
    for link in created.links:
        response.headers.add("Link", link)
    return response


@_answered
async def change(request: web.Request) -> web.Response:
    """PATCH on the Location: 204 for trickled candidates, 200 with a fragment for an ICE restart."""
    place = request.match_info
    token = _token(request)
    fragment = await _text(request, FRAGMENT_TYPE)
    if_match = ",".join(request.headers.getall("If-Match", [])) or None
    patched = request.app[HTTP_SESSIONS].patch(
        place["kind"], place["room"], place["id"], token, fragment, if_match, request.app[UNIX_TIME]()
    )
    if not patched.fragment:
        return web.Response(status=204)
    headers = {"ETag": f'"{patched.etag}"'}
    return web.Response(text=patched.fragment, content_type=FRAGMENT_TYPE, headers=headers)


@_answered
async def end(request: web.Request) -> web.Response:
    """DELETE on the Location: 200, the connection is over."""
    place, app = request.match_info, request.app
    token = _token(request)
    app[HTTP_SESSIONS].delete(place["kind"], place["room"], place["id"], token, app[MEDIA].now_us(), app[UNIX_TIME]())
    return web.Response(status=200)


@_answered
async def options(request: web.Request) -> web.Response:
    """OPTIONS: what is taken here, for programs and for the browser of a page of another site."""
    if "id" in request.match_info:
        methods, accepted = "GET, HEAD, OPTIONS, PATCH, DELETE", {"Accept-Patch": FRAGMENT_TYPE}
    else:
        methods, accepted = "GET, HEAD, OPTIONS, POST", {"Accept-Post": SDP_TYPE}
    headers = {"Allow": methods, "Access-Control-Allow-Methods": methods, **accepted, **PREFLIGHT}
    return web.Response(status=200, headers=headers)


@_answered
async def nothing(_: web.Request) -> web.Response:
    """GET: 204, for there is nothing to look at (RFC 9725 4.1).  Not 404 either: what exists is nobody's business."""
    return web.Response(status=204)
