"""What the routes are handed: ports of the store, services, the way out, the signer. Made by ``process.py``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gateway.egress import Egress
from gateway.http.cutting import Cutting
from gateway.http.detection import Detection
from gateway.http.intake import Intake
from gateway.http.readiness import Readiness
from gateway.http.signing import FileLinks, UrlSigner
from gateway.jobs import ports
from lensora.adapters.artifacts import ArtifactStore


class Lifecycle:
    """Whether this process takes new work: ``draining`` is set at SIGTERM, and what waits for long goes home."""

    def __init__(self) -> None:
        self.draining = asyncio.Event()


@dataclass(frozen=True, slots=True)
class Surface:
    """Everything that a handler may use.

    Attributes:
        public_url: what every URL in an answer starts with, without a slash at its end.
        executor: for work on pictures, which must not block the event loop.
        intake: whose upload is read and worked on; bounds memory.
        upload_s: seconds that one upload may take to arrive.
        session_s: seconds that a session is kept.
        clock: Unix seconds.
    """

    public_url: str
    keys: ports.Keys
    accounts: ports.Accounts
    credits: ports.Credits
    sessions: ports.Sessions
    cutouts: ports.Cutouts
    jobs: ports.Jobs
    changes: ports.Changes
    idempotency: ports.Idempotency
    rate_limiter: ports.RateLimiter
    webhook_secrets: ports.WebhookSecrets
    artifacts: ArtifactStore
    detection: Detection
    cutting: Cutting
    readiness: Readiness
    egress: Egress
    signer: UrlSigner
    files: FileLinks
    executor: ThreadPoolExecutor
    intake: Intake
    upload_s: float
    lifecycle: Lifecycle
    session_s: float
    clock: Callable[[], float] = time.time
