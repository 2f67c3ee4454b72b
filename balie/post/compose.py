"""What a message says: subject, plain text and HTML, in the reader's language, from templates/KIND.jinja.

A template is written once and set twice: the marks of text.jinja or html.jinja make its paragraphs, facts and links.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from balie.i18n import gettext as _
from balie.i18n import language, ngettext, pgettext
from balie.post.facts import Facts

TEMPLATES = Path(__file__).parent / "templates"
VERSION = 1  # kept with each message: which wording somebody got
LINK_CUT = "[…]"
"""In what is kept of a message: with a link one enters, so it stays out of the database (D5)."""


@dataclass(frozen=True)
class Letter:
    """links: what must not be kept of it."""

    subject: str
    text: str
    html: str
    links: tuple[str, ...] = field(default=(), repr=False)

    @property
    def kept(self) -> str:
        """The text without its links."""
        text = self.text
        for link in self.links:
            text = text.replace(link, LINK_CUT)
        return text


def letter(facts: Facts) -> Letter:
    """A message in the language of the context, which facts must have been read in."""
    subject = " ".join(_subject(facts).split())
    template = f"{facts.kind}.jinja"
    text = _render(environment(False), "text.jinja", template, facts)
    content = Markup(_render(environment(True), "html.jinja", template, facts))  # escaped in there
    page = environment(True).get_template("page.html.jinja")
    html = page.render(subject=subject, content=content, lang=language())
    return Letter(subject, text, html, facts.links)


def template_name(kind: str) -> str:
    return f"{kind}/{VERSION}"


@cache
def environment(is_html: bool) -> Environment:
    """Templates for HTML, or for plain text."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=is_html,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(_, ngettext, newstyle=True, pgettext=pgettext)  # type: ignore[attr-defined]
    return made


def _render(environment: Environment, marks: str, template: str, facts: Facts) -> str:
    put = environment.get_template(marks).module
    lines = environment.get_template(template).render(f=facts, put=put).splitlines()
    return "\n".join(_single_spaced(lines)).strip() + "\n"


def _single_spaced(lines: list[str]) -> list[str]:
    """At most one empty line after another."""
    return [line for at, line in enumerate(lines) if line.strip() or (at and lines[at - 1].strip())]


def _subject(facts: Facts) -> str:
    """Without names: subjects are shown on locked telephones, and never hold what somebody typed into a form."""
    when, time = facts.when, facts.time
    match facts.kind, facts.modality:
        case "confirmation", _:
            return _("Uw afspraak op {when}").format(when=when)
        case "helper_added", _:
            return _("Uitnodiging voor een afspraak op {when}").format(when=when)
        case "reminder", _:
            return _("Herinnering: afspraak op {when}").format(when=when)
        case "door_open", "video":
            return _("De deur is open: uw gesprek begint om {time}").format(time=time)
        case "door_open", "phone":
            return _("Straks per telefoon: uw gesprek om {time}").format(time=time)
        case "door_open", _:
            return _("Straks aan het loket: uw afspraak om {time}").format(time=time)
        case "moved", _:
            return _("Verzet: de afspraak is nu op {when}").format(when=when)
        case "changed", _:
            return _("Gewijzigd: de afspraak op {when}").format(when=when)
        case "cancelled", _:
            return _("De afspraak op {when} gaat niet door").format(when=when)
        case "goodbye", _ if facts.missed:
            return _("Uw afspraak op {when} is niet doorgegaan").format(when=when)
        case "goodbye", _:
            return _("Na uw gesprek op {when}").format(when=when)
        case "survey", _:
            return _("Hoe was uw gesprek op {when}?").format(when=when)
        case "recap", _:
            return _("Wat u deed in uw gesprek op {when}").format(when=when)
        case "receipt", _:
            assert facts.receipt is not None
            return facts.receipt.title
        case "document", _ if facts.data.get("what") == "asked":
            return _("We vragen u een document")
        case "document", _:
            return _("Er staat een document voor u klaar")
        case "reply", _:
            return str(facts.data["subject"])
        case _:
            raise AssertionError(f"message of kind {facts.kind!r} has no subject")
