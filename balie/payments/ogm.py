"""The structured communication of a Belgian payment (OGM): twelve digits, the last two of which check the others.

The check is the remainder of the first ten after division by 97, and 97 where that is 0 (Febelfin, "Gestructureerde
mededeling"); bank statements and bookkeeping find a payment by it.
"""

from __future__ import annotations

from collections.abc import Callable

NUMBER_MAX = 10**10
MODULUS = 97


def of_number(number: int) -> str:
    """Twelve digits.  ValueError: the number has more than ten."""
    if not 0 <= number < NUMBER_MAX:
        raise ValueError(f"{number} is no number of at most ten digits")
    return f"{number:010d}{number % MODULUS or MODULUS:02d}"


def random(entropy: Callable[[int], bytes]) -> str:
    """One that nobody guesses.  Of ten thousand million, so that two of a hundred thousand payments may be the same."""
    return of_number(int.from_bytes(entropy(8), "big") % NUMBER_MAX)


def is_valid(digits: str) -> bool:
    return len(digits) == 12 and digits.isascii() and digits.isdecimal() and of_number(int(digits[:10])) == digits


def shown(digits: str) -> str:
    """+++010/8068/17183+++"""
    return f"+++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++"
