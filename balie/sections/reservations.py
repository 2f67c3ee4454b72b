"""[reservations]: the systems in which something is kept for a citizen."""

from __future__ import annotations

from dataclasses import dataclass

from balie.checks import check_hook_url
from balie.reading import setting


@dataclass(frozen=True)
class BackendSection:
    """One system of [[reservations.backends]].

    name        products name it
    url         everything of the contract is under it
    public_url  where a citizen reserves alone the next time
    """

    name: str = setting("", nonempty=True)
    url: str = setting("", nonempty=True, check=check_hook_url)
    public_url: str = setting("", check=check_hook_url)
    secret: str = setting("", secret=True)
    secret_file: str = setting("")
    timeout_s: int = setting(10, least=1, most=60)


@dataclass(frozen=True)
class ReservationsSection:
    backends: tuple[BackendSection, ...] = setting(())
