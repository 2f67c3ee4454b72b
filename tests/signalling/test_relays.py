"""TURN: which URLs, whose credentials, and who is told of them when."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest

from signalling.relays import LIFETIME_S, PROBE_S, Relays, is_turn_url
from signalling.tokens import Join, default_grants
from tests.support.counter import UNIX_S, Counter
from tests.support.sdp import camera, chromium

URLS = ("turn:turn.example.be?transport=udp", "turns:turn.example.be:443?transport=tcp")
SECRET = b"shared with the TURN server"


@pytest.mark.parametrize(
    "url",
    [
        *URLS,
        "turn:turn.example.be",
        "turn:192.0.2.1:3478?transport=tcp",
        "turn:[2001:db8::1]:3478",
        "turns:turn.example.be",
        "turn:localhost",
    ],
)
def test_urls_that_browsers_know(url: str) -> None:
    assert is_turn_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "stun:stun.example.be",
        "turn://turn.example.be",
        "turn:",
        "turn:user@turn.example.be",
        "turn:turn.example.be:0",
        "turn:turn.example.be:65536",
        "turn:turn.example.be:٣",
        "turn:turn.example.be?transport=tls",
        "turns:turn.example.be?transport=udp",
        "turn:turn.example.be?transport=udp&x=1",
        'turn:turn.example.be>; rel="x"',
        "turn:-a.example.be",
        "turn:turn..example.be",
        "turn:turn.example.be\r\nX: y",
        "turn:2001:db8::1",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    assert not is_turn_url(url)


def test_credentials_are_those_that_coturn_computes() -> None:
    """The password is base64(HMAC-SHA1(secret, user name)); the user name begins with when it ends."""
    username, password = Relays(URLS, SECRET).credentials("loket-3 an", 1_700_000_000.7)
    until, name = username.split(":")
    assert int(until) == 1_700_000_000 + LIFETIME_S
    assert base64.b64decode(password) == hmac.digest(SECRET, username.encode(), "sha1")
    assert len(name) == 16 and "an" not in name
    assert Relays(URLS, SECRET).credentials("loket-3 an", 1_700_000_000.7) == (username, password)
    assert Relays(URLS, SECRET).credentials("loket-3 bo", 1_700_000_000.7)[0].split(":")[1] != name
    assert Relays(URLS, b"another").credentials("loket-3 an", 1_700_000_000.7)[0].split(":")[1] != name


def test_the_secret_is_not_shown() -> None:
    assert "shared" not in repr(Relays(URLS, SECRET))


def test_the_self_test_gets_them_for_ten_minutes() -> None:
    relays = Relays(URLS, SECRET)
    until = {
        role: int(relays.servers(Join("x", "r", role, "X", default_grants(role)), 1000)[0].username.split(":")[0])
        for role in ("citizen", "staff", "third", "probe")
    }
    assert until == dict.fromkeys(("citizen", "staff", "third"), 1000 + LIFETIME_S) | {"probe": 1000 + PROBE_S}
    assert Relays(URLS, SECRET, 600).credentials("x", 0, probe=True)[0].startswith("600:")


def servers(message: dict[str, Any]) -> list[list[str]]:
    return [each["urls"] for each in message["ice_servers"]]


def test_without_any_nobody_is_told() -> None:
    counter = Counter()
    assert counter.enter("an").welcome["ice_servers"] == []


def test_who_waits_hears_of_them_when_let_in() -> None:
    counter = Counter(relays=Relays(URLS, SECRET))
    mia, jan = counter.enter("mia", "staff"), counter.enter("jan", wait=True)
    assert servers(mia.welcome) == [list(URLS)]
    assert jan.welcome["waiting"] and jan.welcome["ice_servers"] == []
    mia.say({"type": "admit", "participant": "jan"})
    (admitted,) = jan.hears("admitted")
    assert servers(admitted) == [list(URLS)]
    (server,) = admitted["ice_servers"]
    assert int(server["username"].partition(":")[0]) == int(UNIX_S) + LIFETIME_S
    assert server["username"] != mia.welcome["ice_servers"][0]["username"]


def test_who_is_on_hold_gets_none_by_resuming() -> None:
    counter = Counter(relays=Relays(URLS, SECRET))
    mia, jan = counter.enter("mia", "staff"), counter.enter("jan")
    session = {name: jan.welcome[name] for name in ("session", "secret")}
    for held in (False, True):
        if held:
            mia.say({"type": "hold", "participant": "jan"})
        hello = {"type": "hello", "v": 1, "token": "", "resume": {**session, "seen": 1}}
        welcome = counter.say(counter.connect(), hello)[0]
        assert (welcome["type"], welcome["resumed"]) == ("welcome", True)
        assert servers(welcome) == ([] if held else [list(URLS)])


def test_links_of_whip_and_whep() -> None:
    counter = Counter(relays=Relays(URLS, SECRET))
    created = counter.http.publish("loket", counter.token("an", room="loket"), chromium([camera()]), 1, UNIX_S)
    first, second = created.links
    assert first.startswith(f'<{URLS[0]}>; rel="ice-server"; username="{int(UNIX_S) + LIFETIME_S}:')
    assert second.startswith(f'<{URLS[1]}>; rel="ice-server"; ')
    assert first.endswith('credential-type="password"')
