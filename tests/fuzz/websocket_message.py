"""Any text or bytes are a message of the protocol, or SignallingError with a code that closes or answers."""

from signalling.errors import SignallingError
from signalling.messages import CLOSE_CODES, ClientMessage, decode
from tests.fuzz.runner import run, text

CORPUS = (
    b'{"type":"hello","v":1,"token":"x","resume":{"session":"s","secret":"t","seen":3}}',
    b'{"type":"publish","id":1,"sdp":"v=0","tracks":[{"mid":"0","source":"camera"}]}',
    b'{"type":"subscribed","id":1,"sdp":"v=0"}',
    b'{"type":"mute","source":"screen_audio","muted":true}',
    b'{"type":"moderate","action":"remove","participant":"p"}',
    b'{"type":"admit","participant":"p"}',
    b'{"type":"chat","text":"\\u00e9\\n","to":null}',
    b'{"type":"typing","text":"","to":"p"}',
    b'{"type":"pointer","x":0.5,"y":null}',
    b'{"type":"ping","at":1}',
)


def target(data: bytes) -> None:
    for message in (data, text(data)):
        try:
            assert isinstance(decode(message), ClientMessage)
        except SignallingError as error:
            assert error.code in CLOSE_CODES
            assert len(error.message) < 500


if __name__ == "__main__":
    run(target, CORPUS)
