"""GET /healthz, /readyz and /metrics: for supervisors and Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from balie.acts.service import Reports
from web.keys import ACTS, HTTP_SESSIONS, HUB, MEDIA, READINESS

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
    "tcp_connections": "Open TCP connections to the media port",
}
COUNTERS = {
    "packets_received": "RTP packets that arrived and were genuine",
    "packets_forwarded": "RTP packets sent to viewers",
    "tcp_accepted": "TCP connections to the media port that were accepted",
    "tcp_refused": "TCP connections that were over a limit, or made room for a newer one",
    "tcp_strangers": "TCP connections that did not begin with a genuine connectivity check",
    "tcp_stalled": "TCP connections closed because their peer took nothing any more",
    "payment_reports": "Words of payment providers about a payment of ours",
    "payment_reports_unknown": "Words about payments that we do not know, or that were none",
}


class _Balie(Collector):
    """Reads the counters when it is asked for them; nothing is kept twice."""

    def __init__(self, app: web.Application) -> None:
        self._media, self._hub, self._http_sessions, self._app = app[MEDIA], app[HUB], app[HTTP_SESSIONS], app

    def collect(self) -> Iterator[Metric]:
        values = {**self._media.engine.totals(), **self._hub.counts(), "http_sessions": self._http_sessions.count()}
        reports = self._app[ACTS].reports if ACTS in self._app else Reports()
        values |= {"payment_reports": reports.known, "payment_reports_unknown": reports.unknown}
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
    registry.register(_Balie(app))
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
