"""The DTLS associations of all transports: datagrams in, datagrams out, SRTP keys to the contexts.

An association begins with the first DTLS datagram from an address that passed a connectivity check, and may do so
before the peer's SDP answer told its fingerprint; media flows only when both are there.
"""

from __future__ import annotations

from collections.abc import Sequence

from media.core.drops import Drop
from media.core.engine import Engine
from media.core.model import TransportId
from media.io.dtls import Certificate, DtlsServer
from media.io.srtp import SrtpContexts


class Handshakes:
    def __init__(self, certificate: Certificate, engine: Engine, contexts: SrtpContexts) -> None:
        self._certificate = certificate
        self._engine = engine
        self._contexts = contexts
        self._associations: dict[int, DtlsServer] = {}
        self._unfinished: set[int] = set()

    def expect(self, transport: TransportId, fingerprints: Sequence[tuple[str, str]]) -> None:
        """The certificate fingerprints that the peer's SDP names (RFC 8122 5)."""
        self._association(transport).expect(fingerprints)
        self._settle(transport)

    def feed(self, transport: TransportId, datagram: bytes) -> list[bytes]:
        """A DTLS datagram from a checked address; returns what to send back."""
        association = self._association(transport)
        if association.state in ("failed", "closed"):
            self._engine.counters.add(Drop.DTLS_REJECTED)
            return []
        before = association.ignored + association.ignored_data
        answer = association.handle(datagram)
        self._engine.counters.add(Drop.DTLS_REJECTED, association.ignored + association.ignored_data - before)
        self._settle(transport)
        return answer

    def resend_due(self, now_us: int) -> list[tuple[TransportId, bytes]]:
        """Flights that were not answered in time (RFC 6347 4.2.4)."""
        out: list[tuple[TransportId, bytes]] = []
        for row in sorted(self._unfinished):
            association = self._associations[row]
            due_us = association.next_timeout_us(now_us)
            if due_us is not None and due_us <= now_us:
                out.extend((TransportId(row), datagram) for datagram in association.handle_timeout())
                self._settle(TransportId(row))
        return out

    def forget(self, transport: TransportId) -> list[bytes]:
        """Close an association; returns the close_notify to send, if any."""
        self._unfinished.discard(transport)
        self._contexts.remove(transport)
        association = self._associations.pop(transport, None)
        return association.close() if association is not None else []

    def _association(self, transport: TransportId) -> DtlsServer:
        association = self._associations.get(transport)
        if association is None:
            association = self._associations[transport] = DtlsServer(self._certificate)
            self._unfinished.add(transport)
        return association

    def _settle(self, transport: TransportId) -> None:
        """Act on a state that may have changed."""
        association = self._associations[transport]
        match association.state:
            case "connected" if transport in self._unfinished:
                self._unfinished.discard(transport)
                keys = association.srtp_keys()
                self._contexts.add(transport, keys.profile, keys.receive_key, keys.send_key)
                self._engine.connected(transport)
            case "failed":
                self._unfinished.discard(transport)
                self._contexts.remove(transport)
                self._engine.failed(transport, association.reason or "dtls")
            case "closed":
                self._unfinished.discard(transport)
                self._contexts.remove(transport)
                self._engine.failed(transport, "closed_by_peer")
            case _:
                pass
