"""Sockets, DTLS, SRTP and the event loop around media.core.  server.MediaServer is its face."""
