"""The halls' side of the contract of docs/reservations.md, as a vendor would write it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from balie import signing
from web.demo_hall.hall import BY_ID, COURTS, Court, Hall, HallError, Reserved
from web.forms import whole

HALL: web.AppKey[Hall] = web.AppKey("HALL")
SECRET: web.AppKey[bytes] = web.AppKey("HALL_SECRET")
BODY: web.RequestKey[bytes] = web.RequestKey("body", bytes)
BASE = "/demo/reservatie/api"
BODY_MAX = 10_000

Handler = Callable[[web.Request], Awaitable[web.Response]]


class _Hold(msgspec.Struct, frozen=True):
    resource: str
    from_s: int
    until_s: int
    ttl_s: int


class _Confirm(msgspec.Struct, frozen=True):
    holder_name: str = ""


def _signed(handler: Handler) -> Handler:
    """401 for who does not have the secret; HallError as HTTP has it."""

    @functools.wraps(handler)
    async def checked(request: web.Request) -> web.Response:
        body = await request.content.read(BODY_MAX + 1)
        signed = body if request.method == "POST" else request.raw_path.removeprefix(BASE).encode()
        now_s = request.app[HALL].now_s
        if len(body) > BODY_MAX or not signing.verify([request.app[SECRET]], request.headers, signed, now_s):
            return web.json_response({"error": "signature"}, status=401)
        request[BODY] = body
        try:
            return await handler(request)
        except HallError as error:
            return web.json_response({"error": error.code}, status=error.status)
        except msgspec.MsgspecError as error:
            return web.json_response({"error": str(error)}, status=422)

    return checked


@_signed
async def resources(request: web.Request) -> web.Response:
    """GET /resources?kind="""
    kind = request.query.get("kind", "")
    found = [each for each in COURTS if kind in ("", each.kind)]
    return web.json_response({"resources": [{"id": c.id, "name": name(c), "kind": c.kind} for c in found]})


@_signed
async def free(request: web.Request) -> web.Response:
    """GET /free?kind=&from_s=&until_s="""
    from_s, until_s = (whole(request.query.get(each, "")) for each in ("from_s", "until_s"))
    if from_s is None or until_s is None:
        raise HallError(422, "times")
    found = request.app[HALL].free(request.query.get("kind", ""), from_s, until_s)
    return web.json_response(
        {
            "free": [
                {
                    "resource": each.court.id,
                    "resource_name": name(each.court),
                    "from_s": each.from_s,
                    "until_s": each.until_s,
                    "price_cents": each.price_cents,
                }
                for each in found
            ]
        }
    )


@_signed
async def hold(request: web.Request) -> web.Response:
    """POST /holds"""
    asked = msgspec.json.decode(request[BODY], type=_Hold)
    hall = request.app[HALL]

    def do() -> dict[str, object]:
        kept = hall.hold(asked.resource, asked.from_s, asked.until_s, asked.ttl_s)
        return {"ref": kept.ref, "hold_until_s": kept.hold_until_s, "price_cents": kept.price_cents}

    return _once(request, do, 201)


@_signed
async def confirm(request: web.Request) -> web.Response:
    """POST /holds/{ref}/confirm"""
    asked = msgspec.json.decode(request[BODY], type=_Confirm)
    hall, ref = request.app[HALL], request.match_info["ref"]
    return _once(request, lambda: {"ref": hall.confirm(ref, asked.holder_name).ref})


@_signed
async def release(request: web.Request) -> web.Response:
    """POST /holds/{ref}/release"""
    hall, ref = request.app[HALL], request.match_info["ref"]
    return _once(request, lambda: _shown(hall.release(ref)))


@_signed
async def details(request: web.Request) -> web.Response:
    """GET /holds/{ref}"""
    return web.json_response(_shown(request.app[HALL].find(request.match_info["ref"])))


def name(court: Court) -> str:
    return f"{court.hall}, {court.name.lower()}"


def _once(request: web.Request, do: Callable[[], dict[str, object]], status: int = 200) -> web.Response:
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise HallError(422, "key_missing")
    asked = f"{request.path} {request[BODY].decode(errors='replace')}"
    return web.json_response(request.app[HALL].once(key, asked, do), status=status)


def _shown(found: Reserved) -> dict[str, Any]:
    return {
        "ref": found.ref,
        "state": found.state,
        "resource": BY_ID[found.court.id].id,
        "from_s": found.from_s,
        "until_s": found.until_s,
        "holder_name": found.holder,
    }


ROUTES = (
    web.get(f"{BASE}/resources", resources),
    web.get(f"{BASE}/free", free),
    web.post(f"{BASE}/holds", hold),
    web.get(f"{BASE}/holds/{{ref}}", details),
    web.post(f"{BASE}/holds/{{ref}}/confirm", confirm),
    web.post(f"{BASE}/holds/{{ref}}/release", release),
)
