"""WHIP and WHEP with peers that are not ours: aiortc encodes and decodes, Chromium too, and balie stands between."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import re
import socket

import numpy as np
import pytest
from aiohttp import ClientSession
from playwright.async_api import async_playwright

from tests.interop.conftest import Served
from tests.support.aiortc_peers import WAIT_S, Peer, peer
from tests.support.caller import Connection, found
from tests.support.visitor import SHELL, launched, visitor

pytestmark = pytest.mark.waits

GAUGES = ("participants", "http_sessions", "tracks", "subscriptions")


async def gauges(session: ClientSession) -> dict[str, float]:
    async with session.get("/metrics") as response:
        text = await response.text()
    values = dict(re.findall(r"^balie_(\w+) (\S+)$", text, re.MULTILINE))
    return {name: float(values[name]) for name in GAUGES}


async def until(session: ClientSession, wanted: dict[str, float]) -> None:
    """Until these are so by themselves; each look is a request."""
    async with asyncio.timeout(WAIT_S):
        while {name: value for name, value in (await gauges(session)).items() if name in wanted} != wanted:
            pass


class Roaming(Connection):
    """An encoder whose machine changes network."""

    def restart(self) -> None:
        """New credentials by PATCH, and the first check from a new address."""
        headers = {**self._headers, "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
        self._web.request(
            "PATCH", self._location, "a=ice-ufrag:nieuw\r\na=ice-pwd:nieuwnieuwnieuwnieuwnieuw\r\n", headers
        )
        response = self._web.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
        self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", int(found(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", text))))
        self._check(found(r"a=ice-ufrag:(\S+)", text), found(r"a=ice-pwd:(\S+)", text), "nieuw")


async def meet(sender: Peer, viewer: Peer, codec: str = "VP8") -> None:
    sender.send(codec=codec)
    await sender.start()
    viewer.receive()
    await viewer.start()


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_picture_and_tone_arrive_until_somebody_ends_it(served: Served, http: ClientSession, codec: str) -> None:
    room = f"loket-{codec}"
    async with (
        peer(http, "whip", room, served.token("Zender", room)) as sender,
        peer(http, "whep", room, served.token("Kijker", room)) as viewer,
    ):
        await meet(sender, viewer, codec)
        chosen = found(r"m=video 9 \S+ (\d+)", sender.answer)
        assert f"a=rtpmap:{chosen} {codec}/90000" in sender.answer
        await viewer.sees()
        await viewer.hears()
        assert await gauges(http) == {"participants": 2, "http_sessions": 2, "tracks": 2, "subscriptions": 2}

        await sender.delete()
        await sender.until("closed")
        assert await gauges(http) == {"participants": 1, "http_sessions": 1, "tracks": 0, "subscriptions": 0}
        await viewer.hears_the_end()

        await viewer.delete()
        await viewer.ended()
        assert not any((await gauges(http)).values())


async def test_a_viewer_that_ends_does_not_end_the_others(served: Served, http: ClientSession) -> None:
    room = "loket-vier"
    async with (
        peer(http, "whip", room, served.token("Zender", room)) as sender,
        peer(http, "whep", room, served.token("Kijker", room)) as first,
        peer(http, "whep", room, served.token("Kijkster", room)) as second,
    ):
        await meet(sender, first)
        second.receive()
        await second.start()
        await first.sees()
        await first.delete()
        await first.ended()
        await second.sees()
        await second.hears()


async def test_a_peer_that_just_goes_is_gone(served: Served, http: ClientSession) -> None:
    """DTLS says goodbye without an HTTP request: OBS and browsers do when they are closed."""
    room = "loket-vijf"
    async with peer(http, "whip", room, served.token("Zender", room)) as sender:
        sender.send()
        await sender.start()
        assert await gauges(http) == {"participants": 1, "http_sessions": 1, "tracks": 2, "subscriptions": 0}
    await until(http, dict.fromkeys(GAUGES, 0))


def test_an_ice_restart_from_another_network(served: Served) -> None:
    """aiortc cannot restart ICE, so by hand: new credentials, a new address, the same keys, and the media goes on."""
    room = "loket-zes"
    web = http.client.HTTPConnection("127.0.0.1", served.running.port, timeout=10)
    sender = Roaming(web, "whip", room, served.token("Zender", room))
    viewer = Connection(web, "whep", room, served.token("Kijker", room))
    try:
        numbers = itertools.count(1)

        def picture() -> tuple[int, int]:
            """Sequence number and timestamp of the last key frame that arrived of those that were needed."""
            while not viewer.has_something():  # what comes before the viewer is let in is for nobody
                sender.send_key_frame(next(numbers))
            packet = viewer.receive_video()
            while viewer.has_something():
                packet = viewer.receive_video()
            return int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[4:8], "big")

        number, time = picture()
        sender.restart()
        later_number, later_time = picture()
        between = (later_number - number) % (1 << 16)
        assert between > 0
        assert (later_time - time) % (1 << 32) == 3000 * between, "one picture, one number: the same stream goes on"
    finally:
        sender.end()
        viewer.end()
        web.close()


@pytest.mark.browser
@pytest.mark.timeout(120)
async def test_an_encoder_a_browser_and_a_player_in_one_room(served: Served, http: ClientSession) -> None:
    """The page sees and hears the WHIP encoder; the WHEP player sees the page, whose camera came first."""
    room = "loket-zeven"
    async with async_playwright() as playwright, launched(playwright, program=SHELL) as browser:
        async with visitor(browser, served.origin) as an:
            await an.open(f"{served.origin}/call#{served.token('An', room, 'citizen')}")
            await an.enter()
            await until(http, {"participants": 1, "tracks": 2})
            async with (
                peer(http, "whip", room, served.token("Zender", room)) as sender,
                peer(http, "whep", room, served.token("Kijker", room)) as viewer,
            ):
                sender.send()
                await sender.start()
                await an.pictures(1)
                await an.sounds(1)
                viewer.receive()
                await viewer.start()
                async with asyncio.timeout(WAIT_S):
                    frames = [await viewer.picture() for _ in range(20)]
                colours = frames[-1].to_ndarray(format="rgb24").astype(int)
                assert np.ptp(colours, axis=2).max() > 50, "Chromium's test picture has colours, the encoder's has none"
                await sender.delete()
                await an.until(
                    "![...document.querySelectorAll('.tile .name')].some((each) => each.textContent === 'Zender')"
                )
        assert an.complaints == []
