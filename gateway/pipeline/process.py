"""Composition root of ``python -m gateway worker``."""

from __future__ import annotations

import asyncio
import signal
import time

from gateway.batch_results import batch_of
from gateway.egress import Egress
from gateway.jobs import metrics as job_metrics
from gateway.jobs.batch_records import Batch
from gateway.jobs.records import ENDED, Job
from gateway.jobs.store import Store, open_store
from gateway.links import FileLinks, UrlSigner
from gateway.pipeline.handover import Handover
from gateway.pipeline.redis_watch import WATCH_S, RedisWatch
from gateway.pipeline.settings import WorkerSettings
from gateway.pipeline.stages import Stages
from gateway.pipeline.sweeper import Sweeper
from gateway.pipeline.webhooks import Deliveries, Tidings
from gateway.pipeline.worker import ATTEND_S, REAP_S, Worker, cancelled, repeatedly
from gateway.resolver import CaresResolver
from gateway.results import result_of
from lensora import __version__
from lensora.adapters.artifacts import open_artifacts
from lensora.contract.answers import Result
from lensora.contract.batches import Batch as PublicBatch
from lensora.observability import logs
from lensora.observability.process import begin
from lensora.rpc.channels import open_channel
from lensora.rpc.trust import Trust
from lensora.settings import load

_log = logs.get(__name__)

ORPHAN_CHECK_S = 600.0
"""How often a worker asks whether it is time to look for orphans."""

FIRST_AUDIT_S = 30.0
"""An audit reads every ledger, a search for orphans the whole artifact store: not in the first seconds of a worker,
which has jobs to take over."""

DELIVER_S = 1.0
"""Longest time from a job's end to the first try of its webhook."""


def run() -> None:
    """Work until SIGTERM or SIGINT, then hand every job back. Raises ConfigurationError for bad settings."""
    settings = load(WorkerSettings)
    begin("worker", settings)
    asyncio.run(work(settings))


async def work(settings: WorkerSettings) -> None:
    """The worker of these settings, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    artifacts = open_artifacts(settings.artifacts_url)
    signer = UrlSigner(settings.signing_secrets(), settings.public_url)
    links = FileLinks(signer, artifacts.key_of)
    egress = Egress(settings.policy(), resolver=CaresResolver(settings.name_servers()))
    trust = Trust.of(settings)
    segment, mesh, render = (
        open_channel(target, trust)
        for target in (settings.segment_target, settings.mesh_target, settings.render_target)
    )

    def result(job: Job) -> Result:
        return result_of(job, ENDED, links)

    def batch_result(batch: Batch) -> PublicBatch:
        return batch_of(batch, links)

    async with open_store(settings) as store:
        store.watch_ends()
        worker = Worker(
            store.work(settings.worker_name, lease_s=settings.lease_seconds, attempts=settings.job_attempts),
            Stages(segment, mesh, render, artifacts=artifacts, egress=egress),
            Handover(artifacts, egress),
            store.ended,
            slots=settings.worker_jobs,
            lease_s=settings.lease_seconds,
            tries=settings.job_attempts,
        )
        sweeper = Sweeper(store.expiry, artifacts)
        tidings = Tidings(store.jobs, store.batches, result=result, batch=batch_result)
        deliveries = Deliveries(store.hooks, tidings, store.webhook_secrets, egress, clock=time.time)

        async def attend() -> None:
            if settings.worker_alive_file is not None:
                settings.worker_alive_file.touch()
            await worker.attend()

        async def sweep() -> None:
            await sweeper.sweep()

        async def sweep_orphans() -> None:
            await sweeper.sweep_orphans(settings.orphan_seconds)

        chores = [
            asyncio.create_task(repeatedly("attend", ATTEND_S, attend)),
            asyncio.create_task(repeatedly("reap", REAP_S, worker.reap)),
            asyncio.create_task(repeatedly("deliver", DELIVER_S, deliveries.deliver_due)),
            asyncio.create_task(repeatedly("sweep", settings.sweep_seconds, sweep)),
            asyncio.create_task(repeatedly("watch", WATCH_S, RedisWatch(store.clients[0]).look)),
            asyncio.create_task(
                repeatedly(
                    "orphans", min(settings.orphan_seconds, ORPHAN_CHECK_S), sweep_orphans, first_after_s=FIRST_AUDIT_S
                )
            ),
            asyncio.create_task(
                repeatedly("audit", settings.audit_seconds, lambda: _audit(store), first_after_s=FIRST_AUDIT_S)
            ),
        ]
        _log.info("working", worker=settings.worker_name, slots=settings.worker_jobs, version=__version__)
        try:
            await worker.run(stop, drain_s=settings.drain_seconds)
        finally:
            await cancelled(chores)
            for channel in (segment, mesh, render):
                await channel.close(None)
            _log.info("stopped")


async def _audit(store: Store) -> None:
    audit = await store.credits.verify()
    job_metrics.LEDGER_DRIFT.set(audit.drift)
    job_metrics.LEDGER_MISMATCHES.set(len(audit.mismatches))
    job_metrics.LEDGER_AUDIT_TIME.set_to_current_time()
    job_metrics.ACCOUNT_CREDITS.clear()
    for account in sorted(audit.spent, key=lambda name: -audit.spent[name])[: job_metrics.LARGEST_ACCOUNTS]:
        job_metrics.ACCOUNT_CREDITS.labels(account=account).set(audit.spent[account])
    for problem in audit.problems:
        _log.error("ledger_mismatch", problem=problem)
