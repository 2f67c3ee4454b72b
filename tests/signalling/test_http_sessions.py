"""What WHIP and WHEP share: the door, PATCH, DELETE, and one person with several connections."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.core.model import TransportConnected, TransportFailed
from media.core.rooms import Rooms
from signalling.whip import RESOURCES_MAX, Patched
from tests.support import sdp
from tests.support.counter import ROOM, Counter, Person, sources
from tests.support.encoder import BOTH, KINDS, WATCH, Encoder, Kind, encoder, status_of
from tests.support.sdp import camera, chromium, microphone, screen

# -- at the door -------------------------------------------------------------------------------------


@KINDS
def test_the_door(kind: Kind) -> None:
    counter = Counter()
    good = encoder(counter)
    assert Encoder(counter, "").refused(kind) == 401
    assert Encoder(counter, "a.b.c").refused(kind) == 401
    assert Encoder(counter, "\udcff\udcfe").refused(kind) == 401, "what aiohttp makes of bytes that are no UTF-8"
    assert Encoder(counter, good.token, "loket-4").refused(kind) == 403
    assert good.refused(kind, after_s=500) == 401
    assert set(counter.rows().values()) == {0}


@KINDS
def test_a_room_that_is_full(kind: Kind) -> None:
    counter = Counter(rooms=Rooms(members_max=1))
    counter.enter("vi")
    assert encoder(counter).refused(kind) == 503
    assert counter.rows()["participants"] == 1
    assert encoder(counter, "vi").post(kind).resource, "who is there already takes no other place"


@KINDS
def test_a_stopping_server_takes_nobody_new(kind: Kind) -> None:
    counter = Counter()
    created = encoder(counter).post(kind)
    counter.hub.draining = True
    assert encoder(counter).refused(kind) == 503
    encoder(counter).delete(kind, created)
    assert set(counter.rows().values()) == {0}


@KINDS
def test_one_person_has_so_many_connections_of_a_kind(kind: Kind) -> None:
    counter = Counter()
    created = [
        encoder(counter).post(kind, chromium([microphone()]) if kind == "whip" else "") for _ in range(RESOURCES_MAX)
    ]
    assert encoder(counter).refused(kind) == 429
    assert encoder(counter, "other").post(kind).resource, "of one person, not of all"
    assert encoder(counter).post("whep" if kind == "whip" else "whip", WATCH if kind == "whip" else BOTH).resource
    encoder(counter).delete(kind, created[0])
    assert encoder(counter).post(kind, chromium([microphone()]) if kind == "whip" else "").resource


# -- PATCH and DELETE --------------------------------------------------------------------------------

CANDIDATE = "a=candidate:1 1 udp 2130706431 198.51.100.7 50000 typ host\r\na=end-of-candidates\r\n"


def fragment(ufrag: str = "", password: str = sdp.PASSWORD) -> str:
    """What a client sends; RFC 9725 figure 6."""
    named = f"a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\n" if ufrag else ""
    return f"a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n{named}{CANDIDATE}"


@KINDS
@pytest.mark.parametrize(
    "body", [fragment(), fragment("vd9w"), CANDIDATE, ""], ids=["no ufrag", "ufrag", "bare", "empty"]
)
def test_trickled_candidates_are_taken(kind: Kind, body: str) -> None:
    counter = Counter()
    client = encoder(counter)
    created = client.post(kind)
    assert client.patch(kind, created, body, f'"{created.etag}"') == Patched()


@KINDS
@pytest.mark.parametrize(("if_match", "status"), [(None, 428), ('"older"', 412), ("", 412), ('"a", "b"', 412)])
def test_trickling_for_another_ice_session(kind: Kind, if_match: str | None, status: int) -> None:
    counter = Counter()
    client = encoder(counter)
    created = client.post(kind)
    assert status_of(lambda: client.patch(kind, created, fragment(), if_match)) == status


@KINDS
@pytest.mark.parametrize("if_match", ["*", '"*"'])
def test_an_ice_restart(kind: Kind, if_match: str) -> None:
    """With candidates in the same fragment, as RFC 9725 4.3.3 has it."""
    counter = Counter()
    client = encoder(counter)
    created = client.post(kind)
    (resource,) = counter.http._resources.values()
    counter.connected(resource.transport)
    patched = client.patch(kind, created, fragment("new1"), if_match)
    assert patched.etag not in ("", created.etag)
    assert sdp.ufrag_of(patched.fragment) not in ("", sdp.ufrag_of(created.sdp))
    for line in ("a=ice-lite", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=end-of-candidates"):
        assert f"{line}\r\n" in patched.fragment
    assert "a=candidate:" in patched.fragment and "a=ice-pwd:" in patched.fragment
    assert counter.plane.engine.is_connected(resource.transport), "DTLS and the media go on"  # type: ignore[arg-type]
    assert status_of(lambda: client.patch(kind, created, fragment(), f'"{created.etag}"')) == 412, "the older ETag"
    assert client.patch(kind, created, fragment("new1"), f'"{patched.etag}"') == Patched(), "trickling goes on"
    again = client.patch(kind, created, fragment("new2"), "*")
    assert again.etag not in ("", created.etag, patched.etag)


@KINDS
@pytest.mark.parametrize(
    ("body", "if_match", "status"),
    [
        (fragment("new1"), "etag", 412),
        (fragment("new1", "short"), "*", 400),
        (fragment("n"), "*", 400),
        ("garbage", "*", 400),
        ("a=x\n" * 500, "*", 400),
    ],
)
def test_a_restart_that_is_none_changes_nothing(kind: Kind, body: str, if_match: str, status: int) -> None:
    counter = Counter()
    client = encoder(counter)
    created = client.post(kind)
    match = f'"{created.etag}"' if if_match == "etag" else if_match
    assert status_of(lambda: client.patch(kind, created, body, match)) == status
    assert client.patch(kind, created, fragment(), f'"{created.etag}"') == Patched(), "the ETag still holds"


@KINDS
def test_whose_connection_it_is(kind: Kind) -> None:
    counter = Counter()
    mine, stranger = encoder(counter), encoder(counter, "stranger")
    created = mine.post(kind)
    tag = f'"{created.etag}"'
    other_room = Encoder(counter, counter.token("cam", room="loket-4"), "loket-4")
    other_kind: Kind = "whep" if kind == "whip" else "whip"
    for call, status in (
        (lambda: stranger.delete(kind, created), 403),
        (lambda: stranger.patch(kind, created, fragment(), tag), 403),
        (lambda: other_room.delete(kind, created), 404),
        (lambda: mine.delete(other_kind, created), 404),
        (lambda: mine.delete(kind, replace(created, resource="unknown")), 404),
        (lambda: Encoder(counter, "a.b.c").delete(kind, created), 401),
        (lambda: Encoder(counter, "\udcff").delete(kind, created), 401),
        (lambda: stranger.delete(kind, created, after_s=500), 401),
    ):
        assert status_of(call) == status
    assert counter.http.count() == 1
    mine.delete(kind, created, after_s=5000)
    assert counter.http.count() == 0, "the token that opened it closes it, also after it expired"
    assert status_of(lambda: mine.delete(kind, created)) == 404


@KINDS
def test_a_newer_token_of_the_same_person_will_do(kind: Kind) -> None:
    counter = Counter()
    created = encoder(counter).post(kind)
    encoder(counter).delete(kind, created)
    assert set(counter.rows().values()) == {0}


# -- one person, many connections --------------------------------------------------------------------


def left(person: Person) -> list[str]:
    return [message["reason"] for message in person.hears("left")]


def test_a_person_with_a_websocket_and_whip_is_one_person() -> None:
    counter = Counter()
    viewer, cam = counter.enter("vi"), counter.enter("cam")
    viewer.hears()
    created = encoder(counter).post("whip", chromium([screen("0")]))
    cam.publishes("microphone")
    assert viewer.hears("joined") == []
    assert counter.rows()["participants"] == 2
    encoder(counter).delete("whip", created)
    assert sources(viewer.hears("updated")[-1]["participant"]) == {"microphone": False}
    cam.say({"type": "leave"})
    assert left(viewer) == ["left"]


def test_a_person_whose_websocket_ends_stays_by_whip() -> None:
    """And others are told what he still publishes."""
    counter = Counter()
    viewer, cam = counter.enter("vi"), counter.enter("cam")
    created = encoder(counter).post("whip", chromium([camera("0")]))
    cam.publishes("microphone")
    cam.say({"type": "leave"})
    heard = viewer.hears()
    assert "left" not in {message["type"] for message in heard}
    assert sources([m for m in heard if m["type"] == "updated"][-1]["participant"]) == {"camera": False}
    assert counter.rows()["participants"] == 2
    encoder(counter).delete("whip", created)
    assert left(viewer) == ["left"]


def test_a_person_stays_until_the_last_of_his_connections_ends() -> None:
    counter = Counter()
    viewer = counter.enter("vi")
    first, second = encoder(counter).post("whip"), encoder(counter).post("whep")
    encoder(counter).delete("whip", first)
    assert left(viewer) == []
    encoder(counter).delete("whep", second)
    assert left(viewer) == ["left"]


def test_staff_removes_all_connections_of_a_person() -> None:
    counter = Counter()
    staff, cam = counter.enter("mia", "staff"), counter.enter("cam")
    encoder(counter).post("whip")
    encoder(counter).post("whep")
    encoder(counter, "other").post("whip")
    staff.hears()
    staff.note(staff.say({"type": "moderate", "action": "remove", "participant": "cam"}))
    assert cam.hears("bye")[0]["reason"] == "removed"
    assert counter.http.count() == 1
    assert {m.id for m in counter.rooms.members(ROOM)} == {"mia", "other"}


def test_staff_removes_and_mutes_a_person_who_has_no_websocket() -> None:
    counter = Counter()
    staff, viewer = counter.enter("mia", "staff"), counter.enter("vi")
    encoder(counter).post("whip")
    staff.say({"type": "moderate", "action": "mute", "participant": "cam", "source": "camera"})
    assert sources(viewer.hears("updated")[-1]["participant"]) == {"microphone": False, "camera": True}
    staff.say({"type": "moderate", "action": "remove", "participant": "cam"})
    assert left(viewer) == ["removed"]
    assert (counter.http.count(), counter.rows()["tracks"]) == (0, 0)


def test_the_end_of_a_call_ends_every_connection_of_its_room() -> None:
    counter = Counter()
    staff = counter.enter("mia", "staff")
    for kind in ("whip", "whep"):
        encoder(counter).post(kind)
    elsewhere = Encoder(counter, counter.token("cam", room="loket-4"), "loket-4")
    elsewhere.post("whip")
    staff.say({"type": "moderate", "action": "end"})
    assert (counter.http.count(), counter.rows()["participants"]) == (1, 1)


@pytest.mark.parametrize(("reason", "told"), [("consent", "lost"), ("timeout", "lost"), ("closed_by_peer", "left")])
@KINDS
def test_a_connection_that_fails_ends(kind: Kind, reason: str, told: str) -> None:
    counter = Counter()
    viewer = counter.enter("vi")
    encoder(counter).post(kind)
    (resource,) = counter.http._resources.values()
    assert resource.transport is not None
    counter.event(TransportFailed(resource.transport, reason), TransportConnected(resource.transport))
    assert left(viewer) == [told]
    assert (counter.http.count(), counter.rows()["participants"]) == (0, 1)


def test_a_stop_ends_them_all() -> None:
    counter = Counter()
    counter.enter("vi")
    encoder(counter).post("whip")
    encoder(counter).post("whep")
    counter.hub.drain()
    counter.http.close_all(counter.now_us)
    assert set(counter.rows().values()) == {0}


def test_hundreds_of_encoders_and_players_leave_nothing() -> None:
    counter = Counter()
    counter.enter("vi")
    rows = counter.rows()
    for number in range(300):
        somebody = encoder(counter, f"cam{number}")
        created = [somebody.post("whip"), somebody.post("whep")]
        somebody.refused("whip", "garbage")
        somebody.delete("whep", created[1])
        somebody.delete("whip", created[0])
        counter.pump()
    assert counter.rows() == {**rows, "transports": counter.rows()["transports"]}
    assert counter.rows()["transports"] <= 1, "the viewer's own"
    assert counter.hub.company._elsewhere == {}
