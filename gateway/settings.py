"""Settings of the gateway's processes that are about Redis, jobs and the worker."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from pydantic import Field, SecretStr

from lensora.settings import ArtifactSettings, Settings


class RedisSettings(Settings):
    """What every process of the gateway needs to reach the job store."""

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password where Redis asks for them."""
    redis_prefix: str = Field(default="lensora", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Installations that share a Redis take different prefixes."""
    redis_timeout_seconds: float = Field(default=2.0, gt=0.0, le=60.0)
    """Seconds that one command may take before Redis counts as away."""
    redis_connections: int = Field(default=64, ge=2, le=10_000)
    """Most connections of one process to Redis; further commands wait for one."""
    session_hours: float = Field(default=24.0, gt=0.0, le=8760.0)
    """Hours that a session and its photo are kept."""
    job_hours: float = Field(default=168.0, gt=0.0, le=8760.0)
    """Hours that a finished job and its artifacts are kept."""
    idempotency_hours: float = Field(default=24.0, gt=0.0, le=168.0)
    """Hours that the answer under an Idempotency-Key is kept."""
    job_deadline_seconds: float = Field(default=900.0, gt=0.0, le=86_400.0)
    """Seconds from submit to the end of a job; one that is not done by then fails and is refunded."""
    live_jobs: int = Field(default=1_000, ge=1, le=10_000_000)
    """Jobs of one account that may be queued or running, where the account has no number of its own."""
    requests_per_minute: int = Field(default=6_000, ge=1, le=10_000_000)
    """Requests of one account per minute, where the account has no number of its own."""


class WorkerSettings(RedisSettings, ArtifactSettings):
    """What the worker needs."""

    segment_target: str = "127.0.0.1:50052"
    """gRPC address of the segment service: ``host:port`` or ``dns:///name:port``."""
    mesh_target: str = "127.0.0.1:50053"
    """gRPC address of the mesh service."""
    render_target: str = "127.0.0.1:50054"
    """gRPC address of the render service."""
    worker_name: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    """Name of this worker among the others; letters, digits and dashes."""
    worker_jobs: int = Field(default=2, ge=1, le=1_000)
    """Jobs that this worker runs at the same time; it waits for services, so its own cost is small."""
    lease_seconds: float = Field(default=15.0, ge=0.5, le=600.0)
    """Seconds after which a silent worker's job is given to another one."""
    job_attempts: int = Field(default=3, ge=1, le=20)
    """How often a job is taken before it fails and is refunded."""
    sweep_seconds: float = Field(default=60.0, gt=0.0, le=86_400.0)
    """Seconds between two sweeps of expired artifacts."""
    drain_seconds: float = Field(default=10.0, ge=0.0, le=600.0)
    """Seconds after SIGTERM in which the worker hands its jobs back."""
    public_url: str = "http://127.0.0.1:8000"
    """What every URL in a webhook's body starts with."""
    url_signing_keys: SecretStr = SecretStr("")
    """Comma-separated secrets of at least 32 characters that sign artifact URLs: the same as the HTTP process's."""
    worker_ready_file: Path | None = None
    """A file that exists and is touched every second while the worker is well: for probes."""
