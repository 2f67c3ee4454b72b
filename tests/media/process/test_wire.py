"""Frames: cut anywhere, checked on arrival."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.core.commands import Commands
from media.core.engine import Engine
from media.core.model import (
    BandwidthChanged,
    Event,
    ParticipantId,
    RoomId,
    SpeakersChanged,
    TransportConnected,
    TransportFailed,
    TransportId,
)
from media.process import wire
from media.process.wire import FRAME_MAX, Frames, frame

EVENTS: list[Event] = [
    TransportConnected(TransportId(3)),
    TransportFailed(TransportId(4), "consent"),
    SpeakersChanged(RoomId("loket"), (ParticipantId("an"), ParticipantId("bart"))),
    BandwidthChanged(TransportId(5), 2_000_000),
]
MESSAGES = st.lists(
    st.lists(st.none() | st.integers(-(2**63), 2**63) | st.text() | st.binary(), min_size=1), max_size=5
)


@given(MESSAGES, st.data())
def test_a_stream_may_be_cut_anywhere(messages: list[list[object]], data: st.DataObject) -> None:
    stream = b"".join(frame(each) for each in messages)
    frames, found, at = Frames(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        found += list(frames.feed(stream[at : at + size]))
        at += size
    assert found == messages


@given(st.binary(max_size=200))
def test_what_is_no_stream_of_frames_is_refused_or_waited_for(data: bytes) -> None:
    try:
        for message in Frames().feed(data):
            assert isinstance(message, list)
    except (ValueError, msgspec.DecodeError, msgspec.ValidationError):
        pass


def test_a_frame_that_nobody_would_send() -> None:
    with pytest.raises(ValueError, match="at most"):
        list(Frames().feed((FRAME_MAX + 1).to_bytes(4, "big")))


def test_events_arrive_as_they_were() -> None:
    (message,) = Frames().feed(frame(("events", wire.said(EVENTS))))
    assert wire.heard(message[1]) == EVENTS


@pytest.mark.parametrize(
    "values", [[["Rumour", {}]], [["TransportConnected", {}]], [["TransportFailed", {"transport": "x"}]]]
)
def test_an_event_that_is_none(values: object) -> None:
    with pytest.raises((KeyError, msgspec.ValidationError)):
        wire.heard(values)


@pytest.mark.parametrize(
    ("command", "values"), [("close_transport", ["1"]), ("close_transport", []), ("add_track", [1])]
)
def test_arguments_that_do_not_fit(command: str, values: list[object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        wire.arguments(command, values)


def test_every_command_is_one_of_the_engine() -> None:
    commands = [name for name in vars(Commands) if not name.startswith("_")]
    assert len(commands) > 10
    for name in commands:
        assert callable(getattr(Engine, name))
        assert "return" in wire._hints(name)
