"""Files brought to the customer's own storage: a real S3 API, and one that misbehaves."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol

import boto3
import pytest
from moto.server import ThreadedMotoServer

from gateway.egress import Answer, AnsweredLate, Egress, EgressPolicy
from gateway.jobs.records import ENDED, ApiKey, Job, NewJob
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, order, submit
from gateway.jobs.work import Claim, RedisWork
from gateway.links import FileLinks, UrlSigner
from gateway.pipeline import handover
from gateway.pipeline.handover import Handover
from gateway.pipeline.stages import Stages
from gateway.pipeline.worker import Worker
from gateway.results import result_of
from gateway.settings import RedisSettings
from lensora.adapters.artifacts import ObjectArtifacts
from lensora.core.steps import JobStatus, Step
from lensora.core.words import DeliveryStatus


class House(Protocol):
    """What conftest's fixture gives."""

    store: Store
    settings: RedisSettings
    artifacts: ObjectArtifacts
    stages: Stages
    handover: Handover

    def worker(self, *, slots: int = 4) -> Worker:
        """A worker."""
        ...


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """An empty bucket of a real S3 API."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    resource = boto3.resource(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="theirs",
        aws_secret_access_key="theirs",
        region_name="us-east-1",
    )
    yield resource.create_bucket(Bucket="shop")
    server.stop()


def presigned(bucket: Any, name: str) -> str:
    """A URL that the customer has signed for one PUT."""
    client = bucket.meta.client
    return str(client.generate_presigned_url("put_object", {"Bucket": bucket.name, "Key": name}, ExpiresIn=600))


async def finished(house: House, key: ApiKey, job: Job) -> Job:
    """The job, once it has ended."""
    stop = asyncio.Event()
    worker = asyncio.create_task(house.worker().run(stop, drain_s=5.0))
    until = time.monotonic() + 20
    while not job.status.terminal and time.monotonic() < until:
        await asyncio.sleep(0.05)
        job = await house.store.jobs.get(key.key_id, job.job_id)
    stop.set()
    await worker
    return job


async def test_the_files_lie_in_the_customers_bucket(house: House, bucket: Any) -> None:
    """When the job is told to have completed, each file with a URL lies there, byte for byte with its media type; a
    file that the job does not make, and a host that may not be reached, are told, and cost nothing."""
    urls = {"mp4": presigned(bucket, "films/a.mp4"), "glb": presigned(bucket, "models/a.glb")}
    urls |= {"gif": presigned(bucket, "films/a.gif"), "scene": "http://10.0.0.1/scene.jpg?X-Amz-Signature=x"}
    key = await customer(house.store, 100)
    job = await finished(house, key, await submit(house.store, key, replace(order(), deliver_to=urls)))
    assert job.status is JobStatus.COMPLETED
    assert job.delivery == {
        "mp4": DeliveryStatus.DELIVERED,
        "glb": DeliveryStatus.DELIVERED,
        "gif": DeliveryStatus.UNDELIVERED,
        "scene": DeliveryStatus.UNDELIVERED,
    }
    for name, path, media_type in (("mp4", "films/a.mp4", "video/mp4"), ("glb", "models/a.glb", "model/gltf-binary")):
        there = bucket.Object(path).get()
        assert there["Body"].read() == await house.artifacts.get_async(job.outputs[name].artifact)
        assert there["ContentType"] == media_type
    assert await house.store.credits.balance(key.account_id) == 25
    links = FileLinks(UrlSigner(["a-signing-key-for-tests-of-deliveries"], "http://studio.test"), lambda uri: uri)
    assert result_of(job, ENDED, links).delivery == job.delivery, "the poll and the webhook tell it"


class Moody(BaseHTTPRequestHandler):
    """A storage that answers with statuses in their order, and keeps what it took."""

    statuses: list[int]
    taken: list[bytes]

    def do_PUT(self) -> None:
        """One try."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.statuses.pop(0)
        if status < 300:
            self.taken.append(body)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_given: object) -> None:
        """Silent."""


@pytest.mark.parametrize(
    ("statuses", "ends", "left"),
    [
        ([503, 200], DeliveryStatus.DELIVERED, 0),
        ([403, 200], DeliveryStatus.UNDELIVERED, 1),
        ([301, 200], DeliveryStatus.UNDELIVERED, 1),
    ],
)
async def test_what_may_pass_is_tried_again(house: House, statuses: list[int], ends: DeliveryStatus, left: int) -> None:
    """A storage that is busy is tried again; one that refuses the signature, or sends elsewhere, is not."""
    key = await customer(house.store, 100)
    job = await finished(house, key, await submit(house.store, key))
    handler = type("Handler", (Moody,), {"statuses": list(statuses), "taken": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        egress = Egress(EgressPolicy(private_hosts=frozenset({"127.0.0.1"}), ports=frozenset(range(1, 65536))))
        url = f"http://127.0.0.1:{server.server_port}/film?X-Amz-Signature=s"
        told = await Handover(house.artifacts, egress).deliver({"mp4": url}, job.outputs, within_s=30)
    finally:
        server.shutdown()
        server.server_close()
    assert told == {"mp4": ends}
    assert len(handler.statuses) == left
    assert len(handler.taken) == (ends is DeliveryStatus.DELIVERED)


async def test_a_storage_that_hangs_does_not_hold_the_job(house: House) -> None:
    """What is not delivered within its time is told as such."""
    assert handover.TRY_S > 1.0
    key = await customer(house.store, 100)
    job = await finished(house, key, await submit(house.store, key))
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    egress = Egress(EgressPolicy(private_hosts=frozenset({"127.0.0.1"}), ports=frozenset(range(1, 65536))))
    began = time.monotonic()
    told = await Handover(house.artifacts, egress).deliver(
        {"mp4": f"http://127.0.0.1:{port}/film"}, job.outputs, within_s=0.5
    )
    assert told == {"mp4": DeliveryStatus.UNDELIVERED}
    assert time.monotonic() - began < 5
    silent.close()


class Late:
    """A way out on which nothing is answered in time."""

    def __init__(self) -> None:
        self.puts = 0

    async def put(self, url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> Answer:
        """Count, and be late."""
        self.puts += 1
        raise AnsweredLate("url did not answer", retryable=True)


async def test_a_storage_that_never_answers_in_time_is_given_up(house: House) -> None:
    """One try that was late is the last, for every file: a job does not hold its place for minutes."""
    key = await customer(house.store, 100)
    job = await finished(house, key, await submit(house.store, key))
    late = Late()
    urls = {"mp4": "https://shop.test/a", "glb": "https://shop.test/b"}
    told = await Handover(house.artifacts, late).deliver(urls, job.outputs, within_s=30)
    assert told == {"mp4": DeliveryStatus.UNDELIVERED, "glb": DeliveryStatus.UNDELIVERED}
    assert late.puts == 1


async def test_a_job_without_deliver_to_has_no_delivery(house: House) -> None:
    """The field is not there for orders that did not ask for it."""
    key = await customer(house.store, 100)
    new = NewJob("5b0f4f0e-6a1c-4d0e-9a53-6a1f4a1b2c3d", key, order())
    assert (await finished(house, key, await house.store.jobs.submit(new))).delivery == {}


async def test_a_name_server_that_blinks_costs_no_file(house: House) -> None:
    """A storage whose name cannot be looked up at the moment is tried again, as one that is busy is."""
    key = await customer(house.store, 100)
    job = await finished(house, key, await submit(house.store, key))
    handler = type("Handler", (Moody,), {"statuses": [200], "taken": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    asked = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        if len(asked) == 1:
            raise TimeoutError("no name server answers")
        return ["127.0.0.1"]

    try:
        policy = EgressPolicy(private_hosts=frozenset({"shop.test"}), ports=frozenset(range(1, 65536)))
        url = f"http://shop.test:{server.server_port}/film?X-Amz-Signature=s"
        told = await Handover(house.artifacts, Egress(policy, resolver=resolve)).deliver(
            {"mp4": url}, job.outputs, within_s=30
        )
    finally:
        server.shutdown()
        server.server_close()
    assert told == {"mp4": DeliveryStatus.DELIVERED}
    assert asked == ["shop.test", "shop.test"]


class LateRecord:
    """A store whose answer to the last stage's record comes when the job's time is over."""

    def __init__(self, work: RedisWork) -> None:
        self._work = work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    async def stage_done(self, claim: Claim, step: Step, *rest: Any, **named: Any) -> None:
        """Record it, and answer late."""
        await self._work.stage_done(claim, step, *rest, **named)
        if step is Step.RENDERING_VIDEO:
            await asyncio.sleep(claim.remaining_s)


async def test_a_job_that_is_done_as_its_time_ends_is_finished(house: House) -> None:
    """There is no time left for its files, which are told as undelivered; the film is the customer's all the same."""
    async with open_store(house.settings.model_copy(update={"job_deadline_seconds": 4.0})) as hurried:
        key = await customer(hurried, 100)
        job = await submit(hurried, key, replace(order(), deliver_to={"mp4": "http://127.0.0.1:9/film"}))
        work = LateRecord(hurried.work("late", lease_s=5.0, attempts=3, block_ms=50))
        worker = Worker(work, house.stages, house.handover, hurried.ended, slots=1, lease_s=5.0, tries=3)
        stop = asyncio.Event()
        running = asyncio.create_task(worker.run(stop, drain_s=5.0))
        until = time.monotonic() + 15
        while not job.status.terminal and time.monotonic() < until:
            await asyncio.sleep(0.05)
            job = await hurried.jobs.get(key.key_id, job.job_id)
        stop.set()
        await running
    assert (job.status, job.delivery) == (JobStatus.COMPLETED, {"mp4": DeliveryStatus.UNDELIVERED})
