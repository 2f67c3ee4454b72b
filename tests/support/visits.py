"""What tests of a visit share: an appointment of An, her daughter and Bart, and who is seen where."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from balie.booking import parting
from balie.store.engine import Store, Tx
from balie.store.schema import appointment, participant
from balie.visit import presence
from signalling.lobby import Presence
from tests.support import office
from tests.support.arranged import DAUGHTER, LINK_KEY, Arranged, Somebody, arrange, entropy
from tests.support.office import MONDAY_S, Office, unix_s

START_S = unix_s("2026-12-07T10:00")
END_S = START_S + 1800
AN, LIES = 0, 1
BART, ELS = "staff-1", "staff-2"
CHANCE = entropy(11)


class Visit:
    """An appointment, and what happens at its door."""

    def __init__(self, store: Store, made: Arranged, desk: Office) -> None:
        self.store, self.id, self.people, self.office = store, made.id, made.people, desk

    async def row(self) -> Row[Any]:
        return await self.store.read(
            lambda tx: tx.execute(select(appointment).where(appointment.c.id == self.id)).one()
        )

    async def see(self, who: int | str, what: Any, at_s: int, reason: str = "") -> None:
        """who: AN or LIES, or a member of staff."""
        await self.store.write(self._see, who, what, at_s, reason)

    def _see(self, tx: Tx, who: int | str, what: Any, at_s: int, reason: str) -> None:
        room = tx.scalar(select(appointment.c.room).where(appointment.c.id == self.id)) or ""
        role = "staff"
        if isinstance(who, int):
            role = "citizen" if who == AN else "third"
            who = tx.scalar(select(participant.c.person).where(participant.c.id == self.people[who])) or ""
        presence.note(tx, at_s, CHANCE, [Presence(room, who, role, what, reason, float(at_s))])

    async def talk(self, from_s: int = START_S, until_s: int = END_S) -> None:
        """An and Bart speak, and Bart ends it."""
        await self.see(AN, "waiting", from_s - 60)
        await self.see(BART, "entered", from_s)
        await self.see(AN, "entered", from_s)
        await self.see(AN, "left", until_s, "ended")
        await self.see(BART, "left", until_s, "ended")

    async def goodbye(self, who: int = AN) -> str:
        """The token of somebody's goodbye."""
        return await self.store.write(parting.offer, START_S, CHANCE, LINK_KEY, self.people[who])


async def visit(store: Store, people: tuple[Somebody, ...] = (Somebody(), DAUGHTER), **changed: object) -> Visit:
    def make(tx: Tx) -> tuple[Arranged, Office]:
        desk = office.found(tx)
        return arrange(tx, desk, START_S, people, **changed), desk  # type: ignore[arg-type]

    made, desk = await store.write(make)
    assert START_S > MONDAY_S
    return Visit(store, made, desk)
