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
MID_MAX = 32  # characters: browsers count from 0
SSRCS_MAX = 16  # of one section: three simulcast layers with retransmission are 6
FINGERPRINTS_MAX = 8

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Setup = Literal["actpass", "active", "passive"]
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF")
ALL_TYPES = -1
"""Key of feedback that a section gives for all its payload types (a=rtcp-fb:*), until all of them are read."""


@dataclass(frozen=True)
class RtpMap:
    """a=rtpmap.  name in upper case."""

    name: str
    clock_rate: int
    channels: int = 1


@dataclass
class Section:
    """One m-section.  formats in the order of the m-line; the other maps have payload types as keys."""

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
    bundle_only: bool = False
    rtpmaps: dict[int, RtpMap] = field(default_factory=dict)
    fmtp: dict[int, str] = field(default_factory=dict)
    feedback: dict[int, set[str]] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    retransmissions: dict[int, int] = field(default_factory=dict)
    """Primary SSRC -> SSRC of its retransmissions (a=ssrc-group:FID)."""

    @property
    def rejected(self) -> bool:
        """Port 0 (RFC 3264 6), unless it is said to have no port of its own (a=bundle-only, RFC 8843 6)."""
        return self.port == 0 and not self.bundle_only


@dataclass
class Description:
    sections: list[Section]
    bundled: frozenset[str]

    def section(self, mid: str) -> Section | None:
        return next((section for section in self.sections if section.mid == mid), None)

    def live(self) -> list[Section]:
        """Sections of media that were not rejected."""
        return [section for section in self.sections if not section.rejected and section.kind in ("audio", "video")]


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
    if lines[0] != "v=0":
        raise SdpError("bad_sdp", f"line 1: expected 'v=0', found '{shown(lines[0])}'")
    session = Section("session", 9, "", [])
    sections: list[Section] = []
    bundled: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        if not 2 <= len(line) <= LINE_MAX or line[1] != "=" or not line.isprintable():
            raise SdpError("bad_sdp", f"line {number}: expected printable 'x=value', found '{shown(line)}'")
        try:
            if line[0] == "m":
                if len(sections) == SECTIONS_MAX:
                    raise SdpError("bad_sdp", f"line {number}: more than {SECTIONS_MAX} m-sections")
                sections.append(_media(line[2:], session))
            elif line.startswith("a=group:BUNDLE "):
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
        everywhere = section.feedback.pop(ALL_TYPES, set())
        for payload_type in section.rtpmaps if everywhere else ():
            section.feedback.setdefault(payload_type, set()).update(everywhere)
    mids = [section.mid for section in sections if section.mid]  # a rejected section may have none
    if len(set(mids)) != len(mids):
        raise SdpError("bad_sdp", "two m-sections have the same a=mid")
    return Description(sections, frozenset(bundled))


def _media(value: str, session: Section) -> Section:
    """An m-line.  A direction at session level holds for all sections that name none (RFC 8866 6.7)."""
    kind, port, protocol, *formats = value.split(" ")
    if not value.isascii() or "" in (kind, protocol, *formats) or not 1 <= len(formats) <= FORMATS_MAX:
        raise ValueError("m-line")
    if kind in ("audio", "video") and protocol in PROTOCOLS:
        formats = [str(_payload_type(each)) for each in formats]
    return Section(kind, _number(port.partition("/")[0], 0xFFFF), protocol, formats, direction=session.direction)


def _number(text: str, most: int) -> int:
    """Digits of ASCII only: int() alone reads '+1', '1_0' and the digits of every script."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most):
        raise ValueError("number")
    return int(text)


def _payload_type(text: str) -> int:
    return _number(text, 127)


def _ssrc(text: str) -> int:
    return _number(text, 0xFFFFFFFF)


def _attribute(section: Section, line: str) -> None:
    """Read one a= line into its section; unknown ones are none of our business (RFC 8866 5.13)."""
    name, _, value = line.partition(":")
    match name:
        case "mid":
            if not 1 <= len(value) <= MID_MAX or not value.isascii() or " " in value:
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
            if len(section.fingerprints) < FINGERPRINTS_MAX:
                section.fingerprints.append((algorithm.lower(), digest.strip().upper()))
        case "setup":
            if value not in ("actpass", "active", "passive"):
                raise ValueError("setup")
            section.setup = value  # type: ignore[assignment]
        case "rtcp-mux":
            section.rtcp_mux = True
        case "bundle-only":
            section.bundle_only = True
        case "rtpmap":
            number, encoding = value.split(" ", 1)
            codec, rate, *channels = encoding.split("/")
            section.rtpmaps[_payload_type(number)] = RtpMap(
                codec.upper(), _number(rate, 0xFFFFFFFF), _number(channels[0], 255) if channels else 1
            )
        case "fmtp":
            number, _, parameters = value.partition(" ")
            section.fmtp[_payload_type(number)] = parameters.strip()
        case "rtcp-fb":
            number, _, kind = value.partition(" ")
            payload_type = ALL_TYPES if number == "*" else _payload_type(number)
            section.feedback.setdefault(payload_type, set()).add(kind.strip())
        case "extmap":
            number, uri = value.split(" ")[:2]
            section.extensions[uri] = _number(number.partition("/")[0], 0xFFFF)
        case "ssrc":
            ssrc = _ssrc(value.partition(" ")[0])
            if ssrc not in section.ssrcs and len(section.ssrcs) < SSRCS_MAX:
                section.ssrcs.append(ssrc)
        case "ssrc-group":
            semantics, *numbers_of = value.split()
            if semantics == "FID" and len(numbers_of) == 2 and len(section.retransmissions) < SSRCS_MAX:
                section.retransmissions[_ssrc(numbers_of[0])] = _ssrc(numbers_of[1])
        case _:
            pass


def peer_of(description: Description, setups: Iterable[Setup]) -> Peer:
    """The one transport of a description; setups are the roles that it may name.

    Raises SdpError: no usable section, sections outside the BUNDLE group, no rtcp-mux, no credentials, no
    fingerprint that we can check, a DTLS role we cannot pair with.
    """
    live = description.live()
    if not live:
        raise SdpError("unsupported", "no audio or video section; data channels alone are not supported")
    first = live[0]
    for section in live:
        if not section.mid:
            raise SdpError("bad_sdp", f"an m={section.kind} section has no a=mid")
        if section.protocol not in PROTOCOLS:
            raise SdpError("unsupported", f"section {section.mid}: protocol {shown(section.protocol)} is not DTLS-SRTP")
        if section.mid not in description.bundled:
            raise SdpError("unsupported", f"section {section.mid} is outside the BUNDLE group: one transport for all")
        if not section.rtcp_mux:
            raise SdpError("unsupported", f"section {section.mid} has no a=rtcp-mux")
    if not credentials_fit(first.ufrag, first.password):
        raise SdpError("bad_sdp", "no a=ice-ufrag of 4 to 256 and a=ice-pwd of 22 to 256 characters")
    assert first.ufrag is not None
    known = tuple(f for f in first.fingerprints if f[0] in ("sha-256", "sha-384", "sha-512"))
    if not known:
        raise SdpError("unsupported", "no a=fingerprint with sha-256, sha-384 or sha-512")
    allowed = tuple(setups)
    if first.setup is None or first.setup not in allowed:
        found = f"a=setup:{first.setup}" if first.setup else "no a=setup"
        raise SdpError("unsupported", f"{found}: the server is passive in DTLS and takes {' or '.join(allowed)}")
    return Peer(first.ufrag, known, first.setup)


def credentials_fit(ufrag: str | None, password: str | None) -> bool:
    """RFC 8839 5.4: 4 to 256, and 22 to 256 characters."""
    return 4 <= len(ufrag or "") <= 256 and 22 <= len(password or "") <= 256


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
        " ".join(["a=group:BUNDLE", *bundled]),
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
