"""``python -m gateway worker`` as a process: signals, settings, metrics."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from gateway.jobs.records import ApiKey, Job
from gateway.jobs.store import Store
from gateway.jobs.testing import customer, submit
from gateway.settings import RedisSettings
from lensora.adapters.artifacts import ObjectArtifacts
from lensora.adapters.redis_server import free_port
from lensora.core.steps import JobStatus, Step
from lensora.rpc.server import Server
from lensora.testing.stages import Behaviour

ROOT = Path(__file__).parents[3]
START_S = 30.0


class House(Protocol):
    """What conftest's fixture gives."""

    store: Store
    settings: RedisSettings
    artifacts: ObjectArtifacts
    behaviour: Behaviour
    server: Server


@pytest.fixture
def environment(house: House, tmp_path: Path) -> dict[str, str]:
    """The environment of a worker of this house."""
    target = f"127.0.0.1:{house.server.port}"
    return {
        **os.environ,
        "LENSORA_REDIS_URL": house.settings.redis_url.get_secret_value(),
        "LENSORA_REDIS_PREFIX": house.settings.redis_prefix,
        "LENSORA_ARTIFACTS_URL": f"file://{tmp_path}/artifacts",
        "LENSORA_URL_SIGNING_KEYS": "a-signing-key-for-the-tests-of-the-worker",
        "LENSORA_SEGMENT_TARGET": target,
        "LENSORA_MESH_TARGET": target,
        "LENSORA_RENDER_TARGET": target,
        "LENSORA_LEASE_SECONDS": "1.0",
        "LENSORA_METRICS_PORT": str(free_port()),
        "LENSORA_LOG_FORMAT": "json",
    }


@pytest.fixture
def workers(environment: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A list of worker processes that are ended with the test; ``start`` adds to it."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def start(workers: list[subprocess.Popen[bytes]], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Another worker process."""
    command = [sys.executable, "-m", "gateway", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    workers.append(process)
    return process


async def until(house: House, key: ApiKey, job: Job, ready: set[JobStatus | Step]) -> Job:
    """The job once its status or step is one of these."""
    async with asyncio.timeout(START_S):
        while True:
            now = await house.store.jobs.get(key.key_id, job.job_id)
            if now.status in ready or now.step in ready:
                return now
            await asyncio.sleep(0.05)


async def test_sigterm_hands_the_job_back_and_metrics_tell_of_it(
    house: House, workers: list[subprocess.Popen[bytes]], environment: dict[str, str]
) -> None:
    """A terminated worker ends in order, its job waits with no attempt spent; the next one finishes and counts it."""
    house.behaviour.delay_s = {"CreateMesh": 20.0}
    key = await customer(house.store, 75)
    job = await submit(house.store, key)
    first = start(workers, environment)
    await until(house, key, job, {Step.GENERATING_3D})
    first.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(first.wait, 10.0) == 0
    handed = await house.store.jobs.get(key.key_id, job.job_id)
    assert (handed.status, handed.attempts) == (JobStatus.PROCESSING, 0)
    house.behaviour.delay_s = {}
    start(workers, environment)
    done = await until(house, key, job, {JobStatus.COMPLETED, JobStatus.FAILED})
    assert (done.status, done.attempts) == (JobStatus.COMPLETED, 1)
    url = f"http://127.0.0.1:{environment['LENSORA_METRICS_PORT']}/metrics"
    text = (await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read())).decode()
    for sample in (
        'lensora_jobs_ended_total{outcome="completed"} 1.0',
        'lensora_job_stage_duration_seconds_count{stage="generating-3d"} 1.0',
        'lensora_job_attempts_total{ending="completed"} 1.0',
        "lensora_queue_jobs_waiting 0.0",
        "lensora_worker_slots 2.0",
    ):
        assert sample in text, sample


async def test_a_worker_that_was_stopped_and_continued_changes_nothing(
    house: House, workers: list[subprocess.Popen[bytes]], environment: dict[str, str]
) -> None:
    """A worker frozen past its lease by SIGSTOP finds, when it goes on, that its job is another's, and lets it be."""
    house.behaviour.delay_s = {"CreateMesh": 0.5}
    key = await customer(house.store, 75)
    job = await submit(house.store, key)
    frozen = start(workers, environment)
    await until(house, key, job, {Step.GENERATING_3D})
    frozen.send_signal(signal.SIGSTOP)
    start(workers, {**environment, "LENSORA_METRICS_PORT": "0"})
    done = await until(house, key, job, {JobStatus.COMPLETED, JobStatus.FAILED})
    frozen.send_signal(signal.SIGCONT)
    await asyncio.sleep(1.0)
    assert (done.status, done.attempts) == (JobStatus.COMPLETED, 2)
    assert await house.store.jobs.get(key.key_id, job.job_id) == done
    assert not (await house.store.credits.verify()).problems
    assert [run["method"] for run in house.behaviour.runs].count("RenderVideo") == 1


def test_a_bad_setting_stops_the_process_with_a_sentence(environment: dict[str, str]) -> None:
    """The variable's name and what it takes are on standard error, and the exit status is 2."""
    command = [sys.executable, "-m", "gateway", "worker"]
    bad = {**environment, "LENSORA_WORKER_JOBS": "none", "LENSORA_URL_SIGNING_KEYS": "short"}
    for _variable in ("LENSORA_WORKER_JOBS", "LENSORA_URL_SIGNING_KEYS"):
        ended = subprocess.run(command, cwd=ROOT, env=bad, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 2 and _variable in ended.stderr and "Traceback" not in ended.stderr
        bad["LENSORA_WORKER_JOBS"] = "2"
