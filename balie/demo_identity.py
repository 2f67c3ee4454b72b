"""The demo's identity provider: web.demo_identity on the demo's own address, and how balie reaches it."""

from __future__ import annotations

import os
import secrets
import time

from aiohttp import web

from balie.config import Settings
from balie.identity.persons import Person
from balie.identity.service import RETURN
from balie.sections.identity import IdentitySection, ProviderSection, RoleSection
from web.demo_identity.directory import BASE, BY_KEY, HIGH, LOW, ROLE, Directory
from web.demo_identity.pages import DIRECTORY, ROUTES
from web.desk.entry import OUT
from web.identity.back import SIGNED_OUT

NAME, LABEL = "demo", "demo-ID"
PURPOSES = {
    "nl": "Het terrein wordt op uw eigen naam gereserveerd.",
    "fr": "Le terrain est réservé à votre propre nom.",
    "en": "The court is booked in your own name.",
    "de": "Das Feld wird auf Ihren eigenen Namen reserviert.",
}


def identity(public_url: str, team: str) -> IdentitySection:
    """The section that a real configuration would have.  team: the service of who has the demo's role."""
    provider = ProviderSection(
        name=NAME,
        label=LABEL,
        issuer=public_url + BASE,
        client_id="balie-demo",
        client_secret=secrets.token_urlsafe(24),
        used_for=("citizen", "staff"),
        acr_levels=(LOW, HIGH),
        roles=(RoleSection(ROLE, "balie", "counter", (team,)),),
    )
    return IdentitySection((provider,))


def subject(public_url: str, key: str) -> str:
    """How balie knows somebody of the demo's provider."""
    return Person(public_url + BASE, BY_KEY[key].claims["sub"], "").subject


def open_in(app: web.Application, settings: Settings) -> None:
    """Put its pages and its endpoints into the demo."""
    (provider,) = settings.identity.providers
    here = settings.server.public_url
    app[DIRECTORY] = Directory(
        provider.issuer,
        provider.client_id,
        provider.client_secret,
        f"{here}{RETURN}/{NAME}",
        (here + OUT, here + SIGNED_OUT),
        time.time,
        os.urandom,
    )
    app.add_routes(ROUTES)
