"""Session descriptions as typed values: the lines that WebRTC uses, read strictly and written plainly (RFC 8866, 8829).

Our own and not aiortc.sdp, which knows no extension it does not implement and loses what it does not know: an
answer must echo ids, payload types and formats exactly.  Pure text in, values out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from signalling.errors import SdpError, shown

SDP_MAX = 65_536  # characters
SECTIONS_MAX = 64  # ten people with three tracks are 27
LINE_MAX = 4096
FORMATS_MAX = 64  # payload types of one section: Chrome offers about 40

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Setup = Literal["actpass", "active", "passive"]
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF")


@dataclass(frozen=True)
class RtpMap:
    """a=rtpmap.  name in upper case."""

    name: str
    clock_rate: int
    channels: int = 1


@dataclass
class Section:
    """One m-section.  payload types are keys of maps in the order of the m-line."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    mid: str = ""
    direction: Direction = "sendrecv"
    ufrag: str | None = None
    password: str | None = None
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: Setup | None = None
    rtcp_mux: bool = False
    rtpmaps: dict[int, RtpMap] = field(default_factory=dict)
    fmtp: dict[int, str] = field(default_factory=dict)
    feedback: dict[int, set[str]] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    retransmissions: dict[int, int] = field(default_factory=dict)
    """Primary SSRC -> SSRC of its retransmissions (a=ssrc-group:FID)."""

    @property
    def rejected(self) -> bool:
        return self.port == 0


@dataclass
class Description:
    sections: list[Section]
    bundled: frozenset[str]

    def section(self, mid: str) -> Section | None:
        return next((section for section in self.sections if section.mid == mid), None)


@dataclass(frozen=True)
class Peer:
    """What ICE and DTLS need of a description: one transport for all sections."""

    ufrag: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: Setup


def parse(text: str) -> Description:
    """Read a description.

    Raises SdpError: bad_sdp with the line at fault, unsupported when it is sound but asks for what we do not do.
    """
    if len(text) > SDP_MAX:
        raise SdpError("bad_sdp", f"an SDP of {len(text)} characters; {SDP_MAX} are allowed")
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines or lines[0] != "v=0":
        raise SdpError("bad_sdp", f"line 1: expected 'v=0', found '{shown(lines[0] if lines else '')}'")
    session = Section("session", 9, "", [])
    sections: list[Section] = []
    bundled: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        if len(line) > LINE_MAX or len(line) < 2 or line[1] != "=":
            raise SdpError("bad_sdp", f"line {number}: expected 'x=value', found '{shown(line)}'")
        try:
            if line[0] == "m":
                if len(sections) == SECTIONS_MAX:
                    raise SdpError("bad_sdp", f"line {number}: more than {SECTIONS_MAX} m-sections")
                sections.append(_media(line[2:]))
            elif line.startswith("a=group:BUNDLE"):
                bundled = line.split()[1:]
            elif line[0] == "a":
                _attribute(sections[-1] if sections else session, line[2:])
        except (ValueError, IndexError):
            raise SdpError("bad_sdp", f"line {number}: cannot be read: '{shown(line)}'") from None
    for section in sections:
        section.ufrag = section.ufrag or session.ufrag
        section.password = section.password or session.password
        section.fingerprints = section.fingerprints or session.fingerprints
        section.setup = section.setup or session.setup
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids):
        raise SdpError("bad_sdp", "two m-sections have the same a=mid, or none")
    return Description(sections, frozenset(bundled))


def _media(value: str) -> Section:
    kind, port, protocol, *formats = value.split(" ")
    if len(formats) > FORMATS_MAX:
        raise ValueError("too many formats")
    return Section(kind, int(port.partition("/")[0]), protocol, formats)


def _payload_type(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 127:
        raise ValueError("payload type")
    return number


def _ssrc(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 0xFFFFFFFF:
        raise ValueError("ssrc")
    return number


def _attribute(section: Section, line: str) -> None:
    """Read one a= line into its section; unknown ones are none of our business (RFC 8866 5.13)."""
    name, _, value = line.partition(":")
    match name:
        case "mid":
            if not value or len(value) > 32 or not value.isascii() or not value.isprintable() or " " in value:
                raise ValueError("mid")
            section.mid = value
        case "sendrecv" | "sendonly" | "recvonly" | "inactive":
            section.direction = name
        case "ice-ufrag":
            section.ufrag = value
        case "ice-pwd":
            section.password = value
        case "fingerprint":
            algorithm, digest = value.split(" ", 1)
            section.fingerprints = [*section.fingerprints[:7], (algorithm.lower(), digest.strip().upper())]
        case "setup":
            if value not in ("actpass", "active", "passive"):
                raise ValueError("setup")
            section.setup = value  # type: ignore[assignment]
        case "rtcp-mux":
            section.rtcp_mux = True
        case "rtpmap":
            number, encoding = value.split(" ", 1)
            codec, rate, *channels = encoding.split("/")
            section.rtpmaps[_payload_type(number)] = RtpMap(
                codec.upper(), int(rate), int(channels[0]) if channels else 1
            )
        case "fmtp":
            number, _, parameters = value.partition(" ")
            section.fmtp[_payload_type(number)] = parameters.strip()
        case "rtcp-fb":
            number, _, kind = value.partition(" ")
            numbers = section.rtpmaps if number == "*" else [_payload_type(number)]
            for each in numbers:
                section.feedback.setdefault(each, set()).add(kind.strip())
        case "extmap":
            number, uri = value.split(" ")[:2]
            section.extensions[uri] = int(number.partition("/")[0])
        case "ssrc":
            ssrc = _ssrc(value.partition(" ")[0])
            if ssrc not in section.ssrcs and len(section.ssrcs) < 16:
                section.ssrcs.append(ssrc)
        case "ssrc-group":
            semantics, *numbers_of = value.split()
            if semantics == "FID" and len(numbers_of) == 2:
                section.retransmissions[_ssrc(numbers_of[0])] = _ssrc(numbers_of[1])
        case _:
            pass


def peer_of(description: Description, setups: Iterable[Setup]) -> Peer:
    """The one transport of a description; setups are the roles that it may name.

    Raises SdpError: no usable section, sections outside the BUNDLE group, no rtcp-mux, no credentials, no
    fingerprint that we can check, a DTLS role we cannot pair with.
    """
    live = [s for s in description.sections if not s.rejected and s.kind in ("audio", "video")]
    if not live:
        raise SdpError("unsupported", "no audio or video section; data channels alone are not supported")
    first = live[0]
    for section in live:
        if section.protocol not in PROTOCOLS:
            raise SdpError("unsupported", f"section {section.mid}: protocol {shown(section.protocol)} is not DTLS-SRTP")
        if section.mid not in description.bundled:
            raise SdpError("unsupported", f"section {section.mid} is outside the BUNDLE group: one transport for all")
        if not section.rtcp_mux:
            raise SdpError("unsupported", f"section {section.mid} has no a=rtcp-mux")
    if not first.ufrag or not first.password or not 4 <= len(first.ufrag) <= 256 or len(first.password) < 22:
        raise SdpError("bad_sdp", "no a=ice-ufrag of 4 to 256 and a=ice-pwd of 22 or more characters")
    known = tuple(f for f in first.fingerprints if f[0] in ("sha-256", "sha-384", "sha-512"))
    if not known:
        raise SdpError("unsupported", "no a=fingerprint with sha-256, sha-384 or sha-512")
    setup = first.setup or "actpass"
    if setup not in tuple(setups):
        raise SdpError("unsupported", f"a=setup:{setup} cannot be paired: the server is passive in DTLS")
    return Peer(first.ufrag, known, setup)


@dataclass(frozen=True)
class Ours:
    """Our side of a transport, for writing: candidates as a=candidate values."""

    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    candidates: tuple[str, ...]
    setup: Literal["passive", "actpass"]


def write(session_id: int, version: int, bundled: Iterable[str], sections: Iterable[list[str]]) -> str:
    """Put a description together from sections' lines."""
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(bundled),
        "a=ice-lite",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS *",
    ]
    for section in sections:
        lines += section
    return "\r\n".join(lines) + "\r\n"


def transport_lines(ours: Ours) -> list[str]:
    """The lines that every section repeats: they are the same transport."""
    return [
        f"a=ice-ufrag:{ours.ufrag}",
        f"a=ice-pwd:{ours.password}",
        f"a=fingerprint:{ours.fingerprint[0]} {ours.fingerprint[1]}",
        f"a=setup:{ours.setup}",
        *(f"a=candidate:{candidate}" for candidate in ours.candidates),
        "a=end-of-candidates",
    ]


def codec_lines(payload_type: int, rtpmap: RtpMap, fmtp: str, feedback: Iterable[str]) -> list[str]:
    """a=rtpmap, a=rtcp-fb and a=fmtp of one payload type."""
    channels = f"/{rtpmap.channels}" if rtpmap.channels > 1 else ""
    name = rtpmap.name.lower() if rtpmap.name in ("OPUS", "RTX") else rtpmap.name
    lines = [f"a=rtpmap:{payload_type} {name}/{rtpmap.clock_rate}{channels}"]
    lines += [f"a=rtcp-fb:{payload_type} {kind}" for kind in feedback]
    if fmtp:
        lines.append(f"a=fmtp:{payload_type} {fmtp}")
    return lines
