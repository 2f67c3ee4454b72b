"""What the self-test's JavaScript shows, by key as the modules in static/js/selftest name them.

found_{part}_{code} says what a test found, with the codes of balie.visit.device_test; fix_{…} says what to do, a step
on each line, for the browsers and systems of static/js/selftest/guidance.js.
"""

from __future__ import annotations

from balie.i18n import gettext as _
from web.texts import call_texts


def selftest_texts(phone: str) -> dict[str, str]:
    """With the texts of the call page: its modules for cameras and connections are used here too."""
    return {
        **call_texts(phone),
        **_lights(),
        **_found(),
        **_acts(),
        **_denied(),
        **_elsewhere(),
        **_fixes(),
        **_ways_out(),
    }


def _lights() -> dict[str, str]:
    return {
        "light_wait": _("Nog niet getest"),
        "light_busy": _("We testen …"),
        "light_good": _("In orde"),
        "light_careful": _("Let op"),
        "light_bad": _("Werkt niet"),
        "light_skipped": _("Niet getest"),
        "result_good": _("Uw toestel is klaar"),
        "result_careful": _("U kunt deelnemen, maar niet alles werkt"),
        "result_bad": _("Een videogesprek lukt nog niet"),
        "result_good_words": _(
            "Alles werkt. Gebruik voor uw gesprek hetzelfde toestel en dezelfde browser als nu. U hoeft niets te "
            "installeren."
        ),
        "result_careful_words": _("Kijk na wat bij ‘Let op’ of ‘Werkt niet’ staat. Test daarna opnieuw."),
        "result_bad_words": _(
            "Kijk na wat bij ‘Werkt niet’ staat en test opnieuw. U kunt ook een ander toestel proberen, zoals uw gsm."
        ),
    }


def _found() -> dict[str, str]:
    return {
        "found_browser_good": _("Met deze browser kunt u een videogesprek voeren."),
        "found_browser_old": _("Deze browser is te oud voor een videogesprek."),
        "found_browser_insecure": _("Deze pagina is niet beveiligd geopend. Dan mag de camera niet aan."),
        "found_browser_in_app": _("Deze pagina staat open in de app {app}. Daar werken camera en microfoon vaak niet."),
        "found_browser_in_app_unnamed": _(
            "Deze pagina staat open in een andere app. Daar werken camera en microfoon vaak niet."
        ),
        "found_camera_good": _("Ziet u uzelf? Dan ziet de medewerker u ook."),
        "found_camera_denied": _("Uw browser laat de camera niet toe."),
        "found_camera_system": _("De instellingen van uw toestel houden de camera tegen."),
        "found_camera_dismissed": _("U hebt de vraag van uw browser nog niet beantwoord."),
        "found_camera_missing": _("We vinden geen camera."),
        "found_camera_busy": _("Een ander programma gebruikt uw camera."),
        "found_camera_unfit": _("Deze camera past niet bij een videogesprek."),
        "found_camera_failed": _("Uw camera wil niet starten."),
        "found_camera_insecure": _("Uw toestel laat de camera op deze pagina niet toe."),
        "found_microphone_good": _("We horen u."),
        "found_microphone_quiet": _("We horen u nog niet."),
        "found_microphone_denied": _("Uw browser laat de microfoon niet toe."),
        "found_microphone_system": _("De instellingen van uw toestel houden de microfoon tegen."),
        "found_microphone_dismissed": _("U hebt de vraag van uw browser nog niet beantwoord."),
        "found_microphone_missing": _("We vinden geen microfoon."),
        "found_microphone_busy": _("Een ander programma gebruikt uw microfoon."),
        "found_microphone_unfit": _("Deze microfoon past niet bij een videogesprek."),
        "found_microphone_failed": _("Uw microfoon wil niet starten."),
        "found_microphone_insecure": _("Uw toestel laat de microfoon op deze pagina niet toe."),
        "found_speaker_good": _("U hoorde het geluid."),
        "found_speaker_unheard": _("U hoorde het geluid niet."),
        "found_speaker_untested": _("U hebt de luidspreker niet getest."),
        "found_network_good": _("Beeld en geluid komen vlot tot bij ons en terug."),
        "found_network_slow": _("Uw internetverbinding is traag. Het beeld kan haperen."),
        "found_network_lossy": _("Onderweg gaat een deel van beeld en geluid verloren. Het gesprek kan haperen."),
        "found_network_blocked": _("Dit netwerk houdt beeld en geluid tegen."),
        "found_network_offline": _("We krijgen geen verbinding met ons systeem."),
        "found_network_crowded": _("Er testen nu te veel mensen tegelijk. Test uw verbinding straks opnieuw."),
        "found_network_untested": _("De internetverbinding is niet getest."),
    }


def _acts() -> dict[str, str]:
    return {
        "asking": _("Uw browser vraagt of deze pagina uw camera en microfoon mag gebruiken. Kies ‘Toestaan’."),
        "speak": _("Spreek even. Het balkje beweegt mee."),
        "recording": _("We nemen op. Zeg iets …"),
        "playing": _("U hoort nu uw opname."),
        "recorded": _("Hoorde u uzelf? Dan werken uw microfoon en uw luidspreker."),
        "not_recorded": _("De opname is niet gelukt. Dat is niet erg: u hebt ze niet nodig."),
        "tone_playing": _("Luister …"),
        "tone_asked": _("Hoorde u het geluid?"),
        "tone_failed": _("Uw browser speelt geen geluid af. Zet het geluid van uw toestel aan en probeer opnieuw."),
        "network_busy": _("We sturen beeld en geluid heen en weer. Dit duurt ongeveer tien seconden."),
        "network_told": _("Heen en terug: {rtt} milliseconden. Verlies onderweg: {loss} procent."),
        "network_told_rtt": _("Heen en terug: {rtt} milliseconden."),
        "network_by_udp": _("Langs de snelste weg (UDP)."),
        "network_by_tcp": _("Langs een andere weg (TCP)."),
        "network_by_turn": _("Langs een tussenstation (TURN)."),
        "network_detour": _("Uw netwerk houdt de snelste weg tegen. Beeld en geluid nemen een andere. Dat werkt ook."),
        "copied": _("De link is gekopieerd. Open uw browser en plak hem in de adresbalk."),
        "not_copied": _("Kopiëren lukt niet. Typ dit adres over in uw browser: {link}"),
        "shared": _("Verstuurd. De medewerker ziet dit resultaat bij uw afspraak."),
        "not_shared": _("Het versturen is niet gelukt. Probeer opnieuw."),
        "open_settings_camera": _("Open de instellingen van uw camera"),
        "open_settings_microphone": _("Open de instellingen van uw microfoon"),
        "part_browser": _("Browser"),
        "part_camera": _("Camera"),
        "part_microphone": _("Microfoon"),
        "part_speaker": _("Luidspreker"),
        "part_network": _("Internet"),
        "told": _("{part}: {light}. {words}"),
    }


def _denied() -> dict[str, str]:
    """The browser was told not to allow it: where to allow it after all."""
    return {
        "fix_denied": _(
            "Klik op het slotje of het camerapictogram naast het adres van deze pagina.\n"
            "Kies ‘Toestaan’ bij camera en bij microfoon.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_denied_chrome": _(
            "Klik links naast het adres op het pictogram met de twee schuifjes.\n"
            "Zet ‘Camera’ en ‘Microfoon’ aan.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_denied_edge": _(
            "Klik links naast het adres op het slotje.\n"
            "Kies ‘Toestaan’ bij ‘Camera’ en bij ‘Microfoon’.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_denied_firefox": _(
            "Klik links naast het adres op de doorstreepte camera of microfoon.\n"
            "Klik op het kruisje naast ‘Geblokkeerd’.\n"
            "Druk op ‘Probeer opnieuw’ en kies ‘Toestaan’."
        ),
        "fix_denied_safari": _(
            "Klik bovenaan in de menubalk op ‘Safari’ en kies ‘Instellingen voor’ deze website.\n"
            "Kies ‘Sta toe’ bij ‘Camera’ en bij ‘Microfoon’.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_denied_safari_ios": _(
            "Tik naast het adres op het pictogram van de pagina (of op ‘aA’).\n"
            "Kies ‘Website-instellingen’. Staat dat er niet bij? Tik dan eerst op de drie puntjes.\n"
            "Kies ‘Sta toe’ bij ‘Camera’ en bij ‘Microfoon’.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_denied_ios": _(
            "Open de app ‘Instellingen’ van uw iPhone of iPad.\n"
            "Zoek uw browser in de lijst van apps en tik erop.\n"
            "Zet ‘Camera’ en ‘Microfoon’ aan.\n"
            "Kom terug naar deze pagina en druk op ‘Probeer opnieuw’."
        ),
        "fix_denied_android": _(
            "Tik naast het adres op het slotje of op het pictogram met de twee schuifjes.\n"
            "Tik op ‘Rechten’ of ‘Machtigingen’.\n"
            "Zet ‘Camera’ en ‘Microfoon’ aan.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_denied_firefox_android": _(
            "Tik op het slotje naast het adres.\n"
            "Tik op ‘Geblokkeerd’ bij ‘Camera’ en bij ‘Microfoon’, zodat er ‘Toegestaan’ staat.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
    }


def _elsewhere() -> dict[str, str]:
    """The question was not answered, or the system says no before the browser can ask."""
    return {
        "fix_dismissed": _(
            "Druk op ‘Probeer opnieuw’.\nUw browser vraagt of deze pagina uw camera en microfoon mag gebruiken. Kies "
            "‘Toestaan’."
        ),
        "fix_system": _(
            "Open de instellingen van uw toestel en zoek ‘Privacy’.\n"
            "Laat uw browser toe bij ‘Camera’ en bij ‘Microfoon’.\n"
            "Sluit uw browser helemaal af, open hem opnieuw en kom terug naar deze pagina."
        ),
        "fix_system_windows": _(
            "Open ‘Instellingen’ van Windows en kies ‘Privacy en beveiliging’.\n"
            "Kies ‘Camera’. Zet aan: ‘Cameratoegang’, en ‘Bureaublad-apps toegang geven tot uw camera’.\n"
            "Doe hetzelfde bij ‘Microfoon’.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_system_macos": _(
            "Klik op het appeltje linksboven en kies ‘Systeeminstellingen’.\n"
            "Kies ‘Privacy en beveiliging’, en daarna ‘Camera’. Zet uw browser aan.\n"
            "Doe hetzelfde bij ‘Microfoon’.\n"
            "Sluit uw browser helemaal af, open hem opnieuw en kom terug naar deze pagina."
        ),
        "fix_system_ios": _(
            "Open de app ‘Instellingen’ van uw iPhone of iPad.\n"
            "Zoek uw browser in de lijst van apps en tik erop.\n"
            "Laat ‘Camera’ en ‘Microfoon’ toe.\n"
            "Kom terug naar deze pagina en druk op ‘Probeer opnieuw’."
        ),
        "fix_system_android": _(
            "Open ‘Instellingen’ van uw toestel en tik op ‘Apps’.\n"
            "Tik op uw browser, en daarna op ‘Rechten’ of ‘Machtigingen’.\n"
            "Laat ‘Camera’ en ‘Microfoon’ toe.\n"
            "Kom terug naar deze pagina en druk op ‘Probeer opnieuw’."
        ),
    }


def _fixes() -> dict[str, str]:
    """What can be wrong with a device itself."""
    return {
        "fix_missing_camera": _(
            "Sluit een camera aan, of kijk na of hij goed vastzit.\n"
            "Heeft uw laptop een schuifje of een toets voor de camera? Zet de camera daarmee aan.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_missing_microphone": _(
            "Sluit een microfoon of een hoofdtelefoon met microfoon aan, of kijk na of hij goed vastzit.\n"
            "Druk op ‘Probeer opnieuw’."
        ),
        "fix_missing_phone": _("Sluit andere apps.\nStart uw toestel opnieuw op en open deze pagina nog eens."),
        "fix_busy": _(
            "Sluit andere programma’s waarmee u belt of opneemt, zoals Teams, Zoom, Skype of WhatsApp.\n"
            "Sluit andere tabbladen met een videogesprek.\n"
            "Druk op ‘Probeer opnieuw’. Helpt dat niet? Start uw toestel opnieuw op."
        ),
        "fix_busy_phone": _(
            "Bent u aan het bellen? Leg eerst op.\n"
            "Sluit andere apps die de camera of microfoon gebruiken.\n"
            "Druk op ‘Probeer opnieuw’. Helpt dat niet? Start uw toestel opnieuw op."
        ),
        "fix_unfit": _("Kies een andere camera of microfoon in de lijst.\nDruk op ‘Probeer opnieuw’."),
        "fix_failed": _(
            "Trek de camera of microfoon uit en steek hem weer in, als dat kan.\n"
            "Druk op ‘Probeer opnieuw’. Helpt dat niet? Start uw toestel opnieuw op."
        ),
        "fix_as_camera": _("Doe wat bij ‘Camera’ staat.\nDruk op ‘Probeer opnieuw’."),
        "fix_failed_phone": _("Druk op ‘Probeer opnieuw’.\nHelpt dat niet? Start uw toestel opnieuw op."),
        "fix_quiet": _(
            "Spreek wat luider, of kom dichter bij uw toestel.\n"
            "Heeft uw hoofdtelefoon een knopje om de microfoon uit te zetten? Zet hem aan.\n"
            "Kies een andere microfoon in de lijst."
        ),
        "fix_unheard": _(
            "Zet het geluid van uw toestel aan, en luider.\n"
            "Draagt u een hoofdtelefoon? Kijk na of hij verbonden is.\n"
            "Speel het geluid nog eens af."
        ),
    }


def _ways_out() -> dict[str, str]:
    """It is not the device: another page, another browser, another network."""
    return {
        "fix_insecure": _(
            "Open de link uit uw bericht opnieuw.\n"
            "Is dit een toestel van uw werk of van een bibliotheek? Dan mag de camera er misschien niet aan.\n"
            "Probeer een ander toestel, zoals uw gsm."
        ),
        "fix_old": _(
            "Open deze pagina in een recente versie van Chrome, Edge, Firefox of Safari.\n"
            "Lukt dat niet op dit toestel? Probeer een ander toestel, zoals uw gsm."
        ),
        "fix_in_app": _(
            "Kopieer de link met de knop hieronder.\nOpen uw gewone browser.\nPlak de link in de adresbalk."
        ),
        "fix_in_app_ios": _(
            "Tik op de drie puntjes of op het deelpictogram, en kies ‘Open in Safari’ of ‘Open in browser’.\n"
            "Staat dat er niet bij? Kopieer de link met de knop hieronder, open Safari en plak hem in de adresbalk."
        ),
        "fix_in_app_android": _(
            "Tik op de drie puntjes rechtsboven, en kies ‘Openen in Chrome’ of ‘Openen in browser’.\n"
            "Staat dat er niet bij? Kopieer de link met de knop hieronder, open Chrome en plak hem in de adresbalk."
        ),
        "fix_slow": _(
            "Ga dichter bij uw wifi-toestel zitten, of gebruik een kabel.\n"
            "Sluit andere programma’s en vraag huisgenoten om even geen films te kijken.\n"
            "Test opnieuw. Blijft het traag? Zet dan in het gesprek uw camera uit: het geluid wordt beter."
        ),
        "fix_blocked": _(
            "Gebruikt u een VPN, of het netwerk van uw werk of school? Zet de VPN uit, of neem een ander netwerk.\n"
            "Probeer het met de mobiele internetverbinding van uw gsm.\n"
            "Test opnieuw."
        ),
        "fix_offline": _("Kijk uw internetverbinding na.\nTest opnieuw."),
        "fix_crowded": _("Wacht een minuut en test opnieuw."),
    }
