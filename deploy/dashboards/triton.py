"""Triton and its GPUs: the server's own metrics beside what its callers see."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.dashboards.panels import NAMESPACE, Query, board, lines, quantile, rate


def triton() -> Dashboard:
    """Queue, compute and batches by model; use, memory and power by GPU."""
    return board(
        "lensora-triton",
        "Lensora / Triton and GPUs",
        "NVIDIA Triton's own metrics, what its callers see, and the GPUs. Empty in an installation without Triton.",
        [
            (
                "Callers",
                [
                    lines(
                        "Inferences by model",
                        "As the services count them, a second.",
                        [Query(rate("lensora_triton_calls_total", by="model, outcome"), "{{model}} {{outcome}}")],
                        unit="reqps",
                        width=8,
                    ),
                    lines(
                        "Time of an inference",
                        "95th percentile, queue and transport included.",
                        [Query(quantile(0.95, "lensora_triton_duration_seconds", by="model"), "{{model}}")],
                        unit="s",
                        width=8,
                    ),
                    lines(
                        "Models that are ready",
                        "1 while Triton serves the model, 0 while it does not.",
                        [Query(f"min by (model) (lensora_triton_model_ready{{{NAMESPACE}}})", "{{model}}")],
                        maximum=1.0,
                        width=8,
                    ),
                ],
            ),
            (
                "Server",
                [
                    lines(
                        "Requests",
                        "By model, a second.",
                        [Query(rate("nv_inference_request_success", by="model"), "{{model}}")],
                        unit="reqps",
                        width=8,
                    ),
                    lines(
                        "Failures",
                        "By model and reason, a second.",
                        [
                            Query(
                                rate("nv_inference_request_failure", by="model, reason"),
                                "{{model}} {{reason}}",
                            )
                        ],
                        unit="reqps",
                        width=8,
                    ),
                    lines(
                        "Batch size",
                        "Inferences per execution: what dynamic batching gains.",
                        [
                            Query(
                                f"{rate('nv_inference_count', by='model')} "
                                f"/ {rate('nv_inference_exec_count', by='model')}",
                                "{{model}}",
                            )
                        ],
                        width=8,
                    ),
                    lines(
                        "Time in the queue",
                        "Mean seconds of a request before it runs.",
                        [
                            Query(
                                f"{rate('nv_inference_queue_duration_us', by='model')} / 1e6 "
                                f"/ {rate('nv_inference_request_success', by='model')}",
                                "{{model}}",
                            )
                        ],
                        unit="s",
                        width=8,
                    ),
                    lines(
                        "Time of the net",
                        "Mean seconds of a request's inference.",
                        [
                            Query(
                                f"{rate('nv_inference_compute_infer_duration_us', by='model')} / 1e6 "
                                f"/ {rate('nv_inference_request_success', by='model')}",
                                "{{model}}",
                            )
                        ],
                        unit="s",
                        width=8,
                    ),
                    lines(
                        "Waiting requests",
                        "By model.",
                        [Query(f"sum by (model) (nv_inference_pending_request_count{{{NAMESPACE}}})", "{{model}}")],
                        width=8,
                    ),
                ],
            ),
            (
                "GPUs",
                [
                    lines(
                        "Use",
                        "Share of time that a kernel ran.",
                        [Query(f"nv_gpu_utilization{{{NAMESPACE}}}", "{{pod}} {{gpu_uuid}}")],
                        unit="percentunit",
                        maximum=1.0,
                        width=8,
                    ),
                    lines(
                        "Memory",
                        "Used, of what there is.",
                        [
                            Query(
                                f"nv_gpu_memory_used_bytes{{{NAMESPACE}}} / nv_gpu_memory_total_bytes{{{NAMESPACE}}}",
                                "{{pod}} {{gpu_uuid}}",
                            )
                        ],
                        unit="percentunit",
                        maximum=1.0,
                        width=8,
                    ),
                    lines(
                        "Power",
                        "Watts.",
                        [Query(f"nv_gpu_power_usage{{{NAMESPACE}}}", "{{pod}} {{gpu_uuid}}")],
                        unit="watt",
                        width=8,
                    ),
                ],
            ),
        ],
    )
