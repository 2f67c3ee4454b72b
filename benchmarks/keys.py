"""The generator's side of SRTP: one pair of contexts per connection, called in place on arena rows.

Goes past pylibsrtp's Session.protect, which copies every packet twice, to the C functions below it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pylibsrtp import Policy, Session
from pylibsrtp import _binding as binding

ffi: Any = binding.ffi
lib: Any = binding.lib

PROFILE = int(Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
"""What balie prefers, and what contenders without signalling are given."""
MASTER_BYTES = {  # key and salt: RFC 3711 8.2, RFC 7714 12
    int(Policy.SRTP_PROFILE_AES128_CM_SHA1_80): 16 + 14,
    int(Policy.SRTP_PROFILE_AEAD_AES_128_GCM): 16 + 12,
    int(Policy.SRTP_PROFILE_AEAD_AES_256_GCM): 32 + 12,
}
PROFILE_NAMES = {
    int(Policy.SRTP_PROFILE_AES128_CM_SHA1_80): "AES_CM_128_HMAC_SHA1_80",
    int(Policy.SRTP_PROFILE_AEAD_AES_128_GCM): "AEAD_AES_128_GCM",
    int(Policy.SRTP_PROFILE_AEAD_AES_256_GCM): "AEAD_AES_256_GCM",
}
WINDOW = 1024  # replay window of generator, balie and floor alike; libwebrtc's choice


@dataclass(frozen=True)
class KeyPair:
    """Master key and salt, joined, of each way of one connection; "send" is what the client sends with."""

    send: bytes
    receive: bytes
    profile: int = PROFILE

    @classmethod
    def random(cls, profile: int = PROFILE) -> KeyPair:
        size = MASTER_BYTES[profile]
        return cls(os.urandom(size), os.urandom(size), profile)


def open_session(key: bytes, kind: int, profile: int, window: int = WINDOW) -> Session:
    policy = Policy(key=key, ssrc_type=kind, srtp_profile=profile)
    policy.window_size = window
    return Session(policy)


class Keyring:
    """SRTP contexts by connection number, as lists that map() can run along."""

    def __init__(self, connections: int) -> None:
        self._sessions: list[Any] = [None] * connections
        self.send: list[Any] = [None] * connections
        self.receive: list[Any] = [None] * connections
        self._scratch = ffi.new("char[]", 2048)
        self._scratch_length = ffi.new("int *")

    def install(self, connection: int, keys: KeyPair) -> None:
        sender = open_session(keys.send, Policy.SSRC_ANY_OUTBOUND, keys.profile)
        receiver = open_session(keys.receive, Policy.SSRC_ANY_INBOUND, keys.profile)
        self._sessions[connection] = sender, receiver
        self.send[connection], self.receive[connection] = sender._srtp[0], receiver._srtp[0]

    def protect_rtcp(self, connection: int, data: bytes) -> bytes:
        ffi.memmove(self._scratch, data, len(data))
        self._scratch_length[0] = len(data)
        status = lib.srtp_protect_rtcp(self.send[connection], self._scratch, self._scratch_length)
        if status:
            raise AssertionError(f"libsrtp would not protect our RTCP: {status}")
        return bytes(ffi.buffer(self._scratch, self._scratch_length[0]))

    def unprotect_rtcp(self, connection: int, data: bytes) -> bytes | None:
        ffi.memmove(self._scratch, data, len(data))
        self._scratch_length[0] = len(data)
        if lib.srtp_unprotect_rtcp(self.receive[connection], self._scratch, self._scratch_length):
            return None
        return bytes(ffi.buffer(self._scratch, self._scratch_length[0]))


class InPlace:
    """Pointers to every row of an arena and to the length of its packet, made once."""

    def __init__(self, rows: NDArray[np.uint8]) -> None:
        base = ffi.cast("char *", rows.ctypes.data)
        self.packets = [base + at * rows.shape[1] for at in range(rows.shape[0])]
        self._memory = ffi.new("int[]", rows.shape[0])
        self.lengths: NDArray[np.int32] = np.frombuffer(ffi.buffer(self._memory), np.int32)
        self.pointers = [self._memory + at for at in range(rows.shape[0])]


protect: Any = lib.srtp_protect
unprotect: Any = lib.srtp_unprotect
