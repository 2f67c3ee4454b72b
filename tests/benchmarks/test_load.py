"""A small real run of each contender: real sockets, ICE, DTLS, SRTP.  What is delivered, never how fast."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import floor, janus, measure, places
from benchmarks.contenders import Floor, FloorOptions
from benchmarks.crowd import Crowd
from benchmarks.janus import Janus
from benchmarks.load import Load
from benchmarks.plane import Plane
from benchmarks.processes import spent

pytestmark = pytest.mark.waits

SECONDS, WARM_UP_S = 1.0, 0.5
SENT = 3 * 200  # 3 people, 150 video and 50 audio packets a second


def check_delivery(line: dict[str, object]) -> None:
    assert line["sent"] == pytest.approx(SENT, abs=30)
    assert line["expected"] == 2 * int(str(line["sent"]))
    assert line["delivered"] == line["expected"], line
    troubles = ("lost", "duplicated", "corrupted", "misdelivered", "unreadable", "renumbered", "receive_drops")
    assert {name: line[name] for name in troubles} == dict.fromkeys(troubles, 0)


def test_balie_over_whip_and_whep_delivers_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "load.jsonl"
    words = ["--only", "balie", "--rooms", "1", "--seconds", "1", "--warm-up", "0.5", "--date", "2026-01-02"]
    bench.main([*words, "--results", str(results)])
    (text,) = results.read_text().splitlines()
    line = json.loads(text)
    check_delivery(line)
    assert line["date"] == "2026-01-02"
    assert line["load"] == {
        "rooms": 1,
        "people": 3,
        "seconds": 1.0,
        "packets_in_per_s": 600,
        "packets_out_per_s": 1200,
    }
    wanted = {"commit", "cpu", "kernel", "versions", "cpu_us_per_packet", "join_cpu_ms"}
    wanted |= {f"memory_{when}{how}mb" for when in ("", "idle_") for how in ("", "pss_", "once_")} | {"memory_peak_mb"}
    wanted |= {f"latency_ms_{name}" for name in ("p50", "p90", "p99", "max")}
    assert wanted <= set(line)
    assert line["own"] == {"exit": 0}
    assert line["cpu_us_per_packet"] > 0
    assert line["rtcp_received"]["transport_cc"] > 0, "a publisher gets no feedback"
    assert line["rtcp_received"]["sr"] > 0, "a subscriber gets no sender reports"
    table = capsys.readouterr().out
    assert "1 room(s) of 3" in table
    assert "balie" in table


def test_the_plane_alone_delivers_everything() -> None:
    line = measure.case(lambda place, load: Plane(place, load), places.LOOPBACK, Crowd(1, 3), SECONDS, WARM_UP_S)
    check_delivery(line)


@pytest.mark.skipif(floor.compiler() is None, reason="no C compiler for the floor")
@pytest.mark.parametrize("gso", [False, True])
def test_the_floor_delivers_everything(gso: bool) -> None:
    line = measure.case(
        lambda place, load: Floor(place, load, FloorOptions(1000, gso)),
        places.LOOPBACK,
        Crowd(1, 3),
        SECONDS,
        WARM_UP_S,
    )
    check_delivery(line)
    assert line["own"]["forged"] == 0


# The machine gets an address for it, at which every browser on it drops what it is fetching (ERR_NETWORK_CHANGED).
@pytest.mark.alone
@pytest.mark.skipif(bool(janus.why_not() or places.why_no_namespace()), reason="needs Janus, iproute2 and root")
def test_janus_delivers_everything_and_leaves_nothing_behind() -> None:
    made: list[Janus] = []

    def make(place: places.Place, load: Load) -> Janus:
        made.append(Janus(place, load))
        return made[0]

    with places.namespace() as place:
        line = measure.case(make, place, Crowd(1, 3), SECONDS, WARM_UP_S)
    check_delivery(line)
    with pytest.raises(FileNotFoundError):
        spent(made[0].pid)


def test_a_floor_without_a_compiler_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(floor, "compiler", lambda: None)
    with pytest.raises(RuntimeError, match="needs a C compiler"):
        floor.build(tmp_path)
