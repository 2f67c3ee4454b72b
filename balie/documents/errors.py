"""Why a document is not taken, or not found."""

from __future__ import annotations


class DocumentError(Exception):
    """code is one of CODES; the words for people are web's."""

    def __init__(self, code: str) -> None:
        assert code in CODES, code
        super().__init__(code)
        self.code = code


CODES = (
    "unknown",  # no such document, or not of this appointment, or not his
    "over",  # the appointment does not stand any more
    "no_step",  # it answers a step that is not there
    "none",  # no file was chosen
    "empty",  # a file of no bytes
    "size",  # larger than one may be
    "full",  # enough documents, or enough bytes, for one appointment
    "type",  # none of the kinds that we take
    "name",  # what is in it and what its name says are two things
    "macros",  # it would run something
    "bomb",  # it would become far larger when it is opened
    "encrypted",  # nobody can look into it
    "broken",  # it begins as such a file and is none
    "busy",  # too many are on their way at once
    "disk",  # it cannot be kept here now
)
