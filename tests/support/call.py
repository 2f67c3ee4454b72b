"""One publisher with a camera and a microphone, one viewer of both: the smallest call with everything in it."""

from __future__ import annotations

from media.core import rtcp
from media.core.model import URI_TRANSPORT_CC
from tests.support.bench import IN_IDS, Desk, sequence
from tests.support.packets import delta_frame, key_frame, rtp

CC = IN_IDS[URI_TRANSPORT_CC]
CAMERA, RTX, MICROPHONE = 100, 101, 200
"""The publisher's SSRCs."""


class Call:
    """desk.sent and desk.control have everything that went out.

    picture, sound  what the viewer was told of both subscriptions
    """

    def __init__(self, ssrc: int | None = CAMERA, seed: int = 1) -> None:
        self.desk = Desk(seed=seed)
        self.engine = self.desk.engine
        self.an, self.bert = self.desk.transport(), self.desk.transport()
        self.camera, self.microphone = self.desk.video(self.an, ssrc), self.desk.audio(self.an)
        self.picture = self.desk.subscribe(self.bert, self.camera)
        self.sound = self.desk.subscribe(self.bert, self.microphone, 111)

    # -- the publisher -------------------------------------------------------------------------------

    def video(self, number: int, *, key: bool = False, **fields: object) -> bytes:
        """A packet of the camera; its timestamp follows its number."""
        arguments: dict[str, object] = {
            "ssrc": CAMERA,
            "sequence": number,
            "timestamp": number * 3000,
            "payload": key_frame() if key else delta_frame(),
            "extensions": {4: b"v", CC: (number & 0xFFFF).to_bytes(2, "big")},
        }
        return rtp(**{**arguments, **fields})  # type: ignore[arg-type]

    def padding(self, number: int) -> bytes:
        return self.video(number, payload=b"", padding=100)

    def resent(self, number: int, *, sequence: int = 1, payload: bytes | None = None, **fields: object) -> bytes:
        """A retransmission (RFC 4588 4) of packet `number`."""
        original = (number & 0xFFFF).to_bytes(2, "big") + (delta_frame() if payload is None else payload)
        arguments: dict[str, object] = {"sequence": sequence, "timestamp": number * 3000, "payload": original}
        arguments |= {"ssrc": RTX, "payload_type": 97, "extensions": {4: b"v"}}
        return rtp(**{**arguments, **fields})  # type: ignore[arg-type]

    def audio(self, number: int, level: int = 0x7F) -> bytes:
        extensions = {1: bytes([level]), 4: b"a"}
        return rtp(
            ssrc=MICROPHONE,
            sequence=number,
            timestamp=number * 960,
            payload_type=111,
            payload=b"opus",
            extensions=extensions,
        )

    def send(self, *packets: bytes) -> list[bytes]:
        """In one batch; returns what goes to the viewer."""
        return self.desk.receive(self.an, *packets)

    def start(self, number: int = 1) -> int:
        """Begin with a key frame; returns its outgoing number."""
        return sequence(self.send(self.video(number, key=True))[0])

    def an_reports(self, ntp: int, timestamp: int, ssrc: int = CAMERA) -> None:
        """A sender report of the publisher."""
        self.desk.hear(self.an, rtcp.sender_report(ssrc, ntp, timestamp, 0, 0))

    # -- the viewer ----------------------------------------------------------------------------------

    def bert_says(self, data: bytes) -> list[bytes]:
        """RTCP of the viewer; returns the retransmissions that it leads to."""
        self.desk.hear(self.bert, data)
        return [data for _, data, is_rtcp in self.engine.take_control() if not is_rtcp]

    def ask_again(self, *numbers: int) -> list[bytes]:
        return self.bert_says(rtcp.nack(1, self.picture.ssrc, numbers))

    # -- what was sent -------------------------------------------------------------------------------

    def reports(self, for_us: int = 10_000) -> list[tuple[int, list[rtcp.Packet]]]:
        """Let time pass; the compound packets that were sent meanwhile."""
        sent = []
        for _ in range(max(1, for_us // 10_000)):
            sent += [(to, rtcp.parse_compound(data)) for to, data, is_rtcp in self.desk.poll(10_000) if is_rtcp]
        return sent

    def sender_reports(self, for_us: int = 10_000) -> list[rtcp.SenderReport]:
        packets = [packet for to, compound in self.reports(for_us) for packet in compound if to == self.bert]
        return [packet for packet in packets if isinstance(packet, rtcp.SenderReport)]

    def receiver_block(self, ssrc: int = CAMERA, for_us: int = 1_000_000) -> rtcp.ReportBlock:
        """The last that the publisher was told of a stream."""
        packets = [packet for _, compound in self.reports(for_us) for packet in compound]
        blocks = [block for packet in packets if isinstance(packet, rtcp.ReceiverReport) for block in packet.blocks]
        return [block for block in blocks if block.ssrc == ssrc][-1]
