"""The messages of the WebSocket protocol, version 1.  PROTOCOL.md describes them; a test keeps both the same."""

from __future__ import annotations

from typing import Literal

import msgspec

from signalling.errors import SignallingError, shown

VERSION = 1
MESSAGE_MAX = 131_072  # bytes: an offer of ten people with three tracks each is 30 kB
SDP_MAX = 65_536

SourceName = Literal["microphone", "camera", "screen", "screen_audio"]
Connection = Literal["publish", "subscribe"]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a message."""


class ClientMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=str.lower):
    """What a client may send."""


class ServerMessage(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """What the server sends."""


class Resume(Record, frozen=True):
    session: str
    secret: str
    seen: int


class Hello(ClientMessage, frozen=True):
    v: int
    token: str
    resume: Resume | None = None


class PublishedSource(Record, frozen=True):
    mid: str
    source: SourceName


class Publish(ClientMessage, frozen=True):
    id: int
    sdp: str
    tracks: list[PublishedSource]


class Subscribed(ClientMessage, frozen=True):
    id: int
    sdp: str


class Mute(ClientMessage, frozen=True):
    source: SourceName
    muted: bool


class Restart(ClientMessage, frozen=True):
    connection: Connection


class Moderate(ClientMessage, frozen=True):
    action: Literal["mute", "remove", "end"]
    participant: str | None = None
    source: SourceName | None = None


class Leave(ClientMessage, frozen=True):
    pass


class Ping(ClientMessage, frozen=True):
    at: int


FromClient = Hello | Publish | Subscribed | Mute | Restart | Moderate | Leave | Ping


class SourceState(Record, frozen=True):
    source: SourceName
    muted: bool = False


class Participant(Record, frozen=True):
    id: str
    name: str
    role: str
    label: str = ""
    sources: list[SourceState] = []


class Rights(Record, frozen=True):
    """What this client may do: sources to publish, see others, moderate."""

    publish: list[SourceName]
    subscribe: bool
    moderate: bool


class Welcome(ServerMessage, frozen=True):
    v: int
    n: int
    session: str
    secret: str
    resumed: bool
    room: str
    you: Participant
    participants: list[Participant]
    can: Rights
    limits: dict[str, int]
    ice_servers: list[dict[str, object]] = []


class Refused(Record, frozen=True):
    mid: str
    reason: str


class Published(ServerMessage, frozen=True):
    n: int
    id: int
    sdp: str
    refused: list[Refused] = []


class SubscribedTrack(Record, frozen=True):
    mid: str
    participant: str
    source: SourceName


class Subscribe(ServerMessage, frozen=True):
    n: int
    id: int
    sdp: str
    tracks: list[SubscribedTrack] = []


class Joined(ServerMessage, frozen=True):
    n: int
    participant: Participant


class Left(ServerMessage, frozen=True):
    n: int
    participant: str
    reason: Literal["left", "replaced", "removed", "lost", "ended"]


class Updated(ServerMessage, frozen=True):
    n: int
    participant: Participant


class Speakers(ServerMessage, frozen=True):
    n: int
    participants: list[str] = []


class ConnectionState(ServerMessage, frozen=True, tag="connection"):
    n: int
    connection: Connection
    state: Literal["connected", "failed"]
    reason: str = ""


class Pong(ServerMessage, frozen=True):
    n: int
    at: int


class Error(ServerMessage, frozen=True):
    n: int
    code: str
    message: str
    fatal: bool = False
    re: str = ""


class Bye(ServerMessage, frozen=True):
    n: int
    reason: Literal["left", "replaced", "removed", "ended", "draining"]


FromServer = Welcome | Published | Subscribe | Joined | Left | Updated | Speakers | ConnectionState | Pong | Error | Bye

CLOSE_CODES = {
    "bad_message": 4001,
    "unknown_type": 4002,
    "too_large": 4003,
    "rate_limited": 4004,
    "wrong_order": 4005,
    "token_invalid": 4006,
    "token_expired": 4007,
    "forbidden": 4008,
    "room_full": 4009,
    "bad_sdp": 4010,
    "unsupported": 4011,
    "not_found": 4012,
    "internal": 4013,
}
"""WebSocket close code after a fatal error, by error code."""
CLOSE_NORMAL = 1000

_decoder: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)
_encoder = msgspec.json.Encoder()


def decode(data: str | bytes) -> FromClient:
    """Read a client's message.

    Raises SignallingError: too_large, unknown_type or bad_message, the last naming the field at fault.
    """
    size = len(data)
    if size > MESSAGE_MAX:
        raise SignallingError("too_large", f"a message of {size} bytes; {MESSAGE_MAX} are allowed", fatal=True)
    try:
        message: FromClient = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = str(error)
        if "Invalid value" in text and "$.type" in text:
            raise SignallingError("unknown_type", f"{shown(text)}: see PROTOCOL.md for the types") from None
        raise SignallingError("bad_message", f"not a message of this protocol: {text[:200]}") from None
    sdp = getattr(message, "sdp", "")
    if len(sdp) > SDP_MAX:
        raise SignallingError("bad_sdp", f"an SDP of {len(sdp)} characters; {SDP_MAX} are allowed")
    return message


def encode(message: FromServer) -> bytes:
    return _encoder.encode(message)
