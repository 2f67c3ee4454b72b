"""Whose fault it was, said by the type (h11's habit): a peer's bad bytes raise PeerError, nothing else does."""

from __future__ import annotations


class PeerError(Exception):
    """Bytes from a peer that cannot be used.  The layer that reads them catches it, drops and counts.

    reason is a name from media.core.drops.Drop in lower case; detail is for a debug log and never holds
    keys, tokens or addresses.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class LimitError(Exception):
    """A configured limit would be passed; the command changed nothing.  Says which limit and its value."""
