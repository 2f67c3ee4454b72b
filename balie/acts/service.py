"""Formal acts as pages and workers do them: a decision, a call to another system, what follows from its answer.

No transaction is open while another system is spoken to.  What was decided is in the database before the call, with the
key that goes along; so whoever finds it unanswered asks again (balie.acts.repair), and the other system does it once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import structlog

from balie.acts import buying, intents, keeping, saga
from balie.acts.errors import ActError
from balie.acts.intents import Ask
from balie.acts.looking import Looking
from balie.acts.rules import Rules
from balie.booking.errors import NotFound
from balie.i18n import gettext as _
from balie.payments import errors as paying
from balie.payments import records as payments
from balie.payments import refunds
from balie.payments.provider import Method, Provider
from balie.reservations import errors as reserving
from balie.reservations import records as reservations
from balie.reservations.backend import Backend, FreeTime
from balie.store.engine import Store, Tx

P = ParamSpec("P")
Result = TypeVar("Result")

HOLD_S = 30 * 60
"""What we ask for: to identify oneself, and then the quarter of an hour for which providers keep a payment open."""

RETURN, REPORT = "/betaling/terug", "/betaling/bericht"
"""Where a payer comes back to, and where providers say that there is news."""

_log = structlog.get_logger("acts")


@dataclass(frozen=True)
class Systems:
    """Who is spoken to.  provider: the name of the one that takes new payments, "" for nobody."""

    backends: Mapping[str, Backend]
    providers: Mapping[str, Provider]
    provider: str


@dataclass
class Reports:
    """What providers' webhooks brought, for the metrics."""

    known: int = 0
    unknown: int = 0


async def _nothing(_appointment_id: int) -> None:
    return None


class Acts:
    """What pages call.  ActError says what cannot be; everything else is repaired by itself.

    public_url  without a trailing slash: where providers and payers come back to
    clock       Unix time in seconds
    changed     told of an appointment whenever its panel shows something else
    """

    def __init__(
        self,
        store: Store,
        systems: Systems,
        rules: Rules,
        entropy: Callable[[int], bytes],
        clock: Callable[[], float],
        public_url: str,
        changed: Callable[[int], Awaitable[None]] = _nothing,
    ) -> None:
        self.store, self.systems, self.rules = store, systems, rules
        self.reports = Reports()
        self._entropy, self._clock, self._public_url = entropy, clock, public_url
        self._changed, self._looking = changed, Looking(clock)

    @property
    def now_s(self) -> int:
        return int(self._clock())

    # -- reservations ------------------------------------------------------------------------------------------

    async def free(self, appointment_id: int, product_id: int, day: date) -> list[FreeTime]:
        """What of a product can be reserved on a local day, for who looks from an appointment: see balie.acts.looking.

        ActError unknown, not_offered, no_backend, backend_down, backend_refused, looked_too_often.
        """
        offer = await self.store.read(keeping.offer, product_id)
        zone = ZoneInfo(offer.zone)
        midnights = [datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1))]
        from_s, until_s = (int(each.timestamp()) for each in midnights)
        ask = partial(self._free, offer, from_s, until_s)
        found = await self._looking.at(appointment_id, product_id, day, offer.backend, ask)
        return [each for each in found if each.from_s >= self.now_s]

    async def reserve(self, appointment_id: int, product_id: int, resource: str, from_s: int, until_s: int) -> int:
        """Keep this for the citizen; what he chose of this product before is let go.  Returns the reservation's id.

        It is held when this returns, or still selected when the other system does not answer: then that is asked again
        for a minute.  ActError as free(), slot_taken, reserved, paid, confirming, not_here, identify_first.
        """
        offer = await self.store.read(keeping.offer, product_id)
        self._looking.count(appointment_id)
        found = await self._free(offer, from_s, from_s + 1)
        chosen = [each for each in found if (each.resource, each.from_s, each.until_s) == (resource, from_s, until_s)]
        if not chosen:
            self._looking.forget(offer.backend)  # somebody took it elsewhere: what was shown is older than that
            raise ActError("slot_taken")
        made, asks = await self._write(
            keeping.choose, self._entropy, self.rules, appointment_id, product_id, offer.backend, chosen[0]
        )
        await self._go_on(appointment_id, asks)
        about = await self.store.read(reservations.get, made)
        if about.state == "released" and about.error:
            raise ActError("slot_taken" if about.error == reserving.Taken.code else "backend_refused")
        return made

    async def release(self, reservation_id: int, actor: str = "citizen") -> None:
        """Let it go.  ActError unknown, reserved, paid, confirming."""
        about = await self.store.read(_reservation, reservation_id)
        asks = await self._write(keeping.drop, self._entropy, reservation_id, actor)
        await self._go_on(about.appointment_id, asks)

    async def settle(self, appointment_id: int) -> None:
        """Something may go on now: somebody was identified, or pressed a button.  As often as anybody likes."""
        asks = await self._write(saga.follow, self._entropy, self.rules, appointment_id)
        await self._go_on(appointment_id, asks)

    async def _free(self, offer: keeping.Offer, from_s: int, until_s: int) -> list[FreeTime]:
        backend = self.systems.backends.get(offer.backend)
        if backend is None:
            raise ActError("no_backend")
        try:
            return await backend.free(offer.kind, from_s, until_s)
        except reserving.Down:
            raise ActError("backend_down") from None
        except reserving.BackendError:
            raise ActError("backend_refused") from None

    # -- payments ----------------------------------------------------------------------------------------------

    async def pay(
        self,
        appointment_id: int,
        participant_id: int,
        *,
        reservation_id: int | None = None,
        product_id: int | None = None,
    ) -> int:
        """A payment of the citizen, who pays at checkout_url(); the one that runs when there is one.  Returns its id.

        ActError unknown, not_here, not_citizen, not_offered, not_held, reserved, identify_first, paid, no_provider,
        provider_down, provider_refused.
        """
        if not self.systems.provider:
            raise ActError("no_provider")
        before = await self.store.read(buying.running, appointment_id, reservation_id, product_id)
        if before is not None:
            await self.look(before.id)  # it may have ended, and its webhook be on its way
        payment_id = await self._write(
            buying.begin,
            self._entropy,
            self.rules,
            self.systems.provider,
            appointment_id,
            participant_id,
            reservation_id=reservation_id,
            product_id=product_id,
        )
        await self.create(payment_id)
        about = await self.store.read(payments.get, payment_id)
        if about.external_id is None:
            raise ActError("provider_down" if about.state == "created" else "provider_refused")
        return payment_id

    async def checkout_url(self, payment_id: int, participant_id: int) -> str:
        """Where this citizen pays; "" for everybody else, and when there is nothing to pay any more."""
        return await self.store.read(payments.checkout_url, payment_id, participant_id)

    async def methods(self, amount_cents: int, locale: str) -> list[Method]:
        """With what he can pay, as the provider says now; none when it does not say."""
        provider = self.systems.providers.get(self.systems.provider)
        try:
            return await provider.methods(amount_cents, locale) if provider is not None else []
        except paying.ProviderError:
            return []

    async def create(self, payment_id: int) -> None:
        """Ask the provider for a payment that was decided on; asked again, it is the same one."""
        order = await self.store.read(buying.order, payment_id)
        provider = self.systems.providers.get(order.payment.provider) if order is not None else None
        if order is None or provider is None:
            return
        about = order.payment
        back, report = f"{self._public_url}{RETURN}", f"{self._public_url}{REPORT}/{about.provider}"
        try:
            made = await provider.create(about.key, about.amount_cents, order.description, back, report, order.locale)
        except paying.ProviderError as error:
            final = isinstance(error, paying.Refused)
            _log.warning("payment_not_made", payment=payment_id, code=error.code, said=str(error))
            over = await self._write(buying.not_made, self._entropy, payment_id, error.code, final=final)
            if over:
                await self._changed(about.appointment_id)
            return
        if await self._write(payments.opened, payment_id, made):
            await self._changed(about.appointment_id)

    async def report(self, provider: str, external_id: str) -> bool:
        """Somebody says that there is news of a payment: the worker asks the provider.  False: we do not know it."""
        about = await self.store.read(payments.by_external_id, provider, external_id)
        if about is None:
            self.reports.unknown += 1
            return False
        if not await self.store.read(payments.is_due, self.now_s, about.id):
            await self._write(payments.ask_now, about.id)
        self.reports.known += 1
        return True

    async def look(self, payment_id: int) -> None:
        """Ask the provider what became of a payment, and do what follows."""
        about = await self.store.read(payments.get, payment_id)
        provider = self.systems.providers.get(about.provider)
        if about.external_id is None or provider is None:
            await self._write(buying.unheard, payment_id, "provider_unknown", refused=False)
            return
        try:
            status = await provider.fetch(about.external_id)
        except paying.ProviderError as error:
            refused = isinstance(error, paying.Refused)
            _log.warning("payment_not_fetched", payment=payment_id, code=error.code, said=str(error))
            await self._write(buying.unheard, payment_id, error.code, refused=refused)
            return
        news, asks = await self._write(saga.heard, self._entropy, self.rules, payment_id, status)
        if news:
            await self._changed(about.appointment_id)
        await self._go_on(about.appointment_id, asks)

    async def refund(self, refund_id: int, staff_id: int) -> bool:
        """Money goes back, for somebody of the staff says so.  False: a colleague decided first.  TaskError."""
        if not await self._write(saga.approve, self._entropy, self.rules, refund_id, staff_id):
            return False
        await self.give_back(refund_id)
        return True

    async def keep(self, refund_id: int, staff_id: int, outcome: str) -> bool:
        """Nothing goes back, and that is why.  False: a colleague decided first.  TaskError."""
        return await self._write(saga.reject, self._entropy, self.rules, refund_id, staff_id, outcome)

    async def give_back(self, refund_id: int) -> None:
        """Ask the provider for a refund that was decided on; asked again, it is the same one."""
        found = await self.store.read(refunds.get, refund_id)
        about = await self.store.read(payments.get, found.payment_id)
        provider = self.systems.providers.get(about.provider)
        if found.state != "requested" or about.external_id is None or provider is None:
            return
        words = _("Terugbetaling: {what}").format(what=about.description)
        try:
            status = await provider.refund(found.key, about.external_id, found.amount_cents, words)
        except paying.Refused as error:
            await self._write(buying.refund_refused, refund_id, error.code)
        except paying.ProviderError as error:
            await self._write(refunds.unheard, refund_id, error.code)
        else:
            await self._write(refunds.asked, refund_id, status)
            await self.look(about.id)  # only what was fetched counts
        await self._changed(about.appointment_id)

    # -- the other system ---------------------------------------------------------------------------------------

    async def expire(self, reservation_id: int) -> None:
        """Let go what nobody finished in time."""
        about = await self.store.read(reservations.get, reservation_id)
        await self._go_on(
            about.appointment_id, await self._write(saga.expire, self._entropy, self.rules, reservation_id)
        )

    async def carry(self, reservation_id: int) -> None:
        """Ask the reservation system what was decided, and do what follows."""
        about = await self.store.read(reservations.get, reservation_id)
        await self._go_on(about.appointment_id, [reservation_id])

    async def _go_on(self, appointment_id: int, asks: list[int]) -> None:
        waiting = list(asks)
        while waiting:
            ask = await self.store.read(intents.get, waiting.pop(0))
            if ask is not None:
                waiting += await self._ask(ask)
        if asks:
            await self._changed(appointment_id)

    async def _ask(self, ask: Ask) -> list[int]:
        backend = self.systems.backends.get(ask.about.backend)
        if backend is None:
            return await self._write(keeping.silent, self._entropy, self.rules, ask, "backend_unknown")
        try:
            match ask.wanted:
                case "hold":
                    return await self._hold(backend, ask)
                case "confirm":
                    return await self._confirm(backend, ask)
                case _:
                    return await self._release(backend, ask)
        except reserving.Down as error:
            _log.warning("reservation_unanswered", reservation=ask.about.id, wanted=ask.wanted, said=str(error))
            return await self._write(keeping.silent, self._entropy, self.rules, ask, error.code)
        finally:
            self._looking.forget(ask.about.backend)

    async def _hold(self, backend: Backend, ask: Ask) -> list[int]:
        about = ask.about
        try:
            held = await backend.hold(about.key, about.resource, about.from_s, about.until_s, HOLD_S)
        except (reserving.Taken, reserving.Refused) as error:
            await self._write(keeping.not_held, self._entropy, about.id, error.code)
            return []
        return await self._write(keeping.held, self._entropy, self.rules, about.id, held)

    async def _confirm(self, backend: Backend, ask: Ask) -> list[int]:
        about = ask.about
        try:
            said = await backend.confirm(about.key, about.external_ref, ask.holder_name)
        except (reserving.Taken, reserving.Refused) as error:
            return await self._write(keeping.lost, self._entropy, self.rules, ask, error.code)
        return await self._write(keeping.confirmed, self._entropy, self.rules, ask, said.external_ref)

    async def _release(self, backend: Backend, ask: Ask) -> list[int]:
        """Of what we do not know whether it was ever held, the same key tells."""
        about = ask.about
        try:
            ref = about.external_ref
            if not ref:
                ref = (await backend.hold(about.key, about.resource, about.from_s, about.until_s, HOLD_S)).external_ref
            await backend.release(about.key, ref)
        except (reserving.Taken, reserving.Refused):
            pass  # there is nothing to let go
        await self.store.write(keeping.let_go, about.id)
        return []

    async def _write(
        self, function: Callable[Concatenate[Tx, int, P], Result], *args: P.args, **kwargs: P.kwargs
    ) -> Result:
        return await self.store.write(function, self.now_s, *args, **kwargs)


def _reservation(tx: Tx, reservation_id: int) -> reservations.Reservation:
    try:
        return reservations.get(tx, reservation_id)
    except NotFound:
        raise ActError("unknown") from None
