"""The forwarder, sans-IO: no clock, no sockets, no randomness of its own.  engine.Engine is its face."""
