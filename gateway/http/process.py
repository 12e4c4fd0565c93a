"""``python -m gateway http``: the composition root of the REST process."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from types import FrameType
from typing import Any

import uvicorn

from gateway.egress import Egress
from gateway.http.account import AccountCalls
from gateway.http.admin.calls import AdminCalls, Books
from gateway.http.admin.door import Door
from gateway.http.app import create_app
from gateway.http.batches.archive import ArchiveCalls
from gateway.http.batches.ordering import BATCH_BODIES, BatchOrdering
from gateway.http.batches.reading import BatchCalls
from gateway.http.files import Files
from gateway.http.health.probes import Probes
from gateway.http.health.readiness import Readiness
from gateway.http.jobs.changes import JobChanges
from gateway.http.jobs.results import Results
from gateway.http.jobs.shares import ShareCalls
from gateway.http.orders.brands import Brands
from gateway.http.orders.ordering import Ordering
from gateway.http.orders.outside import Outside
from gateway.http.orders.submission import Submission
from gateway.http.pages.shared import SharedPages
from gateway.http.plumbing.connections import ConnectionLimits, protocol_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Once
from gateway.http.plumbing.intake import Intake, IntakeLimits
from gateway.http.plumbing.lifecycle import Lifecycle
from gateway.http.plumbing.purse import Purse
from gateway.http.plumbing.waiting import Waiting
from gateway.http.settings import HttpSettings
from gateway.http.studio.backplates import BackplateCalls
from gateway.http.studio.brands import BrandCalls
from gateway.http.studio.cutout import CutoutCalls
from gateway.http.studio.cutting import Cutting
from gateway.http.studio.detection import Detection
from gateway.http.studio.init import InitCall
from gateway.http.studio.keeping import Keeping
from gateway.http.studio.photos import Photos
from gateway.http.studio.prices import PriceCalls
from gateway.http.studio.receiving import Receiving
from gateway.http.studio.sessions import SessionCalls
from gateway.http.studio.transform import TransformCalls
from gateway.http.studio.turns import TurnCall
from gateway.http.studio.views import ViewCalls
from gateway.jobs.store import Store, open_store
from gateway.links import FileLinks, UrlSigner
from gateway.resolver import CaresResolver
from lensora.adapters.artifacts import open_artifacts
from lensora.listeners import authority, open_listener
from lensora.observability import logs
from lensora.observability.process import begin
from lensora.rpc.channels import open_channel
from lensora.rpc.trust import Trust
from lensora.settings import load

PROCESS = "gateway-http"
KEEP_ALIVE_S = 75
"""Longer than the usual 60 s of load balancers: the balancer closes first, and no request meets a closed socket."""
BACKLOG = 2048

_log = logs.get(__name__)


def run() -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Raises:
        ConfigurationError: a setting is wrong, or the port is taken.
    """
    settings = load(HttpSettings)
    begin(PROCESS, settings)
    # uvloop where the platform has it: it is worth a third of a core under load.
    # Left to itself uvicorn puts in handlers of its own, past our redaction.
    with asyncio.Runner(loop_factory=uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()) as runner:
        runner.run(serve(settings))


class DrainingServer(uvicorn.Server):
    """Stops at the first SIGTERM or SIGINT in order, at the second at once.

    In order: ``/readyz`` says 503, held polls and streams are let go, running requests end, then the process does.
    """

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, notice_s: float) -> None:
        """
        Args:
            config: of uvicorn.
            lifecycle: is told of the drain.
            notice_s: seconds in which new connections are still taken after the signal.
        """
        super().__init__(config)
        self._lifecycle = lifecycle
        self._notice_s = notice_s
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        if self._lifecycle.draining.is_set():
            self.force_exit = self.should_exit = True
            return
        _log.info("draining")
        self._lifecycle.draining.set()
        self._loop.call_later(self._notice_s, self._stop_listening)

    def _stop_listening(self) -> None:
        self.should_exit = True


async def serve(settings: HttpSettings) -> None:
    """Open what the process needs, serve, drain, close."""
    listener = open_listener(settings.host, settings.port)
    async with AsyncExitStack() as stack:
        lifecycle = Lifecycle()
        store = await stack.enter_async_context(open_store(settings))
        store.start()
        config = uvicorn.Config(
            create_app(open_handlers(settings, store, lifecycle, stack), settings.public_url),
            **connection_options(limits_of(settings), settings.public_url),
            timeout_graceful_shutdown=round(settings.drain_seconds),
        )
        server = DrainingServer(config, lifecycle, settings.drain_notice_seconds)
        address, port = listener.getsockname()[:2]
        settle_memory()
        _log.info("serving", address=authority(address, port), public_url=settings.public_url)
        await server.serve([listener])
    _log.info("stopped")


def settle_memory() -> None:
    """Take what is loaded out of the garbage collector's sight, for good: looking through it would stop every request
    for tens of milliseconds, again and again, and find nothing."""
    gc.collect()
    gc.freeze()


def limits_of(settings: HttpSettings) -> ConnectionLimits:
    """What one connection may cost."""
    return ConnectionLimits(total=settings.connections, per_address=settings.connections_per_address)


def connection_options(limits: ConnectionLimits, public_url: str) -> dict[str, Any]:
    """How uvicorn treats connections, for its ``Config``; ``public_url`` as ``create_app`` has it."""
    return {
        "http": protocol_of(limits, public_url),
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "backlog": BACKLOG,
    }


def _admin(settings: HttpSettings, store: Store) -> tuple[object, ...]:
    """The operator's page, where a token is set."""
    token = settings.admin_token.get_secret_value()
    if not token:
        return ()
    books = Books(store.accounts, store.keys, store.credits, store.oversight)
    return (AdminCalls(Door(token), books, settings.public_url),)


def open_handlers(
    settings: HttpSettings, store: Store, lifecycle: Lifecycle, stack: AsyncExitStack
) -> tuple[object, ...]:
    """Every handler with the ports that it uses, what is asked most first; what they need is closed with the stack."""
    artifacts = open_artifacts(settings.artifacts_url)
    signer = UrlSigner(settings.signing_secrets(), settings.public_url)
    files = FileLinks(signer, artifacts.key_of)
    targets = {
        "detect": settings.detect_target,
        "segment": settings.segment_target,
        "mesh": settings.mesh_target,
        "render": settings.render_target,
    }
    trust = Trust.of(settings)
    channels = {name: open_channel(target, trust) for name, target in targets.items()}
    for channel in channels.values():
        stack.push_async_callback(channel.close)
    pictures = stack.enter_context(
        ThreadPoolExecutor(max_workers=settings.picture_threads, thread_name_prefix="picture")
    )
    gate = Gate(store.keys, store.limiter)
    once = Once(store.idempotency, settings.public_url)
    egress = Egress(settings.policy(), resolver=CaresResolver(settings.name_servers()))
    outside = Outside(egress, store.backplates)
    intake = Intake(IntakeLimits(work=settings.uploads, per_account=settings.uploads_per_account))
    receiving = Receiving(pictures, intake, settings.upload_seconds)
    purse, keeping = Purse(store.credits), Keeping(artifacts)
    photos = Photos(once, receiving, keeping)
    detection = Detection(channels["detect"], deadline_s=settings.detect_seconds, film_s=settings.turn_seconds)
    submission = Submission(store.jobs)
    waiting = Waiting(store.changes, lifecycle)
    brands = Brands(store.brands, outside)
    ordering = Ordering(store.sessions, store.cutouts, store.views, outside, brands)
    return (
        Results(gate, store.jobs, waiting, files),
        Files(artifacts, signer),
        InitCall(gate, once, purse, store.sessions, detection, photos, files, session_s=settings.session_hours * 3600),
        TransformCalls(gate, once, store.credits, store.jobs, ordering, submission),
        ViewCalls(gate, once, purse, store.sessions, store.views, detection, photos, files),
        TurnCall(gate, once, purse, store.sessions, store.views, detection, photos, files),
        CutoutCalls(
            gate,
            once,
            purse,
            store.sessions,
            store.cutouts,
            Cutting(channels["segment"], deadline_s=settings.cutout_seconds),
            keeping,
            files,
        ),
        SessionCalls(gate, store.sessions, files),
        ShareCalls(gate, store.shares, settings.public_url),
        SharedPages(store.shares, files, settings.public_url),
        BackplateCalls(gate, store.backplates, keeping, files, receiving),
        PriceCalls(gate),
        BrandCalls(gate, store.brands, outside, artifacts, files, receiving),
        JobChanges(gate, once, store.jobs, outside, submission),
        BatchOrdering(
            gate, once, store.credits, store.jobs, store.batches, outside, brands, ordering, Intake(BATCH_BODIES)
        ),
        BatchCalls(gate, store.jobs, store.batches, waiting, files),
        ArchiveCalls(gate, store.jobs, store.batches, artifacts, signer, files),
        *_admin(settings, store),
        AccountCalls(gate, store.accounts, store.credits, store.webhook_secrets),
        Probes(Readiness(store.health, channels), lifecycle),
    )
