"""The compiled loops over packets (the C files beside this), if they were compiled here.

They need no more than a C compiler when balie is installed.  Without one everything works, with the same results, at
a multiple of the processor time: the functions over arrays in media.core and media.io are used instead.  `balie
doctor` says which.  Nothing else in balie is compiled.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

FFI: Any = cffi.FFI()
_DECLARATIONS = Path(__file__).with_name("batches.h")


@cache
def library() -> Any | None:
    """The loops, or None where they are not compiled."""
    found = importlib.util.find_spec("media.native._batches")
    if found is None or found.origin is None:
        return None
    FFI.cdef(_DECLARATIONS.read_text(encoding="utf-8"))
    try:
        loaded = FFI.dlopen(found.origin)
        # The newest of its functions: a library of an older checkout has a layout that is not ours.
        return loaded if loaded.balie_write_reports else None
    except (AttributeError, OSError):
        return None


def agree(library: Any, ours: Mapping[str, int]) -> None:
    """ValueError: the library was compiled for other sizes than ours, as after an update without a new build."""
    wrong = [name for name, value in ours.items() if getattr(library, name) != value]
    if wrong:
        raise ValueError(f"batches.h and Python disagree on {', '.join(wrong)}")


def pointer(array: NDArray[Any]) -> Any:
    """The address of an array for a field of one of the structs.  The owner keeps the array, and never resizes it."""
    if not array.flags.c_contiguous:
        raise ValueError(f"an array of shape {array.shape} that is not contiguous cannot be handed to C")
    return FFI.cast(f"{_C_TYPES[array.dtype]} *", array.ctypes.data)


def rows_pointer(struct: str, rows: NDArray[Any]) -> Any:
    """The same of an array of structures.  ValueError: C and Python lay them out in different ways."""
    names = rows.dtype.names or ()
    at = {name: rows.dtype.fields[name][1] for name in names} if rows.dtype.fields else {}
    wrong = [name for name in names if FFI.offsetof(struct, name) != at[name]]
    if wrong or FFI.sizeof(struct) != rows.dtype.itemsize:
        raise ValueError(f"{struct} of batches.h and Python disagree on {', '.join(wrong) or 'its size'}")
    return FFI.cast(f"{struct} *", rows.ctypes.data)


def view(array: NDArray[np.int64]) -> Any:
    """The address of an int64 array for one call."""
    return FFI.from_buffer(_INT64S, array)


_INT64S = FFI.typeof("int64_t[]")
_C_TYPES = {
    np.dtype(np.bool_): "uint8_t",
    np.dtype(np.uint8): "uint8_t",
    np.dtype(np.int32): "int32_t",
    np.dtype(np.uint32): "uint32_t",
    np.dtype(np.int64): "int64_t",
    np.dtype(np.uint64): "uint64_t",
    np.dtype(np.float64): "double",
}
