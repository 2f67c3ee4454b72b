"""Functions come without docstrings, and are otherwise what they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MODULE = '''
"""Of the module."""

class Class:
    """Of the class."""

    def method(self):
        """Of the method."""
        def inner():
            """Of the inner."""
        assert False, inner.__doc__

def plain(text):
    return ["x" + each for each in text]

async def run():
    """Of the coroutine."""

nameless = lambda: "not a docstring"
'''
PROGRAM = """
from media.process import docstrings
docstrings.leave_out()
import sample
print(sample.__doc__, sample.Class.__doc__, sample.Class.method.__doc__, sample.run.__doc__, sample.plain.__doc__)
print(sample.plain("ab"), sample.nameless())
try:
    sample.Class().method()
except AssertionError as error:
    print("asserted", error)
"""


def test_docstrings_of_functions_stay_out_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(MODULE)
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{PROGRAM}"]
    for _ in range(2):  # compiled, then from the cache
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
        assert done.stdout.splitlines() == [
            "Of the module. Of the class. None None None",
            "['xa', 'xb'] not a docstring",
            "asserted None",
        ]
