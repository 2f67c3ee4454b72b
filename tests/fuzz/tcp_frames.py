"""Whatever comes in whatever pieces: frames are the same, none is longer than allowed, and only too_long is raised."""

from __future__ import annotations

from media.core.errors import PeerError
from media.core.packets import PACKET_MAX
from media.io.framing import LENGTH_SIZE, Frames, framed
from tests.fuzz.runner import run

CORPUS = (
    framed(b"\0\1" + bytes(18)) + framed(b"\x16\xfe\xff" + bytes(60)) + framed(b"\x80\x60" + bytes(40)),
    framed(b"") * 5 + framed(b"a"),
    framed(bytes(PACKET_MAX)) + framed(bytes(PACKET_MAX + 1)),
    b"GET / HTTP/1.1\r\nHost: balie.example\r\n\r\n",
)


def _cut(data: bytes, piece: int, most: int) -> tuple[list[bytes], str]:
    frames, found = Frames(), list[bytes]()
    for at in range(0, len(data), piece):
        frames.feed(data[at : at + piece])
        try:
            while frames.has_frame():
                taken = frames.take(most)
                assert 1 <= len(taken) <= most
                found += taken
            assert frames.take(most) == []
        except PeerError as error:
            return found, error.reason
        assert len(frames) < LENGTH_SIZE + PACKET_MAX, "no more waits than the rest of one frame"
    return found, ""


def target(data: bytes) -> None:
    whole = _cut(data, max(1, len(data)), 100)
    assert whole[1] in ("", "too_long")
    assert all(len(frame) <= PACKET_MAX for frame in whole[0])
    assert data.startswith(b"".join(map(framed, whole[0])))
    assert whole == _cut(data, 1 + len(data) % 7, 1 + len(data) % 3)


if __name__ == "__main__":
    run(target, CORPUS)
