"""/whip and /whep: HTTP around signalling.whip.  Bearer token in, SDP in and out."""

from __future__ import annotations

from aiohttp import web

from signalling.errors import SignallingError
from signalling.sdp import SDP_MAX
from signalling.whip import STATUS, Created
from web.keys import HTTP_SESSIONS, MEDIA, PUMP, UNIX_TIME

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"


def _problem(status: int, code: str, message: str) -> web.Response:
    """An error as RFC 9457 problem details."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return web.json_response(
        {"title": code, "detail": message, "status": status},
        status=status,
        content_type="application/problem+json",
        headers=headers,
    )


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SignallingError("token_invalid", "Authorization: Bearer with a join token is needed")
    return token.strip()


async def _text(request: web.Request, content_type: str) -> str:
    """The body; 415, 413 or 400 as SignallingError or HTTP error."""
    if request.content_type != content_type:
        raise web.HTTPUnsupportedMediaType(text=f"Content-Type must be {content_type}")
    if (request.content_length or 0) > SDP_MAX:
        raise SignallingError("too_large", f"at most {SDP_MAX} bytes")
    body = await request.content.read(SDP_MAX + 1)
    while len(body) <= SDP_MAX and (more := await request.content.read(SDP_MAX + 1 - len(body))):
        body += more
    if len(body) > SDP_MAX:
        raise SignallingError("too_large", f"at most {SDP_MAX} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise SignallingError("bad_sdp", "the body is not UTF-8") from None


async def create(request: web.Request) -> web.Response:
    """POST /whip/{room}, /whep/{room}: 201 with Location, ETag and the answer."""
    kind, room = request.match_info["kind"], request.match_info["room"]
    sessions, media = request.app[HTTP_SESSIONS], request.app[MEDIA]
    try:
        token = _bearer(request)
        offer = await _text(request, SDP_TYPE)
        begin = sessions.publish if kind == "whip" else sessions.watch
        created: Created = begin(room, token, offer, media.now_us(), request.app[UNIX_TIME]())
    except SignallingError as error:
        return _problem(STATUS[error.code], error.code, error.message)
    finally:
        request.app[PUMP].flush()
    location = request.app.router["http_session"].url_for(kind=kind, room=room, id=created.resource)
    headers = {"Location": str(location), "ETag": f'"{created.etag}"', "Accept-Patch": FRAGMENT_TYPE}
    return web.Response(status=201, text=created.sdp, content_type=SDP_TYPE, headers=headers)


async def change(request: web.Request) -> web.Response:
    """PATCH on the Location: 204 for trickled candidates, 200 with a fragment for an ICE restart."""
    place = request.match_info
    try:
        token = _bearer(request)
        fragment = await _text(request, FRAGMENT_TYPE)
        patched = request.app[HTTP_SESSIONS].patch(
            place["kind"],
            place["room"],
            place["id"],
            token,
            fragment,
            request.headers.get("If-Match"),
            request.app[UNIX_TIME](),
        )
    except SignallingError as error:
        return _problem(STATUS[error.code], error.code, error.message)
    if not patched.fragment:
        return web.Response(status=204)
    headers = {"ETag": f'"{patched.etag}"'}
    return web.Response(text=patched.fragment, content_type=FRAGMENT_TYPE, headers=headers)


async def end(request: web.Request) -> web.Response:
    """DELETE on the Location: 200, the connection is over."""
    place, app = request.match_info, request.app
    try:
        app[HTTP_SESSIONS].delete(
            place["kind"], place["room"], place["id"], _bearer(request), app[MEDIA].now_us(), app[UNIX_TIME]()
        )
    except SignallingError as error:
        return _problem(STATUS[error.code], error.code, error.message)
    finally:
        app[PUMP].flush()
    return web.Response(status=200)
