"""Imports functions without their docstrings, which take 4 MB of both processes and are read by nobody there.

What `python -OO` does, without what else it does: assertions stay.  Documentation of modules and classes stays as well,
because Alembic and dataclasses look for it.
"""

from __future__ import annotations

import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import CodeType

_OPTIMIZED, _HAS_DOCSTRING = 0x1, 0x4000000
"""Flags of a code object: of a function; from Python 3.14 on, that its first constant is a docstring."""


def leave_out() -> None:
    """Of what is imported from here on."""
    loaders: tuple[tuple[type, list[str]], ...] = (
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (_Loader, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )
    sys.path_hooks.insert(0, FileFinder.path_hook(*loaders))
    sys.path_importer_cache.clear()


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType | None:
        code = super().get_code(fullname)
        return code and _without(code)


def _without(code: CodeType) -> CodeType:
    """The code of a module, a class or a function, and of all that it defines."""
    constants = tuple(_without(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    if _has_docstring(code):
        constants = (None, *constants[1:])
    if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
        return code
    return code.replace(co_consts=constants)


def _has_docstring(code: CodeType) -> bool:
    if sys.version_info >= (3, 14):
        return bool(code.co_flags & _HAS_DOCSTRING)
    # The first constant of a function is its docstring or None; of a comprehension, <listcomp>, it may be any text.
    return bool(code.co_flags & _OPTIMIZED and code.co_name[0] != "<" and isinstance(code.co_consts[0], str))
