"""Whether a provider is there and fits, for `balie doctor`."""

from __future__ import annotations

import os
import time

from balie.identity import fetch
from balie.identity.keyset import Jwks, fits
from balie.identity.provider import Provider
from balie.identity.rp import RelyingParty


async def probe(provider: Provider) -> int:
    """How many of its keys can sign for us.  IdentityError."""
    async with fetch.open_session() as session:
        party = RelyingParty(provider, session, "", time.time, os.urandom)
        found = await fetch.ask(session, (await party.metadata()).jwks_uri, Jwks)
    return sum(any(fits(each, alg) for alg in provider.algorithms) for each in found.keys)
