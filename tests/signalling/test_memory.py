"""A thousand joins and leaves through the hub: rows, objects and memory return to where they were."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from signalling.media_plane import Limits
from signalling.messages import MESSAGE_MAX
from tests.support import sdp
from tests.support.counter import Counter, Person, S


def visit(counter: Counter, number: int) -> None:
    """One person comes, publishes, sees, and goes, in one of the ways there are."""
    counter.now_us += S
    person = counter.enter(f"p{number}")
    person.publishes("microphone", "camera")
    person.answer()
    counter.connected(person.session().publishing.transport)
    match number % 5:
        case 0:
            person.say({"type": "leave"})
        case 1:
            person.lose()
            counter.later(31 * S)
        case 2:
            person.say(counter.hello())
        case 3:
            counter.failed(person.session().publishing.transport)
            counter.failed(person.session().subscribing.transport)
            person.say({"type": "leave"})
        case _:
            again = counter.enter(f"p{number}")
            again.say("x" * (MESSAGE_MAX + 1))


def visits(counter: Counter, host: Person, count: int) -> tuple[int, int]:
    """So many of them, while somebody stays and sees them all; objects and bytes in use afterwards."""
    for number in range(count):
        visit(counter, number)
        counter.heard = {host.connection: counter.heard[host.connection]}
        counter.closes.clear()
        host.hears()
        counter.hub.take_presence()
        while host.offers:
            offer = host.offers[-1]
            host.offers.clear()
            host.say({"type": "subscribed", "id": offer["id"], "sdp": sdp.answer(offer["sdp"])})
    counter.plane.engine.take_control()
    counter.plane.forget_closed()
    gc.collect()
    return len(gc.get_objects()), tracemalloc.get_traced_memory()[0]


@pytest.mark.timeout(120)
def test_a_thousand_joins_and_leaves_leave_nothing() -> None:
    """Rows, objects, and memory but for what the interpreter keeps of it."""
    counter = Counter(limits=Limits(buffered=20))
    host = counter.enter("host", "staff")
    host.publishes("microphone", "camera")
    tracemalloc.start()
    try:
        objects, size = visits(counter, host, 200)
        rows = counter.rows()
        objects_after, size_after = visits(counter, host, 1000)
    finally:
        tracemalloc.stop()
    assert counter.rows() == rows
    assert rows["participants"] == rows["connections"] == 1 and rows["tracks"] == 2
    assert len(counter.plane.expected) == rows["transports"]
    assert objects_after - objects < 100, "a tenth of an object a visit would be a leak"
    assert size_after - size < 64_000
