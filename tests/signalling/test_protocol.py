"""PROTOCOL.md is what happens: its examples are sent and compared, its conversation is played, its tables checked."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, get_args

import msgspec
import pytest

from media.core.model import ParticipantId, Source, SpeakersChanged
from media.core.rooms import TRACKS_MAX
from signalling import messages, sdp, tokens
from signalling.conversation import KEPT_MAX
from signalling.lobby import WAITING_MAX
from signalling.media_plane import Limits
from signalling.messages import CLOSE_CODES
from signalling.publishing import _KIND, SOURCE_GRANT
from signalling.whip import RESOURCES_MAX, STATUS
from tests.support.counter import ROOM, Counter, Heard, Person
from tests.support.script import Stage, fits, play
from tests.support.tree import text

PROTOCOL = text("signalling/PROTOCOL.md")
EXAMPLES: list[Heard] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PROTOCOL, re.DOTALL)]
CLIENT = {message.__struct_config__.tag for message in get_args(messages.FromClient)}
SERVER = {message.__struct_config__.tag for message in get_args(messages.FromServer)}
SAID = [example for example in EXAMPLES if "n" not in example]
HEARD = [example for example in EXAMPLES if "n" in example]
CONVERSATION = re.findall(r"```text\n(.*?)```", PROTOCOL, re.DOTALL)[-1]


def name(example: Heard) -> str:
    return str(example["type"])


def rows(header: str) -> dict[str, list[str]]:
    """The table under a header line: first cell, with and without its backquotes split up, -> the others."""
    body = PROTOCOL.partition(header + "\n")[2].partition("\n\n")[0]
    table: dict[str, list[str]] = {}
    for line in body.splitlines()[1:]:
        first, *others = (cell.strip() for cell in line.strip("| ").split(" |"))
        for key in re.findall(r"`(\w+)`", first) or [first]:
            table[key] = [cell.strip("| ") for cell in others]
    return table


def test_every_message_has_an_example() -> None:
    assert {example["type"] for example in SAID} == CLIENT
    assert {example["type"] for example in HEARD} == SERVER
    assert all("n" in message.__struct_fields__ for message in get_args(messages.FromServer)), "which says who sends it"
    assert not any("n" in message.__struct_fields__ for message in get_args(messages.FromClient))


@pytest.mark.parametrize("example", SAID, ids=name)
def test_what_a_client_may_say_is_understood(example: Heard) -> None:
    understood = msgspec.to_builtins(messages.decode(json.dumps(example)))
    assert {key: understood[key] for key in example} == example
    assert all(understood[key] is None for key in understood.keys() - example.keys()), "an optional field left out"


@pytest.mark.parametrize("example", HEARD, ids=name)
def test_what_the_server_says_has_these_fields_and_no_others(example: Heard) -> None:
    assert msgspec.to_builtins(msgspec.convert(example, messages.FromServer)) == example


def test_the_examples_work_in_their_order() -> None:
    """One after the other, by somebody of the staff who meets Bo while Jan waits; no answer may be an error."""
    stage = Stage(Counter())
    hello, publish = SAID[0], next(example for example in SAID if example["type"] == "publish")
    done: dict[str, str] = {}
    for example in SAID:
        if not stage.present("bo"):
            stage.say("bo", hello)
            stage.say("bo", publish)
        if not stage.present("jan"):
            stage.say("jan", hello)
        if not stage.present("mia") and example["type"] != "hello":
            stage.say("mia", hello)
        heard = stage.say("mia", example)
        assert not [line for line in heard if '"type": "error"' in line], (example, heard)
        done[json.dumps(example)] = " ".join(heard)
    assert '"resumed": true' in next(heard for example, heard in done.items() if '"resume":' in example)
    assert '"reason": "removed"' in next(heard for example, heard in done.items() if '"remove"' in example)
    assert '"reason": "ended"' in next(heard for example, heard in done.items() if '"end"' in example)
    assert '"type": "subscribe"' in next(heard for example, heard in done.items() if '"restart"' in example)
    assert '"type": "admitted"' in next(heard for example, heard in done.items() if '"admit"' in example)
    assert '"type": "held"' in next(heard for example, heard in done.items() if '"hold"' in example)


def test_what_the_server_says_is_as_in_the_examples() -> None:
    """The same fields and kinds of values, at every depth, from a real hub."""
    counter = Counter()
    bo = counter.enter("bo")
    bo.say({"type": "chat", "text": "Hallo?"})
    mia = counter.enter("mia", "staff")
    jan = counter.enter("jan", "third", wait=True)
    mia.say({"type": "admit", "participant": "jan"})
    real = [mia.welcome, *bo.hears(), *jan.hears(), *mia.hears()]
    mia.say({"type": "chat", "text": "Goedendag"})
    mia.say({"type": "typing", "text": "Goede"})
    bo.publishes("screen")
    mia.say({"type": "pointer", "x": 0.1, "y": 0.2})
    counter.hub.tell(ROOM, "steps")
    real += bo.hears()
    real += mia.say({"type": "hold", "participant": "jan"})
    real += [*jan.hears(), bo.publish({"0": "camera"}, "v=0\n")]
    real += [bo.publishes("microphone", "camera"), *mia.hears()]
    mia.answer()
    counter.connected(mia.session().subscribing.transport)
    counter.event(SpeakersChanged(ROOM, (ParticipantId("bo"),)))
    real += bo.say({"type": "ping", "at": 1}) + bo.say({"type": "leave"}) + mia.hears()
    assert {message["type"] for message in real} == SERVER
    for message in real:
        example = next(each for each in HEARD if each["type"] == message["type"])
        assert not kinds(message) - set().union(*map(kinds, HEARD)), "a field that no example shows"
        assert {(key, type(value)) for key, value in message.items()} == {(k, type(v)) for k, v in example.items()}


def kinds(value: Any, path: str = "") -> set[str]:
    """Every field of a message at every depth, with the kind of its value."""
    if isinstance(value, dict):
        return {kind for key, each in value.items() for kind in kinds(each, f"{path}.{key}")}
    if isinstance(value, list):
        return {f"{path} list"} | {kind for each in value for kind in kinds(each, path)}
    return {f"{path} {type(value).__name__}"}


def test_the_conversation_goes_as_written() -> None:
    written = [line for line in CONVERSATION.splitlines() if line]
    played = play(Counter(), CONVERSATION)
    for at, (line, real) in enumerate(zip(written, played, strict=False)):
        said, wrote = line.partition("{"), real.partition("{")
        assert said[0] == wrote[0], f"line {at}: {real}"
        if said[1]:
            assert fits(json.loads(said[1] + said[2]), json.loads(wrote[1] + wrote[2])), f"line {at}: {real}"
    assert len(played) == len(written)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("| reason | the section |", get_args(messages.RefusedReason)),
        ("| source | kind | the token must grant |", get_args(Source)),
        ("| action | participant | source | does |", ("mute", "remove", "end")),
        ("| code | close | HTTP | when |", CLOSE_CODES.keys() | STATUS.keys()),
        ("| claim | |", {*tokens._CLAIMS, "label", "wait", "since", "grants", "nbf"}),
    ],
)
def test_tables_name_everything_and_nothing_else(header: str, names: Any) -> None:
    assert rows(header).keys() == set(names)


def test_reasons_of_an_end_are_named() -> None:
    left, bye = (section.partition("\n\n#")[0] for section in re.split(r'"type": "(?:left|bye)"', PROTOCOL)[1:3])
    assert set(get_args(messages.LeftReason)) <= set(re.findall(r"`(\w+)`", left))
    assert set(get_args(messages.ByeReason)) <= set(re.findall(r"`(\w+)`", bye))


def test_the_table_of_errors_has_the_real_numbers() -> None:
    for code, (close, status, _) in rows("| code | close | HTTP | when |").items():
        assert close == str(CLOSE_CODES.get(code, "")), code
        assert status == str(STATUS.get(code, "")), code


def test_the_table_of_sources_has_the_real_grants() -> None:
    for source, (kind, grant) in rows("| source | kind | the token must grant |").items():
        assert kind == _KIND[source]  # type: ignore[index]
        assert grant == f"`{SOURCE_GRANT[source]}`"  # type: ignore[index]


def test_limits_are_the_real_ones() -> None:
    limits = Limits()
    for stated in (
        f"| message | {messages.MESSAGE_MAX:,} bytes |",
        f"| SDP | {sdp.SDP_MAX:,} characters, {sdp.SECTIONS_MAX} sections, lines of {sdp.LINE_MAX:,} |",
        f"| rate | {limits.messages_burst} messages at once, {limits.messages_per_s} a second |",
        f"| tracks of a person | {TRACKS_MAX} |",
        f"within {limits.hello_us // 1_000_000} s",
        f"Within {limits.resume_us // 1_000_000} s (`limits.resume_s`)",
        f"({limits.buffered} messages are kept)",
        f"at most {tokens.LIFETIME_MAX_S} s after `iat`",
        f"{tokens.LEEWAY_S} s of leeway",
        f"more than {RESOURCES_MAX} connections of a kind",
        f"1 to {tokens.NAME_MAX} characters",
        f"| people who wait at a room | {WAITING_MAX} |",
        f"`text` has 1 to {messages.CHAT_MAX} characters",
        f"at most {messages.TYPING_MAX} characters",
        f"The last {KEPT_MAX} of a room",
        f"{limits.room_us // 60_000_000} minutes after everybody left",
    ):
        assert stated in PROTOCOL, stated


def test_limits_in_a_welcome_are_the_configured_ones() -> None:
    limits = dataclasses.replace(Limits(), resume_us=7_000_000, messages_burst=9, messages_per_s=3)
    welcome = Counter(limits=limits).enter("an").welcome
    assert (welcome["limits"]["resume_s"], welcome["limits"]["messages_burst"]) == (7, 9)
    assert welcome["limits"]["messages_per_s"] == 3


def test_a_person_of_each_role_can_what_the_token_grants() -> None:
    counter = Counter()
    people: list[Person] = [counter.enter(role, role) for role in ("citizen", "staff", "third")]
    can = [person.welcome["can"] for person in people]
    assert [each["moderate"] for each in can] == [False, True, False]
    assert ["screen" in each["publish"] for each in can] == [True, True, False]
