"""Any bytes are an RTP header whose parts lie within them, or PeerError rtp_malformed."""

from media.core.errors import PeerError
from media.core.rtp import parse_header
from tests.fuzz.runner import run
from tests.support.packets import rtp

CORPUS = (
    rtp(),
    rtp(extensions={1: b"\x85", 4: b"v", 3: b"\0\1"}, padding=9),
    rtp(csrcs=(1, 2, 3), payload=b"", padding=255),
    b"\x90" + rtp()[1:12] + b"\x10\x00\0\2\x01\x02\xaa\xbb\0\xc8\0\0xy",
)


def target(data: bytes) -> None:
    try:
        header = parse_header(data)
    except PeerError as error:
        assert error.reason == "rtp_malformed"
        return
    assert 12 <= header.header_size <= header.header_size + header.payload_size <= len(data)
    assert all(16 <= e.start <= e.start + e.size <= header.header_size and 0 < e.id < 256 for e in header.elements)


if __name__ == "__main__":
    run(target, CORPUS)
