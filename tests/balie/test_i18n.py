"""Dates and times as readers of each language write them."""

from __future__ import annotations

from datetime import date

from balie.i18n import LANGUAGES, day_words, quoted, short_day_words, speaking


def test_the_first_of_a_month() -> None:
    for language, words in (("nl", "vrijdag 1 januari"), ("fr", "vendredi 1er janvier"), ("de", "Freitag, 1. Januar")):
        with speaking(language):
            assert day_words(date(2027, 1, 1)) == f"{words} 2027"
    with speaking("de"):
        assert short_day_words(date(2026, 12, 8)) == "Di. 8. Dez."


def test_marks_of_a_quotation() -> None:
    marks = {"nl": "‘sport’", "fr": "«\u00a0sport\u00a0»", "en": "‘sport’", "de": "„sport“"}
    assert marks.keys() == LANGUAGES.keys()
    for language, words in marks.items():
        with speaking(language):
            assert quoted("sport") == words
