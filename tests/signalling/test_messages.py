"""Messages on the wire: what is read, and what is refused with which words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalling import messages
from signalling.errors import SignallingError, shown
from signalling.messages import MESSAGE_MAX, decode, encode
from signalling.sdp import SDP_MAX

HELLO = {"type": "hello", "v": 1, "token": "t"}
PUBLISH = {"type": "publish", "id": 1, "sdp": "v=0", "tracks": []}


def refusal(data: object) -> SignallingError:
    with pytest.raises(SignallingError) as caught:
        decode(data if isinstance(data, str | bytes) else json.dumps(data))
    return caught.value


def test_text_and_bytes_are_the_same() -> None:
    assert decode(json.dumps(HELLO)) == decode(json.dumps(HELLO).encode()) == messages.Hello(1, "t")


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        ("", "bad_message", "truncated"),
        ("{", "bad_message", "truncated"),
        ("\udc80", "bad_message", "half a character"),
        (b"\xff", "bad_message", "malformed"),
        ('{"type":"leave"} {}', "bad_message", "malformed"),
        ("[]", "bad_message", "Expected `object`"),
        ("null", "bad_message", "Expected `object`"),
        ("{}", "bad_message", "missing required field `type`"),
        ({"type": 7}, "bad_message", "`$.type`"),
        ({"type": "dance"}, "unknown_type", "type 'dance' is none of hello, publish"),
        ({"type": "welcome"}, "unknown_type", "none of"),
        ({"type": "leave", "now": True}, "bad_message", "unknown field `now`"),
        ({**HELLO, "v": "1"}, "bad_message", "`$.v`"),
        ({**HELLO, "v": 1.5}, "bad_message", "`$.v`"),
        ({**HELLO, "v": True}, "bad_message", "`$.v`"),
        ({**HELLO, "token": None}, "bad_message", "`$.token`"),
        ({**HELLO, "token": "x" * 4097}, "bad_message", "<= 4096 - at `$.token`"),
        ({**HELLO, "resume": {"session": "s", "secret": "s"}}, "bad_message", "`seen`"),
        ({**HELLO, "resume": {"session": "s", "secret": "s" * 65, "seen": 1}}, "bad_message", "$.resume.secret"),
        ({**HELLO, "resume": {"session": "s", "secret": "s", "seen": -1}}, "bad_message", ">= 0"),
        ({**PUBLISH, "id": 2**53}, "bad_message", "`$.id`"),
        ({**PUBLISH, "tracks": [{"mid": "0", "source": "window"}]}, "bad_message", "'window'"),
        ({**PUBLISH, "tracks": [{"mid": "", "source": "camera"}]}, "bad_message", "`$.tracks[0].mid`"),
        ({**PUBLISH, "tracks": [{"mid": "0", "source": "camera"}] * 65}, "bad_message", "`$.tracks`"),
        ({**PUBLISH, "sdp": "v" * (SDP_MAX + 1)}, "bad_sdp", f"{SDP_MAX + 1} characters; {SDP_MAX} are allowed"),
        ({"type": "restart", "connection": "publish"}, "bad_message", "'publish'"),
        ({"type": "moderate", "action": "promote"}, "bad_message", "'promote'"),
        ('{"type":"ping","at":' + "9" * 40 + "}", "bad_message", "`$.at`"),
        ('{"type":"ping","at":1e400}', "bad_message", "$.at"),
        ("[" * 5000, "bad_message", "not a message"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_wrong_is_named(data: object, code: str, words: str) -> None:
    error = refusal(data)
    assert error.code == code
    assert words in error.message
    assert not error.fatal


@pytest.mark.parametrize("filler", ["x", "é", "☎"], ids=["1 byte", "2 bytes", "3 bytes"])
def test_size_is_counted_in_bytes(filler: str) -> None:
    head, tail = '{"type":"hello","v":1,"token":"', '"}'
    room = (MESSAGE_MAX - len(head + tail)) // len(filler.encode())
    assert refusal(head + filler * room + tail).code == "bad_message", "fits, but the token is too long"
    for data in (head + filler * (room + 1) + tail, (head + filler * (room + 1) + tail).encode()):
        error = refusal(data)
        assert (error.code, error.fatal) == ("too_large", True)
        assert str(MESSAGE_MAX) in error.message


@pytest.mark.parametrize(
    "data",
    [
        {"type": "x" * 5000},
        {"type": "leave", "y" * 5000: 1},
        {"type": "mute", "source": "z" * 5000, "muted": True},
        {"type": "mute", "source": "new\nline" * 50, "muted": True},
    ],
    ids=["type", "field", "value", "lines"],
)
def test_a_refusal_quotes_no_more_than_forty_characters(data: Any) -> None:
    message = refusal(data).message
    assert len(message) < 200
    assert not any(each * 40 in message for each in "xyz")
    assert message.isprintable()


@settings(deadline=None)  # a busy machine is no failure
@given(st.one_of(st.text(alphabet=st.characters(), max_size=400), st.binary(max_size=400)))
def test_anything_is_a_message_or_a_refusal(data: str | bytes) -> None:
    """Invariant: decode() returns a client's message or raises SignallingError, whatever comes."""
    try:
        decode(data)
    except SignallingError as error:
        assert error.code in messages.CLOSE_CODES


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.sampled_from(messages.TYPES), st.dictionaries(st.sampled_from(["v", "id", "sdp", "tracks", "at"]), json_values)
)
def test_any_json_of_a_known_type_is_a_message_or_a_refusal(kind: str, fields: dict[str, Any]) -> None:
    """Invariant: the same, for what looks like a message."""
    try:
        message = decode(json.dumps({**fields, "type": kind}))
    except SignallingError as error:
        assert error.code in ("bad_message", "bad_sdp")
    else:
        assert message.__struct_config__.tag == kind


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=100))
def test_shown_is_short_and_on_one_line(value: str) -> None:
    assert len(shown(value)) <= 40
    assert shown(value).isprintable() or not shown(value)


def test_defaults_are_written_out() -> None:
    """A client need not know them."""
    assert msgspec.json.decode(encode(messages.Error(3, "forbidden", "no"))) == {
        "type": "error",
        "n": 3,
        "code": "forbidden",
        "message": "no",
        "fatal": False,
        "re": "",
    }


def test_close_codes_are_for_applications() -> None:
    """RFC 6455 7.4.2: 4000 to 4999 are for private use."""
    codes = list(messages.CLOSE_CODES.values())
    assert all(4000 <= code <= 4999 for code in codes)
    assert len(set(codes)) == len(codes)
