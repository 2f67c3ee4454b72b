"""[documents] of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from balie.config import load
from balie.errors import ConfigError
from balie.sections.documents import DocumentsSection, check_documents


def loaded(tmp_path: Path, lines: str) -> DocumentsSection:
    path = tmp_path / "config.toml"
    path.write_text(f"[documents]\n{lines}\n")
    return load(path, {}).documents


@pytest.mark.parametrize(
    "clamd", ["", "/run/clamav/clamd.ctl", "127.0.0.1:3310", "clamav:3310", "[::1]:3310", "clamd.example.be:3310"]
)
def test_where_clamd_may_be(tmp_path: Path, clamd: str) -> None:
    assert loaded(tmp_path, f'clamd = "{clamd}"').clamd == clamd


@pytest.mark.parametrize(
    "clamd", ["clamd.ctl", ":3310", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "http://x:3310"]
)
def test_where_it_cannot_be(tmp_path: Path, clamd: str) -> None:
    with pytest.raises(ConfigError, match="clamd's socket, or HOST:PORT"):
        loaded(tmp_path, f'clamd = "{clamd}"')


def test_one_file_fits_into_all_of_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="total_mb"):
        check_documents(loaded(tmp_path, "max_mb = 50\ntotal_mb = 40"))
    check_documents(loaded(tmp_path, "max_mb = 50\ntotal_mb = 50"))
