"""What benchmarks that start a whole server do around a run: end what was started, keep a line, print a table."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.__main__ import append
from benchmarks.origin import origin


def carry_out(
    options: argparse.Namespace, run: Callable[[], dict[str, Any]], report: Callable[[dict[str, Any]], str]
) -> None:
    """options: with results, a file, and date.  run: everything of a line but its origin."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is ended
    try:
        line = run()
    except KeyboardInterrupt:
        sys.exit(130)
    append(options.results, {**origin(options.date), **line})
    print(report(line), end="")
