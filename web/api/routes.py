"""Every operation of the API, on one screen.  Routes and the OpenAPI document are made from this table."""

from __future__ import annotations

from aiohttp import web

from web.api import appointments, events, invoices, openapi, times, types
from web.api.operation import Operation

ONE = appointments.PATH + "/{ref}"

OPERATIONS = (
    Operation(
        "GET", "/api/v1/services", "services", "slots:read", "Services that take appointments",
        times.services, types.Services,
    ),
    Operation(
        "GET", "/api/v1/products", "products", "slots:read", "What an appointment can be about",
        times.products, types.Products, query=types.ProductsQuery, refusals=(422,),
    ),
    Operation(
        "GET", "/api/v1/days", "days", "slots:read", "How many free times each day has",
        times.days, types.Days, query=types.TimesQuery, refusals=(422,),
    ),
    Operation(
        "GET", "/api/v1/slots", "slots", "slots:read", "Free times, and with whom",
        times.slots, types.Slots, query=types.TimesQuery, refusals=(422,),
    ),
    Operation(
        "POST", "/api/v1/holds", "hold", "appointments:write", "Keep a time for ten minutes",
        appointments.hold, types.Held, 201, body=types.Hold, refusals=(400, 409, 415, 422),
    ),
    Operation(
        "POST", appointments.PATH, "book", "appointments:write", "Make an appointment",
        appointments.book, types.Appointment, 201, body=types.Book, refusals=(400, 409, 415, 422), once=True,
    ),
    Operation(
        "GET", ONE, "look_up", "appointments:read", "An appointment by its reference",
        appointments.look_up, types.Appointment, refusals=(404,),
    ),
    Operation(
        "POST", ONE + "/confirm", "confirm", "appointments:write", "The citizen said that he comes",
        appointments.confirm, types.Appointment, refusals=(400, 404, 409, 422), once=True,
    ),
    Operation(
        "POST", ONE + "/move", "move", "appointments:write", "To another time, under the same reference",
        appointments.move, types.Appointment, body=types.Move, refusals=(400, 404, 409, 415, 422), once=True,
    ),
    Operation(
        "POST", ONE + "/modality", "change_modality", "appointments:write", "At the same time, in another way",
        appointments.change_modality, types.Appointment,
        body=types.ChangeModality, refusals=(400, 404, 409, 415, 422), once=True,
    ),
    Operation(
        "POST", ONE + "/cancel", "cancel", "appointments:write", "It does not take place",
        appointments.cancel, types.Appointment, body=types.Cancel, refusals=(400, 404, 409, 415, 422), once=True,
    ),
    Operation(
        "POST", ONE + "/people", "add_person", "appointments:write", "Somebody comes along",
        appointments.add_person, types.Person, 201, body=types.Helper, refusals=(400, 404, 409, 415, 422), once=True,
    ),
    Operation(
        "DELETE", ONE + "/people/{person}", "remove_person", "appointments:write", "Somebody does not come along",
        appointments.remove_person, None, 204, refusals=(404, 409),
    ),
    Operation(
        "POST", invoices.PATH + "/{number}/acknowledgement", "acknowledge", "invoices:acknowledge",
        "Bookkeeping has a document", invoices.acknowledge, types.Acknowledgement,
        body=types.Acknowledge, refusals=(400, 404, 409, 415, 422),
    ),
    Operation(
        "GET", "/api/v1/events", "events", "events:read", "What happened, in order",
        events.page, types.Events, query=types.EventsQuery, refusals=(410, 422),
    ),
)  # fmt: skip


async def document(_: web.Request) -> web.Response:
    return web.Response(body=openapi.document(OPERATIONS), content_type="application/json")


ROUTES = (
    web.get("/api/v1/openapi.json", document),
    *(web.route(each.method, each.path, each.__call__) for each in OPERATIONS),
)
