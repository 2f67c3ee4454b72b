"""Without PyAV in the process, DTLS works all the same; another interpreter, so that this one keeps its aiortc."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from balie import decoders
decoders.leave_out()
from media.io.dtls import Certificate, DtlsClient, DtlsServer
server, client = DtlsServer(Certificate.generate()), DtlsClient(Certificate.generate())
server.expect([client._certificate.fingerprint]); client.expect([server._certificate.fingerprint])
flight = client.start()
while flight:
    answers = [answer for datagram in flight for answer in server.handle(datagram)]
    flight = [answer for datagram in answers for answer in client.handle(datagram)]
print(server.state, client.state, any(name.startswith("av._") for name in sys.modules))
"""


def test_a_handshake_needs_no_decoders() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=50)
    assert done.stdout.split() == ["connected", "connected", "False"], done.stderr


def test_what_is_loaded_already_stays() -> None:
    program = "import av; from balie import decoders; decoders.leave_out(); print(av.VideoFrame.__module__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50)
    assert done.stdout.strip().startswith("av."), done.stderr
