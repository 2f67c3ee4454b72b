"""SDP fragments of trickle ICE (RFC 8840 9), as WHIP and WHEP exchange them in PATCH (RFC 9725 4.3).  Pure text."""

from __future__ import annotations

from dataclasses import dataclass

from signalling.errors import SdpError, shown
from signalling.sdp import Description, Ours

LINES_MAX = 256  # a client with many networks trickles some tens of candidates


@dataclass(frozen=True)
class Fragment:
    """Of a fragment, what an ICE-lite server needs.  None when it is not in it."""

    ufrag: str | None = None
    password: str | None = None


def parse_fragment(text: str) -> Fragment:
    """Read a fragment.  Raises SdpError bad_sdp with the line at fault."""
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > LINES_MAX:
        raise SdpError("bad_sdp", f"a fragment of {len(lines)} lines; {LINES_MAX} are allowed")
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        if line[1:2] != "=" or not line.isprintable():
            raise SdpError("bad_sdp", f"line {number}: expected printable 'x=value', found '{shown(line)}'")
        name, _, value = line.partition(":")
        found.setdefault(name, value)
    return Fragment(found.get("a=ice-ufrag"), found.get("a=ice-pwd"))


def section_head(offer: Description) -> tuple[str, ...]:
    """The lines by which a fragment names the m-section that the transport is said in: the first of the bundle."""
    first = offer.live()[0]
    return f"a=group:BUNDLE {first.mid}", f"m={first.kind} 9 {first.protocol} {first.formats[0]}", f"a=mid:{first.mid}"


def write_fragment(head: tuple[str, ...], ours: Ours) -> str:
    """Our side after an ICE restart."""
    lines = [
        "a=ice-lite",
        *head,
        f"a=ice-ufrag:{ours.ufrag}",
        f"a=ice-pwd:{ours.password}",
        *(f"a=candidate:{candidate}" for candidate in ours.candidates),
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"
