"""Somebody is at an identity provider: what is known of it here until he comes back, once, with the same browser.

The database has hashes only.  Nonce and PKCE verifier are not kept at all: with the key of the configuration they
follow from the state, which nobody has but the browser and the provider.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select

from balie.booking.links import LinkKey, hashed
from balie.identity.errors import IdentityError
from balie.identity.rp import Secrets
from balie.store.engine import Tx
from balie.store.schema import oidc_login

COOKIE = "balie-identiteit"
LASTS_S = 900  # itsme, an eID that has to be looked for, a card reader that wants to be installed
TOKEN_BYTES = 32
TOKEN_MAX = 64  # characters that are worth hashing


@dataclass(frozen=True)
class Login:
    """identification_id: None for a member of staff who signs in.  back: a page of the desk."""

    provider: str
    identification_id: int | None
    back: str
    created_s: int


@dataclass(frozen=True)
class Begun:
    """cookie, browser: name and value of a cookie for who began, and nobody else."""

    state: str = field(repr=False)
    cookie: str
    browser: str = field(repr=False)


def begin(
    tx: Tx,
    now_s: int,
    entropy: Callable[[int], bytes],
    provider: str,
    identification_id: int | None = None,
    back: str = "",
) -> Begun:
    """Somebody leaves for a provider."""
    state, browser = (_base64(entropy(TOKEN_BYTES)) for _ in range(2))
    row = {
        "state_hash": hashed(state),
        "provider": provider,
        "identification_id": identification_id,
        "browser_hash": hashed(browser),
        "back": back,
        "created_s": now_s,
        "expires_s": now_s + LASTS_S,
    }
    tx.execute(insert(oidc_login).values(**row))
    return Begun(state, cookie_of(state), browser)


def take(tx: Tx, now_s: int, state: str, cookies: Mapping[str, str]) -> Login:
    """Somebody comes back with a state: this time only.  IdentityError login_unknown or other_browser.

    cookies: of his browser, by their names without prefix.  One that did not begin it leaves it to who did.
    """
    if not known(tx, now_s, state):
        raise IdentityError("login_unknown")
    here = oidc_login.c.state_hash == hashed(state)
    row = tx.execute(select(oidc_login).where(here, oidc_login.c.expires_s > now_s).with_for_update()).first()
    if row is None:
        raise IdentityError("login_unknown")
    if not hmac.compare_digest(hashed(cookies.get(cookie_of(state), "")), row.browser_hash):
        raise IdentityError("other_browser")
    tx.execute(delete(oidc_login).where(here))
    return Login(row.provider, row.identification_id, row.back, row.created_s)


def known(tx: Tx, now_s: int, state: str) -> bool:
    """Whether anybody waits for an answer with a state: looking costs less than taking, and anybody may send one."""
    if not 0 < len(state) <= TOKEN_MAX:
        return False
    here = (oidc_login.c.state_hash == hashed(state)) & (oidc_login.c.expires_s > now_s)
    return tx.scalar(select(oidc_login.c.provider).where(here)) is not None


def forget_over(tx: Tx, now_s: int) -> int:
    """Delete those that nobody came back from.  Returns how many."""
    return tx.execute(delete(oidc_login).where(oidc_login.c.expires_s <= now_s)).rowcount


def secrets(key: LinkKey, state: str) -> Secrets:
    """What goes with a state."""
    return Secrets(state, *(_base64(_derived(key, state, purpose)) for purpose in (b"nonce", b"pkce verifier")))


def cookie_of(state: str) -> str:
    """Two logins in one browser do not get in each other's way."""
    return f"{COOKIE}-{hashed(state).hex()[:8]}"


def _derived(key: LinkKey, state: str, purpose: bytes) -> bytes:
    return hmac.digest(key.secret, b"balie login " + purpose + b"\0" + state.encode("utf-8", "replace"), hashlib.sha256)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
