"""Signatures of what we post to other systems, as in Standard Webhooks (standardwebhooks.com): one scheme for events
and text messages, for which receivers find a library in every language.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 300  # how far clocks may differ; what is older may be a replay
PREFIX = b"whsec_"
SECRET_MIN_BYTES = 24  # Standard Webhooks, "Signature scheme": 24 to 64


def key(secret: bytes) -> bytes:
    """The bytes to sign with: a secret in the form of Standard Webhooks, whsec_ and base64, or any other as it is."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            return secret
    return secret


def sign(secret: bytes, id: str, timestamp_s: int, body: bytes) -> dict[str, str]:  # noqa: A002, the header's own name
    """Headers that go with a body.  id stays the same when the same thing is posted again, timestamp_s does not."""
    return {ID: id, TIMESTAMP: str(timestamp_s), SIGNATURE: f"v1,{_signature(secret, id, str(timestamp_s), body)}"}


def verify(
    secrets: Iterable[bytes], headers: Mapping[str, str], body: bytes, now_s: int, tolerance_s: int = TOLERANCE_S
) -> bool:
    """Whether a body came, not long ago, from who has one of the secrets.

    headers  names in lower case, or a mapping that does not mind
    secrets  several while one is being replaced; the sender, too, may sign with several
    """
    timestamp = headers.get(TIMESTAMP, "")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 15):
        return False
    if abs(now_s - int(timestamp)) > tolerance_s:
        return False
    given = [each.encode() for each in headers.get(SIGNATURE, "").split()]
    expected = [f"v1,{_signature(secret, headers.get(ID, ''), timestamp, body)}".encode() for secret in secrets]
    return any(hmac.compare_digest(one, other) for one in expected for other in given)


def _signature(secret: bytes, id: str, timestamp: str, body: bytes) -> str:  # noqa: A002
    signed = f"{id}.{timestamp}.".encode("utf-8", "replace") + body
    return base64.b64encode(hmac.digest(key(secret), signed, hashlib.sha256)).decode()
