"""Settings of ``python -m gateway worker``."""

from __future__ import annotations

import os
import socket

from pydantic import Field

from gateway.settings import EgressSettings, PublicSettings, RedisSettings
from lensora.settings import Address, ArtifactSettings, PathOrNone, RpcSettings, SigningSettings


class WorkerSettings(PublicSettings, RedisSettings, ArtifactSettings, SigningSettings, EgressSettings, RpcSettings):
    """What the worker needs."""

    segment_target: Address = "127.0.0.1:50052"
    """gRPC address of the segment service: ``host:port`` or ``dns:///name:port``."""
    mesh_target: Address = "127.0.0.1:50053"
    """gRPC address of the mesh service."""
    render_target: Address = "127.0.0.1:50054"
    """gRPC address of the render service."""
    worker_name: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}", pattern=r"^\S{1,200}$")
    """Name of this worker among the others, without spaces; host name and process id where none is given."""
    worker_jobs: int = Field(default=2, ge=1, le=1_000)
    """Jobs that this worker runs at the same time; it waits for services, so its own cost is small."""
    lease_seconds: float = Field(default=15.0, ge=0.5, le=600.0)
    """Seconds after which a silent worker's job is given to another one."""
    job_attempts: int = Field(default=3, ge=1, le=20)
    """How often a job is taken, and a failing stage is tried, before the job fails and is refunded."""
    sweep_seconds: float = Field(default=60.0, gt=0.0, le=86_400.0)
    """Seconds between two sweeps of expired artifacts."""
    orphan_seconds: float = Field(default=86_400.0, gt=0.0, le=8_640_000.0)
    """Seconds between two searches of the whole artifact store for files of no session or job, by any worker."""
    audit_seconds: float = Field(default=3_600.0, gt=0.0, le=864_000.0)
    """Seconds between two audits of every ledger."""
    drain_seconds: float = Field(default=10.0, ge=0.0, le=600.0)
    """Seconds after SIGTERM in which the worker hands its jobs back."""
    worker_alive_file: PathOrNone = None
    """A file that is touched every two seconds while the worker's loop turns: for liveness probes."""
