"""What the database knows of identifications: whose they are, how far, how often, and what of it is written down."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from balie.booking import changes
from balie.booking.appointments import Booked
from balie.booking.errors import NotFound
from balie.identity import codes, logins, records
from balie.identity.errors import IdentityError
from balie.identity.persons import Person
from balie.store.engine import Store, Tx
from balie.store.schema import audit, identification, oidc_login, outbox, participant, product
from tests.support import office
from tests.support.booking import KEY, LIES, booked
from tests.support.office import MONDAY_S, Office, unix_s

ISSUER, HIGH, LOW = "https://login.example", "urn:high", "urn:low"
ENTROPY = random.Random(5).randbytes


class Case:
    """An appointment of An with her daughter, about badminton, that asks who she is."""

    def __init__(self, store: Store, here: Office, made: Booked, ids: dict[str, int]) -> None:
        self.store, self.here, self.made, self.ids = store, here, made, ids

    async def request(self, who: str = "citizen", acr: str = "", now_s: int = MONDAY_S, **more: Any) -> int:
        about = (self.made.appointment_id, self.ids[who], self.here.badminton, "test", acr)
        return await self.store.write(records.request, now_s, *about, **more)

    async def verify(self, request_id: int, name: str = "An Peeters", acr: str = HIGH, now_s: int = MONDAY_S) -> Any:
        person = Person(ISSUER, "1985-an", name, acr)
        return await self.store.write(records.verify, now_s, ENTROPY, KEY, request_id, person)

    async def asked(self, now_s: int = MONDAY_S) -> records.Asked:
        found = await self.store.read(records.asked, now_s, self.made.appointment_id)
        assert found is not None
        return found

    async def written(self) -> list[str]:
        """Actions and events that name identification."""

        def look(tx: Tx) -> list[str]:
            rows = (*tx.scalars(select(audit.c.action)), *tx.scalars(select(outbox.c.type)))
            return [each for each in rows if "identification" in each]

        return await self.store.read(look)


async def case(store: Store, **values: Any) -> Case:
    here = await store.write(office.found)
    await store.write(
        lambda tx: tx.execute(
            update(product).where(product.c.id == here.badminton).values(identification="oidc", **values)
        )
    )
    made = await booked(store, here, helpers=(LIES,))
    rows = await store.read(lambda tx: tx.execute(select(participant.c.role, participant.c.id)).all())
    return Case(store, here, made, {row.role: row.id for row in rows})


async def test_from_the_question_to_the_answer(store: Store) -> None:
    here = await case(store)
    about = (here.made.appointment_id, here.here.badminton)
    assert await store.read(records.needed, *about) and (await here.asked()).state == "open"
    request_id = await here.request()
    assert (await here.asked()).state == "open"
    await store.write(records.start, MONDAY_S, request_id)
    assert (await here.asked()).state == "started"
    found = await here.verify(request_id)
    assert found.matches and not await store.read(records.needed, *about)
    asked = await here.asked()
    assert (asked.state, asked.identified) == ("verified", found)
    assert await store.read(records.verified, here.made.appointment_id) == found
    row = await store.read(lambda tx: tx.execute(select(identification)).one())
    assert row.subject_hash is not None and len(row.subject_hash) == 32


async def test_only_the_citizen(store: Store) -> None:
    here = await case(store)
    with pytest.raises(NotFound):
        await here.request("family")
    other = await booked(store, here.here, unix_s("2026-12-09T10:00"), seed=2)
    strangers = (other.appointment_id, here.ids["citizen"], here.here.badminton, "test", "")
    with pytest.raises(NotFound):
        await store.write(records.request, MONDAY_S, *strangers)
    assert await store.read(lambda tx: tx.execute(select(identification)).all()) == []


async def test_the_same_question_is_one_request(store: Store) -> None:
    here = await case(store)
    first = await here.request()
    assert await here.request(now_s=MONDAY_S + 60) == first
    assert await here.request(acr=HIGH) != first
    assert await here.request(now_s=MONDAY_S + 60 + records.TTL_S) not in (first,)


async def test_another_name_counts_once_staff_says_that_it_is_right(store: Store) -> None:
    here = await case(store)
    about = (here.made.appointment_id, here.here.badminton)
    found = await here.verify(await here.request(), "Jan Claes")
    assert not found.matches and await store.read(records.needed, *about)
    assert await store.read(records.verified, *about) is None
    assert await store.write(records.accept, MONDAY_S, found.id, here.here.bart)
    assert not await store.read(records.needed, *about)
    assert not await store.write(records.accept, MONDAY_S + 1, found.id, here.here.els), "it was said before"


async def test_asked_anew_it_is_another_request(store: Store) -> None:
    here = await case(store)
    about = (here.made.appointment_id, here.here.badminton)
    wrong = await here.verify(await here.request(), "Jan Claes")
    assert not await store.read(records.asked_again, *about)
    await store.write(records.ask_again, MONDAY_S, here.made.appointment_id)
    assert await store.read(records.asked_again, *about) and await store.read(records.verified, about[0]) is None
    assert not await store.write(records.accept, MONDAY_S, wrong.id, here.here.bart)
    begun = await here.request()
    await store.write(records.ask_again, MONDAY_S, here.made.appointment_id)
    with pytest.raises(IdentityError, match="request_over"):
        await here.verify(begun)
    right = await here.verify(await here.request())
    assert len({wrong.id, begun, right.id}) == 3
    assert not await store.read(records.asked_again, *about)
    assert (await store.read(records.verified, *about)) == right


@pytest.mark.parametrize(
    ("required", "asked_acr", "got", "enough"),
    [("", "", "", True), ("", "", HIGH, True), (HIGH, HIGH, HIGH, True), (HIGH, "", LOW, False), (HIGH, "", "", False)],
)
async def test_a_product_may_ask_for_more(store: Store, required: str, asked_acr: str, got: str, enough: bool) -> None:
    here = await case(store, required_acr=required)
    await here.verify(await here.request(acr=asked_acr), acr=got)
    assert await store.read(records.needed, here.made.appointment_id, here.here.badminton) != enough
    assert ((await here.asked()).state == "verified") == enough


async def test_a_level_above_the_required_one_was_checked_with_the_providers_levels(store: Store) -> None:
    here = await case(store, required_acr=LOW)
    await here.verify(await here.request(acr=LOW), acr=HIGH)
    assert not await store.read(records.needed, here.made.appointment_id, here.here.badminton)


@pytest.mark.parametrize(("code", "state"), [("aborted", "aborted"), ("nonce_wrong", "failed")])
async def test_it_failed_and_is_tried_again(store: Store, code: str, state: str) -> None:
    here = await case(store)
    first = await here.request()
    await store.write(records.fail, MONDAY_S, first, code)
    asked = await here.asked()
    assert (asked.state, asked.error) == (state, code)
    with pytest.raises(IdentityError, match="request_over"):
        await here.verify(first)
    second = await here.request()
    assert second != first
    await here.verify(second)
    await store.write(records.fail, MONDAY_S, second, code)
    assert (await here.asked()).state == "verified", "what is verified does not fail afterwards"


async def test_a_request_is_over_after_its_time(store: Store) -> None:
    here = await case(store)
    request_id = await here.request(ttl_s=60)
    await store.write(records.expire, MONDAY_S + 59)
    late = MONDAY_S + 60
    with pytest.raises(IdentityError, match="request_over"):
        await store.write(records.start, late, request_id)
    assert await store.write(records.expire, late) == [here.made.appointment_id]
    assert await store.write(records.expire, late) == []
    assert (await here.asked(late)).state == "open"


async def test_it_goes_along_when_the_appointment_moves(store: Store) -> None:
    here = await case(store)
    found = await here.verify(await here.request())
    when = unix_s("2026-12-10T10:00")
    moved = await store.write(changes.move, MONDAY_S, ENTROPY, KEY, here.made.appointment_id, when, "citizen")
    assert moved.appointment_id != here.made.appointment_id
    assert await store.read(records.verified, moved.appointment_id) == found
    assert not await store.read(records.needed, moved.appointment_id, here.here.badminton)


async def test_nobody_elses_counts(store: Store) -> None:
    here = await case(store)
    await here.verify(await here.request())
    other = await booked(store, here.here, unix_s("2026-12-09T10:00"), seed=2)
    assert await store.read(records.verified, other.appointment_id) is None
    assert await store.read(records.needed, other.appointment_id, here.here.badminton)


async def test_a_product_that_asks_nothing(store: Store) -> None:
    here = await store.write(office.found)
    made = await booked(store, here)
    assert await store.read(records.asked, MONDAY_S, made.appointment_id) is None
    assert not await store.read(records.needed, made.appointment_id, here.badminton)


@pytest.mark.parametrize("agreed", [False, True])
async def test_it_is_logged_only_where_that_was_agreed(store: Store, agreed: bool) -> None:
    """S26: off, no identity event rows."""
    here = await case(store, identity_log=agreed)
    first = await here.request()
    await store.write(records.fail, MONDAY_S, first, "aborted")
    second = await here.request()
    await here.verify(second, "Jan Claes")
    await here.request(acr=HIGH, ttl_s=1)
    await store.write(records.expire, MONDAY_S + 1)
    expected = ["requested", "aborted", "requested", "verified", "requested", "expired"]
    names = [f"identification.{each}" for each in expected] + ["be.balie.identification.verified"]
    assert await here.written() == (names if agreed else [])

    def texts(tx: Tx) -> str:
        return repr([tx.execute(select(each)).all() for each in (audit, outbox)])

    told = await store.read(lambda tx: tx.scalars(select(outbox.c.data).where(outbox.c.type == records.VERIFIED)).all())
    facts = {"provider": "test", "acr": HIGH, "matches": False}
    assert [each["identification"] for each in told] == ([facts] if agreed else [])
    assert "Jan Claes" not in await store.read(texts) and "1985-an" not in await store.read(texts)


async def test_a_login_counts_once_and_in_its_own_browser(store: Store) -> None:
    begun = await store.write(logins.begin, MONDAY_S, ENTROPY, "test", None, "/balie")
    other = await store.write(logins.begin, MONDAY_S, ENTROPY, "test")
    take: Callable[..., Any] = logins.take
    for cookies in ({}, {begun.cookie: "x"}, {begun.cookie: other.browser}, {other.cookie: begun.browser}):
        with pytest.raises(IdentityError, match="other_browser"):
            await store.write(take, MONDAY_S, begun.state, cookies)
    found = await store.write(take, MONDAY_S, begun.state, {begun.cookie: begun.browser})
    assert found == logins.Login("test", None, "/balie", MONDAY_S)
    with pytest.raises(IdentityError, match="login_unknown"):
        await store.write(take, MONDAY_S, begun.state, {begun.cookie: begun.browser})
    with pytest.raises(IdentityError, match="login_unknown"):
        await store.write(take, MONDAY_S + logins.LASTS_S, other.state, {other.cookie: other.browser})


@pytest.mark.parametrize("state", ["", "x", "x" * 5000, "\ud800", "é", "\0"])
async def test_a_strange_state(store: Store, state: str) -> None:
    with pytest.raises(IdentityError, match="login_unknown"):
        await store.write(logins.take, MONDAY_S, state, {})


async def test_the_database_does_not_have_what_opens_a_login(store: Store) -> None:
    begun = await store.write(logins.begin, MONDAY_S, ENTROPY, "test")
    secrets = logins.secrets(KEY, begun.state)
    row = await store.read(lambda tx: tx.execute(select(oidc_login)).one())
    for secret in (begun.state, begun.browser, secrets.nonce, secrets.verifier):
        assert secret not in repr(tuple(row)) and secret not in repr(begun) and secret not in repr(secrets)
    assert len({secrets.state, secrets.nonce, secrets.verifier}) == 3 and len(secrets.verifier) == 43


async def test_old_logins_are_forgotten(store: Store) -> None:
    await store.write(logins.begin, MONDAY_S, ENTROPY, "test")
    assert await store.write(logins.forget_over, MONDAY_S + logins.LASTS_S - 1) == 0
    assert await store.write(logins.forget_over, MONDAY_S + logins.LASTS_S) == 1


async def test_a_code_for_another_device_is_good_once_and_for_a_while(store: Store) -> None:
    here = await case(store)
    request_id = await here.request()
    code = await store.write(codes.give, MONDAY_S, ENTROPY, request_id)
    for _ in range(3):
        found = await store.read(codes.find, MONDAY_S, code)
        assert found is not None and found.identification_id == request_id and found.locale == "nl"
    assert await store.read(codes.find, MONDAY_S + codes.LASTS_S, code) is None
    assert (await store.write(codes.use, MONDAY_S, code)) == found
    assert await store.read(codes.find, MONDAY_S, code) is None
    with pytest.raises(IdentityError, match="request_over"):
        await store.write(codes.use, MONDAY_S, code)
    row = await store.read(lambda tx: tx.execute(select(identification)).one())
    assert code not in repr(tuple(row))


async def test_a_new_code_takes_the_place_of_the_old(store: Store) -> None:
    here = await case(store)
    request_id = await here.request()
    old, new = [await store.write(codes.give, MONDAY_S, ENTROPY, request_id) for _ in range(2)]
    assert await store.read(codes.find, MONDAY_S, old) is None
    await store.write(records.fail, MONDAY_S, request_id, "aborted")
    assert await store.read(codes.find, MONDAY_S, new) is None
    with pytest.raises(IdentityError, match="request_over"):
        await store.write(codes.give, MONDAY_S, ENTROPY, request_id)


@pytest.mark.parametrize("code", ["", "x", "x" * 5000, "\ud800"])
async def test_a_strange_code(store: Store, code: str) -> None:
    assert await store.read(codes.find, MONDAY_S, code) is None
