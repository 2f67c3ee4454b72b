"""What somebody's own test of his device found, when he agreed that staff may see it: codes, never a name of a device.

The latest of a person replaces the one before.  What the codes mean in words is web.selftest.words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import delete, insert, select

from balie.store.engine import Tx
from balie.store.schema import device_test, participant

Light = Literal["good", "careful", "bad"]

DEVICE_ERRORS = ("denied", "system", "dismissed", "missing", "busy", "unfit", "failed", "insecure")
"""Why a camera or microphone does not open; each is one or more error names of getUserMedia (selftest/guidance.js)."""

CODES: dict[str, tuple[str, ...]] = {
    "browser": ("good", "in_app", "old"),
    "microphone": ("good", "quiet", *DEVICE_ERRORS),
    "camera": ("good", *DEVICE_ERRORS),
    "speaker": ("good", "unheard", "untested"),
    "network": ("good", "slow", "lossy", "blocked", "offline", "crowded", "untested"),
    "transport": ("", "udp", "tcp", "turn"),
    "program": ("chrome", "edge", "firefox", "safari", "samsung", "other"),
    "system": ("windows", "macos", "ios", "android", "linux", "other"),
}
"""What each part of a test may find."""

NUMBERS = {"rtt_ms": 60_000, "loss_percent": 100}
"""Round trip to our media server and packets lost on the way, at most; -1 when they were not measured."""

_BAD = {
    "browser": ("old",),
    "microphone": DEVICE_ERRORS,
    "network": ("blocked", "offline"),
}
"""Without these there is no conversation."""
_PASSING = {"speaker": ("untested",), "network": ("crowded", "untested")}
"""What says nothing of the device."""


@dataclass(frozen=True)
class DeviceTest:
    """codes: by part, as in CODES; numbers: as in NUMBERS."""

    codes: Mapping[str, str]
    numbers: Mapping[str, int] = field(default_factory=dict)
    at_s: int = 0

    @property
    def light(self) -> Light:
        """In one word: a conversation will go well, with something missing, or not at all."""
        if any(self.codes.get(part) in bad for part, bad in _BAD.items()):
            return "bad"
        parts = ("browser", "microphone", "camera", "speaker", "network")
        fine = all(self.codes.get(part) in ("good", *_PASSING.get(part, ())) for part in parts)
        return "good" if fine else "careful"


def note(tx: Tx, now_s: int, participant_id: int, codes: Mapping[str, str], numbers: Mapping[str, int]) -> None:
    """Keep what a person shares, in the place of what he shared before.

    Raises ValueError: a code or number that is not in CODES or NUMBERS, or one that is missing.
    """
    if codes.keys() != CODES.keys() or any(found not in CODES[part] for part, found in codes.items()):
        raise ValueError(f"not the codes of a device test: {dict(codes)}")
    if numbers.keys() != NUMBERS.keys() or any(not -1 <= found <= NUMBERS[name] for name, found in numbers.items()):
        raise ValueError(f"not the numbers of a device test: {dict(numbers)}")
    appointment_id = tx.scalar(select(participant.c.appointment_id).where(participant.c.id == participant_id))
    if appointment_id is None:
        return  # taken from the appointment a moment ago
    tx.execute(delete(device_test).where(device_test.c.participant_id == participant_id))
    tx.execute(
        insert(device_test).values(
            appointment_id=appointment_id,
            participant_id=participant_id,
            codes={**codes, **numbers},
            shared=True,
            at_s=now_s,
        )
    )


def shared(tx: Tx, appointment_ids: list[int]) -> dict[int, DeviceTest]:
    """By participant id, what was shared with staff."""
    query = select(device_test).where(device_test.c.appointment_id.in_(appointment_ids), device_test.c.shared)
    return {row.participant_id: _read(row.codes, row.at_s) for row in tx.execute(query)}


def _read(kept: dict[str, Any], at_s: int) -> DeviceTest:
    codes = {part: str(kept.get(part, "")) for part in CODES}
    return DeviceTest(codes, {name: int(kept.get(name, -1)) for name in NUMBERS}, at_s)
