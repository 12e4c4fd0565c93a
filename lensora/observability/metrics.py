"""Prometheus metrics of one process, on a port of its own."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from lensora.core.errors import ConfigurationError
from lensora.listeners import effective_host

STAGE_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds: from a cheap composite on a CPU to the deadline of a large net."""

RPC_CALLS = Counter("lensora_rpc_calls_total", "gRPC calls handled by this process.", ["method", "status"])
RPC_SECONDS = Histogram(
    "lensora_rpc_duration_seconds", "Time of gRPC calls handled.", ["method"], buckets=STAGE_BUCKETS_S
)
RPC_RUNNING = Gauge("lensora_rpc_running", "gRPC calls that run, or wait for their turn, now.", ["method"])
BUILD = Gauge("lensora_build_info", "Always 1; the version and the process are in its labels.", ["version", "process"])


def serve(process: str, version: str, host: str, port: int) -> None:
    """Serve ``/metrics`` in a background thread; port 0 means none, host ``::`` every address.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    BUILD.labels(version=version, process=process).set(1)
    if port:
        address = effective_host(host)
        try:
            start_http_server(port, addr=address)
        except OSError as error:
            raise ConfigurationError(f"LENSORA_METRICS_PORT={port}: cannot listen on {address}: {error}") from error
