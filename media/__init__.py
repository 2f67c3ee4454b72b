"""The media server: media.core decides (pure), media.io does (sockets, DTLS, SRTP)."""

DISTRIBUTION = "balie"
"""Whose package this is: checked at start, because other distributions use this import name too."""
