"""What the benchmark of the Samen panel computes and says; and a short run of all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import panel
from benchmarks.panel import Samples, summed


def test_what_is_wanted_holds_or_not() -> None:
    quick, slow = [20.0] * 95, [200.0] * 5
    assert summed(Samples(shown=[*quick, *slow[:4]], bytes=[4000]))["holds"]
    assert not summed(Samples(shown=[*quick, *slow, *slow], bytes=[4000]))["holds"]
    assert not summed(Samples(shown=quick, lost=1))["holds"], "what nobody ever saw is not quick"
    assert not summed(Samples())["holds"]


def test_it_says_so() -> None:
    asked = {"panels": 40, "rooms": 40, "people": 2}
    line = {
        "asked": asked,
        "server_cpu": 0.5,
        **summed(Samples(shown=[10.0, 200.0], took=[5.0, 9.0], bytes=[4000, 4100])),
    }
    said = panel.report(line)
    assert "2 changes, 0 never seen; server 50 % of a core" in said and "NOT HELD" in said
    assert "p50 105" in said and "a fragment has 4050 bytes" in said


@pytest.mark.timeout(120)
@pytest.mark.waits
def test_a_short_run(tmp_path: Path) -> None:
    results = tmp_path / "panel.jsonl"
    options = ["--panels", "2", "--rate", "9", "--seconds", "1", "--rooms", "1", "--results", str(results)]
    panel.main(options)
    line = json.loads(results.read_text())
    assert line["changes"] > 0 and line["lost"] == 0 and line["bytes"] > 1000
    assert line["shown"]["p50"] > 0 and line["asked"]["panels"] == 2
