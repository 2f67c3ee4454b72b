"""The texts that the call page's JavaScript shows: here, so that gettext finds and translates them like all others."""

from __future__ import annotations

from gettext import gettext as _


def call_texts() -> dict[str, str]:
    """By key, as the modules in static/js name them.  {name} and the like are filled in there."""
    return {
        "starting": _("We starten uw camera en microfoon …"),
        "allow": _("Uw browser vraagt of deze pagina uw camera en microfoon mag gebruiken. Kies ‘Toestaan’."),
        "ready": _("U kunt binnenkomen."),
        "no_sound_yet": _("We horen u nog niet. Spreek even, of kies een andere microfoon."),
        "sound": _("We horen u."),
        "error_NotAllowedError": _(
            "Uw browser laat de camera en microfoon niet toe. Klik op het slotje of het camerapictogram naast het "
            "adres van deze pagina, kies ‘Toestaan’ en probeer opnieuw."
        ),
        "error_NotFoundError": _("We vinden geen camera of microfoon. Sluit er een aan en probeer opnieuw."),
        "error_NotReadableError": _(
            "Een ander programma gebruikt uw camera of microfoon. Sluit dat programma en probeer opnieuw."
        ),
        "error_OverconstrainedError": _("Deze camera past niet. Kies een andere camera en probeer opnieuw."),
        "error_AbortError": _("Uw toestel kon de camera niet starten. Probeer opnieuw."),
        "error_SecurityError": _("Uw toestel laat de camera op deze pagina niet toe. Bel ons, wij helpen u."),
        "error_unsupported": _(
            "Deze browser kan geen videogesprek voeren. Open de link in Chrome, Firefox, Edge of Safari."
        ),
        "without_camera": _("U komt binnen zonder camera. De anderen horen u wel."),
        "without_devices": _("U komt binnen zonder camera en microfoon. U ziet en hoort de anderen."),
        "camera_n": _("Camera {n}"),
        "microphone_n": _("Microfoon {n}"),
        "joining": _("We verbinden u …"),
        "connected": _("Verbonden"),
        "alone": _("U bent binnen. We wachten op de anderen."),
        "reconnecting": _("De verbinding is verbroken. We proberen opnieuw. U hoeft niets te doen."),
        "weak": _("De internetverbinding hapert. We proberen opnieuw."),
        "back": _("De verbinding is terug."),
        "joined": _("{name} is binnengekomen."),
        "left": _("{name} heeft het gesprek verlaten."),
        "muted": _("{name} heeft de microfoon uitgezet."),
        "unmuted": _("{name} heeft de microfoon aangezet."),
        "sharing": _("{name} deelt het scherm."),
        "sharing_stopped": _("{name} deelt het scherm niet meer."),
        "you": _("U"),
        "speaking": _("spreekt"),
        "mic_off_mark": _("microfoon uit"),
        "camera_off_mark": _("camera uit"),
        "screen_of": _("Scherm van {name}"),
        "role_staff": _("medewerker"),
        "role_citizen": _("burger"),
        "role_third": _("begeleider"),
        "role_probe": _("test"),
        "mic_mute": _("Microfoon uitzetten"),
        "mic_unmute": _("Microfoon aanzetten"),
        "camera_stop": _("Camera uitzetten"),
        "camera_start": _("Camera aanzetten"),
        "share_start": _("Scherm delen"),
        "share_stop": _("Scherm delen stoppen"),
        "you_mic_off": _("Uw microfoon staat uit."),
        "you_mic_on": _("Uw microfoon staat aan."),
        "you_muted_by_staff": _("De medewerker heeft uw microfoon uitgezet. U kunt hem zelf weer aanzetten."),
        "you_camera_off": _("Uw camera staat uit."),
        "you_camera_on": _("Uw camera staat aan."),
        "you_share": _("U deelt uw scherm."),
        "you_share_off": _("U deelt uw scherm niet meer."),
        "share_failed": _("Het scherm delen is niet gelukt. Probeer opnieuw."),
        "enlarge": _("Scherm vergroten"),
        "bye_left": _("U heeft het gesprek verlaten. Uw camera en microfoon zijn uit."),
        "bye_replaced": _("U bent met dit gesprek verdergegaan in een ander venster of op een ander toestel."),
        "bye_removed": _("De medewerker heeft u uit het gesprek gehaald. Bel ons als dat niet de bedoeling was."),
        "bye_ended": _("De medewerker heeft het gesprek afgerond. Bedankt en tot ziens."),
        "bye_draining": _("De server wordt bijgewerkt. U komt vanzelf weer binnen."),
        "error_token_expired": _("Deze link is niet meer geldig. Vraag een nieuwe link of bel ons."),
        "error_token_invalid": _("Deze link klopt niet. Open de link uit uw bericht opnieuw of bel ons."),
        "error_room_full": _("Het gesprek is volzet. Bel ons, wij helpen u verder."),
        "error_forbidden": _("U kunt nu niet binnenkomen. Bel ons, wij helpen u verder."),
        "error_other": _("Er ging iets mis. Probeer opnieuw of bel ons."),
    }
