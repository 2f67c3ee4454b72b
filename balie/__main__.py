"""`python -m balie`."""

from __future__ import annotations

from balie.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
