"""Any bytes are RTCP packets of bounded number and size that can be written again, or PeerError rtcp_malformed."""

from media.core import rtcp
from media.core.errors import PeerError
from tests.fuzz.runner import run

CORPUS = (
    rtcp.sender_report(1, 2, 3, 4, 5, [rtcp.ReportBlock(1, 2, -3, 4, 5, 6, 7)]) + rtcp.sdes(1, "cname"),
    rtcp.receiver_report(1, [rtcp.ReportBlock(1, 2, 3, 4, 5, 6, 7)] * 2),
    rtcp.nack(1, 2, [65534, 65535, 0, 900]) + rtcp.pli(1, 2) + rtcp.fir(1, 2, 3),
    rtcp.remb(1, 3_000_000, [4, 5]) + rtcp.bye([1]),
    b"\x8f\xcd\0\5" + bytes(20),
)


def target(data: bytes) -> None:
    rtcp.is_urgent(data)
    try:
        packets = rtcp.parse_compound(data)
    except PeerError as error:
        assert error.reason == "rtcp_malformed"
        return
    for packet in packets:
        if isinstance(packet, rtcp.Nack):
            assert len(packet.seqs) <= rtcp.NACK_SEQS_MAX
            assert all(0 <= seq <= 0xFFFF for seq in packet.seqs)
        elif isinstance(packet, rtcp.SenderReport):
            assert rtcp.parse_compound(rtcp.sender_report(*packet)) == [packet]
        elif isinstance(packet, rtcp.ReceiverReport):
            assert rtcp.parse_compound(rtcp.receiver_report(*packet)) == [packet]
        elif isinstance(packet, rtcp.Remb):
            assert 0 <= packet.bps <= rtcp.BPS_MAX


if __name__ == "__main__":
    run(target, CORPUS)
