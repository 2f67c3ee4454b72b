"""What a citizen typed in a booking, of all that a form brings."""

from __future__ import annotations

import re

from multidict import MultiDict

from web.forms import Form

PERSONAL = re.compile(r"naam|mail|telefoon|spreektaal|vraag|helper(-[1-9]-(naam|rol|label|mail|telefoon|spreektaal))?")
CHECKED = "nagekeken"
"""Of a draft: he asked whether all is right, so what is wrong is said until he says something else."""


def typed(form: Form) -> list[tuple[str, str]]:
    """What goes into a draft."""
    return [(name, value) for name, value in form.values.items() if PERSONAL.fullmatch(name)]


def numbers(form: Form) -> list[int]:
    """Of the helpers in a form, in order, each once."""
    return list(dict.fromkeys(int(each) for each in form.all("helper") if re.fullmatch("[1-9]", each)))


def one_more(form: Form, most: int) -> int:
    """Another helper in the form; returns his number, 0 when there may be no more."""
    known = numbers(form)
    free = [each for each in range(1, 10) if each not in known]
    if len(known) >= most or not free:
        return 0
    form.values = MultiDict([*form.values.items(), ("helper", str(free[0]))])
    return free[0]


def one_less(form: Form, number: str) -> None:
    """A helper goes out of the form, with all that was said of him."""
    kept = [
        (name, value)
        for name, value in form.values.items()
        if not name.startswith(f"helper-{number}-") and (name, value) != ("helper", number)
    ]
    form.values = MultiDict(kept)
