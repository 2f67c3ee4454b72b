"""A room for a test of a device: who is in it hears and sees himself, and nobody else ever does."""

from __future__ import annotations

from tests.support.counter import Counter


def test_a_probe_is_offered_what_it_publishes() -> None:
    counter = Counter()
    an = counter.enter("an", "probe")
    an.publishes("microphone", "camera")
    an.hears()
    assert [(track["participant"], track["source"]) for track in an.offers[-1]["tracks"]] == [
        ("an", "microphone"),
        ("an", "camera"),
    ]
    an.answer()
    counter.connected(an.session().subscribing.transport)
    assert counter.plane.flowing() == 2


def test_an_echo_ends_with_what_it_repeats() -> None:
    counter = Counter()
    an = counter.enter("an", "probe")
    an.publishes("microphone", "camera")
    an.answer()
    an.publishes("microphone")
    an.hears()
    assert [track["source"] for track in an.offers[-1]["tracks"]] == ["microphone"]


def test_a_citizen_has_no_echo() -> None:
    counter = Counter()
    an = counter.enter("an", "citizen")
    an.publishes("microphone", "camera")
    an.hears()
    assert an.offers == []
