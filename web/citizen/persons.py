"""People in forms: the fields of one are read, and each that is wrong gets its own sentence."""

from __future__ import annotations

from collections.abc import Callable

from balie.booking import people
from balie.booking.errors import Unfit
from balie.booking.people import LABEL_MAX, Person
from balie.i18n import LANGUAGES, language
from web.citizen.words import roles, wrong
from web.forms import Form


def read(
    form: Form, prefix: str = "", *, helper: bool = False, own: bool = False, sms: bool = True, reachable: bool = True
) -> Person:
    """The person whose fields begin with prefix.  What is wrong with them is in form.errors afterwards.

    own        it is who fills in the form, and he hears that it is about him
    sms        a telephone number is enough to be reached; without, a mail address is needed
    reachable  he must be; else he gets his link by hand
    """
    name = _checked(form, f"{prefix}naam", people.check_name, own=own)
    mail = _checked(form, f"{prefix}mail", people.check_mail, own=own, optional=True)
    phone = _checked(form, f"{prefix}telefoon", people.check_phone, own=own, optional=True)
    if reachable and not (form.last(f"{prefix}mail").strip() or (sms and form.last(f"{prefix}telefoon").strip())):
        missing = Unfit("mail", "contact_missing" if sms else "mail_missing", "")
        form.fail(f"{prefix}mail", wrong(missing, own=own))
    locale = form.choice(f"{prefix}spreektaal", LANGUAGES) or language()
    if not helper:
        return Person(name, mail=mail, phone=phone, locale=locale)
    role = form.choice(f"{prefix}rol", roles(), wrong(Unfit("role", "role_unknown", "")))
    label = form.text(f"{prefix}label", most=LABEL_MAX)
    return Person(name, role or "other", mail, phone, locale, label)


def _checked(form: Form, name: str, check: Callable[[str], str], *, own: bool, optional: bool = False) -> str:
    typed = form.last(name)
    if optional and not typed.strip():
        return ""
    try:
        return check(typed)
    except Unfit as error:
        form.fail(name, wrong(error, own=own))
        return ""
