"""Channels to the services, for callers that wait (grpc.aio)."""

from __future__ import annotations

import json

import grpc.aio

KEEPALIVE_MS = 20_000
"""A dead peer (kill -9 of its machine) is noticed within this and the timeout below."""
KEEPALIVE_TIMEOUT_MS = 5_000

SERVICE_CONFIG = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
"""Spread calls over every address of a headless Service. Retries are the caller's: it knows the job's deadline."""


RESOLVE_AGAIN_MS = 1_000
"""A name may be looked up again after this (gRPC: 30 s): two rolling restarts in a row change every address."""


def open_channel(target: str) -> grpc.aio.Channel:
    """A lazy channel to ``host:port`` or ``dns:///name:port``; reconnects by itself, within a second of a restart."""
    return grpc.aio.insecure_channel(
        target,
        options=[
            ("grpc.service_config", SERVICE_CONFIG),
            ("grpc.keepalive_time_ms", KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            ("grpc.dns_min_time_between_resolutions_ms", RESOLVE_AGAIN_MS),
        ],
    )
