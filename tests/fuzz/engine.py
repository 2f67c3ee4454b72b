"""Whatever peers with keys send, each RTP packet becomes a copy or a counted drop, and the call goes on.

The input is a list of steps: what to do, how many bytes, the bytes.  Some steps put the right SSRC and payload type
into them, so that they get further.  It is played with the loops in Python and, where they are, with the compiled ones.
"""

from collections.abc import Iterator

from media import native
from media.core import rtcp
from tests.fuzz.runner import run
from tests.support.bench import Desk, ssrc_of
from tests.support.call import CAMERA, MICROPHONE, RTX, Call
from tests.support.packets import VP8_KEY, rtp

_BLOCK = rtcp.ReportBlock(1, 2, 3, 4, 5, 6, 7)
EXTENSIONS = {4: b"v", 3: b"\0\7", 5: b"\1"}


def _steps(*steps: tuple[int, bytes]) -> bytes:
    return b"".join(bytes([kind, len(data)]) + data for kind, data in steps)


CORPUS = (
    _steps((1, rtp(sequence=5, payload=VP8_KEY)), (1, rtp(sequence=7)), (2, rtp(payload=b"\0\6x")), (5, b"\x10")),
    _steps((1, rtp(extensions=EXTENSIONS, payload=VP8_KEY)), (1, rtp(sequence=2, payload=b"", padding=40)), (5, b"\1")),
    _steps((0, rtp(ssrc=0, extensions=EXTENSIONS)), (3, rtp(extensions={1: b"\x85", 4: b"a"})), (3, rtp(sequence=2))),
    _steps((1, rtp(payload=VP8_KEY)), (4, rtcp.nack(1, 2, range(9))), (4, rtcp.pli(1, 2) + rtcp.remb(1, 9, []))),
    _steps((6, rtcp.sender_report(CAMERA, 2, 3, 4, 5)), (4, rtcp.receiver_report(1, [_BLOCK])), (7, b""), (7, b"")),
    _steps((1, rtp(sequence=9, payload=VP8_KEY)), (1, rtp(sequence=40_000)), (1, rtp(sequence=40_001)), (8, b"")),
)
INPUTS = 2000
LOOPS = [None] if native.library() is None else [None, native.library()]
Told = tuple[list[tuple[int, bytes]], dict[tuple[int, bytes], list[bytes]], dict[str, int]]


def _read(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(data):
        yield data[at] % 10, data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def _as(packet: bytes, payload_type: int, ssrc: int) -> bytes:
    if len(packet) < 12:
        return packet
    kind = packet[1] & 0x80 | payload_type
    return packet[:1] + bytes([kind]) + packet[2:8] + ssrc.to_bytes(4, "big") + packet[12:]


def _about(data: bytes, ssrc: int) -> bytes:
    """RTCP feedback about a stream of ours."""
    return data[:8] + ssrc.to_bytes(4, "big") + data[12:] if len(data) >= 12 else data


def _dropped(call: Call) -> int:
    return sum(call.desk.drops().values())


def _forward(call: Call, packet: bytes) -> None:
    before = _dropped(call)
    copies = call.send(packet) if packet else []
    assert len(copies) + _dropped(call) - before == bool(packet)
    assert all(ssrc_of(copy) in (call.picture.ssrc, call.sound.ssrc) for copy in copies)


def _play(data: bytes) -> Told:
    call = Call()
    for kind, packet in _read(data):
        match kind:
            case 0:
                _forward(call, packet)
            case 1:
                _forward(call, _as(packet, 96, CAMERA))
            case 2:
                _forward(call, _as(packet, 97, RTX))
            case 3:
                _forward(call, _as(packet, 111, MICROPHONE))
            case 4:
                resent = call.bert_says(_about(packet, call.picture.ssrc))
                assert all(ssrc_of(each) == call.picture.rtx_ssrc for each in resent)
            case 5:
                call.desk.run(10_000 * len(packet))
            case 6:
                call.desk.hear(call.an, packet)
            case 7:
                call.engine.set_track_muted(call.camera, len(packet) % 2 == 0)
            case 8:
                call.engine.set_subscription_paused(call.picture.subscription, len(packet) % 2 == 0)
            case _:
                call.bert_says(packet)
    call.engine.set_track_muted(call.camera, False)
    call.engine.set_subscription_paused(call.picture.subscription, False)
    assert call.send(rtp(ssrc=0xFACE, extensions=EXTENSIONS, payload=VP8_KEY)), "the camera's picture comes back"
    call.engine.close_transport(call.an)
    assert call.engine.totals()["tracks"] == 0
    return call.desk.sent, call.desk.control_by_kind(), call.engine.drops()


def target(data: bytes) -> None:
    try:
        told = []
        for loops in LOOPS:
            Desk.loops = loops
            told.append(_play(data))
    finally:
        Desk.loops = None
    assert told[0] == told[-1], "the compiled loops say something else"


if __name__ == "__main__":
    run(target, CORPUS)
