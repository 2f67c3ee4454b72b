"""[identity]: what is refused before anybody is sent anywhere."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from balie.config import Settings, load
from balie.doctor import examine
from balie.errors import ConfigError
from balie.identity.errors import CODES
from balie.identity.provider import providers
from balie.sections.identity import ACM_ISSUER, IdentitySection, ProviderSection, RoleSection
from tests.support.oidc import Op, ec_key, ed_key, pem, rsa_key
from tests.support.tree import text

ACM = ProviderSection(name="acm", preset="acm", client_id="balie", client_secret="s" * 20)
ROLE = RoleSection("groups", "balie")


def settings(*found: ProviderSection, **more: Any) -> Settings:
    return replace(Settings(), identity=IdentitySection(found, **more))


def test_the_preset_of_the_flemish_government() -> None:
    (found,) = providers(settings(ACM))
    assert (found.issuer, found.algorithms, found.auth) == (ACM_ISSUER, ("RS256",), "client_secret_basic")
    assert "rrn" not in found.scopes and found.label == "acm"
    assert "sss" not in repr(found) and "sss" not in repr(ACM)


def test_its_test_environment() -> None:
    issuer = "https://authenticatie-ti.vlaanderen.be/op"
    (found,) = providers(settings(replace(ACM, issuer=issuer)))
    assert found.issuer == issuer


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"preset": "generic"}, "issuer"),
        ({"scopes": ("profile",)}, "openid among them"),
        ({"scopes": ("openid", "rrn")}, "no scope rrn, or rrn_legal_basis"),
        ({"scopes": ("openid", "rrn"), "rrn_legal_basis": "  "}, "no scope rrn, or rrn_legal_basis"),
        ({"algorithms": ("ES256",)}, '["RS256"]'),
        ({"client_secret": ""}, "one of client_secret and client_secret_file"),
        ({"client_secret_file": "acm.key"}, "one of client_secret and client_secret_file"),
        ({"private_key_file": "key.pem"}, "one of client_secret and client_secret_file"),
        ({"auth": "private_key_jwt"}, "private_key_file and no client secret"),
        ({"auth": "private_key_jwt", "client_secret": ""}, "private_key_file and no client secret"),
        ({"used_for": ("staff",)}, "at least one rule"),
    ],
)
def test_a_mistake_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        providers(settings(replace(ACM, **changes)))
    assert said in str(raised.value) and "[identity] providers[0]" in str(raised.value)


def test_the_national_number_with_a_law_behind_it() -> None:
    legal = "KB van 5 juni 2004, art. 5"
    (found,) = providers(settings(replace(ACM, scopes=("openid", "rrn"), rrn_legal_basis=legal)))
    assert "rrn" in found.scopes


def test_names_are_apart() -> None:
    with pytest.raises(ConfigError, match="another name"):
        providers(settings(ACM, ACM))


@pytest.mark.parametrize("name", ["a.b", "a b", "Acm", "acm/x", "é", "a\tb", "x" * 33, "local", "-" * 33, "a;b"])
def test_a_name_stands_in_addresses_and_cookies(tmp_path: Path, name: str) -> None:
    """Of a name with a dot, signing out would have asked a provider that there is not."""
    (tmp_path / "config.toml").write_text(
        f'[[identity.providers]]\nname = {json.dumps(name)}\npreset = "acm"\nclient_id = "b"\nclient_secret = "s"\n'
    )
    with pytest.raises(ConfigError, match=r"\[identity\] providers\[0\] name"):
        load(tmp_path / "config.toml", {})


def test_one_address_for_all_only_where_there_is_one_provider() -> None:
    assert providers(settings(ACM, return_address="shared"))
    for found in ((), (ACM, replace(ACM, name="other"))):
        with pytest.raises(ConfigError, match="return_address"):
            providers(settings(*found, return_address="shared"))


def test_a_form_goes_behind_a_link_only_when_there_is_another_way_in() -> None:
    with pytest.raises(ConfigError, match="local_accounts"):
        providers(settings(ACM, local_accounts="link"))
    assert providers(settings(replace(ACM, used_for=("staff",), roles=(ROLE,)), local_accounts="link"))


def test_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "acm.key").write_text("een geheim\n")
    (tmp_path / "config.toml").write_text(
        '[[identity.providers]]\nname = "acm"\npreset = "acm"\nclient_id = "b"\nclient_secret_file = "acm.key"\n'
        'used_for = ["citizen", "staff"]\n'
        'roles = [{ claim = "vo_orgcode", value = "OVO002949", role = "counter", services = ["vrije-tijd"] }]\n'
    )
    (found,) = providers(load(tmp_path / "config.toml", {}))
    assert found.secret == "een geheim" and found.roles[0].services == ("vrije-tijd",)


@pytest.mark.parametrize(
    "said",
    [
        'issuer = "http://login.example.be"',
        'issuer = "https://login.example.be/?x=1"',
        'issuer = "https://an:x@login.example.be"',
        'algorithms = ["HS256"]',
        'algorithms = ["none"]',
        'auth = "none"',
        "scopes = []",
    ],
)
def test_what_no_provider_may_be(tmp_path: Path, said: str) -> None:
    (tmp_path / "config.toml").write_text(
        f'[identity]\nproviders = [{{ name = "x", client_id = "b", client_secret = "s", {said} }}]\n'
    )
    with pytest.raises(ConfigError, match=r"\[identity\] providers\[0\]"):
        load(tmp_path / "config.toml", {})


@pytest.mark.parametrize(("name", "alg"), [("rsa", "RS256"), ("ec", "ES256"), ("ed", ""), ("weak", ""), ("junk", "")])
def test_private_keys(tmp_path: Path, name: str, alg: str) -> None:
    made = {"rsa": rsa_key("one"), "ec": ec_key("a"), "ed": ed_key("a"), "weak": rsa_key("weak", 1024)}
    (tmp_path / "key.pem").write_bytes(pem(made[name]) if name in made else b"geen sleutel")
    section = replace(ACM, auth="private_key_jwt", client_secret="", private_key_file="key.pem", private_key_id="1")
    here = replace(settings(section), folder=tmp_path)
    if not alg:
        with pytest.raises(ConfigError, match="RSA key of at least 2048 bits or an EC key"):
            providers(here)
        return
    (found,) = providers(here)
    assert found.key is not None and (found.key.alg, found.key.id) == (alg, "1")


@pytest.mark.parametrize(
    ("trouble", "verdict", "says"),
    [
        ("", "ok", "answers as it should"),
        ("down", "warn", "provider_down"),
        ("issuer", "warn", "provider_unfit"),
        ("keys", "warn", "none of its keys fits"),
        ("settings", "wrong", "another name for every provider"),
    ],
)
async def test_the_doctor_looks(op: Op, tmp_path: Path, trouble: str, verdict: str, says: str) -> None:
    section = replace(ACM, name="test", preset="generic", issuer=op.issuer)
    op.published = [] if trouble == "keys" else op.published
    op.bad.metadata = (lambda found: {**found, "issuer": "https://elders.example"}) if trouble == "issuer" else dict
    section = replace(section, issuer="http://127.0.0.1:1") if trouble == "down" else section
    here = replace(settings(section, *((section,) if trouble == "settings" else ())), folder=tmp_path)
    found = await asyncio.to_thread(lambda: [each for each in examine(here) if "[identity]" in each.text])
    assert found[-1].verdict == verdict and says in found[-1].text
    assert "sss" not in found[-1].text


def test_the_manual_has_every_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text("docs/identity.md"), re.MULTILINE)
    assert dict(rows) == CODES
