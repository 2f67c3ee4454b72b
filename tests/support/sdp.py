"""Session descriptions as Chromium 150 and Firefox ESR write them, with what tests want to choose.

Made from offers and answers that these browsers made, word for word, and not by the code under test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PASSWORD = "wHE0Y4jWL8hQsrDedrk4nC0B"


@dataclass(frozen=True)
class Part:
    """One m-section.  ssrc 0: none is named; a video's retransmissions have the next number."""

    kind: str
    mid: str = ""
    direction: str = "sendonly"
    ssrc: int = 0


def microphone(mid: str = "0", ssrc: int = 382666796, direction: str = "sendonly") -> Part:
    return Part("audio", mid, direction, ssrc)


def camera(mid: str = "1", ssrc: int = 1875618269, direction: str = "sendonly") -> Part:
    return Part("video", mid, direction, ssrc)


def screen(mid: str = "2", ssrc: int = 2944112347, direction: str = "sendonly") -> Part:
    return Part("video", mid, direction, ssrc)


def watching(audio: int, video: int) -> list[Part]:
    """recvonly sections, audio and video in turn, as a WHEP player offers them."""
    kinds = [
        kind for at in range(max(audio, video)) for kind, count in (("audio", audio), ("video", video)) if at < count
    ]
    return [Part(kind, str(at), "recvonly") for at, kind in enumerate(kinds)]


def certificate(number: int = 1) -> str:
    """A fingerprint; numbers stand for RTCPeerConnections."""
    return ":".join(f"{(number * 37 + at * 11) % 256:02X}" for at in range(32))


def chromium(parts: Sequence[Part], *, ufrag: str = "vd9w", peer: int = 1, version: int = 2) -> str:
    """What createOffer() gives, with bundlePolicy max-bundle."""
    mids = " ".join(part.mid for part in parts)
    lines = [
        "v=0",
        f"o=- 9210053308168006577 {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {mids}",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS 00357586-dcdf-4fc5-9d4d-6a98e9e4f3f0",
    ]
    for part in parts:
        audio = part.kind == "audio"
        lines += [
            f"m={part.kind} 9 UDP/TLS/RTP/SAVPF {_CHROMIUM_AUDIO_TYPES if audio else _CHROMIUM_VIDEO_TYPES}",
            "c=IN IP4 0.0.0.0",
            "a=rtcp:9 IN IP4 0.0.0.0",
            f"a=ice-ufrag:{ufrag}",
            f"a=ice-pwd:{PASSWORD}",
            "a=ice-options:trickle",
            f"a=fingerprint:sha-256 {certificate(peer)}",
            "a=setup:actpass",
            f"a=mid:{part.mid}",
            *(_CHROMIUM_AUDIO_EXTENSIONS if audio else _CHROMIUM_VIDEO_EXTENSIONS),
            f"a={part.direction}",
        ]
        if part.ssrc:
            lines.append(f"a=msid:00357586-dcdf-4fc5-9d4d-6a98e9e4f3f0 track-{part.mid}")
        lines += ["a=rtcp-mux", "a=rtcp-rsize", "a=rtcp-xr:rcvr-rtt=all"]
        lines += _CHROMIUM_AUDIO_CODECS if audio else _chromium_video_codecs()
        if part.ssrc and not audio:
            lines.append(f"a=ssrc-group:FID {part.ssrc} {part.ssrc + 1}")
        for ssrc in (part.ssrc, part.ssrc + 1)[: 1 if audio else 2] if part.ssrc else ():
            lines.append(f"a=ssrc:{ssrc} cname:tD4Hp0cdZE0srpaU")
            lines.append(f"a=ssrc:{ssrc} msid:00357586-dcdf-4fc5-9d4d-6a98e9e4f3f0 track-{part.mid}")
    return _text(lines)


def firefox(parts: Sequence[Part], *, ufrag: str = "f4d5a06c", peer: int = 2, version: int = 0) -> str:
    """The same of Firefox: transport at session level in part, and all but the first section at port 0, bundle-only."""
    mids = " ".join(part.mid for part in parts)
    lines = [
        "v=0",
        f"o=mozilla...THIS_IS_SDPARTA-99.0 5026579553434313678 {version} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=sendrecv",
        f"a=fingerprint:sha-256 {certificate(peer)}",
        f"a=group:BUNDLE {mids}",
        "a=ice-options:trickle",
        "a=msid-semantic:WMS *",
    ]
    for at, part in enumerate(parts):
        audio = part.kind == "audio"
        types = _FIREFOX_AUDIO_TYPES if audio else _FIREFOX_VIDEO_TYPES
        lines += [
            f"m={part.kind} {0 if at else 9} UDP/TLS/RTP/SAVPF {types}",
            "c=IN IP4 0.0.0.0",
            *(["a=bundle-only"] if at else []),
            f"a={part.direction}",
            *(_FIREFOX_AUDIO if audio else _FIREFOX_VIDEO),
            f"a=ice-pwd:{PASSWORD}",
            f"a=ice-ufrag:{ufrag}",
            f"a=mid:{part.mid}",
            "a=rtcp-mux",
            "a=setup:actpass",
        ]
        if part.ssrc:
            lines.append(f"a=msid:{{f8d203c9}} {{track-{part.mid}}}")
            lines.append(f"a=ssrc:{part.ssrc} cname:{{1b8c256b-5b84-48ac-ad28-a779d23b9080}}")
        if part.ssrc and not audio:
            lines.append(f"a=ssrc:{part.ssrc + 1} cname:{{1b8c256b-5b84-48ac-ad28-a779d23b9080}}")
            lines.append(f"a=ssrc-group:FID {part.ssrc} {part.ssrc + 1}")
    return _text(lines)


Browser = Callable[..., str]


def answer(offer: str, *, ufrag: str = "Ab1c", peer: int = 9, refuse: Sequence[str] = ()) -> str:
    """A browser's answer to an offer of ours: it takes everything that is sent, but for the mids in refuse."""
    sections = re.split(r"(?m)^(?=m=)", offer.replace("\r\n", "\n"))[1:]
    answered: list[str] = []
    bundled: list[str] = []
    for section in sections:
        mid = _value(section, "a=mid:")
        kind, _, protocol, *types = section.partition("\n")[0][2:].split(" ")
        if mid in refuse:
            answered += [f"m={kind} 0 {protocol} 0", "c=IN IP4 0.0.0.0", "a=inactive", f"a=mid:{mid}"]
            continue
        bundled.append(mid)
        kept = [
            line
            for line in section.split("\n")
            if re.match(r"a=(rtpmap|fmtp|rtcp-fb|extmap|rtcp-mux|rtcp-rsize)", line)
        ]
        answered += [
            f"m={kind} 9 {protocol} {' '.join(types)}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{ufrag}",
            f"a=ice-pwd:{PASSWORD}",
            f"a=fingerprint:sha-256 {certificate(peer)}",
            "a=setup:active",
            f"a=mid:{mid}",
            "a=recvonly" if "\na=sendonly\n" in section else "a=inactive",
            *kept,
        ]
    session = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", " ".join(["a=group:BUNDLE", *bundled])]
    return _text([*session, *answered])


def parts_of(text: str) -> list[tuple[str, str, str, str]]:
    """(mid, kind, direction, first codec) of each m-section; the direction of port 0 is 'refused'."""
    found = []
    for section in re.split(r"(?m)^(?=m=)", text.replace("\r\n", "\n"))[1:]:
        kind, port, _, first, *_ = section.partition("\n")[0][2:].split(" ")
        direction = re.search(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)$", section)
        codec = re.search(rf"(?m)^a=rtpmap:{first} ([\w-]+)/", section)
        state = "refused" if port == "0" else direction[1] if direction else "sendrecv"
        found.append((_value(section, "a=mid:"), kind, state, codec[1].upper() if codec else ""))
    return found


def lines_of(text: str, mid: str) -> list[str]:
    """The lines of one m-section."""
    for section in re.split(r"(?m)^(?=m=)", text.replace("\r\n", "\n"))[1:]:
        if _value(section, "a=mid:") == mid:
            return section.splitlines()
    raise AssertionError(f"no section {mid} in {text}")


def ufrag_of(text: str) -> str:
    return _value(text, "a=ice-ufrag:")


def _value(text: str, prefix: str) -> str:
    found = re.search(rf"(?m)^{prefix}(\S*)", text)
    return found[1] if found else ""


def _text(lines: Sequence[str]) -> str:
    return "\r\n".join(lines) + "\r\n"


_TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
_CHROMIUM_AUDIO_TYPES = "111 63 9 0 8 13 110 126"
_CHROMIUM_VIDEO_TYPES = "96 97 102 103 104 107 108 109 114 115 116 117 39 40 45 46 98 99 100 101 118 119 120"
_CHROMIUM_AUDIO_EXTENSIONS = (
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    f"a=extmap:3 {_TRANSPORT_CC}",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
)
_CHROMIUM_VIDEO_EXTENSIONS = (
    "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset",
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "a=extmap:13 urn:3gpp:video-orientation",
    f"a=extmap:3 {_TRANSPORT_CC}",
    "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    "a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
    "a=extmap:8 http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
)
_CHROMIUM_AUDIO_CODECS = (
    "a=rtpmap:111 opus/48000/2",
    "a=rtcp-fb:111 transport-cc",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:63 red/48000/2",
    "a=fmtp:63 111/111",
    "a=rtpmap:9 G722/8000",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:13 CN/8000",
    "a=rtpmap:110 telephone-event/48000",
    "a=rtpmap:126 telephone-event/8000",
)
_H264 = "level-asymmetry-allowed=1;packetization-mode="
_CHROMIUM_VIDEO = (
    (96, "VP8", "", 97),
    (102, "H264", f"{_H264}1;profile-level-id=42001f", 103),
    (104, "H264", f"{_H264}0;profile-level-id=42001f", 107),
    (108, "H264", f"{_H264}1;profile-level-id=42e01f", 109),
    (114, "H264", f"{_H264}0;profile-level-id=42e01f", 115),
    (116, "H264", f"{_H264}1;profile-level-id=4d001f", 117),
    (39, "H264", f"{_H264}0;profile-level-id=4d001f", 40),
    (45, "AV1", "level-idx=5;profile=0;tier=0", 46),
    (98, "VP9", "profile-id=0", 99),
    (100, "VP9", "profile-id=2", 101),
)


def _chromium_video_codecs() -> list[str]:
    lines: list[str] = []
    for number, name, fmtp, rtx in _CHROMIUM_VIDEO:
        lines.append(f"a=rtpmap:{number} {name}/90000")
        feedback = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
        lines += [f"a=rtcp-fb:{number} {each}" for each in feedback]
        lines += [f"a=fmtp:{number} {fmtp}"] if fmtp else []
        lines += [f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={number}"]
    return [
        *lines,
        "a=rtpmap:118 red/90000",
        "a=rtpmap:119 rtx/90000",
        "a=fmtp:119 apt=118",
        "a=rtpmap:120 ulpfec/90000",
    ]


_FIREFOX_AUDIO_TYPES = "109 9 0 8 101"
_FIREFOX_VIDEO_TYPES = "120 124 121 125 99 100 123 122 119"
_FIREFOX_AUDIO = (
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level",
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid",
    f"a=extmap:7 {_TRANSPORT_CC}",
    "a=extmap-allow-mixed",
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1",
    "a=fmtp:101 0-15",
    *(f"a=rtcp-fb:{number} transport-cc" for number in (109, 9, 0, 8)),
    "a=rtpmap:109 opus/48000/2",
    "a=rtpmap:9 G722/8000/1",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 telephone-event/8000",
)
_FIREFOX_VIDEO = (
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "a=extmap:5 urn:ietf:params:rtp-hdrext:toffset",
    "a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    f"a=extmap:7 {_TRANSPORT_CC}",
    "a=extmap-allow-mixed",
    "a=fmtp:120 max-fs=12288;max-fr=60",
    "a=fmtp:124 apt=120",
    "a=fmtp:121 max-fs=12288;max-fr=60",
    "a=fmtp:125 apt=121",
    "a=fmtp:100 apt=99",
    "a=fmtp:119 apt=122",
    *(
        f"a=rtcp-fb:{number} {kind}"
        for number in (120, 121, 99, 123, 122)
        for kind in ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc")
    ),
    "a=rtcp-rsize",
    "a=rtpmap:120 VP8/90000",
    "a=rtpmap:124 rtx/90000",
    "a=rtpmap:121 VP9/90000",
    "a=rtpmap:125 rtx/90000",
    "a=rtpmap:99 AV1/90000",
    "a=rtpmap:100 rtx/90000",
    "a=rtpmap:123 ulpfec/90000",
    "a=rtpmap:122 red/90000",
    "a=rtpmap:119 rtx/90000",
)
