"""Work that must be done once Redis is back, after its request has been answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from lensora.core.errors import Unavailable
from lensora.observability import logs

_log = logs.get(__name__)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
GIVE_UP_S = 3600.0
"""After this the marks that it would set have no more use: see the time to live of a void."""


class Afterwards:
    """Repeats each piece of work until Redis has done it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, work: Callable[[], Awaitable[object]]) -> None:
        """Start repeating ``work``, which raises Unavailable while Redis is away. Needs a running loop."""
        task = asyncio.get_running_loop().create_task(self._repeat(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, patience_s: float) -> None:
        """Give what is left this many seconds, then stop."""
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _repeat(self, work: Callable[[], Awaitable[object]]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + GIVE_UP_S
        pause = FIRST_PAUSE_S
        while True:
            try:
                await work()
            except Unavailable:
                if loop.time() > end:
                    _log.exception("gave_up_afterwards")
                    return
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                pause = min(LONGEST_PAUSE_S, pause * 2)
            else:
                return
