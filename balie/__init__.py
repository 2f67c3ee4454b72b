"""The video counter itself: configuration, commands, links, logs, and the assembly of what the siblings do."""

DISTRIBUTION = "balie"
"""Whose package this is: checked at start, because other distributions use such import names too."""
