"""An identity provider to try balie with: one picks who one is.  Only `balie demo` has it.

It stands for that of a government: real OpenID Connect, with keys of its own, but no password, for nobody in it exists.
"""
