"""Pages, WebSocket, WHIP and WHEP: the HTTP face.  Handlers parse, call one service and answer."""

DISTRIBUTION = "balie"
"""Whose package this is: `pip install web.py` would overwrite it silently, so the command line checks."""
