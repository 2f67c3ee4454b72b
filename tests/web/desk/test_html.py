"""Every page of the desk is valid HTML, full, empty and wrong, by the rules that hold for citizens' pages."""

from __future__ import annotations

import subprocess
from pathlib import Path

from balie.booking import reading
from balie.visit import call_request
from tests.support.desk import LIES, Clerk, DeskSite, die, fail_message, receive
from tests.support.till import fill_books
from tests.support.tree import ROOT

CONFIG = ROOT / "tests/web/citizen/html-validate.json"


async def test_every_page_is_valid(desk: DeskSite, bart: Clerk, tmp_path: Path) -> None:
    await bart.sign_in("mia")
    empty = ("", "/afspraken", "/afspraken?zicht=lijst", "/afspraak/nieuw", "/taken", "/taken/antwoorden", "/sessies")
    admin = ("/medewerkers", "/koppelingen", "/koppelingen?toon=overgeslagen", "/boekhouding", "/teksten")
    before = (*empty, *admin, "/aanmelden?uit=1")
    pages = {f"empty-{at}": await bart.get(f"/balie{path}") for at, path in enumerate(before)}
    booked = await desk.book("2026-12-07T10:00", helpers=(LIES,), question="<b>&amp;")
    task_id, letter_id = await fail_message(desk, booked), await receive(desk, booked, "<p>\n&")
    first = await desk.store.read(reading.by_ref, booked.ref)
    await desk.store.write(call_request.ask, desk.now_s, desk.entropy.randbytes, first.people[0].id)
    one = f"/afspraak/{booked.ref}"
    for at, path in enumerate(
        (
            *empty,
            one,
            f"{one}?gedaan=geboekt",
            f"{one}/blad",
            f"{one}/verzetten",
            f"{one}/annuleren",
            f"/afspraak/nieuw?vervolg={booked.ref}",
            f"/taken/antwoorden/{letter_id}",
            "/beschikbaarheid",
        )
    ):
        pages[f"full-{at}"] = await bart.get(f"/balie{path}")
    await fill_books(desk)
    books = ("/boekhouding/2026-000001", "/boekhouding/C2026-000001", "/boekhouding?reeks=2026-12-07_2026-000001")
    for at, path in enumerate((*books, "/boekhouding?nummer=x", "/boekhouding?toon=afgehandeld")):
        pages[f"books-{at}"] = await bart.get(f"/balie{path}")
    dead = await die(desk, "500", "no answer in 10 s")
    for at, path in enumerate(
        (*admin, f"/medewerkers/{desk.office.bart}", f"/medewerkers/{desk.admin}", f"/teksten/{desk.office.badminton}")
    ):
        pages[f"admin-{at}"] = await bart.get(f"/balie{path}")
    pages["start"] = await bart.send(f"/balie/medewerkers/{desk.office.els}", 200, doe="wachtwoord")
    for at, (path, form) in enumerate(
        (
            ("/afspraak/nieuw", {"naam": '"><b>'}),
            (f"{one}/helper", {}),
            (f"{one}/annuleren", {}),
            (f"{one}/verzetten", {}),
            ("/beschikbaarheid/uren", {}),
            ("/beschikbaarheid/dicht", {}),
            (f"/taken/{task_id}", {"doe": "gebeld"}),
            (f"/taken/antwoorden/{letter_id}", {"doe": "antwoord"}),
            ("/sessies/wachtwoord", {}),
            ("/afspraken", {}),
            ("/medewerkers", {"login": '"><b>'}),
            (f"/medewerkers/{desk.admin}", {"doe": "sluit"}),
            (f"/teksten/{desk.office.badminton}", {"welkom_nl": '"><b>'}),
            (f"/koppelingen/{dead[0]}", {"doe": "sla-over"}),
            ("/koppelingen", {}),
            ("/boekhouding/verschillen/1", {}),
            ("/boekhouding/2026-000002", {}),
        )
    ):
        pages[f"wrong-{at}"] = await bart.send(f"/balie{path}", 422, **form)
    pages["found"] = await bart.send("/balie/afspraken", 200, zoek="peeters")
    await bart.send(f"/balie/taken/{task_id}", doe="opnieuw")
    await bart.send(f"/balie/koppelingen/{dead[0]}", doe="sla-over", **{f"reden_{dead[0]}": "Zo."})
    pages["skipped"] = await bart.get("/balie/koppelingen?toon=overgeslagen")
    pages["settled"] = await bart.get("/balie/taken?toon=afgehandeld")
    await bart.send(f"/balie{one}/annuleren", door="burger")
    pages["cancelled"] = await bart.get(f"/balie{one}")
    for name, page in pages.items():
        (tmp_path / f"{name}.html").write_text(page)
    program = str(ROOT / "node_modules/.bin/html-validate")
    command = [program, "--config", str(CONFIG), "--formatter", "text", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert done.returncode == 0, done.stdout + done.stderr
