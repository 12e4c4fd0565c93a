"""How long things are kept, and what has expired."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.jobs.scripts import Scripts

BUSY_MS = 600_000
"""A sweeper that dies is replaced after this."""

SWEEP_BATCH = 50


@dataclass(frozen=True, slots=True)
class Retention:
    """Milliseconds from creation (sessions, answers) or from the end (jobs) to deletion."""

    session_ms: int
    job_ms: int
    idempotency_ms: int


@dataclass(frozen=True, slots=True)
class Expired:
    """Something whose artifacts must go: the key prefix under which they lie, and how to say that they have gone."""

    prefix: str
    schedule: str
    member: str


class Expiry:
    """What has expired; used by the sweeper."""

    def __init__(self, scripts: Scripts, *, session_grace_ms: int) -> None:
        """
        Args:
            scripts: the store's scripts.
            session_grace_ms: how long a session's photo outlives it: a job that was ordered in its last second may
                still need it.
        """
        self._scripts = scripts
        self._grace_ms = session_grace_ms

    async def due(self) -> list[Expired]:
        """Some expired jobs and sessions, given to this caller alone for ten minutes."""
        jobs = await self._scripts.call("lease_due", "expiring:jobs", SWEEP_BATCH, BUSY_MS, 0)
        sessions = await self._scripts.call("lease_due", "expiring:sessions", SWEEP_BATCH, BUSY_MS, self._grace_ms)
        return [Expired(f"jobs/{name.rpartition('/')[2]}", "expiring:jobs", name) for name in jobs] + [
            Expired(f"sessions/{name}", "expiring:sessions", name) for name in sessions
        ]

    async def done(self, expired: Expired) -> None:
        """Its artifacts are deleted: forget it."""
        await self._scripts.repeat("forget", expired.schedule, expired.member)
