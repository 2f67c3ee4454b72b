"""A picture of a member of staff, for the citizen who is about to meet him: small, square, made by his own browser."""

from __future__ import annotations

import base64
import binascii

from sqlalchemy import delete, insert, select

from balie.record import audit
from balie.store.engine import Tx
from balie.store.schema import staff_photo

BYTES_MAX = 40_000  # 320 by 320 in JPEG is 20 kB; a page of the door carries it
TYPES = {"image/jpeg": (b"\xff\xd8\xff", 0), "image/png": (b"\x89PNG\r\n\x1a\n", 0), "image/webp": (b"WEBP", 8)}
"""What a file of a type has where."""


class PhotoError(Exception):
    """code: photo_missing, photo_large or photo_strange."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read(url: str) -> tuple[str, bytes]:
    """A data: URL as a page's canvas makes it (RFC 2397): its type and its bytes.  PhotoError."""
    head, comma, text = url.partition(",")
    mime = head.removeprefix("data:").removesuffix(";base64")
    if not comma:
        raise PhotoError("photo_missing")
    if mime not in TYPES:
        raise PhotoError("photo_strange")
    try:
        image = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PhotoError("photo_strange") from None
    magic, at = TYPES[mime]
    if image[at : at + len(magic)] != magic:
        raise PhotoError("photo_strange")
    if len(image) > BYTES_MAX:
        raise PhotoError("photo_large")
    return mime, image


def put(tx: Tx, now_s: int, staff_id: int, mime: str, image: bytes, actor: str) -> None:
    """In the place of the one before.  mime, image: as read() gives them."""
    tx.execute(delete(staff_photo).where(staff_photo.c.staff_id == staff_id))
    tx.execute(insert(staff_photo).values(staff_id=staff_id, mime=mime, image=image, changed_s=now_s))
    audit.note(tx, now_s, actor, "staff.photo_set", f"staff/{staff_id}")


def remove(tx: Tx, now_s: int, staff_id: int, actor: str) -> None:
    tx.execute(delete(staff_photo).where(staff_photo.c.staff_id == staff_id))
    audit.note(tx, now_s, actor, "staff.photo_removed", f"staff/{staff_id}")


def url(tx: Tx, staff_id: int) -> str:
    """As a data: URL for a page; "" when there is none."""
    row = tx.execute(select(staff_photo.c.mime, staff_photo.c.image).where(staff_photo.c.staff_id == staff_id)).first()
    return f"data:{row.mime};base64,{base64.b64encode(row.image).decode()}" if row is not None else ""
