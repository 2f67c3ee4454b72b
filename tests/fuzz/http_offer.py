"""Any WHIP or WHEP offer, and any fragment after it, is answered or refused with a status, and leaves nothing."""

from signalling.errors import SignallingError
from signalling.whip import STATUS
from tests.fuzz.runner import run, text
from tests.support import sdp
from tests.support.counter import ROOM, UNIX_S, Counter

CORPUS = (
    sdp.chromium([sdp.microphone(), sdp.camera(), sdp.screen()]).encode(),
    sdp.chromium(sdp.watching(2, 2)).encode(),
    (
        b"a=ice-ufrag:abcd\r\na=ice-pwd:wHE0Y4jWL8hQsrDedrk4nC0B\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        b"a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"
    ),
)
INPUTS = 800
OFFERS = tuple(data.decode() for data in CORPUS[:2])


def target(data: bytes) -> None:
    counter = Counter()
    token, now_us = counter.token("an"), counter.now_us
    for kind, offer in (("whip", text(data)), ("whip", OFFERS[0]), ("whep", text(data)), ("whep", OFFERS[1])):
        open_it = counter.http.publish if kind == "whip" else counter.http.watch
        try:
            created = open_it(ROOM, token, offer, now_us, UNIX_S)
            counter.http.patch(kind, ROOM, created.resource, token, text(data), "*", UNIX_S)
        except SignallingError as error:
            assert error.code in STATUS
    counter.http.close_all(now_us)
    assert not any(counter.rows().values()), "something stays behind"


if __name__ == "__main__":
    run(target, CORPUS)
