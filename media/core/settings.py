"""The sizes of the media core: every table and arena is allocated once, from these numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Limits of one media process; reaching one is a LimitError at the command, never a slow data path.

    history_rows times packets.STRIDE is the memory that received packets live in before they are
    overwritten.  8,192 rows are 14 MB, which at 18,000 video packets a second, of 120 people, is 0.45 s: half as much
    again as the longest round trip after which a retransmission still arrives in time to be shown.
    """

    transports_max: int = 1024
    tracks_max: int = 1024
    subscriptions_max: int = 8192
    history_rows: int = 8_192
    batch_max: int = 256
    """Datagrams taken from the kernel by one system call."""
    send_rows: int = 4096
    """Datagrams that one turn may send: batch_max packets to 10 people, and their control traffic."""

    def __post_init__(self) -> None:
        for name in ("transports_max", "tracks_max", "subscriptions_max", "batch_max", "send_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if not 2 * self.batch_max <= self.history_rows <= 65_536:
            raise ValueError(f"history_rows must be between 2 * batch_max and 65536, found {self.history_rows}")
