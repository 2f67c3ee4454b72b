"""The messages of the WebSocket protocol, version 1.  PROTOCOL.md describes them; a test keeps both the same."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

import msgspec

from signalling.errors import SignallingError, shown
from signalling.sdp import MID_MAX, SDP_MAX, SECTIONS_MAX
from signalling.tokens import ID_MAX, TOKEN_MAX

VERSION = 1
MESSAGE_MAX = 131_072  # bytes: an offer of ten people with three tracks each is 30 kB
SECRET_MAX = 64  # characters of a session's id and secret; ours are 16 and 43
CHAT_MAX = 2000  # characters of one chat message: a screen full on a phone
TYPING_MAX = 500  # characters of a line that is being typed

Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A whole number that every JSON reader keeps exactly (RFC 8259 6)."""
Mid = Annotated[str, msgspec.Meta(min_length=1, max_length=MID_MAX)]
Secret = Annotated[str, msgspec.Meta(max_length=SECRET_MAX)]
ParticipantName = Annotated[str, msgspec.Meta(max_length=ID_MAX)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""Of the width or the height of a picture."""

SourceName = Literal["microphone", "camera", "screen", "screen_audio"]
Connection = Literal["publish", "subscribe"]
RefusedReason = Literal["forbidden", "wrong_kind", "unsupported_codec", "duplicate_source", "not_sending", "full"]
LeftReason = Literal["left", "replaced", "removed", "lost", "ended", "held"]
ByeReason = Literal["left", "replaced", "removed", "ended", "draining"]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a message."""


class ClientMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=str.lower):
    """What a client may send."""


class ServerMessage(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """What the server sends."""


class Resume(Record, frozen=True):
    session: Secret
    secret: Secret
    seen: Number


class Hello(ClientMessage, frozen=True):
    v: Number
    token: Annotated[str, msgspec.Meta(max_length=TOKEN_MAX)]
    resume: Resume | None = None


class PublishedSource(Record, frozen=True):
    mid: Mid
    source: SourceName


class Publish(ClientMessage, frozen=True):
    id: Number
    sdp: str
    tracks: Annotated[list[PublishedSource], msgspec.Meta(max_length=SECTIONS_MAX)]


class Subscribed(ClientMessage, frozen=True):
    id: Number
    sdp: str


class Mute(ClientMessage, frozen=True):
    source: SourceName
    muted: bool


class Restart(ClientMessage, frozen=True):
    """Only of subscribe: for the publish connection a client makes the offer itself."""

    connection: Literal["subscribe"]


class Moderate(ClientMessage, frozen=True):
    action: Literal["mute", "remove", "end"]
    participant: ParticipantName | None = None
    source: SourceName | None = None


class Admit(ClientMessage, frozen=True):
    """Let somebody in who waits."""

    participant: ParticipantName


class Hold(ClientMessage, frozen=True):
    """Send somebody who is in back to wait."""

    participant: ParticipantName


class Chat(ClientMessage, frozen=True):
    """to: one person; None for everybody in the room, or, of somebody who waits, for the staff."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=CHAT_MAX)]
    to: ParticipantName | None = None


class Typing(ClientMessage, frozen=True):
    """Real-time text: the line as it stands now.  to: as in Chat."""

    text: Annotated[str, msgspec.Meta(max_length=TYPING_MAX)]
    to: ParticipantName | None = None


class Pointer(ClientMessage, frozen=True):
    """Where one points on the shared screen, from its left upper corner; None twice: nowhere any more."""

    x: Fraction | None
    y: Fraction | None


class Leave(ClientMessage, frozen=True):
    pass


class Ping(ClientMessage, frozen=True):
    at: Number


FromClient = (
    Hello | Publish | Subscribed | Mute | Restart | Moderate | Admit | Hold | Chat | Typing | Pointer | Leave | Ping
)


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
    """What this client may do now: sources to publish, see others, moderate."""

    publish: list[SourceName]
    subscribe: bool
    moderate: bool


class Said(Record, frozen=True, rename={"from_": "from"}):
    """A chat message.

    id       1, 2, 3, … in a room
    at       Unix time in ms
    to       None: for everybody who was in the room then
    waiting  said from the waiting room: for the staff
    """

    id: int
    from_: str
    name: str
    role: str
    text: str
    at: int
    to: str | None = None
    waiting: bool = False


class Waiter(Record, frozen=True):
    """Somebody who waits to be let in.  waiting_s: how long, when the message was sent."""

    id: str
    name: str
    role: str
    label: str
    waiting_s: int
    held: bool = False


class IceServer(Record, frozen=True):
    urls: list[str]
    username: str
    credential: str


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
    waiting: bool = False
    chat: list[Said] = []
    ice_servers: list[IceServer] = []


class Refused(Record, frozen=True):
    mid: str
    reason: RefusedReason


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
    reason: LeftReason


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


class Waiting(ServerMessage, frozen=True):
    """To who waits.  position: from 1.  staff: names of those in the room who may let him in."""

    n: int
    position: int
    staff: list[str] = []
    held: bool = False
    waited_s: int = 0


class Admitted(ServerMessage, frozen=True):
    n: int
    participants: list[Participant]
    can: Rights
    ice_servers: list[IceServer] = []


class Held(ServerMessage, frozen=True):
    n: int


class LobbyNow(ServerMessage, frozen=True, tag="lobby"):
    """To the staff: everybody who waits, in order of arrival."""

    n: int
    people: list[Waiter] = []


class Chatted(Said, frozen=True, kw_only=True, tag_field="type", tag="chat"):
    n: int


class Typed(ServerMessage, frozen=True, tag="typing"):
    n: int
    participant: str
    text: str
    to: str | None = None


class Pointed(ServerMessage, frozen=True, tag="pointer"):
    n: int
    participant: str
    x: float | None
    y: float | None


class News(ServerMessage, frozen=True):
    """Something of this appointment changed elsewhere: fetch it."""

    n: int
    about: str


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
    reason: ByeReason


FromServer = (
    Welcome | Published | Subscribe | Joined | Left | Updated | Speakers | ConnectionState | Pong | Error | Bye
) | (Waiting | Admitted | Held | LobbyNow | Chatted | Typed | Pointed | News)

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
    "draining": 4014,
}
"""WebSocket close code after a fatal error, by error code."""
CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001

TYPES = tuple(str(message.__struct_config__.tag) for message in get_args(FromClient))
"""What a client may send, by name."""
_decoder: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)
_encoder = msgspec.json.Encoder()


def decode(data: str | bytes) -> FromClient:
    """Read a client's message.

    Raises SignallingError: too_large; unknown_type; bad_sdp when an SDP is too long; bad_message for everything else,
    naming the field at fault.
    """
    try:
        size = len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode())
    except UnicodeEncodeError:
        raise SignallingError("bad_message", "not a message of this protocol: half a character is no text") from None
    if size > MESSAGE_MAX:
        raise SignallingError("too_large", f"a message of {size} bytes; {MESSAGE_MAX} are allowed", fatal=True)
    try:
        message: FromClient = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = str(error)
        unknown = re.fullmatch(r"Invalid value '(.*)' - at `\$\.type`", text, re.DOTALL)
        if unknown is not None:
            allowed = ", ".join(TYPES)
            raise SignallingError("unknown_type", f"type '{shown(unknown[1])}' is none of {allowed}") from None
        raise SignallingError("bad_message", f"not a message of this protocol: {_cut(text)}") from None
    sdp = getattr(message, "sdp", "")
    if len(sdp) > SDP_MAX:
        raise SignallingError("bad_sdp", f"an SDP of {len(sdp)} characters; {SDP_MAX} are allowed")
    return message


def _cut(text: str) -> str:
    """A decoder's words, with what it quotes of the message cut."""
    return re.sub(r"(['`])(.*?)\1", lambda each: each[1] + shown(each[2]) + each[1], text, flags=re.DOTALL)[:200]


def encode(message: FromServer) -> bytes:
    return _encoder.encode(message)
