"""Personal links: windows, withdrawal, and that the store could be stolen without harm."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balie.links import Invitation, MemoryLinks
from signalling.tokens import Grants, Join

AN = Join("an", "loket-1", "citizen", "An Peeters", Grants(subscribe=True))


def test_a_link_opens_within_its_window_only() -> None:
    links = MemoryLinks(os.urandom)
    token = links.create(Invitation(AN, opens_s=100, closes_s=200))
    states = {now_s: links.find(token, now_s).state for now_s in (99.9, 100, 199.9, 200)}
    assert states == {99.9: "early", 100: "open", 199.9: "open", 200: "over"}
    assert links.find(token, 40).opens_in_s == 60
    assert links.find(token, 150).join == AN


def test_finding_changes_nothing() -> None:
    links = MemoryLinks(os.urandom)
    token = links.create(Invitation(AN, 0, 100))
    assert [links.find(token, 50) for _ in range(3)] == [links.find(token, 50)] * 3


def test_a_withdrawn_link_is_unknown() -> None:
    links = MemoryLinks(os.urandom)
    token = links.create(Invitation(AN, 0, 100))
    assert links.revoke(token)
    assert links.find(token, 50).state == "unknown"
    assert links.find(token, 50).join is None
    assert not links.revoke(token)


def test_the_store_holds_no_token() -> None:
    links = MemoryLinks(os.urandom)
    token = links.create(Invitation(AN, 0, 100))
    assert token not in repr(vars(links))
    assert len(token) >= 22, "22 characters of base64 are 128 bits"


def test_an_invitation_that_is_over_is_forgotten_with_its_name() -> None:
    links = MemoryLinks(os.urandom)
    links.create(Invitation(AN, 0, 100))
    links.create(Invitation(AN, 0, 300))
    assert links.forget_over(200) == 1
    assert links.forget_over(200) == 0


def test_an_invitation_that_never_opens_is_refused() -> None:
    with pytest.raises(ValueError, match="close after it opens"):
        Invitation(AN, 100, 100)


@given(st.text(max_size=100))
def test_any_text_may_be_asked_for(token: str) -> None:
    links = MemoryLinks(os.urandom)
    links.create(Invitation(AN, 0, 100))
    assert links.find(token, 50).state == "unknown"
