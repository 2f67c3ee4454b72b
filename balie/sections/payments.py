"""[payments]: who takes citizens' money."""

from __future__ import annotations

from dataclasses import dataclass

from balie.checks import check_hook_url, check_name
from balie.errors import ConfigError
from balie.reading import setting

MOLLIE_URL = "https://api.mollie.com"


@dataclass(frozen=True)
class PaymentsSection:
    """One provider that speaks Mollie's Payments API.

    provider  a name for it; none: nothing can be paid
    url       everything of that API is under it
    key       of the account: Mollie shows it as test_... or live_...
    refund_alone_cents  so much goes back at the word of whoever cancelled the appointment; more needs a second person
    """

    provider: str = setting("", check=check_name)
    url: str = setting(MOLLIE_URL, nonempty=True, check=check_hook_url)
    key: str = setting("", secret=True)
    key_file: str = setting("")
    timeout_s: int = setting(10, least=1, most=60)
    refund_alone_cents: int = setting(0, least=0, most=10_000_000)


def check_payments(payments: PaymentsSection, name: str) -> None:
    """ConfigError: a provider without its key, or with two."""
    if payments.provider and not (payments.key or payments.key_file):
        raise ConfigError(
            f"{name} [payments] key_file",
            "",
            "a file with the API key of the account",
            "Mollie shows it under Developers, API keys; a key that begins with test_ moves no money.",
        )
    if payments.key and payments.key_file:
        raise ConfigError(f"{name} [payments]", None, "one of key and key_file")
