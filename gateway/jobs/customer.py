"""Sessions and jobs as the customer sees them, in Redis."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.jobs import metrics, pricing
from gateway.jobs.charges import Till, Work, raise_refusal, session_not_found
from gateway.jobs.codec import (
    cutout_from_hash,
    cutout_to_json,
    dump,
    job_from_hash,
    order_to_json,
    pairs,
    session_from_hash,
    session_to_json,
)
from gateway.jobs.pace import Pace, run_of
from gateway.jobs.records import (
    CUTOUT_CREDITS,
    INIT_CREDITS,
    Canceled,
    Job,
    KeptAnswer,
    KeptCutout,
    NewJob,
    Outlook,
    OutputChoices,
    Page,
    Session,
)
from gateway.jobs.redis_client import translated
from gateway.jobs.terms import Terms
from lensora.core.bounds import whole
from lensora.core.errors import (
    Conflict,
    CutoutNotFound,
    InvalidRequest,
    JobNotFound,
)
from lensora.core.steps import STAGES, JobStatus

PACE_AGE_S = 2.0
"""How long a process uses what it knows of recent jobs and workers before it reads it again."""

MAX_PAGE = 100
SCAN_PAGES = 10
"""A list with a status looks at this many pages of jobs before it answers with what it has, and a cursor."""

MAX_SEQUENCE = 10**15
"""Above any count of jobs; scores of Redis are exact up to nine times this."""

_Row = tuple[str, str, dict[str, str]]
"""Job id, sequence, hash (empty where the job has expired)."""

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class RedisSessions:
    """The port ``Sessions``."""

    def __init__(self, till: Till, *, kept_ms: int) -> None:
        """
        Args:
            kept_ms: how long a session lives.
        """
        self._till = till
        self._scripts = till.scripts
        self._kept_ms = kept_ms

    async def open(self, session: Session, *, price: int = INIT_CREDITS, kept: KeptAnswer | None = None) -> Session:
        work = Work("open_session", "session", session.session_id, session.key_id, session.account_id, price)
        reply = await self._till.charge(work, session_to_json(session), self._kept_ms, kept=kept)
        raise_refusal(reply, price)
        metrics.CREDITS_CHARGED.labels(kind="init").inc(price)
        return replace(session, created_ms=int(reply[1]), expires_ms=int(reply[2]))

    async def get(self, key_id: str, session_id: str) -> Session:
        fields: Mapping[str, str] = {}
        if _ID.fullmatch(session_id):
            fields = await self._scripts.read_hash(f"session:{session_id}")
        if fields.get("key") != key_id:
            raise session_not_found()
        return session_from_hash(session_id, fields)


class RedisCutouts:
    """The port ``Cutouts``."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._scripts = till.scripts

    async def keep(self, cutout: KeptCutout, *, price: int = CUTOUT_CREDITS, kept: KeptAnswer | None = None) -> None:
        work = Work("keep_cutout", "cutout", cutout.cutout_id, cutout.key_id, cutout.account_id, price)
        reply = await self._till.charge(work, cutout.session_id, cutout_to_json(cutout), kept=kept)
        raise_refusal(reply, price)
        metrics.CREDITS_CHARGED.labels(kind="cutout").inc(price)

    async def get(self, key_id: str, session_id: str, cutout_id: str) -> KeptCutout:
        fields: Mapping[str, str] = {}
        if _ID.fullmatch(cutout_id):
            fields = await self._scripts.read_hash(f"cutout:{cutout_id}")
        if fields.get("key") != key_id or fields.get("session") != session_id:
            raise CutoutNotFound("There is no such cutout in this session: make one with /v1/studio/cutout.")
        return cutout_from_hash(cutout_id, fields)


class RedisJobs:
    """The port ``Jobs``."""

    def __init__(self, till: Till, terms: Terms) -> None:
        self._till = till
        self._scripts = till.scripts
        self._terms = terms
        self._pace = Pace()
        self._pace_at = -math.inf

    async def submit(self, new: NewJob, *, kept: KeptAnswer | None = None) -> Job:
        runs = new.again or STAGES
        order = new.order
        work = Work("submit", "job", new.job_id, new.key.key_id, new.key.account_id, new.price)
        reply = await self._till.charge(
            work,
            order_to_json(order),
            *self._terms.of(order.output),
            dump(list(runs)),
            order.webhook_url,
            " ".join(order.webhook_events),
            new.parent_id,
            dump([step for step in STAGES if step not in runs]),
            kept=kept,
        )
        raise_refusal(reply, new.price)
        metrics.JOBS_ACCEPTED.inc()
        metrics.CREDITS_CHARGED.labels(kind="render" if new.again else "transform").inc(new.price)
        return job_from_hash(new.job_id, pairs(reply[1]))

    async def get(self, key_id: str, job_id: str) -> Job:
        fields: Mapping[str, str] = {}
        if _ID.fullmatch(job_id):
            fields = await self._scripts.read_hash(f"job:{job_id}")
        if fields.get("key") != key_id:
            raise _job_not_found()
        return job_from_hash(job_id, fields)

    async def list(self, key_id: str, *, status: JobStatus | None = None, cursor: str = "", limit: int = 20) -> Page:
        if cursor:
            sequence_before = whole(cursor, 1, MAX_SEQUENCE)
            if sequence_before is None:
                raise InvalidRequest(f"cursor must be one that a page gave, not {cursor[:60]!r}", field="cursor")
            cursor = str(sequence_before)
        limit = max(1, min(limit, MAX_PAGE))
        found: list[Job] = []
        for _page in range(SCAN_PAGES):
            rows = await self._rows(key_id, cursor, MAX_PAGE if status else limit)
            for job_id, sequence, fields in rows:
                cursor = sequence
                if fields and (status is None or fields["status"] == status):
                    found.append(job_from_hash(job_id, fields))
                    if len(found) == limit:
                        return Page(tuple(found), cursor if await self._rows(key_id, cursor, 1) else "")
            if len(rows) < (MAX_PAGE if status else limit):
                return Page(tuple(found), "")
        return Page(tuple(found), cursor)

    async def cancel(self, key_id: str, job_id: str) -> Canceled:
        outcome = await self._scripts.repeat("cancel", job_id, key_id) if _ID.fullmatch(job_id) else ["none"]
        if outcome[0] == "none":
            raise _job_not_found()
        if outcome[0] == JobStatus.CANCELED:
            metrics.job_ended(JobStatus.CANCELED, None, int(outcome[2]))
        return Canceled(
            job_id=job_id,
            status=JobStatus(outcome[1]),
            already_terminal=outcome[0] == "terminal",
            credits_refunded=int(outcome[2]),
        )

    async def delete(self, key_id: str, job_id: str) -> None:
        outcome = await self._scripts.repeat("delete", job_id, key_id) if _ID.fullmatch(job_id) else "none"
        if outcome == "none":
            raise _job_not_found()
        if outcome == "live":
            raise Conflict(f"Only a job that has ended can be deleted; cancel job {job_id} first.")

    async def outlook(self, job: Job) -> Outlook:
        if job.status.terminal:
            return Outlook(None, None)
        pace = await self._current_pace()
        units, again = pricing.units(job.order.output), bool(job.parent_id)
        if job.status is JobStatus.PROCESSING:
            return Outlook(None, pace.left(units, max(0.0, time.time() - job.started_ms / 1000), again=again))
        position = int(await self._scripts.read("place", job.account_id, job.job_id))
        if position < 0:
            return Outlook(None, pace.eta(units, 0.0, again=again))
        return Outlook(position, pace.eta(units, position * pace.typical_s, again=again))

    async def estimated_seconds(
        self, account_id: str, output: OutputChoices, *, again: bool = False, jobs: int = 1
    ) -> int:
        pace = await self._current_pace()
        units = pricing.units(output)
        place = int(await self._scripts.read("place", account_id, ""))
        ahead = place * pace.typical_s + (jobs - 1) * pace.expected_s(units, again=again)
        return pace.eta(units, ahead, again=again)

    async def _rows(self, key_id: str, before: str, count: int) -> Sequence[_Row]:
        client = self._scripts.client
        with translated():
            names: Any = await client.zrevrangebyscore(
                self._scripts.key(f"jobs:{key_id}"),
                f"({before}" if before else "+inf",
                "-inf",
                start=0,
                num=count,
                withscores=True,
            )
            async with client.pipeline(transaction=False) as pipe:
                for name, _score in names:
                    pipe.hgetall(self._scripts.key(f"job:{name}"))
                hashes = await pipe.execute()
        return [(name, str(int(score)), fields) for (name, score), fields in zip(names, hashes, strict=True)]

    async def _current_pace(self) -> Pace:
        """How fast this installation is, read every two seconds at most."""
        if time.monotonic() - self._pace_at > PACE_AGE_S:
            client = self._scripts.client
            with translated():
                recent: Any = await client.lrange(self._scripts.key("runs"), 0, -1)
                again: Any = await client.lrange(self._scripts.key("runs-again"), 0, -1)
                workers: Any = await client.zrange(self._scripts.key("workers"), 0, -1)
            slots = max(1, sum(int(member.rpartition(" ")[2]) for member in workers))
            self._pace = Pace(tuple(map(run_of, recent)), tuple(map(run_of, again)), slots)
            self._pace_at = time.monotonic()
        return self._pace


def _job_not_found() -> JobNotFound:
    return JobNotFound("There is no such job, or it has expired.")
