"""Any text is a session description within our limits, or SdpError whose message shows at most a line of it."""

from signalling.errors import SdpError
from signalling.negotiation import choose
from signalling.sdp import SECTIONS_MAX, parse, peer_of
from tests.fuzz.runner import run, text
from tests.support import sdp

CORPUS = (
    sdp.chromium([sdp.microphone(), sdp.camera(), sdp.screen()]).encode(),
    sdp.chromium(sdp.watching(1, 2)).encode(),
    (
        b"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:0\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
        b"a=fmtp:97 apt=96\r\na=rtcp-fb:* nack pli\r\na=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    ),
)
INPUTS = 1500


def target(data: bytes) -> None:
    try:
        description = parse(text(data))
        assert len(description.sections) <= SECTIONS_MAX
        for section in description.sections:
            choose(section)
        peer_of(description, ("actpass", "active"))
    except SdpError as error:
        assert error.code in ("bad_sdp", "unsupported")
        assert len(error.message) < 400


if __name__ == "__main__":
    run(target, CORPUS)
