"""An order that has been checked becomes a job."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.http.plumbing.idempotency import Keep
from gateway.jobs import ports, pricing
from gateway.jobs.records import NewJob
from lensora.contract.answers import JobTicket
from lensora.core.steps import JobStatus


@dataclass(frozen=True, slots=True)
class Submission:
    """Places jobs."""

    jobs: ports.Jobs

    async def submit(self, new: NewJob, keep: Keep) -> bytes:
        """Charge and queue the job; returns its ticket as JSON.

        Raises:
            InvalidRequest: more work than one job may be.
            InsufficientCredits, TooManyJobs: of the store.
        """
        pricing.require_bounded(new.order.output)
        ticket = JobTicket(
            job_id=new.job_id,
            status=JobStatus.QUEUED,
            credits_used=new.price,
            estimated_seconds=await self.jobs.estimated_seconds(
                new.key.account_id, new.order.output, again=bool(new.parent_id)
            ),
            poll_url=f"/v1/studio/result/{new.job_id}",
        ).encoded()
        await self.jobs.submit(new, kept=keep(ticket))
        return ticket
