"""Subscribing: the server's offers, one at a time, and what flows after which answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from media.core.model import URI_ABS_SEND_TIME, URI_MID
from tests.support import sdp
from tests.support.counter import SETTINGS, Counter, Heard, Person, publishing
from tests.support.sdp import chromium, firefox


def meet(counter: Counter | None = None, *sources: str) -> tuple[Counter, Person, Person]:
    """An publishes, Bo sees."""
    counter = counter or Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    an.publishes(*(sources or ("microphone", "camera")))
    bo.hears()
    return counter, an, bo


def offered(message: Heard) -> list[tuple[str, str]]:
    return [(track["participant"], track["source"]) for track in message["tracks"]]


def answering(person: Person, answer: str, offer: int = -1) -> list[Heard]:
    return person.say({"type": "subscribed", "id": person.offers[offer]["id"], "sdp": answer})


def test_nothing_flows_before_answer_and_connection() -> None:
    counter, _, bo = meet()
    counter.connected(bo.session().subscribing.transport)
    assert counter.plane.flowing() == 0, "the first key frame would be lost on him"
    bo.answer()
    assert counter.plane.flowing() == 2


def test_nothing_flows_before_the_connection_stands() -> None:
    counter, _, bo = meet()
    bo.answer()
    assert counter.plane.flowing() == 0
    counter.connected(bo.session().subscribing.transport)
    assert counter.plane.flowing() == 2
    assert bo.hears("connection")[0]["connection"] == "subscribe"


def test_who_came_first_and_who_came_later_see_the_same() -> None:
    counter, an, bo = meet()
    late = counter.enter("cy")
    assert offered(bo.offers[0]) == offered(late.offers[0]) == [("an", "microphone"), ("an", "camera")]
    assert an.offers == [], "nobody is offered himself"


def test_one_offer_is_out_at_a_time() -> None:
    counter, an, bo = meet()
    an.publishes("microphone", "camera", "screen")
    counter.enter("cy").publishes("microphone")
    bo.hears()
    assert [offer["id"] for offer in bo.offers] == [1]
    bo.answer()
    assert offered(bo.offers[-1])[2:] == [("an", "screen"), ("cy", "microphone")], "all that came meanwhile, in one"
    bo.answer()
    assert [offer["id"] for offer in bo.offers] == [1, 2], "and no more than is needed"


def test_a_resting_section_is_used_again() -> None:
    """A long call in which a screen comes and goes does not grow its SDP."""
    _, an, bo = meet(None, "camera")
    bo.answer()
    for _ in range(5):
        for sources in (("camera", "screen"), ("camera",)):
            an.publishes(*sources)
            bo.hears()
            bo.answer()
    assert [part[2] for part in sdp.parts_of(bo.offers[-1]["sdp"])] == ["sendonly", "inactive"]


def test_a_track_that_ended_while_an_offer_was_out() -> None:
    """Its row in the engine may be another's by the time the answer comes."""
    counter, an, bo = meet()
    cy = counter.enter("cy")
    an.say({"type": "leave"})
    cy.publishes("microphone", "camera")
    bo.hears()
    counter.connected(bo.session().subscribing.transport)
    bo.answer()
    assert offered(bo.offers[-1]) == [("cy", "microphone"), ("cy", "camera")]
    assert counter.plane.flowing() == 0
    bo.answer()
    assert counter.plane.flowing() == 2


def test_offers_of_one_page_hold_together_whoever_publishes() -> None:
    """Chromium's and Firefox's parameters differ; in one bundle a payload type has one meaning."""
    counter = Counter()
    viewer = counter.enter("vi")
    counter.enter("an").publishes("microphone", "camera", browser=chromium)
    counter.enter("bo").publishes("microphone", "camera", browser=firefox)
    viewer.hears()
    viewer.answer()
    meanings: dict[str, set[tuple[str, ...]]] = {}
    for mid, kind, _, _ in sdp.parts_of(viewer.offers[-1]["sdp"]):
        lines = sdp.lines_of(viewer.offers[-1]["sdp"], mid)
        meanings.setdefault(kind, set()).add(
            (lines[0], *(line for line in lines if line.startswith(("a=rtpmap", "a=fmtp", "a=rtcp-fb", "a=extmap"))))
        )
    assert {kind: len(each) for kind, each in meanings.items()} == {"audio": 1, "video": 1}


def test_a_publishers_words_do_not_reach_others() -> None:
    counter = Counter()
    an, bo = counter.enter("an"), counter.enter("bo")
    evil = chromium([sdp.microphone()]).replace("minptime=10", "minptime=10;x=\u2028a=candidate")
    an.publish({"0": "microphone"}, evil.replace("\u2028", "!"))
    assert bo.hears("subscribe")
    assert "candidate!" not in bo.offers[0]["sdp"] and "x=" not in bo.offers[0]["sdp"]


def test_streams_of_a_person_belong_together() -> None:
    _, _, bo = meet(None, "microphone", "camera", "screen")
    streams = [
        next(line for line in sdp.lines_of(bo.offers[0]["sdp"], mid) if line.startswith("a=msid:")).split()[0]
        for mid in ("0", "1", "2")
    ]
    assert streams[0] == streams[1] != streams[2]


def test_a_viewer_may_refuse_a_section_and_take_it_later() -> None:
    counter, an, bo = meet()
    counter.connected(bo.session().subscribing.transport)
    bo.answer(refuse=["1"])
    assert counter.plane.flowing() == 1
    an.publishes("microphone", "camera", "screen")
    bo.hears()
    bo.answer()
    assert counter.plane.flowing() == 3
    counter.enter("cy").publishes("microphone")
    bo.hears()
    bo.answer(refuse=["1", "2"])
    assert counter.plane.flowing() == 2


def test_a_viewer_may_refuse_everything() -> None:
    counter, an, bo = meet()
    assert bo.answer(refuse=["0", "1"]) == []
    an.publishes("microphone", "camera", "screen")
    assert bo.hears("subscribe"), "the next offer still comes"
    assert counter.plane.flowing() == 0


def test_what_is_sent_is_what_the_answer_left_of_the_offer() -> None:
    """And the next offer is the whole one again: payload types mean the same in all sections."""
    counter, an, bo = meet(None, "camera")
    first = bo.offers[0]["sdp"]
    answering(bo, sdp.answer(first).replace("SAVPF 96 97", "SAVPF 96").replace("a=extmap:1 ", "a=extmap:9 "))
    (sent,) = counter.plane.sent()
    assert (sent.payload_type, sent.rtx_payload_type, sent.nack) == (96, None, False)
    assert URI_MID not in sent.extensions and URI_ABS_SEND_TIME in sent.extensions
    an.publishes("camera", "screen")
    bo.hears()
    assert "m=video 9 UDP/TLS/RTP/SAVPF 96 97" in sdp.lines_of(bo.offers[-1]["sdp"], "0")


Change = Callable[[str], str]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda answer: "v=0", "bad_sdp", "the answer has 0 sections, the offer 2"),
        (lambda answer: answer + answer[answer.index("m=") :].replace("mid:", "mid:x"), "bad_sdp", "4 sections"),
        (lambda answer: answer.replace("mid:0", "mid:9"), "bad_sdp", "section 1 of the answer is m=audio mid '9'"),
        (
            lambda answer: answer.replace("mid:0", "mid:x").replace("mid:1", "mid:0").replace("mid:x", "mid:1"),
            "bad_sdp",
            "section 1",
        ),
        (lambda answer: answer.replace("m=audio", "m=video"), "bad_sdp", "section 1"),
        (lambda answer: answer.replace("setup:active", "setup:passive"), "unsupported", "takes active"),
        (lambda answer: answer.replace("a=rtcp-mux\r\n", ""), "unsupported", "rtcp-mux"),
        (lambda answer: answer.replace("a=ice-ufrag", "a=x"), "bad_sdp", "ice-ufrag"),
    ],
)
def test_a_bad_answer_can_be_given_again(change: Change, code: str, words: str) -> None:
    counter, _, bo = meet()
    counter.connected(bo.session().subscribing.transport)
    bo.hears()
    good = sdp.answer(bo.offers[0]["sdp"])
    heard = answering(bo, change(good))
    assert [(m["type"], m["code"], m["fatal"], m["re"]) for m in heard] == [("error", code, False, "subscribed")]
    assert words in heard[0]["message"]
    assert counter.plane.flowing() == 0
    assert answering(bo, good) == []
    assert counter.plane.flowing() == 2


def test_answers_to_what_was_not_offered() -> None:
    counter, _, bo = meet()
    good = sdp.answer(bo.offers[0]["sdp"])
    for number in (0, 2, 2**53 - 1):
        (heard,) = bo.say({"type": "subscribed", "id": number, "sdp": good})
        assert (heard["code"], heard["fatal"]) == ("wrong_order", False)
        assert "offer 1 is waiting" in heard["message"]
    bo.answer()
    assert "none is waiting" in bo.answer()[0]["message"], "a second answer"
    lone = counter.enter("lo", room="loket-4")
    assert lone.say({"type": "subscribed", "id": 1, "sdp": good})[0]["code"] == "wrong_order"


def test_an_answer_of_another_rtcpeerconnection_is_refused() -> None:
    """It cannot use the DTLS association of the first."""
    counter, an, bo = meet()
    bo.answer(peer=1)
    an.publishes("microphone", "camera", "screen")
    bo.hears()
    (heard,) = bo.answer(peer=2)
    assert (heard["code"], "another a=fingerprint" in heard["message"]) == ("unsupported", True)
    assert bo.answer(peer=1) == []
    assert counter.plane.expected[bo.session().subscribing.transport] == (("sha-256", sdp.certificate(1)),)


def test_a_restart_changes_the_credentials_and_nothing_else() -> None:
    counter, _, bo = meet()
    counter.connected(bo.session().subscribing.transport)
    bo.answer()
    bo.say({"type": "restart", "connection": "subscribe"})
    first, second = bo.offers
    assert sdp.ufrag_of(first["sdp"]) != sdp.ufrag_of(second["sdp"])
    assert first["tracks"] == second["tracks"]
    assert [line for line in first["sdp"].splitlines() if line.startswith("a=ssrc")] == [
        line for line in second["sdp"].splitlines() if line.startswith("a=ssrc")
    ]
    assert counter.plane.flowing() == 2


def test_a_restart_does_not_wait_for_an_answer_that_never_comes() -> None:
    _, _, bo = meet()
    bo.say({"type": "restart", "connection": "subscribe"})
    assert [offer["id"] for offer in bo.offers] == [1, 2]
    assert bo.say({"type": "subscribed", "id": 1, "sdp": sdp.answer(bo.offers[0]["sdp"])})[0]["code"] == "wrong_order"
    assert bo.answer() == []


def test_a_restart_with_nothing_to_see_is_nothing() -> None:
    counter = Counter()
    assert counter.enter("an").say({"type": "restart", "connection": "subscribe"}) == []


def test_a_failed_connection_waits_for_a_restart_and_begins_anew() -> None:
    counter, an, bo = meet()
    bo.answer(peer=1)
    counter.failed(bo.session().subscribing.transport, "timeout")
    assert bo.hears("connection")[-1]["state"] == "failed"
    assert counter.rows()["subscriptions"] == 0 and counter.rows()["transports"] == 1
    an.publishes("microphone", "camera", "screen")
    assert bo.hears("subscribe") == [], "a client that does not come back costs nothing"
    bo.say({"type": "restart", "connection": "subscribe"})
    assert len(bo.offers[-1]["tracks"]) == 3
    assert bo.answer(peer=2) == []
    counter.connected(bo.session().subscribing.transport)
    assert counter.plane.flowing() == 3


def test_who_may_not_subscribe_is_offered_nothing() -> None:
    counter = Counter()
    probe = counter.enter("pr", grants=publishing("audio", subscribe=False))
    counter.enter("an").publishes("microphone")
    heard = probe.hears()
    assert {message["type"] for message in heard} == {"joined", "updated"}
    assert probe.say({"type": "restart", "connection": "subscribe"}) == []
    assert counter.rows()["subscriptions"] == 0


def test_a_full_engine_offers_what_there_is_room_for_and_says_so() -> None:
    _, an, bo = meet(Counter(settings=replace(SETTINGS, subscriptions_max=1)))
    assert offered(bo.offers[0]) == [("an", "microphone")]
    bo.answer()
    an.publishes("microphone", "camera", "screen")
    heard = bo.hears()
    assert [(m["code"], m["re"], m["fatal"]) for m in heard if m["type"] == "error"] == [
        ("room_full", "subscribe", False)
    ]
    assert "subscriptions_max" in next(m["message"] for m in heard if m["type"] == "error")
    assert [m for m in heard if m["type"] == "subscribe"] == [], "nothing new to offer"
    bo.say({"type": "restart", "connection": "subscribe"})
    assert sdp.ufrag_of(bo.offers[-1]["sdp"]) != sdp.ufrag_of(bo.offers[0]["sdp"]), "a restart is not lost on it"


def test_what_found_no_room_is_offered_when_there_is_some() -> None:
    """With the clock of then: a connection that opened at time 0 would time out at once."""
    counter = Counter(settings=replace(SETTINGS, transports_max=2))
    an, bo, cy = (counter.enter(name) for name in ("an", "bo", "cy"))
    an.publishes("microphone")
    assert bo.hears("subscribe") and not cy.hears("subscribe")
    counter.now_us = 3_600_000_000
    bo.say({"type": "leave"})
    assert cy.hears("subscribe")
    counter.plane.engine.poll(counter.now_us + 1_000_000)
    failed = [event.transport for event in counter.plane.engine.take_events()]  # type: ignore[union-attr]
    assert cy.session().subscribing.transport not in failed
