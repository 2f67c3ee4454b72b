"""The index is a dictionary, and what C would find in its arrays is the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.native.index import ADDRESS_WORDS, Index

FEW = st.integers(0, 40)
CHANGES = st.lists(st.tuples(st.sampled_from(["set", "pop"]), FEW, st.integers(0, 9)), max_size=120)


def probed(index: Index[int], key: int) -> int:
    """As `find` in inside.h goes about it."""
    slot = index._home(index._packed(key))
    while index.values[slot] >= 0:
        if int(index.keys[slot, 0]) == key:
            return int(index.values[slot])
        slot = slot + 1 & index.mask
    return -1


@given(CHANGES)
def test_it_is_a_dictionary(changes: list[tuple[str, int, int]]) -> None:
    index: Index[int] = Index(41)
    model: dict[int, int] = {}
    for what, key, value in changes:
        key *= 0x1_0000_0001
        if what == "set":
            index[key] = model[key] = value
        else:
            assert index.pop(key) == model.pop(key, None)
        assert len(index) == len(model)
    for key in range(41):
        key *= 0x1_0000_0001
        assert index.get(key, -1) == model.get(key, -1) == probed(index, key)
        assert (key in index) == (key in model)


def test_a_full_index_says_so_and_keeps_what_it_has() -> None:
    index: Index[bytes] = Index(2, ADDRESS_WORDS)
    index[b"one"], index[b"two"] = 1, 2
    with pytest.raises(ValueError, match="2 keys is full"):
        index[b"three"] = 3
    index[b"one"] = 5
    assert (index.get(b"one"), index.get(b"two"), index.get(b"three")) == (5, 2, None)


def test_what_is_not_there_cannot_be_deleted() -> None:
    index: Index[int] = Index(2)
    index[1] = 1
    del index[1]
    with pytest.raises(KeyError):
        del index[1]
    assert index.pop(1, 7) == 7
