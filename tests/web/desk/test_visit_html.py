"""The pages of a visit as staff has them are valid HTML: full, empty and wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

from balie.booking import reading
from balie.visit import device_test
from tests.support.desk import LIES, TUESDAY_1030, Clerk, DeskSite, arrive
from tests.support.office import unix_s
from tests.support.tree import ROOT
from tests.web.desk.test_html import CONFIG
from tests.web.desk.test_live import PERFECT

AROUND = """<!doctype html>
<html lang="nl"><head><title>Gesprek</title></head><body><main><h1>Gesprek</h1><h2>Voor de medewerker</h2>
{part}</main></body></html>
"""


async def test_every_page_of_a_visit_is_valid(desk: DeskSite, bart: Clerk, tmp_path: Path) -> None:
    booked = await desk.book(helpers=(LIES,), question="<b>&amp;")
    desk.clock.now_s = unix_s(TUESDAY_1030)
    await bart.sign_in("bart")
    found = await desk.store.read(reading.by_ref, booked.ref)
    args = (desk.now_s, found.people[0].id, PERFECT, {"rtt_ms": 20, "loss_percent": 0})
    await desk.store.write(device_test.note, *args)
    for name in ("An Peeters", "Lies De Smet"):
        arrive(desk, found, name)
    place = f"/balie/gesprek/{booked.ref}"
    step = {"stap_tekst": '"><b>', "stap_wie": "office", "stap_dag": "2026-12-11"}
    parts = {
        "invited": await bart.send(f"{place}/uitnodigen", 200, helper_naam='"><b>', helper_rol="other"),
        "not-invited": await bart.send(f"{place}/uitnodigen", 422),
        "agreed": await bart.send(f"{place}/stappen", 200, **step),
        "not-agreed": await bart.send(f"{place}/stappen", 422),
        "not-given": await bart.send(f"{place}/doorgeven", 422),
        "not-noted": await bart.send(f"{place}/notitie", 422, notitie="x" * 5000),
    }
    call = await bart.get(place)
    parts["lobby"] = call[call.index('<div id="panel-top"') : call.index('<div id="panel-parts">')]
    dialogs = call[call.index('<dialog id="admit-who"') :]
    parts["dialogs"] = dialogs[: dialogs.index("</section>")]
    pages = {name: AROUND.format(part=part) for name, part in parts.items()}
    pages["today"] = await bart.get("/balie")
    for name, page in pages.items():
        (tmp_path / f"{name}.html").write_text(page)
    program = str(ROOT / "node_modules/.bin/html-validate")
    command = [program, "--config", str(CONFIG), "--formatter", "text", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert done.returncode == 0, done.stdout + done.stderr
