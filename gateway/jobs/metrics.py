"""Prometheus metrics of jobs and money. Each process counts what its own calls did: add the processes up."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from lensora.core.steps import STAGES, JobStatus
from lensora.observability.metrics import STAGE_BUCKETS_S

JOB_BUCKETS_S = (1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 240.0, 480.0, 900.0)
"""Seconds: from a job on a GPU to the default deadline."""

JOBS_ACCEPTED = Counter("lensora_jobs_accepted_total", "Jobs that were accepted and charged.")
JOBS_ENDED = Counter("lensora_jobs_ended_total", "Jobs that ended, by outcome.", ["outcome"])
JOB_SECONDS = Histogram(
    "lensora_job_duration_seconds", "From submit to the end of a job.", ["outcome"], buckets=JOB_BUCKETS_S
)
JOB_ATTEMPTS = Counter("lensora_job_attempts_total", "Attempts at jobs, by how they ended.", ["ending"])
STAGE_SECONDS = Histogram(
    "lensora_job_stage_duration_seconds", "Stages of jobs, retries included.", ["stage"], buckets=STAGE_BUCKETS_S
)
STAGE_RETRIES = Counter("lensora_job_stage_retries_total", "Stage calls that were repeated.", ["stage", "code"])
QUEUE_WAITING = Gauge("lensora_queue_jobs_waiting", "Jobs that wait for a worker; the same in every worker.")
QUEUE_RUNNING = Gauge("lensora_queue_jobs_running", "Jobs that a worker has; the same in every worker.")
QUEUE_OLDEST_SECONDS = Gauge("lensora_queue_oldest_seconds", "How long the oldest waiting job has waited.")
QUEUE_TURNLESS_SECONDS = Gauge(
    "lensora_queue_turnless_seconds",
    "How long an account has had jobs that wait and none that runs, since it ordered or had its last turn.",
)
WAIT_BUCKETS_S = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 45.0, 90.0, 180.0, 360.0, 900.0, 3600.0, 21_600.0)
"""Seconds: from an idle worker to the longest time that a job may wait."""
ACCOUNT_CLASSES = {"newcomer": 1, "regular": 20, "bulk": None}
"""How much of the queue an account has when one of its jobs is taken: most live jobs of each class, with this one."""
JOB_WAIT = Histogram(
    "lensora_job_wait_seconds",
    "From submit to the first claim, by how many live jobs the account has.",
    ["account_class"],
    buckets=WAIT_BUCKETS_S,
)
WORKER_SLOTS = Gauge("lensora_worker_slots", "Jobs that this worker can run at the same time.")
WORKER_BUSY = Gauge("lensora_worker_slots_busy", "Jobs that this worker runs now.")
CREDITS_CHARGED = Counter("lensora_credits_charged_total", "Credits charged, by what for.", ["kind"])
CREDITS_REFUNDED = Counter("lensora_credits_refunded_total", "Credits given back, by why.", ["reason"])
LEDGER_DRIFT = Gauge("lensora_ledger_drift_credits", "Sum over accounts of |balance - ledger|, at the last audit.")
LEDGER_MISMATCHES = Gauge("lensora_ledger_mismatches", "What the last audit of the ledgers found wrong.")
LEDGER_AUDIT_TIME = Gauge("lensora_ledger_audit_timestamp_seconds", "When the last audit ended, Unix seconds.")
LARGEST_ACCOUNTS = 20
"""Accounts that have a series of their own: those that spent most. A series for each account would have no bound."""
ACCOUNT_CREDITS = Gauge(
    "lensora_account_credits_last_day",
    "Net credits of the last 24 h, of the accounts that spent most, at the last audit.",
    ["account"],
)
WEBHOOKS = Counter("lensora_webhooks_total", "Tries to deliver a webhook, by outcome.", ["outcome"])
SWEPT_BYTES = Counter("lensora_swept_bytes_total", "Bytes of expired artifacts that were deleted.", ["kind"])
STORE_AWAY = Counter("lensora_job_store_unavailable_total", "Commands that found Redis away.")

# Every series exists from the start, at 0: a rate sees no increase in a series whose first value is already 1, and the
# first failure of a fresh worker is the one that an alert must see.
for _class in ACCOUNT_CLASSES:
    JOB_WAIT.labels(account_class=_class)
for _outcome in (status.value for status in JobStatus if status.terminal):
    JOBS_ENDED.labels(outcome=_outcome)
    JOB_SECONDS.labels(outcome=_outcome)
for _ending in (JobStatus.COMPLETED, JobStatus.FAILED, "handed_back", "lost"):
    JOB_ATTEMPTS.labels(ending=_ending)
for _stage in STAGES:
    STAGE_SECONDS.labels(stage=_stage.value)
    STAGE_RETRIES.labels(stage=_stage.value, code="unavailable")
for _kind in ("init", "view", "cutout", "transform", "render"):
    CREDITS_CHARGED.labels(kind=_kind)
for _reason in (JobStatus.FAILED, JobStatus.CANCELED):
    CREDITS_REFUNDED.labels(reason=_reason)
for _outcome in ("delivered", "failed", "refused", "gone"):
    WEBHOOKS.labels(outcome=_outcome)
for _kind in ("sessions", "jobs", "orphaned_sessions", "orphaned_jobs"):
    SWEPT_BYTES.labels(kind=_kind)


def job_ended(outcome: JobStatus, seconds: float | None, credits_refunded: int) -> None:
    """Count the end of a job.

    Args:
        outcome: one that is an end.
        seconds: from submit to the end; None where it is not known.
        credits_refunded: what came back.
    """
    JOBS_ENDED.labels(outcome=outcome).inc()
    if seconds is not None:
        JOB_SECONDS.labels(outcome=outcome).observe(max(0.0, seconds))
    if credits_refunded:
        CREDITS_REFUNDED.labels(reason=outcome).inc(credits_refunded)


def account_class(live_jobs: int) -> str:
    """The class of an account with so many jobs that wait or run."""
    return next(name for name, most in ACCOUNT_CLASSES.items() if most is None or live_jobs <= most)
