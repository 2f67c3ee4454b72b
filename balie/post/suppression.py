"""Addresses that are known not to exist.  Writing to them again harms our name with other mail servers.

Kept as hashes: they are nobody's any more, and must not turn into a list of them.
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import delete, insert, select

from balie.store.engine import Tx
from balie.store.schema import suppression


def suppress(tx: Tx, now_s: int, address: str, reason: str) -> None:
    """Write to it no more.  reason: a code, such as address_unknown."""
    if not is_suppressed(tx, address):
        tx.execute(insert(suppression).values(address_hash=_hash(address), reason=reason, since_s=now_s))


def is_suppressed(tx: Tx, address: str) -> bool:
    known = select(suppression.c.reason).where(suppression.c.address_hash == _hash(address))
    return tx.execute(known).first() is not None


def lift(tx: Tx, address: str) -> None:
    """Somebody says that it exists."""
    tx.execute(delete(suppression).where(suppression.c.address_hash == _hash(address)))


def _hash(address: str) -> bytes:
    return sha256(address.strip().lower().encode("utf-8", "surrogatepass")).digest()
