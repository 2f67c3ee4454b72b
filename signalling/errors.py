"""What a client did wrong, in a form that can be told to the client.

SignallingError   any; carries the wire's error code
├── TokenError    the join token does not admit
└── SdpError      the session description cannot be used
"""

from __future__ import annotations


class SignallingError(Exception):
    """code is one of PROTOCOL.md's error codes; message says what was found, what is allowed, what to do.

    fatal: the connection ends after it.
    """

    def __init__(self, code: str, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fatal = fatal


class TokenError(SignallingError):
    """code: token_invalid, token_expired or forbidden.  Never holds the token."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, fatal=True)


class SdpError(SignallingError):
    """code: bad_sdp when it is no session description, unsupported when we do not do what it asks."""


def shown(value: object) -> str:
    """A value for an error message: at most 40 characters, on one line."""
    text = str(value)[:41]
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= 40 else text[:37] + "..."
