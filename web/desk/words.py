"""What the desk calls things: states, channels, evidence, actions.  Dutch that a new colleague understands at once."""

from __future__ import annotations

import re
from collections.abc import Mapping

import phonenumbers

from balie.booking.errors import BookingError
from balie.i18n import gettext as _
from balie.i18n import pgettext
from web.citizen.words import wrong


def statuses() -> dict[str, str]:
    """Of an appointment."""
    return {
        "booked": _("geboekt"),
        "confirmed": _("bevestigd door burger"),
        "rescheduled": _("verzet"),
        "cancelled_citizen": _("geannuleerd door burger"),
        "cancelled_office": _("geannuleerd door ons"),
        "checked_in": _("in de wachtkamer"),
        "in_call": _("in gesprek"),
        "completed": _("afgerond"),
        "no_show_citizen": _("burger kwam niet"),
        "no_show_office": _("wij kwamen niet"),
        "held": _("wordt ingevuld"),
        "expired": _("niet ingevuld"),
        "anonymised": _("gegevens gewist"),
    }


def channels() -> dict[str, str]:
    """How somebody asked for it."""
    return {
        "phone": _("telefoon"),
        "desk": _("loket"),
        "mail": pgettext("channel", "e-mail"),
        "web": _("website"),
        "api": _("ander systeem"),
    }


STAFF_CHANNELS = ("phone", "desk", "mail")


def modalities() -> dict[str, str]:
    """How we speak."""
    return {"video": _("videogesprek"), "phone": _("telefoon"), "desk": _("aan het loket")}


def roles() -> dict[str, str]:
    """Of people in an appointment."""
    return {
        "citizen": _("burger"),
        "family": _("familie"),
        "carer": _("mantelzorger"),
        "interpreter": _("tolk"),
        "other": _("begeleider"),
    }


def kinds() -> dict[str, str]:
    """Of messages."""
    return {
        "confirmation": _("Bevestiging"),
        "reminder": _("Herinnering"),
        "door_open": _("Bericht dat de deur open is"),
        "moved": _("Bericht over het nieuwe tijdstip"),
        "cancelled": _("Bericht dat de afspraak niet doorgaat"),
        "changed": _("Bericht over de wijziging"),
        "helper_added": _("Uitnodiging"),
        "reply": _("Antwoord"),
        "goodbye": _("Bericht na het gesprek"),
        "survey": _("Vraag naar een mening"),
        "recap": _("Overzicht van wat de burger deed"),
        "receipt": _("Betaalbewijs"),
        "document": _("Bericht over een document"),
    }


def message_words(kind: str, channel: str, recipient: str) -> str:
    """Herinnering per mail naar an@voorbeeld.be"""
    how = _("{what} per sms naar {whom}") if channel == "sms" else _("{what} per mail naar {whom}")
    return how.format(what=kinds()[kind], whom=phone_words(recipient) if channel == "sms" else recipient)


def phone_words(number: str) -> str:
    """+32 470 12 34 56, of a number as it is kept."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number


def evidence_words(status: str, read: str, channel: str = "mail") -> str:
    """What is known of a message (requirements (f)).  That nothing is known is never called a failure."""
    known = {
        "joined": _("kwam naar het gesprek"),
        "confirmed": _("bevestigd door burger"),
        "rsvp": _("beantwoord vanuit de agenda"),
        "link_opened": _("afspraak bekeken"),
        "mdn": _("gelezen"),
    }
    if read in known:
        return known[read]
    if channel == "sms" and status in ("delivered", "deferred"):
        return (
            _("aangekomen op de telefoon") if status == "delivered" else _("nog niet verzonden – we proberen opnieuw")
        )
    return {
        "scheduled": _("staat klaar"),
        "claimed": _("wordt verzonden"),
        "handing_over": _("wordt verzonden"),
        "submitted": _("verzonden – nog geen bevestiging"),
        "accepted": _("doorgegeven – nog geen bevestiging"),
        "delivered": _("afgeleverd bij mailserver"),
        "deferred": _("wacht op de mailserver – we proberen opnieuw"),
        "failed": _("niet afgeleverd"),
        "unresolved": _("niet zeker of het verzonden is"),
        "cancelled": _("niet meer nodig"),
        "suppressed": _("niet verzonden: dit adres bestaat niet"),
    }[status]


def evidence_tone(status: str, read: str, _channel: str = "mail") -> str:
    """How a page marks it, beside the words: good, bad, or nothing."""
    if read != "none" or status == "delivered":
        return "good"
    return "bad" if status in ("failed", "unresolved", "suppressed") else ""


def reasons() -> dict[str, str]:
    """Why a message waits for a person, by the codes of balie.post: what happened, and what to do."""
    return {
        "address_unknown": _("Dit e-mailadres bestaat niet. Vraag de burger om het juiste adres."),
        "mailbox_closed": _("Deze mailbox is afgesloten. Vraag de burger om een ander adres."),
        "mailbox_full": _("De mailbox van de burger zit vol. Bel, of stuur een sms."),
        "too_large": _("De mailserver vond het bericht te groot."),
        "refused_policy": _("De mailserver van de burger weigert onze mails. Bel, of stuur een sms."),
        "refused": _("De andere kant weigerde het bericht."),
        "delayed_too_long": _("De mailserver van de burger gaf het op. Probeer opnieuw, of bel."),
        "gave_up": _("Het is verschillende keren geprobeerd en niet gelukt. Probeer opnieuw, of bel."),
        "delivery_unknown": _(
            "De verbinding viel weg tijdens het verzenden. Misschien kwam het bericht aan, misschien niet."
        ),
        "suppressed": _("Dit adres gaf eerder aan dat het niet bestaat. Daarom is er niets verzonden."),
        "sms_failed": _("De sms kwam niet aan. Kijk het nummer na, of bel."),
        "no_evidence": _("De afspraak is dichtbij en we weten niet of de burger het bericht zag. Bel even."),
        "declined": _("De burger liet in zijn agenda weten dat hij niet komt. Bel om het na te vragen."),
        "address_unsupported": _("Dit e-mailadres heeft tekens die we niet kunnen gebruiken. Vraag een ander adres."),
        "no_gateway": _("Er is geen e-mailadres en we kunnen geen sms sturen. Bel de burger."),
        "not_written": _("Wij konden dit bericht niet opmaken. Bel de burger en verwittig uw beheerder."),
        "no_connection": _("We krijgen geen verbinding met de andere kant. Probeer opnieuw, of bel."),
        "try_later": _("De andere kant vroeg om later opnieuw te proberen. Probeer opnieuw, of bel."),
        "sender_refused": _("De mailserver aanvaardt ons eigen adres niet. Verwittig uw beheerder."),
    }


def reason_words(reason: str) -> str:
    """Of one code; something that helps too when we do not know it."""
    return reasons().get(reason, _("Het bericht kwam niet aan. Probeer opnieuw, of bel."))


def letter_kinds() -> dict[str, str]:
    """Of mail that came in: why somebody is to read it."""
    return {
        "human": _("De burger schreef ons iets."),
        "itip_reply": _("De burger antwoordde vanuit zijn agenda."),
        "auto_reply": _("Een automatisch antwoord. We weten niet bij welke afspraak."),
        "dsn": _("Een bericht van een mailserver dat we niet konden plaatsen."),
        "mdn": _("Een leesbevestiging die we niet konden plaatsen."),
    }


def letter_states() -> dict[str, str]:
    return {
        "new": _("nieuw"),
        "assigned": _("toegewezen"),
        "answered": _("beantwoord"),
        "closed": _("afgesloten"),
        "applied": _("verwerkt"),
    }


def letter_error_words(code: str) -> str:
    """Why something cannot be done with a letter."""
    return {
        "unknown_appointment": _("Er is geen afspraak met dit nummer. Kijk het na."),
        "unknown_staff": _("Deze collega werkt hier niet meer."),
        "settled": _("Een collega was u voor: dit bericht is al afgehandeld."),
        "not_linked": _("Koppel het bericht eerst aan een afspraak."),
        "no_mail": _("We hebben geen e-mailadres van de burger. Bel hem op."),
        "text_missing": _("Schrijf eerst uw antwoord."),
        "text_long": _("Uw antwoord is te lang. Maak het korter."),
    }.get(code, _("Dit bericht bestaat niet meer."))


def booking_error_words(error: BookingError) -> tuple[str, str]:
    """The field on which a refusal stands, and what it says."""
    start = {
        "slot_taken": _("Dit uur is net ingenomen. Kies een ander uur."),
        "start_out_of_range": _("Dit uur is voorbij of te ver weg. Kies een ander uur."),
        "start_outside_hours": _("Op dit uur is er niemand. Kies een ander uur."),
        "start_same": _("Dit is het uur dat de afspraak al heeft."),
        "start_missing": _("Kies een uur."),
    }
    product = {
        "products_missing": _("Kies waarover het gaat."),
        "products_of_several_services": _("Deze onderwerpen zijn voor verschillende diensten. Maak twee afspraken."),
        "modality_not_offered": _("Niet alle onderwerpen kunnen zo. Kies een andere vorm."),
        "product_not_found": _("Dit onderwerp bestaat niet meer."),
    }
    now = {
        "not_moved": _("Deze afspraak kan niet meer verzet worden."),
        "not_cancelled": _("Deze afspraak kan niet meer geannuleerd worden."),
        "not_changed": _("Deze afspraak kan niet meer gewijzigd worden."),
        "not_confirmed": _("Deze afspraak kan niet meer bevestigd worden."),
    }
    collega = {"staff_unknown": _("Deze collega werkt niet voor deze dienst. Kies iemand anders.")}
    for field, sentences in (("start", start), ("product", product), ("collega", collega), ("doe", now)):
        if error.code in sentences:
            return field, sentences[error.code]
    return "doe", wrong(error)


def hours_error_words(code: str) -> tuple[str, str]:
    """Where on the form a refusal stands (the stem of a field's name), and what it says."""
    return {
        "times_order": ("tot", _("Kies een einduur dat na het beginuur komt.")),
        "times_cells": ("van", _("Kies uren op vijf minuten: 9.00, 9.05, 9.10.")),
        "days_order": ("tm", _("Kies een einde dat na het begin komt.")),
        "weeks": ("weken", _("Kies hoe vaak dit terugkomt.")),
        "modality": ("vorm", _("Kies minstens één manier om af te spreken.")),
        "service": ("dienst", _("Kies een dienst waar u bij hoort.")),
        "overlap": ("van", _("Deze uren vallen samen met andere uren van u op dezelfde dag.")),
        "past": ("tm", _("Deze dagen zijn al voorbij.")),
        "never": ("tm", _("Deze dag komt in deze periode niet meer voor. Kies een andere dag of een langere periode.")),
    }.get(code, ("van", _("Dit bestaat niet meer. Misschien hebt u het zelf al verwijderd.")))


def staff_roles() -> dict[str, str]:
    """Of people who work here, the least first."""
    return {"counter": _("Medewerker"), "lead": _("Teamhoofd"), "admin": _("Beheerder")}


def account_error_words(code: str) -> tuple[str, str]:
    """The field on which a refusal of an account stands, and what it says."""
    return {
        "login_taken": ("login", _("Iemand heeft deze gebruikersnaam al. Kies een andere.")),
        "login_bad": ("login", _("Kies een gebruikersnaam zonder spaties.")),
        "name_bad": ("naam", _("Deze naam klopt niet. Typ hem opnieuw, op één regel.")),
        "role_unknown": ("rol", _("Kies een rol.")),
        "service_unknown": ("dienst", _("Deze dienst bestaat niet meer. Kies een andere.")),
        "last_admin": ("account", _("Dit is de laatste beheerder. Maak eerst iemand anders beheerder.")),
    }.get(code, ("account", _("Dit account bestaat niet meer.")))


def step_owners() -> dict[str, str]:
    """Who does what was agreed."""
    return {"office": _("wij"), "citizen": _("de burger"), "other": _("iemand anders")}


def step_error_words(error: BookingError) -> tuple[str, str]:
    """The field on which a refusal of a next step stands, and what it says."""
    return {
        "due_day_invalid": ("stap-dag", _("Kies een dag.")),
        "due_day_out_of_range": ("stap-dag", _("Kies een dag vanaf vandaag, binnen drie jaar.")),
        "steps_too_many": ("stap-tekst", _("Er staan al genoeg stappen. Voeg er enkele samen.")),
        "step_not_found": ("stap-tekst", _("Deze stap is al weggehaald.")),
    }.get(error.code, ("stap-tekst", _("Schrijf wat er gebeurt.")))


def note_error_words(_error: BookingError) -> tuple[str, str]:
    """The same of a note."""
    return "notitie", _("Uw notitie is te lang. Maak ze korter.")


def every_weeks() -> list[tuple[str, str]]:
    """How often hours come back, as one chooses it."""
    each = [("1", _("elke week"))]
    return each + [(str(n), _("om de {n} weken").format(n=n)) for n in (2, 3, 4)]


def done() -> Mapping[str, str]:
    """What was done, by the word that go() gives along."""
    return {
        "geboekt": _("De afspraak is geboekt. De burger krijgt een bevestiging."),
        "geboekt-stil": _(
            "De afspraak is geboekt. Er gaat geen bevestiging uit, want er is geen e-mailadres en we sturen geen sms. "
            "Zeg nu de dag en het uur, of geef het blad mee."
        ),
        "bevestigd": _("De afspraak is bevestigd."),
        "verzet": _("De afspraak is verzet. De burger krijgt het nieuwe tijdstip."),
        "geannuleerd": _("De afspraak is geannuleerd. De burger krijgt een bericht."),
        "vorm": _("De afspraak is gewijzigd. De burger krijgt een bericht."),
        "helper": _("Deze persoon krijgt een eigen uitnodiging."),
        "helper-stil": _(
            "Deze persoon staat bij de afspraak, maar krijgt geen link: er is geen e-mailadres en we sturen geen sms."
        ),
        "document": _("Het document is verstuurd."),
        "document-gevraagd": _("Het document is gevraagd. De burger ziet het bij zijn afspraak."),
        "document-weg": _("Het document is weg."),
        "helper-weg": _("Deze persoon neemt niet meer deel. Zijn of haar link werkt niet meer."),
        "link": _("De link is opnieuw verzonden."),
        "taak": _("De taak is afgehandeld."),
        "terugbetaald": _("De terugbetaling is aangevraagd."),
        "geboekt-stuk": _("Dit stuk staat op geboekt."),
        "verschil": _("Het verschil is afgesloten."),
        "afgerond": _("Het gesprek is afgerond."),
        "bewaard": _("Bewaard."),
        "opnieuw": _("Het bericht wordt opnieuw verzonden."),
        "antwoord": _("Uw antwoord is verzonden."),
        "gekoppeld": _("Het bericht hoort nu bij deze afspraak."),
        "toegewezen": _("Het bericht is toegewezen."),
        "gesloten": _("Het bericht is afgesloten."),
        "uren": _("Uw uren zijn bewaard."),
        "uren-weg": _("Deze uren zijn beëindigd."),
        "afwezig": _("Uw afwezigheid is bewaard."),
        "afwezig-weg": _("De afwezigheid of de sluiting is verwijderd."),
        "sluiting": _("De sluiting is bewaard."),
        "sessie": _("De aanmelding is ingetrokken."),
        "wachtwoord": _("Uw wachtwoord is gewijzigd. Op andere toestellen bent u afgemeld."),
        "taal": _("Uw taal is gewijzigd."),
        "foto": _("Uw foto is bewaard."),
        "foto-weg": _("Uw foto is weg."),
        "rollen": _("De rol en de diensten zijn gewijzigd."),
        "afgemeld": _("Deze collega is op alle toestellen afgemeld."),
        "account-dicht": _("Het account is afgesloten. Aanmelden kan niet meer."),
        "account-open": _("Het account is weer open."),
        "koppeling": _("Het wordt opnieuw verzonden."),
        "koppeling-alles": _("Alles wordt opnieuw verzonden."),
        "overgeslagen": _("Het is overgeslagen. Wat erop wachtte, vertrekt nu."),
    }


_BROWSERS = (
    ("Firefox", r"Firefox/"),
    ("Edge", r"Edg/"),
    ("Opera", r"OPR/"),
    ("Chrome", r"Chrom(e|ium)/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("Mac", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux"),
)


def browser_words(agent: str) -> str:
    """Chrome op Windows: enough for somebody to know his own device."""
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, agent)), "")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, agent)), "")
    if browser and system:
        return _("{browser} op {system}").format(browser=browser, system=system)
    return browser or system or _("Onbekend toestel")
