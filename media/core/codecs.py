"""Where a decoder can start: key-frame detection on the first bytes of an RTP payload.

Any bytes give an answer; what cannot be read is no key frame.
"""

from __future__ import annotations

from collections.abc import Callable

Payload = bytes | memoryview

_H264_IDR, _H264_SPS, _H264_STAP_A, _H264_FU_A = 5, 7, 24, 28
_AV1_SEQUENCE_HEADER = 1


def is_keyframe(codec: str, payload: Payload) -> bool:
    """Whether a packet begins a picture that needs no other.  codec as in model.Codec; audio always does."""
    detect = _DETECT.get(codec)
    return detect is None or detect(payload)


def _vp8(payload: Payload) -> bool:
    """RFC 7741 4.2, 4.3: first partition, start of it, and the frame header's P bit clear."""
    if not payload or payload[0] & 0x17 != 0x10:  # S set, PID 0
        return False
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return False
        flags = payload[1]
        at = 2
        if flags & 0x80:  # PictureID, 7 or 15 bits
            at += 2 if len(payload) > at and payload[at] & 0x80 else 1
        at += bool(flags & 0x40)  # TL0PICIDX
        at += bool(flags & 0x30)  # TID, Y, KEYIDX
    return len(payload) > at and not payload[at] & 0x01


def _vp9(payload: Payload) -> bool:
    """RFC 9628 4.2: start of a frame (B), not inter-predicted (P clear), and of the lowest layer."""
    if not payload or payload[0] & 0x48 != 0x08:
        return False
    at = 1
    if payload[0] & 0x80:  # PictureID
        at += 2 if len(payload) > at and payload[at] & 0x80 else 1
    if payload[0] & 0x20:  # layer indices: a key frame's upper layer does not start a decoder
        return len(payload) > at and not payload[at] & 0x0E
    return len(payload) > at


def _h264(payload: Payload) -> bool:
    """RFC 6184 5.2 to 5.8: an SPS, or an IDR slice, alone, in a STAP-A, or beginning in an FU-A."""
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == _H264_STAP_A:
        at = 1
        while at + 2 < len(payload):
            if payload[at + 2] & 0x1F in (_H264_IDR, _H264_SPS):
                return True
            at += 2 + (payload[at] << 8 | payload[at + 1])
        return False
    if kind == _H264_FU_A:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F in (_H264_IDR, _H264_SPS)
    return kind in (_H264_IDR, _H264_SPS)


def _av1(payload: Payload) -> bool:
    """AV1 RTP 4.4: N says that a coded video sequence begins; some senders only put the sequence header."""
    if not payload or payload[0] & 0x80:  # Z: continues a fragment
        return False
    if payload[0] & 0x08:
        return True
    at = 1
    if payload[0] >> 4 & 0x03 != 1:  # W other than 1: the first element has a length
        while at < len(payload) and payload[at] & 0x80:
            at += 1
        at += 1
    return len(payload) > at and payload[at] >> 3 & 0x0F == _AV1_SEQUENCE_HEADER


_DETECT: dict[str, Callable[[Payload], bool]] = {"VP8": _vp8, "VP9": _vp9, "H264": _h264, "AV1": _av1}
