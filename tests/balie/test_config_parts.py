"""Configuration of messages, links, TURN servers and payments: what goes together, and which secrets are needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from balie.app import site
from balie.config import Settings, check_for_serving, link_key, load, relays, sends_sms, sms_secret
from balie.errors import ConfigError
from tests.support.settings import COMPLETE, SECRET, write


def test_the_key_of_links_is_given_or_comes_from_the_tokens(tmp_path: Path) -> None:
    derived = link_key(load(write(tmp_path, COMPLETE), {}))
    assert len(derived) == 32
    assert derived == link_key(load(write(tmp_path, COMPLETE), {}))
    assert derived not in SECRET.encode()
    own = link_key(load(write(tmp_path, f'{COMPLETE}\n[links]\nsecret = "{"x" * 32}"\n'), {}))
    assert own == b"x" * 32


@pytest.mark.parametrize(
    ("lines", "need"),
    [
        ('secret = "short"', "at least 32 bytes"),
        ('secret_file = "absent.key"', "a file that can be read"),
        (f'secret = "{"x" * 32}"\nsecret_file = "links.key"', "one of secret and secret_file"),
    ],
)
def test_a_key_of_links_that_cannot_be_used(tmp_path: Path, lines: str, need: str) -> None:
    with pytest.raises(ConfigError, match=need) as error:
        check_for_serving(load(write(tmp_path, f"{COMPLETE}\n[links]\n{lines}\n"), {}))
    assert "short" not in str(error.value)


@pytest.mark.parametrize(
    ("section", "line", "need"),
    [
        ("messages", 'from_address = "balie"', "a mail address"),
        ("messages", 'reply_address = "balie+x@example.be"', "without +"),
        ("messages", 'sms_url = "http://gateway.example"', "an https URL"),
        ("messages", 'quiet_from = "25:00"', "a time of day"),
        ("hooks", 'targets = [{ name = "crm", url = "ftp://crm.example" }]', "an https URL"),
        ("hooks", 'targets = [{ url = "https://crm.example" }]', "to be given"),
    ],
)
def test_settings_of_messages_and_hooks(tmp_path: Path, section: str, line: str, need: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(need)):
        load(write(tmp_path, f"[{section}]\n{line}\n"), {})


def test_the_secret_of_the_gateway(tmp_path: Path) -> None:
    path = write(tmp_path, '[messages]\nsms_url = "https://sms.example"\nsms_secret_file = "sms.key"\n')
    assert sms_secret(Settings()) == b""
    with pytest.raises(ConfigError, match="a file that can be read"):
        sms_secret(load(path, {}))
    for secret, fits in (
        (b"x" * 23, False),
        (b"x" * 24, True),
        (b"whsec_" + b"eHh4" * 8, True),
        (b"whsec_eHh4", False),
    ):
        (tmp_path / "sms.key").write_bytes(secret + b"\n")
        if fits:
            assert sms_secret(load(path, {})) == secret
            continue
        with pytest.raises(
            ConfigError, match=r"sms_secret_file: need a file with a secret of at least 24 bytes"
        ) as error:
            sms_secret(load(path, {}))
        assert secret.decode() not in str(error.value)


@pytest.mark.parametrize(
    ("lines", "reached"), [("", False), ('sms_url = "https://sms.example"', True), ('mode = "crm"', True)]
)
def test_who_has_only_a_telephone_is_reached_by_a_gateway_or_the_crm(tmp_path: Path, lines: str, reached: bool) -> None:
    target = '[hooks]\ntargets = [{ name = "crm", url = "https://crm.example" }]\n'
    settings = load(write(tmp_path, f"[messages]\n{lines}\n{target}"), {})
    assert sends_sms(settings) == site(settings).sms == reached
    assert site(settings).targets == {"crm"}


def test_a_gateway_without_a_secret_is_refused(tmp_path: Path) -> None:
    """Anybody could send text messages through it in our name."""
    lines = '[messages]\nsms_url = "https://sms.example"\n'
    with pytest.raises(ConfigError, match="sms_secret_file"):
        check_for_serving(load(write(tmp_path, f"{COMPLETE}\n{lines}"), {}))
    check_for_serving(load(write(tmp_path, f'{COMPLETE}\n{lines}sms_secret_file = "sms.key"\n'), {}))


TURN = COMPLETE + '[turn]\nurls = ["turn:turn.example.be?transport=udp", "turns:[2001:db8::1]:443"]\n'


def test_turn_servers_and_their_secret(tmp_path: Path) -> None:
    (tmp_path / "turn.key").write_text("0123456789abcdef\n")
    settings = load(write(tmp_path, TURN + 'secret_file = "turn.key"\n'), {})
    check_for_serving(settings)
    known = relays(settings)
    assert (known.urls, known.secret, known.lifetime_s) == (settings.turn.urls, b"0123456789abcdef", 21_600)
    assert relays(Settings()).urls == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "config.toml [turn]: found 'urls', need secret_file too."),
        ('secret_file = "no.key"\n', "[turn] secret_file: found 'no.key', need a file that can be read"),
        ('secret_file = "short.key"\n', "[turn] secret_file: need a file with one line of at least 16 printable"),
        ('secret_file = "lines.key"\n', "[turn] secret_file: need a file with one line of at least 16 printable"),
        ('secret_file = "bytes.key"\n', "[turn] secret_file: need a file with one line of at least 16 printable"),
    ],
)
def test_turn_servers_without_a_usable_secret(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "short.key").write_text("0123456789abcde")
    (tmp_path / "lines.key").write_text("0123456789abcdef\nstatic-auth-secret=x")
    (tmp_path / "bytes.key").write_bytes(bytes(range(128, 160)))
    with pytest.raises(ConfigError) as raised:
        check_for_serving(load(write(tmp_path, TURN + text), {}))
    assert said in str(raised.value)
    assert "0123" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("urls = ['stun:stun.example.be']", "[turn] urls[0]: found 'stun:stun.example.be', need turn:HOST"),
        ("urls = ['turns:turn.example.be?transport=udp']", "need turn:HOST"),
        ("lifetime_s = 60", "[turn] lifetime_s: found 60, need a number from 600 to 86400."),
    ],
)
def test_what_is_no_turn_server(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(write(tmp_path, f"[turn]\n{text}\n"), {})
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("section", "need"),
    [
        ('provider = "Mollie"', "small letters, digits and hyphens"),
        ('provider = "mollie"', "[payments] key_file: found '', need a file with the API key"),
        ('provider = "mollie"\nkey = "k"\nkey_file = "f"', "one of key and key_file"),
        ('url = "http://pay.example"', "an https URL"),
    ],
)
def test_payments_that_cannot_be_taken(tmp_path: Path, section: str, need: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_for_serving(load(write(tmp_path, f"{COMPLETE}\n[payments]\n{section}\n"), {}))
    assert need in str(raised.value) and '"k"' not in str(raised.value)
