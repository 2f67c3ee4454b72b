"""What a shared test of a device leaves: its codes, the latest only, and a light for staff."""

from __future__ import annotations

import pytest

from balie.store.engine import Store
from balie.visit import device_test
from balie.visit.device_test import CODES, DeviceTest
from tests.support.visits import START_S, visit

FINE = {part: next(code for code in codes if code) for part, codes in CODES.items()}
NUMBERS = {"rtt_ms": 42, "loss_percent": 0}


async def test_the_latest_is_kept(store: Store) -> None:
    made = await visit(store)
    an = made.people[0]
    await store.write(device_test.note, START_S, an, {**FINE, "camera": "busy"}, NUMBERS)
    await store.write(device_test.note, START_S + 60, an, FINE, {"rtt_ms": -1, "loss_percent": -1})
    assert await store.read(device_test.shared, [made.id]) == {
        an: DeviceTest(FINE, {"rtt_ms": -1, "loss_percent": -1}, START_S + 60)
    }
    assert await store.read(device_test.shared, [made.id + 1]) == {}


async def test_who_does_not_take_part_any_more_leaves_nothing(sqlite_store: Store) -> None:
    made = await visit(sqlite_store)
    await sqlite_store.write(device_test.note, START_S, made.people[-1] + 1, FINE, NUMBERS)
    assert await sqlite_store.read(device_test.shared, [made.id]) == {}


@pytest.mark.parametrize(
    ("codes", "numbers"),
    [
        ({**FINE, "camera": "Logitech C920 van An"}, NUMBERS),
        ({**FINE, "colour": "good"}, NUMBERS),
        ({part: code for part, code in FINE.items() if part != "network"}, NUMBERS),
        (FINE, {**NUMBERS, "rtt_ms": 60_001}),
        (FINE, {**NUMBERS, "loss_percent": -2}),
        (FINE, {"rtt_ms": 1}),
    ],
)
async def test_nothing_but_codes_is_kept(sqlite_store: Store, codes: dict[str, str], numbers: dict[str, int]) -> None:
    made = await visit(sqlite_store)
    with pytest.raises(ValueError, match="of a device test"):
        await sqlite_store.write(device_test.note, START_S, made.people[0], codes, numbers)
    assert await sqlite_store.read(device_test.shared, [made.id]) == {}


@pytest.mark.parametrize(
    ("changed", "light"),
    [
        ({}, "good"),
        ({"speaker": "untested"}, "good"),
        ({"network": "crowded"}, "good"),
        ({"browser": "in_app"}, "careful"),
        ({"camera": "denied"}, "careful"),
        ({"microphone": "quiet"}, "careful"),
        ({"speaker": "unheard"}, "careful"),
        ({"network": "slow"}, "careful"),
        ({"browser": "old"}, "bad"),
        ({"microphone": "missing"}, "bad"),
        ({"network": "blocked"}, "bad"),
        ({"network": "offline", "camera": "good"}, "bad"),
    ],
)
def test_the_light(changed: dict[str, str], light: str) -> None:
    """The same as in static/js/selftest/verdict.js: tests/browser/test_selftest.py asks both."""
    assert DeviceTest({**FINE, **changed}).light == light
