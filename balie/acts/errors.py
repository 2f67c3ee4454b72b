"""Why a formal act cannot go on."""

from __future__ import annotations


class ActError(Exception):
    """code is one of CODES; the words for people are web's."""

    def __init__(self, code: str) -> None:
        assert code in CODES, code
        super().__init__(code)
        self.code = code


CODES = (
    "unknown",  # no such thing, or not of this appointment
    "not_citizen",  # only the citizen of the appointment may do this
    "not_offered",  # the product has nothing to reserve, or nothing to pay
    "not_here",  # the appointment does not stand any more
    "no_backend",  # no system of that name is configured
    "no_provider",  # nobody takes payments
    "backend_down",  # the reservation system does not answer
    "backend_refused",  # the reservation system will not do it
    "slot_taken",  # somebody else has it
    "not_held",  # what is to be paid is not kept any more
    "reserved",  # it is his already
    "too_often",  # no person chooses so often in one visit
    "looked_too_often",  # nor looks so often what is free
    "confirming",  # it is being confirmed: it cannot be let go now
    "paid",  # it was paid: a refund is for a person to decide
    "identify_first",
    "provider_down",  # the payment provider does not answer
    "provider_refused",  # the payment provider will not do it
)
