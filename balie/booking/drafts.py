"""What somebody typed in a booking that is not made yet, so that every step of it is a page with an address.

A draft is for one browser: its secret is there and nowhere else.  The database holds the secret's hash and what was
typed, sealed with a key that only the secret gives (AES-256-GCM): who has the database alone reads nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, insert, select, update

from balie.store.engine import Tx
from balie.store.schema import draft

LASTS_S = 7200
"""After the last step: somebody looks for an address, or is called away."""

_NONCE_BYTES = 12

Entropy = Callable[[int], bytes]
Fields = Sequence[tuple[str, str]]
"""(name, value) as a form has them."""


def begin(tx: Tx, now_s: int, entropy: Entropy, secret: str, fields: Fields = ()) -> None:
    """A draft under a new secret."""
    sealed = _seal(entropy, secret, fields)
    tx.execute(insert(draft).values(secret_hash=_hashed(secret), sealed=sealed, until_s=now_s + LASTS_S))


def read(tx: Tx, now_s: int, secret: str) -> list[tuple[str, str]] | None:
    """What was typed; None when there is no such draft, or not any more."""
    sealed = tx.scalar(select(draft.c.sealed).where(draft.c.secret_hash == _hashed(secret), draft.c.until_s > now_s))
    return None if sealed is None else _open(secret, sealed)


def keep(tx: Tx, now_s: int, entropy: Entropy, secret: str, fields: Fields) -> bool:
    """What is typed now, for as long again.  False when there is no such draft any more."""
    here = (draft.c.secret_hash == _hashed(secret)) & (draft.c.until_s > now_s)
    values = {"sealed": _seal(entropy, secret, fields), "until_s": now_s + LASTS_S}
    return tx.execute(update(draft).where(here).values(**values)).rowcount > 0


def forget(tx: Tx, secret: str) -> None:
    """It became an appointment."""
    tx.execute(delete(draft).where(draft.c.secret_hash == _hashed(secret)))


def forget_over(tx: Tx, now_s: int) -> int:
    """Delete those that nobody came back to.  Returns how many."""
    return tx.execute(delete(draft).where(draft.c.until_s <= now_s)).rowcount


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(b"balie draft\0" + secret.encode("utf-8", "replace")).digest()


def _cipher(secret: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"balie draft seal\0" + secret.encode("utf-8", "replace")).digest())


def _seal(entropy: Entropy, secret: str, fields: Fields) -> bytes:
    nonce = entropy(_NONCE_BYTES)
    return nonce + _cipher(secret).encrypt(nonce, json.dumps(list(fields)).encode(), None)


def _open(secret: str, sealed: bytes) -> list[tuple[str, str]] | None:
    """None for what was sealed with something else."""
    try:
        found = _cipher(secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except InvalidTag:
        return None
    return [(str(name), str(value)) for name, value in json.loads(found)]
