"""Text messages, through a gateway that takes JSON by HTTP: {"to": "+32...", "text": "...", "id": "..."}.

The request is signed as our events are (Standard Webhooks).  id is the same when the same message is posted again, so
a gateway may use it to send once; we do not lean on that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout

from balie import signing
from balie.post.outcome import SAID_MAX, Outcome

TRY_LATER = (408, 425, 429, 503)  # answers that say that nothing was done


@dataclass(frozen=True)
class Gateway:
    """Where it is, and the secret that signs."""

    url: str
    secret: bytes = field(repr=False)
    timeout_s: float = 30


async def send(session: ClientSession, gateway: Gateway, to: str, text: str, id: str, now_s: int) -> Outcome:  # noqa: A002
    """Hand a text message over.  Only what surely did not get there is deferred."""
    body = json.dumps({"to": to, "text": text, "id": id}, ensure_ascii=False).encode()
    headers = {"content-type": "application/json", **signing.sign(gateway.secret, id, now_s, body)}
    timeout = ClientTimeout(total=gateway.timeout_s)
    try:
        async with session.post(
            gateway.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            said = f"{response.status} {(await response.content.read(SAID_MAX)).decode(errors='replace')}"[:SAID_MAX]
            return _judged(response.status, said)
    except ClientConnectorError as error:
        return Outcome("deferred", "no_connection", str(error)[:SAID_MAX])
    except (ClientError, TimeoutError, OSError) as error:
        return Outcome("unresolved", "delivery_unknown", (str(error) or type(error).__name__)[:SAID_MAX])


def _judged(status: int, said: str) -> Outcome:
    if 200 <= status <= 299:
        return Outcome("submitted", said=said)
    if status in TRY_LATER:
        return Outcome("deferred", "try_later", said)
    if 300 <= status <= 499:
        return Outcome("failed", "refused", said)
    return Outcome("unresolved", "delivery_unknown", said)
