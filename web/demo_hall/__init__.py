"""A reservation system to try balie with: sports halls and their courts.  Only `balie demo` has it.

It stands for a vendor's: a database file of its own, pages of its own, and the HTTP contract of docs/reservations.md,
through which balie speaks to it as to any other.
"""
