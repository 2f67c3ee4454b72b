"""What the booking benchmark computes from what it saw; and a short run of all of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from balie.post.incoming import Human, parse
from benchmarks import booker, bookings
from benchmarks.booker import Plan, Tally, parse_head, starts
from benchmarks.phases import SETTLE_S, Phase, interrupted, phases, stalls
from web.api.limit import PER_SECOND

MS = 1_000_000


def ns(*ms: int) -> Any:
    return np.array(ms, np.int64) * MS


def test_phases_follow_each_other_with_pauses() -> None:
    alone, mail = phases(("alone", 10), ("bookings", 0), ("mail", 5))
    assert alone == Phase("alone", 0, 10)
    assert mail == Phase("mail", 10 + SETTLE_S, 15 + SETTLE_S)
    assert mail.seconds == 5


@pytest.mark.parametrize(("sent", "bursts"), [((), 0), ((5,), 1), ((5, 10, 25), 1), ((5, 10, 40, 41, 100), 3)])
def test_late_packets_that_leave_together_are_one_burst(sent: tuple[int, ...], bursts: int) -> None:
    assert stalls(ns(*sent)) == bursts


def test_a_packet_that_left_while_the_generator_was_held_up_is_not_the_servers() -> None:
    began, took = ns(0, 10, 50), ns(1, 20, 1)
    assert interrupted(ns(15, 29), began, took) == 2
    assert interrupted(ns(40), began, took) == 0, "between two calls"
    assert interrupted(ns(50), began, took) == 0, "in a call that was not held up"
    assert interrupted(ns(5), ns(), ns()) == 0


@pytest.mark.parametrize("rate", [1, 20, 200, 333.3])
def test_there_are_keys_for_the_rate(rate: float) -> None:
    assert bookings.key_count(rate) * PER_SECOND >= rate


def test_what_a_booking_costs_is_beyond_what_the_load_alone_takes() -> None:
    rows = [
        {"phase": "alone", "seconds": 10.0, "server_cpu": 0.25},
        {"phase": "bookings", "seconds": 10.0, "server_cpu": 0.75},
    ]
    assert bookings.per_booking(rows, {"booked": 1000}) == 5.0
    assert bookings.per_booking(rows, {"booked": 0}) is None
    assert bookings.per_booking(rows[1:], {"booked": 1000}) is None


def test_the_head_of_an_answer_says_status_and_length() -> None:
    assert parse_head(b"HTTP/1.1 201 Created\r\nServer: x\r\ncontent-length: 12\r\n\r\n") == (201, 12)
    with pytest.raises(ValueError, match="200 OK"):
        parse_head(b"HTTP/1.1 200 OK\r\n\r\n")


def test_times_on_the_half_hour_can_be_booked_as_often_as_people_have_them() -> None:
    two, one = [{"id": 1}, {"id": 2}], [{"id": 1}]
    slots = [
        {"start": "2026-12-08T09:00:00+01:00", "staff": two},
        {"start": "2026-12-08T09:15:00+01:00", "staff": two},
        {"start": "2026-12-08T09:30:00+01:00", "staff": one},
    ]
    assert sorted(each[11:16] for each in starts(slots, 1)) == ["09:00", "09:00", "09:30"]
    assert starts(slots, 7) == starts(slots, 7)


def test_a_tally_tells_errors_from_bookings() -> None:
    tally = Tally(since_due_ms=[1.0, 2.0, 3.0], answered_ms=[1.0, 1.0, 1.0], in_time=2, not_begun=4)
    tally.statuses.update({"201": 2, "TimeoutError": 1})
    result = tally.result(2.0)
    assert result["booked"] == 2
    assert result["per_s"] == 1.0
    assert result["errors"] == {"TimeoutError": 1}
    assert result["not_begun"] == 4
    assert result["latency_ms_p50"] == 2.0
    assert result["latency_ms_max"] == 3.0


def test_a_plan_survives_its_way_to_the_other_process() -> None:
    plan = Plan("127.0.0.1", 1, 2, ("a", "b"), 3, 200.0, phases(("alone", 1)), 25, "x@localhost", 9, 1)
    assert Plan.read(json.dumps(asdict(plan))) == plan


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_a_letter_is_a_mail_of_its_size(size: int) -> None:
    content = booker.letter("balie@localhost", size, 3)
    assert size - 100 < len(content) <= size
    assert content != booker.letter("balie@localhost", size, 4)
    mail = parse(content)
    assert isinstance(mail, Human)
    assert mail.attachments == ("papieren.pdf",)
    assert mail.text.strip() == "Hierbij mijn papieren."


def test_a_booking_asks_for_what_the_office_offers() -> None:
    asked = json.loads(booker.body(3, "2026-12-08T09:00:00+01:00"))
    assert asked["start"] == "2026-12-08T09:00:00+01:00"
    assert asked["citizen"]["mail"] == "jan3@post.example"


@pytest.mark.waits
def test_the_server_answers_while_packets_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.phases.SETTLE_S", 0.2)
    results = tmp_path / "bookings.jsonl"
    words = ["--rooms", "1", "--rate", "20", "--seconds", "1", "--baseline", "0.5", "--warm-up", "0.5", "--staff", "2"]
    words += ["--standing", "50", "--mail-mb", "0.1", "--mails", "1", "--mail-seconds", "1", "--date", "2026-01-02"]
    bookings.main([*words, "--results", str(results)])
    line = json.loads(results.read_text())
    assert line["date"] == "2026-01-02"
    assert [row["phase"] for row in line["phases"]] == ["alone", "bookings", "mail"]
    assert all(row["delivered"] == row["expected"] > 0 for row in line["phases"])
    assert line["bookings"]["booked"] + line["bookings"]["not_begun"] == 20
    assert line["bookings"]["errors"] == {}
    assert [each["said"] for each in line["mails"]] == ["250"]
    assert "bookings: " in capsys.readouterr().out
