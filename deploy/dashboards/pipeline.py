"""Pipeline: where jobs spend their time, what waits, what is repeated."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.dashboards.panels import NAMESPACE, Query, board, heat, lines, number, quantile, rate, rate_or_zero

NEWCOMER = 'account_class="newcomer"'

COMPLETED = 'outcome="completed"'

JOB_WORK = f"{rate('lensora_job_stage_duration_seconds_sum')} / {rate('lensora_jobs_ended_total', COMPLETED)}"
"""Seconds that the stages of a job take, added up."""

STAGES = ("removing-bg", "generating-bg", "compositing", "generating-3d", "rendering-video")
"""Steps of the public API that do work."""


def pipeline() -> Dashboard:
    """Stages as heat maps, and the queue before them."""
    return board(
        "lensora-pipeline",
        "Lensora / Pipeline",
        "The way of a job through its stages.",
        [
            (
                "Queue",
                [
                    lines(
                        "Depth",
                        "Jobs that wait for a worker and jobs that a worker has.",
                        [
                            Query(f"max(lensora_queue_jobs_waiting{{{NAMESPACE}}})", "waiting"),
                            Query(f"max(lensora_queue_jobs_running{{{NAMESPACE}}})", "running"),
                        ],
                        width=8,
                    ),
                    lines(
                        "Waits",
                        "The oldest waiting job's age, which one large batch makes long, and how long an account with "
                        "waiting jobs has had no turn, which means that there are too few workers.",
                        [
                            Query(f"max(lensora_queue_oldest_seconds{{{NAMESPACE}}})", "oldest job"),
                            Query(f"max(lensora_queue_turnless_seconds{{{NAMESPACE}}})", "without a turn"),
                        ],
                        unit="s",
                        width=8,
                    ),
                    lines(
                        "Workers' slots",
                        "Busy against all.",
                        [
                            Query(f"sum(lensora_worker_slots_busy{{{NAMESPACE}}})", "busy"),
                            Query(f"sum(lensora_worker_slots{{{NAMESPACE}}})", "all"),
                        ],
                        width=8,
                    ),
                ],
            ),
            (
                "Fairness",
                [
                    lines(
                        "Wait by account, p95",
                        "From submit to the first claim, by what the account has in the queue: its only job "
                        "(newcomer), up to 20 (regular), or more (bulk). Accounts take turns: only bulk should wait.",
                        [Query(quantile(0.95, "lensora_job_wait_seconds", by="account_class"), "{{account_class}}")],
                        unit="s",
                    ),
                    lines(
                        "Jobs begun by account",
                        "A minute, by what the account has in the queue.",
                        [
                            Query(
                                f"60 * {rate('lensora_job_wait_seconds_count', by='account_class')}",
                                "{{account_class}}",
                            )
                        ],
                        unit="cpm",
                        stacked=True,
                        width=8,
                    ),
                    number(
                        "Newcomers' wait",
                        "Median wait of an account's only job, over the time of a job's stages: at most 2.",
                        f"{quantile(0.5, 'lensora_job_wait_seconds', NEWCOMER)} / ({JOB_WORK})",
                        steps=((None, "green"), (2.0, "yellow"), (4.0, "red")),
                        decimals=1,
                    ),
                ],
            ),
            (
                "Jobs",
                [
                    heat(
                        "Job time",
                        "From submit to the end.",
                        rate("lensora_job_duration_seconds_bucket", 'outcome="completed"', by="le"),
                    ),
                    lines(
                        "Stage time, median",
                        "Where the time goes.",
                        [Query(quantile(0.5, "lensora_job_stage_duration_seconds", by="stage"), "{{stage}}")],
                        unit="s",
                    ),
                    lines(
                        "Attempts by ending",
                        "More attempts than jobs: workers that were stopped or died.",
                        [Query(f"60 * {rate('lensora_job_attempts_total', by='ending')}", "{{ending}}")],
                        unit="cpm",
                    ),
                    lines(
                        "Repeated stage calls",
                        "A stage's service was away, busy or failed, and was asked again; a minute.",
                        [
                            Query(
                                f"60 * {rate('lensora_job_stage_retries_total', by='stage, code')}",
                                "{{stage}} {{code}}",
                            ),
                            Query(f"60 * {rate_or_zero('lensora_job_stage_retries_total')}", "all"),
                        ],
                        unit="cpm",
                    ),
                ],
            ),
            (
                "Stages",
                [
                    heat(
                        stage,
                        "Time of the stage, retries included.",
                        rate("lensora_job_stage_duration_seconds_bucket", f'stage="{stage}"', by="le"),
                        width=8,
                    )
                    for stage in STAGES
                ],
            ),
            (
                "After the job",
                [
                    lines(
                        "Webhooks",
                        "Tries by outcome, a minute.",
                        [
                            Query(f"60 * {rate('lensora_webhooks_total', by='outcome')}", "{{outcome}}"),
                            Query(f"60 * {rate_or_zero('lensora_webhooks_total')}", "all"),
                        ],
                        unit="cpm",
                    ),
                    number(
                        "Expired files, bytes deleted",
                        "In the chosen time.",
                        f"sum(increase(lensora_swept_bytes_total{{{NAMESPACE}}}[$__range])) or vector(0)",
                        unit="bytes",
                        width=12,
                    ),
                ],
            ),
        ],
    )
