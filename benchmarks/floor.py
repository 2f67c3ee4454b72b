"""Run the floor: build floor.c, give it the keys and routes of a JSON file, and let it forward until stopped.

`python -m benchmarks.floor --port 9999 --routes FILE [--coalesce-us 1000] [--gso]`.  Started by
contenders.py.  It calls the very functions of libsrtp that balie calls, out of pylibsrtp's binding.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cffi
import numpy as np
import pylibsrtp
from pylibsrtp import _binding

from benchmarks.keys import open_session

HERE = Path(__file__).parent
PEER = np.dtype([("ip", ">u4"), ("port", ">u2"), ("pad", "u2"), ("receive", "u8"), ("send", "u8")])
TRACK = np.dtype([("ssrc", "u4"), ("peer", "i4"), ("first", "i4"), ("count", "i4")])
SUBSCRIPTION = np.dtype([("ssrc", "u4"), ("peer", "i4"), ("shift", "u4")])
COUNTERS = ("turns", "received", "sent", "refused", "forged", "calls", "groups")
BUFFER_BYTES = 8 << 20  # as balie's
SO_TIMESTAMPNS, SO_RCVBUFFORCE, SO_SNDBUFFORCE = 35, 33, 32


def compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(folder: Path) -> Path:
    """Compile the floor.  RuntimeError says what is missing."""
    cc = compiler()
    if cc is None:
        raise RuntimeError("the floor needs a C compiler (Debian: apt-get install gcc libc6-dev); there is none")
    library = folder / "floor.so"
    command = [cc, "-O2", "-Wall", "-shared", "-fPIC", "-o", str(library), str(HERE / "floor.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the floor does not compile here:\n{done.stderr}")
    return library


def context_address(one: pylibsrtp.Session) -> int:
    """The srtp_t inside a Session."""
    return int(_binding.ffi.cast("uintptr_t", one._srtp[0]))


def open_socket(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for forced, plain in ((SO_RCVBUFFORCE, socket.SO_RCVBUF), (SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, plain, BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.bind((host, port))
    return sock


def run(library: Path, sock: socket.socket, routes: dict[str, Any], coalesce_us: int, gso: bool) -> dict[str, int]:
    profile = routes["profile"]
    sessions = []
    peers = np.zeros(len(routes["peers"]), PEER)
    for at, (ip, port, receive_key, send_key) in enumerate(routes["peers"]):
        both = (
            open_session(bytes.fromhex(receive_key), pylibsrtp.Policy.SSRC_ANY_INBOUND, profile),
            open_session(bytes.fromhex(send_key), pylibsrtp.Policy.SSRC_ANY_OUTBOUND, profile),
        )
        sessions.append(both)
        peers[at] = (ip, port, 0, context_address(both[0]), context_address(both[1]))
    tracks = np.array([tuple(track) for track in routes["tracks"]], TRACK)
    subscriptions = np.array([tuple(one) for one in routes["subscriptions"]], SUBSCRIPTION)
    counters = np.zeros(len(COUNTERS), np.uint64)
    ffi = cffi.FFI()
    ffi.cdef(
        """
        int srtp_protect(void *, void *, int *);
        int srtp_unprotect(void *, void *, int *);
        void floor_run(int, void *, int, void *, int, int, void *, int, int, void *, void *, void *);
        """
    )
    srtp: Any = ffi.dlopen(_binding.__file__)
    floor: Any = ffi.dlopen(str(library))

    def pointer(array: np.ndarray[Any, Any]) -> Any:
        return ffi.cast("void *", array.ctypes.data)

    floor.floor_run(
        sock.fileno(),
        pointer(peers),
        len(peers),
        pointer(tracks),
        len(tracks),
        int(tracks["count"].max()),
        pointer(subscriptions),
        coalesce_us,
        int(gso),
        ffi.cast("void *", ffi.addressof(srtp, "srtp_protect")),
        ffi.cast("void *", ffi.addressof(srtp, "srtp_unprotect")),
        pointer(counters),
    )
    return dict(zip(COUNTERS, counters.tolist(), strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor", description=__doc__)
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--routes", type=Path, required=True)
    parser.add_argument("--coalesce-us", type=int, default=0)
    parser.add_argument("--gso", action="store_true")
    options = parser.parse_args(arguments)
    sock = open_socket(options.host, options.port)
    with tempfile.TemporaryDirectory() as folder:
        try:
            library = build(Path(folder))
        except RuntimeError as missing:
            sys.exit(str(missing))
        routes = json.loads(options.routes.read_text())
        print("ready", flush=True)
        print(json.dumps(run(library, sock, routes, options.coalesce_us, options.gso)), flush=True)


if __name__ == "__main__":
    main()
