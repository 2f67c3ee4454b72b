"""Reads of aiortc into the media process what balie uses of it, certificate and context of its DTLS, no more: neither
its peer connections with PyAV, which decodes media, nor its transports with aioice, which finds ways in networks.

Together 24 MB of memory, and a dozen codecs' worth of code that is not there to be attacked.
"""

from __future__ import annotations

import sys
import types
from importlib.util import find_spec, module_from_spec

_PACKAGE = "aiortc"
_MODULES = (
    "aiortc.clock",
    "aiortc.rtcicetransport",
    "aiortc.rtcrtpparameters",
    "aiortc.rtp",
    "aiortc.stats",
    "pyee",
    "pyee.asyncio",
)
"""What aiortc.rtcdtlstransport imports for its own transport.  A test makes a handshake without them."""


class _Name(type):
    """A class of which any attribute is another one."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(name, (), {})


class _Absent(types.ModuleType):
    """Any name is an empty class: enough for an annotation, or for the base of a class that nobody uses."""

    __path__: list[str] = []  # noqa: RUF012  # the import system wants an attribute of the module

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(name, (), {})


def leave_out() -> None:
    """Call before aiortc is imported; where it is loaded already, nothing changes."""
    if _PACKAGE in sys.modules:
        return
    spec = find_spec(_PACKAGE)
    assert spec is not None, "balie depends on it"
    # The package as a place where its modules are found: its own __init__ would import all of them.
    sys.modules[_PACKAGE] = module_from_spec(spec)
    sys.modules.update({name: _Absent(name) for name in _MODULES if name not in sys.modules})
