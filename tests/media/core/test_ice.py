"""Who may send from which address."""

from __future__ import annotations

import pytest

from media.core import stun
from media.core.checks import CHECK_MAX, TRANSACTIONS_KEPT
from media.core.errors import PeerError
from media.core.ice import ADDRESSES_MAX, CONSENT_US, RESTARTS_MAX, SETUP_US, IceAnswer, IceLite
from tests.support.forgeries import stun_message

PASSWORDS = {"one": "password of the first one", "two": "password of the second"}
IP, PORT = b"\x7f\0\0\1", 4000


class Port:
    """An IceLite with two peers, and a clock that goes on with each check."""

    def __init__(self) -> None:
        self.ice, self.now_us, self.checks = IceLite(), 0, 0
        for transport, (ufrag, password) in enumerate(PASSWORDS.items()):
            self.ice.register(transport, ufrag, password, 0)

    def check(self, ufrag: str = "one", address: bytes = b"A", *, nominate: bool = False, password: str = "") -> bytes:
        """A new, genuine check unless said otherwise."""
        self.checks += 1
        key = (password or PASSWORDS[ufrag]).encode()
        return stun.binding_request(self.checks.to_bytes(12, "big"), f"{ufrag}:peer", key, 1, 2, nominate)

    def handle(self, data: bytes, address: bytes = b"A") -> IceAnswer:
        self.now_us += 1000
        return self.ice.handle(data, address, IP, PORT, self.now_us)

    def refusal(self, data: bytes, address: bytes = b"A") -> str:
        with pytest.raises(PeerError) as caught:
            self.handle(data, address)
        return caught.value.reason


@pytest.fixture
def port() -> Port:
    return Port()


def test_a_check_is_answered_under_our_password_and_teaches_the_address(port: Port) -> None:
    answer = port.handle(port.check())
    assert answer.transport == 0
    assert stun.parse_binding_success(answer.reply, PASSWORDS["one"].encode()) == (1).to_bytes(12, "big")
    assert port.ice.by_address.get(b"A") == 0
    assert port.ice.selected_address(0) == b"A"
    assert port.ice.selected_address(1) is None


def test_who_does_not_know_the_password_teaches_nothing(port: Port) -> None:
    assert port.refusal(port.check(password="guessed")) == "stun_bad_integrity"
    assert port.refusal(stun_message(1, bytes(12), b"\0\6\0\4one:", None)) == "stun_bad_integrity"
    assert port.refusal(port.check("three", password="x")) == "stun_unknown_user"
    assert port.ice.by_address.get(b"A") is None


def test_only_a_nomination_moves_the_selected_address(port: Port) -> None:
    port.handle(port.check(), b"A")
    port.handle(port.check(), b"B")
    assert port.ice.selected_address(0) == b"A"
    assert port.ice.by_address.get(b"B") == 0
    port.handle(port.check(nominate=True), b"B")
    assert port.ice.selected_address(0) == b"B"


def test_an_overheard_check_does_not_move_the_media(port: Port) -> None:
    check = port.check(nominate=True)
    port.handle(check, b"A")
    assert port.refusal(check, b"thief") == "stun_bad_integrity"
    assert port.handle(check, b"A").transport == 0  # the same peer, repeating itself
    assert port.ice.selected_address(0) == b"A"


def test_a_peer_has_a_limited_number_of_addresses_and_keeps_the_selected(port: Port) -> None:
    port.handle(port.check(), b"first")
    for number in range(3 * ADDRESSES_MAX):
        port.handle(port.check(), b"more%d" % number)
    assert port.ice.selected_address(0) == b"first"
    assert port.ice.by_address.get(b"first") == 0
    assert len(port.ice.by_address) == ADDRESSES_MAX
    assert port.ice.by_address.get(b"more%d" % (3 * ADDRESSES_MAX - 1)) == 0


def test_an_address_belongs_to_who_checked_last(port: Port) -> None:
    """A page that closed one connection and opened the next has the same port."""
    port.handle(port.check("one"), b"B")
    port.handle(port.check("one", nominate=True), b"A")
    port.handle(port.check("two"), b"A")
    assert port.ice.by_address.get(b"A") == 1
    assert port.ice.selected_address(0) == b"B"
    port.ice.forget(0)
    assert port.ice.by_address.get(b"A") == 1
    assert port.ice.by_address.get(b"B") is None


def test_a_peer_who_thinks_that_we_control_is_told(port: Port) -> None:
    """RFC 8445 7.3.1.1: a lite agent never controls."""
    body = b"\0\6\0\x08one:peer" + b"\x80\x29\0\x08" + bytes(8)
    answer = port.handle(stun_message(1, bytes(12), body, PASSWORDS["one"].encode()))
    assert answer.reply[:2] == b"\x01\x11"
    assert port.ice.by_address.get(b"A") is None


def test_a_restart_is_make_before_break(port: Port) -> None:
    """Rule 29: the old credentials work until the new ones are used."""
    port.handle(port.check())
    port.ice.restart(0, "fresh", "a fresh password, long enough")
    assert port.handle(port.check("one"), b"A").transport == 0
    port.handle(port.check("fresh", password="a fresh password, long enough", nominate=True), b"C")
    assert port.ice.selected_address(0) == b"C"
    assert port.ice.by_address.get(b"A") == 0
    assert port.refusal(port.check("one"), b"A") == "stun_unknown_user"


def test_a_flood_of_restarts_leaves_a_few_credentials(port: Port) -> None:
    for number in range(50):
        port.ice.restart(0, f"u{number}", f"password number {number}")
    alive = [n for n in range(50) if port.refusal(port.check(f"u{n}", password="x")) == "stun_bad_integrity"]
    assert len(alive) == RESTARTS_MAX
    assert alive[-1] == 49
    assert port.handle(port.check("one")).transport == 0  # what the peer uses outlives them
    port.ice.forget(0)
    assert port.refusal(port.check("one")) == "stun_unknown_user"
    assert port.refusal(port.check("u49", password="x")) == "stun_unknown_user"


def test_consent_and_setup_expire(port: Port) -> None:
    port.handle(port.check("one"))
    assert port.ice.expired(SETUP_US) == []
    assert port.ice.expired(SETUP_US + 1) == [1]
    assert port.ice.expired(port.now_us + CONSENT_US + 1) == [0, 1]
    port.now_us = CONSENT_US
    port.handle(port.check("one"))
    port.ice.forget(1)
    assert port.ice.expired(port.now_us + CONSENT_US) == []


def test_the_latest_transactions_are_remembered(port: Port) -> None:
    first = port.check()
    port.handle(first)
    latest = [port.check() for _ in range(TRANSACTIONS_KEPT)]
    for check in latest:
        port.handle(check)
    assert [port.refusal(check, b"thief") for check in (latest[0], latest[-1])] == ["stun_bad_integrity"] * 2
    assert not port.ice.checks.has_heard(0, first[8:20])
    assert not port.ice.checks.has_heard(1, latest[0][8:20])
    port.ice.register(0, "next", "password of whoever has this row now", 0)
    assert not port.ice.checks.has_heard(0, latest[0][8:20])


def said(port: Port, transport: int = 0) -> bytes:
    """What the table has learned of a peer."""
    table = port.ice.checks
    return table.said[transport, : int(table.said_size[transport])].tobytes()


def test_what_is_said_where_a_peer_is_reached_is_learned(port: Port) -> None:
    first, elsewhere = port.check(nominate=True), port.check()
    port.handle(first, b"A")
    assert said(port) == first
    port.handle(elsewhere, b"B")
    assert said(port) == first
    moved = port.check(nominate=True)
    port.handle(moved, b"B")
    assert (said(port), said(port, 1)) == (moved, b"")
    port.ice.lose(b"A")
    assert said(port) == moved
    port.ice.lose(b"B")
    assert said(port) == b""


def test_what_was_learned_is_forgotten_with_what_it_was_about(port: Port) -> None:
    port.handle(port.check())
    port.ice.restart(0, "new", PASSWORDS["one"])
    assert said(port) == b""
    port.handle(port.check())
    assert said(port) == b"", "these are the credentials of before"
    port.handle(port.check("new", password=PASSWORDS["one"]))
    assert said(port) != b""
    port.ice.forget(0)
    assert said(port) == b""
    assert not port.ice.checks.key.any()


def test_what_is_too_long_to_be_kept_is_not(port: Port) -> None:
    port.handle(port.check())
    key = PASSWORDS["one"].encode()
    name = (0x0006, b"one:" + b"x" * CHECK_MAX)
    long = stun.request(0x0001, b"transaction.", [name, (0x0025, b"")], key)
    port.handle(long)
    assert said(port) == b""


def test_a_path_that_is_lost_leaves_the_one_checked_last(port: Port) -> None:
    """Nothing else of the peer ends; a path comes back with what it was reached through."""
    for via, address in enumerate((b"A", b"B", b"C")):
        port.ice.handle(port.check(), address, IP, PORT, 1000 + via, via)
    assert port.ice.selected_path(0) == (b"A", 0)
    assert port.ice.lose(b"B") == 0
    assert port.ice.selected_path(0) == (b"A", 0)
    assert port.ice.lose(b"A") == 0
    assert port.ice.selected_path(0) == (b"C", 2)
    assert port.ice.lose(b"C") == 0
    assert port.ice.selected_path(0) is None
    assert len(port.ice.by_address) == 0
    assert port.ice.lose(b"C") is None
    port.handle(port.check(), b"D")
    assert port.ice.selected_path(0) == (b"D", 0)
    assert port.ice.expired(CONSENT_US) == [], "consent is of the peer, not of a path"


def test_an_overheard_check_is_not_believed_after_its_path_was_lost(port: Port) -> None:
    check = port.check()
    port.handle(check, b"A")
    port.ice.lose(b"A")
    assert port.refusal(check, b"thief") == "stun_bad_integrity"
