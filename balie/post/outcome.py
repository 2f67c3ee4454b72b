"""What became of a message that was handed to somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SAID_MAX = 300  # characters of what the other side says that are worth keeping

State = Literal["submitted", "deferred", "failed", "unresolved", "withdrawn"]


@dataclass(frozen=True)
class Outcome:
    """What became of a message.

    state   submitted: the other side has it.  deferred: not now.  failed: it will never take it.  unresolved: nobody
            can know.  withdrawn: the caller said no
    reason  a code, for deferred, failed and unresolved
    said    the other side's words
    """

    state: State
    reason: str = ""
    said: str = ""
