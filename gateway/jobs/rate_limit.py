"""The rate limit: token buckets in Redis, from which each process takes a second's worth at a time."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass, field

from gateway.jobs.records import Allowance
from gateway.jobs.scripts import Scripts

WINDOW_S = 60

MAX_PURSES = 10_000
"""Accounts whose tokens a process keeps; beyond that the one that was used longest ago loses a second's worth."""


@dataclass
class _Purse:
    """Tokens that this process has taken for an account and not yet given, and what the bucket held then."""

    tokens: int = 0
    limit: int = 0
    left: int = 0
    full_ms: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RedisRateLimiter:
    """The port ``RateLimiter``."""

    def __init__(self, scripts: Scripts, *, requests_per_minute: int) -> None:
        self._scripts = scripts
        self._default = requests_per_minute
        self._purses: OrderedDict[str, _Purse] = OrderedDict()

    async def take(self, account_id: str) -> Allowance:
        purse = self._purses.setdefault(account_id, _Purse())
        self._purses.move_to_end(account_id)
        if len(self._purses) > MAX_PURSES:
            self._purses.popitem(last=False)
        next_ms = 0.0
        async with purse.lock:
            if purse.tokens == 0:
                taken, limit, left, full_ms, next_ms = await self._scripts.repeat("take", account_id, self._default)
                purse.tokens, purse.limit, purse.left, purse.full_ms = int(taken), int(limit), int(left), full_ms
            allowed = purse.tokens > 0
            purse.tokens -= 1 if allowed else 0
        return Allowance(
            allowed=allowed,
            limit=purse.limit,
            window_s=WINDOW_S,
            remaining=purse.left + purse.tokens,
            reset_s=math.ceil(purse.full_ms / 1000),
            retry_after_s=math.ceil(next_ms / 1000),
        )
