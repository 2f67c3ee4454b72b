"""Passwords: argon2id, at the strength that the library advises.  Slow by design: for a thread, not a transaction."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LENGTH_MIN = 12  # NIST SP 800-63B-4 3.1.1.2: length is what counts, rules about signs are not
LENGTH_MAX = 256  # a sentence fits; more is no password but work for the server
SALT_BYTES = 16  # RFC 9106 3.1
START_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without i, l, o, 0 and 1
START_GROUPS, START_GROUP = 4, 4


class WeakPasswordError(Exception):
    """code: short, long or login (it is, or holds, the name one signs in with)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Verdict:
    """renewed: the same password by today's measures, to be kept instead of the old hash; "" when that will do."""

    right: bool
    renewed: str = ""


class Passwords:
    """Makes and checks hashes.

    entropy  returns that many random bytes
    hasher   with other costs for tests
    """

    def __init__(self, entropy: Callable[[int], bytes], hasher: PasswordHasher | None = None) -> None:
        self._entropy = entropy
        self._hasher = hasher or PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        """Of a password that nobody has."""
        return self.hash(self._entropy(SALT_BYTES).hex())

    def hash(self, password: str) -> str:
        """What to keep of a password."""
        return self._hasher.hash(_bytes(password), salt=self._entropy(SALT_BYTES))

    def check(self, password: str, kept: str | None) -> Verdict:
        """Whether a password is the one of a hash.

        kept: None when nobody has that login, or he has no password; that takes as long as a wrong password does.
        """
        if len(password) > LENGTH_MAX:
            password = ""  # never right, and no work for whoever sends megabytes
        try:
            self._hasher.verify(kept or self._nobody, _bytes(password))
        except (VerificationError, InvalidHashError):
            return Verdict(False)
        if not kept:
            return Verdict(False)
        return Verdict(True, self.hash(password) if self._hasher.check_needs_rehash(kept) else "")


def start_password(entropy: Callable[[int], bytes]) -> str:
    """One that somebody reads out to a new colleague: k7mp-3xqa-…, 80 bits, without letters that look like digits."""
    number = int.from_bytes(entropy(START_GROUPS * START_GROUP))
    letters = []
    for _ in range(START_GROUPS * START_GROUP):
        number, at = divmod(number, len(START_LETTERS))
        letters.append(START_LETTERS[at])
    return "-".join("".join(letters[at : at + START_GROUP]) for at in range(0, len(letters), START_GROUP))


def check_strength(password: str, login: str) -> None:
    """WeakPasswordError unless a new password will do."""
    if len(password) < LENGTH_MIN:
        raise WeakPasswordError("short")
    if len(password) > LENGTH_MAX:
        raise WeakPasswordError("long")
    if login.casefold() in password.casefold() and len(password) < len(login) + LENGTH_MIN:
        raise WeakPasswordError("login")


def _bytes(password: str) -> bytes:
    # One letter may be typed as one sign or as two; both are the same password (NIST SP 800-63B-4 3.1.1.2).
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
