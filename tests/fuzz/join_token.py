"""Any text, and any claims with a right signature, admit by the rules or raise TokenError that does not show them."""

import base64
import hmac
import json

from signalling.errors import TokenError
from signalling.tokens import MEDIA, ROLES, Join, Key, Tokens, default_grants
from tests.fuzz.runner import run, text

NOW_S = 1_800_000_000
SECRET = b"s" * 32
TOKENS = Tokens("issuer", (Key("k", SECRET),))
_WHO = Join("p", "room", "staff", "Name", default_grants("staff"), "label")
CORPUS = (
    TOKENS.mint(_WHO, NOW_S).encode(),
    json.dumps(
        {"iss": "issuer", "sub": "p", "room": "room", "role": "staff", "name": "Name", "label": "", "jti": "1"}
        | {"iat": NOW_S, "exp": NOW_S + 60, "nbf": NOW_S, "grants": {"publish": ["audio"], "subscribe": True}}
    ).encode(),
    base64.urlsafe_b64encode(b'{"alg":"none","kid":"k"}').rstrip(b"=") + b".e30.",
)


def _signed(claims: bytes) -> str:
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"HS256","kid":"k"}', claims)]
    tag = hmac.digest(SECRET, b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(tag).rstrip(b"=")]).decode()


def target(data: bytes) -> None:
    for token in (text(data), _signed(data)):
        try:
            join = TOKENS.verify(token, NOW_S, "room")
        except TokenError as error:
            assert len(token) < 20 or token not in error.message
            continue
        assert (join.room, join.role in ROLES) == ("room", True)
        assert join.participant
        assert join.name.isprintable()
        assert join.grants.publish <= set(MEDIA)


if __name__ == "__main__":
    run(target, CORPUS)
