"""The compiled loops do what the loops in Python do: two engines, the same stories, the same bytes out."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from media import native
from media.core import compiled, rtcp
from media.core.model import TrackId, TransportId
from media.core.tables import HISTORY
from media.io import checks
from media.io import compiled as compiled_io
from tests.support.bench import Desk, ssrc_of
from tests.support.packets import rtp

LIBRARY = native.library()
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="no C compiler was there at the installation")


class Story:
    """One engine with two publishers and four viewers, and what chance makes them send."""

    def __init__(self, seed: int, library: Any | None) -> None:
        self.chance = random.Random(seed)
        self.desk = Desk(seed=seed, native=library)
        self.publishers = [self.desk.transport() for _ in range(2)]
        self.viewers = [self.desk.transport() for _ in range(4)]
        self.tracks: list[tuple[TransportId, TrackId, int, bool]] = []
        for at, publisher in enumerate(self.publishers):
            ssrc = 1000 * (at + 1)
            self.tracks.append((publisher, self.desk.video(publisher, ssrc), ssrc, True))
            self.tracks.append((publisher, self.desk.audio(publisher, ssrc + 7), ssrc + 7, False))
        self.outgoing = [
            self.desk.subscribe(viewer, track) for viewer in self.viewers for _, track, _, _ in self.tracks
        ]
        self.numbers = {ssrc: self.chance.randrange(1 << 16) for _, _, ssrc, _ in self.tracks}

    def packet(self, ssrc: int, video: bool) -> bytes:
        """The stream's next packet, or something that is not quite that."""
        chance = self.chance
        number = self.numbers[ssrc] = self.numbers[ssrc] + chance.choice([1, 1, 1, 1, 1, 1, 2, 4]) & 0xFFFF
        what = chance.random()
        if what < 0.05:
            number = number - chance.randrange(1, 40) & 0xFFFF  # late, or again
        elif what < 0.06:
            number = chance.randrange(1 << 16)
        body = (b"\x10\x00" if chance.random() < 0.2 else b"\x10\x01") if video else b"\x78"
        extensions = {3: number.to_bytes(2, "big")}
        if not video:
            extensions[1] = bytes([chance.randrange(128)])
        if chance.random() < 0.1:
            extensions[5] = bytes([chance.randrange(4)])
        data = rtp(
            ssrc=ssrc,
            sequence=number,
            timestamp=number * 100 & 0xFFFFFFFF,
            payload_type=chance.choice([96] * 20 + [97, 98]) if video else 111,
            marker=chance.random() < 0.3,
            payload=body + chance.randbytes(chance.randrange(1, 900)),
            extensions=extensions,
            padding=chance.choice([0] * 20 + [4, 200]),
        )
        if chance.random() < 0.03:
            data = rtp(ssrc=ssrc, sequence=number, payload_type=96 if video else 111, payload=b"", padding=9)
        if chance.random() < 0.02:
            broken = bytearray(data)
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
            data = bytes(broken[: chance.randrange(12, len(broken) + 1)])
        return data

    def step(self) -> None:
        chance, desk = self.chance, self.desk
        arrivals = []
        for _ in range(chance.randrange(1, 40)):
            transport, _, ssrc, video = chance.choice(self.tracks)
            arrivals.append((transport, self.packet(ssrc, video)))
        before = len(desk.sent)
        desk.receive_from(arrivals)
        # The order between streams is each implementation's own: chance must not depend on it.
        recent = sorted(desk.sent[before:], key=lambda sent: (sent[0], ssrc_of(sent[1])))
        what = chance.random()
        if what < 0.1:
            _, track, _, _ = chance.choice(self.tracks)
            desk.engine.set_track_muted(track, chance.random() < 0.5)
        elif what < 0.2:
            desk.engine.set_subscription_paused(chance.choice(self.outgoing).subscription, chance.random() < 0.5)
        elif what < 0.3 and recent:
            viewer, copy = chance.choice(recent)
            asked = int.from_bytes(copy[2:4], "big")
            desk.engine.handle_rtcp(TransportId(viewer), rtcp.nack(1, ssrc_of(copy), [asked]), desk.now_us)
        if chance.random() < 0.2:
            transport, _, ssrc, _ = chance.choice(self.tracks)
            ntp = (3_900_000_000 << 32) + (desk.now_us << 32) // 1_000_000 + chance.randrange(1 << 31)
            desk.hear(transport, rtcp.sender_report(ssrc, ntp, self.numbers[ssrc] * 100, 1, 1))
        desk.poll(chance.choice([5_000, 30_000, 400_000]))

    def told(self) -> dict[str, Any]:
        """Everything that the world can see, streams in their own order."""
        streams: dict[tuple[int, int], list[bytes]] = {}
        for transport, copy in self.desk.sent:
            streams.setdefault((transport, ssrc_of(copy)), []).append(copy)
        tables = vars(self.desk.engine)["_tracks"]
        return {
            "streams": streams,
            "control": self.desk.control_by_kind(),
            "drops": self.desk.drops(),
            "totals": self.desk.engine.totals(),
            "events": self.desk.engine.take_events(),
            "stats": [self.desk.engine.transport_stats(transport) for transport in self.publishers + self.viewers],
            "columns": {name: getattr(tables, name).tolist() for name in ("high", "received", "octets", "jitter")},
            "history": np.sort(tables.history.reshape(-1, HISTORY), axis=1).tolist(),
        }


@pytest.mark.parametrize("seed", range(12))
def test_the_same_packets_come_out(seed: int) -> None:
    arrays, loops = Story(seed, None), Story(seed, LIBRARY)
    for _ in range(60):
        arrays.step()
        loops.step()
    expected, found = arrays.told(), loops.told()
    assert any(expected["streams"].values()), "a story in which something happens"
    assert {kind[1:] for _, kind in expected["control"]} >= {b"\xc8", b"\xc9", b"\xcd"}, "reports of both, and feedback"
    for what in expected:
        assert found[what] == expected[what], f"seed {seed}: {what}"


def test_a_batch_that_was_not_finished_leaves_nothing_behind() -> None:
    """An exception between account() and fan_out() is a bug, but must not mix its packets into the next batch."""
    desk = Desk(native=LIBRARY)
    publisher, viewer = desk.transport(), desk.transport()
    desk.subscribe(viewer, desk.audio(publisher, 5))
    desk.receive(publisher, *(rtp(ssrc=5, sequence=n, payload_type=111, payload=b"x") for n in (1, 2)))
    loops = vars(desk.engine)["_loops"]
    loops.account(desk.now_us)
    assert len(desk.receive(publisher, rtp(ssrc=5, sequence=3, payload_type=111, payload=b"x"))) == 1


def test_both_languages_agree_on_sizes() -> None:
    compiled.check_constants(LIBRARY)
    compiled_io.check_constants(LIBRARY)
    checks.check_constants(LIBRARY)


def test_a_library_of_other_sizes_is_refused() -> None:
    class Other:
        def __getattr__(self, name: str) -> int:
            return -1

    with pytest.raises(ValueError, match="BALIE_STRIDE"):
        compiled.check_constants(Other())
    with pytest.raises(ValueError, match="BALIE_HEAD"):
        compiled_io.check_constants(Other())


def test_only_arrays_that_stay_where_they_are_can_be_handed_over() -> None:
    with pytest.raises(ValueError, match="not contiguous"):
        native.pointer(np.zeros((4, 4), np.int64)[:, 1])
