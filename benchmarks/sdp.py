"""Just enough SDP for the generator: offers and answers as a browser writes them, and reading the other side's.

Apart from signalling/sdp.py on purpose: a client that shared the server's reading of SDP would share its errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field

URI_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
URI_TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
URI_AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
EXTENSIONS = {
    "audio": {URI_AUDIO_LEVEL: 1, URI_TRANSPORT_CC: 3, URI_MID: 4},
    "video": {URI_TRANSPORT_CC: 3, URI_MID: 4},
}
OPUS, VP8, RTX = 111, 96, 97
CANDIDATE_PRIORITY = 2_130_706_431  # RFC 8445 5.1.2.1: a host candidate's


@dataclass(frozen=True)
class Local:
    """What one client's connection says of itself."""

    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    address: str
    port: int


@dataclass(frozen=True)
class Remote:
    """What the contender said of its side."""

    ufrag: str
    pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    target: tuple[str, int]


@dataclass
class Media:
    """One m-section as read."""

    kind: str
    mid: str = ""
    direction: str = "sendrecv"
    port: int = 9
    payload_types: list[int] = field(default_factory=list)
    codecs: dict[int, str] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)


@dataclass
class Description:
    remote: Remote
    media: list[Media]

    def one(self, kind: str) -> Media:
        return next(media for media in self.media if media.kind == kind)


def parse(text: str) -> Description:
    """Read an offer or answer.  ValueError when it lacks what a connection needs."""
    media: list[Media] = []
    values: dict[str, str] = {}
    fingerprints: list[tuple[str, str]] = []
    target: tuple[str, int] | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            kind, port, _, *types = line[2:].split()
            media.append(Media(kind, port=int(port), payload_types=[int(one) for one in types if one.isdigit()]))
        if not line.startswith("a="):
            continue
        name, _, value = line[2:].partition(":")
        if name == "fingerprint":
            algorithm, _, digest = value.partition(" ")
            fingerprints.append((algorithm, digest))
        elif name in ("ice-ufrag", "ice-pwd"):
            values.setdefault(name, value)
        elif name == "candidate":
            parts = value.split()
            if target is None and parts[2].lower() == "udp" and "." in parts[4]:
                target = parts[4], int(parts[5])
        elif media:
            _read_attribute(media[-1], name, value)
    if target is None or not fingerprints or len(values) < 2:
        raise ValueError(f"SDP without candidate, fingerprint or ICE credentials: {text[:400]!r}")
    unique = tuple(dict.fromkeys(fingerprints))
    return Description(Remote(values["ice-ufrag"], values["ice-pwd"], unique, target), media)


def _read_attribute(media: Media, name: str, value: str) -> None:
    if name == "mid":
        media.mid = value
    elif name in ("sendrecv", "sendonly", "recvonly", "inactive"):
        media.direction = name
    elif name == "rtpmap":
        number, _, codec = value.partition(" ")
        media.codecs[int(number)] = codec
    elif name == "extmap":
        number, uri = value.split()[:2]
        media.extensions[uri] = int(number.partition("/")[0])
    elif name == "ssrc":
        ssrc = int(value.split()[0])
        if ssrc not in media.ssrcs:
            media.ssrcs.append(ssrc)


def _session(mids: list[str]) -> list[str]:
    return [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=msid-semantic: WMS *",
    ]


def _section(kind: str, mid: str, local: Local, direction: str, setup: str, codecs: list[str]) -> list[str]:
    types = [line.partition(":")[2].split()[0] for line in codecs if line.startswith("a=rtpmap")]
    return [
        f"m={kind} {local.port} UDP/TLS/RTP/SAVPF {' '.join(types)}",
        f"c=IN IP4 {local.address}",
        f"a=rtcp:{local.port} IN IP4 {local.address}",
        f"a=candidate:1 1 udp {CANDIDATE_PRIORITY} {local.address} {local.port} typ host generation 0",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.pwd}",
        f"a=fingerprint:{local.fingerprint[0]} {local.fingerprint[1]}",
        f"a=setup:{setup}",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *codecs,
    ]


def _codecs(kind: str) -> list[str]:
    if kind == "audio":
        return [
            f"a=rtpmap:{OPUS} opus/48000/2",
            f"a=rtcp-fb:{OPUS} transport-cc",
            f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
        ]
    feedback = [f"a=rtcp-fb:{VP8} {name}" for name in ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")]
    return [f"a=rtpmap:{VP8} VP8/90000", *feedback, f"a=rtpmap:{RTX} rtx/90000", f"a=fmtp:{RTX} apt={VP8}"]


def _extmaps(kind: str) -> list[str]:
    return [f"a=extmap:{number} {uri}" for uri, number in EXTENSIONS[kind].items()]


def publish_offer(local: Local, audio_ssrc: int, video_ssrc: int) -> str:
    """One audio (mid 0) and one video (mid 1), sent only.  Active: the generator is always the DTLS client."""
    lines = _session(["0", "1"])
    for mid, (kind, ssrc) in enumerate((("audio", audio_ssrc), ("video", video_ssrc))):
        lines += _section(kind, str(mid), local, "sendonly", "active", _codecs(kind)) + _extmaps(kind)
        lines.append(f"a=msid:stream{kind} track{kind}")
        if kind == "video":
            lines.append(f"a=ssrc-group:FID {ssrc} {ssrc + 1}")
            lines.append(f"a=ssrc:{ssrc + 1} cname:bench")
        lines.append(f"a=ssrc:{ssrc} cname:bench")
    return "\r\n".join(lines) + "\r\n"


def subscribe_offer(local: Local, count: int) -> str:
    """count audio sections, then count video sections, received only (WHEP)."""
    kinds = ["audio"] * count + ["video"] * count
    lines = _session([str(mid) for mid in range(len(kinds))])
    for mid, kind in enumerate(kinds):
        lines += _section(kind, str(mid), local, "recvonly", "active", _codecs(kind)) + _extmaps(kind)
    return "\r\n".join(lines) + "\r\n"


def subscribe_answer(local: Local, offer: Description) -> str:
    """Receive every section of an offer as it is offered."""
    lines = _session([media.mid for media in offer.media])
    for media in offer.media:
        codecs = [f"a=rtpmap:{number} {name}" for number, name in media.codecs.items()]
        codecs += [f"a=rtcp-fb:{number} nack" for number, name in media.codecs.items() if name.startswith("VP8")]
        codecs += [f"a=extmap:{number} {uri}" for uri, number in media.extensions.items()]
        lines += _section(media.kind, media.mid, local, "recvonly", "active", codecs)
    return "\r\n".join(lines) + "\r\n"
