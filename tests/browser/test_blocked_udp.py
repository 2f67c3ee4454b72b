"""A network that lets no UDP through, or nothing at all to the media server: people see each other all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support import processes
from tests.support.coturn import coturn
from tests.support.hurry import QUICKER, SHORT_WAITS
from tests.support.namespace import Namespace, NoNamespaceError, namespace
from tests.support.processes import Running
from tests.support.visitor import CHROMIUM, Visitor, launched, visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

AN, BART = "An Peeters", "Bart"
NO_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"
"""As administrators set it (WebRtcIPHandling) on devices of an office."""
FIRST_PICTURE_S = 20
WAY = """(async () => {
  const found = [];
  for (const pc of probe.connections) {
    if (pc.connectionState !== "connected") continue;
    const all = [...(await pc.getStats()).values()];
    const pair = all.find(({ id }) => id === all.find(({ type }) => type === "transport").selectedCandidatePairId);
    const named = (wanted) => all.find(({ id }) => id === wanted);
    const [own, other] = [named(pair.localCandidateId), named(pair.remoteCandidateId)];
    found.push(`${own.candidateType} ${own.relayProtocol ?? own.protocol} ${other.protocol} ${other.port}`);
  }
  return found.sort();
})"""
"""How each peer connection goes: our candidate, its protocol, and where to."""


@pytest.fixture
def net() -> Iterator[Namespace]:
    """Where it cannot be had, test_a_browser_that_may_not_use_udp is what is left of this file."""
    try:
        with namespace() as made:
            yield made
    except NoNamespaceError as error:
        pytest.skip(f"NOT TESTED: calls where a firewall blocks UDP: no network namespace is to be had: {error}")


@asynccontextmanager
async def chromium_in(net: Namespace, folder: Path) -> AsyncIterator[Browser]:
    program = net.program(folder / "chromium", CHROMIUM)
    async with async_playwright() as playwright, launched(playwright, program=program) as browser:
        yield browser


async def meet(an: Visitor, bart: Visitor) -> None:
    """Both go in, and see and hear each other."""
    await asyncio.gather(an.enter(), bart.enter())
    await asyncio.gather(
        an.pictures(1, within_s=FIRST_PICTURE_S),
        bart.pictures(1, within_s=FIRST_PICTURE_S),
        an.sounds(1, FIRST_PICTURE_S),
        bart.sounds(1, FIRST_PICTURE_S),
    )


async def at_the_demo(browser: Browser, demo: Running) -> None:
    origin = f"http://localhost:{demo.port}"
    async with visitor(browser, origin) as an, visitor(browser, origin) as bart:
        await an.open(demo.links["citizen"])
        await bart.open(demo.links["staff"])
        await meet(an, bart)
        for somebody in (an, bart):
            ways = await somebody.evaluate(WAY)
            assert len(ways) == 2
            assert all(" tcp tcp " in each for each in ways), ways
        assert an.complaints + bart.complaints == []
        await an.page.goto(f"{origin}/test")
        await an.evaluate(SHORT_WAITS, QUICKER)
        await an.press("Start de test")
        await an.until("document.getElementById('network-told').textContent.includes('andere weg (TCP)')", 40)


async def test_a_firewall_that_drops_udp(net: Namespace, tmp_path: Path) -> None:
    """The browser tries UDP first, hears nothing, and goes by TCP."""
    net.drop("meta l4proto udp")
    with processes.demo(net.within) as demo:
        async with chromium_in(net, tmp_path) as browser:
            await at_the_demo(browser, demo)
    assert net.dropped()[0] > 0


async def test_a_browser_that_may_not_use_udp(demo: Running) -> None:
    async with async_playwright() as playwright, launched(playwright, NO_UDP) as browser:
        await at_the_demo(browser, demo)


RELAY, SERVED = "127.0.0.2", "127.0.0.3"
MEDIA_PORT, TURN_PORT, WEB_PORT = 7000, 3478, 8080
CONFIG = """
[server]
port = {web}
public_url = "http://localhost:{web}"
drain_s = 0
[media]
listen = ["{served}"]
public_addresses = ["{served}"]
port = {media}
[turn]
urls = ["turn:{relay}:{turn}?transport=udp", "turn:{relay}:{turn}?transport=tcp"]
secret_file = "{secret}"
[tokens]
keys = [{{ kid = "1", secret = "0123456789abcdef0123456789abcdef0123456789abcdef" }}]
"""


async def test_nothing_passes_to_the_media_server_but_a_relay_by_tcp(net: Namespace, tmp_path: Path) -> None:
    """The firewall drops UDP and TCP to the media port, and UDP to the TURN server: all goes by TURN over TCP."""
    net.drop(
        f"ip saddr != {RELAY} ip daddr {SERVED} udp dport {MEDIA_PORT}",
        f"ip saddr != {RELAY} ip daddr {SERVED} tcp dport {MEDIA_PORT}",
        f"ip daddr {RELAY} udp dport {TURN_PORT}",
    )
    config = tmp_path / "config.toml"
    with coturn(tmp_path, RELAY, TURN_PORT, net.within) as secret:
        config.write_text(
            CONFIG.format(web=WEB_PORT, served=SERVED, media=MEDIA_PORT, relay=RELAY, turn=TURN_PORT, secret=secret)
        )
        server = processes.serve(config, WEB_PORT, net.within)
        try:
            async with chromium_in(net, tmp_path) as browser:
                await at_the_counter(browser, config)
        finally:
            written = server.stop()
    assert "Traceback" not in written
    assert all(net.dropped()), "the browser tried the other ways first"


async def at_the_counter(browser: Browser, config: Path) -> None:
    origin = f"http://localhost:{WEB_PORT}"
    async with visitor(browser, origin) as an, visitor(browser, origin) as bart:
        for somebody, name, role in ((an, AN, "citizen"), (bart, BART, "staff")):
            made = processes.token(config, "--room", "1", "--name", name, "--role", role)
            await somebody.open(f"{origin}/call#{made}")
        await meet(an, bart)
        for somebody in (an, bart):
            ways = await somebody.evaluate(WAY)
            assert ways == [f"relay tcp udp {MEDIA_PORT}"] * 2
        assert an.complaints + bart.complaints == []
        await an.page.goto(f"{origin}/test")
        await an.evaluate(SHORT_WAITS, QUICKER)
        await an.press("Start de test")
        await an.until("document.getElementById('network-told').textContent.includes('tussenstation (TURN)')", 40)
