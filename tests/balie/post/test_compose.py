"""What messages say, to whom, in which language; and that nothing typed into a form can harm who reads them."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from balie.booking import links
from balie.i18n import LANGUAGES, speaking
from balie.post import facts, short
from balie.post.compose import LINK_CUT, Letter, letter
from balie.post.facts import Facts, harmless
from balie.post.mailing import mail
from balie.record import schedule
from balie.store.engine import Store, Tx
from balie.store.schema import MESSAGE_KINDS, appointment, message
from tests.support import office
from tests.support.arranged import DAUGHTER, LINK_KEY, Somebody, arrange, entropy
from tests.support.letters import CITIZEN, DOOR, GOODBYE, HELPER, PAGE, START_S, known
from tests.support.office import MONDAY_S, unix_s
from tests.support.post_office import SENDER, messages

MODALITIES = ("video", "phone", "desk")


def mailed(facts: Facts, to: str = "an@burger.example") -> EmailMessage:
    """As a reader's program sees it."""
    raw = mail(letter(facts), None, facts, SENDER, "e" * 32, to, MONDAY_S)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def body(read: EmailMessage, kind: str) -> str:
    part = read.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


class _Html(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


# -- what stands in it ----------------------------------------------------------------------------------


def test_a_confirmation_says_all_that_one_must_know() -> None:
    made = letter(known())
    assert made.subject == "Uw afspraak op dinsdag 8 december 2026 om 14.30 uur"
    for part in (made.text, _Html(made.html).text):
        for words in (
            "Dag An Peeters,",
            "dinsdag 8 december 2026 om 14.30 uur",
            "45 minuten",
            "Bart Claes, Gemeente Voorbeeldegem",
            "Badmintonterrein huren, Evenement aanvragen",
            "K7XQ2M",
            "Uw betaalkaart",
            "De dag waarop u wilt spelen",
            "+32 2 555 01 30",
            "beeld en geluid",
        ):
            assert words in part


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_link_stands_in_a_confirmation_exactly_once(modality: str) -> None:
    made = letter(known(modality=modality))
    assert made.text.count(PAGE) == 1 and made.html.count(PAGE) == 1
    assert DOOR not in made.text + made.html
    assert f"\n{PAGE}\n" in made.text, "alone on its line, so that no program takes a full stop along"


@pytest.mark.parametrize(
    ("modality", "says"),
    [
        ("video", "U hoeft niets te installeren"),
        ("phone", "We bellen u op +32470123456. U hoeft zelf niet te bellen."),
        ("desk", "Kom naar ons loket: Dorpsplein 1, 9999 Voorbeeldegem."),
    ],
)
def test_each_way_of_talking_has_its_own_words(modality: str, says: str) -> None:
    others = {"U hoeft niets te installeren", "We bellen u op", "Kom naar ons loket"}
    for kind in ("confirmation", "reminder", "moved", "changed"):
        text = letter(known(kind, modality=modality)).text
        assert says in text
        assert sum(other in text for other in others) == 1


def test_who_gave_no_number_is_asked_for_it() -> None:
    assert "geef het ons door op +32 2 555 01 30" in letter(known(modality="phone", phone="")).text


def test_the_open_door_is_one_click_away() -> None:
    made = letter(known("door_open"))
    assert made.subject == "De deur is open: uw gesprek begint om 14.30 uur"
    assert made.text.count(DOOR) == 1 and PAGE not in made.text
    assert [attributes["href"] for tag, attributes in _Html(made.html).tags if tag == "a"] == [DOOR]


def test_by_telephone_no_door_opens() -> None:
    made = letter(known("door_open", modality="phone"))
    assert made.subject == "Straks per telefoon: uw gesprek om 14.30 uur"
    assert "We bellen u op" in made.text and "deur" not in made.text and DOOR not in made.text


def test_a_move_names_both_times() -> None:
    text = letter(known("moved")).text
    assert "De vroegere tijd, maandag 7 december 2026 om 9.00 uur, geldt niet meer." in text
    assert "Wanneer: dinsdag 8 december 2026 om 14.30 uur" in text


@pytest.mark.parametrize(
    ("changed", "says", "says_not"),
    [
        ({"office": False}, "zoals u vroeg", "spijt"),
        ({"office": True, "reason": "Bart is ziek."}, "Bart is ziek.", "zoals u vroeg"),
        ({"role": HELPER, "office": True, "reason": "Bart is ziek."}, "De afspraak van An Peeters", "Bart is ziek."),
        ({"role": HELPER, "variant": "removed"}, "U hoeft niet meer mee te komen", "gaat niet door. Uw"),
    ],
)
def test_a_cancellation_says_who_did_it_and_has_no_dead_link(changed: dict[str, Any], says: str, says_not: str) -> None:
    text = letter(known("cancelled", **changed)).text
    assert says in text and says_not not in text
    assert "/a/" not in text and "/g/" not in text
    assert ("/afspraak/nieuw" in text) == (changed.get("role") != HELPER)


@pytest.mark.parametrize("kind", ["helper_added", "reminder", "door_open", "moved", "changed", "cancelled"])
def test_who_comes_along_learns_whose_appointment_it_is_and_no_more(kind: str) -> None:
    made = letter(known(kind, role=HELPER, name="Lies Peeters"))
    for part in (made.text, made.html):
        assert "An Peeters" in part and "Lies Peeters" in part
        for private in ("Badmintonterrein", "betaalkaart", "+32470123456", "K7XQ2M"):
            assert private not in part


@pytest.mark.parametrize("kind", MESSAGE_KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_can_be_written_for_everybody(kind: str, language: str) -> None:
    for modality, role in product(MODALITIES, [CITIZEN, HELPER]):
        about = known(kind, modality=modality, role=role)
        with speaking(language):
            is_well_made(letter(about), short.text(about), language)


def is_well_made(made: Letter, sms: str, language: str) -> None:
    for part in (made.subject, made.text, made.html, sms):
        assert part.strip() and "None" not in part and "%(" not in part and "{" not in part
    assert "\n\n\n" not in made.text and made.text.endswith("\n") and not re.search(r"[ \t]\n", made.text)
    html = _Html(made.html)
    assert not html.open, "every element is closed"
    assert ("html", {"lang": language}) in html.tags
    assert [tag for tag, _ in html.tags].count("h1") == 1
    names = {tag for tag, _ in html.tags}
    assert not names & {"img", "script", "link", "style", "iframe", "object", "form", "input", "video", "base"}
    for _, attributes in html.tags:
        assert not {"src", "srcset", "background", "onload"} & attributes.keys()
        assert "url(" not in (attributes.get("style") or "")
        assert (attributes.get("href") or SENDER.public_url).startswith(SENDER.public_url)


def test_both_forms_say_the_same() -> None:
    """A reader of plain text is not worse off."""
    for kind in MESSAGE_KINDS:
        made = letter(known(kind))
        text = made.text.replace(f"{PAGE}/documenten", "")
        words = re.sub(r"\W+", " ", text.replace(PAGE, "").replace(DOOR, "").replace(GOODBYE, ""))
        words = words.replace(re.sub(r"\W+", " ", f"{SENDER.public_url}/afspraak/nieuw"), " ")
        seen = re.sub(r"\W+", " ", _Html(made.html).text)
        assert " ".join(words.split()) in " ".join(seen.split()), kind


def test_dates_are_written_as_the_reader_writes_them() -> None:
    for language, moment in (
        ("nl", "dinsdag 8 december 2026 om 14.30 uur"),
        ("fr", "mardi 8 décembre 2026 à 14\u00a0h\u00a030"),
        ("en", "Tuesday 8 December 2026 at 14:30"),
        ("de", "Dienstag, 8. Dezember 2026 um 14.30 Uhr"),
    ):
        with speaking(language):
            made = letter(known())
        assert moment in made.text and " ".join(moment.split()) in made.subject


def test_what_is_kept_opens_no_door() -> None:
    for kind in MESSAGE_KINDS:
        made = letter(known(kind))
        assert "token-of-an" not in made.kept
        assert (LINK_CUT in made.kept) == ("token-of-an" in made.text)


# -- what strangers type --------------------------------------------------------------------------------

STRANGE = [
    "An\r\nBcc: iedereen@elders.example",
    "An\nX-Header: 1\n\nInhoud",
    "An\u2028Bcc: iedereen@elders.example",
    "=?utf-8?q?An=0D=0ABcc:_x@elders.example?=",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} %(name)s {name}",
    "A" * 300,
    "👩‍👩‍👧 Ân Ďurić-Σ 中文",
    "An\x00\x07\x1b[31m",
    "O'Brien & Zonen <an@burger.example>",
]


@pytest.mark.parametrize("name", STRANGE)
def test_no_name_becomes_a_header_or_an_element(name: str) -> None:
    plain = harmless(name)
    read = mailed(known(name=plain, whose=plain, data={}))
    ordinary = mailed(known())
    assert read.keys() == ordinary.keys()
    assert read["To"] == "an@burger.example" and read["Subject"] == ordinary["Subject"]
    assert body(read, "plain").startswith(f"Dag {plain},\n")
    html = _Html(body(read, "html"))
    assert [tag for tag, _ in html.tags] == [tag for tag, _ in _Html(letter(known()).html).tags]
    assert f"Dag {plain}," in html.text


@pytest.mark.parametrize("subject", [*STRANGE, "", "Re: " * 100])
def test_no_subject_of_an_answer_becomes_a_header(subject: str) -> None:
    data = {"subject": subject, "text": "Ja.", "in_reply_to": f"<{subject}@b.example>"}
    read = mailed(known("reply", data=data))
    assert set(read.keys()) <= {*mailed(known()).keys(), "In-Reply-To", "References"}
    assert "Bcc" not in read and "X-Header" not in read
    assert len(read["Subject"]) <= 200


@given(st.text(max_size=300))
def test_any_name_makes_one_line_and_no_link(name: str) -> None:
    plain = harmless(name)
    assert len(plain.splitlines()) <= 1 and plain == plain.strip()
    assert "@" not in plain and "://" not in plain and not re.search(r"\w\.\w{2,}", plain)


@pytest.mark.parametrize(
    "name", ["An Peeters", "J.P. Van den Broeck-D'Hondt", "Ân Ďurić", "Mr. X", "李小龙", "An (dochter)", "A.B."]
)
def test_ordinary_names_stay_as_their_owners_write_them(name: str) -> None:
    assert harmless(name) == name


def test_a_name_that_advertises_is_no_link() -> None:
    assert harmless("Win nu: https://kwaad.example/x") == "Win nu https kwaad. example x"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_any_answer_of_staff_arrives_as_written(text: str) -> None:
    text = " ".join(text.split()) or "Ja."
    written = body(mailed(known("reply", data={"subject": "Re: uur", "text": text})), "plain")
    assert " ".join(written.split()).startswith(text)


# -- headers --------------------------------------------------------------------------------------------


def test_headers_are_those_of_a_machine_that_wants_to_be_answered() -> None:
    read = mailed(known())
    address = f"balie+{'e' * 32}@voorbeeldegem.example"
    assert read["From"] == "Gemeente Voorbeeldegem <afspraken@voorbeeldegem.example>"
    assert read["Message-ID"] == f"<{'e' * 32}@voorbeeldegem.example>"
    assert read["Reply-To"] == address and read["Disposition-Notification-To"].strip() == address
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Date"] == "Mon, 07 Dec 2026 07:00:00 +0100"


@pytest.mark.parametrize(
    ("kind", "first", "asked"),
    [
        ("confirmation", True, True),
        ("helper_added", True, True),
        ("reminder", True, True),
        ("reminder", False, False),
        ("door_open", True, False),
        ("moved", True, False),
        ("cancelled", True, False),
    ],
)
def test_a_receipt_is_asked_with_the_confirmation_and_the_first_reminder(kind: str, first: bool, asked: bool) -> None:
    assert ("Disposition-Notification-To" in mailed(known(kind, first=first))) == asked


def test_an_answer_of_a_person_is_not_automatic_and_joins_its_thread() -> None:
    data = {"subject": "Re: uur", "text": "Ja.", "in_reply_to": "<a@b.example>"}
    read = mailed(known("reply", data=data))
    assert read["Auto-Submitted"] == "no"
    assert read["In-Reply-To"] == read["References"] == "<a@b.example>"


def test_a_mail_goes_through_servers_that_know_seven_bits_only() -> None:
    raw = mail(letter(known(name="Ân 👩")), None, known(), SENDER, "e" * 32, "an@burger.example", MONDAY_S)
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n")) and b"\n" not in raw.replace(b"\r\n", b"")


# -- what is read from the database ---------------------------------------------------------------------


async def facts_of(store: Store, kind: str, *, locale: str = "nl", **wanted: object) -> Facts:
    def read(tx: Tx) -> Facts:
        with speaking(locale):
            return facts.read(tx, SENDER, messages(tx, kind=kind, **wanted)[0].id)

    return await store.read(read)


async def test_facts_are_those_of_the_reader(store: Store) -> None:
    def book(tx: Tx) -> tuple[str, str]:
        desk = office.found(tx)
        people = (Somebody(phone="+32470123456"), DAUGHTER)
        made = arrange(tx, desk, START_S, people, products=(desk.permit, desk.badminton))
        schedule.booked(tx, MONDAY_S, entropy(5), made.id)
        tokens = [links.current(tx, LINK_KEY, person) for person in made.people]
        assert tokens[0] and tokens[1]
        return tokens[0], tokens[1]

    ours, hers = await store.write(book)
    mine = await facts_of(store, "confirmation")
    assert (mine.name, mine.phone, mine.staff) == ("An Peeters", "+32470123456", "Bart Claes")
    assert mine.page == f"{SENDER.public_url}/a/{ours}" and mine.door == f"{SENDER.public_url}/g/{ours}"
    assert mine.products == ("Evenement aanvragen", "Badmintonterrein huren")
    assert mine.checklist == ("Uw betaalkaart", "De dag waarop u wilt spelen")
    assert mine.desk_phone == "+32 2 555 01 30" and not mine.is_helper
    helper = await facts_of(store, "helper_added", locale="fr")
    assert (helper.name, helper.whose, helper.page) == ("Lies Peeters", "An Peeters", f"{SENDER.public_url}/a/{hers}")
    assert helper.products[1] == "Louer un terrain de badminton" and helper.is_helper


async def test_facts_hold_at_the_moment_of_sending(store: Store) -> None:
    """A reminder that was planned for a video call speaks of the telephone when that is what it became."""

    def book(tx: Tx) -> None:
        made = arrange(tx, office.found(tx), START_S, (Somebody(phone="+32470123456"),))
        schedule.booked(tx, MONDAY_S, entropy(5), made.id)
        tx.execute(update(appointment).values(modality="phone"))
        links.revoke(tx, MONDAY_S, appointment_id=made.id)

    await store.write(book)
    reminder = await facts_of(store, "reminder")
    assert reminder.modality == "phone"
    assert reminder.page == "" == reminder.door, "a dead link is not sent"
    assert "+32470123456" in letter(reminder).text


async def test_only_the_first_reminder_is_the_first(store: Store) -> None:
    def book(tx: Tx) -> None:
        made = arrange(tx, office.found(tx), START_S)
        schedule.booked(tx, MONDAY_S, entropy(5), made.id)

    await store.write(book)
    assert (await facts_of(store, "reminder", variant="120")).first
    submitted = update(message).where(message.c.kind == "reminder").values(status="submitted", submitted_s=MONDAY_S)
    await store.write(lambda tx: tx.execute(submitted.where(message.c.kind == "confirmation")) and None)
    await store.write(lambda tx: tx.execute(submitted) and None)
    assert (await facts_of(store, "reminder", variant="120")).first, "there is only one, and it is not before itself"


async def test_a_move_knows_the_time_before(store: Store) -> None:
    def move(tx: Tx) -> None:
        desk = office.found(tx)
        old = arrange(tx, desk, unix_s("2026-12-07T09:00"))
        new = arrange(tx, desk, START_S, supersedes=old.id, sequence=1)
        schedule.moved(tx, MONDAY_S, entropy(5), old.id, new.id)

    await store.write(move)
    assert (await facts_of(store, "moved")).before == "maandag 7 december 2026 om 9.00 uur"


def test_letters_do_not_show_their_links_in_a_log() -> None:
    assert "token-of-an" not in repr(Letter("s", "t", "h", (PAGE,)))
