"""A reservation system in the test's own process, which keeps its word or breaks it as it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from balie.reservations.backend import Confirmed, Details, FreeTime, Held, Resource, State
from balie.reservations.errors import Down, Nonsense, Refused, Taken

PRICE = 900

Answer = TypeVar("Answer")


@dataclass
class Kept:
    """One hold.  Its time runs out by itself."""

    ref: str
    resource: str
    from_s: int
    until_s: int
    hold_until_s: int
    state: State = "held"
    holder: str = ""


@dataclass
class SportHall:
    """A Backend with one court.

    faults  by call what goes wrong, the first first: down (nothing was done), lost (it was done, and the answer got
            lost), nonsense (the same), taken, refused
    broken  goes wrong in every call, until it is emptied
    """

    clock: Callable[[], float]
    name: str = "sporthal"
    price_cents: int = PRICE
    faults: dict[str, deque[str]] = field(default_factory=dict)
    broken: str = ""
    kept: dict[str, Kept] = field(default_factory=dict)
    answered: dict[str, object] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    @property
    def now_s(self) -> int:
        return int(self.clock())

    def fail(self, call: str, *faults: str) -> None:
        self.faults.setdefault(call, deque()).extend(faults)

    def standing(self, state: State) -> list[Kept]:
        self._lapse()
        return [each for each in self.kept.values() if each.state == state]

    async def resources(self, kind: str) -> list[Resource]:
        self._before("resources")
        return [Resource("court-1", "Terrein 1", "badminton")]

    async def free(self, kind: str, from_s: int, until_s: int) -> list[FreeTime]:
        self._before("free")
        hours = range(from_s - from_s % 3600, until_s, 3600)
        times = [
            FreeTime("court-1", "Terrein 1", each, each + 3600, self.price_cents) for each in hours if each >= from_s
        ]
        self._after("free")
        return [each for each in times if self._is_free(each.resource, each.from_s)]

    async def hold(self, key: str, resource: str, from_s: int, until_s: int, ttl_s: int) -> Held:
        self._before("hold")
        made = self._once(f"{key}-hold", lambda: self._hold(resource, from_s, until_s, ttl_s))
        self._after("hold")
        return made

    async def confirm(self, key: str, external_ref: str, holder_name: str) -> Confirmed:
        self._before("confirm")
        made = self._once(f"{key}-confirm", lambda: self._confirm(external_ref, holder_name))
        self._after("confirm")
        return made

    async def release(self, key: str, external_ref: str) -> None:
        self._before("release")
        if external_ref in self.kept:
            self.kept[external_ref].state = "released"
        self._after("release")

    async def details(self, external_ref: str) -> Details:
        self._before("details")
        self._lapse()
        if external_ref not in self.kept:
            raise Refused
        found = self.kept[external_ref]
        return Details(found.ref, found.state, found.resource, found.from_s, found.until_s, found.holder)

    def give_away(self) -> None:
        """Somebody else gets what is held."""
        for ref, each in self.kept.items():
            if each.state == "held":
                self.kept[ref] = replace(each, state="expired")

    def _hold(self, resource: str, from_s: int, until_s: int, ttl_s: int) -> Held:
        if not self._is_free(resource, from_s):
            raise Taken
        ref = f"R{len(self.kept) + 1}"
        self.kept[ref] = Kept(ref, resource, from_s, until_s, self.now_s + ttl_s)
        return Held(ref, self.now_s + ttl_s, self.price_cents)

    def _confirm(self, external_ref: str, holder_name: str) -> Confirmed:
        self._lapse()
        found = self.kept.get(external_ref)
        if found is None or found.state != "held":
            raise Taken
        found.state, found.holder = "confirmed", holder_name
        return Confirmed(external_ref)

    def _is_free(self, resource: str, from_s: int) -> bool:
        self._lapse()
        return not any(
            each.state in ("held", "confirmed") and (each.resource, each.from_s) == (resource, from_s)
            for each in self.kept.values()
        )

    def _lapse(self) -> None:
        for each in self.kept.values():
            if each.state == "held" and self.now_s >= each.hold_until_s:
                each.state = "expired"

    def _once(self, key: str, do: Callable[[], Answer]) -> Answer:
        if key not in self.answered:
            self.answered[key] = do()
        return cast(Answer, self.answered[key])

    def _before(self, call: str) -> None:
        self.calls.append(call)
        fault = self.broken or (self.faults[call][0] if self.faults.get(call) else "")
        if fault in ("down", "taken", "refused"):
            self._drop(call)
            raise {"down": Down, "taken": Taken, "refused": Refused}[fault]

    def _after(self, call: str) -> None:
        fault = self.broken or (self.faults[call][0] if self.faults.get(call) else "")
        if fault in ("lost", "nonsense"):
            self._drop(call)
            raise Down if fault == "lost" else Nonsense

    def _drop(self, call: str) -> None:
        if not self.broken:
            self.faults[call].popleft()
