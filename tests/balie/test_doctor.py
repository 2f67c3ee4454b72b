"""What `balie doctor` says of the database and of mail."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from balie import turn_probe
from balie.config import HookTargetSection, Settings, TurnSection
from balie.doctor import Finding, examine
from balie.sections.bookkeeping import BookkeepingSection
from balie.sections.payments import PaymentsSection
from balie.store.engine import Store, database_url
from balie.store.migrate import bring_up_to_date
from media.core import stun
from tests.support import papers
from tests.support.coturn import coturn
from tests.support.processes import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), folder=tmp_path)


def said(settings: Settings, about: str) -> list[Finding]:
    return [finding for finding in examine(settings) if about in finding.text]


def test_a_database_that_is_not_there_yet(settings: Settings, tmp_path: Path) -> None:
    (found,) = said(settings, "the database")
    assert found.verdict == "ok" and "first start" in found.text
    assert not list(tmp_path.iterdir()), "looking makes nothing"


def test_a_folder_that_is_not_there(settings: Settings) -> None:
    (found,) = said(replace(settings, database=replace(settings.database, url="sqlite:nowhere/b.sqlite")), "[database]")
    assert found.verdict == "wrong" and "no folder" in found.text


def test_a_database_that_cannot_be_reached(settings: Settings) -> None:
    url = "postgresql://balie:hunter2@127.0.0.1:1/balie"
    (found,) = said(replace(settings, database=replace(settings.database, url=url)), "[database]")
    assert found.verdict == "wrong" and "cannot open" in found.text and "hunter2" not in found.text


async def test_a_database_of_today_and_of_a_newer_balie(settings: Settings, tmp_path: Path) -> None:
    store = Store(database_url(settings.database.url, tmp_path))
    await bring_up_to_date(store)
    found = await _in_thread(settings)
    assert found.verdict == "ok" and "up to date" in found.text
    await store.write(lambda tx: tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    found = await _in_thread(settings)
    assert found.verdict == "wrong" and "9999" in found.text


async def _in_thread(settings: Settings) -> Finding:
    """The doctor has an event loop of its own."""
    (found,) = await asyncio.to_thread(said, settings, "the database")
    return found


def test_without_an_address_nobody_is_written_to(settings: Settings) -> None:
    (out,) = said(settings, "[messages]")
    (into,) = said(settings, "[inbound]")
    assert out.verdict == into.verdict == "warn" and "nobody gets" in out.text


def test_servers_of_mail_answer_or_not(settings: Settings) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        host, port = server.getsockname()
        messages = replace(settings.messages, from_address="balie@dorp.example", smtp_host=host, smtp_port=port)
        inbound = replace(settings.inbound, imap_host=host, imap_port=port)
        mailing = replace(settings, messages=messages, inbound=inbound)
        assert [each.verdict for each in said(mailing, "_host: ")] == ["ok", "ok"]
    assert [each.verdict for each in said(mailing, "does not answer")] == ["warn", "warn"]


@pytest.mark.parametrize(("contact", "verdict"), [(True, "ok"), (False, "warn")])
def test_a_crm_that_sends_must_hear(settings: Settings, contact: bool, verdict: str) -> None:
    target = HookTargetSection(name="crm", url="https://crm.example/events", contact=contact)
    sending = replace(
        settings, messages=replace(settings.messages, mode="crm"), hooks=replace(settings.hooks, targets=(target,))
    )
    (found,) = said(sending, "mode is crm")
    assert found.verdict == verdict


def test_the_media_port_is_bound_both_ways(settings: Settings) -> None:
    media = replace(settings.media, listen=("127.0.0.1",), port=free_port(socket.SOCK_STREAM))
    here = replace(settings, media=media)
    assert [each.verdict for each in said(here, f"port {media.port} on 127.0.0.1")] == ["ok", "ok"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", media.port))
        taken.listen()
        assert [each.verdict for each in said(here, f"port {media.port} on 127.0.0.1")] == ["ok", "wrong"]
        without = replace(here, media=replace(media, tcp=False))
        assert [each.verdict for each in said(without, f"port {media.port} on 127.0.0.1")] == ["ok"]
        assert [each.verdict for each in said(without, "networks that block UDP")] == ["warn"]


def test_a_turn_server_is_asked_for_a_relay(settings: Settings, tmp_path: Path) -> None:
    """By UDP and by TCP; a wrong secret, and nobody there, are told apart."""
    port = free_port(socket.SOCK_STREAM)
    urls = tuple(f"turn:127.0.0.1:{port}?transport={kind}" for kind in ("udp", "tcp"))
    with coturn(tmp_path, "127.0.0.1", port) as secret:
        known = replace(settings, turn=TurnSection(urls, str(secret)))
        found = said(known, "[turn] urls")
        assert [each.verdict for each in found] == ["ok", "ok"], found
        (tmp_path / "other.key").write_text("x" * 32)
        other = replace(settings, turn=TurnSection(urls, str(tmp_path / "other.key")))
        assert [each.verdict for each in said(other, "does not take our credentials")] == ["warn", "warn"]
    assert [each.verdict for each in said(known, "[turn] urls")] == ["warn", "warn"]
    assert not said(known, "x" * 32)


class Forgetful(turn_probe._Line):
    """A TURN server whose first nonce is out of date when it comes back."""

    def __init__(self, host: str, port: int) -> None:
        self.nonces: list[bytes] = []

    def exchange(self, message: bytes) -> bytes:
        nonce = dict(stun.attributes(message)).get(turn_probe._NONCE)
        self.nonces += [nonce] if nonce is not None else []
        kind, code = {None: (0x0113, 401), b"first": (0x0113, 438)}.get(nonce, (0x0103, 0))
        error = [(turn_probe._ERROR, bytes((0, 0, code // 100, code % 100)))] if code else []
        fresh = b"first" if nonce is None else b"second"
        told = [*error, (turn_probe._REALM, b"balie.example"), (turn_probe._NONCE, fresh)]
        return stun.request(kind, message[8:20], told, None)

    def close(self) -> None:
        assert self.nonces == [b"first", b"second", b"second"]


def test_a_nonce_may_go_out_of_date_on_the_way(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_probe, "_Datagrams", Forgetful)
    (settings.folder / "turn.key").write_text("x" * 32)
    known = replace(settings, turn=TurnSection(("turn:turn.example.be?transport=udp",), "turn.key"))
    found = said(known, "[turn] urls")
    assert [each.verdict for each in found] == ["ok"], found


def test_turn_without_its_secret_is_wrong(settings: Settings) -> None:
    missing = replace(settings, turn=TurnSection(("turn:turn.example.be",), "nowhere.key"))
    assert {each.verdict for each in said(missing, "[turn] secret_file")} == {"wrong"}


SELLER = BookkeepingSection(
    kbo="0999.999.922", vat="BE0999.999.922", street="Dorpsplein 1", postcode="9999", city="Dorp"
)


@pytest.mark.parametrize(
    ("section", "verdict"),
    [
        (PaymentsSection("mollie", key="live_of_the_tests"), "ok"),
        (PaymentsSection("mollie", key="test_of_the_tests"), "warn"),
        (PaymentsSection("mollie", key_file="absent.key"), "wrong"),
    ],
)
def test_payments_are_told_from_trials(settings: Settings, section: PaymentsSection, verdict: str) -> None:
    found = said(replace(settings, payments=section), "[payments]")
    assert found[0].verdict == verdict
    assert not [each for each in found if "of_the_tests" in each.text]
    assert not said(settings, "[payments]")


def test_payments_without_a_seller_have_no_documents(settings: Settings) -> None:
    paying = replace(settings, payments=PaymentsSection("mollie", key="test_of_the_tests"))
    assert [each.verdict for each in said(paying, "[bookkeeping] kbo is empty")] == ["warn"]
    assert not said(settings, "[bookkeeping]"), "where nothing is paid, nothing is missing"


def test_the_folder_of_bookkeeping_can_be_written_to(settings: Settings, tmp_path: Path) -> None:
    for folder, verdict in (("boekhouding", "ok"), ("nowhere/boekhouding", "wrong"), ("file", "wrong")):
        (tmp_path / "file").touch(mode=0o600)
        keeping = replace(settings, bookkeeping=replace(SELLER, folder=folder))
        assert [each.verdict for each in said(keeping, "[bookkeeping] folder")] == [verdict], folder
    assert [each.name for each in tmp_path.iterdir()] == ["file"], "looking makes nothing"


@pytest.mark.parametrize(
    ("contact", "types", "verdict"),
    [
        (True, (), "ok"),
        (True, ("be.balie.invoice",), "ok"),
        (True, ("be.balie.message.",), "warn"),
        (False, (), "warn"),
    ],
)
def test_documents_have_a_way_to_bookkeeping(
    settings: Settings, contact: bool, types: tuple[str, ...], verdict: str
) -> None:
    target = HookTargetSection(name="erp", url="https://erp.example/in", contact=contact, types=types)
    keeping = replace(settings, bookkeeping=SELLER, hooks=replace(settings.hooks, targets=(target,)))
    (found,) = said(keeping, "[bookkeeping]")
    assert found.verdict == verdict


def test_a_seller_without_a_vat_number_is_asked_about(settings: Settings) -> None:
    assert said(replace(settings, bookkeeping=replace(SELLER, vat="")), "outside VAT")


def test_where_documents_are_and_who_looks_at_them(settings: Settings, tmp_path: Path) -> None:
    folder, scanner = said(settings, "[documents]")
    assert (folder.verdict, scanner.verdict) == ("ok", "warn") and "nobody looks for viruses" in scanner.text
    assert not list(tmp_path.iterdir()), "looking makes nothing"
    nowhere = replace(settings.documents, folder="/nergens/documents", clamd=str(tmp_path / "clamd.ctl"))
    folder, scanner = said(replace(settings, documents=nowhere), "[documents]")
    assert (folder.verdict, scanner.verdict) == ("wrong", "warn") and "does not answer" in scanner.text


def test_a_clamd_that_answers(settings: Settings, tmp_path: Path) -> None:
    with papers.clamd(tmp_path) as where:
        _folder, scanner = said(
            replace(settings, documents=replace(settings.documents, clamd=str(where))), "[documents]"
        )
    assert scanner.verdict == "ok" and scanner.text.endswith("answers")
