"""Triton dies in mid-job: retried, failed with a sentence that names it, refunded; back again: no restart of ours."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import grpc
import numpy as np
import pytest
from PIL import Image
from pydantic import SecretStr
from skimage import data

from gateway.egress import Egress, EgressPolicy
from gateway.jobs.records import ApiKey, Background, Job, Order
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, submit
from gateway.pipeline.handover import Handover
from gateway.pipeline.stages import Stages
from gateway.pipeline.worker import Worker
from gateway.settings import RedisSettings
from lensora.adapters.artifacts import ObjectArtifacts, open_artifacts
from lensora.adapters.readiness import ReadinessWatch
from lensora.adapters.redis_server import RedisServer
from lensora.adapters.runtimes import TritonRuntime
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.api.segment.v1 import segmenter_pb2_grpc
from lensora.core.artifacts import Artifact, MediaType
from lensora.core.errors import Unavailable
from lensora.core.steps import JobStatus, Step
from lensora.core.words import BackgroundType
from lensora.models.manifest import Manifest
from lensora.rpc.channels import open_channel
from lensora.rpc.messages import artifact_to_proto, box_from_proto
from lensora.rpc.server import Server
from lensora.rpc.status import error_of
from lensora.settings import ServiceSettings
from lensora.testing.stages import Behaviour, cheap_server
from lensora.testing.triton import TritonServer
from services.detect.backends.registry import DETECT_BACKENDS
from services.detect.servicer import DetectorServicer
from services.segment.backends.registry import BACKPLATE_BACKENDS, CUTOUT_BACKENDS
from services.segment.servicer import SegmenterServicer

DEADLINE_S = 5.0
"""Of the job that must fail: while a service is away the worker tries again until then."""


class Serving(Protocol):
    """What conftest's fixture gives."""

    server: TritonServer
    manifest: Manifest


@dataclass
class House:
    """Detection and segmentation on Triton over real gRPC, cheap stages after them, a real Redis and a worker."""

    artifacts: ObjectArtifacts
    redis: RedisSettings
    stages: Stages
    handover: Handover
    detector: detector_pb2_grpc.DetectorStub
    serving: list[bool]


@pytest.fixture
def house_parts(mortal_server: Serving, tmp_path: Path) -> Iterator[tuple[ObjectArtifacts, Server, Server, list[bool]]]:
    """The artifact store, the server of the stages on Triton, that of the cheap ones, and what health was told."""
    artifacts = open_artifacts(f"file://{tmp_path}/artifacts")
    runtime = TritonRuntime(mortal_server.server.target, timeout_s=60, manifest=mortal_server.manifest)
    detect = DetectorServicer(artifacts, DETECT_BACKENDS["florence-2"](runtime))
    segment = SegmenterServicer(artifacts, CUTOUT_BACKENDS["isnet"](runtime), BACKPLATE_BACKENDS["procedural"](runtime))

    def register(server: grpc.Server) -> None:
        detector_pb2_grpc.add_DetectorServicer_to_server(detect, server)
        segmenter_pb2_grpc.add_SegmenterServicer_to_server(segment, server)

    settings = ServiceSettings(host="127.0.0.1", port=0, workers=4, drain_seconds=1.0)
    server = Server("nets", settings, register, ["lensora.api.segment.v1.Segmenter"])
    server.start()
    server.serve()
    told: list[bool] = []

    def on_look(ready: bool) -> None:
        server.set_serving(ready)
        if told[-1:] != [ready]:
            told.append(ready)

    watch = ReadinessWatch(runtime.opened, on_look, interval_s=0.2)
    watch.start()
    cheap = cheap_server(artifacts, Behaviour(), ("mesh", "render"))
    yield artifacts, server, cheap, told
    watch.stop()
    cheap.stop()
    server.stop()


@pytest.fixture
async def house(
    house_parts: tuple[ObjectArtifacts, Server, Server, list[bool]], tmp_path: Path
) -> AsyncIterator[House]:
    """A house with everything up."""
    artifacts, nets, cheap, told = house_parts
    with RedisServer(tmp_path / "redis", appendfsync="no") as redis_server:
        redis = RedisSettings(redis_url=SecretStr(redis_server.url), redis_prefix=f"t{uuid.uuid4().hex[:12]}")
        channels = [open_channel(f"127.0.0.1:{port}") for port in (nets.port, cheap.port, cheap.port)]
        egress = Egress(EgressPolicy(private_hosts=frozenset({"127.0.0.1"}), ports=frozenset(range(1, 65536))))
        with grpc.insecure_channel(f"127.0.0.1:{nets.port}") as channel:
            yield House(
                artifacts,
                redis,
                Stages(*channels, artifacts=artifacts, egress=egress),
                Handover(artifacts, egress),
                detector_pb2_grpc.DetectorStub(channel),
                told,
            )
        for channel in channels:
            await channel.close(None)


@asynccontextmanager
async def working(house: House, store: Store) -> AsyncIterator[None]:
    """A worker at work inside the block."""
    work = store.work(f"w-{uuid.uuid4().hex[:6]}", lease_s=2.0, attempts=3, block_ms=100)
    stop = asyncio.Event()
    worker = Worker(work, house.stages, house.handover, store.ended, slots=2, lease_s=2.0, tries=3)
    task = asyncio.create_task(worker.run(stop, drain_s=5.0))
    try:
        yield
    finally:
        stop.set()
        await task


async def until(store: Store, key: ApiKey, job: Job, ready: set[JobStatus | Step], seconds: float) -> Job:
    """The job once its status or step is one of these."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = await store.jobs.get(key.key_id, job.job_id)
        if seen.status in ready or seen.step in ready:
            return seen
        await asyncio.sleep(0.05)
    raise AssertionError(f"the job is {seen.status} at {seen.step} ({seen.error})")


def stored_photo(artifacts: ObjectArtifacts) -> Artifact:
    """scikit-image's coffee cup."""
    out = io.BytesIO()
    Image.fromarray(data.coffee()).save(out, "JPEG", quality=92)
    return artifacts.put("photos/cup.jpg", out.getvalue(), MediaType.JPEG)


async def test_triton_dies_and_comes_back(house: House, mortal_server: Serving) -> None:
    """From proposals to a refund that names Triton, and from its return to a finished job, with no restart of ours."""
    photo = stored_photo(house.artifacts)
    request = detector_pb2.DetectRequest(photo=artifact_to_proto(photo), max_objects=4)
    found = await asyncio.to_thread(house.detector.Detect, request, timeout=90)
    assert found.proposals[0].label == "red cup"
    order = Order(
        session_id="session",
        object_index=0,
        label=found.proposals[0].label,
        photo=photo,
        photo_width=found.width,
        photo_height=found.height,
        box=box_from_proto(found.proposals[0].box, field="box"),
        background=Background(BackgroundType.REMOVE),
        request_id="request",
    )
    hurried = house.redis.model_copy(update={"job_deadline_seconds": DEADLINE_S})
    async with open_store(hurried) as store, working(house, store):
        key = await customer(store, 75)
        job = await submit(store, key, order)
        await until(store, key, job, {Step.REMOVING_BG}, 10)
        mortal_server.server.kill()
        failed = await until(store, key, job, {JobStatus.FAILED}, DEADLINE_S + 20)
        assert failed.error is not None
        assert failed.error.stage == Step.REMOVING_BG.value
        assert failed.error.code == "unavailable"
        assert failed.error.retryable
        assert failed.error.message.startswith("Background removal")
        assert "Triton" in failed.error.message
        assert "isnet-general-use" in failed.error.message
        assert await store.credits.balance(key.account_id) == 75
        with pytest.raises(Unavailable, match="Triton"):
            try:
                await asyncio.to_thread(house.detector.Detect, request, timeout=30)
            except grpc.RpcError as error:
                raise error_of(error, service="detect") from error
    assert house.serving[-1] is False

    back = threading.Thread(target=mortal_server.server.start)
    back.start()
    while back.is_alive():
        await asyncio.sleep(0.1)
    async with open_store(house.redis) as store, working(house, store):
        key = await customer(store, 75)
        job = await submit(store, key, order)
        finished = await until(store, key, job, {JobStatus.COMPLETED, JobStatus.FAILED}, 120)
        assert finished.status is JobStatus.COMPLETED, finished.error
        used = {use.name: use for use in finished.models}
        assert used["isnet-general-use"].sha256
        cutouts = [a for a in [s async for s in house.artifacts.list_async(f"jobs/{job.job_id}")] if "cutout" in a.key]
        piece = b"".join(
            [chunk async for chunk in house.artifacts.stream_async(cutouts[0].key, 0, cutouts[0].size_bytes)]
        )
        alpha = np.asarray(Image.open(io.BytesIO(piece)))[..., 3]
        assert 0.02 < (alpha > 127).mean() < 0.98
    assert house.serving[-1] is True
