"""Answers that are held until something changes: the preference, and the wait."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from starlette.requests import Request

from gateway.http.plumbing.lifecycle import Lifecycle
from gateway.jobs import ports
from gateway.jobs.ports import Subscription

MAX_WAIT_S = 60

_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*("?)([0-9]{1,6})\1(?:$|[,;\s])', re.IGNORECASE)


class Versioned(Protocol):
    """What changes: ``version`` grows with each change."""

    @property
    def version(self) -> int:
        """Of now."""
        ...


V = TypeVar("V", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Waits for changes; where this process is about to end, everybody is let go."""

    changes: ports.Changes
    lifecycle: Lifecycle

    async def changed(
        self, name: str, read: Callable[[], Awaitable[V]], ended: Callable[[V], bool], wait_s: float
    ) -> V:
        """It, when it has changed since now, or ended, or when the time is over.

        Args:
            name: its id.
            read: reads it.
            ended: whether it can change no more.
            wait_s: seconds at most.
        """
        async with self.changes.subscribe(name) as subscription:
            first = now = await read()
            until = asyncio.get_running_loop().time() + wait_s
            while not ended(now) and now.version == first.version:
                left = until - asyncio.get_running_loop().time()
                if left <= 0 or not await self.next_change(subscription, left):
                    break
                now = await read()
            return now

    async def next_change(self, subscription: Subscription, timeout_s: float) -> bool:
        """Wait for a change; False when time ran out or this process is about to end."""
        draining = self.lifecycle.draining
        if draining.is_set():
            return False
        changed = asyncio.ensure_future(subscription.changed(timeout_s))
        ending = asyncio.ensure_future(draining.wait())
        try:
            await asyncio.wait({changed, ending}, return_when=asyncio.FIRST_COMPLETED)
            return changed.done() and changed.result()
        finally:
            for task in (changed, ending):
                task.cancel()
            await asyncio.gather(changed, ending, return_exceptions=True)


def preferred_wait(request: Request) -> int | None:
    """Seconds of ``Prefer: wait=N`` (RFC 7240), 1 to 60; None without one. A preference is never an error."""
    found = _WAIT.search(request.headers.get("prefer", ""))
    return None if found is None else max(1, min(MAX_WAIT_S, int(found[2])))
