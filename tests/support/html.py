"""Whether pages are valid HTML: browsers mend what is not, each in its own way."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.tree import ROOT

CONFIG = ROOT / "tests/web/citizen/html-validate.json"


def faults(pages: Mapping[str, str], folder: Path) -> str:
    """What is wrong with pages, by name; "" when nothing is."""
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page)
    files = [str(folder / f"{name}.html") for name in sorted(pages)]
    command = ["node_modules/.bin/html-validate", "--config", str(CONFIG), *files]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout if found.returncode else ""
