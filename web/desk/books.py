"""/balie/boekhouding: documents of payments, what of them bookkeeping has, and what does not agree."""

from __future__ import annotations

from datetime import date

from aiohttp import web

from balie.booking.errors import NotFound
from balie.bookkeeping import answers, overview
from balie.bookkeeping.answers import Outcome
from balie.bookkeeping.overview import Mismatch, Paper
from balie.i18n import amount_words, day_words, moment_words, month_words
from balie.i18n import gettext as _
from balie.post import receipt
from balie.store.engine import Tx
from web.desk.desk import Desk, go

PLACE = "/balie/boekhouding"
OUTCOME_MAX = 500
NUMBER = "{number:C?[0-9]{4}-[0-9]{6,9}}"


def _kinds() -> dict[str, str]:
    return {"receipt": _("Bewijs van betaling"), "invoice": _("Factuur"), "credit": _("Creditnota")}


def _reasons() -> dict[str, str]:
    """Why a word of bookkeeping is a mismatch, and what to do."""
    return {
        "unknown": _("Dit nummer kennen we niet. Kijk in de boekhouding welk stuk dit is."),
        "other_reference": _("Dit stuk had al een ander kenmerk. Kijk of het twee keer geboekt is."),
        "unreadable": _("Dit konden we niet lezen. Vraag de boekhouding om het opnieuw te sturen."),
    }


async def show(desk: Desk) -> web.StreamResponse:
    """GET /balie/boekhouding; ?nummer= looks one up, ?reeks= shows a batch, ?toon=afgehandeld closed mismatches."""
    number = desk.request.query.get("nummer", "").strip().upper()
    if number:
        try:
            found = await desk.read(overview.by_number, desk.member.services, number)
        except NotFound:
            desk.form.fail("nummer", _("We vonden geen stuk met dit nummer."))
        else:
            return go(f"{PLACE}/{found.content.number}")
    return await _show(desk, asked=number)


async def _show(desk: Desk, status: int = 200, asked: str = "") -> web.Response:
    query, services, zone = desk.request.query, desk.member.services, desk.member.zone
    closed, batch = query.get("toon") == "afgehandeld", query.get("reeks", "")

    def look(tx: Tx) -> dict[str, object]:
        waits, since_s = overview.waiting(tx, services)
        papers = overview.of_batch(tx, services, batch) if batch else overview.unacknowledged(tx, services)
        return {
            "months": [_month(each) for each in overview.months(tx, services)],
            "batches": [_batch(each, zone) for each in overview.batches(tx, services)],
            "papers": [_told(each) for each in papers],
            "mismatches": [_mismatch(each, zone) for each in overview.mismatches(tx, closed=closed)],
            "waits": waits,
            "waits_since": moment_words(since_s, zone) if since_s is not None else "",
        }

    found = await desk.read(look)
    return await desk.show("books.html", status=status, closed=closed, batch=batch, asked=asked, **found)


def _month(each: overview.Month) -> dict[str, object]:
    return {
        "name": month_words(date.fromisoformat(f"{each.month}-01")),
        "number": each.number,
        "received": amount_words(each.received),
        "credited": amount_words(each.credited),
        "total": amount_words(each.total),
        "vat": amount_words(each.vat),
    }


def _batch(each: overview.Batch, zone: str) -> dict[str, object]:
    return {
        "name": each.name,
        "when": moment_words(each.exported_s, zone),
        "number": each.number,
        "missing": each.number - each.acknowledged,
    }


def _told(paper: Paper) -> dict[str, object]:
    content = paper.content
    return {
        "number": content.number,
        "kind": _kinds()[content.kind],
        "day": day_words(date.fromisoformat(content.day)),
        "buyer": content.buyer,
        "what": content.line.description,
        "amount": amount_words(content.sums.gross),
        "vat": amount_words(content.sums.vat),
        "refers_to": content.refers_to,
        "method": receipt.method_words(content.paid.method),
        "communication": _communication(content.paid.ogm),
        "ref": paper.ref,
        "batch": paper.exported_as,
        "exported": moment_words(paper.exported_s, paper.zone) if paper.exported_s is not None else "",
        "acknowledged": moment_words(paper.acknowledged_s, paper.zone) if paper.acknowledged_s is not None else "",
        "reference": paper.acknowledged_ref,
    }


def _communication(ogm: str) -> str:
    return f"+++{ogm[:3]}/{ogm[3:7]}/{ogm[7:]}+++" if ogm else ""


def _mismatch(each: Mismatch, zone: str) -> dict[str, object]:
    return {
        "id": each.id,
        "number": each.number,
        "reference": each.reference,
        "why": _reasons()[each.reason],
        "source": _source(each.source),
        "when": moment_words(each.at_s, zone),
        "closed": moment_words(each.closed_s, zone) if each.closed_s is not None else "",
        "staff": each.staff_name,
        "outcome": each.outcome,
    }


def _source(source: str) -> str:
    """Who said it."""
    if source.startswith("terug/"):
        return _("bestand {name}").format(name=source.removeprefix("terug/"))
    return _("een collega") if source.startswith("staff:") else _("een ander systeem")


async def one(desk: Desk) -> web.StreamResponse:
    """GET /balie/boekhouding/{number}"""
    return await _one(desk, await _found(desk))


async def _one(desk: Desk, paper: Paper, status: int = 200) -> web.Response:
    return await desk.show("paper.html", status=status, paper=_told(paper))


async def download(desk: Desk) -> web.StreamResponse:
    """GET /balie/boekhouding/{number}/ubl: the file, to be kept and never to be shown by the browser."""
    paper = await _found(desk)
    headers = {"Content-Disposition": f'attachment; filename="{paper.content.number}.xml"'}
    return web.Response(body=paper.ubl.encode(), content_type="application/xml", charset="utf-8", headers=headers)


async def acknowledge(desk: Desk) -> web.StreamResponse:
    """POST /balie/boekhouding/{number}: bookkeeping has it, under this reference (referentie)."""
    paper = await _found(desk)
    required = _("Vul het kenmerk in dat de boekhouding aan dit stuk gaf.")
    reference = desk.form.text("referentie", required, most=answers.REFERENCE_MAX)
    if not desk.form.errors:
        number, actor = paper.content.number, desk.member.actor
        said: Outcome = await desk.write(answers.acknowledge, desk.now_s, number, reference, actor)
        if said in ("taken", "again"):
            return go(f"{PLACE}/{number}", "geboekt-stuk")
        wrong = _("Dit stuk heeft al een ander kenmerk. We zetten het bij de verschillen.")
        desk.form.fail("referentie", wrong)
    return await _one(desk, await _found(desk), 422)


async def close(desk: Desk) -> web.StreamResponse:
    """POST /balie/boekhouding/verschillen/{id}: somebody looked at it, and says what it was."""
    mismatch_id = int(desk.request.match_info["id"])
    field = f"uitleg-{mismatch_id}"
    outcome = desk.form.text(field, _("Schrijf wat er aan de hand was."), most=OUTCOME_MAX)
    if not desk.form.errors:
        if await desk.write(answers.close, desk.now_s, mismatch_id, desk.member.id, outcome):
            return go(PLACE, "verschil")
        desk.form.fail("verschillen", _("Dit verschil is al afgehandeld."))
    return await _show(desk, 422)


async def _found(desk: Desk) -> Paper:
    """Of a service of his; 404 else."""
    try:
        return await desk.read(overview.by_number, desk.member.services, desk.request.match_info["number"])
    except NotFound:
        raise web.HTTPNotFound from None
