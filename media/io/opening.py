"""The sockets of a media server: one for UDP at each address and, on the same port number, one listener for TCP."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from media.core.engine import Engine
from media.io.binding import Binding
from media.io.compiled import CompiledPort
from media.io.peers import Peers
from media.io.ports import ArrayPort, Port
from media.io.tcp import TcpPort
from media.io.udp import RowQueue, has_batches, open_socket

BINDS_MAX = 20  # tries at a port number that is free for UDP and TCP, when any will do


class Opening:
    """native   media.native.library(), or None
    on_lost  see TcpPort
    """

    def __init__(
        self, binding: Binding, engine: Engine, peers: Peers, native: Any | None, on_lost: Callable[[bytes], None]
    ) -> None:
        self._binding, self._engine, self._peers = binding, engine, peers
        self._native, self._on_lost = native, on_lost

    def into(self, ports: list[Port]) -> TcpPort | None:
        """Fill the empty list of ports.  Returns the last of them, for TCP.  OSError with the address, and no port."""
        for left in reversed(range(1 if self._binding.port else BINDS_MAX)):
            try:
                return self._bind(ports)
            except OSError:
                for port in ports:
                    port.close()
                ports.clear()
                if not left:
                    raise
        return None

    def _bind(self, ports: list[Port]) -> TcpPort | None:
        binding = self._binding
        rows = RowQueue(binding.settings.history_rows)
        number = binding.port
        for host in binding.hosts:
            ports.append(self._udp(host, number, rows, len(ports)))
            number = ports[0].port
        if not binding.tcp:
            return None
        tcp = TcpPort(self._engine, self._peers, rows, len(ports), self._on_lost)
        ports.append(tcp)
        for host in binding.hosts:
            tcp.listen(host, number)
        return tcp

    def _udp(self, host: str, port: int, rows: RowQueue, number: int) -> Port:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        engine, batch = self._engine, self._binding.settings.batch_max
        if self._native is not None and has_batches():
            return CompiledPort(
                self._native, family, host, port, engine.arena, engine.send, rows, batch, number, self._peers
            )
        opened = open_socket(family, host, port, engine.arena, engine.send, rows, batch)
        return ArrayPort(opened, number, self._peers, engine.arena)
