"""The new words of an answer: history goes, an answer never does."""

from __future__ import annotations

import pytest

from balie.post.mailtext import TEXT_MAX, from_html, newest


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ja.\n\nOn Mon, 7 Dec 2026 at 09:12, Balie <balie@b.example> wrote:\n> oud\n", "Ja."),
        ("Ja.\n\nOp 7 dec. 2026 om 09:12 schreef Balie <balie@b.example>:\n\n> oud\n", "Ja."),
        ("Oui.\n\nLe lun. 7 déc. 2026 à 09:12, Balie <balie@b.example> a écrit :\n> vieux", "Oui."),
        ("Ja.\n\nAm Mo., 7. Dez. 2026 um 09:12 Uhr schrieb Balie <balie@b.example>:\n> alt", "Ja."),
        ("Ja.\n\n-----Oorspronkelijk bericht-----\nVan: Balie\noud", "Ja."),
        ("Ja.\n\n-----Original Message-----\noud", "Ja."),
        ("Ja.\n\n________________________________\nVan: Balie\nVerzonden: maandag\noud", "Ja."),
        ("Ja.\n\nVan: Balie <balie@b.example>\nVerzonden: maandag 7 december\nAan: An\n\noud", "Ja."),
        ("Ja.\n\n*De :* Balie\n*Envoyé :* lundi\nvieux", "Ja."),
        ("Ja.\n\n-- \nAn Peeters\nLaan 1", "Ja."),
        ("Op 7 december 2026 schreef Balie <b@b.example>:\noud zonder tekens", "Op 7 december 2026 schreef Balie"),
    ],
)
def test_history_goes(text: str, kept: str) -> None:
    assert newest(text).startswith(kept)
    assert "alt" not in newest(text) and "vieux" not in newest(text)


def test_answers_between_the_quotes_stay() -> None:
    text = (
        "Dag,\n\nOp 7 dec 2026 schreef Balie <b@b.example>:\n> Past het?\n\nJa hoor.\n\n> Brengt u geld mee?\n\nNeen."
    )
    assert newest(text) == "Dag,\n\nJa hoor.\n\nNeen."


@pytest.mark.parametrize(
    "text",
    [
        "U schreef:\nkom om negen uur.\nMaar dat gaat niet.",
        "Van: ik weet het niet meer\nkan u helpen?",
        "-- alleen streepjes erna",
        "> alles is een citaat",
        "Op dinsdag kan ik niet.\nOp woensdag wel.",
    ],
)
def test_what_a_person_wrote_stays(text: str) -> None:
    assert newest(text) == text


def test_a_long_answer_is_cut() -> None:
    assert len(newest("ja " * TEXT_MAX)) <= TEXT_MAX


def test_html_becomes_its_words() -> None:
    html = "<p>Een&nbsp;<b>twee</b><br/>drie &lt;script&gt;</p><script>x()</script><!-- weg --><p>vier"
    assert [line for line in from_html(html).split("\n") if line] == ["Een twee", "drie <script>", "vier"]


def test_html_without_an_end_keeps_its_words() -> None:
    assert from_html("<html><head><title>weg</title><body>hallo <b>wereld").strip() == "hallo wereld"


def test_control_characters_in_html_go() -> None:
    assert from_html("a&#x202e;b&#7;c&#xd800;d").replace("\ufffd", "") == "abcd"
