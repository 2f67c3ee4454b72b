"""Text messages: what they say in 160 characters, and how they are handed to a gateway."""

from __future__ import annotations

import socket
from itertools import product

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from balie import signing
from balie.i18n import LANGUAGES, speaking
from balie.post import short
from balie.post.outcome import Outcome
from balie.post.sms import Gateway, send
from balie.store.schema import MESSAGE_KINDS
from tests.support.letters import CITIZEN, DOOR, HELPER, PAGE, known
from tests.support.office import MONDAY_S
from tests.support.sms_gateway import HANG, text_gateway

SECRET = b"a secret of a gateway, long enough"
TO = "+32470123456"
TOKEN = "dH703i6vbTnv50z5GxkOFnXmzuU"
REAL_PAGE, REAL_DOOR = (f"https://balie.voorbeeldegem.example/{where}/{TOKEN}" for where in "ag")


def test_a_text_message_says_when_and_where_to_look() -> None:
    assert short.text(known(page=REAL_PAGE)) == (
        f"Gemeente Voorbeeldegem: Afspraak di 8 dec, 14.30 uur met beeld en geluid. {REAL_PAGE} Bel +32 2 555 01 30"
    )


@pytest.mark.parametrize("kind", MESSAGE_KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_one_message_and_names_nobody(kind: str, language: str) -> None:
    for modality, role in product(["video", "phone", "desk"], [CITIZEN, HELPER]):
        facts = known(kind, modality=modality, role=role, page=REAL_PAGE, door=REAL_DOOR)
        with speaking(language):
            made = short.text(facts)
        where = f"{modality}, {role}: {made}"
        assert short.length(made) <= short.LENGTH_MAX and "\n" not in made and "  " not in made, where
        assert all(each in short.GSM or each in short.GSM_TWICE for each in made), where
        for private in ("Peeters", "Claes", "Badminton", "K7XQ2M", "+32470123456"):
            assert private not in made, where


def test_the_open_door_is_one_tap_away() -> None:
    made = short.text(known("door_open"))
    assert DOOR in made and PAGE not in made
    assert PAGE in short.text(known("door_open", modality="phone"))


def test_what_does_not_fit_is_left_out_the_least_needed_first() -> None:
    facts = known(page=REAL_PAGE, organisation="Intergemeentelijke vereniging van de dorpen langs de rivier")
    assert "rivier" not in short.text(facts) and "+32 2 555 01 30" in short.text(facts)
    narrow = known(page=REAL_PAGE + "x" * 30, desk_phone="+32 2 555 01 30, van negen tot twaalf")
    assert "Bel" not in short.text(narrow) and narrow.page in short.text(narrow)


def test_letters_outside_the_alphabet_lose_their_accents() -> None:
    assert short.gsm("Ôter ça à Liège: déjà ‘vu’ – 中") == "Oter ca à Liège: déjà 'vu' - ?"


@given(st.text(max_size=400))
def test_any_text_becomes_one_in_the_alphabet(text: str) -> None:
    made = short.gsm(text)
    assert all(each in short.GSM or each in short.GSM_TWICE for each in made)


# -- the gateway ----------------------------------------------------------------------------------------


async def post(answer: int | None = None, *, timeout_s: float = 20) -> Outcome:
    async with text_gateway() as (gateway, session):
        if answer is not None:
            gateway.answers.append(answer)
        return await send(session, Gateway(gateway.url, SECRET, timeout_s), TO, "Dag à u", "e1", MONDAY_S)


async def test_a_gateway_gets_number_text_and_a_signature() -> None:
    async with text_gateway() as (gateway, session):
        outcome = await send(session, Gateway(gateway.url, SECRET), TO, "Dag à u", "e1", MONDAY_S)
        assert outcome == Outcome("submitted", said="202 said so")
        (posted,) = gateway.posted
        assert posted.json == {"to": TO, "text": "Dag à u", "id": "e1"}
        assert posted.headers["content-type"] == "application/json" and posted.headers[signing.ID] == "e1"
        assert signing.verify([SECRET], posted.headers, posted.body, MONDAY_S)


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (200, "submitted", ""),
        (429, "deferred", "try_later"),
        (503, "deferred", "try_later"),
        (400, "failed", "refused"),
        (401, "failed", "refused"),
        (302, "failed", "refused"),
        (500, "unresolved", "delivery_unknown"),
        (502, "unresolved", "delivery_unknown"),
    ],
)
async def test_what_the_gateway_says_decides(answer: int, state: str, reason: str) -> None:
    outcome = await post(answer)
    assert (outcome.state, outcome.reason) == (state, reason)
    assert outcome.said == f"{answer} said so"


async def test_a_gateway_that_falls_silent_is_a_question() -> None:
    outcome = await post(HANG, timeout_s=0.05)
    assert (outcome.state, outcome.reason) == ("unresolved", "delivery_unknown")


async def test_where_nobody_listens_it_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        async with ClientSession() as session:
            gateway = Gateway(f"http://127.0.0.1:{taken.getsockname()[1]}/", SECRET)
            outcome = await send(session, gateway, TO, "Dag", "e1", MONDAY_S)
    assert (outcome.state, outcome.reason) == ("deferred", "no_connection")


def test_a_secret_is_not_shown() -> None:
    assert "secret of" not in repr(Gateway("https://sms.example", SECRET))
