"""Deletes what has expired: artifacts of sessions, jobs, backplates and brands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.jobs import metrics
from gateway.jobs.retention import Expiry
from lensora.adapters.artifacts import ArtifactStore
from lensora.core.errors import Unavailable
from lensora.observability import logs

_log = logs.get(__name__)

DELETE_BATCH = 100

MOST_FAILURES = 3
"""Prefixes in a row that cannot be deleted, from which on the store counts as away."""

ORPHAN_AGE = timedelta(hours=2)
"""A file is older than its session's record by the length of a request: minutes at most."""


class Sweeper:
    """Deletes the artifacts under the prefix of each expired session and job."""

    def __init__(self, expiry: Expiry, artifacts: ArtifactStore) -> None:
        self._expiry = expiry
        self._artifacts = artifacts

    async def sweep(self) -> int:
        """Delete everything that is due; the number of bytes that were freed.

        What cannot be deleted is due again in ten minutes, and holds up nothing that can.

        Raises:
            Unavailable: the artifact store, or Redis, is away.
        """
        total = failed = 0
        while due := await self._expiry.due():
            for expired in due:
                try:
                    files, freed = await self._delete(expired.prefix)
                except Unavailable as error:
                    failed += 1
                    if failed == MOST_FAILURES:
                        raise
                    _log.warning("not_swept", prefix=expired.prefix, error=error.message)
                    continue
                failed = 0
                await self._expiry.done(expired)
                kind = expired.schedule.rpartition(":")[2]
                metrics.SWEPT_BYTES.labels(kind=kind).inc(freed)
                _log.info("swept", prefix=expired.prefix, files=files, bytes=freed)
                total += freed
        return total

    async def sweep_orphans(self, period_s: float) -> int:
        """Delete old files that nobody knows of, such as those of a gateway that died in the middle of an upload.

        Args:
            period_s: how often all workers together look.

        Returns:
            The number of bytes that were freed.
        """
        if not await self._expiry.first_to_look(period_s):
            return 0
        total = 0
        oldest = datetime.now(UTC) - ORPHAN_AGE
        for kind in ("sessions", "backplates", "brands", "jobs"):
            known: dict[str, bool] = {}
            keys: list[str] = []
            freed = 0
            async for stored in self._artifacts.list_async(kind):
                name = stored.key.split("/")[1]
                if stored.modified > oldest:
                    continue
                if name not in known:
                    known[name] = await self._expiry.kept(kind, name)
                if not known[name]:
                    keys.append(stored.key)
                    freed += stored.size_bytes
            await self._artifacts.delete_async(keys)
            if keys:
                metrics.SWEPT_BYTES.labels(kind=f"orphaned_{kind}").inc(freed)
                _log.info("swept_orphans", kind=kind, files=len(keys), bytes=freed)
            total += freed
        return total

    async def _delete(self, prefix: str) -> tuple[int, int]:
        files = freed = 0
        keys: list[str] = []
        async for stored in self._artifacts.list_async(prefix):
            keys.append(stored.key)
            files += 1
            freed += stored.size_bytes
            if len(keys) == DELETE_BATCH:
                await self._artifacts.delete_async(keys)
                keys = []
        await self._artifacts.delete_async(keys)
        return files, freed
