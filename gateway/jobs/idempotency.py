"""Idempotency keys in Redis."""

from __future__ import annotations

import hashlib
import uuid

from gateway.jobs.afterwards import Afterwards
from gateway.jobs.records import Answer, IdempotencySlot
from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.errors import IdempotencyInProgress, IdempotencyMismatch, Unavailable

WORK_MS = 120_000
"""How long the first request may work before its slot is free again: more than `/init`'s longest detection."""


class RedisIdempotency:
    """The port ``Idempotency``."""

    def __init__(self, scripts: Scripts, afterwards: Afterwards, *, ttl_ms: int) -> None:
        self._scripts = scripts
        self._afterwards = afterwards
        self._ttl_ms = ttl_ms

    async def known(self, key_id: str, idempotency_key: str) -> bool:
        with translated():
            found = await self._scripts.client.exists(self._scripts.key(f"idem:{key_id}:{_digest(idempotency_key)}"))
        return bool(found)

    async def begin(self, key_id: str, idempotency_key: str, fingerprint: str) -> IdempotencySlot | Answer:
        digest = _digest(idempotency_key)
        slot = IdempotencySlot(key_id, digest, uuid.uuid4().hex)
        reply = await self._scripts.repeat("idempotency_begin", key_id, digest, fingerprint, slot.token, WORK_MS)
        match reply[0]:
            case "begun":
                return slot
            case "answer":
                return Answer(int(reply[1]), reply[2])
            case "mismatch":
                raise IdempotencyMismatch("The Idempotency-Key was used before with another request body.")
            case _:
                raise IdempotencyInProgress(
                    "The first request with this Idempotency-Key is still running.", retry_after_s=1.0
                )

    async def finish(self, slot: IdempotencySlot, answer: Answer) -> None:
        await self._end(slot, str(answer.status), answer.body)

    async def abandon(self, slot: IdempotencySlot) -> None:
        try:
            await self._end(slot, "", "")
        except Unavailable:
            self._afterwards.do(lambda: self._end(slot, "", ""))

    async def _end(self, slot: IdempotencySlot, status: str, body: str) -> None:
        await self._scripts.repeat("idempotency_end", slot.key_id, slot.digest, slot.token, status, body, self._ttl_ms)


def _digest(idempotency_key: str) -> str:
    return hashlib.sha256(idempotency_key.encode()).hexdigest()
