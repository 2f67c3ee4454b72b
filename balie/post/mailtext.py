"""What somebody wrote in an answer: the new words, without the history that mail programs put below them.

A heuristic may be wrong, so it only ever cuts what looks like history all the way, and when nothing would be left the
whole text stays: staff rather reads too much than misses an answer.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from balie.post.mime import BROKEN, clean

TEXT_MAX = 8_000  # characters of an answer that are kept
HTML_MAX = 32_768  # characters: the standard library's parser is quadratic in some nonsense

_ATTRIBUTION = re.compile(
    r"(?:On|Op|Le|Am)\b.{5,300}?\b(?:wrote|schreef|a écrit|schrieb)\b.{0,200}:\s*$"
    r"|.{0,200}\b(?:wrote|schreef|a écrit|schrieb)\s?:\s*$",
    re.IGNORECASE,
)
"""On Mon, 7 Dec 2026 at 09:12, Balie <...> wrote:   Long ones are on two lines."""
_DATED = re.compile(r"\b20\d\d\b|@")
"""A mail program names a date or an address; a person who writes "u schreef:" goes on himself."""
_DIVIDER = re.compile(
    r"-{2,}\s*(?:Original Message|Oorspronkelijk bericht|Message d['\u2019]origine|Ursprüngliche Nachricht"
    r"|Forwarded message|Doorgestuurd bericht)\s*-{2,}\s*$|_{20,}\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"\W{0,2}(?:From|Van|De|Von)\s?:\W{0,2}\s*\S", re.IGNORECASE)
_SENT = re.compile(r"\W{0,2}(?:Sent|Date|Verzonden|Datum|Envoyé|Gesendet)\s?:\W{0,2}\s*\S", re.IGNORECASE)
_SENT_WITHIN = 4  # lines below From, in the little table that Outlook makes

_BLOCKS = frozenset(("p", "div", "br", "tr", "li", "table", "ul", "ol", "h1", "h2", "h3", "h4", "hr", "pre", "section"))
_UNREAD = frozenset(("script", "style", "head", "title", "template", "blockquote", "noscript", "svg"))
_HISTORY = re.compile(
    r"\b(?:gmail_quote|yahoo_quoted|moz-cite-prefix|divRplyFwdMsg|appendonsend|mail-editor-reference)"
)


def newest(text: str) -> str:
    """The new words of an answer, at most TEXT_MAX characters."""
    lines = [line.rstrip() for line in text.split("\n")]
    kept = _tidy(_without_history(lines))
    return (kept or _tidy(lines))[:TEXT_MAX].rstrip()


def _without_history(lines: list[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(">"):
            at += 1
        elif _DIVIDER.match(line) or _outlook(lines, at) or line == "--":  # "-- " before a signature, stripped
            break
        elif size := _attribution(lines, at):
            said = " ".join(lines[at : at + size])
            at += size
            if _quoted(lines, at):
                continue  # what is quoted goes line by line, so that answers between the quotes stay
            if _DATED.search(said):
                break  # the history below has no marks: all of it goes
            kept.append(said)
        else:
            kept.append(line)
            at += 1
    return kept


def _attribution(lines: list[str], at: int) -> int:
    """How many lines say who wrote what follows: 0, 1 or 2."""
    for size in (1, 2):
        if _ATTRIBUTION.match(" ".join(line.strip() for line in lines[at : at + size])[:600]):
            return size
    return 0


def _quoted(lines: list[str], at: int) -> bool:
    following = next((line for line in lines[at:] if line), "")
    return following.startswith(">")


def _outlook(lines: list[str], at: int) -> bool:
    below = lines[at + 1 : at + 1 + _SENT_WITHIN]
    return bool(_FROM.match(lines[at])) and any(_SENT.match(line) for line in below)


def _tidy(lines: list[str]) -> str:
    """Lines as one text, without empty ones at its ends and with one at most between others."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def from_html(html: str) -> str:
    """The words of an HTML text and nothing else of it: no addresses, no scripts, no history."""
    reader = _Words()
    try:
        reader.feed(_without_comments(html)[:HTML_MAX])
        reader.close()
    except BROKEN:
        pass  # the words up to there
    return "\n".join(" ".join(line.split()) for line in clean("".join(reader.words)).split("\n"))


def _without_comments(html: str) -> str:
    """Outlook's are long.  What opens one after the last that is closed is none: so this takes linear time."""
    end = html.rfind("-->") + 1
    return re.sub(r"<!--.*?-->", "", html[:end] + html[end:].replace("<!--", ""), flags=re.DOTALL)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unread: list[str] = []  # open elements whose words are not for the reader
        self._over = False  # the history has begun

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._unread.clear()  # a head need not be closed
        named = " ".join(value or "" for name, value in attrs if name in ("id", "class"))
        self._over = self._over or _HISTORY.search(named) is not None
        if tag in _UNREAD:
            self._unread.append(tag)
        elif tag in _BLOCKS:
            self._put("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._put("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unread:
            del self._unread[self._unread.index(tag) :]
        elif tag in _BLOCKS:
            self._put("\n")

    def handle_data(self, data: str) -> None:
        self._put(re.sub(r"\s+", " ", data))

    def _put(self, words: str) -> None:
        if not self._unread and not self._over:
            self.words.append(words)
