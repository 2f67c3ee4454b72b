"""[documents]: files that citizen and staff give each other."""

from __future__ import annotations

import re
from dataclasses import dataclass

from balie.errors import ConfigError
from balie.reading import setting

KEEP_DAYS = 7


def check_clamd(value: str, where: str) -> None:
    """A path of a socket, or HOST:PORT."""
    if not value or value.startswith("/"):
        return
    found = re.fullmatch(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})", value, re.ASCII)
    if found is None or not 0 < int(found[1]) < 1 << 16:
        raise ConfigError(where, value, "the path of clamd's socket, or HOST:PORT", "Such as /run/clamav/clamd.ctl.")


@dataclass(frozen=True)
class DocumentsSection:
    """Where they are, how many, how long, and who looks for viruses.

    folder     beside the configuration, unless it begins with a slash
    max_mb     of one file; total_mb: of all of an appointment.  A MB is 1,000,000 bytes
    keep_days  after the end of the appointment
    clamd      nothing: nobody looks, and pages say so
    """

    folder: str = setting("documents", nonempty=True)
    max_mb: int = setting(20, least=1, most=200)
    count_max: int = setting(20, least=1, most=100)
    total_mb: int = setting(100, least=1, most=2000)
    keep_days: int = setting(KEEP_DAYS, least=0, most=90)
    clamd: str = setting("", check=check_clamd)
    clamd_timeout_s: int = setting(60, least=5, most=600)


def check_documents(section: DocumentsSection, name: str = "config.toml") -> None:
    """ConfigError: one file may be larger than all of them."""
    if section.total_mb < section.max_mb:
        raise ConfigError(f"{name} [documents] total_mb", section.total_mb, f"at least max_mb, {section.max_mb}")
