"""Appointments by the API: booked once, whoever presses when, and found again by their reference."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import func, select, update

from balie.booking import links
from balie.store.schema import appointment, audit, message, organisation, outbox, participant, slot_claim
from tests.support.api import AT, PUBLIC_URL, Api, booking
from tests.support.office import MONDAY_S

APPOINTMENTS = "/api/v1/appointments"


async def count(api: Api, *where: object) -> int:
    query = select(func.count()).select_from(appointment).where(*where)  # type: ignore[arg-type]
    return await api.store.read(lambda tx: int(tx.scalar(query) or 0))


async def test_fifty_people_and_one_time(both: Api) -> None:
    """One gets it; the others hear at once what is still free.  Only Bart does it, so there is one place."""
    bart = both.office.bart
    replies = await asyncio.gather(
        *(
            both.post(APPOINTMENTS, booking(staff=bart, citizen={"name": f"Burger {n}", "phone": "0470 12 34 56"}))
            for n in range(50)
        )
    )
    assert sorted(reply.status for reply in replies) == [201] + 49 * [409]
    for reply in replies:
        if reply.status == 409:
            assert reply.headers["Content-Type"] == "application/problem+json"
            assert (reply.json["title"], reply.json["status"]) == ("slot_taken", 409)
            free = reply.json["next_free"]
            assert len(free) == 3
            assert all(slot["start"] != AT for slot in free)
            assert free[0]["staff"] == [{"id": bart, "name": "Bart Claes"}]
            assert free[0]["start"] == "2026-12-08T15:15:00+01:00"
    assert await count(both, appointment.c.status == "booked") == await count(both) == 1
    claims = await both.store.read(lambda tx: len(tx.execute(select(slot_claim)).all()))
    assert claims == 7, "thirty minutes and five after"


async def test_booked_is_what_was_asked_for(both: Api) -> None:
    helper = {"name": "Marie Peeters", "role": "family", "label": "dochter", "mail": "m@post.example", "locale": "fr"}
    reply = await both.post(APPOINTMENTS, booking(helpers=[helper], question="  Mag mijn hond mee?  "))
    assert reply.status == 201
    made = reply.json
    assert re.fullmatch(r"[A-Z2-9]{7}", made["ref"])
    assert reply.headers["Location"] == f"{PUBLIC_URL}{APPOINTMENTS}/{made['ref']}"
    citizen, daughter = made["people"]
    assert re.fullmatch(rf"{PUBLIC_URL}/a/[\w-]{{27}}", citizen.pop("link"))
    assert re.fullmatch(rf"{PUBLIC_URL}/a/[\w-]{{27}}", daughter.pop("link"))
    assert daughter.pop("id") != citizen.pop("id")
    assert citizen == {
        "role": "citizen",
        "name": "An Peeters",
        "mail": "an@post.example",
        "phone": "",
        "locale": "nl",
        "label": "",
    }
    assert daughter == {"phone": "", **helper}
    assert {name: made[name] for name in made.keys() - {"ref", "uid", "people"}} == {
        "sequence": 0,
        "status": "booked",
        "channel": "phone",
        "modality": "video",
        "start": AT,
        "end": "2026-12-08T15:00:00+01:00",
        "zone": "Europe/Brussels",
        "service": "vrije-tijd",
        "products": [{"slug": "badminton", "name": "Badmintonterrein huren"}],
        "staff": {"id": both.office.bart, "name": "Bart Claes"},
        "question": "Mag mijn hond mee?",
        "reason": "",
        "follow_up_of": None,
    }
    found = await both.get(f"{APPOINTMENTS}/{made['ref']}")
    assert found.status == 200
    assert found.json["people"] == [citizen | {"id": found.json["people"][0]["id"]}, found.json["people"][1]]
    assert "link" not in found.text, "who looks up an appointment is not let into it"


async def test_the_link_opens_the_appointment(both: Api) -> None:
    made = await both.book()
    token = made["people"][0]["link"].rpartition("/")[2]
    found = await both.store.read(links.find, token, both.now_s)
    assert found.state == "early"


async def test_a_booking_is_audited_and_announced_and_confirmed(both: Api) -> None:
    made = await both.book()
    rows = await both.store.read(lambda tx: tx.execute(select(outbox.c.type, outbox.c.subject)).all())
    assert [tuple(row) for row in rows] == [("be.balie.appointment.booked", f"appointment/{made['ref']}")]
    actors = await both.store.read(lambda tx: list(tx.scalars(select(audit.c.actor))))
    assert actors == ["api:1"]
    kinds = await both.store.read(lambda tx: set(tx.scalars(select(message.c.kind))))
    assert "confirmation" in kinds


async def test_a_time_is_held_while_the_rest_is_asked(both: Api) -> None:
    wish = {"service": "vrije-tijd", "products": ["badminton"], "start": AT, "staff": both.office.bart}
    held = await both.post("/api/v1/holds", wish)
    assert held.status == 201
    assert held.json["until"] == "2026-12-07T07:10:00+01:00"
    assert (await both.post("/api/v1/holds", wish)).json["title"] == "slot_taken"
    citizen = booking()["citizen"]
    made = await both.post(APPOINTMENTS, {"citizen": citizen, "hold": held.json["hold"]})
    assert made.status == 201
    assert (made.json["start"], made.json["channel"]) == (AT, "api")
    again = await both.post(APPOINTMENTS, {"citizen": citizen, "hold": held.json["hold"]})
    assert (again.status, again.json["title"]) == (409, "hold_not_found")


async def test_a_hold_ends_after_ten_minutes(api: Api) -> None:
    held = await api.post("/api/v1/holds", {"service": "vrije-tijd", "products": ["badminton"], "start": AT})
    assert await count(api) == 1
    ref = await api.store.read(lambda tx: tx.scalar(select(appointment.c.ref)))
    assert (await api.get(f"{APPOINTMENTS}/{ref}")).status == 404, "a hold is no appointment"
    api.now_s += 600
    late = await api.post(APPOINTMENTS, {"citizen": booking()["citizen"], "hold": held.json["hold"]})
    assert (late.status, late.json["title"]) == (409, "hold_not_found")


async def test_the_way_of_an_appointment(both: Api) -> None:
    made = await both.book()
    one = f"{APPOINTMENTS}/{made['ref']}"
    confirmed = await both.post(f"{one}/confirm")
    assert (confirmed.status, confirmed.json["status"]) == (200, "confirmed")
    changed = await both.post(f"{one}/modality", {"modality": "phone"})
    assert (changed.status, changed.json["modality"]) == (200, "phone")
    moved = await both.post(f"{one}/move", {"start": "2026-12-09T09:00:00+01:00"})
    assert (moved.status, moved.json["start"], moved.json["ref"]) == (200, "2026-12-09T09:00:00+01:00", made["ref"])
    assert moved.json["sequence"] > changed.json["sequence"] > confirmed.json["sequence"]
    assert moved.json["uid"] == made["uid"]
    assert moved.json["people"][0]["id"] == made["people"][0]["id"]
    assert moved.json["people"][0]["link"] != made["people"][0]["link"]
    cancelled = await both.post(f"{one}/cancel", {"by": "office", "reason": "Bart is ziek"})
    assert (cancelled.json["status"], cancelled.json["reason"]) == ("cancelled_office", "Bart is ziek")
    late = await both.post(f"{one}/move", {"start": AT})
    assert (late.status, late.json["title"], late.json["appointment_status"]) == (
        409,
        "not_changed",
        "cancelled_office",
    )
    kinds = await both.store.read(lambda tx: list(tx.scalars(select(outbox.c.type).order_by(outbox.c.id))))
    assert [kind.rpartition(".")[2] for kind in kinds] == ["booked", "confirmed", "changed", "rescheduled", "cancelled"]


async def test_a_move_to_a_time_that_is_taken_changes_nothing(both: Api) -> None:
    bart = both.office.bart
    first, second = await both.book(staff=bart), await both.book(staff=bart, start="2026-12-09T09:00:00+01:00")
    reply = await both.post(f"{APPOINTMENTS}/{second['ref']}/move", {"start": AT, "staff": bart})
    assert (reply.status, reply.json["title"]) == (409, "slot_taken")
    assert reply.json["next_free"][0]["start"] > AT
    found = await both.get(f"{APPOINTMENTS}/{second['ref']}")
    assert (found.json["start"], found.json["status"]) == ("2026-12-09T09:00:00+01:00", "booked")
    assert (await both.get(f"{APPOINTMENTS}/{first['ref']}")).json["status"] == "booked"


async def test_somebody_comes_along_and_does_not_after_all(both: Api) -> None:
    made = await both.book()
    people = f"{APPOINTMENTS}/{made['ref']}/people"
    helper = {"name": "Tolk Yilmaz", "role": "interpreter", "phone": "0470/12.34.56", "locale": "de"}
    added = await both.post(people, helper)
    assert added.status == 201
    assert added.json["phone"] == "+32470123456"
    token = added.json["link"].rpartition("/")[2]
    assert (await both.store.read(links.find, token, both.now_s)).state == "early"
    moved = await both.post(f"{APPOINTMENTS}/{made['ref']}/move", {"start": "2026-12-09T09:00:00+01:00"})
    assert [each["id"] for each in moved.json["people"]][1] == added.json["id"], "the same person when it moves"
    gone = await both.ask("DELETE", f"{people}/{added.json['id']}")
    assert (gone.status, gone.text) == (204, "")
    assert (await both.ask("DELETE", f"{people}/{added.json['id']}")).json["title"] == "person_not_found"
    assert len((await both.get(f"{APPOINTMENTS}/{made['ref']}")).json["people"]) == 1
    citizen = made["people"][0]["id"]
    assert (await both.ask("DELETE", f"{people}/{citizen}")).status == 404, "the citizen is no helper"


async def test_a_follow_up_names_what_it_follows(both: Api) -> None:
    first = await both.book()
    second = await both.book(start="2026-12-15T10:00:00+01:00", follow_up_of=first["ref"].lower())
    assert second["follow_up_of"] == first["ref"]


async def test_a_reference_is_found_however_it_is_written(api: Api) -> None:
    ref = (await api.book())["ref"]
    for written in (ref.lower(), f"{ref[:3]}-{ref[3:]}", f" {ref} ".replace(" ", "%20")):
        assert (await api.get(f"{APPOINTMENTS}/{written}")).json["ref"] == ref


@pytest.mark.parametrize("ref", ["NOSUCH2", "%07", "%F0%9F%98%80", "x" * 300, "..%2Fholds", "%27%20OR%201=1"])
async def test_a_reference_that_is_none(api: Api, ref: str) -> None:
    reply = await api.get(f"{APPOINTMENTS}/{ref}")
    assert (reply.status, reply.json["title"]) == (404, "appointment_not_found")


async def test_another_organisations_appointments_do_not_exist(both: Api) -> None:
    made = await both.book()
    other = await both.store.write(
        lambda tx: int(
            tx.execute(organisation.insert().values(name="Elders").returning(organisation.c.id)).scalar_one()
        )
    )
    stranger = await both.key(organisation_id=other)
    one = f"{APPOINTMENTS}/{made['ref']}"
    assert (await both.ask("GET", one, secret=stranger)).status == 404
    assert (await both.ask("POST", f"{one}/cancel", {}, secret=stranger)).status == 404
    assert (await both.ask("POST", f"{one}/people", {"name": "X", "role": "other"}, secret=stranger)).status == 404
    assert (await both.ask("GET", "/api/v1/services", secret=stranger)).json == {"services": []}
    assert (await both.ask("GET", "/api/v1/products", secret=stranger)).json == {"products": []}
    refused = await both.ask("POST", APPOINTMENTS, booking(), secret=stranger)
    assert refused.json["errors"][0]["code"] == "service_not_found"
    assert (await both.get(one)).json["status"] == "booked"


async def test_names_that_are_wiped_are_gone_here_too(api: Api) -> None:
    made = await api.book()
    wipe = update(participant).values(removed_s=MONDAY_S)
    await api.store.write(lambda tx: tx.execute(wipe).rowcount)
    await api.store.write(lambda tx: tx.execute(update(appointment).values(status="anonymised")).rowcount)
    found = await api.get(f"{APPOINTMENTS}/{made['ref']}")
    assert (found.json["status"], found.json["people"]) == ("anonymised", [])
