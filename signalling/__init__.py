"""The wire: join tokens, the WebSocket protocol, SDP, WHIP and WHEP.  Decisions only; sockets are in web."""

DISTRIBUTION = "balie"
"""Whose package this is: checked at start, because other distributions use such import names too."""
