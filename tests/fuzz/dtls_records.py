"""What is kept of a datagram are whole records of it in their order; cutting a flight loses and adds nothing."""

from media.io.records import FROM_CLIENT, FROM_SERVER, HEADER_SIZE, datagrams, sift, sift_established
from tests.fuzz.runner import run
from tests.support import forgeries as forge

CORPUS = (
    forge.CLIENT_HELLO,
    forge.record(22, 0, 1, forge.fragment(11, 300, 1, 0, bytes(200))) + forge.record(20, 0, 2, b"\1"),
    forge.record(20, 0, 4, b"\1") + forge.record(22, 1, 0, bytes(48)),
    forge.record(21, 1, 1, bytes(26)) + forge.record(23, 1, 2, bytes(10)),
)


def target(data: bytes) -> None:
    for kinds in (FROM_CLIENT, FROM_SERVER):
        for begun in (False, True):
            sifted = sift(data, kinds, begun=begun, early_max=2)
            assert data.startswith(sifted.records)
            assert sifted.whole == (sifted.records == data)
            assert 0 <= sifted.early <= 2
        established = sift_established(data, kinds)
        assert len(established.records) <= len(data)
        assert established.whole == (established.records == data)
    kept = sift(data, FROM_CLIENT, begun=True, early_max=9).records
    assert b"".join(datagrams(kept, 300)) == kept
    assert all(len(part) >= HEADER_SIZE for part in datagrams(kept, 300))


if __name__ == "__main__":
    run(target, CORPUS)
