"""Keys of the API: who may do what.  Only their hashes are kept; a key is seen once, when it is made."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update

from balie.store.engine import Tx
from balie.store.schema import api_key

PREFIX = "balie_"  # so that people, and programs that look for lost secrets, know it when they see it
KEY_BYTES = 24
USED_EVERY_S = 3600  # when a key was last used is known to the hour: writing at every request would cost more

SCOPES = {
    "slots:read": "services, products and free times",
    "appointments:read": "appointments, with names and addresses",
    "appointments:write": "hold, book, confirm, move, cancel; helpers",
    "invoices:acknowledge": "say that bookkeeping has a document, and under which reference",
    "events:read": "the feed of events; with appointments:read also the names and addresses in it",
}
"""What a key may be allowed, and what that is."""


@dataclass(frozen=True)
class ApiKey:
    id: int
    organisation_id: int
    name: str
    scopes: frozenset[str]
    created_s: int
    used_s: int | None
    revoked_s: int | None

    @property
    def actor(self) -> str:
        """As it stands in the audit."""
        return f"api:{self.id}"


def create_key(
    tx: Tx, now_s: int, entropy: Callable[[int], bytes], organisation_id: int, name: str, scopes: Sequence[str]
) -> str:
    """A new key, to be shown once.  ValueError for a scope that there is not."""
    unknown = set(scopes) - SCOPES.keys()
    if unknown or not scopes:
        raise ValueError(f"scopes: found {sorted(unknown)}, need some of {', '.join(SCOPES)}")
    secret = PREFIX + base64.urlsafe_b64encode(entropy(KEY_BYTES)).decode()
    tx.execute(
        insert(api_key).values(
            organisation_id=organisation_id,
            name=name,
            key_hash=_hash(secret),
            scopes=sorted(set(scopes)),
            created_s=now_s,
        )
    )
    return secret


def find_key(tx: Tx, secret: str) -> ApiKey | None:
    """The key that somebody shows, unless it was revoked."""
    found = tx.execute(select(api_key).where(api_key.c.key_hash == _hash(secret), api_key.c.revoked_s.is_(None)))
    row = found.first()
    return _key(row) if row is not None else None


def list_keys(tx: Tx, organisation_id: int) -> list[ApiKey]:
    """All that there ever were, oldest first."""
    found = select(api_key).where(api_key.c.organisation_id == organisation_id).order_by(api_key.c.id)
    return [_key(row) for row in tx.execute(found)]


def note_use(tx: Tx, now_s: int, key_id: int) -> None:
    tx.execute(update(api_key).where(api_key.c.id == key_id).values(used_s=now_s))


def revoke_key(tx: Tx, now_s: int, key_id: int) -> bool:
    """From now on it opens nothing.  False: it did not before either."""
    valid = (api_key.c.id == key_id) & api_key.c.revoked_s.is_(None)
    return tx.execute(update(api_key).where(valid).values(revoked_s=now_s)).rowcount == 1


def _hash(secret: str) -> bytes:
    """Plain SHA-256: 192 random bits need no slow one."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        row.id, row.organisation_id, row.name, frozenset(row.scopes), row.created_s, row.used_s, row.revoked_s
    )
