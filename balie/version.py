"""The version of the distribution, readable without importing anything else."""

from __future__ import annotations

VERSION = "0.1.0"
