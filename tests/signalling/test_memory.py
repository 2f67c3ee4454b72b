"""A thousand joins and leaves through the hub: rows, objects and memory return to where they were."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import NamedTuple

from signalling.media_plane import Limits
from signalling.messages import MESSAGE_MAX
from tests.support import sdp
from tests.support.counter import Counter, Person, S


class _Heap(ctypes.Structure):
    """What mallinfo2 of the C library tells."""

    _fields_ = [(name, ctypes.c_size_t) for name in (*"abcd", "mapped", *"ef", "in_use", *"gh")]


class Used(NamedTuple):
    """objects: that the garbage collector knows.  blocks: up to half a kilobyte each.  size: of all larger ones."""

    objects: int
    blocks: int
    size: int


_LIBC = ctypes.CDLL(None)
_LIBC.mallinfo2.restype = _Heap


def used() -> Used:
    """Counted by the allocators themselves: tracing each allocation would make a visit cost five times as much."""
    gc.collect()
    objects, blocks, heap = len(gc.get_objects()), sys.getallocatedblocks(), _LIBC.mallinfo2()
    return Used(objects, blocks, heap.mapped + heap.in_use)


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


def visits(counter: Counter, host: Person, count: int) -> Used:
    """So many of them, while somebody stays and sees them all; what is in use afterwards."""
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
    return used()


def test_a_thousand_joins_and_leaves_leave_nothing() -> None:
    """Rows, objects, and memory but for what the interpreter keeps of it."""
    counter = Counter(limits=Limits(buffered=20))
    host = counter.enter("host", "staff")
    host.publishes("microphone", "camera")
    before = visits(counter, host, 1000)  # tables of ours and caches of the interpreter fill up
    rows = counter.rows()
    after = visits(counter, host, 1000)
    assert counter.rows() == rows
    assert rows["participants"] == rows["connections"] == 1 and rows["tracks"] == 2
    assert len(counter.plane.expected) == rows["transports"]
    assert after.objects - before.objects < 100, "a tenth of an object a visit would be a leak"
    assert after.blocks - before.blocks < 500, "the interpreter keeps a quarter of one a visit"
    assert after.size - before.size < 16_000
