"""Sessions of staff: a random token in a cookie, of which only the hash is kept.  They end, or are withdrawn."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, not_, select, update

from balie.store.engine import Tx
from balie.store.schema import staff_session

TOKEN_BYTES = 32  # 256 bits; OWASP asks for 64 of entropy
TOKEN_MAX = 64  # characters that are worth hashing
IDLE_S = 8 * 3600  # a working day with a lunch in it: who was away longer went home
ABSOLUTE_S = 12 * 3600  # whatever happens, everybody signs in each morning
SEEN_EVERY_S = 60  # how exactly we know when somebody was last here: no write for every page
AGENT_MAX = 200


@dataclass(frozen=True)
class Session:
    """key: the hash of its token.  It names a session, and opens nothing."""

    key: bytes
    staff_id: int
    created_s: int
    seen_s: int
    expires_s: int
    agent: str

    @property
    def stale_s(self) -> int:
        """The moment from which touch() is worth a write."""
        return self.seen_s + SEEN_EVERY_S


def key_of(token: str) -> bytes:
    # The hash of a 256-bit secret leaks nothing by the time its lookup takes: no salt, no compare_digest needed.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def begin(tx: Tx, now_s: int, entropy: Callable[[int], bytes], staff_id: int, agent: str) -> str:
    """A new session; returns its token, which is never seen again.  agent: what the browser says it is."""
    token = base64.urlsafe_b64encode(entropy(TOKEN_BYTES)).decode().rstrip("=")
    values = {
        "token_hash": key_of(token),
        "staff_id": staff_id,
        "created_s": now_s,
        "seen_s": now_s,
        "expires_s": now_s + ABSOLUTE_S,
        "agent": "".join(each for each in agent if each.isprintable())[:AGENT_MAX],
    }
    tx.execute(insert(staff_session).values(**values))
    return token


def find(tx: Tx, token: str, now_s: int) -> Session | None:
    """The session of a token while it lasts.  Looking changes nothing; any text may be asked for."""
    if not 0 < len(token) <= TOKEN_MAX:
        return None
    row = tx.execute(select(staff_session).where(staff_session.c.token_hash == key_of(token), _lasts(now_s))).first()
    return Session(*row) if row is not None else None


def touch(tx: Tx, now_s: int, key: bytes) -> None:
    """Somebody is here: the time until he counts as gone starts anew.  Never backwards."""
    here = (staff_session.c.token_hash == key) & (staff_session.c.seen_s < now_s)
    tx.execute(update(staff_session).where(here).values(seen_s=now_s))


def of_member(tx: Tx, staff_id: int, now_s: int) -> list[Session]:
    """Where somebody is signed in, the last used first."""
    his = select(staff_session).where(staff_session.c.staff_id == staff_id, _lasts(now_s))
    latest_first = his.order_by(staff_session.c.seen_s.desc(), staff_session.c.token_hash)
    return [Session(*row) for row in tx.execute(latest_first)]


def end(tx: Tx, token: str) -> None:
    """End the session of a token, if there is one."""
    tx.execute(delete(staff_session).where(staff_session.c.token_hash == key_of(token)))


def revoke(tx: Tx, staff_id: int, key: bytes) -> bool:
    """End a session of somebody; False when he has no such session."""
    his = (staff_session.c.token_hash == key) & (staff_session.c.staff_id == staff_id)
    return bool(tx.execute(delete(staff_session).where(his)).rowcount)


def revoke_all(tx: Tx, staff_id: int, *, but: bytes | None = None) -> int:
    """End all sessions of somebody, perhaps but one.  Returns how many."""
    which = staff_session.c.staff_id == staff_id
    if but is not None:
        which &= staff_session.c.token_hash != but
    return tx.execute(delete(staff_session).where(which)).rowcount


def forget_over(tx: Tx, now_s: int) -> int:
    """Erase sessions that ended by themselves.  Returns how many."""
    return tx.execute(delete(staff_session).where(not_(_lasts(now_s)))).rowcount


def _lasts(now_s: int) -> ColumnElement[bool]:
    return (staff_session.c.expires_s > now_s) & (staff_session.c.seen_s > now_s - IDLE_S)
