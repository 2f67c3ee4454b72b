"""docs/hooks.md says what is sent."""

from __future__ import annotations

import re
import time

from balie.hooks.queue import pause_s
from balie.record.events import TYPES
from balie.signing import sign
from tests.support.tree import text

DOCUMENT = "docs/hooks.md"


def test_every_type_is_in_it_and_means_the_same() -> None:
    rows = dict(re.findall(r"^\| `(be\.balie\.\S+)` \| (.*) \|$", text(DOCUMENT), re.MULTILINE))
    assert rows == TYPES


def test_the_check_of_signatures_works() -> None:
    block = re.search(r"^```python\n(.*?)^```$", text(DOCUMENT), re.DOTALL | re.MULTILINE)
    assert block is not None
    names: dict[str, object] = {}
    exec(block[1], names)  # what a reader would copy
    is_from_balie = names["is_from_balie"]
    assert callable(is_from_balie)
    now_s = int(time.time())
    headers = sign(b"secret", "id", now_s, b"body")
    assert is_from_balie(b"secret", headers, b"body")
    assert not is_from_balie(b"other", headers, b"body")
    assert not is_from_balie(b"secret", headers, b"another body")
    assert not is_from_balie(b"secret", sign(b"secret", "id", now_s - 400, b"body"), b"body")


def test_the_pauses_are_what_it_says() -> None:
    assert "after 5 seconds" in text(DOCUMENT)
    assert 5 <= pause_s("any", 1) <= 6
