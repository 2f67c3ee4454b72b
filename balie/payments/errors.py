"""What may go wrong at a payment provider.  Nothing else leaves an adapter."""

from __future__ import annotations


class ProviderError(Exception):
    """code is what is kept in payment.error; the words for people are web's."""

    code = "provider_error"

    def __init__(self, said: str = "") -> None:
        """said: for the log; what another system says is not shown to anybody."""
        super().__init__(said or self.code)


class Down(ProviderError):
    """Nobody knows whether it was done: the same again, with the same key, is right."""

    code = "provider_down"


class Nonsense(Down):
    """It answered something that the contract does not have; treated as no answer."""

    code = "provider_nonsense"


class Refused(ProviderError):
    """It will not do this, also when it is asked again."""

    code = "provider_refused"
