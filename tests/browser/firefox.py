"""Firefox as it is installed, driven by its own WebDriver BiDi (w3.org/TR/webdriver-bidi) over a WebSocket.

Playwright drives only a Firefox that it patched itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.support.visitor import PROBE, Person

FIREFOX = "/usr/bin/firefox-esr"
PREFERENCES = {
    "media.navigator.streams.fake": True,
    # Allowed, as by a citizen: Firefox then offers all addresses of the machine, and of these the one that stays in it.
    "permissions.default.camera": 1,
    "permissions.default.microphone": 1,
    "media.peerconnection.ice.loopback": True,
    "media.autoplay.default": 0,
    # The H264 plugin is fetched from elsewhere.
    "media.gmp-manager.url": "",
    "intl.accept_languages": "nl-BE, nl",
}
STOP_S = 10


class FirefoxError(Exception):
    """Firefox did not do what it was told."""


class Bidi:
    """Commands to a browser, and its events."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.events: list[dict[str, Any]] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                break
            said = json.loads(message.data)
            if said["type"] == "event":
                self.events.append(said)
            elif (answer := self._answers.pop(said["id"], None)) is not None:
                answer.set_result(said)
        for answer in self._answers.values():
            answer.set_exception(FirefoxError("Firefox went away"))

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        said = await answer
        if said["type"] == "error":
            raise FirefoxError(f"{method}: {said['error']}: {said['message']}")
        result: dict[str, Any] = said["result"]
        return result

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


class FirefoxVisitor(Person):
    """One person in Firefox, with its fake camera and microphone."""

    def __init__(self, bidi: Bidi, context: str, origin: str) -> None:
        super().__init__(origin)
        self._bidi, self._context = bidi, context

    async def goto(self, link: str) -> None:
        await self._bidi.do("browsingContext.navigate", context=self._context, url=link, wait="complete")

    async def evaluate(self, function: str, argument: Any = None) -> Any:
        """Arguments, results and errors travel as JSON: BiDi's own types say more than a test asks."""
        said = await self._bidi.do(
            "script.callFunction",
            functionDeclaration=f"""async (given) => {{
                const done = async () => [await ({function})(JSON.parse(given)) ?? null];
                return JSON.stringify(await done().catch((error) => [null, String(error)]));
            }}""",
            arguments=[{"type": "string", "value": json.dumps(argument)}],
            target={"context": self._context},
            awaitPromise=True,
        )
        if said["type"] == "exception":
            raise FirefoxError(said["exceptionDetails"]["text"])
        value, *error = json.loads(said["result"]["value"])
        if error:
            raise FirefoxError(error[0])
        return value

    async def press(self, name: str) -> None:
        locator = {"type": "accessibility", "value": {"role": "button", "name": name}}
        found = await self._bidi.do("browsingContext.locateNodes", context=self._context, locator=locator)
        (button,) = found["nodes"]
        origin = {"type": "element", "element": {"sharedId": button["sharedId"]}}
        steps = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        actions = [{"type": "pointer", "id": "mouse", "actions": steps}]
        await self._bidi.do("input.performActions", context=self._context, actions=actions)

    @property
    def complaints(self) -> list[str]:
        self._complaints.clear()
        for event in self._bidi.events:
            said = event["params"]
            if event["method"] == "log.entryAdded":
                self.said(said["level"], said["text"] or "", said["source"].get("realm", ""))
            else:
                self.requested(said["request"]["url"])
        return super().complaints


@asynccontextmanager
async def firefox(profile: Path, origin: str) -> AsyncIterator[FirefoxVisitor]:
    """A Firefox of his own for somebody."""
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    arguments = ("--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank")
    process = await asyncio.create_subprocess_exec(FIREFOX, *arguments, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    reader: asyncio.Task[bytes] | None = None
    try:
        address = await _listening(process.stderr)
        reader = asyncio.create_task(process.stderr.read())  # or a full pipe would stop Firefox
        async with ClientSession() as client, client.ws_connect(f"{address}/session", max_msg_size=0) as socket:
            bidi = Bidi(socket)
            await bidi.do("session.new", capabilities={})
            tree = await bidi.do("browsingContext.getTree")
            await bidi.do("script.addPreloadScript", functionDeclaration=f"() => {{ {PROBE} }}")
            await bidi.do("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
            yield FirefoxVisitor(bidi, tree["contexts"][0]["context"], origin)
            await bidi.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if reader is not None:
            await reader


async def _listening(stderr: asyncio.StreamReader) -> str:
    written = ""
    while line := (await stderr.readline()).decode():
        written += line
        if (found := re.search(r"listening on (ws://\S+)", line)) is not None:
            return found[1]
    raise FirefoxError(f"Firefox did not start: {written}")
