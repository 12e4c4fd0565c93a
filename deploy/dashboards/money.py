"""Money: what is charged and given back, and whether the ledgers agree."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.dashboards.panels import NAMESPACE, Query, board, lines, number, rate, rate_or_zero

UNPAID = 'status="402"'


def money() -> Dashboard:
    """Credits, the audit, and the store that keeps both."""
    return board(
        "lensora-money",
        "Lensora / Money",
        "Credits charged and refunded, the audit of the ledgers, and the Redis that keeps them.",
        [
            (
                "Now",
                [
                    number(
                        "Ledger mismatches",
                        "Found by the last audit; must be 0.",
                        f"max(lensora_ledger_mismatches{{{NAMESPACE}}})",
                        steps=((None, "green"), (1.0, "red")),
                    ),
                    number(
                        "Drift, credits",
                        "Sum over accounts of |balance - ledger| at the last audit; must be 0.",
                        f"max(lensora_ledger_drift_credits{{{NAMESPACE}}})",
                        steps=((None, "green"), (1.0, "red")),
                    ),
                    number(
                        "Since the last audit",
                        "Every worker audits all ledgers once an hour.",
                        f"time() - max(lensora_ledger_audit_timestamp_seconds{{{NAMESPACE}}})",
                        unit="s",
                        steps=((None, "green"), (7200.0, "yellow"), (10800.0, "red")),
                    ),
                    number(
                        "Charged",
                        "Credits in the chosen time.",
                        f"sum(increase(lensora_credits_charged_total{{{NAMESPACE}}}[$__range]))",
                    ),
                    number(
                        "Refunded",
                        "Credits in the chosen time.",
                        f"sum(increase(lensora_credits_refunded_total{{{NAMESPACE}}}[$__range])) or vector(0)",
                    ),
                    number(
                        "Refund rate",
                        "Refunded credits over charged ones, in the chosen time.",
                        f"(sum(increase(lensora_credits_refunded_total{{{NAMESPACE}}}[$__range])) or vector(0)) "
                        f"/ sum(increase(lensora_credits_charged_total{{{NAMESPACE}}}[$__range]))",
                        unit="percentunit",
                        steps=((None, "green"), (0.02, "yellow"), (0.05, "red")),
                        decimals=1,
                    ),
                ],
            ),
            (
                "Credits",
                [
                    lines(
                        "Charged by kind",
                        "Credits a minute.",
                        [Query(f"60 * {rate('lensora_credits_charged_total', by='kind')}", "{{kind}}")],
                        stacked=True,
                    ),
                    lines(
                        "Refunded by reason",
                        "Credits a minute.",
                        [
                            Query(f"60 * {rate('lensora_credits_refunded_total', by='reason')}", "{{reason}}"),
                            Query(f"60 * {rate_or_zero('lensora_credits_refunded_total')}", "all"),
                        ],
                    ),
                    lines(
                        "Use by account",
                        "Net credits of the last 24 h of the twenty accounts that spent most, by the hourly audit.",
                        [Query(f"max by (account) (lensora_account_credits_last_day{{{NAMESPACE}}})", "{{account}}")],
                        stacked=True,
                    ),
                    lines(
                        "Requests without enough credit",
                        "Answers with 402, a minute.",
                        [Query(f"60 * {rate_or_zero('lensora_http_requests_total', UNPAID)}", "402")],
                        unit="cpm",
                    ),
                ],
            ),
            (
                "The store",
                [
                    lines(
                        "Durability",
                        "1 is well: the append-only file is on, its last write and its last rewrite succeeded.",
                        [
                            Query(f"min(lensora_redis_aof_enabled{{{NAMESPACE}}})", "append-only file"),
                            Query(f"min(lensora_redis_aof_last_write_ok{{{NAMESPACE}}})", "last write"),
                            Query(f"min(lensora_redis_aof_last_rewrite_ok{{{NAMESPACE}}})", "last rewrite"),
                        ],
                        maximum=1.0,
                        width=8,
                    ),
                    lines(
                        "Memory",
                        "Redis's data, and what it may take.",
                        [
                            Query(f"max(lensora_redis_memory_used_bytes{{{NAMESPACE}}})", "used"),
                            Query(f"max(lensora_redis_memory_limit_bytes{{{NAMESPACE}}})", "limit"),
                        ],
                        unit="bytes",
                        width=8,
                    ),
                    lines(
                        "Commands that found Redis away",
                        "A second, by component.",
                        [
                            Query(rate("lensora_job_store_unavailable_total", by="component"), "{{component}}"),
                        ],
                        unit="cps",
                        width=8,
                    ),
                ],
            ),
        ],
    )
