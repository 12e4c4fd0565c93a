"""The worker: takes jobs and runs them, as many at a time as it has slots, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.jobs import metrics, ports
from gateway.jobs.work import Claim, Ended, LostClaim, Work
from gateway.pipeline.attempt import BEAT_S, Attempt
from gateway.pipeline.handover import Handover
from gateway.pipeline.stages import Stages
from lensora.core.errors import Unavailable
from lensora.core.steps import JobStatus
from lensora.observability import logs
from lensora.observability.outages import Outage

_log = logs.get(__name__)

AWAY_PAUSE_S = 0.5
"""Between two looks for work while Redis is away."""

BEATS_PER_LEASE = 3
"""With short leases: two heartbeats may get lost."""

ATTEND_S = 2.0
REAP_S = 1.0
"""A job past its deadline is failed and refunded within this, by any worker that is there."""

CHORE_AGAIN_S = 60.0
"""When a chore that found Redis away comes again at the latest: the hourly audit of a worker that started before Redis
would leave the ledgers unaudited for that hour."""

CHORE_TOLD_S = 600.0
"""Between two lines of a chore that goes on failing: there are seven, and some come every second."""

CANCEL_AGAIN_S = 0.5
"""After which a chore that goes on is cancelled once more."""


class Worker:
    """Claims and attempts. One object a process."""

    def __init__(
        self,
        work: Work,
        stages: Stages,
        handover: Handover,
        ended: ports.Changes,
        *,
        slots: int,
        lease_s: float,
        tries: int,
        beat_s: float = BEAT_S,
    ) -> None:
        """
        Args:
            work: the store.
            stages: what the steps do.
            handover: brings files to customers' own storages.
            ended: tells of jobs that have ended; without word of one, a heartbeat finds out.
            slots: jobs that run at the same time.
            lease_s: the lease of a claim.
            tries: how often a stage that fails of itself is tried.
            beat_s: between two heartbeats at most.
        """
        self._work = work
        self._stages = stages
        self._handover = handover
        self._slots = slots
        self._lease_s = lease_s
        self._tries = tries
        self._ended = ended
        self._beat_s = beat_s
        self._attempts: set[asyncio.Task[None]] = set()
        self._outage = Outage(_log, "job_store_away", "job_store_back")
        self._fault = Outage(_log, "job_store_failed", "job_store_works")
        metrics.WORKER_SLOTS.set(slots)

    async def run(self, stop: asyncio.Event, *, drain_s: float) -> None:
        """Take jobs until ``stop``; then hand every job back within ``drain_s``, and leave."""
        halted = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                free = self._slots - len(self._attempts)
                if free <= 0:
                    await asyncio.wait((halted, *self._attempts), return_when=asyncio.FIRST_COMPLETED)
                    continue
                for taken in await self._take(free, halted):
                    await self._begin(taken, stopping=stop.is_set())
        finally:
            halted.cancel()
            await self._hand_back(drain_s)

    async def attend(self) -> None:
        """Say that this worker is there, and measure the queue."""
        queue = await self._work.attend(self._slots)
        metrics.QUEUE_WAITING.set(queue.waiting)
        metrics.QUEUE_RUNNING.set(queue.running)
        metrics.QUEUE_OLDEST_SECONDS.set(queue.oldest_s)
        metrics.QUEUE_TURNLESS_SECONDS.set(queue.turnless_s)

    async def reap(self) -> None:
        """Fail and refund jobs past their deadline."""
        for ended in await self._work.reap():
            _ended(ended)

    async def _take(self, count: int, halted: asyncio.Task[bool]) -> list[Claim | Ended]:
        # Not cancelled at the stop: a claim whose answer is thrown away would wait for its lease to run out.
        try:
            taken = await self._work.take(count)
        except Unavailable as error:
            self._outage.failed(cause=error.cause)
        except Exception as error:
            # A fault of ours, such as a script that Redis refuses: a worker that ends would not mend it.
            self._fault.failed(exc_info=error)
        else:
            self._outage.answered()
            self._fault.answered()
            return taken
        await asyncio.wait((halted,), timeout=AWAY_PAUSE_S)
        return []

    async def _begin(self, taken: Claim | Ended, *, stopping: bool) -> None:
        if isinstance(taken, Ended):
            _ended(taken)
            return
        if stopping:
            try:
                await self._work.release(taken, pause_s=0.0, counts=False)
            except (LostClaim, Unavailable):
                _log.warning("job_not_handed_back", job_id=taken.job.job_id)
            return
        if taken.job.attempts == 1:
            await self._observe_wait(taken)
        attempt = Attempt(
            taken,
            self._work,
            self._stages,
            self._handover,
            self._ended,
            beat_s=min(self._beat_s, self._lease_s / BEATS_PER_LEASE),
            tries=self._tries,
        )
        task = asyncio.create_task(attempt.run(), name=f"job {taken.job.job_id}")
        self._attempts.add(task)
        metrics.WORKER_BUSY.set(len(self._attempts))
        task.add_done_callback(self._done)

    async def _observe_wait(self, claim: Claim) -> None:
        """How long the job has waited, beside others of accounts with as much in the queue."""
        try:
            live = await self._work.live_jobs(claim.job.account_id)
        except Unavailable:
            return
        waited_s = (claim.job.started_ms - claim.job.created_ms) / 1000
        metrics.JOB_WAIT.labels(account_class=metrics.account_class(live)).observe(max(0.0, waited_s))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._attempts.discard(task)
        metrics.WORKER_BUSY.set(len(self._attempts))
        if not task.cancelled() and task.exception() is not None:
            # A fault of ours: the lease runs out, and another attempt is made.
            _log.error("attempt_crashed", exc_info=task.exception())

    async def _hand_back(self, drain_s: float) -> None:
        attempts = list(self._attempts)
        for task in attempts:
            task.cancel()
        if attempts:
            await asyncio.wait(attempts, timeout=drain_s)
        try:
            await self._work.attend(0)
        except Unavailable:
            _log.info("left_without_word")


def _ended(ended: Ended) -> None:
    _log.warning("job_ended_by_limit", job_id=ended.job_id, credits_refunded=ended.credits_refunded)
    metrics.job_ended(JobStatus.FAILED, None, ended.credits_refunded)


async def repeatedly(
    name: str,
    period_s: float,
    work: Callable[[], Awaitable[None]],
    *,
    first_after_s: float = 0.0,
    again_s: float = CHORE_AGAIN_S,
) -> None:
    """Do something every ``period_s`` for ever, and after ``again_s`` where Redis was away; a fault does not end it."""
    log = _log.bind(chore=name)
    outage = Outage(log, "chore_waits", "chore_goes_on", again_s=CHORE_TOLD_S)
    fault = Outage(log, "chore_failed", "chore_works", again_s=CHORE_TOLD_S)
    await asyncio.sleep(first_after_s)
    while True:
        pause_s = period_s
        try:
            await work()
        except Unavailable as error:
            outage.failed(error=error.message, cause=error.cause)
            pause_s = min(period_s, again_s)
        except Exception as error:
            fault.failed(exc_info=error)
        else:
            outage.answered()
            fault.answered()
        await asyncio.sleep(pause_s)


async def cancelled(chores: Sequence[asyncio.Task[None]], *, again_s: float = CANCEL_AGAIN_S) -> None:
    """Cancel tasks until they have ended: a cancellation that meets a timeout in the same moment is lost there."""
    while left := [chore for chore in chores if not chore.done()]:
        for chore in left:
            chore.cancel()
        await asyncio.wait(left, timeout=again_s)
