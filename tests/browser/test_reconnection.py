"""Connections that break: what the page says, and that the call goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import BROKEN, Visit
from tests.support import processes
from tests.support.network import Network
from tests.support.processes import Running, free_port
from tests.support.visitor import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PICTURE_BACK_S = 10
AN, BART = "An Peeters", "Bart Claes"


async def over_the_line(chromium_visit: Visit, line: Network, demo: Running) -> Visitor:
    """The citizen, whose pages and WebSocket go through a network that can break."""
    an = await chromium_visit(origin=f"http://localhost:{line.port}")
    an.expected.extend(BROKEN)
    await an.open(demo.links["citizen"].replace(str(demo.port), str(line.port)))
    return an


async def test_a_lost_websocket_is_resumed_without_touching_the_media(
    visit: Visit, line: Network, demo: Running
) -> None:
    an, bart = await over_the_line(visit, line, demo), await visit("staff")
    await asyncio.gather(an.enter(), bart.enter())
    await asyncio.gather(an.tiles(BART), bart.tiles(AN))
    await an.page.evaluate("() => { probe.before = [...probe.connections]; }")
    line.cut()
    await an.status("De verbinding is verbroken. We proberen opnieuw.")
    await an.pictures(1)
    # What happens meanwhile is told afterwards.
    await an.press("Microfoon uitzetten")
    await bart.press("Camera uitzetten")
    await bart.until("document.querySelector('.tile.own').dataset.picture === 'no'")
    line.mend()
    await an.status("Verbonden", within_s=30)
    await bart.caption(AN, "microfoon uit")
    await an.caption(BART, "camera uit")
    await bart.press("Camera aanzetten")
    await an.tiles(BART)
    same = "() => probe.before.length === 2 && probe.connections.length === 2 && probe.connections.every("
    assert await an.page.evaluate(same + "(pc) => pc.connectionState === 'connected')"), "the media was touched"
    assert await bart.page.evaluate("() => probe.connections.length") == 2
    await an.press("Microfoon aanzetten")
    await bart.caption(AN, "microfoon uit", there=False)


async def test_a_network_that_went_silent_is_noticed(visit: Visit, line: Network, demo: Running) -> None:
    """Nothing says that the connection is gone; a question without an answer does."""
    an, bart = await over_the_line(visit, line, demo), await visit("staff")
    await asyncio.gather(an.enter(), bart.enter())
    await asyncio.gather(an.tiles(BART), bart.tiles(AN))
    line.hush()
    await an.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    await an.status("De verbinding is verbroken", within_s=10)
    line.speak()
    await an.status("Verbonden", within_s=30)
    assert await an.page.evaluate("() => probe.connections.length") == 2


async def test_a_click_is_not_needed_when_the_first_try_fails(visit: Visit, line: Network, demo: Running) -> None:
    """Coming in while the network is away: it says so, and goes on when it is back."""
    an = await over_the_line(visit, line, demo)
    line.cut()
    await an.enter()
    await an.status("We verbinden u")
    await an.until("!document.getElementById('call').hidden")
    line.mend()
    await an.status("We wachten op de anderen", within_s=30)


async def test_media_that_breaks_is_repaired(visit: Visit) -> None:
    """Both peer connections say that they failed: new credentials, the same connections, pictures again."""
    an, bart = await visit("citizen"), await visit("staff")
    await asyncio.gather(an.enter(), bart.enter())
    await asyncio.gather(an.tiles(BART), bart.tiles(AN))
    fails = """() => {
      probe.ufrags = probe.connections.map((pc) => /a=ice-ufrag:(\\S+)/.exec(pc.remoteDescription.sdp)[1]);
      for (const pc of probe.connections) {
        Object.defineProperty(pc, "connectionState", { get: () => "failed", configurable: true });
        pc.dispatchEvent(new Event("connectionstatechange"));
        delete pc.connectionState;
      }
    }"""
    await an.page.evaluate(fails)
    await an.until(
        "probe.connections.every((pc, at) => "
        "/a=ice-ufrag:(\\S+)/.exec(pc.remoteDescription.sdp)[1] !== probe.ufrags[at]) && "
        "probe.connections.every((pc) => pc.connectionState === 'connected')"
    )
    await asyncio.gather(an.pictures(1), bart.pictures(1))
    assert await an.page.evaluate("() => probe.connections.length") == 2


async def test_a_media_process_that_dies_costs_seconds_not_the_call(visit: Visit, demo: Running) -> None:
    """The WebSockets stay; everybody sees everybody again without a click."""
    an, bart = await visit("citizen"), await visit("staff")
    await asyncio.gather(an.enter(), bart.enter())
    await asyncio.gather(an.tiles(BART), bart.tiles(AN))
    await asyncio.gather(an.pictures(1), bart.pictures(1))
    os.kill(demo.media_pid, signal.SIGKILL)
    for somebody in (an, bart):
        await somebody.until("probe.connections.length >= 4")
    await asyncio.gather(an.tiles(BART, within_s=PICTURE_BACK_S), bart.tiles(AN, within_s=PICTURE_BACK_S))
    await asyncio.gather(an.pictures(1), bart.pictures(1))
    await an.status("Verbonden")


async def test_a_demo_that_starts_anew_does_not_know_the_old_link(visit: Visit, line: Network, demo: Running) -> None:
    """The page says what to do, and whom to call."""
    an = await over_the_line(visit, line, demo)
    an.expected.append("status of 404")
    await an.enter()
    await an.status("We wachten op de anderen")
    demo.stop()
    await an.status("Ons systeem wordt even bijgewerkt")
    with processes.demo() as other:
        line.target = other.port
        await an.ended("Deze link klopt niet. Open de link in uw bericht opnieuw, of bel", within_s=30)


async def test_a_server_that_starts_anew_gets_its_call_back(chromium: Browser, tmp_path: Path) -> None:
    """With `balie serve`, whose keys outlive the process: everybody is back in the call by himself."""
    port = free_port(socket.SOCK_STREAM)
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        [server]
        port = {port}
        public_url = "http://localhost:{port}"
        drain_s = 0
        [media]
        listen = ["127.0.0.1"]
        public_addresses = ["127.0.0.1"]
        port = {free_port(socket.SOCK_DGRAM)}
        [tokens]
        keys = [{{ kid = "1", secret = "{"0123456789abcdef" * 3}" }}]
        """
    )
    origin = f"http://localhost:{port}"
    server = processes.serve(config, port)
    try:
        async with visitor(chromium, origin) as an, visitor(chromium, origin) as bart:
            for somebody, name, role in ((an, AN, "citizen"), (bart, BART, "staff")):
                somebody.expected.extend(BROKEN)
                made = processes.token(config, "--room", "1", "--name", name, "--role", role)
                await somebody.open(f"{origin}/call#{made}")
                await somebody.enter()
            await asyncio.gather(an.tiles(BART), bart.tiles(AN))
            assert "Traceback" not in server.stop()
            await asyncio.gather(*(each.status("Ons systeem wordt even bijgewerkt") for each in (an, bart)))
            server = processes.serve(config, port)
            await asyncio.gather(*(each.status("Verbonden", within_s=30) for each in (an, bart)))
            await asyncio.gather(an.tiles(BART), bart.tiles(AN))
            await asyncio.gather(an.pictures(1), bart.pictures(1))
            assert an.complaints + bart.complaints == []
    finally:
        server.stop()
