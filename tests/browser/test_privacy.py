"""A whole visit, from the booking to the survey, looked at for what it leaves and lets out: nothing that is not listed.

What pages keep in the browser is compared with the list of web.information.kept, both ways; every request that
arrives is looked at on the server; and all that the process writes is searched for tokens, names and addresses.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from aiohttp import web
from playwright.async_api import Browser, WebSocket, expect

from balie import log
from balie.app import Balie
from balie.identity import logins
from signalling.tokens import Join, default_grants
from tests.browser.test_visit_desk import WIDE, Counter, counting, go_in, let_in
from tests.support.access import check
from tests.support.hurry import QUICKER, SHORT_WAITS
from tests.support.town import follow, heading, press
from tests.support.visitor import Visitor
from web import keys
from web.citizen import draft
from web.identity import leaving
from web.information.kept import kept

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

# Whatever a page keeps, in whatever way, is told to the test at once: what is gone again later counts too.
WATCH = """
  const set = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    void tellTest(this === localStorage ? "device" : "tab", key);
    return set.call(this, key, value);
  };
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  const refuse = { ...cookie, set(value) { void tellTest("script cookie", value); } };
  Object.defineProperty(Document.prototype, "cookie", refuse);
  const ways = [["IDBFactory", "open"], ["CacheStorage", "open"], ["ServiceWorkerContainer", "register"]];
  for (const [name, way] of ways) {
    const owner = window[name];
    if (!owner) continue; // in an empty tab
    const real = owner.prototype[way];
    owner.prototype[way] = function (...all) {
      void tellTest(name, String(all[0]));
      return real.apply(this, all);
    };
  }
"""
LEFT = """async () => ({
  databases: await indexedDB.databases(), caches: await caches.keys(),
  workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""
IN_PATH = re.compile(r"/(?:a|g|b|bevestigd)/([\w-]{20,})")
SAID = re.compile(r'"(?:token|secret|session)": ?"([^"]{12,})"')
ELSEWHERE = {("cookie", f"{logins.COOKIE}-…"), ("cookie", leaving.SIGNED_IN_WITH)}
"""Of who identifies himself with somebody else; this visit does not."""
PEOPLE = ("An Peeters", "an.peeters", "Bart Claes", "Piet", "32470", "0470", "piet@example.org", "127.0.0.1", "::1")


@dataclass
class Watch:
    """What a test sees of a visit.

    found    (place, name) of what was kept
    seen     (path, Referer, policy) of every request
    secrets  tokens of every kind
    """

    found: set[tuple[str, str]] = field(default_factory=set)
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    async def request(self, request: web.Request, response: web.StreamResponse) -> None:
        """on_response_prepare."""
        policy = response.headers.get("Content-Security-Policy", "")
        self.seen.append((request.path, request.headers.get("Referer", ""), policy))
        self.secrets.update(IN_PATH.findall(request.path + response.headers.get("Location", "")))
        for name, cookie in response.cookies.items():
            if cookie.value:
                self.found.add(("cookie", name))
            if name == "balie" and cookie.value:
                self.secrets.add(cookie.value)
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            self.secrets.update(SAID.findall(response.body.decode(errors="replace")))

    async def over(self, somebody: Visitor) -> Visitor:
        """Watch one person's browser, before he opens anything."""
        context = somebody.page.context
        await context.expose_binding("tellTest", lambda _, place, name: self.found.add((place, name)))
        await context.add_init_script(WATCH)
        somebody.page.on("websocket", self._socket)
        return somebody

    def _socket(self, socket: WebSocket) -> None:
        def said(frame: str | bytes) -> None:
            self.secrets.update(SAID.findall(frame if isinstance(frame, str) else ""))

        socket.on("framesent", said)
        socket.on("framereceived", said)

    async def look(self, somebody: Visitor, *, own: str = "") -> None:
        """At the page as it is now: its words, its address, what it keeps.  own: a token that its address may have."""
        title = await somebody.page.title()
        text = await somebody.evaluate("() => document.body.innerText")
        assert not [each for each in self.secrets if each in title or each in text]
        assert not [each for each in self.secrets - {own} if each in somebody.page.url]
        assert await somebody.evaluate(LEFT) == {"databases": [], "caches": [], "workers": 0}


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    """All that this process and the media process write, at the level that says most.  Logging is put back."""
    root, access = logging.getLogger(), logging.getLogger("aiohttp.access")
    before = root.handlers[:], root.level, access.disabled
    path, stderr = tmp_path / "log", os.dup(2)
    with path.open("a") as file:
        os.dup2(file.fileno(), 2)
        log.set_up("debug", "json", file)
        yield path
        os.dup2(stderr, 2)
        os.close(stderr)
        root.handlers[:], access.disabled = before[0], before[2]
        root.setLevel(before[1])
        structlog.reset_defaults()


async def history(somebody: Visitor) -> list[str]:
    """The addresses behind the browser's own buttons."""
    session = await somebody.page.context.new_cdp_session(somebody.page)
    return [each["url"] for each in (await session.send("Page.getNavigationHistory"))["entries"]]


async def book(an: Visitor, watch: Watch) -> None:
    """A booking with another language on the way; then my appointment, from its first page to its last."""
    page = an.page
    await an.goto(f"{an.origin}/")
    await press(page, "Français")
    await press(page, "Nederlands")
    for path in ("/hulp", "/privacy", "/cookies", "/toegankelijkheid"):
        await page.locator(f'footer a[href="{path}"]').click()
        await page.wait_for_url(f"**{path}")
        await watch.look(an)
        await check(an, path)
    await an.goto(f"{an.origin}/afspraak/nieuw/tijd?product=badminton")
    await page.locator("button[name=start]").first.click()
    await page.get_by_label("Uw naam").fill("Piet Janssens")
    await page.get_by_label("E-mailadres", exact=True).fill("piet@example.org")
    await press(page, "Kijk alles na")
    await watch.look(an)
    await press(page, "Maak de afspraak")
    await heading(page, "Uw afspraak is gemaakt")
    (token,) = IN_PATH.findall(page.url)
    await watch.look(an, own=token)
    await follow(page, "Bekijk uw afspraak")
    await heading(page, "Uw afspraak")
    await watch.look(an, own=token)
    await follow(page, "Annuleer de afspraak")
    await press(page, "Annuleer de afspraak")
    await heading(page, "Uw afspraak is geannuleerd")
    for path in (f"/a/{token}", f"/g/{token}", f"/a/{token}/x", f"/b/{token}"):
        answer = await page.goto(an.origin + path)
        assert answer is not None and answer.status >= 400, path
        await watch.look(an, own=token)


async def try_out(an: Visitor, counter: Counter) -> None:
    """The test of a device, from one's own appointment."""
    await an.goto(f"{counter.link.replace('/g/', '/a/')}/test")
    await an.evaluate(SHORT_WAITS, QUICKER)
    await an.press("Start de test")
    await an.press("Speel een geluid af")
    await an.press("Ja, ik hoorde het")
    await an.until("!document.getElementById('result').hidden", 25)


async def sit(bart: Visitor, counter: Counter) -> None:
    """Bart signs in and chooses how he is told."""
    await bart.goto(f"{counter.origin}/balie")
    await bart.page.get_by_label("Gebruikersnaam").fill("bart")
    await bart.page.get_by_label("Wachtwoord").fill("voorbeeld-van-een-zin")
    await bart.press("Meld u aan")
    sound = bart.page.get_by_label("Geluid als iemand op mij wacht")
    await expect(sound).to_be_checked()  # by the script, that listens from now on
    await sound.uncheck()
    await bart.page.get_by_label("Melding op mijn scherm").check()


async def try_everything(an: Visitor) -> None:
    """Whatever a citizen can choose in a call."""
    page = an.page
    await an.press("Microfoon uitzetten")
    await an.press("Camera uitzetten")
    await an.press("Instellingen")
    await page.locator("#devices select[data-devices=microphone]").select_option(index=1)
    await page.get_by_label("Ik gebruik gebarentaal").check()
    await an.press("Sluit dit venster")
    await an.press("Berichten")
    await page.get_by_label("Anderen lezen mee terwijl ik typ").uncheck()
    await page.get_by_label("Uw bericht").fill("Dag")
    await an.press("Verstuur")
    await expect(page.get_by_role("log")).to_contain_text("Dag")


async def say_goodbye(an: Visitor, bart: Visitor) -> None:
    await bart.press("Gesprek verlaten")
    await bart.press("Rond af voor iedereen")
    await an.press("Geef uw mening")
    await an.page.get_by_role("dialog").get_by_label("Heel tevreden", exact=True).check()
    await an.press("Verstuur mijn mening")
    await expect(an.page.get_by_role("dialog")).to_contain_text("Bedankt voor uw mening.")
    await heading(bart.page, "Rond af: An Peeters")
    await bart.press("Rond af")
    await bart.press("Meld u af")


def of_a_program(balie: Balie) -> str:
    """A join token in an address, as a program makes one."""
    join = Join("lies", "elders", "third", "Lies Peeters", default_grants("third"))
    return balie.web[keys.HUB].tokens.mint(join, int(time.time()))


@dataclass
class Stage:
    counter: Counter
    watch: Watch
    token: str


@pytest_asyncio.fixture(loop_scope="session")
async def stage(whole_chromium: Browser, written: Path) -> AsyncIterator[Stage]:
    watch, found = Watch(), []

    async def fail(request: web.Request) -> web.Response:
        raise RuntimeError(f"cannot serve {request.url} to {request.remote}")

    def prepare(balie: Balie) -> None:
        balie.web.on_response_prepare.append(watch.request)
        balie.web.router.add_get("/stuk/g/{token}", fail)
        found.append(balie)

    async with counting(whole_chromium, prepare) as counter:
        yield Stage(counter, watch, of_a_program(found[0]))


async def test_a_visit_leaves_what_is_listed_and_lets_nothing_out(stage: Stage, written: Path) -> None:
    counter, watch = stage.counter, stage.watch
    an, bart = await watch.over(await counter.come()), await watch.over(await counter.come(viewport=WIDE))
    await bart.page.context.grant_permissions(["camera", "microphone", "notifications"])
    for each in (an, bart):
        each.expected.append("Failed to load resource: the server responded with a status of [45]")
    await book(an, watch)
    await try_out(an, counter)
    await sit(bart, counter)
    # A mail's link opens in a tab of its own.
    (own,) = IN_PATH.findall(counter.link)
    an = await tab(an, watch)
    await an.open(counter.link)
    await expect(an.page.locator("#door-tested")).to_contain_text("toestel")
    await watch.look(an, own=own)
    await an.enter()
    await an.until("document.body.dataset.state === 'waiting'")
    assert await history(an) == ["about:blank", f"{counter.origin}/call"], "no personal link behind the back button"
    assert await an.evaluate("() => [history.length, history.state, location.pathname]") == [2, None, "/call"]
    await watch.look(an)
    await go_in(bart)
    await let_in(bart)
    await an.pictures(1)
    await try_everything(an)
    await an.page.reload()
    await an.tiles("Bart Claes")
    await watch.look(an)
    assert await history(an) == ["about:blank", f"{counter.origin}/call"]
    await say_goodbye(an, bart)
    await watch.look(an)
    assert await history(an) == ["about:blank", f"{counter.origin}/call"]
    # A mistake of ours says nothing, to nobody: neither on the page nor in the log, where it is written down.
    answer = await an.page.goto(f"{counter.origin}/stuk/g/{own}")
    assert answer is not None and answer.status == 500 and own not in await answer.text()
    await watch.look(an, own=own)
    # Somebody whom a program sent.
    watch.secrets.add(stage.token)
    an = await tab(an, watch)
    await an.open(f"{counter.origin}/call#{stage.token}")
    await an.enter()
    await an.status("We wachten op de anderen")
    await watch.look(an)
    assert await history(an) == ["about:blank", f"{counter.origin}/call"]
    await an.press("Gesprek verlaten")

    assert watch.found == {(each.place, each.name) for each in kept()} - ELSEWHERE
    cookies = {each["name"] for each in await an.page.context.cookies()}
    assert cookies == {"taal", draft.COOKIE} and await bart.page.context.cookies() == []
    assert {referrer for _, referrer, _ in watch.seen} == {""}
    for path, _, policy in watch.seen:
        assert "default-src 'none'" in policy and "unsafe" not in policy, path
        assert "*" not in policy, path
    _nothing_in(written, watch)


async def tab(somebody: Visitor, watch: Watch) -> Visitor:
    """Another tab of the same browser."""
    other = Visitor(await somebody.page.context.new_page(), somebody.origin)
    other.expected = somebody.expected
    other._complaints = somebody._complaints
    other.page.on("websocket", watch._socket)
    return other


def _nothing_in(written: Path, watch: Watch) -> None:
    logs = written.read_text()
    assert len(watch.secrets) >= 10, "links, goodbye, join tokens, sessions of the desk and of WebSockets"
    assert '"request_failed"' in logs and "cannot serve" in logs, "a log that is empty proves nothing"
    assert not [each for each in watch.secrets if each in logs]
    assert not [each for each in PEOPLE if each in logs]
