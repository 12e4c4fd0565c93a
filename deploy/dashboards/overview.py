"""Overview: are customers served, how fast is the error budget burning, what is queued."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.dashboards.panels import NAMESPACE, Query, board, lines, number, quantile, rate, rate_or_zero

API = 'route=~"/v1/.*"'
AVAILABILITY_TARGET = 0.999
JOBS_TARGET = 0.99

ALERTS_FIRE = "The alerts fire at 14.4 (1 h and 5 min), 6 (6 h and 30 min), 3 (1 d and 2 h) and 1 (3 d and 6 h)."

GOOD_BELOW_1 = ((None, "green"), (1.0, "yellow"), (6.0, "red"))


def overview() -> Dashboard:
    """The first page of an incident."""
    windows = ("5m", "30m", "1h", "6h")
    return board(
        "lensora-overview",
        "Lensora / Overview",
        "Service levels of the public API and of jobs. Targets: 99.9 % of requests without a server error, 99 % of "
        "jobs completed.",
        [
            (
                "Service levels",
                [
                    number(
                        "API availability",
                        "Requests to /v1 that were not answered with a 5xx, over 6 hours. Target 99.9 %.",
                        f"1 - avg(lensora:http_errors:ratio_rate6h{{{NAMESPACE}}})",
                        unit="percentunit",
                        steps=((None, "red"), (0.995, "yellow"), (AVAILABILITY_TARGET, "green")),
                        decimals=3,
                    ),
                    number(
                        "Jobs completed",
                        "Jobs that completed among those that completed or failed, over 6 hours. Target 99 %.",
                        f"1 - avg(lensora:job_failures:ratio_rate6h{{{NAMESPACE}}})",
                        unit="percentunit",
                        steps=((None, "red"), (0.97, "yellow"), (JOBS_TARGET, "green")),
                        decimals=2,
                    ),
                    number(
                        "API burn rate, 1 h",
                        "1 spends the month's error budget in a month; 14.4 in two days.",
                        f"max(lensora:http_errors:ratio_rate1h{{{NAMESPACE}}}) / {1 - AVAILABILITY_TARGET:.3f}",
                        steps=GOOD_BELOW_1,
                        decimals=1,
                    ),
                    number(
                        "Jobs burn rate, 1 h",
                        "1 spends the month's error budget in a month.",
                        f"max(lensora:job_failures:ratio_rate1h{{{NAMESPACE}}}) / {1 - JOBS_TARGET:.2f}",
                        steps=GOOD_BELOW_1,
                        decimals=1,
                    ),
                    number(
                        "Longest without a turn",
                        "How long an account with waiting jobs has had none taken.",
                        f"max(lensora_queue_turnless_seconds{{{NAMESPACE}}})",
                        unit="s",
                        steps=((None, "green"), (60.0, "yellow"), (120.0, "red")),
                    ),
                    number(
                        "Job time, median",
                        "From submit to the end, jobs that completed.",
                        quantile(0.5, "lensora_job_duration_seconds", 'outcome="completed"'),
                        unit="s",
                        decimals=1,
                    ),
                ],
            ),
            (
                "Burn rates",
                [
                    lines(
                        "API error budget: burn rate by window",
                        ALERTS_FIRE,
                        [
                            Query(
                                f"max(lensora:http_errors:ratio_rate{window}{{{NAMESPACE}}}) "
                                f"/ {1 - AVAILABILITY_TARGET:.3f}",
                                window,
                            )
                            for window in windows
                        ],
                    ),
                    lines(
                        "Job error budget: burn rate by window",
                        ALERTS_FIRE,
                        [
                            Query(
                                f"max(lensora:job_failures:ratio_rate{window}{{{NAMESPACE}}}) / {1 - JOBS_TARGET:.2f}",
                                window,
                            )
                            for window in windows
                        ],
                    ),
                ],
            ),
            (
                "Traffic",
                [
                    lines(
                        "Requests by status",
                        "Answers of the API, a second.",
                        [Query(rate("lensora_http_requests_total", API, by="status"), "{{status}}")],
                        unit="reqps",
                        stacked=True,
                    ),
                    lines(
                        "Request time by route",
                        "95th percentile. Held polls (Prefer: wait) and streams count for as long as they last.",
                        [Query(quantile(0.95, "lensora_http_request_duration_seconds", API, by="route"), "{{route}}")],
                        unit="s",
                    ),
                    lines(
                        "Jobs",
                        "Accepted, and ended by outcome, a minute.",
                        [
                            Query(f"60 * {rate_or_zero('lensora_jobs_accepted_total')}", "accepted"),
                            Query(f"60 * {rate('lensora_jobs_ended_total', by='outcome')}", "{{outcome}}"),
                        ],
                        unit="cpm",
                    ),
                    lines(
                        "Queue",
                        "Jobs that wait and jobs that run, and the slots that the workers have.",
                        [
                            Query(f"max(lensora_queue_jobs_waiting{{{NAMESPACE}}})", "waiting"),
                            Query(f"max(lensora_queue_jobs_running{{{NAMESPACE}}})", "running"),
                            Query(f"sum(lensora_worker_slots{{{NAMESPACE}}})", "slots"),
                        ],
                    ),
                ],
            ),
            (
                "What runs",
                [
                    lines(
                        "Processes",
                        "Pods by component and version that answer scrapes.",
                        [
                            Query(
                                f"count by (process, version) (lensora_build_info{{{NAMESPACE}}})",
                                "{{process}} {{version}}",
                            )
                        ],
                        width=24,
                    )
                ],
            ),
        ],
    )
