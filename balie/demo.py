"""`balie demo`: a municipality with one running appointment, on this machine only.

Keys and links live as long as the process.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import replace

from balie.app import Balie, build
from balie.config import OrganisationSection, Settings
from balie.links import Invitation, MemoryLinks
from signalling.tokens import SECRET_MIN_BYTES, Join, Key, Role, Tokens, default_grants

LASTS_S = 24 * 3600
LOOPBACK = "127.0.0.1"
PEOPLE: tuple[tuple[str, str, Role, str, str], ...] = (
    ("Burger", "burger", "citizen", "An Peeters", ""),
    ("Medewerker", "medewerker", "staff", "Bart Claes", ""),
    ("Derde (dochter)", "derde", "third", "Lies Peeters", "dochter"),
)


def demo_settings(host: str, port: int, media_port: int) -> Settings:
    """Everything at its default, on loopback."""
    settings = Settings()
    return replace(
        settings,
        server=replace(settings.server, host=host, port=port, public_url=f"http://localhost:{port}", drain_s=0),
        media=replace(settings.media, listen=(LOOPBACK,), public_addresses=(LOOPBACK,), port=media_port),
        organisation=OrganisationSection(name="Gemeente Voorbeeldegem"),
    )


def build_demo(settings: Settings) -> tuple[Balie, list[tuple[str, str]]]:
    """The demo and its links: (who, URL)."""
    tokens = Tokens("balie-demo", (Key("demo", secrets.token_bytes(SECRET_MIN_BYTES)),))
    links = MemoryLinks(os.urandom)
    now_s = time.time()
    room = f"afspraak-{secrets.token_hex(4)}"
    urls = []
    for who, identifier, role, name, label in PEOPLE:
        join = Join(identifier, room, role, name, default_grants(role), label)
        token = links.create(Invitation(join, now_s, now_s + LASTS_S))
        urls.append((who, f"{settings.server.public_url}/g/{token}"))
    return build(settings, tokens, links), urls
