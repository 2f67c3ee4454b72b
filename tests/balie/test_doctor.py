"""What `balie doctor` says of the database and of mail."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from balie.config import HookTargetSection, Settings
from balie.doctor import Finding, examine
from balie.store.engine import Store, database_url
from balie.store.migrate import bring_up_to_date


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), folder=tmp_path)


def said(settings: Settings, about: str) -> list[Finding]:
    return [finding for finding in examine(settings) if about in finding.text]


def test_a_database_that_is_not_there_yet(settings: Settings, tmp_path: Path) -> None:
    (found,) = said(settings, "database")
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
