"""Work that waits for nothing of its job: begun with the attempt, asked for by the stage that uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """One piece of such work, on the event loop."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        """
        Args:
            work: may be run more than once: what failed ahead is tried again by the stage.
        """
        self._work = work
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> None:
        """Start now."""
        self._task = asyncio.ensure_future(self._work())

    async def get(self) -> T:
        """What it made; made now where it was not begun, or was asked for before. Raises what the work raises."""
        task, self._task = self._task, None
        return await (self._work() if task is None else task)

    async def close(self) -> None:
        """End it if nobody has asked for it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
