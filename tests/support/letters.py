"""Facts to write messages from, without a database."""

from __future__ import annotations

from typing import Any

from balie.post.facts import Agreed, Facts
from balie.post.receipt import Receipt
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
    if kind == "receipt":
        values |= {"receipt": RECEIPT}
    return Facts(**{**values, **changed})


RECEIPT = Receipt(
    kind="receipt",
    number="2026-000017",
    day="maandag 7 december 2026",
    buyer="An Peeters",
    what="Badmintonterrein huren",
    where="De Pluim, terrein 1",
    when="donderdag 10 december 2026, 18.00 uur tot 19.00 uur",
    reference="SP-4711",
    total="€ 9,00",
    vat="€ 0,51",
    rate="6%",
    reason="",
    method="Bancontact",
    paid_on="maandag 7 december 2026",
    communication="+++010/8068/17183+++",
    seller=("Gemeente Voorbeeldegem", "Dorpsplein 1", "9999 Voorbeeldegem"),
)
