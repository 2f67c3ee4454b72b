"""RTCP as browsers send it, about once a second per connection, and counts of what comes back.

Built by hand: small, and it must not share bugs with the RTCP code that it is a load for.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.crowd import AUDIO_BYTES, FRAME_PACKETS, VIDEO_BYTES, Crowd
from benchmarks.keys import Keyring

if TYPE_CHECKING:
    from benchmarks.ledger import Ledger
    from benchmarks.load import Joined
    from benchmarks.sender import Sender

EVERY_NS = 1_000_000_000
NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970, RFC 3550 4
REMB_BPS = 20_000_000  # more than anybody is sent
SR, RR, SDES, RTPFB, PSFB = 200, 201, 202, 205, 206
NAMES = {(RTPFB, 1): "nack", (RTPFB, 15): "transport_cc", (PSFB, 1): "pli", (PSFB, 4): "fir", (PSFB, 15): "remb"}


def compact_ntp(now_ns: int) -> tuple[int, int]:
    seconds, rest = divmod(now_ns, 1_000_000_000)
    return seconds + NTP_EPOCH_S, (rest << 32) // 1_000_000_000


def sender_report(ssrc: int, now_ns: int, ticks: int, packets: int, octets: int) -> bytes:
    """RFC 3550 6.4.1 without report blocks."""
    high, low = compact_ntp(now_ns)
    return struct.pack(
        "!BBHIIIIII", 0x80, SR, 6, ssrc, high, low, ticks & 0xFFFF_FFFF, packets & 0xFFFF_FFFF, octets & 0xFFFF_FFFF
    )


def receiver_report(ssrc: int, blocks: list[tuple[int, int]]) -> bytes:
    """RFC 3550 6.4.2; blocks of (source, highest sequence number), nothing lost."""
    head = struct.pack("!BBHI", 0x80 | len(blocks), RR, 1 + 6 * len(blocks), ssrc)
    return head + b"".join(struct.pack("!IIIIII", source, 0, highest, 0, 0, 0) for source, highest in blocks)


def source_description(ssrc: int, cname: bytes) -> bytes:
    """RFC 3550 6.5: one chunk with a CNAME, padded with at least one zero."""
    chunk = struct.pack("!IBB", ssrc, 1, len(cname)) + cname
    chunk += bytes(4 - len(chunk) % 4)
    return struct.pack("!BBH", 0x81, SDES, len(chunk) // 4) + chunk


def remb(ssrc: int, bps: int, sources: list[int]) -> bytes:
    """draft-alvestrand-rmcat-remb-03 2.2."""
    exponent = max(0, bps.bit_length() - 18)
    value = len(sources) << 24 | exponent << 18 | bps >> exponent
    body = struct.pack(f"!II4sI{len(sources)}I", ssrc, 0, b"REMB", value, *sources)
    return struct.pack("!BBH", 0x80 | 15, PSFB, len(body) // 4) + body


def packets_of(compound: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, count or format, packet) of each; stops at the first that does not add up."""
    at = 0
    while at + 4 <= len(compound):
        first, kind, words = struct.unpack_from("!BBH", compound, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(compound):
            return
        yield kind, first & 31, compound[at:end]
        at = end


class Reports:
    def __init__(self, crowd: Crowd, keyring: Keyring, ledger: Ledger, sender: Sender, joined: Joined) -> None:
        self._crowd, self._keyring, self._ledger, self._sender = crowd, keyring, ledger, sender
        self._joined = joined
        self._stream_of = {spec.ssrc: stream for stream, spec in enumerate(joined.specs)}
        self._next = 0
        self._due_ns = 0
        self._counts: Counter[str] = Counter()
        self._forged = 0

    def due(self, now_ns: int) -> Iterator[tuple[int, bytes, tuple[str, int]]]:
        """(connection, encrypted report, where to): connections take turns, each about once a second."""
        if not self._due_ns:
            self._due_ns = now_ns
        while self._due_ns <= now_ns:
            connection = self._next
            compound = self._subscriber(connection) if connection & 1 else self._publisher(connection, now_ns)
            if compound:
                data = self._keyring.protect_rtcp(connection, compound)
                yield connection, data, self._joined.targets[connection]
            self._next = (self._next + 1) % self._crowd.connections
            self._due_ns += EVERY_NS // self._crowd.connections

    def _publisher(self, connection: int, now_ns: int) -> bytes:
        compound = b""
        for stream in (connection, connection + 1):
            spec = self._joined.specs[stream]
            sent = int((self._ledger.sent_ns[stream] > 0).sum())
            audio = stream & 1
            ticks = sent * 960 if audio else sent // FRAME_PACKETS * 3000
            octets = sent * (AUDIO_BYTES if audio else VIDEO_BYTES)
            compound += sender_report(spec.ssrc, now_ns, ticks, sent, octets)
        return compound + source_description(self._joined.specs[connection].ssrc, b"bench%d" % connection)

    def _subscriber(self, connection: int) -> bytes:
        client, per = connection >> 1, 2 * self._crowd.people
        ssrcs = self._ledger.source_ssrc[client * per : (client + 1) * per]
        highest = self._ledger.highest_seq[client * per : (client + 1) * per]
        blocks = [(int(ssrc), int(seq)) for ssrc, seq in zip(ssrcs, highest, strict=True) if ssrc]
        if not blocks:
            return b""
        own = 1  # what browsers use on a connection that sends nothing
        return receiver_report(own, blocks[:31]) + remb(own, REMB_BPS, [ssrc for ssrc, _ in blocks])

    def received(self, connection: int, data: bytes) -> None:
        compound = self._keyring.unprotect_rtcp(connection, data)
        if compound is None:
            self._forged += 1
            return
        for kind, form, packet in packets_of(compound):
            name = {SR: "sr", RR: "rr", SDES: "sdes"}.get(kind) or NAMES.get((kind, form), "other")
            self._counts[name] += 1
            if name in ("pli", "fir") and len(packet) >= 12:
                # A PLI names its stream in the header, a FIR in its first entry (RFC 5104 4.3.1.1).
                source = struct.unpack_from("!I", packet, 8 if name == "pli" else 12)[0]
                if source in self._stream_of:
                    self._sender.key_frame_wanted[self._stream_of[source]] = True

    def counts(self) -> dict[str, object]:
        return {"rtcp_received": dict(self._counts), "rtcp_unreadable": self._forged}
