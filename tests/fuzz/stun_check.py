"""Only a check made with the password is answered or believed; other bytes raise PeerError with a counted reason.

What the compiled loops take for the same again is genuine to Python, too.
"""

from media import native
from media.core import stun
from media.core.drops import Drop
from media.core.errors import PeerError
from media.core.ice import IceLite
from media.io.checks import compiled_checks
from tests.fuzz.runner import run
from tests.support.forgeries import stun_message

PASSWORD = b"password of this connection"
CORPUS = (
    stun.binding_request(bytes(12), "known:peer", PASSWORD, 1, 2, True),
    stun.binding_request(bytes(12), "known:peer", b"another password", 1, 2, False),
    stun_message(1, bytes(12), b"\0\6\0\x0aknown:peer\0\0\x80\x29\0\x08" + bytes(8), PASSWORD),
    stun.binding_success(bytes(12), b"\x7f\0\0\1", 9, PASSWORD),
)
_PROVEN = {stun.parse_binding_request(data).integrity_at: data for data in (CORPUS[0], CORPUS[2])}


def _served() -> IceLite:
    ice = IceLite(4)
    ice.register(0, "known", PASSWORD.decode(), 0)
    return ice


_LEARNED = _served()
_LEARNED.handle(CORPUS[0], b"address", b"\x7f\0\0\1", 9, 1)
_LOOPS = native.library()
_CHECKS = compiled_checks(_LOOPS, _LEARNED.checks) if _LOOPS is not None else None


def target(data: bytes) -> None:
    if _LOOPS is not None and _LOOPS.balie_said_again(_CHECKS, 0, data, len(data)):
        assert _served().handle(data, b"address", b"\x7f\0\0\1", 9, 1).transport == 0
    ice = _served()
    stun.parse_binding_success(data, b"key of ours")
    try:
        answer = ice.handle(data, b"address", b"\x7f\0\0\1", 9, 1)
    except PeerError as error:
        assert error.reason.upper() in Drop.__members__
        assert len(ice.by_address) == 0
        return
    assert answer.transport == 0
    # Only the bytes that the integrity does not cover may differ: its own length field, and what follows it.
    assert any(data[4 : at + 24] == proof[4 : at + 24] for at, proof in _PROVEN.items())


if __name__ == "__main__":
    run(target, CORPUS)
