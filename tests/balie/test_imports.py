"""What the counter does not read in: each costs 5 to 13 MB for as long as it runs, and is of no use to it."""

from __future__ import annotations

import subprocess
import sys

USELESS = {
    "aiortc": "of the media process",
    "alembic": "of an upgrade",
    "icalendar": "of an invitation",
    "numpy": "of the media process",
    "rich": "of development tools",
    "sqlalchemy.dialects.postgresql": "SQLite is the database here",
    "sqlalchemy.orm": "there are no classes of rows",
}


def test_the_counter_reads_in_what_it_needs() -> None:
    program = """
import sys
from balie.cli import leave_out_rich
leave_out_rich()
import balie.app, balie.demo, balie.links
print(*(name for name, module in sys.modules.items() if module))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50)
    assert not USELESS.keys() & set(done.stdout.split())
