"""Jobs as the worker sees them: the port, and its Redis store."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import redis.asyncio as aioredis
from redis import exceptions

from gateway.jobs.codec import dump, job_from_hash, pairs
from gateway.jobs.records import Job, JobError
from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.errors import Unavailable
from lensora.core.steps import FAILURE_SENTENCE, Step
from lensora.observability import logs

_log = logs.get(__name__)

GROUP = "workers"

READ_BLOCK_MS = 1_000
"""How long a read waits for a job. Also the longest time until a job that was handed back is seen."""

PRESENCE_MS = 10_000
"""A worker is believed to be there this long after it last said so."""

REAP_BATCH = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a job. Every write of it carries ``token``; another attempt makes it worthless.

    Attributes:
        job: the job when it was taken.
        work: result of each finished stage, as JSON, by step.
        token: unique to this attempt.
        remaining_s: seconds until the job's deadline, when it was taken, by Redis's clock.
    """

    job: Job
    work: Mapping[Step, str]
    token: str
    remaining_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that ended without a worker's doing: its outcome and the credits that came back."""

    job_id: str
    credits_refunded: int


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue now: jobs that wait, jobs that run, and how long the oldest has waited."""

    waiting: int
    running: int
    oldest_s: float


class LostClaim(Exception):
    """The attempt does not hold its job any more: it was canceled, it expired, or another attempt has it."""


class Work(Protocol):
    """What a worker does with jobs. Every method raises Unavailable while Redis is away, and may then be repeated."""

    async def take(self, count: int) -> list[Claim | Ended]:
        """Up to ``count`` jobs: first those that nobody holds any more, then new ones; waits about a second for one."""
        ...

    async def heartbeat(self, claim: Claim, progress: int) -> None:
        """Renew the lease and write the progress (0 to 99). Raises LostClaim."""
        ...

    async def stage_start(self, claim: Claim, step: Step, shown: Step) -> bool:
        """Say that a stage runs; False when it was recorded as finished before. Raises LostClaim."""
        ...

    async def stage_done(
        self, claim: Claim, step: Step, result: str, public: Sequence[tuple[str, str]], *, shown: Step, progress: int
    ) -> None:
        """Record a finished stage: its result for later stages, its fields for the customer. Raises LostClaim."""
        ...

    async def finish(self, claim: Claim, public: Sequence[tuple[str, str]] = ()) -> None:
        """Complete the job, with further fields for the customer. Raises LostClaim."""
        ...

    async def fail(self, claim: Claim, error: JobError) -> None:
        """Fail the job and refund it. Raises LostClaim."""
        ...

    async def release(self, claim: Claim, *, pause_s: float, counts: bool) -> None:
        """Hand the job back, to be taken again after a pause; ``counts``: as one of its attempts. Raises LostClaim."""
        ...

    async def reap(self) -> list[Ended]:
        """Fail and refund jobs whose deadline has passed."""
        ...

    async def attend(self, slots: int) -> Queue:
        """Say that this worker is there with so many slots (0: it leaves), and measure the queue."""
        ...

    async def live_jobs(self, account_id: str) -> int:
        """Jobs of an account that wait or run."""
        ...


class RedisWork:
    """The port ``Work``."""

    def __init__(
        self,
        scripts: Scripts,
        blocking: aioredis.Redis,
        *,
        worker: str,
        lease_s: float,
        attempts: int,
        block_ms: int = READ_BLOCK_MS,
    ) -> None:
        """
        Args:
            scripts: the store's scripts.
            blocking: a client whose timeout is longer than READ_BLOCK_MS.
            worker: this worker's name.
            lease_s: seconds after which a silent attempt loses its job.
            attempts: how often a job is taken at most.
            block_ms: how long ``take`` waits for a job.
        """
        self._scripts = scripts
        self._blocking = blocking
        self._worker = worker
        self._lease_ms = round(lease_s * 1000)
        self._attempts = attempts
        self._sentences = dump({step.value: sentence for step, sentence in FAILURE_SENTENCE.items()})
        self._queue = scripts.key("queue")
        self._block_ms = block_ms
        self._cursor = "0-0"

    async def take(self, count: int) -> list[Claim | Ended]:
        entries = await self._reclaimed(count) or await self._new(count)
        taken: list[Claim | Ended] = []
        for entry, job_id in entries:
            try:
                claim = await self._claim(job_id, entry)
            except Unavailable:
                if taken:
                    # The rest is taken after its lease; what is ours already must be worked on.
                    return taken
                raise
            if claim is not None:
                taken.append(claim)
        return taken

    async def heartbeat(self, claim: Claim, progress: int) -> None:
        _held(
            await self._scripts.repeat(
                "heartbeat", claim.job.job_id, claim.token, self._worker, self._lease_ms, progress
            )
        )

    async def stage_start(self, claim: Claim, step: Step, shown: Step) -> bool:
        reply = await self._scripts.repeat("stage_start", claim.job.job_id, claim.token, step, shown)
        _held(reply != "lost")
        return bool(reply == "run")

    async def stage_done(
        self, claim: Claim, step: Step, result: str, public: Sequence[tuple[str, str]], *, shown: Step, progress: int
    ) -> None:
        fields = dump([text for pair in public for text in pair])
        _held(
            await self._scripts.repeat(
                "stage_done", claim.job.job_id, claim.token, step, shown, progress, result, fields
            )
        )

    async def finish(self, claim: Claim, public: Sequence[tuple[str, str]] = ()) -> None:
        fields = dump([text for pair in public for text in pair]) if public else "[]"
        _held(await self._scripts.repeat("finish", claim.job.job_id, claim.token, fields))

    async def fail(self, claim: Claim, error: JobError) -> None:
        _held(
            await self._scripts.repeat(
                "fail",
                claim.job.job_id,
                claim.token,
                error.message,
                error.code,
                error.stage,
                1 if error.retryable else 0,
            )
        )

    async def release(self, claim: Claim, *, pause_s: float, counts: bool) -> None:
        _held(
            await self._scripts.repeat(
                "release",
                claim.job.job_id,
                claim.token,
                self._worker,
                self._lease_ms,
                round(pause_s * 1000),
                1 if counts else 0,
            )
        )

    async def reap(self) -> list[Ended]:
        ended = []
        while True:
            with translated():
                seconds, micros = await self._scripts.client.time()
                now = seconds * 1000 + micros // 1000
                due: Any = await self._scripts.client.zrangebyscore(
                    self._scripts.key("deadlines"), "-inf", now, start=0, num=REAP_BATCH
                )
            for job_id in due:
                credits_back = await self._scripts.repeat("reap", job_id, self._sentences)
                if credits_back != "":
                    ended.append(Ended(job_id, int(credits_back)))
            if len(due) < REAP_BATCH:
                return ended

    async def attend(self, slots: int) -> Queue:
        waiting, running, oldest_ms = await self._scripts.repeat("attend", self._worker, slots, PRESENCE_MS)
        return Queue(int(waiting), int(running), int(oldest_ms) / 1000)

    async def live_jobs(self, account_id: str) -> int:
        with translated():
            return int(await self._scripts.client.scard(self._scripts.key(f"live:{account_id}")))

    async def make_group(self) -> None:
        """Make the stream and its group of consumers where they are missing."""
        try:
            with translated():
                await self._scripts.client.xgroup_create(self._queue, GROUP, id="0", mkstream=True)
        except exceptions.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _reclaimed(self, count: int) -> list[tuple[str, str]]:
        """Entries whose holder has been silent for a lease, or has handed them back."""
        reply: Any = ["0-0", []]
        async with self._grouped():
            reply = await self._scripts.client.xautoclaim(
                self._queue, GROUP, self._worker, self._lease_ms, start_id=self._cursor, count=count
            )
        # One call looks at a part of the pending entries only; the next goes on where this one ended.
        self._cursor = reply[0]
        return _entries(reply[1])

    async def _new(self, count: int) -> list[tuple[str, str]]:
        reply: Any = []
        async with self._grouped():
            reply = await self._blocking.xreadgroup(
                GROUP, self._worker, {self._queue: ">"}, count=count, block=self._block_ms
            )
        return _entries(reply[0][1]) if reply else []

    async def _claim(self, job_id: str, entry: str) -> Claim | Ended | None:
        token = uuid.uuid4().hex
        reply = await self._scripts.repeat(
            "claim", job_id, entry, token, self._worker, self._lease_ms, self._attempts, self._sentences
        )
        match reply[0]:
            case "claimed":
                try:
                    done = pairs(reply[2]).items()
                    work = {Step(field): text for field, text in done if not field.startswith("public:")}
                    return Claim(job_from_hash(job_id, pairs(reply[1])), work, token, int(reply[3]) / 1000)
                except (KeyError, TypeError, ValueError):
                    # Written by a release that we do not know, or damaged. Others may read it; if nobody can, its
                    # attempts run out and it is refunded.
                    _log.exception("job_not_readable", job_id=job_id)
                    return None
            case "expired" | "exhausted":
                return Ended(job_id, int(reply[1]))
            case _:
                return None

    @asynccontextmanager
    async def _grouped(self) -> AsyncIterator[None]:
        """Make the group where it is missing (a new or an emptied Redis), and leave the block quietly."""
        try:
            with translated():
                yield
        except exceptions.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.make_group()


def _entries(rows: Any) -> list[tuple[str, str]]:
    """``(entry, job id)`` of stream entries; one that was deleted meanwhile has no fields."""
    return [(entry, fields["job"]) for entry, fields in rows if entry and fields]


def _held(reply: object) -> None:
    if not reply:
        raise LostClaim
