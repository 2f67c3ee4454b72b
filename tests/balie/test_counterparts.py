"""The other systems, as the settings name them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from balie.acts.rules import NoNumbers
from balie.config import Settings
from balie.counterparts import Counterparts, counterparts
from balie.errors import ConfigError
from balie.sections.payments import PaymentsSection
from balie.sections.reservations import BackendSection, ReservationsSection
from balie.store.engine import Store

HALL = BackendSection(name="sporthal", url="https://sport.example/balie", secret_file="hall.key")


async def _changed(_appointment_id: int) -> None:
    return None


def made(settings: Settings, store: Store) -> Counterparts:
    return counterparts(settings, store, lambda: 0.0, _changed)


async def test_without_settings_nobody_is_spoken_to(sqlite_store: Store) -> None:
    found = made(Settings(), sqlite_store)
    assert found.adapters == () and found.acts.systems.provider == ""
    assert isinstance(found.acts.rules.numbers, NoNumbers) and not found.acts.rules.documents
    async with found.open():
        pass


async def test_each_system_has_its_adapter_and_its_secret(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "hall.key").write_text("a secret that the hall knows\n")
    (tmp_path / "mollie.key").write_text("test_of_the_tests\n")
    settings = replace(
        Settings(),
        folder=tmp_path,
        reservations=ReservationsSection((HALL,)),
        payments=PaymentsSection("mollie", key_file="mollie.key"),
    )
    found = made(settings, sqlite_store)
    assert set(found.acts.systems.backends) == {"sporthal"}
    assert set(found.acts.systems.providers) == {"mollie"} and found.acts.systems.provider == "mollie"
    async with found.open():
        assert len(found.adapters) == 2
    with pytest.raises(ConfigError, match="key_file"):
        made(replace(settings, folder=tmp_path / "elsewhere", reservations=ReservationsSection()), sqlite_store)
    with pytest.raises(ConfigError, match="backends.0..secret_file"):
        made(replace(settings, folder=tmp_path / "elsewhere"), sqlite_store)
