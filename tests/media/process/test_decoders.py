"""What libraries import and balie does not use is not in the media process; others keep theirs."""

from __future__ import annotations

import subprocess
import sys

HANDSHAKE = """
import sys
from media.process import decoders
decoders.leave_out()
from media.io.dtls import Certificate, DtlsClient, DtlsServer
server, client = DtlsServer(Certificate.generate()), DtlsClient(Certificate.generate())
server.expect([client._certificate.fingerprint]); client.expect([server._certificate.fingerprint])
flight = client.start()
while flight:
    answers = [answer for datagram in flight for answer in server.handle(datagram)]
    flight = [answer for datagram in answers for answer in client.handle(datagram)]
print(server.state, client.state)
read_in = [name for name, module in sys.modules.items() if hasattr(module, "__file__")]
print(*sorted(name for name in read_in if name.split(".")[0] in ("aiortc", "aioice", "av", "pyee")))
"""
KEPT = """
import aiortc
from media.process import decoders
decoders.leave_out()
import aioice, av
print(av.VideoFrame.__module__, aioice.Candidate.__module__)
"""
DISTINCT = """
import sys
import numpy as np
from media.core.tables import distinct
print(*distinct(np.array([3, 1, 3])), "numpy.ma" in sys.modules)
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_handshake_needs_of_aiortc_its_dtls_alone() -> None:
    assert run(HANDSHAKE).splitlines() == ["connected connected", "aiortc aiortc.rtcdtlstransport"]


def test_what_is_loaded_already_stays() -> None:
    assert run(KEPT) == "av.video.frame aioice.candidate"


def test_rows_are_told_apart_without_masked_arrays() -> None:
    assert run(DISTINCT) == "1 3 False"
