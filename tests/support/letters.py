"""Facts to write messages from, without a database."""

from __future__ import annotations

from typing import Any

from balie.post.facts import Agreed, Facts
from tests.support.office import ZONE, unix_s
from tests.support.post_office import SENDER

START_S = unix_s("2026-12-08T14:30")
PAGE, DOOR = f"{SENDER.public_url}/a/token-of-an", f"{SENDER.public_url}/g/token-of-an"
GOODBYE = f"{SENDER.public_url}/b/token-of-an"
CITIZEN, HELPER = "citizen", "family"


def known(kind: str = "confirmation", **changed: Any) -> Facts:
    """Facts of an appointment of An Peeters with Bart."""
    values: dict[str, Any] = {
        "kind": kind,
        "variant": "",
        "role": CITIZEN,
        "name": "An Peeters",
        "whose": "An Peeters",
        "staff": "Bart Claes",
        "organisation": "Gemeente Voorbeeldegem",
        "service": "Vrije tijd",
        "start_s": START_S,
        "end_s": START_S + 45 * 60,
        "zone": ZONE,
        "modality": "video",
        "products": ("Badmintonterrein huren", "Evenement aanvragen"),
        "checklist": ("Uw betaalkaart", "De dag waarop u wilt spelen"),
        "address": "Dorpsplein 1, 9999 Voorbeeldegem",
        "desk_phone": "+32 2 555 01 30",
        "phone": "+32470123456",
        "ref": "K7XQ2M",
        "uid": "3f9c",
        "sequence": 0,
        "site": SENDER.public_url,
        "page": PAGE,
        "door": DOOR,
        "before": "maandag 7 december 2026 om 9.00 uur" if kind == "moved" else "",
        "office": False,
        "reason": "",
        "first": True,
        "data": {"subject": "Re: uur", "text": "Ja hoor."} if kind == "reply" else {},
    }
    if kind in ("goodbye", "survey"):
        steps = (
            Agreed("citizen", "De factuur betalen", "dinsdag 15 december 2026"),
            Agreed("office", "Uw sleutel klaarleggen", ""),
        )
        values |= {"page": "", "door": "", "goodbye": GOODBYE, "asks": True}
        values |= {"steps": steps if kind == "goodbye" else ()}
    if kind == "cancelled":
        values |= {"page": "", "door": ""}
    return Facts(**{**values, **changed})
