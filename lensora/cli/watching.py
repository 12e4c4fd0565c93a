"""Following a job on a terminal, and what its end means for a command."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lensora.client import Client, Result
from lensora.core.errors import ConfigurationError, LensoraError, StageFailed, Unavailable
from lensora.core.steps import JobStatus


def watch(client: Client, job_id: str, console: Console, *, timeout_s: float | None = None) -> Result:
    """Wait until a job has ended, with a bar on the console while it runs.

    Raises:
        DeadlineExceeded: it still runs after ``timeout_s``.
        Unavailable: the server is away; the job is paid and goes on, so the sentence says how to follow it.
    """
    columns = (TextColumn("{task.description:16}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(JobStatus.QUEUED, total=100)
        try:
            return client.wait(
                job_id,
                on_progress=lambda result: bar.update(task, description=result.step, completed=result.progress),
                timeout_s=timeout_s,
            )
        except Unavailable as error:
            raise Unavailable(f"{error.message}; lensora jobs wait {job_id} follows the job, which goes on") from error


def ended(result: Result) -> None:
    """Raises StageFailed for a job that has not completed: a command that needs its files cannot go on."""
    if result.output is None:
        reason = f": {result.error}" if result.error else ""
        raise StageFailed(f"the job is {result.status}{reason}; {result.credits_refunded} credits came back")


def saved(client: Client, result: Result, out: Path) -> dict[str, Path]:
    """Save a job's files.

    Raises:
        Unavailable: the server is away.
        ConfigurationError: they cannot be fetched or written.

    The job is paid, so each sentence says how to get them.
    """
    try:
        return client.download(result, out)
    except (LensoraError, OSError) as error:
        kind = Unavailable if isinstance(error, Unavailable) else ConfigurationError
        raise kind(
            f"the job is made, but not saved: {error}; lensora jobs download {result.job_id} saves it later"
        ) from error
