"""/healthz, /readyz and /metrics: what supervisors and Prometheus hear."""

from __future__ import annotations

import re

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from tests.support.site import Client, Site, closed, enter
from tests.support.tree import text


async def test_alive_is_not_ready(client: Client, site: Site) -> None:
    for ready, status in ((False, 503), (True, 200), (False, 503)):
        site.balie.readiness.ready = ready
        assert (await client.get("/readyz")).status == status
        assert (await client.get("/healthz")).status == 200


async def test_not_ready_any_more_once_it_stops(site: Site) -> None:
    async with TestClient(TestServer(site.balie.web)) as client:
        site.balie.readiness.ready = True
        socket, _ = await enter(client, site.token())
        await site.balie.web.shutdown()
        assert await closed(socket) == 1000
        assert (await client.get("/readyz")).status == 503
        assert (await client.get("/healthz")).status == 200


async def values(client: Client) -> dict[str, float]:
    """Samples by name, of what is ours."""
    response = await client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(await response.text())
    return {
        sample.name + "".join(f"/{value}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("balie_")
    }


async def test_metrics_are_what_prometheus_reads_and_the_manual_names(client: Client) -> None:
    families = list(text_string_to_metric_families(await (await client.get("/metrics")).text()))
    ours = {family.name: family for family in families if family.name.startswith("balie_")}
    names = {name + ("_total" if family.type == "counter" else "") for name, family in ours.items()}
    documented = dict(re.findall(r"^\| `(balie_\w+)` \| (gauge|counter) \|", text("docs/operations.md"), re.MULTILINE))
    assert names == set(documented)
    for name, family in ours.items():
        assert documented.get(name, documented.get(f"{name}_total")) == family.type
        assert family.documentation
    assert {"process_resident_memory_bytes", "python_gc_objects_collected"} <= {family.name for family in families}


async def test_metrics_count_what_happens(client: Client, site: Site) -> None:
    assert not any((await values(client)).values())
    await enter(client, site.token("an"))
    await client.ws_connect("/ws")
    counted = await values(client)
    assert {name: counted[f"balie_{name}"] for name in ("rooms", "participants", "sessions", "connections")} == {
        "rooms": 1,
        "participants": 1,
        "sessions": 1,
        "connections": 2,
    }
    assert "balie_dropped_total/junk" in counted


async def test_metrics_name_nobody(client: Client, site: Site) -> None:
    await enter(client, site.token("geheimzinnig", room="geheime-kamer"))
    assert "geheim" not in await (await client.get("/metrics")).text()
