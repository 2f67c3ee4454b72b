"""GET /healthz, /readyz and /metrics: for supervisors and Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from media.process.media import Media
from signalling.hub import Hub
from signalling.whip import HttpSessions
from web.keys import HTTP_SESSIONS, HUB, MEDIA, READINESS

GAUGES = {
    "rooms": "Rooms with somebody in them",
    "participants": "People in rooms",
    "waiting": "People who wait to be let in",
    "sessions": "WebSocket sessions, also those waiting for a resume",
    "connections": "Open WebSockets",
    "http_sessions": "WHIP and WHEP connections",
    "transports": "Peer connections",
    "tracks": "Published tracks",
    "subscriptions": "Tracks going to somebody",
    "keyframe_waits": "Tracks that a viewer waits for a key frame of",
}
COUNTERS = {
    "packets_received": "RTP packets that arrived and were genuine",
    "packets_forwarded": "RTP packets sent to viewers",
}


class _Balie(Collector):
    """Reads the counters when it is asked for them; nothing is kept twice."""

    def __init__(self, media: Media, hub: Hub, http_sessions: HttpSessions) -> None:
        self._media, self._hub, self._http_sessions = media, hub, http_sessions

    def collect(self) -> Iterator[Metric]:
        values = {**self._media.engine.totals(), **self._hub.counts(), "http_sessions": self._http_sessions.count()}
        for name, text in GAUGES.items():
            yield GaugeMetricFamily(f"balie_{name}", text, value=values[name])
        for name, text in COUNTERS.items():
            yield CounterMetricFamily(f"balie_{name}", text, value=values[name])
        dropped = CounterMetricFamily("balie_dropped", "Datagrams not forwarded, by reason", labels=["reason"])
        for reason, count in self._media.engine.drops().items():
            dropped.add_metric([reason], count)
        yield dropped


REGISTRY = web.AppKey("REGISTRY", CollectorRegistry)


def set_up_metrics(app: web.Application) -> None:
    registry = CollectorRegistry()
    registry.register(_Balie(app[MEDIA], app[HUB], app[HTTP_SESSIONS]))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    app[REGISTRY] = registry


async def healthz(_: web.Request) -> web.Response:
    """200 while the loop turns."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """200 when calls are welcome, 503 before that and while draining."""
    ready = request.app[READINESS].ready
    return web.Response(text="ready\n" if ready else "not ready\n", status=200 if ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """Prometheus text format."""
    return web.Response(body=generate_latest(request.app[REGISTRY]), headers={"Content-Type": CONTENT_TYPE_LATEST})
