"""Gives back the pages of programs and libraries that were needed to start: of 40 MB of code, a call needs a third.

Linux would take them too, but only when memory is scarce, and counts them as ours until then.  What is needed again
comes back by itself, from its cache or from the file.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

_DONT_NEED = 4  # MADV_DONTNEED of <sys/mman.h>


def give_back() -> None:
    """Call when all that takes part in starting is done.  Where there is no such list of pages, nothing happens."""
    try:
        smaps = Path("/proc/self/smaps").read_text()
    except OSError:
        return
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for start, end in _unchanged(smaps):
        madvise(start, end - start, _DONT_NEED)


def _unchanged(smaps: str) -> Iterator[tuple[int, int]]:
    """Where files are mapped of which no page is ours alone: that would be gone, and never come back (proc(5))."""
    start = end = 0
    of_file = False
    for line in smaps.splitlines():
        key, *values = line.split()
        if key.endswith(":"):
            if key == "Anonymous:" and of_file and values[0] == "0":
                yield start, end
        else:
            start, end = (int(each, 16) for each in key.split("-"))
            permissions, inode = values[0], values[3]
            of_file = inode != "0" and "w" not in permissions
