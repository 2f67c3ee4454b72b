"""Everything that balie keeps in a browser, once: the page /cookies shows this list, and tests hold all code to it.

Nothing of it needs consent: each line is there because a visitor asked for what it does (directive 2002/58/EC, 5.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from balie.i18n import gettext as _
from balie.identity import logins
from web import language
from web.citizen import draft
from web.desk import gate
from web.identity import leaving

Place = Literal["cookie", "tab", "device"]
"""cookie: also sent to us; tab: sessionStorage, until the tab is closed; device: localStorage, until it is wiped."""


@dataclass(frozen=True)
class Kept:
    """Something in a browser.

    name   as the browser has it, without the prefix of cookies under https, with … for a part that differs
    staff  no citizen has it
    """

    name: str
    place: Place
    why: str
    until: str
    staff: bool = False


def kept() -> tuple[Kept, ...]:
    """The list, in the language of who asks."""
    browser, tab, wiped = _("tot u uw browser sluit"), _("tot u het tabblad sluit"), _("tot u het zelf wist")
    visit, forget = _("tot u het gesprek verlaat"), _("tot u dit weer anders kiest")
    return (
        Kept(language.COOKIE, "cookie", _("De taal die u koos."), browser),
        Kept(draft.COOKIE, "cookie", _("Dat u het zelf bent die verder invult, zolang u een afspraak maakt."), browser),
        Kept(gate.COOKIE, "cookie", _("Dat u als medewerker bent aangemeld."), _("tot u zich afmeldt"), True),
        Kept(
            f"{logins.COOKIE}-…",
            "cookie",
            _("Dat u het zelf bent die terugkomt, als u zich bij een andere website aanmeldt."),
            _("15 minuten"),
        ),
        Kept(
            leaving.SIGNED_IN_WITH,
            "cookie",
            _("Via welke website u zich als medewerker aanmeldde."),
            _("tot u zich afmeldt"),
            True,
        ),
        Kept("balie.in-call", "tab", _("Dat u binnen bent: na het herladen van de pagina bent u er weer."), visit),
        Kept("balie.token", "tab", _("Waarmee u binnenkwam, als dat zonder persoonlijke link was."), tab),
        Kept("balie.microphone-off", "tab", _("Dat u uw microfoon uitzette: herladen zet hem niet weer aan."), visit),
        Kept("balie.camera-off", "tab", _("Dat u uw camera uitzette: herladen zet ze niet weer aan."), visit),
        Kept("balie.devices", "device", _("De camera, microfoon en luidspreker die u koos."), wiped),
        Kept("balie.signs", "device", _("Dat u gebarentaal gebruikt."), forget),
        Kept("balie.typing-off", "device", _("Dat anderen niet meelezen terwijl u typt."), forget),
        Kept("balie.tested", "device", _("Wat de test van uw toestel vond, en wanneer."), _("tot 90 dagen na de test")),
        Kept("balie.alerted", "tab", _("Van wie de aankomst al gemeld is."), tab, True),
        Kept("balie.sound-off", "device", _("Dat u geen geluid wilt als iemand wacht."), forget, True),
        Kept("balie.notify", "device", _("Dat u meldingen wilt als iemand wacht."), forget, True),
    )
