"""The feed of events, page by page."""

from __future__ import annotations

import msgspec

from balie.hooks import feed
from balie.hooks.cloudevents import Source
from balie.hooks.feed import EventsGoneError, UnknownCursorError
from web.api import types
from web.api.operation import Answer, Call
from web.api.refusals import misfit, refused
from web.keys import LINK_KEY, SITE, STORE


class Page(msgspec.Struct):
    """As types.Events; the events are sent as they were kept, with fields that types.EventData does not name."""

    events: list[dict[str, object]]
    cursor: str
    more: bool


async def page(call: Call[types.EventsQuery, types.Asked]) -> Answer:
    app, query = call.request.app, call.query
    if query.contact and "appointments:read" not in call.key.scopes:
        raise refused(403, "scope_missing", "contact=true needs appointments:read too")
    source = Source(app[SITE].public_url, app[LINK_KEY])
    try:
        found = await app[STORE].read(feed.page, source, query.after, query.limit, contact=query.contact)
    except UnknownCursorError:
        raise misfit("after", "cursor_unknown", "no page gave this cursor; leave it out to begin again") from None
    except EventsGoneError as error:
        detail = f"events after this cursor were removed; the oldest that is left comes after {error.oldest}"
        raise refused(410, "events_gone", detail, oldest=error.oldest) from None
    return Answer(Page(found.events, found.cursor, found.more))
