"""Connections that break: what the page says, and that the call goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import BROKEN, Visit, visiting
from tests.support import processes
from tests.support.network import MEDIA_HOST, Network, network
from tests.support.processes import Running, free_port
from tests.support.served import Served, serving
from tests.support.visitor import Visitor, visitor
from web.desk.gate import COOKIE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

PICTURE_BACK_S = 10
CUT_MS = 10_000
AN, BART, LIES = "An Peeters", "Bart Claes", "Lies Peeters"


@pytest.fixture
def demo(standing_demo: Running) -> Running:
    """For who is connected again at the end."""
    return standing_demo


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


async def test_a_media_process_that_dies_costs_seconds_not_the_call(chromium: Browser, own_demo: Running) -> None:
    """The WebSockets stay; everybody sees everybody again without a click."""
    async with visiting(chromium, own_demo) as visit:
        an, bart = await visit("citizen"), await visit("staff")
        await asyncio.gather(an.enter(), bart.enter())
        await asyncio.gather(an.tiles(BART), bart.tiles(AN))
        await asyncio.gather(an.pictures(1), bart.pictures(1))
        os.kill(own_demo.media_pid, signal.SIGKILL)
        for somebody in (an, bart):
            await somebody.until("probe.connections.length >= 4")
        await asyncio.gather(an.tiles(BART, within_s=PICTURE_BACK_S), bart.tiles(AN, within_s=PICTURE_BACK_S))
        await asyncio.gather(an.pictures(1), bart.pictures(1))
        await an.status("Verbonden")


async def test_a_demo_that_starts_anew_does_not_know_the_old_link(
    chromium: Browser, own_demo: Running, standing_demo: Running
) -> None:
    """The page says what to do, and whom to call."""
    async with network(own_demo.port) as line, visiting(chromium, own_demo) as visit:
        an = await over_the_line(visit, line, own_demo)
        an.expected.append("status of 404")
        await an.enter()
        await an.status("We wachten op de anderen")
        own_demo.stop()
        await an.status("Ons systeem wordt even bijgewerkt")
        line.target = standing_demo.port
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


@asynccontextmanager
async def in_call(chromium: Browser, server: Served, origin: str, *guests: str) -> AsyncIterator[list[Visitor]]:
    """Bart by the desk's own page; and guests by their links, who were let in."""
    (planned,) = server.visits
    links = {AN: planned.citizen, LIES: planned.third}
    async with AsyncExitStack() as stack:
        everybody = [await stack.enter_async_context(visitor(chromium, origin)) for _ in range(1 + len(guests))]
        bart = everybody[0]
        for each in everybody:
            each.expected.extend(BROKEN)
        await bart.page.context.add_cookies([{"name": COOKIE, "value": planned.session, "url": origin}])
        await bart.open(origin + planned.path)
        await bart.enter()
        await asyncio.gather(
            *(arrive(each, f"{origin}/g/{links[name]}") for each, name in zip(everybody[1:], guests, strict=True))
        )
        for name in guests:
            await bart.page.locator("#lobby").get_by_role("button", name=f"Laat binnen {name}").click()
            await bart.press("Ja, laat binnen")
        await together(*everybody, moving=False)
        yield everybody
        assert [complaint for each in everybody for complaint in each.complaints] == []


async def arrive(guest: Visitor, link: str) -> None:
    await guest.open(link)
    await guest.enter()
    await guest.until("document.body.dataset.state === 'waiting'")


async def together(*everybody: Visitor, moving: bool = True) -> None:
    """All see each other; no click was needed.  moving: a second of pictures is looked at."""
    names = (BART, AN, LIES)[: len(everybody)]

    async def sees(somebody: Visitor, own: str) -> None:
        others = [name for name in names if name != own]
        await somebody.tiles(*others, within_s=PICTURE_BACK_S)
        if moving:
            await somebody.pictures(len(others), fps=8, height=180)
        await somebody.status("Verbonden")

    await asyncio.gather(*(sees(each, own) for each, own in zip(everybody, names, strict=True)))


async def write(somebody: Visitor, words: str) -> None:
    await somebody.page.get_by_label("Uw bericht").fill(words)
    await somebody.page.keyboard.press("Enter")


async def test_ten_seconds_without_a_network(chromium: Browser, tmp_path: Path) -> None:
    """Neither media nor messages, and nobody is told.  The call goes on by itself, and what was written arrives."""
    with serving(tmp_path, udp=MEDIA_HOST) as served:
        async with (
            network(served.port, served.media_port) as line,
            in_call(chromium, served, f"http://localhost:{line.port}", AN) as (bart, an),
        ):
            await an.press("Berichten")
            line.hush()
            await an.page.evaluate("() => { probe.cut = performance.now(); probe.before = [...probe.connections]; }")
            await write(an, "Hoort u mij nog?")
            await an.status("De verbinding is verbroken", within_s=15)
            await an.until(f"performance.now() - probe.cut > {CUT_MS}", within_s=15)
            line.speak()
            await together(bart, an)
            assert await an.evaluate("() => probe.before.every((each) => each.connectionState === 'connected')")
            await expect(bart.page.locator("#chat-log")).to_contain_text("Hoort u mij nog?")
            assert await an.page.locator("#chat-log .said").count() == 1


async def test_a_server_that_ends_in_whatever_way_gets_its_visit_back(chromium: Browser, tmp_path: Path) -> None:
    """Who was let in is not asked to wait again; nobody clicks; and it is said that messages were not kept."""
    with serving(tmp_path) as served:
        async with in_call(chromium, served, f"http://localhost:{served.port}", AN, LIES) as (bart, an, lies):
            await an.press("Berichten")
            await write(an, "Dag Bart")
            await expect(an.page.locator("#chat-log")).to_contain_text("Dag Bart")
            assert "Traceback" not in served.stop()
            await an.status("Ons systeem wordt even bijgewerkt")
            served.start()
            await together(bart, an, lies, moving=False)
            await expect(an.page.locator("#chat-log")).to_contain_text("De berichten hierboven zijn niet bewaard.")
            served.kill()
            await an.status("De verbinding is verbroken")
            served.start()
            await together(bart, an, lies)
            await write(an, "Daar ben ik weer")
            await expect(bart.page.locator("#chat-log")).to_contain_text("Daar ben ik weer")
