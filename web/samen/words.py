"""What the panel says of steps and of what answers them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from balie.i18n import amount_words, day_words, local, time_words
from balie.i18n import gettext as _
from balie.record.guided import PAID, Guided, Kept, Paid, Paper, Proof, Step
from balie.samen.state import Reader
from balie.visit.settled import Settled
from web.desk.words import phone_words
from web.identity import words as identity_words


def titles() -> dict[str, str]:
    """What each kind of step asks, of the citizen."""
    return {
        "reserve": _("Kies een terrein"),
        "identify": _("Identificeer u"),
        "pay": _("Betaal"),
        "document": _("Laad een document op"),
        "read": _("Lees dit"),
    }


def states() -> dict[str, str]:
    """How a step stands, for everybody."""
    return {
        "open": _("te doen"),
        "doing": _("bezig"),
        "done": _("klaar"),
        "skipped": _("hoeft niet meer"),
        "failed": _("niet gelukt"),
    }


def who(step: Step, reader: Reader, citizen: str) -> str:
    """Who does a step, or did it; "" when nobody does, or its details say it.  citizen: what people call him."""
    if step.state == "skipped" or step.doubtful or _waits_for_others(step):
        return ""
    if step.state == "done":
        return _("door u") if reader == "citizen" else _("door {name}").format(name=citizen)
    if reader == "citizen":
        return {
            "reserve": _("U kiest"),
            "identify": _("U bewijst wie u bent"),
            "pay": _("U betaalt"),
            "document": _("U stuurt het document"),
            "read": _("U leest"),
        }[step.kind]
    return {
        "reserve": _("{name} kiest"),
        "identify": _("{name} identificeert zich"),
        "pay": _("{name} betaalt"),
        "document": _("{name} stuurt het document"),
        "read": _("{name} leest"),
    }[step.kind].format(name=citizen)


def _waits_for_others(step: Step) -> bool:
    """He did his part: a hall, a bank or a scanner is busy, as its details say."""
    if step.kept is not None and step.kept.state == "selected":
        return True
    if step.paid is not None and step.paid.state == "pending":
        return True
    return step.state == "doing" and any(each.state == "scanning" for each in step.papers)


def fields() -> dict[str, str]:
    """What staff can point at."""
    return {
        "dag": _("de dag"),
        "uur": _("het uur"),
        "terrein": _("het terrein"),
        "reserveer": _("de knop ‘Reserveer’"),
        "identificeer": _("de knop ‘Identificeer u’"),
        "bedrag": _("het bedrag"),
        "betaal": _("de knop ‘Betaal’"),
        "document": _("de knop om een document te kiezen"),
        "tekst": _("de tekst"),
        "gelezen": _("de knop ‘Ik heb dit gelezen’"),
    }


def span_words(from_s: int, until_s: int, zone: str) -> str:
    """dinsdag 8 december 2026, 14.00 tot 15.00 uur"""
    since, until = local(from_s, zone), local(until_s, zone)
    times = {"day": day_words(since.date()), "since": time_words(since), "until": time_words(until)}
    return _("{day}, {since} tot {until}").format(**times)


def choice_words(step: Step, zone: str) -> str:
    """What the citizen chose so far."""
    choice = step.choice
    if not choice:
        return ""
    if "from_s" not in choice:
        return day_words(date.fromisoformat(choice["day"]))
    when = span_words(choice["from_s"], choice["until_s"], zone)
    return f"{choice['name']}, {when}" if choice.get("name") else when


def kept_words(kept: Kept, zone: str, reader: Reader) -> list[str]:
    """A reservation: what, for how much, and whether it is sure."""
    what = f"{kept.name}, {span_words(kept.from_s, kept.until_s, zone)}"
    if kept.price_cents and reader != "third":
        what += f" · {amount_words(kept.price_cents)}"
    return [what, state] if (state := kept_state(kept, zone)) else [what]


def kept_state(kept: Kept, zone: str) -> str:
    match kept.state:
        case "selected":
            return _("Het reservatiesysteem is nog bezig.")
        case "held" if kept.hold_until_s:
            return _("Vastgehouden tot {time}.").format(time=time_words(local(kept.hold_until_s, zone)))
        case "confirmed":
            return _("Bevestigd.")
        case "expired":
            return _("Het uur wordt niet langer vastgehouden. Kies opnieuw.")
        case "conflict":
            return _("Dit uur is intussen weg. Kies een ander.")
        case "released":
            return _("Losgelaten.")
    return ""


def paid_words(paid: Paid, zone: str, reader: Reader) -> list[str]:
    """A payment: how much, and whether it arrived."""
    state = paid_state(paid, zone)
    return [state] if reader == "third" else [f"{amount_words(paid.amount_cents)}: {state}"]


def paid_state(paid: Paid, zone: str) -> str:
    said = {
        "created": _("de betaalpagina gaat open"),
        "open": _("wacht op de betaling"),
        "pending": _("de bank verwerkt de betaling"),
        "canceled": _("de betaling is afgebroken"),
        "expired": _("de tijd om te betalen is voorbij"),
        "failed": _("de betaling is niet gelukt"),
        "refunded_part": _("betaald, en gedeeltelijk terugbetaald"),
        "refunded": _("terugbetaald"),
        "charged_back": _("teruggevraagd bij de bank"),
    }
    if paid.state == "paid":
        at = time_words(local(paid.paid_s, zone)) if paid.paid_s else ""
        return _("betaald om {time}").format(time=at) if at else _("betaald")
    return said.get(paid.state, "")


def proof_words(proof: Proof, reader: Reader) -> list[str]:
    """An identification, a sentence each: whose name, how sure, and whether it is the one that was booked."""
    if proof.state == "verified":
        if reader == "third":
            return []
        found = [_("{name} · niveau {level}").format(name=proof.name, level=level_words(proof.acr))]
        if proof.matches is False:
            found.append(_("De naam wijkt af van de naam bij de afspraak."))
        if proof.looked_s and proof.looked_by and reader == "staff":
            found.append(_("{name} keek dit na: het klopt.").format(name=proof.looked_by))
        if proof.doubtful and reader == "citizen":
            found.append(_("De medewerker kijkt dit nu na. U hoeft niets te doen."))
        return found
    if proof.state in ("failed", "aborted") and reader != "third":
        if reader == "citizen":
            return [identity_words.for_citizen(proof.error)]
        return [_("Niet gelukt: {why}").format(why=identity_words.for_staff(proof.error))]
    said = {
        "started": _("Bezig op de pagina om u te identificeren."),
        "failed": _("De identificatie is niet gelukt. Probeer opnieuw."),
        "aborted": _("De identificatie is afgebroken. Probeer opnieuw."),
        "expired": _("Het duurde te lang. Probeer opnieuw."),
    }
    return [said[proof.state]] if proof.state in said else []


def level_words(acr: str) -> str:
    """The level of an identification as its provider names it: the last part of an address says enough."""
    return acr.rstrip("/").rpartition("/")[2].rpartition(":")[2] or _("onbekend")


def paper_words(paper: Paper, reader: Reader) -> str:
    said = {
        "uploading": _("wordt verstuurd"),
        "scanning": _("wordt gecontroleerd"),
        "available": _("is aangekomen"),
        "rejected": _("is geweigerd"),
    }
    state = said.get(paper.state, "")
    return state if reader == "third" or not paper.name else f"{paper.name}: {state}"


def details(step: Step, zone: str, reader: Reader) -> list[str]:
    """Everything that is to be said of what answers a step."""
    if step.kept is not None and step.kept.state != "released":
        return kept_words(step.kept, zone, reader)
    if step.paid is not None:
        return paid_words(step.paid, zone, reader)
    if step.proof is not None:
        return proof_words(step.proof, reader)
    return [paper_words(each, reader) for each in step.papers]


def history() -> dict[str, str]:
    """What was done in a panel, for the story of an appointment: by what the audit calls it."""
    return {
        "guide_step_opened": _("Samen: stap geopend"),
        "guide_step_withdrawn": _("Samen: stap ingetrokken"),
        "guide_step_again": _("Samen: stap opnieuw gevraagd"),
        "guide_step_accepted": _("Samen: afwijkende naam nagekeken, klopt"),
        "guide_step_read": _("Samen: tekst gelezen"),
        "question_added": _("Op de agenda gezet"),
        "question_removed": _("Van de agenda gehaald"),
        "question_done": _("Vraag besproken"),
        "question_open": _("Vraag toch niet besproken"),
        "product_added": _("Product toegevoegd tijdens het gesprek"),
        "product_done": _("Product besproken"),
        "product_open": _("Product toch niet besproken"),
    }


def story(found: Guided, zone: str, *, proofs: bool = True) -> list[str]:
    """What was reserved, proved and paid in a visit, a line each, for who wraps it up.

    proofs  with who proved to be whom: to read, and not for what is kept longer than that
    """
    kept = [each for each in found.kept if each.state not in ("released", "selected")]
    lines = [_("Gereserveerd: {what}").format(what=sentences(kept_words(each, zone, "staff"))) for each in kept]
    if proofs and found.proof is not None:
        lines.append(_("Geïdentificeerd: {who}").format(who=sentences(proof_words(found.proof, "staff"))))
    lines += [_("Betaling: {what}").format(what=paid_words(each, zone, "staff")[0]) for each in found.paid]
    for each in found.papers:
        if each.state == "available":
            template = (
                _("Document van de burger: {name}") if each.direction == "in" else _("Document aan de burger: {name}")
            )
            lines.append(template.format(name=each.name))
    return lines


def left(steps: Sequence[Step], *, doubtful: bool) -> list[str]:
    """What was not finished, a line each: which step, and how it stands.  doubtful: a name is to be looked at."""
    lines = [f"{titles()[each.kind]}: {step_state(each)}" for each in steps]
    if doubtful and not any(each.doubtful for each in steps):
        lines.append(_("De naam wijkt af van de naam bij de afspraak."))
    return lines


def step_state(step: Step, reader: Reader = "staff") -> str:
    """How a step stands."""
    return _("kijk de naam na") if step.doubtful and reader == "staff" else states()[step.state]


def sentences(parts: Iterable[str]) -> str:
    """One after the other."""
    return " ".join(each if each.endswith((".", "!", "?", "…")) else f"{each}." for each in parts if each)


def settled_words(done: Settled, zone: str, now_s: int, phone: str) -> list[str]:
    """What a visit settled for its citizen, a sentence each: what is reserved, what was paid, where that is confirmed.

    phone: of the desk, for when the confirmation did not arrive
    """
    his = {each.reservation_id: each.state for each in done.paid if each.state in ("paid", "pending", "refunded_part")}
    lines = [said for each in done.kept if (said := _kept_said(each, zone, now_s, his.get(each.id, "")))]
    lines += [said for each in done.paid if (said := _paid_said(each, zone))]
    sure = any(each.state == "confirmed" for each in done.kept) or any(each.state in PAID for each in done.paid)
    if sure and done.sent_to:
        address = done.sent_to if "@" in done.sent_to else phone_words(done.sent_to)
        template = _("De bevestiging gaat naar {address}.")
        if done.lost:
            template = _("De bevestiging raakte niet bij {address}. Bel ons op {phone}.")
        lines.append(template.format(address=address, phone=phone))
    return lines


def _kept_said(kept: Kept, zone: str, now_s: int, paid: str) -> str:
    """paid: the state of its payment, "" when there is none that counts."""
    what = f"{kept.name}, {span_words(kept.from_s, kept.until_s, zone)}"
    match kept.state:
        case "confirmed":
            return _("Gereserveerd: {what}.").format(what=what)
        case "selected" | "held" if paid or not kept.price_cents:
            return _("Nog niet bevestigd: {what}. U hoeft niets te doen.").format(what=what)
        case "held" if kept.hold_until_s and kept.hold_until_s > now_s:
            until = time_words(local(kept.hold_until_s, zone))
            return _("Nog niet betaald: {what}. We houden dit vast tot {time}.").format(what=what, time=until)
        case "expired" | "conflict" if paid:
            return _("Niet gelukt: {what}. Een medewerker kijkt na wat er met uw betaling gebeurt.").format(what=what)
    return ""


def _paid_said(paid: Paid, zone: str) -> str:
    if paid.state == "paid":
        return _("Betaald: {amount}.").format(amount=amount_words(paid.amount_cents))
    if paid.state == "pending":
        return _("Uw bank verwerkt de betaling van {amount}.").format(amount=amount_words(paid.amount_cents))
    return f"{paid_words(paid, zone, 'citizen')[0]}." if paid.state in PAID else ""
