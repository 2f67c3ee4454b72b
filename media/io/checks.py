"""Connectivity checks of who says the same again, answered without Python (media/native/checks.c)."""

from __future__ import annotations

import hashlib
from typing import Any

from media.core import checks
from media.core.checks import CheckTable
from media.io.srtp import sha1_address
from media.native import FFI, agree, pointer

_COLUMNS = ("said", "said_size", "integrity_at", "key", "transactions", "transactions_count", "heard_us")
_SAMPLE = b"abc"


def check_constants(library: Any) -> None:
    """ValueError, see media.native.agree."""
    ours = {"BALIE_CHECK_MAX": checks.CHECK_MAX, "BALIE_TRANSACTIONS": checks.TRANSACTIONS_KEPT}
    agree(library, ours)


def compiled_checks(library: Any, table: CheckTable) -> Any:
    """A struct balie_checks over this table, for struct balie_path; NULL where there is no digest to check them with:
    then all are read in Python.  The table must outlive it."""
    check_constants(library)
    sha1 = FFI.cast("balie_sha1", sha1_address())
    digest: Any = FFI.new("unsigned char[]", hashlib.sha1(usedforsecurity=False).digest_size)
    if not sha1 or not sha1(_SAMPLE, len(_SAMPLE), digest):
        return FFI.NULL
    if bytes(digest) != hashlib.sha1(_SAMPLE, usedforsecurity=False).digest():
        return FFI.NULL
    one: Any = FFI.new("struct balie_checks *")
    one.sha1, one.transports_max = sha1, len(table.heard_us)
    for name in _COLUMNS:
        setattr(one, name, pointer(getattr(table, name)))
    return one
