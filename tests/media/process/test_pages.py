"""Pages of files go and come back; pages that were changed stay."""

from __future__ import annotations

import subprocess
import sys

import pytest

from media.process import pages

SMAPS = """\
1000-3000 r-xp 00000000 fe:00 42                     /usr/lib/libx.so
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
3000-4000 r--p 00002000 fe:00 42                     /usr/lib/libx.so
Anonymous:             4 kB
4000-5000 rw-p 00003000 fe:00 42                     /usr/lib/libx.so
Anonymous:             0 kB
5000-6000 r--p 00000000 00:00 0
Anonymous:             0 kB
"""
PROGRAM = """
from pathlib import Path
from media.process import pages
import hashlib, numpy, ssl

def of_files():
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("RssFile"))

before = of_files()
pages.give_back()
after = of_files()
print(after * 2 < before, hashlib.sha1(b"").hexdigest()[:4], numpy.arange(3).sum(), bool(ssl.create_default_context()))
"""


def test_what_is_ours_alone_or_of_no_file_stays() -> None:
    assert list(pages._unchanged(SMAPS)) == [(0x1000, 0x3000)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives pages back so")
def test_what_is_needed_again_comes_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=50)
    assert done.stdout.split() == ["True", "da39", "3", "True"]
