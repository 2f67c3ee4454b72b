"""What we take of an offer and what we offer: codecs, feedback, header extensions (RFC 8829, 8834, 8843)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from media.core.model import (
    URI_ABS_SEND_TIME,
    URI_AUDIO_LEVEL,
    URI_MID,
    URI_TRANSPORT_CC,
    URI_VIDEO_ORIENTATION,
    Codec,
    Kind,
    Outgoing,
    ReceiveSpec,
    SendSpec,
    Source,
)
from signalling.sdp import Description, Ours, RtpMap, Section, codec_lines, transport_lines, write

VIDEO_PREFERENCE = ("VP8", "H264", "VP9", "AV1")  # VP8 and H264 are mandatory to implement (RFC 7742 5)


@dataclass(frozen=True)
class Format:
    """How a codec stands in our own offers."""

    codec: Codec
    payload_type: int
    rtx_payload_type: int | None


# The numbers that browsers use for these codecs themselves.  Parameters are ours and not the publisher's: in a bundle a
# payload type has one meaning (RFC 8843 9.1; Chrome's "codec collision", bluenviron/mediamtx#4394), and a publisher's
# words cannot break the offers of everybody else.
OFFERED: dict[str, Format] = {
    "OPUS": Format(Codec("OPUS", 48_000, 2, "minptime=10;useinbandfec=1"), 111, None),
    "VP8": Format(Codec("VP8", 90_000), 96, 97),
    "VP9": Format(Codec("VP9", 90_000, 1, "profile-id=0"), 98, 99),
    "H264": Format(
        Codec("H264", 90_000, 1, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"), 102, 103
    ),
    "AV1": Format(Codec("AV1", 90_000, 1, "level-idx=5;profile=0;tier=0"), 45, 46),
}
OFFERED_EXTENSIONS: dict[Kind, dict[str, int]] = {
    "audio": {URI_MID: 1, URI_ABS_SEND_TIME: 2, URI_AUDIO_LEVEL: 3},
    "video": {URI_MID: 1, URI_ABS_SEND_TIME: 2, URI_VIDEO_ORIENTATION: 4},
}
# REMB and not transport-cc towards viewers: their estimate is all that a forwarder of one layer can use.
_VIEWER_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
_PUBLISHER_FEEDBACK = ("nack", "nack pli", "ccm fir", "transport-cc")
_PUBLISHER_EXTENSIONS: dict[Kind, tuple[str, ...]] = {
    "audio": (URI_MID, URI_AUDIO_LEVEL, URI_TRANSPORT_CC),
    "video": (URI_MID, URI_VIDEO_ORIENTATION, URI_TRANSPORT_CC),
}


@dataclass(frozen=True)
class Chosen:
    """A codec of a section, with its retransmission payload type if there is one."""

    codec: Codec
    payload_type: int
    rtx_payload_type: int | None


def choose(section: Section, preference: Sequence[str] = VIDEO_PREFERENCE) -> Chosen | None:
    """The codec to use of what a section lists, None when it lists none that passes through here."""
    wanted = ("OPUS",) if section.kind == "audio" else tuple(preference)
    listed = [int(number) for number in section.formats if number.isdigit() and int(number) in section.rtpmaps]
    for name in wanted:
        for number in listed:
            rtpmap, fmtp = section.rtpmaps[number], section.fmtp.get(number, "")
            if rtpmap.name == name and _usable(rtpmap, fmtp):
                codec = Codec(name, rtpmap.clock_rate, rtpmap.channels, fmtp)
                return Chosen(codec, number, _rtx_of(section, number))
    return None


def _parameters(fmtp: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in fmtp.split(";"))
    return {name.lower(): value for name, _, value in pairs if name}


def _usable(rtpmap: RtpMap, fmtp: str) -> bool:
    """Whether any viewer can be expected to decode it: what we offer, or a profile that our offer's one includes."""
    codec = OFFERED[rtpmap.name].codec
    if (rtpmap.clock_rate, rtpmap.channels) != (codec.clock_rate, codec.channels):
        return False
    parameters = _parameters(fmtp)
    match rtpmap.name:
        case "VP9":
            return parameters.get("profile-id", "0") == "0"
        case "AV1":
            return parameters.get("profile", "0") == "0"
        case "H264":
            profile = parameters.get("profile-level-id", "42")[:2]
            return profile == "42" and parameters.get("packetization-mode", "0") == "1"
        case _:
            return True


def _rtx_of(section: Section, payload_type: int) -> int | None:
    for number, rtpmap in section.rtpmaps.items():
        if (
            rtpmap.name == "RTX"
            and str(number) in section.formats
            and _parameters(section.fmtp.get(number, "")).get("apt") == str(payload_type)
        ):
            return number
    return None


def receive_spec(section: Section, source: Source, chosen: Chosen) -> ReceiveSpec:
    """What a section of a publisher's offer becomes, once accepted."""
    kind: Kind = "audio" if section.kind == "audio" else "video"
    primary = next((s for s in section.ssrcs if s not in section.retransmissions.values()), None)
    feedback = section.feedback.get(chosen.payload_type, set())
    return ReceiveSpec(
        kind=kind,
        source=source,
        mid=section.mid,
        codec=chosen.codec,
        payload_type=chosen.payload_type,
        rtx_payload_type=chosen.rtx_payload_type,
        ssrc=primary,
        rtx_ssrc=section.retransmissions.get(primary) if primary is not None else None,
        extensions=accepted_extensions(section, _PUBLISHER_EXTENSIONS[kind]),
        nack=kind == "video" and "nack" in feedback and chosen.rtx_payload_type is not None,
        pli="nack pli" in feedback,
        transport_cc="transport-cc" in feedback,
    )


def accepted_extensions(section: Section, uris: Sequence[str]) -> dict[str, int]:
    """Of these extensions, those that the section offers under a one-byte id."""
    return {uri: section.extensions[uri] for uri in uris if 1 <= section.extensions.get(uri, 0) <= 14}


def rejected_lines(section: Section) -> list[str]:
    """A section that is not used: port 0 (RFC 3264 6)."""
    number = section.formats[0]
    lines = [
        f"m={section.kind} 0 {section.protocol} {number}",
        "c=IN IP4 0.0.0.0",
        "a=inactive",
    ]
    if section.mid:
        lines.append(f"a=mid:{section.mid}")
    if number.isdigit() and int(number) in section.rtpmaps:
        lines += codec_lines(int(number), section.rtpmaps[int(number)], "", ())
    return lines


def receiving_lines(section: Section, chosen: Chosen, ours: Ours, *, resting: bool) -> list[str]:
    """The answer to a publisher's section: we receive it, or it rests."""
    offered = section.feedback.get(chosen.payload_type, set())
    feedback = [kind for kind in _PUBLISHER_FEEDBACK if kind in offered]
    if chosen.codec.name == "OPUS":
        feedback = [kind for kind in feedback if kind == "transport-cc"]
    extensions = accepted_extensions(section, _PUBLISHER_EXTENSIONS["audio" if section.kind == "audio" else "video"])
    return _section_lines(
        section.kind,
        section.protocol,
        section.mid,
        "inactive" if resting else "recvonly",
        chosen.codec,
        chosen.payload_type,
        chosen.rtx_payload_type,
        feedback,
        extensions,
        ours,
    )


def sending_lines(
    kind: Kind, codec: Codec, spec: SendSpec, outgoing: Outgoing | None, stream: str, ours: Ours, protocol: str
) -> list[str]:
    """A section in which we send a track, or (no outgoing) that rests."""
    feedback: tuple[str, ...] = _VIEWER_FEEDBACK if kind == "video" else ()
    if not spec.nack:
        feedback = tuple(name for name in feedback if name != "nack")
    lines = _section_lines(
        kind,
        protocol,
        spec.mid,
        "sendonly" if outgoing else "inactive",
        codec,
        spec.payload_type,
        spec.rtx_payload_type,
        feedback,
        spec.extensions,
        ours,
    )
    if outgoing is None:
        return lines
    lines.append(f"a=msid:{stream} {stream}-{outgoing.ssrc:x}")
    ssrcs = [outgoing.ssrc]
    if outgoing.rtx_ssrc is not None:
        ssrcs.append(outgoing.rtx_ssrc)
        lines.append(f"a=ssrc-group:FID {outgoing.ssrc} {outgoing.rtx_ssrc}")
    return lines + [f"a=ssrc:{ssrc} cname:{outgoing.cname}" for ssrc in ssrcs]


def _section_lines(
    kind: str,
    protocol: str,
    mid: str,
    direction: str,
    codec: Codec,
    payload_type: int,
    rtx: int | None,
    feedback: Sequence[str],
    extensions: Mapping[str, int],
    ours: Ours,
) -> list[str]:
    types = f"{payload_type} {rtx}" if rtx is not None else str(payload_type)
    lines = [
        f"m={kind} 9 {protocol} {types}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *transport_lines(ours),
    ]
    lines += [f"a=extmap:{number} {uri}" for uri, number in sorted(extensions.items(), key=lambda item: item[1])]
    lines += codec_lines(payload_type, RtpMap(codec.name, codec.clock_rate, codec.channels), codec.fmtp, feedback)
    if rtx is not None:
        lines += codec_lines(rtx, RtpMap("RTX", codec.clock_rate), f"apt={payload_type}", ())
    return lines


def offered_spec(kind: Kind, codec: str, mid: str) -> SendSpec:
    """How a track goes out in a section of our own offer."""
    form = OFFERED[codec]
    rtx = form.rtx_payload_type
    return SendSpec(mid, form.payload_type, rtx, OFFERED_EXTENSIONS[kind], nack=rtx is not None)


def answered_spec(spec: SendSpec, section: Section) -> SendSpec | None:
    """What the answer left of our offer; None when the viewer does not take the section."""
    if section.rejected or section.direction not in ("recvonly", "sendrecv"):
        return None
    if str(spec.payload_type) not in section.formats:
        return None
    rtx = spec.rtx_payload_type
    if rtx is not None and str(rtx) not in section.formats:
        rtx = None
    ids = {uri: number for uri, number in spec.extensions.items() if section.extensions.get(uri) == number}
    return SendSpec(spec.mid, spec.payload_type, rtx, ids, nack=spec.nack and rtx is not None)


def answer(
    offer: Description, received: Set[str], preference: Sequence[str], ours: Ours, session_id: int, version: int
) -> str:
    """The answer to a publisher's offer.  received: mids that are; others rest, or are refused for want of a codec."""
    blocks: list[list[str]] = []
    bundled: list[str] = []
    live = {section.mid for section in offer.live()}
    for section in offer.sections:
        chosen = choose(section, preference) if section.mid in live else None
        if chosen is None:
            blocks.append(rejected_lines(section))
            continue
        blocks.append(receiving_lines(section, chosen, ours, resting=section.mid not in received))
        bundled.append(section.mid)
    return write(session_id, version, bundled, blocks)
