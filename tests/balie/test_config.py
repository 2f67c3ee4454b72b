"""Configuration: what is read, what overrides it, and what every mistake is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from balie.checks import check_public_address
from balie.config import (
    Settings,
    check_for_serving,
    load,
    token_keys,
)
from balie.errors import SHOWN_MAX, ConfigError
from balie.reading import variable
from tests.support.settings import COMPLETE, SECRET, write


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert load(write(tmp_path, ""), {}) == Settings()


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    settings = load(
        write(tmp_path, '[server]\nport = 9000\n[media]\ncoalesce_ms = 1\nlisten = ["::", "0.0.0.0"]\n'), {}
    )
    assert settings.server.port == 9000
    assert settings.server.host == Settings().server.host
    assert settings.media.coalesce_ms == 1.0
    assert settings.media.listen == ("::", "0.0.0.0")


@pytest.mark.parametrize(
    ("name", "text", "section", "key", "value"),
    [
        ("BALIE_SERVER_PORT", "9001", "server", "port", 9001),
        ("BALIE_SERVER_HOST", "::1", "server", "host", "::1"),
        ("BALIE_MEDIA_COALESCE_MS", "0.5", "media", "coalesce_ms", 0.5),
        (
            "BALIE_MEDIA_PUBLIC_ADDRESSES",
            "192.0.2.1, 2001:db8::1",
            "media",
            "public_addresses",
            ("192.0.2.1", "2001:db8::1"),
        ),
        ("BALIE_MEDIA_PUBLIC_ADDRESSES", '["192.0.2.1"]', "media", "public_addresses", ("192.0.2.1",)),
        ("BALIE_MEDIA_PUBLIC_ADDRESSES", "", "media", "public_addresses", ()),
        ("BALIE_LOG_FORMAT", "console", "log", "format", "console"),
        ("BALIE_ORGANISATION_NAME", "Stad Aalst", "organisation", "name", "Stad Aalst"),
    ],
)
def test_the_environment_wins(tmp_path: Path, name: str, text: str, section: str, key: str, value: object) -> None:
    settings = load(write(tmp_path, "[server]\nport = 9000\n"), {name: text, "PATH": "/bin"})
    assert getattr(getattr(settings, section), key) == value


def test_keys_from_the_environment(tmp_path: Path) -> None:
    settings = load(write(tmp_path, ""), {"BALIE_TOKENS_KEYS": f'[{{ kid = "e", secret = "{SECRET}" }}]'})
    assert [key.kid for key in token_keys(settings)] == ["e"]


def test_names_that_kubernetes_sets_are_not_ours(tmp_path: Path) -> None:
    environment = {"BALIE_SERVICE_HOST": "10.0.0.1", "BALIE_PORT": "tcp://10.0.0.1:80", "BALIE_PORT_80_TCP": "x"}
    assert load(write(tmp_path, ""), environment) == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nprot = 1\n", "config.toml [server]: found 'prot', need one of the keys host, port, "),
        ("[server]\nprot = 1\n", "Did you mean port?"),
        ("[sever]\n", "config.toml: found 'sever', need one of the sections server, media, "),
        ("server = 3\n", "config.toml [server]: need a table"),
        ("[server]\nport = '80'\n", "config.toml [server] port: found '80', need a whole number."),
        ("[server]\nport = true\n", "config.toml [server] port: found True, need a whole number."),
        ("[server]\nport = 0\n", "config.toml [server] port: found 0, need a number from 1 to 65535."),
        ("[server]\nport = 1.5\n", "need a whole number"),
        ("[server]\npublic_url = 'balie.be'\n", "need a URL without path, such as https://"),
        ("[server]\npublic_url = 'https://balie.be/x'\n", "need a URL without path"),
        ("[server]\npublic_url = 'https://an:x@balie.be'\n", "need a URL without path"),
        ("[server]\ntrusted_proxies = ['10.0.0.1/8']\n", "[server] trusted_proxies[0]: found '10.0.0.1/8'"),
        ("[media]\ncoalesce_ms = nan\n", "[media] coalesce_ms: found nan, need a number from 0 to 10."),
        ("[media]\nlisten = '0.0.0.0'\n", "[media] listen: found '0.0.0.0', need a list"),
        ("[media]\nlisten = []\n", "[media] listen: found [], need at least one value."),
        ("[media]\nlisten = ['localhost']\n", "[media] listen[0]: found 'localhost', need an IPv4 or IPv6 address"),
        ("[media]\nlisten = ['::', '::']\n", "[media] listen: need every value once."),
        ("[media]\npublic_addresses = ['0.0.0.0']\n", "found '0.0.0.0', need the address that browsers reach."),
        ("[media]\npublic_addresses = ['224.0.0.1']\n", "`balie doctor` prints this host's addresses."),
        (
            "[media]\nvideo_codecs = ['H265']\n",
            "[media] video_codecs[0]: found 'H265', need one of VP8, H264, VP9, AV1.",
        ),
        ("[log]\nlevel = 'INFO'\n", "[log] level: found 'INFO', need one of debug, info, warning, error."),
        ("[organisation]\nname = ''\n", "[organisation] name: found '', need a text that is not empty."),
        ('[organisation]\nname = "a\\nb"\n', "need one line without control characters"),
        ("[tokens]\nkeys = [{ secret = 'x' }]\n", "[tokens] keys[0] kid: need to be given."),
        ("[tokens]\nkeys = [3]\n", "[tokens] keys[0]: need a table"),
        ("[server\n", "config.toml: need TOML: "),
    ],
)
def test_a_mistake_is_told_with_where_what_and_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(write(tmp_path, text), {})
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BALIE_SERVER_PORT", "many", "BALIE_SERVER_PORT: found 'many', need a whole number."),
        ("BALIE_SERVER_PROT", "1", "environment: found 'BALIE_SERVER_PROT', need one of BALIE_SERVER_HOST"),
        ("BALIE_MEDIA_LISTEN", "[oops", "BALIE_MEDIA_LISTEN: need a list as in TOML"),
        ("BALIE_MEDIA_PUBLIC_ADDRESSES", "::", "BALIE_MEDIA_PUBLIC_ADDRESSES[0]: found '::', need the address that"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(write(tmp_path, ""), {name: value})
    assert said in str(raised.value)


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(write(tmp_path, f"[log]\nlevel = '{'x' * 500}'\n"), {})
    found = re.search(r"found ('x+\.\.\.),", str(raised.value))
    assert found is not None
    assert len(found[1]) == SHOWN_MAX


@pytest.mark.parametrize(
    "text",
    [
        '[tokens]\nkeys = [{{ kid = "1", secret = "{0}\\n" }}]\n',
        '[tokens]\nkeys = [{{ kid = "1", secret = "{0}", secret_file = "x" }}]\n',
        '[tokens]\nkeys = [{{ kid = "1", secret = ["{0}"] }}]\n',
        '[tokens]\nkeys = [{{ kid = "1", secret = "{0}" }}, {{ kid = "1", secret = "{0}" }}]\n',
        '[tokens]\nkeys = ["{0}" oops]\n',
    ],
)
def test_no_message_and_no_repr_shows_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        token_keys(load(write(tmp_path, text.format(SECRET)), {}))
    assert SECRET[:8] not in str(raised.value)
    assert SECRET not in repr(load(write(tmp_path, COMPLETE), {}))


def test_a_short_secret_is_refused_without_being_shown(tmp_path: Path) -> None:
    path = write(tmp_path, '[tokens]\nkeys = [{ kid = "1", secret = "geheim" }]\n')
    with pytest.raises(ConfigError, match="at least 32 bytes") as raised:
        token_keys(load(path, {}))
    assert "geheim" not in str(raised.value)


def test_keys_in_files_are_found_beside_the_configuration(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    (tmp_path / "shared.key").write_text(SECRET + "\n")
    (tmp_path / "own.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "their.pem").write_bytes(
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    text = """
    [[tokens.keys]]
    kid = "own"
    private_key_file = "own.pem"
    [[tokens.keys]]
    kid = "shared"
    secret_file = "shared.key"
    [[tokens.keys]]
    kid = "their"
    public_key_file = "their.pem"
    """
    keys = token_keys(load(write(tmp_path, text), {}))
    assert [(key.kid, key.algorithm) for key in keys] == [("own", "EdDSA"), ("shared", "HS256"), ("their", "EdDSA")]
    assert keys[1].secret == SECRET.encode()


@pytest.mark.parametrize(
    ("file", "said"),
    [(None, "a file that can be read"), (b"", "a file that is not empty"), (b"-----BEGIN nothing", "as PEM")],
)
def test_a_key_file_that_is_no_use(tmp_path: Path, file: bytes | None, said: str) -> None:
    if file is not None:
        (tmp_path / "a.pem").write_bytes(file)
    path = write(tmp_path, '[tokens]\nkeys = [{ kid = "1", private_key_file = "a.pem" }]\n')
    with pytest.raises(ConfigError) as raised:
        token_keys(load(path, {}))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("public_addresses", "#"), "[media] public_addresses: found [], need at least one address"),
        (("keys", "#"), "[tokens] keys: found [], need at least one key."),
        (("[media]", "[server]\npublic_url = 'http://balie.be'\n[media]"), "need https://."),
    ],
)
def test_a_real_server_must_say_what_has_no_default(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    check_for_serving(load(write(tmp_path, COMPLETE), {}))
    with pytest.raises(ConfigError) as raised:
        check_for_serving(load(write(tmp_path, COMPLETE.replace(*change)), {}))
    assert said in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="config.example.toml"):
        load(tmp_path / "none.toml", {})


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(path, {})


def test_variables_are_named_after_section_and_key() -> None:
    assert variable("media", "public_addresses") == "BALIE_MEDIA_PUBLIC_ADDRESSES"


@given(st.text(max_size=60))
def test_any_public_address_is_good_or_refused(value: str) -> None:
    try:
        check_public_address(value, "here")
    except ConfigError as error:
        assert str(error).startswith("here: found ")
    else:
        assert re.fullmatch(r"[0-9a-fA-F:.]+", value)


@given(
    st.dictionaries(st.sampled_from(["server", "media", "x"]), st.text(max_size=20), max_size=3), st.text(max_size=80)
)
def test_no_file_raises_anything_but_config_error(
    tmp_path_factory: pytest.TempPathFactory, tables: dict[str, str], tail: str
) -> None:
    path = tmp_path_factory.mktemp("config") / "config.toml"
    text = "".join(f"[{name}]\n{line}\n" for name, line in tables.items()) + tail
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert isinstance(load(path, {}), Settings)
    except ConfigError as error:
        assert str(error)
