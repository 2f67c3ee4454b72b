"""How sure a provider is of somebody: the Authentication Context Class (acr), whose values are the provider's own.

What is required is one value, or several with spaces between.  Where the provider's levels are set, the lowest first,
any level from the lowest required one on is enough; a value that is not among them only if it is required itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from balie.identity.errors import IdentityError

ACR_MAX = 200


def check(acr: str, required: str, levels: Sequence[str]) -> None:
    """IdentityError acr_missing or acr_low."""
    if not required.split():
        return
    if not acr:
        raise IdentityError("acr_missing")
    if not suffices(acr, required, levels):
        raise IdentityError("acr_low")


def suffices(acr: str, required: str, levels: Sequence[str] = ()) -> bool:
    return not required.split() or acr in wanted(required, levels)


def wanted(required: str, levels: Sequence[str] = ()) -> list[str]:
    """All values that are enough, for acr_values (Core, 3.1.2.1)."""
    named = required.split()
    places = [levels.index(each) for each in named if each in levels]
    higher = levels[min(places) :] if places else ()
    return [*named, *(each for each in higher if each not in named)]
