"""An office from a file: made, brought up to date, and left alone when it is right."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from balie import founding
from balie.booking import catalogue, wording
from balie.booking.wording import Wording
from balie.errors import ConfigError, StartError
from balie.founding import Change, OfficeFile
from balie.staff import accounts
from balie.store.engine import Store, Tx
from balie.store.schema import audit, availability, organisation, product, service
from tests.support.office import MONDAY_S
from tests.support.tree import text


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The office of the manual."""
    block = re.search(r"office\.toml <<'END'\n(.*?)\nEND\n", text("docs/operations.md"), re.DOTALL)
    assert block is not None
    path = tmp_path / "office.toml"
    path.write_text(block[1])
    return path


async def _apply(store: Store, wanted: OfficeFile) -> list[Change]:
    return await store.write(founding.apply, MONDAY_S, wanted, "cli")


async def test_an_office_is_founded(store: Store, example: Path) -> None:
    made = await _apply(store, founding.read(example))
    assert {each.done for each in made} == {"made"}
    (service_,) = await store.read(catalogue.services)
    products = await store.read(catalogue.products)
    assert (service_.slug, service_.names["nl"], service_.zone) == ("vrije-tijd", "Vrije tijd", "Europe/Brussels")
    assert [each.slug for each in products] == ["badminton", "buurtfeest"]
    assert products[0].checklists["nl"] and products[0].daily_max is None and products[0].modalities[0] == "video"
    actions = select(audit.c.actor, audit.c.action).order_by(audit.c.id)
    trail = [tuple(row) for row in await store.read(lambda tx: tx.execute(actions).all())]
    assert trail == [
        ("cli", "organisation.created"),
        ("cli", "service.created"),
        ("cli", "product.created"),
        ("cli", "product.created"),
    ]


async def test_the_same_file_changes_nothing(store: Store, example: Path) -> None:
    wanted = founding.read(example)
    await _apply(store, wanted)

    def everything(tx: Any) -> list[Any]:
        return [tx.execute(select(table)).all() for table in (organisation, service, product, availability, audit)]

    before = await store.read(everything)
    assert {each.done for each in await _apply(store, wanted)} == {"as it was"}
    assert await store.read(everything) == before


async def test_what_changed_in_the_file_changes_and_the_rest_stays(store: Store, example: Path) -> None:
    wanted = founding.read(example)
    await _apply(store, wanted)
    (part,) = wanted.services
    later = replace(part, phone="+32 2 555 99 99", products=(replace(part.products[0], duration_min=45),))
    done = await _apply(store, replace(wanted, services=(later,)))
    assert [each.done for each in done] == ["as it was", "changed", "changed"]
    products = {each.slug: each for each in await store.read(catalogue.products)}
    assert products["badminton"].duration_min == 45
    assert "buurtfeest" in products, "what the file does not name is not taken away"
    off = replace(later, products=(replace(later.products[0], active=False),))
    await _apply(store, replace(wanted, services=(off,)))
    assert [each.slug for each in await store.read(catalogue.products)] == ["buurtfeest"]
    fields = select(audit.c.detail).where(audit.c.action == "product.changed").order_by(audit.c.id)
    assert await store.read(lambda tx: tx.scalars(fields).all()) == [
        {"fields": ["duration_min"]},
        {"fields": ["active"]},
    ]


async def test_words_that_an_administrator_wrote_stay_unless_the_file_has_its_own(store: Store, example: Path) -> None:
    wanted = founding.read(example)
    await _apply(store, wanted)
    org, (badminton, party) = 1, await store.read(catalogue.products)
    for each, welcome in ((badminton, "Welkom"), (party, "Dag")):
        words = {"nl": Wording("Anders", "", welcome)}
        await store.write(wording.write, MONDAY_S, org, each.id, words, "staff:1")
    await _apply(store, wanted)
    badminton, party = await store.read(catalogue.products)
    assert (badminton.welcomes, party.welcomes) == ({"nl": "Welkom"}, {"nl": "Dag"})
    assert badminton.names["nl"] != "Anders", "the file names it"


async def test_hours_go_to_who_has_none(store: Store, example: Path) -> None:
    wanted = founding.read(example)
    await _apply(store, wanted)
    rows = await store.read(lambda tx: tx.execute(select(organisation.c.id, service.c.id).join(service)).one())
    people = {}
    for login in ("an", "jef"):
        more: dict[str, Any] = {"login": login, "name": login.title(), "services": [rows[1]]}
        people[login] = await store.write(accounts.create, MONDAY_S, rows[0], **more)
    own = {"staff_id": people["jef"], "service_id": rows[1], "weekday": 5, "from_min": 540, "until_min": 600}
    await store.write(lambda tx: tx.execute(insert(availability).values(**own, from_day="2026-12-07")) and None)
    done = await _apply(store, wanted)
    assert [each.which for each in done if each.what == "hours"] == ["vrije-tijd/an"]
    query = select(availability.c.weekday, availability.c.from_min, availability.c.until_min, availability.c.from_day)
    his = query.where(availability.c.staff_id == people["an"]).order_by(availability.c.id)
    given = [tuple(row) for row in await store.read(lambda tx: tx.execute(his).all())]
    assert given[0] == (0, 9 * 60, 12 * 60, "2026-12-07")
    assert len(given) == sum(len(hours.days) for hours in wanted.services[0].hours)
    assert not [each for each in await _apply(store, wanted) if each.what == "hours"]


def _scalar(tx: Tx, query: Any) -> Any:
    return tx.scalar(query)


async def test_an_office_is_one(store: Store, example: Path) -> None:
    for name in ("Een", "Twee"):
        made = insert(organisation).values(name=name).returning(organisation.c.id)
        await store.write(_scalar, made)
    with pytest.raises(StartError, match="found 2 organisations"):
        await _apply(store, founding.read(example))


ORGANISATION = '[organisation]\nname = "G"\nphone = "02 555"\n'
SERVICE = ORGANISATION + '[[services]]\nslug = "a"\nnames = { nl = "A" }\nphone = "02 555"\n'
OTHER = '[[services]]\nslug = "a"\nnames = { nl = "B" }\nphone = "02 555"\n'
HOURS, MONDAY = SERVICE + "[[services.hours]]\n", 'days = ["monday"]\n'
PRODUCT = SERVICE + '[[services.products]]\nslug = "p"\n'


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("", r"o.toml \[organisation\]: need to be there"),
        ('[organisation]\nname = "G"', r"organisation phone: need to be given"),
        (ORGANISATION + 'zone = "Europe/Gent"', r"zone: found 'Europe/Gent', need a time zone"),
        (ORGANISATION + "color = 1", r"found 'color', need one of the keys name, phone"),
        (ORGANISATION + "[[service]]", r"found 'service', need one of .*services.*\nDid you mean services"),
        (
            ORGANISATION + '[[services]]\nslug = "Vrije Tijd"',
            r"services\[0\] slug: found 'Vrije Tijd', need a word for",
        ),
        (ORGANISATION + '[[services]]\nslug = "a"\nphone = "02 555"', r"services\[0\] names: need a name in Dutch"),
        (SERVICE + OTHER, r"services: found 'a', need every slug once"),
        (SERVICE + "names = {}", "TOML"),
        (SERVICE + 'mail = "niemand"', r"services\[0\] mail: found 'niemand', need a mail address"),
        (HOURS + MONDAY + 'opens = "9:00"\ncloses = "12:00"', r"hours\[0\] opens: found '9:00', need a time"),
        (HOURS + 'opens = "09:00"\ncloses = "12:00"', r"hours\[0\] days: need some of monday"),
        (HOURS + MONDAY + 'opens = "12:00"\ncloses = "09:00"', r"closes: found '09:00', need a time after 12:00"),
        (HOURS + 'days = ["maandag"]\nopens = "09:00"\ncloses = "12:00"', r"days\[0\]: found 'maandag', need one of"),
        (HOURS + MONDAY + 'opens = "09:01"\ncloses = "12:00"', r"opens: found '09:01', need a time on five minutes"),
        (PRODUCT + 'names = { nl = "P" }\nduration_min = 32', r"products\[0\] duration_min: found 32, need a multiple"),
        (PRODUCT + 'names = { nl = "P" }\nmodalities = []', "at least one value"),
        (PRODUCT + 'names = { fr = "P" }', r"products\[0\] names: need a name in Dutch"),
        (PRODUCT + 'names = "P"', r"names: need a table"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, toml: str, said: str) -> None:
    path = tmp_path / "o.toml"
    path.write_text(toml)
    with pytest.raises(ConfigError, match=said):
        founding.read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"FILE: found .*, need a file that can be read"):
        founding.read(tmp_path / "nergens.toml")
