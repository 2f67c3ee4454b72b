"""Compound packets that C reads leave the very columns that Python leaves; what is not plain it does not touch."""

from __future__ import annotations

import random
from typing import Any

import pytest

from media import native
from media.core import compiled_reports, rtcp
from media.core.model import BandwidthChanged, TransportId
from media.core.ntp import REORDERED_S
from media.core.rtcp import ReportBlock
from tests.support.bench import Desk
from tests.support.call import CAMERA, MICROPHONE, RTX, Call

LIBRARY = native.library()
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="no C compiler was there at the installation")

SECOND = 1 << 32
NTP = 3_900_000_000 * SECOND
BPS = 2_000_000


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "loops", LIBRARY)


def begun() -> Call:
    """A call whose publisher reported once, and whose viewer estimated once."""
    call = Call()
    call.start(1)
    call.send(call.audio(1))
    for ssrc in (CAMERA, MICROPHONE):
        say(call, call.an, rtcp.sender_report(ssrc, NTP, 5, 1, 1))
    say(call, call.bert, rtcp.remb(1, BPS, [call.picture.ssrc]))
    call.reports(1_000_000)
    call.engine.take_events()
    return call


def say(call: Call, transport: TransportId, data: bytes) -> None:
    call.engine.handle_rtcp(transport, data, call.desk.now_us)


def read(call: Call, transport: TransportId, data: bytes) -> bool:
    """As balie_turn has it read; returns whether it was plain."""
    loops: Any = call.engine.compiled
    assert LIBRARY is not None
    return bool(LIBRARY.balie_report(loops.reports, transport, data, len(data), call.desk.now_us))


def left(call: Call) -> dict[str, Any]:
    """All that a report may change."""
    parts = vars(call.engine)
    tracks, table, transports = parts["_tracks"], parts["_subscriptions"], parts["_transport_table"]
    clocks = tracks.clocks
    columns = (clocks.known, clocks.ntp, clocks.rtp, clocks.arrival_us, table.lost, table.rtt_us)
    return {
        "columns": [column.tolist() for column in (*columns, transports.rtt_us, transports.remb_bps)],
        "drops": call.engine.drops(),
        "events": call.engine.take_events(),
        "control": call.engine.take_control(),
        "stats": [call.engine.transport_stats(each) for each in (call.an, call.bert)],
    }


def test_a_report_on_known_streams_is_read() -> None:
    call = begun()
    block = ReportBlock(call.picture.ssrc, 12, -3, 70_000, 5, (NTP >> 16) & 0xFFFFFFFF, 0)
    compound = rtcp.receiver_report(1, [block]) + rtcp.sdes(1, "a") + rtcp.remb(1, BPS + BPS // 10, [block.ssrc])
    assert read(call, call.bert, compound)
    assert call.engine.transport_stats(call.bert)["rtt_us"] == 1_000_000
    later = rtcp.sender_report(CAMERA, NTP + 2 * SECOND, 180_005, 9, 9) + rtcp.sdes(CAMERA, "a")
    call.desk.now_us += 500_000
    assert read(call, call.an, later)
    assert call.sender_reports(1_000_000)[0].ntp > NTP + 2 * SECOND


@pytest.mark.parametrize(
    "compound",
    [
        b"",
        rtcp.sender_report(CAMERA, NTP, 5, 1, 1)[:-4],
        rtcp.sender_report(4711, NTP, 5, 1, 1),
        rtcp.sender_report(RTX, NTP, 5, 1, 1),
        rtcp.nack(1, 7, [4]),
        rtcp.pli(1, 7),
        rtcp.fir(1, 7, 1),
        rtcp.bye([1]),
        rtcp.remb(1, BPS * 2, [7]),
        rtcp.remb(1, (1 << 18) - 1 << 60, [7]),
        bytes((0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4)),
        rtcp.receiver_report(1, []) * 65,
    ],
)
def test_what_asks_or_tells_something_new_is_left(compound: bytes) -> None:
    call = begun()
    before = left(call)
    assert not read(call, call.an, compound)
    assert not read(call, call.an, rtcp.receiver_report(1, []) + compound) or not compound
    assert left(call) == before


def test_the_first_report_of_a_publisher_is_left() -> None:
    call = Call()
    call.start(1)
    assert not read(call, call.an, rtcp.sender_report(CAMERA, NTP, 5, 1, 1))


def test_an_estimate_within_a_tenth_is_no_news() -> None:
    for bps, known in ((BPS * 11 // 10, True), (BPS * 9 // 10 + 1000, True), (BPS * 12 // 10, False), (0, False)):
        call = begun()
        assert read(call, call.bert, rtcp.remb(1, bps, [])) == known
        say(call, call.bert, rtcp.remb(1, bps, []))
        assert any(isinstance(event, BandwidthChanged) for event in call.engine.take_events()) != known


class Chance:
    """Compound packets, most of them whole."""

    def __init__(self, seed: int, call: Call) -> None:
        self._random = random.Random(seed)
        self._transports = [call.an, call.bert]
        self._ssrcs = [call.picture.ssrc, call.sound.ssrc, call.picture.rtx_ssrc or 0, CAMERA, MICROPHONE, RTX, 4711]

    def whose(self) -> TransportId:
        return self._random.choice(self._transports)

    def block(self) -> ReportBlock:
        chance = self._random
        lsr = chance.choice([0, NTP >> 16 & 0xFFFFFFFF, (NTP + chance.randrange(20 * SECOND) >> 16) & 0xFFFFFFFF])
        lost = chance.choice([0, 5, -1, 0x7FFFFF, -0x800000])
        return ReportBlock(chance.choice(self._ssrcs), 0, lost, 7, 8, lsr, chance.choice([0, 65_536, 1 << 31]))

    def packet(self) -> bytes:
        chance = self._random
        blocks = [self.block() for _ in range(chance.choice([0, 1, 2, 31]))]
        moved = chance.choice([0, SECOND, 9 * SECOND, -SECOND, -REORDERED_S * SECOND, -20 * SECOND])
        match chance.randrange(9):
            case 0 | 1 | 2:
                report = (chance.choice([CAMERA, MICROPHONE, 4711]), NTP + moved, chance.randrange(1 << 32), 1, 1)
                return rtcp.sender_report(*report, blocks)
            case 3 | 4 | 5:
                return rtcp.receiver_report(1, blocks)
            case 6:
                return rtcp.sdes(1, "a" * chance.randrange(9))
            case 7:
                return rtcp.remb(1, BPS * chance.randrange(8, 13) // 10, self._ssrcs[:2])
            case _:
                return rtcp.bye([1])

    def compound(self) -> bytes:
        chance = self._random
        data = bytearray(b"".join(self.packet() for _ in range(chance.choice([1, 1, 2, 3]))))
        if chance.random() < 0.3:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.1:
            del data[chance.randrange(len(data)) :]
        return bytes(data)


@pytest.mark.parametrize("seed", range(20))
def test_both_languages_read_the_same(seed: int) -> None:
    ours, theirs = begun(), begun()
    chance, plain = Chance(seed, ours), 0
    for _ in range(300):
        compound = chance.compound()
        transport = chance.whose()
        say(ours, transport, compound)
        plain += theirs.desk.hear(transport, compound)
        assert left(ours) == left(theirs), compound.hex()
        for call in (ours, theirs):
            call.desk.now_us += 70_000
    assert 20 < plain < 280


def test_both_languages_agree_on_sizes() -> None:
    compiled_reports.check_constants(LIBRARY)
