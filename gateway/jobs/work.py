"""Jobs as the worker sees them: the port, and its Redis store."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import redis.asyncio as aioredis

from gateway.jobs.codec import dump, job_from_hash, pairs
from gateway.jobs.records import Job, JobError
from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.errors import Unavailable
from lensora.core.steps import FAILURE_SENTENCE, Step
from lensora.observability import logs

_log = logs.get(__name__)

READ_BLOCK_MS = 1_000
"""How long a look waits for a job. Also the longest time until a job whose lease has run out is seen."""

LEAST_BLOCK_S = 0.01
"""Redis 6.2 takes a wait of a millisecond for one without end."""

PRESENCE_MS = 10_000
"""A worker is believed to be there this long after it last said so."""

REAP_BATCH = 100
ADOPT_BATCH = 200


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
class Unreadable:
    """A job that was given and is not understood; it is left to others, and to its lease."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue now.

    Attributes:
        waiting: jobs that wait for a worker.
        running: jobs that a worker has.
        oldest_s: how long the oldest waiting job has waited.
        turnless_s: how long an account has had jobs that wait and none that runs, since its order or its last turn.
    """

    waiting: int
    running: int
    oldest_s: float
    turnless_s: float


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

    async def note(self, claim: Claim, field: str, value: str) -> None:
        """Keep what a running stage has made on its way, for an attempt that takes the job over. Raises LostClaim."""
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
        running_jobs: int,
        heavy_share: float,
        block_ms: int = READ_BLOCK_MS,
    ) -> None:
        """
        Args:
            scripts: the store's scripts.
            blocking: a client whose timeout is longer than READ_BLOCK_MS.
            worker: this worker's name.
            lease_s: seconds after which a silent attempt loses its job.
            attempts: how often a job is taken at most.
            running_jobs: of one account at a time, where the account has no number of its own.
            heavy_share: share of all slots that heavy jobs may hold, at least one.
            block_ms: how long ``take`` waits for a job.
        """
        self._scripts = scripts
        self._blocking = blocking
        self._worker = worker
        self._lease_ms = round(lease_s * 1000)
        self._attempts = attempts
        self._sentences = dump({step.value: sentence for step, sentence in FAILURE_SENTENCE.items()})
        self._block_ms = block_ms
        self._running_jobs = running_jobs
        self._heavy_share = heavy_share
        self._adopted = False

    async def take(self, count: int) -> list[Claim | Ended]:
        if not self._adopted:
            await self._adopt()
        taken = await self._claims(count)
        if taken or not await self._woken():
            return taken
        return await self._claims(count)

    async def heartbeat(self, claim: Claim, progress: int) -> None:
        _held(await self._scripts.repeat("heartbeat", claim.job.job_id, claim.token, self._lease_ms, progress))

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

    async def note(self, claim: Claim, field: str, value: str) -> None:
        _held(await self._scripts.repeat("note", claim.job.job_id, claim.token, field, value))

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
                "release", claim.job.job_id, claim.token, round(pause_s * 1000), 1 if counts else 0
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
        await self._adopt()
        waiting, running, *waits_ms = await self._scripts.repeat("attend", self._worker, slots, PRESENCE_MS)
        oldest_s, turnless_s = (int(wait_ms) / 1000 for wait_ms in waits_ms)
        return Queue(int(waiting), int(running), oldest_s, turnless_s)

    async def live_jobs(self, account_id: str) -> int:
        with translated():
            return int(await self._scripts.client.scard(self._scripts.key(f"live:{account_id}")))

    async def _claims(self, count: int) -> list[Claim | Ended]:
        """Up to ``count`` jobs that can be had now."""
        taken: list[Claim | Ended] = []
        while len(taken) < count:
            try:
                found = await self._claim()
            except Unavailable:
                if taken:
                    # What is ours already must be worked on; what was given in a lost answer comes back with its lease.
                    return taken
                raise
            if found is None:
                return taken
            if not isinstance(found, Unreadable):
                taken.append(found)
        return taken

    async def _claim(self) -> Claim | Ended | Unreadable | None:
        token = uuid.uuid4().hex
        reply = await self._scripts.repeat(
            "claim", token, self._lease_ms, self._attempts, self._sentences, self._running_jobs, self._heavy_share
        )
        match reply[0]:
            case "claimed":
                try:
                    done = pairs(reply[3]).items()
                    work = {Step(field): text for field, text in done if not field.startswith("public:")}
                    return Claim(job_from_hash(reply[1], pairs(reply[2])), work, token, int(reply[4]) / 1000)
                except (KeyError, TypeError, ValueError):
                    # Written by a release that we do not know, or damaged. Others may read it; if nobody can, its
                    # attempts run out and it is refunded.
                    _log.exception("job_not_readable", job_id=reply[1])
                    return Unreadable(reply[1])
            case "expired" | "exhausted":
                return Ended(reply[1], int(reply[2]))
            case _:
                return None

    async def _woken(self) -> bool:
        """Wait for a mark that a job has come; False when there was none."""
        patience_s = max(LEAST_BLOCK_S, self._block_ms / 1000)
        with translated():
            mark: Any = await self._blocking.blpop([self._scripts.key("wake")], timeout=patience_s)
        return mark is not None

    async def _adopt(self) -> None:
        """Bring in what a release before this one has accepted."""
        while int(await self._scripts.repeat("adopt", ADOPT_BATCH)) == ADOPT_BATCH:
            pass
        self._adopted = True


def _held(reply: object) -> None:
    if not reply:
        raise LostClaim
