"""What can go wrong between balie, a browser and an identity provider: a code each, which pages put into words."""

from __future__ import annotations

CODES = {
    # On the way there
    "not_configured": "no provider is set up for this",
    "provider_down": "the provider does not answer, or says that it cannot now",
    "provider_nonsense": "an answer of the provider is not what the standard says, or is too large",
    "provider_unfit": "what the provider says of itself will not do: another issuer, no https, no PKCE",
    # The way back, before the provider is asked
    "login_unknown": "nobody waits for this answer: it is old, was used before, or never was",
    "other_browser": "the answer came to another browser than the one that began",
    "aborted": "he said no at the provider",
    "login_refused": "the provider refused the request: a scope that was not granted, a client that is not known",
    "response_issuer_wrong": "the answer says that it comes from another issuer (RFC 9207)",
    "return_address_wrong": "the answer came to the address of another provider (RFC 9700, 4.4.2)",
    "token_refused": "the provider does not exchange the code",
    # The ID token (OpenID Connect Core 1.0, 3.1.3.7)
    "id_token_missing": "there is no ID token",
    "id_token_malformed": "it is no JWT, or its claims are not of their types",
    "alg_refused": "it is signed with an algorithm that is not allowed: none, one with a shared secret, or another",
    "key_unknown": "the provider has no such key",
    "signature_bad": "its signature is not right",
    "issuer_wrong": "somebody else made it",
    "audience_wrong": "it is for somebody else, or for others too",
    "azp_wrong": "it was given out to somebody else",
    "nonce_wrong": "it does not belong to this login",
    "token_expired": "it is over",
    "issued_wrong": "it comes from the future, or was made long before this login",
    "access_token_wrong": "it belongs to another access token",
    "claim_unfit": "a claim that is kept as it is has control characters, or far too many",
    "acr_missing": "the provider does not say how sure it is, and the product asks for it",
    "acr_low": "the provider is less sure than the product asks for",
    # Who he is
    "subject_differs": "userinfo is about somebody else than the ID token",
    "name_missing": "the provider tells no name",
    # Staff
    "no_role": "none of the claims make him a member of staff",
    "account_closed": "his account was closed here",
    "account_refused": "his account cannot be changed so: he is the last administrator",
    # What became of the request meanwhile
    "request_over": "the identification was asked for too long ago, or is not asked for any more",
}
"""What each means, for whoever reads the code or a log."""


class IdentityError(Exception):
    """code: of CODES.  detail: for the operator's log: never a token, a code or anything about a person."""

    def __init__(self, code: str, detail: str = "") -> None:
        assert code in CODES, code
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code, self.detail = code, detail
