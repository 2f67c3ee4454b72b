"""Leaves out of the media process what aiortc imports for what balie has it not do: PyAV, which decodes media, and
aioice, which finds ways through networks.

Together 21 MB of memory, and a dozen codecs' worth of code that is not there to be attacked.  aiortc needs no more of
them than that the names exist when its modules are read.
"""

from __future__ import annotations

import sys
import types

_MODULES = ("aioice", "av", "av.frame", "av.packet", "av.video", "av.video.codeccontext")
"""What aiortc imports, outside aiortc.contrib.  A test imports aiortc with them."""


class _Name(type):
    """A class of which any attribute is another one."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(name, (), {})


class _Absent(types.ModuleType):
    """Any name is an empty class: enough to be named in an annotation, or in a table that nobody looks into."""

    __path__: list[str] = []  # noqa: RUF012  # the import system wants an attribute of the module

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(name, (), {})


def leave_out() -> None:
    """Call before aiortc is imported; where one of them is loaded already, nothing changes."""
    if not {"aiortc", "aioice", "av"} & sys.modules.keys():
        sys.modules.update({name: _Absent(name) for name in _MODULES})
