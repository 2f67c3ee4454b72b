"""What the benchmark of a visit makes of what pages wrote down; the visits themselves are in tests/browser."""

from __future__ import annotations

from benchmarks import visit
from benchmarks.visit import TABLE, Samples, Wanted


def test_a_limit_is_for_the_median_or_for_the_tail() -> None:
    mostly = [100.0] * 18 + [9000.0] * 2
    assert Wanted("door", "", most=1000).holds(mostly)
    assert not Wanted("back", "", most=1000, tail=True).holds(mostly)
    assert Wanted("fps", "", least=20).holds([19.0, 21.0, 30.0])
    assert not Wanted("fps", "", least=20).holds([19.0, 18.0, 30.0])


def test_samples_are_collected_by_step_and_summed_in_the_order_of_the_table() -> None:
    samples: Samples = {}
    for took in (200.0, 400.0, 300.0):
        visit.note(samples, {"picture": took, "sound": took / 2}, "cut_")
    visit.note(samples, {"door_citizen": 1200.0})
    found = visit.summed(samples)
    assert list(found) == ["door_citizen", "cut_picture", "cut_sound"]
    assert found["cut_picture"] == {"n": 3, "p50": 300.0, "p95": 390.0, "min": 200.0, "max": 400.0, "holds": True}
    assert not found["door_citizen"]["holds"]


def test_the_table_says_what_is_not_as_wanted() -> None:
    asked = {"visits": 1, "breaks": 0, "rooms": 10, "people": 3}
    steps = visit.summed({"goodbye": [80.0], "admit_staff": [1500.0]})
    text = visit.report({"chromium": "150", "asked": asked, "steps": steps})
    head, *rows = text.splitlines()
    assert head == "Chromium 150, 10 other calls of 3"
    assert [row.endswith("NOT HELD") for row in rows[1:]] == [True, False]
    assert "p50 <= 1000" in rows[1]


def test_each_step_has_one_limit() -> None:
    assert all((each.most is None) is not (each.least is None) for each in TABLE)
    assert len({each.key for each in TABLE}) == len(TABLE)
