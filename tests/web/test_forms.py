"""Reading forms: whatever is sent, a field that is wrong says so, and nothing that was typed is lost."""

from __future__ import annotations

import pytest
from aiohttp import FormData, web
from multidict import MultiDict
from pytest_aiohttp.plugin import AiohttpClient

from tests.support.townhall import Client
from web import forms, keys
from web.forms import BYTES_MAX, FIELDS_MAX, FORM_TYPE, Form, whole
from web.middlewares import errors
from web.render import environment

PAGE = {"Accept": "text/plain"}


def form(**fields: str) -> Form:
    return Form(MultiDict(fields))


async def echo(request: web.Request) -> web.Response:
    read = await forms.read(request)
    return web.json_response(list(read.values.items()))


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Client:
    app = web.Application(middlewares=[errors])
    app[keys.SITE], app[keys.PAGES] = keys.Site("Gemeente", "02", "http://localhost"), environment()
    app.add_routes([web.post("/", echo)])
    return await aiohttp_client(app)


async def test_a_form_is_read_as_it_was_typed(client: Client) -> None:
    fields = [("naam", " An 🌻\r\n"), ("leeg", ""), ("naam", "&=+%;")]
    assert await (await client.post("/", data=fields)).json() == [list(each) for each in fields]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a" * (BYTES_MAX + 1), FORM_TYPE, 413),
        (b"&".join([b"a=1"] * (FIELDS_MAX + 1)), FORM_TYPE, 400),
        ("naam=é".encode("latin-1"), FORM_TYPE, 400),
        (b"{}", "application/json", 415),
        (b"", "text/plain", 415),
        (b"naam=%00", FORM_TYPE, 400),
        (b"%00=naam", FORM_TYPE, 400),
        (b"naam=%ff%fe", FORM_TYPE, 400),
        (b"naam=%ed%a0%80", FORM_TYPE, 400),
        (b"", FORM_TYPE, 200),
        (b"=&&&==&%", FORM_TYPE, 200),
    ],
)
async def test_a_body_that_no_page_of_ours_sends(client: Client, body: bytes, kind: str, status: int) -> None:
    response = await client.post("/", data=body, headers={"Content-Type": kind})
    assert response.status == status


async def test_files_are_not_taken(client: Client) -> None:
    data = FormData()
    data.add_field("file", b"x", filename="x.exe")
    assert (await client.post("/", data=data)).status == 415


def test_the_last_of_a_field_counts() -> None:
    """A button overrides what the page had."""
    assert Form(MultiDict([("maand", "2026-12"), ("maand", "2027-01")])).last("maand") == "2027-01"
    assert form().last("maand") == ""


def test_the_first_error_of_a_field_counts() -> None:
    read = form()
    read.fail("naam", "een")
    read.fail("naam", "twee")
    assert read.errors == {"naam": "een"}


@pytest.mark.parametrize(
    ("typed", "value", "error"),
    [
        (" An ", "An", ""),
        ("e\u0301", "é", ""),
        ("", "", "verplicht"),
        (" \u00a0 ", "", "verplicht"),
        ("A" * 11, "A" * 11, "Haal er 1 weg."),
        ("A" * 13, "A" * 13, "Haal er 3 weg."),
        ("a\nb", "a\nb", "niet kunnen lezen"),
        ("a\x00b", "a\x00b", "niet kunnen lezen"),
        ("a\u2028b", "a\u2028b", "niet kunnen lezen"),
        ("\ud800", "\ud800", "niet kunnen lezen"),
    ],
)
def test_a_line(typed: str, value: str, error: str) -> None:
    read = form(veld=typed)
    assert read.text("veld", "verplicht", most=10) == value
    assert error in read.errors.get("veld", "")
    assert bool(read.errors) == bool(error)
    assert read.last("veld") == typed


@pytest.mark.parametrize(
    ("typed", "value", "wrong"),
    [("a\r\nb\rc\n", "a\nb\nc", False), ("a\tb", "a\tb", False), ("a\x07", "a\x07", True), ("x" * 11, "x" * 11, True)],
)
def test_several_lines(typed: str, value: str, wrong: bool) -> None:
    read = form(veld=typed)
    assert read.lines("veld", most=10) == value
    assert bool(read.errors) == wrong


def test_a_choice() -> None:
    read = form(taal="xx")
    assert read.choice("taal", {"nl": "", "fr": ""}) == ""
    assert read.errors == {}
    assert read.choice("taal", {"nl": ""}, "Kies een taal.") == ""
    assert read.errors == {"taal": "Kies een taal."}
    assert form(taal="fr").choice("taal", ("nl", "fr"), "Kies") == "fr"


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("10", 10)],
)
def test_a_whole_number(text: str, number: int) -> None:
    assert whole(text, most=10) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1e3", "1_0", " 1", "٣", "²", "1" * 16, "11"])
def test_no_whole_number(text: str) -> None:
    assert whole(text, most=10) is None
