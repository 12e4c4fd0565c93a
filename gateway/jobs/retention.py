"""How long things are kept, and what has expired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.jobs.redis_client import translated
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
        """Some expired jobs, sessions, backplates and brands, given to this caller alone for ten minutes."""
        jobs = await self._scripts.call("lease_due", "expiring:jobs", SWEEP_BATCH, BUSY_MS, 0)
        sessions = await self._scripts.call("lease_due", "expiring:sessions", SWEEP_BATCH, BUSY_MS, self._grace_ms)
        backplates = await self._scripts.call("lease_due", "expiring:backplates", SWEEP_BATCH, BUSY_MS, self._grace_ms)
        brands = await self._scripts.call("lease_due", "expiring:brands", SWEEP_BATCH, BUSY_MS, 0)
        return [
            *(Expired(f"jobs/{name.rpartition('/')[2]}", "expiring:jobs", name) for name in jobs),
            *(Expired(f"sessions/{name}", "expiring:sessions", name) for name in sessions),
            *(Expired(f"backplates/{name}", "expiring:backplates", name) for name in backplates),
            *(Expired(f"brands/{name}", "expiring:brands", name) for name in brands),
        ]

    async def hasten(self, key_id: str, job_id: str, session_id: str) -> bool:
        """Let a job of this key that has ended, and its session, expire now; False where it is not such a job."""
        return bool(await self._scripts.repeat("hasten", key_id, job_id, session_id))

    async def kept(self, kind: str, name: str) -> bool:
        """Whether the files of one of a ``kind`` (a folder of the artifact store) may still be needed."""
        with translated():
            if kind == "brands" and await self._scripts.client.sismember(self._scripts.key("brand-versions"), name):
                return True
            if kind in ("sessions", "backplates", "brands"):
                # Pictures outlive them by the grace: they leave the schedule when they are swept.
                found: Any = await self._scripts.client.zscore(self._scripts.key(f"expiring:{kind}"), name)
                return found is not None
            found = await self._scripts.client.exists(self._scripts.key(f"job:{name}"))
        return bool(found)

    async def first_to_look(self, period_s: float) -> bool:
        """Whether this caller is the one that looks for orphans in this period; the others need not."""
        key = self._scripts.key("orphans-looked-for")
        with translated():
            won: Any = await self._scripts.client.set(key, "1", nx=True, px=max(1, round(period_s * 1000)))
        return bool(won)

    async def done(self, expired: Expired) -> None:
        """Its artifacts are deleted: forget it."""
        await self._scripts.repeat("forget", expired.schedule, expired.member)
