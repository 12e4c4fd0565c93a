"""On what terms this installation accepts a job, alone or in a batch."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.jobs import pricing
from gateway.jobs.records import OutputChoices


@dataclass(frozen=True, slots=True)
class Terms:
    """Milliseconds, and a number of jobs.

    Attributes:
        deadline_ms: time limit of an ordinary job, from its first claim.
        wait_ms: longest wait for that claim.
        kept_ms: from a job's end to its deletion.
        live_jobs: most live jobs of an account that has no number of its own.
    """

    deadline_ms: int
    wait_ms: int
    kept_ms: int
    live_jobs: int

    def of(self, output: OutputChoices) -> tuple[int, int, int, int, str]:
        """Arguments 11 to 15 of ``submit.lua`` and ``submit_batch.lua``."""
        limit_ms = round(self.deadline_ms * pricing.patience(output))
        return limit_ms, self.live_jobs, self.kept_ms, self.wait_ms, f"{pricing.units(output):.3f}"
