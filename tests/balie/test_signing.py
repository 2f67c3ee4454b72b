"""Signatures of webhooks: what Standard Webhooks says they are, and what is no signature."""

from __future__ import annotations

import pytest

from balie.signing import ID, SIGNATURE, TIMESTAMP, sign, verify

# The example of the specification's own libraries (standard-webhooks, javascript/src/index.test.ts and others).
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, AT_S, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers(**changed: str) -> dict[str, str]:
    return {ID: MESSAGE, TIMESTAMP: str(AT_S), SIGNATURE: SIGNED, **changed}


def test_we_sign_as_the_specification_does() -> None:
    assert sign(SECRET, MESSAGE, AT_S, BODY) == headers()


def test_the_specifications_signature_is_good() -> None:
    assert verify([SECRET], headers(), BODY, AT_S)


def test_any_bytes_are_a_secret() -> None:
    for secret in (b"openssl rand -base64 48", b"whsec_no base64 at all", bytes(range(64))):
        assert verify([secret], sign(secret, MESSAGE, AT_S, BODY), BODY, AT_S)
        assert not verify([SECRET], sign(secret, MESSAGE, AT_S, BODY), BODY, AT_S)


def test_one_secret_after_the_other() -> None:
    """While a secret is replaced either side may know both."""
    old, new = b"old", b"new"
    assert verify([new, old], sign(old, MESSAGE, AT_S, BODY), BODY, AT_S)
    both = " ".join(sign(secret, MESSAGE, AT_S, BODY)[SIGNATURE] for secret in (new, old))
    assert verify([old], headers(**{SIGNATURE: both}), BODY, AT_S)
    assert not verify([], headers(), BODY, AT_S)


@pytest.mark.parametrize(("drift_s", "good"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_what_is_old_may_be_a_replay(drift_s: int, good: bool) -> None:
    assert verify([SECRET], headers(), BODY, AT_S + drift_s) is good


@pytest.mark.parametrize(
    "changed",
    [
        {ID: "msg_other"},
        {ID: ""},
        {TIMESTAMP: str(AT_S + 1)},
        {TIMESTAMP: f" {AT_S}"},
        {TIMESTAMP: "1_614_265_330"},
        {TIMESTAMP: "١٦١٤٢٦٥٣٣٠"},
        {TIMESTAMP: "nan"},
        {TIMESTAMP: "9" * 5000},
        {TIMESTAMP: ""},
        {SIGNATURE: SIGNED.replace("v1", "v2")},
        {SIGNATURE: SIGNED.removeprefix("v1,")},
        {SIGNATURE: SIGNED[:-2]},
        {SIGNATURE: "é" + SIGNED},
        {SIGNATURE: ""},
        {ID: "\udcff"},
    ],
)
def test_anything_else_is_not(changed: dict[str, str]) -> None:
    assert not verify([SECRET], headers(**changed), BODY, AT_S)


def test_a_changed_body_is_not() -> None:
    assert not verify([SECRET], headers(), BODY.replace(b"2", b"3", 1), AT_S)


def test_headers_that_are_missing_are_not() -> None:
    for name in (ID, TIMESTAMP, SIGNATURE):
        assert not verify([SECRET], {key: value for key, value in headers().items() if key != name}, BODY, AT_S)
