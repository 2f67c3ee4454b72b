"""What the API says no with: problem details (RFC 9457) whose title is a word for programs."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from balie.booking import errors
from web.api.types import FieldError, Problem, Slot
from web.problems import PROBLEM_TYPE


class RefusedError(Exception):
    """Becomes an answer.  headers: beside the body."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.title)
        self.problem, self.headers = problem, headers or {}


def refused(
    status: int, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> RefusedError:
    """To raise."""
    return RefusedError(msgspec.convert({"title": title, "status": status, "detail": detail, **more}, Problem), headers)


def misfit(field: str, code: str, detail: str) -> RefusedError:
    """A field of the request that is not possible."""
    return RefusedError(Problem("invalid", 422, f"{field}: {detail}", [FieldError(field, code, detail)]))


def of_booking(error: errors.BookingError, next_free: list[Slot]) -> RefusedError:
    """What balie.booking would not do.  next_free: of SlotTaken, as the API writes them."""
    detail = str(error)
    match error:
        case errors.SlotTaken():
            return RefusedError(Problem(error.code, 409, detail, next_free=next_free))
        case errors.NotNow():
            return RefusedError(Problem(error.code, 409, detail, appointment_status=error.status))
        case errors.NotFound(what="hold"):
            return RefusedError(Problem(error.code, 409, "there is no such hold, or its ten minutes are over"))
        case errors.NotFound():
            return RefusedError(Problem(error.code, 404, detail))
        case errors.Unfit():
            return misfit(error.field, error.code, detail)
    raise AssertionError(f"{error!r} has no answer")


def response(error: RefusedError) -> web.Response:
    return web.Response(
        status=error.problem.status,
        body=msgspec.json.encode(error.problem),
        content_type=PROBLEM_TYPE,
        headers=error.headers,
    )
