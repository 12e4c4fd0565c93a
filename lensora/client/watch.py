"""Following one job to its end, with patience with a server that is away. No I/O."""

from __future__ import annotations

import time

from lensora.contract.answers import Result
from lensora.core.errors import DeadlineExceeded, LensoraError

HOLD_S = 20
"""How long each poll of ``wait`` is held: short enough for proxies that cut off after 30 s."""
PATIENCE_S = 60.0
"""A gateway that is restarted or upgraded is back within this."""


class Watch:
    """Following one job: what was shown last, when to give up, and patience with a server that is away."""

    def __init__(self, job_id: str, timeout_s: float | None) -> None:
        """
        Args:
            job_id: named in errors.
            timeout_s: seconds to follow at most; None has no end.
        """
        self._job_id = job_id
        self._timeout_s = timeout_s
        self._started = time.monotonic()
        self._shown: Result | None = None
        self._away_since: float | None = None

    def hold_s(self) -> int | None:
        """``wait`` of the next poll: none for the first, which shows where the job is."""
        if self._shown is None:
            return None
        if self._timeout_s is None:
            return HOLD_S
        return int(max(1, min(HOLD_S, self._timeout_s - (time.monotonic() - self._started))))

    def is_new(self, result: Result) -> bool:
        """True when the state differs from the last one."""
        self._away_since = None
        changed = result != self._shown
        self._shown = result
        return changed

    def check(self, result: Result) -> None:
        """Raises DeadlineExceeded when the time is over."""
        if self._timeout_s is not None and time.monotonic() - self._started >= self._timeout_s:
            raise DeadlineExceeded(f"Job {self._job_id} is still {result.status} after {self._timeout_s:g} seconds.")

    def failed(self, error: LensoraError) -> None:
        """Raises the error unless another try may do and the server has not been away for too long."""
        now = time.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if not error.retryable or now - self._away_since >= PATIENCE_S:
            raise error
