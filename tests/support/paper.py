"""Whose documents tests write."""

from __future__ import annotations

from balie.bookkeeping.content import Seller

OFFICE = Seller(
    "Gemeente Voorbeeldegem", "0207490187", "BE0207490187", "Dorpsplein 1", "9999", "Voorbeeldegem", "BE", "Vrijgesteld"
)
