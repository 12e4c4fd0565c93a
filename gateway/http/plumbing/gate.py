"""Who calls: the API key of ``Authorization: Bearer``, and the account's place in its rate limit."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from gateway.http.plumbing.edge import exchange_of
from gateway.jobs import ports
from gateway.jobs.accounts import SECRET_PREFIX
from gateway.jobs.records import Allowance, ApiKey
from lensora.core.errors import RateLimited, Unauthorized

MAX_KEY_CHARACTERS = 256
"""Our keys are far shorter; what is longer is not looked up."""
POLICY = "account"
"""Name of the one policy in the RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets callers with a key in, and counts their requests."""

    keys: ports.Keys
    rate_limiter: ports.RateLimiter

    async def admit(self, request: Request) -> ApiKey:
        """The caller's key, its request counted.

        Raises:
            Unauthorized: no key, or one that is unknown or revoked.
            RateLimited: the account's requests of this minute are used up.
            Unavailable: the store does not answer.
        """
        key = await self.keys.authenticate(bearer(request))
        allowance = await self.rate_limiter.take(key.account_id)
        exchange = exchange_of(request)
        exchange.add_header("RateLimit-Policy", f'"{POLICY}";q={allowance.limit};w={allowance.window_s}')
        exchange.add_header("RateLimit", f'"{POLICY}";r={allowance.remaining};t={allowance.reset_s}')
        if not allowance.allowed:
            raise _limited(allowance)
        return key


def bearer(request: Request) -> str:
    """The secret of the Authorization header. Raises Unauthorized."""
    header = request.headers.get("authorization")
    if header is None:
        raise Unauthorized("The Authorization header is missing: it must be 'Bearer <API key>'.")
    scheme, _, secret = header.replace("\t", " ").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise Unauthorized("The Authorization header must be 'Bearer <API key>'.")
    if not secret.startswith(SECRET_PREFIX):
        raise Unauthorized(f"The API key is unknown or revoked: keys begin with {SECRET_PREFIX}, without quotes.")
    if len(secret) > MAX_KEY_CHARACTERS or not secret.isascii():
        raise Unauthorized("The API key is unknown or revoked.")
    return secret


def _limited(allowance: Allowance) -> RateLimited:
    return RateLimited(
        f"The account's limit of {allowance.limit} requests in {allowance.window_s} seconds is reached; "
        f"the next one is taken in {allowance.retry_after_s} seconds.",
        retry_after_s=float(max(1, allowance.retry_after_s)),
    )
