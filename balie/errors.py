"""What goes wrong on the operator's side, in a form that he can act on.

    BalieError        any; its text is fit for the terminal
    ├── ConfigError   a setting that cannot be used
    └── StartError    the surroundings are not as they must be: a port in use, an alien package

What a peer does wrong is media.core.errors.PeerError and signalling.errors.SignallingError; our own mistakes are
Python's ValueError, KeyError and AssertionError.
"""

from __future__ import annotations

SHOWN_MAX = 40  # characters of a value in a message: enough to recognise it, too few to leak a key file


def shown(value: object) -> str:
    """A value for an error message: as Python writes it, on one line, cut."""
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 3] + "..."


class BalieError(Exception):
    """The command cannot go on.  str() says what was found, what is allowed and what to do."""


class ConfigError(BalieError):
    """A setting that cannot be used.

    where  file, section and key, or the environment variable
    found  the value; None keeps it out of the message, for secrets
    need   what is allowed
    hint   what to do
    """

    def __init__(self, where: str, found: object, need: str, hint: str = "") -> None:
        self.where, self.need, self.hint = where, need, hint
        said = "" if found is None else f"found {shown(found)}, "
        super().__init__(f"{where}: {said}need {need}." + (f"\n{hint}" if hint else ""))


class StartError(BalieError):
    """Something outside the configuration stands in the way of a start."""
