"""Whether a call went on without a break, as the browser of somebody in it saw it."""

from __future__ import annotations

from typing import Any

from tests.support.visitor import Visitor

CONNECTIONS = 2  # one that publishes, one that subscribes
LOOK_MS = 200
BREAK_MS = 4000
"""No frame of somebody for so long is a picture that stopped.  A machine on which three browsers encode, decode and
open pages takes a second now and then."""
WATCH = """(every_ms) => {
  const seen = new Map();
  const watch = { connections: probe.connections.length, states: [], longest_ms: 0, seen };
  for (const each of probe.connections)
    each.addEventListener("connectionstatechange", () => watch.states.push(each.connectionState));
  const look = async () => {
    for (const connection of probe.connections) {
      if (connection.connectionState === "closed") continue;
      for (const { id, type, kind, framesReceived = 0 } of (await connection.getStats()).values()) {
        if (type !== "inbound-rtp" || kind !== "video") continue;
        // Faces: a screen comes and goes.
        if (!seen.has(id) && watch.begun) continue;
        if (framesReceived > (seen.get(id)?.frames ?? -1)) {
          watch.wait(id);
          seen.set(id, { frames: framesReceived, at: performance.now() });
        }
      }
    }
    watch.begun = true;
    watch.timer = setTimeout(look, every_ms);
  };
  watch.wait = (id) => {
    const { at } = seen.get(id) ?? { at: performance.now() };
    watch.longest_ms = Math.max(watch.longest_ms, Math.round(performance.now() - at));
  };
  window.watch = watch;
  return look();
}"""
STOP = """() => {
  clearTimeout(watch.timer);
  for (const id of watch.seen.keys()) watch.wait(id);
  return { states: watch.states, longest_ms: watch.longest_ms, faces: watch.seen.size,
    now: probe.connections.map((each) => each.connectionState), before: watch.connections };
}"""


class Continuity:
    """Begins before somebody comes in, for his WebSocket is counted too."""

    def __init__(self, somebody: Visitor) -> None:
        self.of, self.sockets = somebody, 0
        somebody.page.on("websocket", self._opened)

    def _opened(self, _socket: object) -> None:
        self.sockets += 1

    async def watch(self) -> None:
        """From now on, when everybody's picture is there."""
        await self.of.evaluate(WATCH, LOOK_MS)

    async def unbroken(self, faces: int) -> dict[str, Any]:
        """Frames of so many faces kept arriving, no connection was made anew or even hesitated.  What was seen."""
        seen: dict[str, Any] = await self.of.evaluate(STOP)
        assert seen["faces"] == faces, seen
        assert seen["longest_ms"] < BREAK_MS, seen
        assert seen["states"] == [], seen
        assert seen["now"] == ["connected"] * CONNECTIONS, seen
        assert seen["before"] == CONNECTIONS, seen
        assert self.sockets == 1, f"{self.sockets} WebSockets"
        return seen
