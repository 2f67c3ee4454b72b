"""Any payload is a key frame of a codec or is not; bytes and a view of them agree, and nothing is never one."""

from media.core.codecs import is_keyframe
from tests.fuzz.runner import run

CORPUS = (
    b"\x90\xf0\x85\x05\x07\x5f\x50\0\0\x9d\x01\x2a",
    b"\xa8\x85\x05\0\0",
    b"\x78\0\2\x67\x42\0\2\x68\xce",
    b"\x7c\x85\x88",
    b"\x20\x03\x0a\x0b\0\x30",
)


def target(data: bytes) -> None:
    for codec in ("VP8", "VP9", "H264", "AV1"):
        answer = is_keyframe(codec, data)
        assert type(answer) is bool
        assert is_keyframe(codec, memoryview(data)) == answer
        assert data or not answer


if __name__ == "__main__":
    run(target, CORPUS)
