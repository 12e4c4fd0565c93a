"""Services: rate, errors and duration of every process, and what the renderer draws on."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.dashboards.panels import NAMESPACE, Query, board, heat, lines, quantile, rate, rate_or_zero

SERVER_ERRORS = 'status=~"5.."'


def services() -> Dashboard:
    """RED, one row a kind of process."""
    return board(
        "lensora-services",
        "Lensora / Services",
        "Rate, errors and duration of every process.",
        [
            (
                "HTTP",
                [
                    lines(
                        "Requests by route",
                        "A second.",
                        [Query(rate("lensora_http_requests_total", by="route"), "{{route}}")],
                        unit="reqps",
                        width=8,
                    ),
                    lines(
                        "Server errors",
                        "Share of requests that were answered with a 5xx.",
                        [
                            Query(
                                f"{rate_or_zero('lensora_http_requests_total', SERVER_ERRORS)} "
                                f"/ {rate('lensora_http_requests_total')}",
                                "5xx",
                            )
                        ],
                        unit="percentunit",
                        width=8,
                    ),
                    heat(
                        "Request time",
                        "All routes.",
                        rate("lensora_http_request_duration_seconds_bucket", by="le"),
                        width=8,
                    ),
                ],
            ),
            (
                "gRPC",
                [
                    lines(
                        "Calls by method",
                        "A second.",
                        [Query(rate("lensora_rpc_calls_total", by="component, method"), "{{component}} {{method}}")],
                        unit="reqps",
                        width=8,
                    ),
                    lines(
                        "Calls by status",
                        "A second. RESOURCE_EXHAUSTED is back-pressure: the caller comes again.",
                        [Query(rate("lensora_rpc_calls_total", by="status"), "{{status}}")],
                        unit="reqps",
                        width=8,
                    ),
                    lines(
                        "Call time",
                        "95th percentile by method.",
                        [Query(quantile(0.95, "lensora_rpc_duration_seconds", by="method"), "{{method}}")],
                        unit="s",
                        width=8,
                    ),
                    lines(
                        "Calls that run",
                        "By component, those that wait too: the number that the stages can be scaled on.",
                        [Query(f"sum by (component) (lensora_rpc_running{{{NAMESPACE}}})", "{{component}}")],
                        width=8,
                    ),
                    lines(
                        "Processor time",
                        "Cores, by component.",
                        [Query(rate("process_cpu_seconds_total", by="component"), "{{component}}")],
                        unit="short",
                        width=8,
                    ),
                    lines(
                        "Memory",
                        "Resident, the largest pod of each component.",
                        [
                            Query(
                                f"max by (component) (process_resident_memory_bytes{{{NAMESPACE}}})",
                                "{{component}}",
                            )
                        ],
                        unit="bytes",
                        width=8,
                    ),
                ],
            ),
            (
                "Renderer",
                [
                    lines(
                        "Frames",
                        "Frames a second, all renderers.",
                        [Query(rate_or_zero("lensora_render_frames_total"), "frames")],
                        unit="fps",
                        width=8,
                    ),
                    lines(
                        "Films by move",
                        "A minute.",
                        [Query(f"60 * {rate('lensora_render_films_total', by='move')}", "{{move}}")],
                        unit="cpm",
                        width=8,
                    ),
                    lines(
                        "Time to draw one frame",
                        "Median and 99th percentile.",
                        [
                            Query(quantile(0.5, "lensora_render_draw_seconds"), "median"),
                            Query(quantile(0.99, "lensora_render_draw_seconds"), "99 %"),
                        ],
                        unit="s",
                        width=8,
                    ),
                    lines(
                        "Phases of a film",
                        "Mean seconds of each phase.",
                        [
                            Query(
                                f"{rate('lensora_render_phase_seconds_sum', by='phase')} "
                                f"/ {rate('lensora_render_phase_seconds_count', by='phase')}",
                                "{{phase}}",
                            )
                        ],
                        unit="s",
                        width=8,
                    ),
                    lines(
                        "Devices",
                        "Renderers by what they draw on.",
                        [Query(f"count by (device) (lensora_render_device_info{{{NAMESPACE}}} == 1)", "{{device}}")],
                        width=8,
                    ),
                    lines(
                        "Renderers replaced after a failure",
                        "In the last 15 minutes.",
                        [
                            Query(
                                f"sum(increase(lensora_render_restarts_total{{{NAMESPACE}}}[15m])) or vector(0)",
                                "replaced",
                            )
                        ],
                        width=8,
                    ),
                ],
            ),
        ],
    )
