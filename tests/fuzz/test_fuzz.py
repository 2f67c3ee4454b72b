"""Every fuzz target, with a few thousand seeded inputs: what the first line of its file says holds."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.fuzz.runner import mutations

INPUTS = 10_000
SEED = 1
TARGETS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("runner", "test_fuzz"))


@pytest.mark.parametrize("name", TARGETS)
def test_target(name: str) -> None:
    module = importlib.import_module(f"tests.fuzz.{name}")
    for number, data in enumerate(mutations(SEED, module.CORPUS, getattr(module, "INPUTS", INPUTS))):
        try:
            module.target(data)
        except Exception as error:
            error.add_note(f"tests/fuzz/{name}.py, input {number}, seed {SEED}: {data!r}")
            raise


def test_equal_seeds_give_equal_inputs() -> None:
    made = list(mutations(7, [b"one", b"another"], 200))
    assert made == list(mutations(7, [b"one", b"another"], 200))
    assert made != list(mutations(8, [b"one", b"another"], 200))
    assert len(set(made)) > 150
