"""Whether documents can be kept, and whether somebody looks for viruses: for `balie doctor`."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from balie.documents.scan import Clamd, ScannerDownError
from balie.documents.storage import FREE_MIN

LOOK_S = 5
_MB = 1_000_000


def look(folder: Path, clamd: str) -> Iterator[tuple[Literal["ok", "warn", "wrong"], str]]:
    """What there is to say.  Makes nothing."""
    where = f"[documents] folder: {folder}"
    there = folder if folder.exists() else folder.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield "wrong", f"{where} is no folder that balie may write to"
    elif (free := shutil.disk_usage(there).free) < 5 * FREE_MIN:
        yield "warn", f"{where}: {free // _MB} MB are free; with less than {FREE_MIN // _MB} no document is taken"
    else:
        yield "ok", f"{where} {'is there' if folder.exists() else 'will be made at the first start'}"
    if not clamd:
        yield "warn", "[documents] clamd is empty: nobody looks for viruses, and pages say so"
        return
    try:
        asyncio.run(Clamd(clamd, LOOK_S).ping())
    except ScannerDownError as error:
        yield "warn", f"[documents] clamd: {clamd} does not answer ({error}); documents wait until it does"
    else:
        yield "ok", f"[documents] clamd: {clamd} answers"
