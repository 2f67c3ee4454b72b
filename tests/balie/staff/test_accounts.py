"""Accounts: made, changed, closed; and what each change does to open sessions and leaves in the audit trail."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import insert, select

from balie.staff import accounts, sessions
from balie.staff.accounts import AccountError
from balie.store.engine import Store
from balie.store.schema import audit, service
from tests.support import office
from tests.support.office import MONDAY_S, Office

ENTROPY = random.Random(1).randbytes


async def _create(store: Store, here: Office, **values: Any) -> int:
    given = {"login": "An.Peeters", "name": "An Peeters", "services": [here.service], "password": "kept", **values}
    return await store.write(accounts.create, MONDAY_S, here.organisation, **given)


async def _trail(store: Store) -> list[tuple[str, str, str]]:
    rows = select(audit.c.actor, audit.c.action, audit.c.object).order_by(audit.c.id)
    return await store.read(lambda tx: [(row.actor, row.action, row.object) for row in tx.execute(rows)])


async def test_a_new_member(store: Store) -> None:
    here = await store.write(office.found)
    an = await _create(store, here, actor="staff:1", roles=["counter", "lead"])
    found = await store.read(accounts.member, an)
    assert found is not None
    assert (found.login, found.name, found.actor) == ("an.peeters", "An Peeters", f"staff:{an}")
    assert found.services == {here.service}
    assert found.may("counter") and found.may("lead") and not found.may("admin")
    assert await _trail(store) == [("staff:1", "staff.created", f"staff/{an}")]


async def test_a_role_holds_for_those_below_it(store: Store) -> None:
    here = await store.write(office.found)
    admin = await _create(store, here, roles=["admin"], services=[])
    found = await store.read(accounts.member, admin)
    assert found is not None and found.may("counter") and found.may("lead") and found.may("admin")


async def test_an_admin_belongs_to_every_service_of_his_organisation(store: Store) -> None:
    here = await store.write(office.found)
    await store.write(lambda tx: tx.execute(insert(service).values(organisation_id=here.organisation, slug="sociaal")))
    admin = await _create(store, here, roles=["admin"], services=[])
    found = await store.read(accounts.member, admin)
    assert found is not None and len(found.services) == 2


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"login": "BART"}, "login_taken"),
        ({"login": "  Bart "}, "login_taken"),
        ({"login": ""}, "login_bad"),
        ({"login": "an peeters"}, "login_bad"),
        ({"login": "an\npeeters"}, "login_bad"),
        ({"login": "a" * 255}, "login_bad"),
        ({"name": " "}, "name_bad"),
        ({"name": "An\r\nBcc: x"}, "name_bad"),
        ({"name": "a" * 201}, "name_bad"),
        ({"roles": []}, "role_unknown"),
        ({"roles": ["mayor"]}, "role_unknown"),
        ({"services": [9999]}, "service_unknown"),
    ],
)
async def test_what_cannot_be_an_account(store: Store, values: dict[str, Any], code: str) -> None:
    here = await store.write(office.found)
    with pytest.raises(AccountError, match=code):
        await _create(store, here, **values)
    assert await _trail(store) == []


async def test_credentials_are_of_active_people_with_a_password(store: Store) -> None:
    here = await store.write(office.found)
    an = await _create(store, here)
    found = await store.read(accounts.credentials, " AN.peeters ")
    assert found is not None and (found.staff_id, found.kept) == (an, "kept")
    assert "kept" not in repr(found)
    assert await store.read(accounts.credentials, "bart") is None, "he has no password"
    assert await store.read(accounts.credentials, "nobody") is None
    await store.write(accounts.disable, MONDAY_S, an, "system")
    assert await store.read(accounts.credentials, "an.peeters") is None


async def test_a_closed_account_is_signed_out_everywhere_and_can_be_opened_again(store: Store) -> None:
    here = await store.write(office.found)
    token = await store.write(sessions.begin, MONDAY_S, ENTROPY, here.bart, "")
    await store.write(accounts.disable, MONDAY_S, here.bart, "staff:9")
    assert await store.read(accounts.member, here.bart) is None
    assert await store.read(sessions.find, token, MONDAY_S) is None
    await store.write(accounts.enable, MONDAY_S, here.bart, "staff:9")
    assert await store.read(accounts.member, here.bart) is not None
    assert [action for _, action, _ in await _trail(store)] == ["staff.disabled", "staff.enabled"]


async def test_a_new_password_ends_other_sessions(store: Store) -> None:
    here = await store.write(office.found)
    this, other = [await store.write(sessions.begin, MONDAY_S, ENTROPY, here.bart, "") for _ in range(2)]
    await store.write(accounts.set_password, MONDAY_S, here.bart, "new", "staff:1", but=sessions.key_of(this))
    assert await store.read(sessions.find, this, MONDAY_S) is not None
    assert await store.read(sessions.find, other, MONDAY_S) is None
    found = await store.read(accounts.credentials, "bart")
    assert found is not None and found.kept == "new"
    assert "new" not in str(await store.read(lambda tx: tx.execute(select(audit)).all()))


async def test_a_renewed_hash_does_not_undo_a_new_password(store: Store) -> None:
    here = await store.write(office.found)
    await store.write(accounts.set_password, MONDAY_S, here.bart, "old", "system")
    await store.write(accounts.renew_hash, here.bart, "old", "stronger")
    found = await store.read(accounts.credentials, "bart")
    assert found is not None and found.kept == "stronger"
    await store.write(accounts.renew_hash, here.bart, "old", "late")
    found = await store.read(accounts.credentials, "bart")
    assert found is not None and found.kept == "stronger"


async def test_roles_and_services_change_at_once(store: Store) -> None:
    here = await store.write(office.found)
    await store.write(accounts.set_roles, MONDAY_S, here.bart, ["lead"], [], "staff:9")
    found = await store.read(accounts.member, here.bart)
    assert found is not None and found.roles == {"lead"} and found.services == frozenset()
    with pytest.raises(AccountError, match="role_unknown"):
        await store.write(accounts.set_roles, MONDAY_S, here.bart, ["king"], [], "staff:9")


@pytest.mark.parametrize("change", ["disable", "enable", "password", "roles"])
async def test_nobody_cannot_be_changed(store: Store, change: str) -> None:
    def attempt(tx: Any) -> None:
        match change:
            case "disable":
                accounts.disable(tx, MONDAY_S, 9999, "system")
            case "enable":
                accounts.enable(tx, MONDAY_S, 9999, "system")
            case "password":
                accounts.set_password(tx, MONDAY_S, 9999, "x", "system")
            case _:
                accounts.set_roles(tx, MONDAY_S, 9999, ["counter"], [], "system")

    with pytest.raises(AccountError, match="staff_unknown"):
        await store.write(attempt)


async def test_a_language_of_ones_own(store: Store) -> None:
    here = await store.write(office.found)
    await store.write(accounts.set_locale, here.bart, "fr")
    await store.write(accounts.set_locale, here.bart, "xx")
    found = await store.read(accounts.member, here.bart)
    assert found is not None and found.locale == "fr"
