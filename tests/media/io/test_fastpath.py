"""Plain packets take the whole way in one call; what is not plain leaves it where it must, with the same results."""

from __future__ import annotations

import socket

import pytest

from media import native
from media.core.model import Codec, ParticipantId, ReceiveSpec, RoomId, SendSpec
from media.io.server import MediaServer
from tests.support.client import Client
from tests.support.packets import delta_frame, key_frame, rtp

pytestmark = pytest.mark.skipif(native.library() is None, reason="no C compiler was there at the installation")

SSRC = 0x5001


class SixthClient(Client):
    """By IPv6: another socket of the server."""

    def _opened(self, port: int) -> socket.socket:
        opened = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.connect(("::1", port))
        return opened


def packet(number: int, payload: bytes) -> bytes:
    """With a header extension, as every browser sends: without one, a packet is read alone."""
    return rtp(ssrc=SSRC, sequence=number, payload=payload, extensions={3: number.to_bytes(2, "big")})


def came(server: MediaServer, kind: type[Client] = Client) -> Client:
    transport, ice = server.engine.open_transport(server.now_us())
    return kind(server, transport, ice)


def subscribe(server: MediaServer, publisher: Client, viewer: Client | None) -> None:
    spec = ReceiveSpec("video", "camera", "1", Codec("VP8", 90_000), 96, 97, ssrc=SSRC, nack=True, pli=True)
    track = server.engine.add_track(publisher.transport, RoomId("r"), ParticipantId("an"), spec)
    if viewer is not None:
        server.engine.add_subscription(viewer.transport, track, SendSpec("7", 100, 101, nack=True))


async def pair(server: MediaServer, kind: type[Client] = Client, *, watches: bool = True) -> tuple[Client, Client]:
    """A publisher and somebody who, unless told otherwise, watches; both connected."""
    an, bert = came(server), came(server, kind)
    subscribe(server, an, bert if watches else None)
    await an.connect()
    await bert.connect()
    return an, bert


async def begun(server: MediaServer, steps: list[str], kind: type[Client] = Client) -> tuple[Client, Client]:
    """The same after a first picture, which teaches how packets are laid out."""
    an, bert = await pair(server, kind)
    an.send_rtp(packet(1, key_frame()))
    await bert.until_rtp(1)
    assert set(steps) <= {"receive", "resume"}
    steps.clear()
    return an, bert


async def another(server: MediaServer, an: Client, number: int, kind: type[Client] = Client) -> Client:
    """Somebody else who watches, from the picture of this number on."""
    carol = came(server, kind)
    await carol.connect()
    (track,) = vars(server.engine)["_strays"].tracks
    server.engine.add_subscription(carol.transport, track, SendSpec("7", 100, 101, nack=True))
    an.send_rtp(packet(number, key_frame()))
    await carol.until_rtp(1)
    return carol


@pytest.fixture
def steps(server: MediaServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine was asked to do with batches of media, in order."""
    told: list[str] = []
    for name in ("receive", "resume", "sent"):
        real = getattr(server.engine, name)

        def telling(*arguments: object, name: str = name, real: object = real) -> object:
            if name != "sent" or arguments[0]:  # batches without media are sent, too
                told.append(name)
            return real(*arguments)  # type: ignore[operator]

        monkeypatch.setattr(server.engine, name, telling)
    return told


@pytest.mark.parametrize("kind", [Client, SixthClient])
async def test_plain_packets_take_it_and_a_gap_leaves_it(
    server: MediaServer, steps: list[str], kind: type[Client]
) -> None:
    an, bert = await begun(server, steps, kind)
    for number in (2, 3, 4):
        an.send_rtp(packet(number, delta_frame(50 + number)))
        await bert.until_rtp(number)
    assert steps == ["sent"] * 3
    an.send_rtp(packet(6, delta_frame(56)))
    an.send_rtp(packet(5, delta_frame(55)))
    received = await bert.until_rtp(6)
    assert set(steps[3:]) == {"resume"}
    first = int.from_bytes(received[0][2:4], "big")
    assert sorted(int.from_bytes(packet[2:4], "big") - first for packet in received) == [0, 1, 2, 3, 4, 5]
    assert {len(packet) for packet in received[1:4]} == {28 + len(delta_frame(size)) for size in (52, 53, 54)}
    totals = server.engine.totals()
    assert (totals["packets_received"], totals["packets_forwarded"]) == (6, 6)
    an.close()
    bert.close()


async def test_forged_and_repeated_packets_are_counted_and_the_others_of_their_batch_go_on(
    server: MediaServer, steps: list[str]
) -> None:
    an, bert = await begun(server, steps)
    second = an.protect(packet(2, delta_frame(52)))
    forged = bytearray(an.protect(packet(3, delta_frame(53))))
    forged[-1] ^= 1
    third = an.protect(packet(4, delta_frame(54)))
    for datagram in (second, second, bytes(forged), third):
        an.send(datagram)
    assert len(await bert.until_rtp(3)) == 3
    drops = server.engine.drops()
    assert (drops["srtp_replay"], drops["srtp_auth"]) == (1, 1)
    assert "receive" not in steps
    an.close()
    bert.close()


async def test_what_nobody_receives_is_counted(server: MediaServer, steps: list[str]) -> None:
    an, bert = await pair(server, watches=False)
    for number in range(3):
        an.send_rtp(packet(number, key_frame()))
        await an.caught_up()
    assert server.engine.drops()["no_subscriber"] == 3
    assert "sent" in steps
    an.close()
    bert.close()


async def test_copies_without_a_way_are_counted(server: MediaServer, steps: list[str]) -> None:
    """The viewer's only address is gone; the publisher's packets go on."""
    an, bert = await begun(server, steps)
    vars(server)["_peers"].lose(bert.transport)
    an.send_rtp(packet(2, delta_frame()))
    await an.caught_up()
    assert server.engine.drops()["no_address"] == 1
    assert steps == ["sent"]
    an.close()
    bert.close()


async def test_copies_without_a_way_are_counted_though_others_go_another_way(
    server: MediaServer, steps: list[str]
) -> None:
    """One viewer by IPv4, one by IPv6, one whose only address is gone; and the last port, TCP's, knows of none."""
    an, bert = await begun(server, steps)
    carol, dora = await another(server, an, 2, SixthClient), await another(server, an, 3)
    vars(server)["_peers"].lose(bert.transport)
    before = server.engine.drops()["no_address"]
    an.send_rtp(packet(4, delta_frame()))
    await carol.until_rtp(3)
    await dora.until_rtp(2)
    assert server.engine.drops()["no_address"] - before == 1
    for client in (an, bert, carol, dora):
        client.close()


async def test_copies_without_keys_are_counted_once_and_the_others_go(server: MediaServer, steps: list[str]) -> None:
    """As in the moment in which somebody's handshake begins anew."""
    an, bert = await begun(server, steps)
    carol = await another(server, an, 2)
    vars(server.engine)["_reports"].end(bert.transport)  # they would be counted, too
    vars(server)["_contexts"].compiled.send[int(bert.transport)] = 0
    steps.clear()
    before = server.engine.drops()
    for number in (3, 4, 5):
        an.send_rtp(packet(number, delta_frame()))
        await carol.until_rtp(number - 1)
    assert steps == ["sent"] * 3
    drops = server.engine.drops()
    assert {name: drops[name] - before[name] for name in ("no_keys", "srtp_protect")} == {
        "no_keys": 3,
        "srtp_protect": 0,
    }
    for client in (an, bert, carol):
        client.close()
