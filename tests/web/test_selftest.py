"""The self-test's side of the server: rooms for it, how many, and what is shared with staff."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from balie.visit import device_test
from balie.visit.device_test import CODES, DEVICE_ERRORS, DeviceTest
from signalling.errors import TokenError
from tests.support.desk import Clerk, DeskSite, build_desk
from tests.support.site import Client, Site, closed, enter
from web.selftest.pages import ROUTES
from web.selftest.probes import ALLOWANCE, LASTS_S, PROBES, TOKEN_S, Probes
from web.selftest.texts import selftest_texts
from web.selftest.words import findings

OURS = {"Sec-Fetch-Site": "same-origin"}
FINE = {part: next(code for code in codes if code) for part, codes in CODES.items()}


async def token(client: Client) -> str:
    answer = await client.post("/test/proef", headers=OURS)
    assert answer.status == 200
    return str((await answer.json())["token"])


async def test_a_test_needs_no_appointment(client: Client) -> None:
    answer = await client.get("/test")
    assert answer.status == 200
    assert "Start de test" in await answer.text()


async def test_everybody_has_a_room_of_his_own(client: Client, site: Site) -> None:
    joins = [site.tokens.verify(await token(client), site.clock()) for _ in range(2)]
    assert joins[0].room != joins[1].room
    assert all(join.room.startswith("probe-") and join.role == "probe" for join in joins)
    assert not any(join.grants.moderate or "screen" in join.grants.publish for join in joins)


async def test_a_token_is_soon_worth_nothing(client: Client, site: Site) -> None:
    found = await token(client)
    site.clock.now_s += TOKEN_S + 11
    with pytest.raises(TokenError, match="expired"):
        site.tokens.verify(found, site.clock())


async def test_a_room_ends_by_itself(client: Client, site: Site) -> None:
    """Whoever stays in it does not keep it from conversations."""
    planned: list[tuple[float, Callable[[], None]]] = []
    site.balie.web[PROBES].later = lambda wait_s, act: planned.append((wait_s, act))
    socket, welcome = await enter(client, await token(client))
    assert welcome["you"]["role"] == "probe"
    assert site.counts()["rooms"] == 1
    ((wait_s, end),) = planned
    assert wait_s == LASTS_S
    end()
    assert await closed(socket) == 1000
    assert site.counts()["rooms"] == 0


async def test_another_website_cannot_open_rooms(client: Client) -> None:
    assert (await client.post("/test/proef", headers={"Sec-Fetch-Site": "cross-site"})).status == 403


async def test_one_network_has_a_few_at_a_time(client: Client, site: Site) -> None:
    for _ in range(ALLOWANCE.burst):
        await token(client)
    refused = await client.post("/test/proef", headers=OURS)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0
    site.clock.now_s += ALLOWANCE.every_s
    await token(client)


def test_the_counter_has_a_few_at_a_time() -> None:
    """From however many places they come; and what was refused counts for nobody."""
    probes = Probes(most=3)
    assert [probes.wait_s(f"192.0.2.{at}", 1000.0 + at) for at in range(4)] == [0, 0, 0, LASTS_S - 3]
    assert probes.wait_s("192.0.2.3", 1000.0 + LASTS_S) == 0


@pytest.fixture
async def desk(sqlite_store: object) -> DeskSite:
    made = await build_desk(sqlite_store)  # type: ignore[arg-type]
    made.app.add_routes(ROUTES)
    return made


async def test_what_is_shared_is_shown_to_staff(desk: DeskSite, aiohttp_client: AiohttpClient) -> None:
    booked = await desk.book()
    ((participant, link),) = booked.links.items()
    bart = Clerk(await aiohttp_client(desk.app))
    path, form = f"/a/{link}/test", {**FINE, "camera": "busy", "network": "slow", "rtt_ms": "412", "loss_percent": "1"}
    assert "Stuur het resultaat naar de medewerker" in await bart.get(path)
    assert await desk.store.read(device_test.shared, [booked.appointment_id]) == {}, "looking shares nothing"
    assert (await bart.client.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"})).status == 403
    for wrong in ({**form, "camera": "<b>"}, {"camera": "good"}):
        assert (await bart.client.post(path, data=wrong, headers=OURS)).status == 400
    assert (await bart.client.post(path, data=form, headers=OURS)).status == 204
    kept = (await desk.store.read(device_test.shared, [booked.appointment_id]))[participant]
    assert kept.numbers == {"rtt_ms": 412, "loss_percent": 1}
    await bart.sign_in()
    page = await bart.get(f"/balie/afspraak/{booked.ref}")
    for words in ("toestel getest: niet alles werkt", "Camera: in gebruik door een ander programma", "Internet: traag"):
        assert words in page
    assert (await bart.client.post("/a/onbekend/test", data=form, headers=OURS)).status == 404


def test_every_code_that_is_not_fine_has_words() -> None:
    silent = {"good", "untested", "crowded", ""}
    for part in ("browser", "microphone", "camera", "speaker", "network"):
        for code in CODES[part]:
            assert len(findings(DeviceTest({**FINE, part: code}))) == (code not in silent), (part, code)


def test_every_code_has_words_and_advice_for_whom_it_is_about() -> None:
    texts = selftest_texts("02")
    unnamed = {("browser", "in_app")}  # its words name the app
    for part in ("browser", "microphone", "camera", "speaker", "network"):
        for code in CODES[part]:
            assert (part, code) in unnamed or texts[f"found_{part}_{code}"]
    for code in DEVICE_ERRORS:
        for device in ("camera", "microphone"):
            assert f"fix_{code}" in texts or f"fix_{code}_{device}" in texts, "of every browser and system"
