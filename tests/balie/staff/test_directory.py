"""All accounts as an administrator sees them; and what keeps an office from locking itself out."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import insert, select

from balie.record import audit
from balie.staff import accounts, directory, sessions
from balie.staff.accounts import AccountError
from balie.staff.passwords import LENGTH_MIN, START_LETTERS, check_strength, start_password
from balie.store.engine import Store
from balie.store.schema import organisation, staff
from tests.support import office
from tests.support.office import MONDAY_S

ENTROPY = random.Random(1).randbytes


async def _admin(store: Store, org: int, login: str, **more: Any) -> int:
    given = {"login": login, "name": login.title(), "roles": ["admin"], "password": "kept", **more}
    return await store.write(accounts.create, MONDAY_S, org, **given)


async def test_accounts_are_listed_the_open_ones_first(town: Any) -> None:
    store, here = town.store, town.office
    await town.book("2026-12-08T10:00")
    await store.write(accounts.disable, MONDAY_S, here.bart, "cli")
    for at_s in (MONDAY_S + 5, MONDAY_S + 9):
        await store.write(audit.note, at_s, f"staff:{here.els}", "staff.signed_in", f"staff/{here.els}")
    found = await store.read(directory.listed, MONDAY_S, here.organisation)
    assert [(each.login, each.active, each.seen_s, each.to_come, each.password) for each in found] == [
        ("els", True, MONDAY_S + 9, 0, "none"),
        ("bart", False, None, 1, "none"),
    ]
    assert found[0].services[0][1]["nl"] == "Vrije tijd"
    later = await store.read(directory.listed, MONDAY_S + 10**7, here.organisation)
    assert [each.to_come for each in later] == [0, 0]


async def test_one_of_another_organisation_is_nobody(store: Store) -> None:
    here = await store.write(office.found)
    other = insert(organisation).values(name="Elders").returning(organisation.c.id)
    org = await store.write(lambda tx: tx.scalars(other).one())
    mia = await _admin(store, org, "mia")
    assert await store.read(directory.of, MONDAY_S, here.organisation, mia) is None
    assert await store.read(directory.of, MONDAY_S, org, mia) is not None
    assert await store.read(directory.by_login, " MIA ") == mia
    assert await store.read(directory.by_login, "nobody") is None


@pytest.mark.parametrize("how", ["disable", "roles"])
async def test_the_last_administrator_stays(store: Store, how: str) -> None:
    here = await store.write(office.found)
    mia = await _admin(store, here.organisation, "mia")

    def go(tx: Any, who: int) -> None:
        if how == "disable":
            accounts.disable(tx, MONDAY_S, who, "cli")
        else:
            accounts.set_roles(tx, MONDAY_S, who, ["lead"], [here.service], "cli")

    with pytest.raises(AccountError, match="last_admin"):
        await store.write(go, mia)
    found = await store.read(accounts.member, mia)
    assert found is not None and found.roles == {"admin"}
    ghost = await _admin(store, here.organisation, "ghost", password=None)
    with pytest.raises(AccountError, match="last_admin"):
        await store.write(go, mia)
    await store.write(accounts.set_password, MONDAY_S, ghost, "kept", "cli")
    await store.write(go, mia)


async def test_two_administrators_do_not_close_each_other(store: Store) -> None:
    here = await store.write(office.found)
    both = [await _admin(store, here.organisation, login) for login in ("mia", "jef")]
    closing = (store.write(accounts.disable, MONDAY_S, each, "cli") for each in both)
    done = await asyncio.gather(*closing, return_exceptions=True)
    assert [type(each) for each in done if each is not None] == [AccountError]
    left = select(staff.c.id).where(staff.c.id.in_(both), staff.c.active)
    assert len(await store.read(lambda tx: tx.scalars(left).all())) == 1


# -- start passwords ------------------------------------------------------------------------------------


async def test_a_start_password_is_one_until_another_is_chosen(store: Store) -> None:
    here = await store.write(office.found)
    an = await _admin(store, here.organisation, "an", start=True)
    found, known = await store.read(accounts.member, an), await store.read(accounts.credentials, "an")
    assert found is not None and found.starts and known is not None and known.kept == "kept"
    account = await store.read(directory.of, MONDAY_S, here.organisation, an)
    assert account is not None and account.password == "start"
    await store.write(accounts.renew_hash, an, "kept", "stronger")
    found = await store.read(accounts.member, an)
    assert found is not None and found.starts, "a stronger hash of it is no other password"
    token = await store.write(sessions.begin, MONDAY_S, ENTROPY, an, "")
    await store.write(accounts.set_password, MONDAY_S, an, "own", "staff:1", but=sessions.key_of(token))
    found = await store.read(accounts.member, an)
    assert found is not None and not found.starts
    await store.write(accounts.set_password, MONDAY_S, an, "again", "cli", start=True)
    found = await store.read(accounts.member, an)
    assert found is not None and found.starts
    assert await store.read(sessions.find, token, MONDAY_S) is None


def test_start_passwords_can_be_read_out_and_are_strong_enough() -> None:
    made = {start_password(ENTROPY) for _ in range(100)}
    assert len(made) == 100
    for each in made:
        groups = each.split("-")
        assert [len(group) for group in groups] == [4, 4, 4, 4] and set("".join(groups)) <= set(START_LETTERS)
        check_strength(each, "an.peeters")
        assert len(each) >= LENGTH_MIN
