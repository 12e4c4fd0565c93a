"""Idempotency-Key on a POST: the work is done once, and its answer is given again to every repeat for 24 hours."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.answers import API_HEADERS, JSON
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.problems import MEDIA_TYPE as PROBLEM
from gateway.http.plumbing.problems import problem
from gateway.jobs import ports
from gateway.jobs.records import Answer, ApiKey, IdempotencySlot, KeptAnswer
from lensora.contract.requests import MAX_IDEMPOTENCY_KEY_CHARACTERS
from lensora.contract.wording import shown
from lensora.core.errors import (
    IdempotencyInProgress,
    InvalidBackground,
    InvalidInput,
    InvalidRequest,
    LensoraError,
    Unavailable,
)
from lensora.observability import logs

HEADER = "Idempotency-Key"

PASSING = frozenset({"brand", "background", "webhook_url", "deliver_to"})
"""Fields whose errors may be gone a moment later: a brand is saved, a host's name leads to another address."""

Keep = Callable[[bytes], KeptAnswer | None]
"""From an answer's body to what the store keeps of it, in the same transaction as the work; None without a key."""

Work = Callable[[Keep], Awaitable[bytes]]
"""A request's work; returns the answer's body."""

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Once:
    """Does each piece of work once.

    Attributes:
        idempotency: remembers keys and answers.
        public_url: what the URLs in problems start with.
    """

    idempotency: ports.Idempotency
    public_url: str

    async def answer(self, request: Request, key: ApiKey, payload: bytes, work: Work) -> Response:
        """Do the work, or repeat the answer of the request that did.

        What a repeat cannot change (bad input) is kept too. What may be otherwise a moment later is not: credits,
        limits, a service that was away, what ``PASSING`` names.

        Args:
            request: whose header, method and path count; the path without regard to case, as its ids are.
            key: the caller's; each has its own space of idempotency keys.
            payload: what the body says, whatever its spelling: a repeat that says something else is an error.
            work: must hand what it is given to the store.

        Raises:
            LensoraError: of the work; IdempotencyInProgress; IdempotencyMismatch.
        """
        name = request.headers.get(HEADER)
        if name is None:
            return _response(200, await work(lambda _body: None), replayed=False)
        if not 1 <= len(name) <= MAX_IDEMPOTENCY_KEY_CHARACTERS or not name.isprintable():
            given = shown(name) if name and len(name) <= MAX_IDEMPOTENCY_KEY_CHARACTERS else str(len(name))
            raise InvalidRequest(
                f"{HEADER} must have 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} printable characters, not {given}.",
                field=HEADER,
            )
        digest = hashlib.sha256(f"{request.method} {request.url.path.lower()}\n".encode() + payload).hexdigest()
        begun = await self.idempotency.begin(key.key_id, name, digest)
        if isinstance(begun, Answer):
            return _response(begun.status, begun.body.encode(), replayed=True)
        slot = begun
        try:
            body = await work(lambda body: KeptAnswer(slot, Answer(200, body.decode())))
        except InvalidInput as error:
            if isinstance(error, InvalidBackground) or error.field.partition(".")[0] in PASSING:
                await self._abandon(slot)
                raise
            refusal = problem(error, request_id=exchange_of(request).request_id, public_url=self.public_url)
            await self.idempotency.finish(slot, Answer(refusal.status_code, bytes(refusal.body).decode()))
            return refusal
        except IdempotencyInProgress:
            # A later request has taken the key over: it is not ours to free.
            raise
        except BaseException:
            await self._abandon(slot)
            raise
        return _response(200, body, replayed=False)

    async def is_repeat(self, request: Request, key: ApiKey) -> bool:
        """Whether the Idempotency-Key was used before: then an answer may be there that costs nothing to give again."""
        name = request.headers.get(HEADER)
        return name is not None and await self.idempotency.known(key.key_id, name)

    async def _abandon(self, slot: IdempotencySlot) -> None:
        """Free the key; where the store is away, its own expiry frees it."""
        try:
            await self.idempotency.abandon(slot)
        except Unavailable as error:
            _log.warning("idempotency_not_freed", error=error.message)
        except LensoraError:
            _log.exception("idempotency_not_freed")


def _response(status: int, body: bytes, *, replayed: bool) -> Response:
    headers = API_HEADERS | ({"Idempotent-Replayed": "true"} if replayed else {})
    return Response(body, status, headers, JSON if status < 400 else PROBLEM)
