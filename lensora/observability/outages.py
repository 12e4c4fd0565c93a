"""What is away for a while: a few log lines, however often it is looked for."""

from __future__ import annotations

import time
from collections.abc import Callable

from lensora.observability.logs import Logger

AGAIN_S = 60.0
"""Between two lines while an outage goes on, where nothing else is said."""


class Outage:
    """One kind of failure: logged as it begins, now and then while it goes on, and when it is over."""

    def __init__(
        self,
        log: Logger,
        event: str,
        over: str,
        *,
        again_s: float = AGAIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            log: takes the lines.
            event: their name as the outage begins and while it goes on; then with ``times`` and ``seconds`` so far.
            over: their name when it is over.
            again_s: between two lines while it goes on.
            clock: seconds that only grow.
        """
        self._log = log
        self._again_s = again_s
        self._event = event
        self._over = over
        self._clock = clock
        self._times = 0
        self._began_s = self._told_s = 0.0

    def failed(self, **fields: object) -> None:
        """It has failed, for the first time or again. With ``exc_info``, a fault of ours, the line is an error."""
        write = self._log.error if "exc_info" in fields else self._log.warning
        now_s = self._clock()
        self._times += 1
        if self._times == 1:
            self._began_s = self._told_s = now_s
            write(self._event, **fields)
        elif now_s - self._told_s >= self._again_s:
            self._told_s = now_s
            write(self._event, times=self._times, seconds=round(now_s - self._began_s), **fields)

    def answered(self) -> None:
        """It works: an outage, where there was one, is over."""
        if self._times:
            self._log.info(self._over, times=self._times, seconds=round(self._clock() - self._began_s))
            self._times = 0
