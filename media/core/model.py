"""The nouns that cross the border of media.core: what a peer connection sends, receives and reports.

Only plain immutable values live here; no behaviour, no numpy, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NewType

RoomId = NewType("RoomId", str)
ParticipantId = NewType("ParticipantId", str)
TransportId = NewType("TransportId", int)
"""Row of one peer connection (one ICE + DTLS + SRTP association).  Rows are reused after close."""
TrackId = NewType("TrackId", int)
"""Row of one published RTP stream.  Rows are reused after removal."""
SubscriptionId = NewType("SubscriptionId", int)
"""Row of one track going to one transport.  Rows are reused after removal."""

Kind = Literal["audio", "video"]
Source = Literal["microphone", "camera", "screen", "screen_audio"]

# Header extension URIs (RFC 8285 4.1): the ones the forwarder reads or writes.  Any other is
# not negotiated, so that no extension passes whose meaning nobody here checked.
URI_AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"  # RFC 6464
URI_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"  # RFC 9143
URI_ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
URI_TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
URI_VIDEO_ORIENTATION = "urn:3gpp:video-orientation"  # 3GPP TS 26.114 7.4.5


@dataclass(frozen=True)
class Codec:
    """One RTP payload format.  name is upper case as in RFC 8851 registries: OPUS, VP8, VP9, H264, AV1."""

    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""


@dataclass(frozen=True)
class ReceiveSpec:
    """What one m-section of a publishing peer connection was negotiated to send us.

    payload_type and rtx_payload_type are 0..127; rtx_payload_type is None without RFC 4588.
    ssrc and rtx_ssrc are what the offer declared (a=ssrc, a=ssrc-group:FID), None when it did
    not: then the stream is bound by its MID extension or, if unambiguous, its payload type.
    extensions maps URI to negotiated id 1..14.
    """

    kind: Kind
    source: Source
    mid: str
    codec: Codec
    payload_type: int
    rtx_payload_type: int | None = None
    ssrc: int | None = None
    rtx_ssrc: int | None = None
    extensions: dict[str, int] = field(default_factory=dict)
    nack: bool = False
    pli: bool = False
    transport_cc: bool = False


@dataclass(frozen=True)
class SendSpec:
    """How one track goes out in one m-section of a subscribing peer connection."""

    mid: str
    payload_type: int
    rtx_payload_type: int | None = None
    extensions: dict[str, int] = field(default_factory=dict)
    nack: bool = False


@dataclass(frozen=True)
class Outgoing:
    """What the subscriber will see of a subscription; goes into a=ssrc, a=ssrc-group and a=msid."""

    subscription: SubscriptionId
    ssrc: int
    rtx_ssrc: int | None
    cname: str


@dataclass(frozen=True)
class LocalIce:
    """Our side's ICE credentials of one transport (RFC 8445 5.3)."""

    ufrag: str
    pwd: str


@dataclass(frozen=True)
class TransportConnected:
    """ICE nominated and DTLS done with the expected fingerprint; media flows."""

    transport: TransportId


@dataclass(frozen=True)
class TransportFailed:
    """The transport is of no more use.  reason: dtls, fingerprint, consent, closed_by_peer, timeout."""

    transport: TransportId
    reason: str


@dataclass(frozen=True)
class SpeakersChanged:
    """Who speaks in a room, loudest first; empty when nobody does."""

    room: RoomId
    participants: tuple[ParticipantId, ...]


@dataclass(frozen=True)
class BandwidthChanged:
    """The subscriber's own estimate of what it can receive (REMB), bits per second."""

    transport: TransportId
    bps: int


Event = TransportConnected | TransportFailed | SpeakersChanged | BandwidthChanged
