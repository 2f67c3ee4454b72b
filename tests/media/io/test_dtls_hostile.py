"""What strangers and bad links do to a DTLS association: nothing, unless they hold its keys."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.io.dtls import EARLY_MAX, HANDSHAKE_MAX, MTU, REPEATS_MAX, DtlsClient, DtlsServer
from tests.support.dtls import OURS, PEERS, Pair, established, flights, sealed

# -- garbage ------------------------------------------------------------------------------------------

ALERTS = [b"\x15\xfe\xfd" + bytes(8) + b"\0\2" + bytes([level, code]) for level in (1, 2) for code in (0, 40, 80, 100)]
NONSENSE = [
    b"",
    b"\x16",
    b"\x16\xfe\xfd",
    b"\x16\xfe\xfd" + bytes(10),
    b"\x16\xfe\xfd" + bytes(8) + b"\xff\xff" + bytes(1400),
    b"\x16\x03\x03" + bytes(8) + b"\0\x10" + bytes(16),
    b"\x16\xfe\xfd" + bytes(8) + b"\0\1\1",
    b"\x16\xfe\xfd" + bytes(8) + b"\0\x0c\x01\xff\xff\xff" + bytes(9),  # a message of 16 MB
    b"\x16\xfe\xfd" + bytes(8) + b"\0\x0d\x0b\0\0\x10\0\1\0\0\x20\0\0\1x",  # fragment outside its message
    b"\x16\xfe\xfd" + bytes(8) + b"\0\x0c\x14" + bytes(11),  # a Finished in the clear
    b"\x14\xfe\xfd" + bytes(8) + b"\0\2\1\1",
    b"\x17\xfe\xfd" + bytes(8) + b"\0\5hello",
    b"\x17\xfe\xfd\0\1" + bytes(6) + b"\0\x20" + bytes(32),
    b"\x17\xfe\xfd\0\2" + bytes(6) + b"\0\x20" + bytes(32),
    b"\x18\xfe\xfd" + bytes(8) + b"\0\3\1\x40\0",  # heartbeat
    bytes(1500),
    b"\xff" * 1500,
    *ALERTS,
]


@pytest.mark.parametrize("stage", range(3), ids=["new", "handshake", "established"])
def test_nonsense_changes_nothing(stage: int) -> None:
    pair, coming = flights()[stage]
    before, ignored = pair.server.state, pair.server.ignored
    for datagram in NONSENSE:
        assert pair.server.handle(datagram) == [], datagram.hex()
        assert pair.server.state == before, datagram.hex()
    assert pair.server.ignored - ignored >= len(NONSENSE) - 5
    while coming:
        coming = [again for d in coming for answer in pair.server.handle(d) for again in pair.client.handle(answer)]
    assert pair.states() == ("connected", "connected")


@given(data=st.lists(st.binary(max_size=80), max_size=5), stage=st.integers(0, 2), head=st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(data: list[bytes], stage: int, head: int) -> None:
    pair, _ = flights()[stage]
    for body in data:
        record = [b"", b"\x16\xfe\xfd", b"\x16\xfe\xfd" + bytes(8), b"\x17\xfe\xfd\0\1" + bytes(6)][head]
        if head > 1:
            record += len(body).to_bytes(2, "big")
        for answer in pair.server.handle(record + body):
            assert len(answer) <= MTU


def test_a_flood_of_handshake_ends_the_attempt() -> None:
    pair = Pair()
    [hello] = pair.client.start()
    answered = 0
    for number in range(2 * HANDSHAKE_MAX // len(hello)):
        answered += len(pair.server.handle(hello[:5] + number.to_bytes(6, "big") + hello[11:]))
    assert (pair.server.state, pair.server.reason) == ("failed", "flood")
    assert answered <= REPEATS_MAX + 1
    assert pair.server.handle(hello) == []
    assert pair.server.close() == []


def test_records_that_come_before_their_keys_are_not_hoarded() -> None:
    pair, coming = flights()[1]
    before = pair.server.ignored
    for number in range(100):
        pair.server.handle(b"\x17\xfe\xfd\0\1" + number.to_bytes(6, "big") + b"\0\x20" + bytes(32))
    assert pair.server.ignored - before == 100 - EARLY_MAX
    pair.client.handle(pair.server.handle(coming[0])[0])
    assert pair.states() == ("connected", "connected")


def test_a_message_of_our_own_reflected_is_ignored() -> None:
    pair = Pair()
    [flight] = pair.server.handle(pair.client.start()[0])
    assert pair.server.handle(flight) == []
    pair.server.handle(pair.client.handle(flight)[0])
    assert pair.server.state == "connected"


# -- after the handshake -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 40, 80])
def test_a_genuine_goodbye_or_fatal_alert_closes(code: int) -> None:
    pair = established()
    pair.server.handle(sealed(pair, 21, bytes([1 if code == 0 else 2, code])))
    assert pair.server.state == "closed"


def test_a_genuine_warning_does_not() -> None:
    pair = established()
    pair.server.handle(sealed(pair, 21, b"\1\x5a"))
    assert pair.server.state == "connected"


def test_application_data_is_counted_and_ignored() -> None:
    pair = established()
    for number in range(100, 105):
        assert pair.server.handle(sealed(pair, 23, b"hello", number)) == []
    assert pair.server.ignored_data == 5
    assert pair.server.state == "connected"


def test_several_records_in_one_datagram_are_all_read() -> None:
    pair = established()
    data = b"".join(sealed(pair, 23, b"x", number) for number in range(100, 130))
    assert pair.server.handle(data + sealed(pair, 21, b"\1\0", 130)) != []
    assert pair.server.ignored_data == 30
    assert pair.server.state == "closed"


@pytest.mark.parametrize(
    "change",
    [lambda r: r[:-1] + bytes([r[-1] ^ 1]), lambda r: r[:-1], lambda r: r[:4] + b"\2" + r[5:], lambda r: r[:10]],
    ids=["tag", "cut", "epoch", "stub"],
)
def test_a_forged_goodbye_does_not_close(change: Callable[[bytes], bytes]) -> None:
    pair = established()
    goodbye = sealed(pair, 21, b"\1\0")
    assert pair.server.handle(change(goodbye)) == []
    assert pair.states() == ("connected", "connected")
    pair.server.handle(goodbye)
    assert pair.server.state == "closed"


def test_renegotiation_is_not_done() -> None:
    pair = established()
    keys = pair.server.srtp_keys()
    hello = DtlsClient(PEERS).start()[0][13:]
    assert pair.server.handle(sealed(pair, 22, hello)) == []
    assert pair.server.state == "connected"
    assert pair.server.srtp_keys() is keys
    pair.server.handle(sealed(pair, 21, b"\1\0", 101))
    assert pair.states()[0] == "closed", "what comes after it is read as before"


def test_closing_is_told_to_the_peer_and_answered() -> None:
    for first, second in (("server", "client"), ("client", "server")):
        pair = established()
        [goodbye] = getattr(pair, first).close()
        answer = getattr(pair, second).handle(goodbye)
        assert pair.states() == ("closed", "closed")
        assert len(answer) == 1
        assert getattr(pair, second).close() == []
        assert getattr(pair, first).handle(answer[0]) == []
        with pytest.raises(RuntimeError):
            pair.server.srtp_keys()


def test_closing_before_the_handshake_is_silent() -> None:
    assert DtlsServer(OURS).close() == []
    for pair, coming in flights()[:2]:
        assert pair.server.close() == []
        assert pair.server.state == "closed"
        assert pair.server.handle(coming[0]) == []
        assert pair.server.next_timeout_us(0) is None


@pytest.mark.parametrize("seed", range(40))
def test_a_bad_link_does_not_stop_a_handshake(seed: int) -> None:
    """A third lost, a third late, a fifth double, and a forger who injects nonsense that decrypts to nothing."""
    choice = random.Random(seed)
    pair = Pair()
    ends: tuple[DtlsServer | DtlsClient, ...] = (pair.server, pair.client)
    under_way: list[tuple[int, int, bytes]] = []
    now_us = 0

    def send(to: int, datagrams: list[bytes]) -> None:
        for datagram in [*datagrams, *forged(choice, pair.wire)]:
            pair.wire.append(datagram)
            for _ in range(1 + (choice.random() < 0.2)):
                if choice.random() > 1 / 3:
                    late_us = choice.randrange(60_000) if choice.random() < 1 / 3 else 0
                    under_way.append((now_us + 20_000 + late_us, to, datagram))

    send(0, pair.client.start())
    while pair.states() != ("connected", "connected"):
        arrivals = [(at_us, 2 + at) for at, (at_us, _, _) in enumerate(under_way)]
        timers = [(end.next_timeout_us(now_us), at) for at, end in enumerate(ends)]
        now_us, what = min(arrivals + [(due_us, at) for due_us, at in timers if due_us is not None])
        assert now_us < 28_000_000, f"seed {seed}: {pair.states()}"
        if what >= 2:
            _, to, datagram = under_way.pop(what - 2)
            send(1 - to, ends[to].handle(datagram))
        else:
            send(1 - what, ends[what].handle_timeout())


def forged(choice: random.Random, seen: list[bytes]) -> list[bytes]:
    if not seen or choice.random() > 0.3:
        return []
    real = choice.choice(seen)
    return [
        choice.choice(
            [
                real[: choice.randrange(len(real))],
                b"\x15\xfe\xfd" + bytes(8) + b"\0\2\2" + choice.randbytes(1),
                bytes([choice.choice([20, 21, 22, 23])]) + b"\xfe\xfd" + choice.randbytes(choice.randrange(200)),
                choice.randbytes(choice.randrange(1500)),
            ]
        )
    ]
