"""Leaves PyAV out of the process: aiortc imports it for the media that it would decode, and balie decodes nothing.

12 MB of memory, and a dozen codecs' worth of code that is not there to be attacked.  aiortc needs no more of it than
that the names exist when its modules are read.
"""

from __future__ import annotations

import sys
import types

_MODULES = ("av", "av.frame", "av.packet", "av.video", "av.video.codeccontext")
"""What aiortc imports, outside aiortc.contrib.  A test imports aiortc with them."""


class _Absent(types.ModuleType):
    """Any name is an empty class: enough to be named in an annotation."""

    __path__: list[str] = []  # noqa: RUF012  # the import system wants an attribute of the module

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def leave_out() -> None:
    """Call before aiortc is imported; where PyAV is loaded already, nothing changes."""
    if "av" not in sys.modules:
        sys.modules.update({name: _Absent(name) for name in _MODULES})
