"""Reports of peers, read by the compiled loops where there is nothing in them to decide (media/native/reports.c)."""

from __future__ import annotations

from typing import Any

from media.core import ntp, rtcp
from media.core.tables import SubscriptionTable, TransportTable
from media.native import FFI, agree, pointer


def check_constants(library: Any) -> None:
    """ValueError, see media.native.agree."""
    ours = {
        "BALIE_REORDERED_S": ntp.REORDERED_S,
        "BALIE_RTT_MAX_US": ntp.RTT_MAX_US,
        "BALIE_PACKETS_MAX": rtcp.PACKETS_MAX,
    }
    agree(library, ours)


def compiled_reports(library: Any, core: Any, subscriptions: SubscriptionTable, transports: TransportTable) -> Any:
    """A struct balie_reports over these tables, which must outlive it.  core: struct balie_core over the same."""
    check_constants(library)
    one: Any = FFI.new("struct balie_reports *")
    one.core = core
    index = subscriptions.by_ssrc
    one.by_ssrc.keys, one.by_ssrc.values, one.by_ssrc.mask = pointer(index.keys), pointer(index.values), index.mask
    one.rtt_us = pointer(subscriptions.rtt_us)
    one.transport_rtt_us, one.remb_bps = pointer(transports.rtt_us), pointer(transports.remb_bps)
    return one
