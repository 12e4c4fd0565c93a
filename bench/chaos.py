"""Jobs while every process is killed in turn: is anything lost, charged twice, or done twice?

``python -m bench.chaos [--jobs 200] [--kill-every 1.0]``. Clients submit over HTTP with an Idempotency-Key and repeat
until they have a definite answer; every second or so one process is killed with SIGKILL and started again, Redis
included; between the kills a worker is stopped (SIGSTOP) for longer than its lease and continued. Then the dust
settles, and the store, the ledgers and the stages' own logs are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import json
import random
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.cheap_house import CheapHouse
from gateway.jobs.records import INIT_CREDITS, TRANSFORM_CREDITS, Job
from gateway.jobs.store import Store
from lensora.core.errors import JobNotFound
from lensora.core.steps import JobStatus, Step
from lensora.testing.stages import picture

LEASE_S = 2.0
"""Shorter than in production, so that a killed worker's jobs are taken over within the bench's time."""
FREEZE_S = 3.0
"""A frozen worker is silent for longer than its lease."""
ACCOUNTS = 4
CANCEL_SHARE = 0.05
POLL_S = 0.7
CLOCK_MS = 50.0
"""Slack between a stage's own clock and Redis's, both on this machine."""

STEP_OF = {
    "Cutout": Step.REMOVING_BG,
    "CreateBackplate": Step.GENERATING_BG,
    "Composite": Step.COMPOSITING,
    "CreateMesh": Step.GENERATING_3D,
    "RenderVideo": Step.RENDERING_VIDEO,
}


@dataclass
class Tally:
    """What the clients saw."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Job id -> secret of the key that made it."""
    accepted_at: dict[str, float] = field(default_factory=dict)
    """Job id -> when the client had the answer, seconds of ``time.monotonic``."""
    ended: dict[str, str] = field(default_factory=dict)
    """Job id -> terminal status, as first seen."""
    flips: int = 0
    """Jobs that were seen with two terminal statuses."""
    repeats: int = 0
    """Requests that were sent again."""


async def definite(client: httpx.AsyncClient, tally: Tally, method: str, path: str, **request: Any) -> httpx.Response:
    """Repeat a request until its answer is neither a broken connection nor 'come back later'."""
    while True:
        try:
            answer = await client.request(method, path, **request)
            busy = answer.status_code in (409, 429, 503) or answer.status_code >= 500
            if not busy:
                return answer
        except httpx.HTTPError:
            pass
        tally.repeats += 1
        await asyncio.sleep(random.uniform(0.1, 0.4))


async def one_client(client: httpx.AsyncClient, tally: Tally, secret: str, session_id: str) -> None:
    """Order a job, perhaps cancel it, and poll to its end."""
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"session_id": session_id, "background": {"type": "prompt", "prompt": "on a marble countertop"}}
    key = str(uuid.uuid4())
    answer = await definite(
        client, tally, "POST", "/v1/studio/transform", json=body, headers={**headers, "Idempotency-Key": key}
    )
    if answer.status_code != 200:
        raise SystemExit(f"transform answered {answer.status_code}: {answer.text}")
    job_id = answer.json()["job_id"]
    tally.accepted[job_id], tally.accepted_at[job_id] = secret, time.monotonic()
    if random.random() < CANCEL_SHARE:
        await asyncio.sleep(random.uniform(0.0, 2.0))
        await definite(client, tally, "POST", f"/v1/studio/jobs/{job_id}/cancel", headers=headers)
    while True:
        answer = await definite(client, tally, "GET", f"/v1/studio/result/{job_id}", headers=headers)
        status = answer.json().get("status", f"http {answer.status_code}")
        if status not in (JobStatus.QUEUED, JobStatus.PROCESSING):
            tally.ended[job_id] = status
            return
        await asyncio.sleep(random.uniform(0.5, 1.5) * POLL_S)


Storm = Callable[[CheapHouse, asyncio.Event, Counter[str]], Coroutine[Any, Any, None]]
"""What happens to the house while the clients work; it ends soon after the event is set."""


async def torment(house: CheapHouse, until: asyncio.Event, counts: Counter[str], *, every_s: float) -> None:
    """Kill one process after another, and now and then freeze a worker; what is down comes back by itself."""
    loop = asyncio.get_running_loop()
    down: dict[str, asyncio.Task[None]] = {}

    async def restart(victim: Any) -> None:
        await asyncio.sleep(random.uniform(0.0, 0.4))
        await loop.run_in_executor(None, victim.start)

    redis, http, first, last = house.redis, house.http, house.workers[0], house.workers[-1]
    _detect, segment, mesh, render = house.stages
    victims: list[Any] = [redis, first, segment, http, last, mesh, redis, first, render, "freeze", *house.stages[:1]]
    for victim in itertools.cycle(victims):
        try:
            await asyncio.wait_for(until.wait(), random.uniform(0.7, 1.3) * every_s)
            break
        except TimeoutError:
            pass
        name = last.name if victim == "freeze" else "redis" if victim is redis else victim.name
        if name in down and not down[name].done():
            continue
        if victim == "freeze":
            counts["freezes"] += 1
            down[name] = asyncio.create_task(last.freeze(FREEZE_S))
            continue
        counts["kills"] += 1
        counts[name] += 1
        victim.kill()
        down[name] = asyncio.create_task(restart(victim))
    await asyncio.gather(*down.values())


async def judge(store: Store, tally: Tally, keys: dict[str, tuple[str, str]], run_log: Path) -> dict[str, Any]:
    """Compare what the clients were told, what the store holds, what the ledgers say, and what the stages did."""
    lost = double = drift = rerun = unknown = 0
    jobs: dict[str, Job] = {}
    for job_id, secret in tally.accepted.items():
        try:
            job = await store.jobs.get(keys[secret][0], job_id)
        except JobNotFound:
            lost += 1
            continue
        jobs[job_id] = job
        if not job.status.terminal:
            lost += 1
        elif tally.ended.get(job_id, job.status) != job.status:
            tally.flips += 1
        terminals: Any = await store.scripts.client.hget(store.scripts.key(f"job:{job_id}"), "terminals")
        double += int(terminals or 0) > 1
    for secret, (key_id, account_id) in keys.items():
        cursor = ""
        granted = charged = refunded = 0
        while True:
            page = await store.credits.ledger(account_id, cursor=cursor, limit=200)
            for entry in page.entries:
                granted += entry.amount if entry.kind == "grant" else 0
                charged -= entry.amount if entry.kind == "charge" else 0
                refunded += entry.amount if entry.kind == "refund" else 0
            cursor = page.next_cursor
            if not cursor:
                break
        mine = [job for job_id, job in jobs.items() if tally.accepted[job_id] == secret]
        completed = sum(job.status is JobStatus.COMPLETED for job in mine)
        balance = await store.credits.balance(account_id)
        # From the customer's side: one session, and every video that was delivered; nothing else costs anything.
        expected = granted - INIT_CREDITS - TRANSFORM_CREDITS * completed
        drift += abs(balance - (granted - charged + refunded)) + abs(balance - expected)
        listed: set[str] = set()
        cursor = ""
        while True:
            listing = await store.jobs.list(key_id, cursor=cursor, limit=100)
            listed |= {job.job_id for job in listing.jobs if job.status is JobStatus.COMPLETED}
            cursor = listing.next_cursor
            if not cursor:
                break
        unknown += len(listed - set(tally.accepted))
    audit = await store.credits.verify()
    runs = [json.loads(line) for line in run_log.read_text().splitlines()]
    for run in runs:
        job = jobs.get(run["job"])
        step = STEP_OF.get(run["method"])
        if job is None or step is None or run["outcome"] != "started":
            continue
        timing = next(stage for stage in job.stages if stage.step is step)
        if timing.status == "done" and run["started_ms"] > timing.started_ms + timing.ms + CLOCK_MS:
            rerun += 1
    return {
        "lost": lost,
        "double_terminal": double + tally.flips,
        "ledger_drift": drift + audit.drift + len(audit.problems),
        "charged_unknown": unknown,
        "stages_rerun": rerun,
        "stage_runs": sum(run["outcome"] == "started" for run in runs),
        "problems": list(audit.problems)[:5],
        "outcomes": dict(Counter(job.status.value for job in jobs.values())),
        "attempts_max": max((job.attempts for job in jobs.values()), default=0),
        "errors": dict(Counter(job.error.message for job in jobs.values() if job.error)),
    }


async def chaos(
    house: CheapHouse, *, jobs: int, storm: Storm, limit_s: float, tally: Tally | None = None
) -> dict[str, Any]:
    """Run the storm on a house that is up, and judge."""
    tally, counts = tally or Tally(), Counter[str]()
    keys: dict[str, tuple[str, str]] = {}
    sessions: dict[str, str] = {}
    async with (
        house.store() as store,
        httpx.AsyncClient(base_url=house.url, timeout=15.0, limits=httpx.Limits(max_connections=256)) as client,
    ):
        for number in range(ACCOUNTS):
            account = f"account-{number}"
            await store.accounts.create(account)
            await store.credits.grant(account, INIT_CREDITS + TRANSFORM_CREDITS * (jobs + 1), reference="first")
            key, secret = await store.keys.create(account)
            keys[secret] = (key.key_id, account)
            photo = _photo()
            answer = await definite(
                client,
                tally,
                "POST",
                "/v1/studio/init",
                files={"image": ("photo.jpg", photo)},
                headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "init"},
            )
            if answer.status_code != 200:
                raise SystemExit(f"init answered {answer.status_code}: {answer.text}")
            sessions[secret] = answer.json()["session_id"]
        over = asyncio.Event()
        storming = asyncio.create_task(storm(house, over, counts))
        started = time.monotonic()
        clients = []
        for number in range(jobs):
            secret = list(keys)[number % ACCOUNTS]
            clients.append(asyncio.create_task(one_client(client, tally, secret, sessions[secret])))
            await asyncio.sleep(random.expovariate(1.0) * min(0.15, limit_s / 3 / jobs))
        # The storm goes on until all but the last few have ended or its time is up; then what is left may settle.
        while time.monotonic() - started < limit_s * 0.6 and len(tally.ended) < jobs:
            await asyncio.sleep(0.2)
        over.set()
        await storming
        stormed = time.monotonic() - started
        _done, late = await asyncio.wait(clients, timeout=max(20.0, limit_s - stormed))
        for task in late:
            task.cancel()
        gathered = await asyncio.gather(*clients, return_exceptions=True)
        for fault in gathered:
            if isinstance(fault, Exception):
                raise fault
        verdict = await judge(store, tally, keys, house.run_log)
    return {
        "jobs": len(tally.accepted),
        "kills": counts["kills"],
        "redis_kills": counts["redis"],
        "freezes": counts["freezes"],
        "repeated_requests": tally.repeats,
        "seconds": round(time.monotonic() - started, 1),
        "never_answered": jobs - len(tally.accepted),
        **verdict,
    }


def _photo() -> bytes:
    """A JPEG that the upload accepts: at least 64 px on a side."""
    return picture("JPEG", "RGB", side_px=256)


def main() -> None:
    """Print the verdict for people, then as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--data", help="not needed; taken so that every bench can be called alike")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--kill-every", type=float, default=1.0, help="seconds between two kills, about")
    parser.add_argument("--delay", type=float, default=0.3, help="seconds that each stage takes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--slots", type=int, default=4, help="jobs that a worker runs at a time")
    parser.add_argument("--limit", type=float, default=240.0, help="seconds until the bench gives up waiting")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, help="folder for logs and data; default: a temporary one")
    options = parser.parse_args()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        house = CheapHouse(folder, workers=options.workers, slots=options.slots, delay_s=options.delay, lease_s=LEASE_S)
        try:
            house.start()
            result = asyncio.run(
                chaos(
                    house,
                    jobs=options.jobs,
                    storm=functools.partial(torment, every_s=options.kill_every),
                    limit_s=options.limit,
                )
            )
        finally:
            house.stop()
    for name, value in result.items():
        print(f"{name:18} {value}")
    print(json.dumps(result))
    bad = result["lost"] + result["double_terminal"] + result["ledger_drift"] + result["stages_rerun"]
    raise SystemExit(1 if bad + result["charged_unknown"] + result["never_answered"] else 0)


if __name__ == "__main__":
    main()
