"""Texts that Python puts together: here, so that gettext finds and translates them like all others."""

from __future__ import annotations

from balie.i18n import gettext as _
from balie.i18n import ngettext


def wait_words(seconds: int) -> str:
    """How long something takes, as one would say it: never shorter than it is."""
    minutes = -(-seconds // 60)
    if minutes < 60:
        return ngettext("{n} minuut", "{n} minuten", minutes).format(n=minutes)
    hours = -(-minutes // 60)
    if hours < 24:
        return ngettext("ongeveer {n} uur", "ongeveer {n} uur", hours).format(n=hours)
    days = -(-hours // 24)
    return ngettext("ongeveer {n} dag", "ongeveer {n} dagen", days).format(n=days)


def call_texts(phone: str) -> dict[str, str]:
    """What the call page's JavaScript shows, by key as the modules in static/js name them.

    {name} and the like are filled in there, {phone} everywhere.
    """
    return {
        "phone": phone,
        **_waiting_texts(),
        **_chat_texts(),
        "starting": _("We starten uw camera en microfoon …"),
        "allow": _("Uw browser vraagt of deze pagina uw camera en microfoon mag gebruiken. Kies ‘Toestaan’."),
        "no_sound_yet": _("We horen u nog niet. Spreek even, of kies een andere microfoon."),
        "sound": _("We horen u."),
        "error_NotAllowedError": _(
            "Uw browser laat de camera of microfoon niet toe. Klik op het slotje of het camerapictogram naast het "
            "adres van deze pagina, kies ‘Toestaan’ en probeer opnieuw. Lukt het niet? Bel {phone}."
        ),
        "error_NotFoundError": _(
            "We vinden geen camera of microfoon. Sluit er een aan en probeer opnieuw, of bel {phone}."
        ),
        "error_NotReadableError": _(
            "Een ander programma gebruikt uw camera of microfoon. Sluit dat programma en probeer opnieuw, of bel "
            "{phone}."
        ),
        "error_OverconstrainedError": _("Deze camera past niet. Kies een andere camera, of bel {phone}."),
        "error_AbortError": _("Uw toestel kon de camera of microfoon niet starten. Probeer opnieuw, of bel {phone}."),
        "error_SecurityError": _("Uw toestel laat de camera op deze pagina niet toe. Bel {phone}: we helpen u verder."),
        "error_unsupported": _(
            "Deze browser kan geen videogesprek voeren. Open de link in Chrome, Firefox, Edge of Safari, of bel "
            "{phone}."
        ),
        "without_camera": _("U komt binnen zonder beeld. De anderen horen u wel."),
        "without_devices": _("U komt binnen zonder camera en microfoon. U ziet en hoort de anderen."),
        "without_microphone": _("U komt binnen zonder geluid. De anderen horen u niet."),
        "tested_good": _("U hebt dit toestel getest: alles werkt."),
        "tested_careful": _("Bij de test van dit toestel werkte niet alles. Test het opnieuw, of bel {phone}."),
        "camera_n": _("Camera {n}"),
        "microphone_n": _("Microfoon {n}"),
        "no_camera": _("Geen camera gevonden"),
        "no_microphone": _("Geen microfoon gevonden"),
        "lost_camera": _("Uw camera is weg. Sluit hem weer aan en kies hem bij ‘Instellingen’."),
        "lost_microphone": _(
            "We horen u niet meer: uw microfoon is weg. Sluit hem weer aan en kies hem bij ‘Instellingen’."
        ),
        "paused_camera": _(
            "Uw toestel houdt uw camera even tegen, bijvoorbeeld door een oproep. Daarna werkt hij weer."
        ),
        "paused_microphone": _(
            "Uw toestel houdt uw microfoon even tegen, bijvoorbeeld door een oproep. Daarna werkt hij weer."
        ),
        "resumed_camera": _("Uw camera is er weer. De anderen zien u opnieuw."),
        "resumed_microphone": _("Uw microfoon is er weer. De anderen horen u opnieuw."),
        "now_microphone": _(
            "Uw toestel gebruikt nu een andere microfoon: {name}. Een andere kiest u bij ‘Instellingen’."
        ),
        "now_speaker": _("Uw luidspreker is weg. U hoort het gesprek nu via een andere."),
        "other_silent": _("We krijgen even niets meer van {name}. U hoeft niets te doen: blijf gerust op deze pagina."),
        "network_changed": _("U bent op een ander netwerk. Het gesprek gaat verder. U hoeft niets te doen."),
        "speaker_n": _("Luidspreker {n}"),
        "blur_failed": _("Uw toestel kan de achtergrond nu niet wazig maken."),
        "corner_failed": _("Het kleine venster lukt niet in deze browser."),
        "joining": _("We verbinden u …"),
        "connected": _("Verbonden"),
        "alone": _("U bent binnen. We wachten op de anderen."),
        "alone_admit_1": _("{name} wacht. Laat binnen met de knop ‘Laat binnen’."),
        "alone_admit_n": _("{n} mensen wachten. Laat hen binnen met de knop ‘Laat binnen’."),
        "left_alone": _("De medewerker is niet meer in het gesprek. U kunt even wachten, of het gesprek verlaten."),
        "reconnecting": _("De verbinding is verbroken. We proberen opnieuw. U hoeft niets te doen."),
        "reconnecting_long": _(
            "We krijgen nog geen verbinding. Kijk uw internetverbinding na, of bel {phone}. We blijven proberen."
        ),
        "weak": _("Uw internetverbinding hapert. We proberen opnieuw. U hoeft niets te doen."),
        "blocked": _(
            "Beeld en geluid komen er niet door. Probeer een ander netwerk, zoals dat van uw gsm, of bel {phone}."
        ),
        "poor": _("Uw internetverbinding is traag. Zet uw camera uit als het geluid hapert."),
        "back": _("De verbinding is terug."),
        "joined": _("{name} is binnengekomen."),
        "left": _("{name} heeft het gesprek verlaten."),
        "held_other": _("{name} wacht even in de wachtkamer."),
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
        "share_failed": _("Het scherm delen is niet gelukt. Probeer opnieuw, of bel {phone}."),
        "too_busy": _("Het is heel druk: u ziet niet iedereen. Bel {phone} als dat stoort."),
        "too_busy_to_send": _("Het is heel druk: niet iedereen ziet of hoort u. Probeer opnieuw, of bel {phone}."),
        "enlarge": _("Scherm vergroten"),
        "reduce": _("Scherm verkleinen"),
        "zoom_in": _("Inzoomen"),
        "zoom_out": _("Uitzoomen"),
        "zoom_box": _("Het gedeelde scherm van dichterbij: schuif met de pijltjes"),
        "point": _("Aanwijzen"),
        "point_help": _("Wijs iets aan op het scherm, met uw muis, uw vinger of de pijltjes. De anderen zien het."),
        "points": _("{name} wijst iets aan op uw scherm"),
        "pin": _("Groot houden"),
        "pin_name": _("Groot houden: {name}"),
        "unpin": _("Niet meer groot"),
        "unpin_name": _("Niet meer groot: {name}"),
        "pinned": _("{name} blijft groot in beeld."),
        "unpinned": _("{name} staat weer tussen de anderen."),
        "person_mute": _("Microfoon uitzetten"),
        "person_mute_name": _("Microfoon uitzetten van {name}"),
        "person_hold": _("Even laten wachten"),
        "person_hold_name": _("Even laten wachten: {name}"),
        "person_remove": _("Uit het gesprek halen"),
        "person_remove_name": _("Uit het gesprek halen: {name}"),
        "ended_title": _("Het gesprek is afgelopen"),
        "refused_title": _("U kunt niet binnenkomen"),
        "left_title": _("Tot ziens"),
        "bye_left": _("U hebt het gesprek verlaten. Uw camera en microfoon staan uit."),
        "bye_left_waiting": _("U hebt de wachtkamer verlaten. Uw camera en microfoon staan uit."),
        "bye_replaced": _(
            "U bent met dit gesprek verdergegaan in een ander venster of op een ander toestel. Was u dat niet zelf? "
            "Bel meteen {phone}."
        ),
        "bye_removed": _("De medewerker heeft u uit het gesprek gehaald. Was dat niet de bedoeling? Bel {phone}."),
        "bye_ended": _("De medewerker heeft het gesprek afgerond. Bedankt en tot ziens."),
        "bye_ended_staff": _("U hebt het gesprek afgerond voor iedereen."),
        "bye_draining": _("Ons systeem wordt even bijgewerkt. U komt zo meteen vanzelf weer binnen."),
        "error_token_expired": _("Deze link is niet meer geldig. Vraag een nieuwe link: bel {phone}."),
        "error_token_invalid": _("Deze link klopt niet. Open de link in uw bericht opnieuw, of bel {phone}."),
        "error_room_full": _("Het gesprek is volzet. Bel {phone}: we helpen u verder."),
        "error_elsewhere": _("Uw afspraak gaat door aan de telefoon of aan ons loket. Vragen? Bel {phone}."),
        "error_forbidden": _("U kunt nu niet binnenkomen. Bel {phone}: we helpen u verder."),
        "error_too_early": _("De deur is nog niet open. Kom terug op het uur van uw afspraak, of bel {phone}."),
        "error_other": _("Er ging iets mis. Probeer opnieuw, of bel {phone}."),
    }


def _waiting_texts() -> dict[str, str]:
    return {
        "title_waiting": _("Wachtkamer"),
        "waiting_title": _("U bent in de wachtkamer"),
        "waiting_held_title": _("Even wachten"),
        "waiting_joining": _("We melden u aan …"),
        "waiting_no_staff": _("De medewerker is er nog niet. Die krijgt te zien dat u wacht."),
        "waiting_staff_1": _("{names} is er en ziet dat u wacht. U bent aan de beurt."),
        "waiting_staff_n": _("{names} is er en ziet dat u wacht. U bent nummer {n} voor dit gesprek."),
        "waiting_held_status": _("De medewerker heeft u even in de wachtkamer gezet."),
        "waiting_held": _("Dat is gewoon: er wordt iets nagekeken of besproken. U komt vanzelf terug in het gesprek."),
        "waiting_calm": _("Blijf gerust op deze pagina. Het gesprek begint vanzelf. Niemand ziet of hoort u nu."),
        "waiting_long": _("Het duurt wat langer dan gewoonlijk. Dank u voor uw geduld. Het gesprek begint vanzelf."),
        "waiting_very_long": _(
            "Excuses, u wacht al lang. Wilt u niet langer wachten? Bel {phone}, of vraag dat wij u bellen."
        ),
        "waiting_ready": _("Uw camera en microfoon staan klaar."),
        "arrived": _("{name} staat in de wachtkamer."),
        "admit": _("Laat binnen"),
        "admit_name": _("Laat binnen: {name}"),
        "let_in": _("U bent binnen. Het gesprek begint."),
        "call_me_text": _("Kunt u mij opbellen, in de plaats van dit videogesprek?"),
        "call_me_later": _("Er is even geen verbinding. Probeer het zo meteen opnieuw, of bel {phone}."),
        "call_me_asked": _("We hebben uw vraag doorgegeven. Hou uw telefoon bij de hand."),
        "call_me_received": _("We hebben uw vraag ontvangen en bellen u op {number}. Hou uw telefoon bij de hand."),
        "call_me_phone_missing": _("Vul het nummer in waarop we u mogen bellen."),
        "call_me_phone_invalid": _("Dit nummer klopt niet. Een Belgisch gsm-nummer ziet eruit als 0470 12 34 56."),
        "call_me_over": _("Dat kan nu niet meer: deze afspraak is voorbij. Bel {phone}."),
    }


def _chat_texts() -> dict[str, str]:
    return {
        "chat": _("Berichten"),
        "chat_unread_1": _("Berichten: 1 nieuw"),
        "chat_unread_n": _("Berichten: {n} nieuwe"),
        "chat_from": _("Bericht van {name}: {text}"),
        "chat_later": _("Er is even geen verbinding. Uw bericht staat er nog: probeer het zo meteen opnieuw."),
        "chat_failed": _("Uw bericht is niet aangekomen. Probeer opnieuw, of bel {phone}."),
        "chat_forgotten": _("De berichten hierboven zijn niet bewaard. Wie later binnenkomt, leest ze niet."),
        "chat_to_all": _("Iedereen in het gesprek"),
        "chat_to_waiting": _("{name}, in de wachtkamer"),
        "types": _("{name} typt:"),
    }
