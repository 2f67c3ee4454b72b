"""What may go wrong at a reservation system.  Nothing else leaves an adapter."""

from __future__ import annotations


class BackendError(Exception):
    """code is what is kept in reservation.error; the words for people are web's."""

    code = "backend_error"

    def __init__(self, said: str = "") -> None:
        """said: for the log; what another system says is not shown to anybody."""
        super().__init__(said or self.code)


class Down(BackendError):
    """Nobody knows whether it was done: the same again, with the same key, is right."""

    code = "backend_down"


class Nonsense(Down):
    """It answered something that the contract does not have; treated as no answer."""

    code = "backend_nonsense"


class Taken(BackendError):
    """Somebody else has it, or the hold is over."""

    code = "slot_taken"


class Refused(BackendError):
    """It will not do this, also when it is asked again."""

    code = "backend_refused"
