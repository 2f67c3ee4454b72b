"""The structured communication of Belgian payments."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balie.payments import ogm


def test_a_known_one() -> None:
    """Of the bank federation's examples; and one whose remainder is 0, which is written 97."""
    assert ogm.of_number(108068171) == "010806817183"
    assert ogm.shown("010806817183") == "+++010/8068/17183+++"
    assert ogm.of_number(97) == "000000009797"


@given(st.integers(0, ogm.NUMBER_MAX - 1), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_seen(number: int, place: int, step: int) -> None:
    digits = ogm.of_number(number)
    assert ogm.is_valid(digits) and len(digits) == 12
    wrong = digits[:place] + str((int(digits[place]) + step) % 10) + digits[place + 1 :]
    assert not ogm.is_valid(wrong)


def test_random_ones_are_valid() -> None:
    entropy = random.Random(3).randbytes
    found = {ogm.random(entropy) for _each in range(1000)}
    assert len(found) == 1000 and all(ogm.is_valid(each) for each in found)


@pytest.mark.parametrize("digits", ["", "01080681718", "0108068171830", "01080681718x", "٠١٠٨٠٦٨١٧١٨٣"])
def test_what_is_none(digits: str) -> None:
    assert not ogm.is_valid(digits)


@pytest.mark.parametrize("number", [-1, ogm.NUMBER_MAX])
def test_a_number_that_does_not_fit(number: int) -> None:
    with pytest.raises(ValueError, match="ten digits"):
        ogm.of_number(number)
