"""One attempt at a job: from the claim to the end, or to its loss."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from gateway.jobs import metrics, ports
from gateway.jobs.codec import delivery_field, outputs_of, view_cutout_field
from gateway.jobs.photos import ViewCutout
from gateway.jobs.records import Job, JobError
from gateway.jobs.work import Claim, LostClaim, Work
from gateway.pipeline.ahead import Ahead
from gateway.pipeline.calls import CallContext, Interrupted, with_patience
from gateway.pipeline.dag import run_graph
from gateway.pipeline.handover import Handover
from gateway.pipeline.stages import StageOutcome, StageRun, Stages
from lensora.core.errors import DeadlineExceeded, LensoraError, Unavailable
from lensora.core.steps import FAILURE_SENTENCE, NEEDS, STAGES, JobStatus, Step, current_step, progress_percent
from lensora.core.words import BackgroundType
from lensora.observability import logs, traces
from lensora.observability.outages import Outage
from lensora.rpc.status import hidden

_log = logs.get(__name__)

BEAT_S = 1.0
"""Progress is this fresh; and where no word comes of it, a cancel reaches the running stage within this (2 s are
promised)."""

STORE_PAUSE_S = 0.2
LONGEST_STORE_PAUSE_S = 2.0
"""Between two tries of a write while Redis is away."""

T = TypeVar("T")


HANDOVER_S = 240.0
"""Longest time for bringing a job's files to the customer's storage; the job ends after it in any case."""
CLOSING_S = 5.0
"""Left before the job's deadline, so that a slow storage does not make a finished job fail."""


class Attempt:
    """Works on one claimed job. ``run`` ends when the job has ended, or when it is not this attempt's any more."""

    def __init__(
        self,
        claim: Claim,
        work: Work,
        stages: Stages,
        handover: Handover,
        ended: ports.Changes,
        *,
        beat_s: float,
        tries: int,
    ) -> None:
        """
        Args:
            claim: the job, and the token that fences every write.
            work: the store.
            stages: what the steps do.
            handover: brings the files to the customer's own storage, where the order says so.
            ended: tells of jobs that have ended, such as by a cancel.
            beat_s: between two heartbeats, which renew the lease.
            tries: how often a stage that fails of itself is tried.
        """
        self._claim = claim
        self._work = work
        self._stages = stages
        self._handover = handover
        self._files = dict(claim.job.outputs)
        self._ended = ended
        self._ending = False
        self._beat_s = beat_s
        job = claim.job
        self._job = job
        self._picture = Ahead(lambda: stages.picture(job))
        deadline = asyncio.get_running_loop().time() + claim.remaining_s
        self._context = CallContext(job.job_id, job.order.request_id, deadline, tries)
        self._results: dict[Step, str] = dict(claim.work)
        self._finished: set[Step] = set(claim.work)
        self._running: set[Step] = set()
        self._fractions: dict[Step, float] = dict.fromkeys(claim.work, 1.0)

    async def run(self) -> None:
        """Work until the end. When the task is cancelled (the worker stops) the job is handed back at once."""
        job = self._claim.job
        ordered = {"traceparent": job.order.traceparent}
        with (
            traces.span("job", kind="consumer", parent=ordered, attributes={"job_id": job.job_id}),
            logs.bind(job_id=job.job_id, request_id=job.order.request_id),
        ):
            _log.info("job_taken", attempt=job.attempts, finished=[str(step) for step in sorted(self._finished)])
            ending = "lost"
            try:
                ending = await self._run()
            except LostClaim:
                _log.info("job_lost")
            except asyncio.CancelledError:
                ending = "handed_back"
                await self._hand_back()
                raise
            finally:
                metrics.JOB_ATTEMPTS.labels(ending=ending).inc()

    async def _run(self) -> str:
        """Race the work against the loss of the claim; the loser is cancelled."""
        work = asyncio.create_task(self._to_the_end())
        beat = asyncio.create_task(self._beat())
        try:
            await asyncio.wait((work, beat), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            beat.result()
            raise AssertionError("heartbeats end by an exception alone")
        finally:
            for task in (work, beat):
                task.cancel()
            await asyncio.gather(work, beat, return_exceptions=True)

    async def _to_the_end(self) -> str:
        if self._claim.job.order.background.type is BackgroundType.IMAGE and Step.GENERATING_BG not in self._finished:
            self._picture.begin()
        try:
            await run_graph(STAGES, _needs(self._claim.job), self._finished, self._step)
        except Interrupted as end:
            return await self._fail(end)
        finally:
            await self._picture.close()
        public = await self._delivered()
        self._ending = True
        await self._surely(lambda: self._work.finish(self._claim, public))
        self._count(JobStatus.COMPLETED, 0)
        return JobStatus.COMPLETED

    async def _delivered(self) -> tuple[tuple[str, str], ...]:
        """The job's field that says what became of each file to be delivered; none where nothing was asked for."""
        urls = self._claim.job.order.deliver_to
        if not urls:
            return ()
        left_s = self._context.deadline - asyncio.get_running_loop().time()
        within_s = min(HANDOVER_S, max(0.0, left_s - CLOSING_S))
        return (delivery_field(await self._handover.deliver(urls, self._files, within_s=within_s)),)

    async def _step(self, step: Step) -> None:
        with logs.bind(stage=step.value), traces.span(step.value, kind="client"):
            self._running.add(step)
            started = time.perf_counter()
            outcome = await with_patience(self._context, step, lambda: self._once(step))
            seconds = time.perf_counter() - started
            self._fractions[step] = 1.0
            self._results[step] = outcome.result
            self._files |= outputs_of(dict(outcome.public))
            shown = current_step(self._running - {step}, self._finished | {step})
            await self._surely(
                lambda: self._work.stage_done(
                    self._claim, step, outcome.result, outcome.public, shown=shown, progress=self._percent()
                )
            )
            self._running.discard(step)
            metrics.STAGE_SECONDS.labels(stage=step.value).observe(seconds)
            _log.info("stage_done", seconds=round(seconds, 3))

    async def _once(self, step: Step) -> StageOutcome:
        # Before every try: a worker that was frozen for longer than its lease must not begin what another has finished.
        if not await self._surely(lambda: self._work.stage_start(self._claim, step, self._shown())):
            raise LostClaim

        def note(fraction: float) -> None:
            self._fractions[step] = max(self._fractions.get(step, 0.0), fraction)

        return await self._stages.run(
            step, StageRun(self._job, self._context, self._results, note, self._picture, self._keep_view)
        )

    async def _keep_view(self, view_id: str, cutout: ViewCutout) -> None:
        """Keep the cutout of a further photo: for a stage that is tried again, and for whoever takes the job over."""
        self._job = replace(self._job, view_cutouts={**self._job.view_cutouts, view_id: cutout})
        await self._surely(lambda: self._work.note(self._claim, *view_cutout_field(view_id, cutout)))

    async def _fail(self, end: Interrupted) -> str:
        error = end.error
        failure = JobError(_sentence(end.step, error), error.code, end.step.value, _retryable(error))
        _log.warning("job_failed", stage=end.step.value, code=error.code, error=error.message)
        self._ending = True
        await self._surely(lambda: self._work.fail(self._claim, failure))
        self._count(JobStatus.FAILED, self._claim.job.price)
        return JobStatus.FAILED

    async def _beat(self) -> None:
        """Renew the lease for ever, and at once when the job has ended: that tells whether somebody else ended it.

        While Redis is away the work goes on: nobody else can be given the job either.
        """
        outage = Outage(_log, "heartbeat_missed", "heartbeats_go_on")
        async with self._ended.subscribe(self._claim.job.job_id) as news:
            while True:
                if await news.changed(self._beat_s) and self._ending:
                    continue  # this attempt's own doing, of which its answer is on its way
                try:
                    await self._work.heartbeat(self._claim, self._percent())
                except Unavailable as error:
                    outage.failed(cause=error.cause)
                else:
                    outage.answered()

    async def _hand_back(self) -> None:
        try:
            await self._work.release(self._claim, pause_s=0.0, counts=False)
            _log.info("job_handed_back")
        except (LostClaim, Unavailable) as error:
            _log.info("job_not_handed_back", error=type(error).__name__)

    async def _surely(self, write: Callable[[], Awaitable[T]]) -> T:
        """Repeat a write until Redis has it; each is safe to repeat. Raises LostClaim."""
        pause = STORE_PAUSE_S
        while True:
            try:
                return await write()
            except Unavailable:
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                pause = min(LONGEST_STORE_PAUSE_S, pause * 2)

    def _shown(self) -> Step:
        return current_step(self._running, self._finished)

    def _percent(self) -> int:
        return progress_percent(self._fractions)

    def _count(self, outcome: JobStatus, credits_refunded: int) -> None:
        seconds = time.time() - self._claim.job.created_ms / 1000
        metrics.job_ended(outcome, seconds, credits_refunded)
        _log.info("job_ended", outcome=outcome.value, seconds=round(seconds, 3))


def _needs(job: Job) -> Mapping[Step, tuple[Step, ...]]:
    """What each stage waits for. On a customer's own picture the film's stage may replace the still: after it."""
    if job.order.background.type is not BackgroundType.IMAGE:
        return NEEDS
    return {**NEEDS, Step.RENDERING_VIDEO: (*NEEDS[Step.RENDERING_VIDEO], Step.COMPOSITING)}


def _sentence(step: Step, error: LensoraError) -> str:
    """A short sentence for a person, such as ``3D generation timeout``."""
    stage = FAILURE_SENTENCE[step]
    if isinstance(error, DeadlineExceeded):
        return f"{stage} timeout"
    if isinstance(error, Unavailable):
        return f"{stage} timeout: {error.message}"
    if hidden(error):
        return f"{stage} failed"
    return f"{stage} failed: {error.message}"


def _retryable(error: LensoraError) -> bool:
    """A timeout may not happen again; what is wrong with the input will."""
    return error.retryable or isinstance(error, DeadlineExceeded)
