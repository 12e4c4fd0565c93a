"""Random histories of jobs against real Redis: whatever happens in whatever order, jobs and money add up."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from pydantic import SecretStr

from gateway.jobs.records import TRANSFORM_CREDITS, JobError, NewJob
from gateway.jobs.store import open_store
from gateway.jobs.testing import customer, do_stages, order
from gateway.jobs.work import Claim, Ended, LostClaim
from gateway.settings import RedisSettings
from lensora.adapters.redis_server import RedisServer
from lensora.core.errors import InsufficientCredits
from lensora.core.steps import STAGES, JobStatus, Step
from lensora.core.words import LedgerKind

T = TypeVar("T")

ATTEMPTS = 2
FIRST_JOBS = 5
"""Credit to begin with: enough that most submits are accepted, not so much that none is refused."""
FAILURE = JobError("Compositing failed", "stage_failed", "compositing", retryable=True)


@dataclass
class Expected:
    """What a job must look like."""

    status: JobStatus
    attempts: int = 0
    token: str = ""
    overdue: bool = False


def machine(url: str) -> type[RuleBasedStateMachine]:
    """The state machine over the redis-server at ``url``."""

    class Jobs(RuleBasedStateMachine):
        jobs = Bundle("jobs")
        claims = Bundle("claims")

        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            self.store = open_store(RedisSettings(redis_url=SecretStr(url), redis_prefix=f"m{uuid.uuid4().hex[:12]}"))
            self.work = self.store.work("w", lease_s=60, attempts=ATTEMPTS, block_ms=1)
            self.balance = FIRST_JOBS * TRANSFORM_CREDITS
            self.key = self.do(customer(self.store, self.balance))
            self.expected: dict[str, Expected] = {}

        def do(self, work: Coroutine[Any, Any, T]) -> T:
            return self.runner.run(work)

        def teardown(self) -> None:
            self.do(self.store.close())
            self.runner.close()

        def owner(self, claim: Claim) -> bool:
            """Whether the claim still holds its job."""
            expected = self.expected[claim.job.job_id]
            return not expected.status.terminal and expected.token == claim.token

        def end(self, job_id: str, status: JobStatus) -> None:
            self.expected[job_id].status = status
            self.expected[job_id].token = ""
            if status is not JobStatus.COMPLETED:
                self.balance += TRANSFORM_CREDITS

        def fenced(self, claim: Claim, write: Coroutine[Any, Any, object]) -> bool:
            """Try a write; it must go through for the holder alone."""
            held = self.owner(claim)
            try:
                self.do(write)
            except LostClaim:
                assert not held, "the holder's write was refused"
                return False
            assert held, "a late write went through"
            return True

        @rule(amount=st.integers(1, 4 * TRANSFORM_CREDITS), reference=st.sampled_from("abcdefghij"))
        def grant(self, amount: int, reference: str) -> None:
            before = self.do(self.store.credits.balance(self.key.account_id))
            after = self.do(self.store.credits.grant(self.key.account_id, amount, reference=reference))
            assert after in (before, before + amount)
            self.balance += after - before

        @rule(target=jobs, job=st.uuids())
        def submit(self, job: uuid.UUID) -> str:
            job_id = str(job)
            new = NewJob(job_id, self.key, order())
            if job_id not in self.expected and self.balance < TRANSFORM_CREDITS:
                with pytest.raises(InsufficientCredits):
                    self.do(self.store.jobs.submit(new))
                return ""
            self.do(self.store.jobs.submit(new))
            if job_id not in self.expected:
                self.expected[job_id] = Expected(JobStatus.QUEUED)
                self.balance -= TRANSFORM_CREDITS
            return job_id

        @rule(job_id=jobs)
        def submit_again(self, job_id: str) -> None:
            """A repeat after a lost answer changes nothing."""
            if job_id:
                self.do(self.store.jobs.submit(NewJob(job_id, self.key, order())))

        @rule(target=claims)
        def take(self) -> Claim | None:
            taken = self.do(self.work.take(1))
            if not taken:
                return None
            if isinstance(taken[0], Ended):
                job_id = taken[0].job_id
                assert self.expected[job_id].overdue or self.expected[job_id].attempts == ATTEMPTS
                self.end(job_id, JobStatus.FAILED)
                return None
            claim = taken[0]
            expected = self.expected[claim.job.job_id]
            assert not expected.status.terminal and not expected.token and not expected.overdue
            expected.status, expected.token = JobStatus.PROCESSING, claim.token
            expected.attempts += 1
            assert claim.job.attempts == expected.attempts <= ATTEMPTS
            return claim

        @rule(claim=claims, progress=st.integers(0, 99))
        def heartbeat(self, claim: Claim | None, progress: int) -> None:
            if claim:
                self.fenced(claim, self.work.heartbeat(claim, progress))

        @rule(claim=claims, step=st.sampled_from(STAGES))
        def stage(self, claim: Claim | None, step: Step) -> None:
            if claim and self.fenced(claim, self.work.stage_start(claim, step, step)):
                self.do(self.work.stage_done(claim, step, "{}", (), shown=step, progress=1))

        @rule(claim=claims)
        def finish(self, claim: Claim | None) -> None:
            if claim:
                if self.owner(claim):
                    self.do(do_stages(self.work, claim))
                if self.fenced_once(claim, JobStatus.COMPLETED, self.work.finish(claim)):
                    self.end(claim.job.job_id, JobStatus.COMPLETED)

        @rule(claim=claims)
        def fail(self, claim: Claim | None) -> None:
            if claim and self.fenced_once(claim, JobStatus.FAILED, self.work.fail(claim, FAILURE)):
                self.end(claim.job.job_id, JobStatus.FAILED)

        def fenced_once(self, claim: Claim, status: JobStatus, write: Coroutine[Any, Any, object]) -> bool:
            """As ``fenced``, but the attempt that ended the job in this way may say so again without effect."""
            if self.owner(claim):
                return self.fenced(claim, write)
            try:
                self.do(write)
            except LostClaim:
                return False
            assert self.expected[claim.job.job_id].status is status
            return False

        @rule(claim=claims, counts=st.booleans())
        def release(self, claim: Claim | None, counts: bool) -> None:
            if claim and self.fenced(claim, self.work.release(claim, pause_s=0, counts=counts)):
                expected = self.expected[claim.job.job_id]
                expected.token = ""
                expected.attempts -= 0 if counts else 1

        @rule(claim=claims)
        def lapse(self, claim: Claim | None) -> None:
            """The worker falls silent for longer than its lease."""
            if claim and self.owner(claim):
                scripts, job_id = self.store.scripts, claim.job.job_id
                self.do(scripts.client.hset(scripts.key(f"job:{job_id}"), "lease", "0"))
                self.do(scripts.client.zadd(scripts.key("leases"), {job_id: 0}))
                self.lapsed(job_id)

        def lapsed(self, job_id: str) -> None:
            """Another worker takes it, or its attempts are used up."""
            expected = self.expected[job_id]
            taken = self.do(self.work.take(1))
            while taken and (taken[0].job_id if isinstance(taken[0], Ended) else taken[0].job.job_id) != job_id:
                self.note(taken[0])
                taken = self.do(self.work.take(1))
            assert taken, "a job whose lease has run out is given to nobody"
            if isinstance(taken[0], Ended):
                assert expected.overdue or expected.attempts == ATTEMPTS
                self.end(job_id, JobStatus.FAILED)
            else:
                assert not expected.overdue
                expected.token = taken[0].token
                expected.attempts += 1

        def note(self, taken: Claim | Ended) -> None:
            if isinstance(taken, Ended):
                self.end(taken.job_id, JobStatus.FAILED)
                return
            expected = self.expected[taken.job.job_id]
            expected.status, expected.token = JobStatus.PROCESSING, taken.token
            expected.attempts += 1

        @rule(job_id=consumes(jobs))
        def cancel(self, job_id: str) -> None:
            if not job_id:
                return
            expected = self.expected[job_id]
            canceled = self.do(self.store.jobs.cancel(self.key.key_id, job_id))
            assert canceled.already_terminal == expected.status.terminal
            if not expected.status.terminal:
                self.end(job_id, JobStatus.CANCELED)
            assert canceled.status is expected.status

        @rule(job_id=jobs)
        def deadline_passes(self, job_id: str) -> None:
            if job_id and not self.expected[job_id].status.terminal:
                scripts = self.store.scripts
                self.do(scripts.client.hset(scripts.key(f"job:{job_id}"), "deadline", "1"))
                self.do(scripts.client.zadd(scripts.key("deadlines"), {job_id: 1}))
                self.expected[job_id].overdue = True

        @rule()
        def reap(self) -> None:
            overdue = {job for job, e in self.expected.items() if e.overdue and not e.status.terminal}
            assert {ended.job_id for ended in self.do(self.work.reap())} == overdue
            for job_id in overdue:
                self.end(job_id, JobStatus.FAILED)

        @invariant()
        def money_adds_up(self) -> None:
            assert self.do(self.store.credits.balance(self.key.account_id)) == self.balance >= 0
            audit = self.do(self.store.credits.verify())
            assert audit.drift == 0 and not audit.problems, audit.problems
            entries = self.do(self.store.credits.ledger(self.key.account_id, limit=200)).entries
            refunded = [entry.reference for entry in entries if entry.kind is LedgerKind.REFUND]
            assert len(refunded) == len(set(refunded)), "a charge came back twice"

        @invariant()
        def jobs_are_where_they_belong(self) -> None:
            client, key = self.store.scripts.client, self.store.scripts.key
            live = {job for job, e in self.expected.items() if not e.status.terminal}
            ended = set(self.expected) - live
            assert self.do(client.smembers(key(f"live:{self.key.account_id}"))) == live
            assert set(self.do(client.zrange(key("deadlines"), 0, -1))) == live
            assert {entry[1]["job"] for entry in self.do(client.xrange(key("queue")))} == live
            leased: Any = self.do(client.zrange(key("leases"), 0, -1))
            waiting: Any = self.do(client.zrange(key("waiting"), 0, -1))
            queued: Any = self.do(client.zrange(key(f"queue:{self.key.account_id}"), 0, -1))
            assert set(leased) | set(waiting) == live and not set(leased) & set(waiting)
            assert queued == waiting
            assert self.do(client.zrange(key("turns"), 0, -1)) == ([self.key.account_id] if waiting else [])
            busy: Any = self.do(client.zrange(key(f"busy:{self.key.account_id}"), 0, -1))
            assert set(busy) == {job for job in live if self.expected[job].token}
            expiring: Any = self.do(client.zrange(key("expiring:jobs"), 0, -1))
            assert {name.partition("/")[2] for name in expiring} == ended
            for job_id, expected in self.expected.items():
                job = self.do(self.store.jobs.get(self.key.key_id, job_id))
                assert (job.status, job.attempts) == (expected.status, expected.attempts)
                assert job.credits_refunded == (
                    TRANSFORM_CREDITS if job.status in (JobStatus.FAILED, JobStatus.CANCELED) else 0
                )
                terminals: Any = self.do(client.hget(key(f"job:{job_id}"), "terminals"))
                assert int(terminals or 0) == (1 if expected.status.terminal else 0)

    return Jobs


def test_any_history_of_jobs_adds_up(redis_server: RedisServer) -> None:
    """Every random sequence of submit, take, finish, fail, cancel, release, lapse and reap keeps every invariant."""
    run_state_machine_as_test(
        machine(redis_server.url),
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
