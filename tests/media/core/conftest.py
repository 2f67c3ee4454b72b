"""Whatever is tested at a desk is tested twice: with the loops in Python, and with the compiled ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from media import native
from tests.support.bench import Desk

LOOPS = ["arrays"] + (["compiled"] if native.library() is not None else [])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if Desk in vars(metafunc.module).values():
        metafunc.parametrize("loops", LOOPS, indirect=True)
        metafunc.fixturenames.append("loops")


@pytest.fixture
def loops(request: pytest.FixtureRequest) -> Iterator[None]:
    Desk.loops = native.library() if request.param == "compiled" else None
    yield
    Desk.loops = None
