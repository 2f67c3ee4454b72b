"""What people do in a visit, and how long each took them, by the clocks of their own pages.

Everything is a number of milliseconds unless its name says otherwise.  Nobody looks at a clock here: pages write down
when a button was pressed and when a picture was shown (visit_probe.js), both in Unix time of one machine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

from tests.support.network import Network
from tests.support.served import Planned, Served
from tests.support.visitor import Visitor, visitor
from web.desk.gate import COOKIE

PROBE = (Path(__file__).parent / "visit_probe.js").read_text()
WITHIN_S = 30
SENTENCE = "ik hoor u niet zo goed, ik typ het even"
KEY_MS = 110
"""Between two keys: 540 a minute."""
SETTLE_S = 4.0  # both senders said what time it is with them, twice
LOOKS, LOOK_S = 12, 0.5
CUT_S = 10.0
LAST_FRAMES_MS = 300
"""So long pictures of before may still be shown."""

Times = dict[str, float]


@dataclass
class Call:
    """The citizen and the member of staff of an appointment, each with a page."""

    planned: Planned
    an: Visitor
    bart: Visitor

    @property
    def both(self) -> dict[str, Visitor]:
        return {"citizen": self.an, "staff": self.bart}


@asynccontextmanager
async def arriving(browser: Browser, origin: str, planned: Planned) -> AsyncIterator[Call]:
    """Staff is in the call, the citizen in the waiting room."""
    async with visitor(browser, origin) as an, visitor(browser, origin) as bart:
        for each in (an, bart):
            await each.page.context.add_init_script(PROBE)
        await bart.page.context.add_cookies([{"name": COOKIE, "value": planned.session, "url": origin}])
        await bart.open(origin + planned.path)
        await bart.enter()
        await an.open(f"{origin}/g/{planned.citizen}")
        await an.enter()
        await an.until("document.body.dataset.state === 'waiting'")
        yield Call(planned, an, bart)


async def _pressed(who: Visitor) -> float:
    """When he last pressed a button."""
    return float(await who.evaluate("() => visit.pressed()"))


async def _first_frames(call: Call, since: float, prefix: str) -> Times:
    """Until each sees the other."""
    seen = f"visit.frames.find((at) => at > {since})"
    found = await asyncio.gather(*(each.until(seen, WITHIN_S) for each in call.both.values()))
    return {f"{prefix}_{name}": at - since for name, at in zip(call.both, found, strict=True)}


async def admit(call: Call) -> Times:
    """From "Ja, laat binnen" to a picture, at both."""
    await call.bart.page.locator("#lobby").get_by_role("button", name="Laat binnen An Peeters").click()
    await call.bart.press("Ja, laat binnen")
    return await _first_frames(call, await _pressed(call.bart), "admit")


async def door(call: Call) -> Times:
    """The citizen leaves, and comes back through the door: from its button to a picture, at both."""
    an = call.an
    await an.press("Gesprek verlaten")
    await an.press("Ga terug naar het gesprek")
    await an.until("document.body.dataset.state === 'door' && document.getElementById('preview').videoWidth > 0")
    await an.page.wait_for_load_state("networkidle")
    await an.enter()
    return await _first_frames(call, await _pressed(an), "door")


async def typing(call: Call) -> list[float]:
    """From each key to the other's eyes."""
    an, bart = call.an, call.bart
    for each in (an, bart):
        await each.press("Berichten")
    await an.page.get_by_label("Uw bericht").focus()
    await an.page.keyboard.type(SENTENCE, delay=KEY_MS)
    await bart.until(f"visit.read.at(-1)?.[0] === {SENTENCE!r}")
    typed, read = await an.evaluate("() => visit.typed"), await bart.evaluate("() => visit.read")
    for each in (an, bart):
        await each.press("Sluit berichten")
    return [min(at for there, at in read if there.startswith(words)) - typed_at for words, typed_at in typed]


async def watching(call: Call) -> tuple[dict[str, float], list[float]]:
    """Pictures a second that were shown, by who saw them; and how far sound and picture were apart."""
    await asyncio.sleep(SETTLE_S)
    began = time.time() * 1000
    apart = []
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_S)
        found = [await each.evaluate("() => visit.ahead()") for each in call.both.values()]
        apart += [abs(each) for each in found if each is not None]
    seconds = time.time() - began / 1000
    count = "(since) => visit.frames.filter((at) => at > since).length"
    shown = {name: await each.evaluate(count, began) / seconds for name, each in call.both.items()}
    return shown, apart


async def goodbye(call: Call) -> Times:
    """From "Rond af voor iedereen" to the pop-up at the citizen."""
    await call.bart.press("Gesprek verlaten")
    await call.bart.press("Rond af voor iedereen")
    at = float(await call.an.until("visit.farewells[0]", WITHIN_S))
    # Staff's page has gone on to the wrap-up: what it knew of its buttons, its tab knows.
    await call.bart.page.wait_for_url("**/afronden")
    return {"goodbye": at - await _pressed(call.bart)}


# -- what breaks -----------------------------------------------------------------------------------------------


async def _back(call: Call, since: float) -> Times:
    """When everything was back at the slower of both."""
    script = "([since, within]) => visit.back(since, within)"
    both = await asyncio.gather(*(each.evaluate(script, [since, WITHIN_S * 1000]) for each in call.both.values()))
    return {name: max(each[name] for each in both) for name in ("picture", "sound", "word")}


async def cut(call: Call, line: Network, *, silent: bool) -> Times:
    """Ten seconds without a network, for everybody.  silent: nobody is told, things just do not arrive."""
    line.hush() if silent else line.cut()
    await asyncio.sleep(CUT_S)
    since = time.time() * 1000
    line.speak() if silent else line.mend()
    return await _back(call, since)


async def restart(call: Call, server: Served, *, killed: bool) -> Times:
    """The server begins anew: from when it says that it is ready."""
    await asyncio.to_thread(server.kill if killed else server.stop)
    await asyncio.to_thread(server.start)
    return await _back(call, time.time() * 1000)


async def media_dies(call: Call, server: Served) -> Times:
    """The media process alone: from its death, its successor's start included."""
    assert server.running is not None
    os.kill(server.running.media_pid, signal.SIGKILL)
    since = time.time() * 1000 + LAST_FRAMES_MS
    return {name: LAST_FRAMES_MS + took for name, took in (await _back(call, since)).items()}
