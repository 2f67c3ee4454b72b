"""What each peer said in its last connectivity check, and what else checks leave behind, by transport row.

Columns, so that the compiled loops can answer who says the same again (media/native/checks.c): a peer does so every few
seconds on each of its connections, and there is nothing to decide about it.
"""

from __future__ import annotations

import numpy as np

CHECK_MAX = 256
"""Bytes of a check that is kept: browsers' have some 100."""
TRANSACTION_SIZE = 12  # RFC 8489 5
TRANSACTIONS_KEPT = 256  # of each peer: at a check every 2.5 s (libwebrtc, stable pair) ten minutes of them
KEY_SIZE = 64  # a block of SHA-1: HMAC's key padded with zeros (RFC 2104)
INTEGRITY_SIZE = 24  # bytes, with its head (RFC 8489 14.5)
FINGERPRINT_HEAD = b"\x80\x28\0\4"  # RFC 8489 14.7
NEVER = -1


class CheckTable:
    """All are (transports_max,) int64 unless said.

    registered_us       when it was told how to check, NEVER in a row that serves nobody
    heard_us            when its last genuine check came, NEVER before the first
    transactions        (TRANSACTIONS_KEPT, transports_max, TRANSACTION_SIZE) uint8, of its latest checks, as a ring; of
                        all peers side by side, so that a short call touches few pages
    transactions_count  of all its checks
    said, said_size     (transports_max, CHECK_MAX) uint8, a genuine check from the address where it is reached; size 0:
                        what comes next is for IceLite.handle() to read
    integrity_at        where MESSAGE-INTEGRITY begins in it; the fingerprint follows, and nothing else
    key                 (transports_max, KEY_SIZE) uint8, under which it was signed
    """

    def __init__(self, transports_max: int) -> None:
        self.registered_us = np.full(transports_max, NEVER, np.int64)
        self.heard_us = np.full(transports_max, NEVER, np.int64)
        self.transactions = np.zeros((TRANSACTIONS_KEPT, transports_max, TRANSACTION_SIZE), np.uint8)
        self.transactions_count = np.zeros(transports_max, np.int64)
        self.said = np.zeros((transports_max, CHECK_MAX), np.uint8)
        self.said_size = np.zeros(transports_max, np.int64)
        self.integrity_at = np.zeros(transports_max, np.int64)
        self.key = np.zeros((transports_max, KEY_SIZE), np.uint8)

    def clear(self, transport: int) -> None:
        """The row serves nobody."""
        self.registered_us[transport] = self.heard_us[transport] = NEVER
        self.transactions_count[transport] = 0
        self.unlearn(transport)

    def begin(self, transport: int, now_us: int) -> None:
        """Another peer has the row."""
        self.clear(transport)
        self.registered_us[transport] = now_us

    def silent(self, now_us: int, setup_us: int, consent_us: int) -> list[int]:
        """Who has not been heard for consent_us, or was never in setup_us."""
        never = self.heard_us == NEVER
        late = np.where(never, now_us - self.registered_us > setup_us, now_us - self.heard_us > consent_us)
        late &= self.registered_us != NEVER
        return np.flatnonzero(late).tolist()

    def hear(self, transport: int, transaction: bytes, now_us: int) -> None:
        """A genuine check came."""
        place = int(self.transactions_count[transport]) % TRANSACTIONS_KEPT
        self.transactions[place, transport] = np.frombuffer(transaction, np.uint8)
        self.transactions_count[transport] += 1
        self.heard_us[transport] = now_us

    def has_heard(self, transport: int, transaction: bytes) -> bool:
        """Whether a check of this transaction came, of the latest TRANSACTIONS_KEPT."""
        count = min(int(self.transactions_count[transport]), TRANSACTIONS_KEPT)
        known = self.transactions[:count, transport]
        return bool((known == np.frombuffer(transaction, np.uint8)).all(axis=1).any())

    def learn(self, transport: int, check: bytes, integrity_at: int, key: bytes) -> None:
        """A genuine check from where the peer is reached: the same again changes nothing but its time."""
        ends = len(check) <= CHECK_MAX and check[integrity_at + INTEGRITY_SIZE : -4] == FINGERPRINT_HEAD
        if not ends or len(key) > KEY_SIZE:
            self.unlearn(transport)
            return
        self.said[transport, : len(check)] = np.frombuffer(check, np.uint8)
        self.said_size[transport] = len(check)
        self.integrity_at[transport] = integrity_at
        self.key[transport] = np.frombuffer(key.ljust(KEY_SIZE, b"\0"), np.uint8)

    def unlearn(self, transport: int) -> None:
        """What the peer says next may mean something else than before."""
        self.said_size[transport] = 0
        self.key[transport] = 0
