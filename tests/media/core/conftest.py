"""Whatever is tested at a desk is tested twice: with the loops in Python, and with the compiled ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from media import native
from tests.support.bench import Desk
from tests.support.call import Call

LOOPS = ["arrays"] + (["compiled"] if native.library() is not None else [])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {Desk, Call} & {value for value in vars(metafunc.module).values() if isinstance(value, type)}:
        metafunc.parametrize("loops", LOOPS, indirect=True)


@pytest.fixture(autouse=True)
def loops(request: pytest.FixtureRequest) -> Iterator[None]:
    Desk.loops = native.library() if getattr(request, "param", "") == "compiled" else None
    yield
    Desk.loops = None
