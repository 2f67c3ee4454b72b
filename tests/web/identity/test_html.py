"""Every page on which one shows who one is, is valid HTML."""

from __future__ import annotations

import subprocess
from pathlib import Path

from aiohttp import web

from tests.support.identified import Browser, Town, come_back, depart, get, link_in, post
from tests.support.oidc import Person
from tests.support.tree import ROOT

CONFIG = ROOT / "tests/web/citizen/html-validate.json"


async def test_every_page_is_valid(here: Town, an: Browser, tmp_path: Path) -> None:
    _, page, _ = await here.book()
    place, jan = f"{page}/identificeren", Person("2", {"given_name": "Jan", "family_name": "<Claes> & zoon"})
    pages = {
        "mine-open": await get(an, page),
        "identify": await get(an, place),
        "entry": await get(an, "/balie/aanmelden"),
    }
    pages["qr"], _ = await post(an, f"{place}/code")
    pages["start"] = await get(an, link_in(pages["qr"]))
    pages["leaving"], _ = await post(an, link_in(pages["qr"]))
    pages["over"] = await get(an, link_in(pages["qr"]), 410)
    here.op.bad.back = lambda query: {"state": query["state"], "error": "access_denied"}
    pages["back-wrong"], _ = await come_back(an, here.op, await depart(an, place), status=400)
    pages["identify-again"] = await get(an, place)
    here.op.bad.back = lambda query: query
    pages["back"], _ = await come_back(an, here.op, await depart(an, place), jan)
    pages["identified"], pages["mine-done"] = await get(an, place), await get(an, page)
    pages["out"] = await get(an, "/identificatie/afgemeld")
    here.op.bad.claims = lambda found: {**found, "vo_orgcode": ""}
    url = await depart(an, "/balie/aanmelden/organisatie")
    pages["staff-refused"], _ = await come_back(an, here.op, url, jan, 403)
    here.desk.clock.now_s += 3600
    here.op.bad.instead["/.well-known/openid-configuration"] = lambda _: web.Response(status=503)
    pages["down"], _ = await post(an, "/balie/aanmelden/organisatie", 503)
    for name, text in pages.items():
        (tmp_path / f"{name}.html").write_text(text)
    validate = str(ROOT / "node_modules/.bin/html-validate")
    command = [validate, "--config", str(CONFIG), "--formatter", "text", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert done.returncode == 0, done.stdout + done.stderr
