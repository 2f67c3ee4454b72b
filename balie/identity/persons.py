"""Who somebody is, as a provider says it."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from balie.booking.links import LinkKey

NAME_MAX = 200
TEXT_MAX = 1000
"""Characters of a provider's text that are looked at: what people are called has fewer, and normalising takes long of
many (Unicode Standard Annex 15, 9.1)."""


@dataclass(frozen=True)
class Person:
    """claims: of the ID token and, where it was asked, of userinfo; sub is the provider's own name for him."""

    issuer: str
    sub: str = field(repr=False)
    name: str = field(repr=False)
    acr: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id_token: str = field(default="", repr=False)

    @property
    def subject(self) -> str:
        """The same for the same person at the same provider, 64 characters; it does not give sub away."""
        return hashlib.sha256(f"{self.issuer}\0{self.sub}".encode("utf-8", "surrogatepass")).hexdigest()

    def subject_hash(self, key: LinkKey) -> bytes:
        """The same with a key: who has only the database cannot find out whose it is."""
        told = b"balie identity\0" + f"{self.issuer}\0{self.sub}".encode("utf-8", "surrogatepass")
        return hmac.digest(key.secret, told, hashlib.sha256)


def name_of(claims: Mapping[str, Any]) -> str:
    """Given and family name, or else the name as a whole; "" when there is none."""
    parts = [plain(claims.get(each)) for each in ("given_name", "family_name")]
    return (" ".join(each for each in parts if each) if parts[1] else plain(claims.get("name")))[:NAME_MAX]


def plain(value: object) -> str:
    """A text of a provider, on one line, at most TEXT_MAX long; "" when it is none."""
    if not isinstance(value, str):
        return ""
    kept = (each if each.isprintable() else " " for each in unicodedata.normalize("NFC", value[:TEXT_MAX]))
    return " ".join("".join(kept).split())


def same(booked: str, verified: str) -> bool:
    """Whether two names may well be one person's: all words of the shorter are in the longer, at least two of them.

    Accents, capitals, hyphens and the order do not count: An-Maria Peeters-De Smet books as peeters an.
    """
    one, other = _words(booked), _words(verified)
    shared = one & other
    return bool(one) and (one == other or (len(shared) >= 2 and shared in (one, other)))


def _words(name: str) -> frozenset[str]:
    bare = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return frozenset("".join(each if each.isalnum() else " " for each in re.sub("['’]", "", bare).casefold()).split())
