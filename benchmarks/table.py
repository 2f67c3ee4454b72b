"""Results as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.crowd import Crowd

COLUMNS = (
    ("", "contender"),
    ("us/packet", "cpu_us_per_packet"),
    ("user", "cpu_user_us_per_packet"),
    ("system", "cpu_system_us_per_packet"),
    ("core %", "cpu_share"),
    ("x floor", "floor"),
    ("x janus", "janus"),
    ("delivered %", "delivered_share"),
    ("lost", "lost"),
    ("p50 ms", "latency_ms_p50"),
    ("p99 ms", "latency_ms_p99"),
    ("max ms", "latency_ms_max"),
    ("RSS MB", "memory_mb"),
    ("peak", "memory_peak_mb"),
    ("PSS MB", "memory_pss_mb"),
    ("once MB", "memory_once_mb"),
    ("join ms", "join_cpu_ms"),
)


def _cell(line: dict[str, Any], key: str, costs: dict[str, float]) -> str:
    if key in ("floor", "janus"):
        peer = costs.get(key)
        return f"{line['cpu_us_per_packet'] / peer:.2f}" if peer else "-"
    value = line[key]
    if key in ("delivered_share", "cpu_share"):
        return f"{value * 100:.3f}" if key == "delivered_share" else f"{value * 100:.0f}"
    if key == "join_cpu_ms" and line["contender"].endswith("floor"):
        return "-"
    return value if isinstance(value, str) else f"{value:.2f}" if isinstance(value, float) else str(value)


def report(crowd: Crowd, lines: Sequence[dict[str, Any]]) -> str:
    """One load, a row per contender, ratios to the peers of the same run, and warnings."""
    costs = {line["contender"]: float(line["cpu_us_per_packet"]) for line in lines}
    rows = [[title for title, _ in COLUMNS]]
    rows += [[_cell(line, key, costs) for _, key in COLUMNS] for line in lines]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    title = (
        f"{crowd.rooms} room(s) of {crowd.people}: {crowd.packets_in_per_s} packets/s in, "
        f"{crowd.packets_out_per_s} out, {lines[0]['load']['seconds']:g} s over {lines[0]['place']}"
        if lines
        else "nobody ran"
    )
    text = [title]
    text += ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    for line in lines:
        text += [f"  {line['contender']}: {warning}" for warning in warnings(line)]
    return "\n".join(text) + "\n"


def warnings(line: dict[str, Any]) -> list[str]:
    """What a reader must know before he believes a row."""
    generator = line["generator"]
    found = []
    if not line["trustworthy"]:
        core, own = line["generator_core_busy_share"] * 100, generator["cpu_share"] * 100
        found.append(
            f"the generator did not keep up, so these numbers are partly its own: its core was {core:.0f} % busy, "
            f"{own:.0f} % by itself; {generator['late_share'] * 100:.1f} % of sends were late, "
            f"p99 {generator['late_ms_p99']} ms"
        )
    if line["core_busy_share"] > line["cpu_share"] + 0.1:
        others = line["core_busy_share"] - line["cpu_share"]
        found.append(f"others used {others * 100:.0f} % of its core: expect higher latency and a little more CPU")
    marks = ("corrupted", "misdelivered", "duplicated", "unreadable", "renumbered")
    found += [f"{line[key]} packets {key}" for key in marks if line[key]]
    if line["cpu_share"] > 0.95:
        found.append("its core was full: latency and losses are those of overload")
    return found
