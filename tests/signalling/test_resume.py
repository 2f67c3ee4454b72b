"""Numbers and resuming: a lost WebSocket is not a lost call."""

from __future__ import annotations

import pytest

from signalling.media_plane import Limits
from signalling.messages import CLOSE_CODES
from tests.support.counter import Counter, S, publishing, types


def test_messages_are_numbered_without_gaps() -> None:
    counter = Counter()
    an = counter.enter("an")
    counter.enter("bo").publishes("microphone")
    heard = an.hears() + an.say("garbage") + an.say({"type": "ping", "at": 1})
    assert [message["n"] for message in heard] == list(range(2, len(heard) + 2))


def test_a_resume_gives_what_was_missed_and_leaves_the_media_alone() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    an.publishes("microphone", "camera")
    bo.hears()
    rows = {name: counter.rows()[name] for name in ("transports", "tracks", "subscriptions")}
    bo.lose()
    an.say({"type": "mute", "source": "camera", "muted": True})
    counter.enter("cy", grants=publishing(subscribe=False))
    counter.later(30 * S)
    welcome, *missed = bo.resume()
    assert (welcome["resumed"], welcome["session"]) == (True, bo.welcome["session"])
    assert welcome["n"] == missed[-1]["n"]
    assert types(missed) == ["updated", "joined"]
    assert {person["id"] for person in welcome["participants"]} == {"an", "cy"}
    assert {name: counter.rows()[name] for name in rows} == rows
    assert an.hears("left") == []
    assert types(bo.say({"type": "ping", "at": 1})) == ["pong"]


def test_a_resume_that_missed_nothing_hears_nothing_again() -> None:
    counter = Counter()
    an = counter.enter("an")
    an.lose()
    assert types(an.resume()) == ["welcome"]


def test_a_resume_comes_too_late() -> None:
    counter = Counter(limits=Limits(resume_us=7 * S))
    an, bo = counter.enter("an"), counter.enter("bo")
    an.publishes("microphone")
    an.lose()
    counter.later(7 * S)
    assert bo.hears("left") == []
    counter.later(1)
    assert bo.hears("left")[0]["reason"] == "lost"
    (error,) = an.resume()
    assert (error["code"], error["fatal"]) == ("not_found", True)
    assert counter.closes[an.connection] == CLOSE_CODES["not_found"]
    assert (counter.rows()["tracks"], counter.rows()["sessions"]) == (0, 1)


def test_time_away_counts_from_the_last_loss() -> None:
    counter = Counter()
    an = counter.enter("an")
    for _ in range(4):
        an.lose()
        counter.later(20 * S)
        assert types(an.resume()) == ["welcome"]
        counter.later(20 * S)
    assert counter.rows()["sessions"] == 1


@pytest.mark.parametrize("seen", [0, 3])
def test_too_much_was_missed_for_a_resume(seen: int) -> None:
    """Nothing is half done then: the session waits on, for a hello of the same person or for its end."""
    counter = Counter(limits=Limits(buffered=3))
    an, bo = counter.enter("an"), counter.enter("bo")
    an.lose()
    for muted in (True, False, True, False):
        bo.say({"type": "mute", "source": "camera", "muted": muted})
    bo.publishes("microphone", "camera")
    for muted in (True, False, True, False):
        bo.say({"type": "mute", "source": "camera", "muted": muted})
    assert an.resume(seen=seen)[0]["code"] == "not_found"
    counter.later(31 * S)
    assert counter.rows()["sessions"] == counter.rows()["participants"] == 1


def test_a_failed_resume_leaves_the_standing_connection_alone() -> None:
    counter = Counter()
    an = counter.enter("an")
    stood = an.connection
    assert an.resume(seen=999)[0]["code"] == "not_found"
    assert stood not in counter.closes
    assert types(counter.say(stood, {"type": "ping", "at": 1})) == ["pong"]
    counter.hub.socket_lost(stood, counter.now_us)
    counter.later(31 * S)
    assert counter.rows()["sessions"] == 0, "and its loss is still noticed"


@pytest.mark.parametrize("secret", ["", "wrong", "x" * 64])
def test_a_resume_needs_the_secret(secret: str) -> None:
    counter = Counter()
    an = counter.enter("an")
    an.lose()
    assert an.resume(secret=secret)[0]["code"] == "not_found"
    assert types(an.resume()) == ["welcome"]


def test_a_resume_while_the_older_websocket_seems_to_stand() -> None:
    """The phone changed network, and the server has not noticed."""
    counter = Counter()
    an = counter.enter("an")
    before = an.connection
    assert types(an.resume()) == ["welcome"]
    assert counter.closes == {before: 1000}
    counter.hub.socket_lost(before, counter.now_us)
    counter.later(31 * S)
    assert counter.rows()["sessions"] == 1, "the old one's end is not the session's"
    assert types(an.say({"type": "ping", "at": 1})) == ["pong"]
    assert counter.say(before, {"type": "leave"}) == []
    assert counter.rows()["sessions"] == 1


def test_a_session_that_was_replaced_is_over() -> None:
    counter = Counter()
    an = counter.enter("an")
    an.lose()
    counter.enter("an")
    assert an.resume()[0]["code"] == "not_found"
