"""The worker against real gRPC servers and real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Protocol

import pytest
from prometheus_client import REGISTRY

from gateway.jobs.branding import Branding, Logo
from gateway.jobs.records import ApiKey, Background, Job, NewJob, StillQuality
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, order, submit
from gateway.jobs.work import Claim, LostClaim
from gateway.pipeline.stages import Stages
from gateway.pipeline.worker import Worker
from gateway.settings import RedisSettings
from lensora.adapters.artifacts import ObjectArtifacts
from lensora.api.render.v1 import renderer_pb2
from lensora.api.scene.v1 import scene_pb2
from lensora.core.artifacts import MediaType, ModelUse
from lensora.core.branding import LogoPlace
from lensora.core.errors import InternalError, Overloaded, RenderFailed, SubjectNotFound
from lensora.core.size import Extent, RealSize
from lensora.core.steps import JobStatus, StageStatus, Step
from lensora.core.words import BackgroundType, Corner, StillSubject
from lensora.rpc.server import Server
from lensora.testing.stages import Behaviour, cheap_server, picture

METHODS = ["Cutout", "EstimateCamera", "CreateBackplate", "Composite", "CreateMesh", "RenderVideo"]


class House(Protocol):
    """What conftest's fixture gives."""

    store: Store
    settings: RedisSettings
    artifacts: ObjectArtifacts
    behaviour: Behaviour
    stages: Stages
    server: Server

    def worker(self, *, slots: int = 4) -> Worker:
        """A worker."""
        ...


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    """The worker at work inside the block, told to stop at its end."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop, drain_s=5.0))
    try:
        yield
    finally:
        stop.set()
        await task


async def until(store: Store, key: ApiKey, job: Job, ready: set[JobStatus | Step], *, seconds: float = 15.0) -> Job:
    """The job once its status or step is one of these."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = await store.jobs.get(key.key_id, job.job_id)
        if now.status in ready or now.step in ready:
            return now
        await asyncio.sleep(0.02)
    raise AssertionError(f"job stayed {now.status} at {now.step}")


ENDED: set[JobStatus | Step] = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED}


async def test_a_job_becomes_four_artifacts(house: House) -> None:
    """A job runs through every stage once and ends with its four artifacts, its quality and its bill of models."""
    key = await customer(house.store, 100)
    async with running(house.worker()):
        job = await until(house.store, key, await submit(house.store, key), ENDED)
    assert (job.status, job.step, job.progress, job.credits_refunded) == (JobStatus.COMPLETED, Step.DONE, 100, 0)
    names = {name: file.name for name, file in job.outputs.items()}
    assert names == {
        "mp4": "turntable.mp4", "glb": "model.glb", "scene": "scene.jpg", "removed_bg": "cutout.png",
    }  # fmt: skip
    for file in job.outputs.values():
        assert await house.artifacts.get_async(file.artifact)
        assert f"/jobs/{job.job_id}/" in file.artifact.uri
    assert sorted(run["method"] for run in house.behaviour.runs) == sorted(METHODS)
    assert all(stage.status is StageStatus.DONE and stage.started_ms for stage in job.stages)
    assert job.quality is not None and job.quality.silhouette_iou == 0.98
    assert [use.name for use in job.models] == ["cheap-segment", "cheap-mesh", "cheap-render"]
    assert await house.store.credits.balance(key.account_id) == 25


async def test_the_true_size_reaches_the_model(house: House) -> None:
    """What the customer measured is what the mesh service is asked for; without a measure nothing is said."""
    key = await customer(house.store, 200)
    async with running(house.worker()):
        for size in (RealSize(Extent.DEPTH, 0.75), None):
            job = await submit(house.store, key, replace(order(), real_size=size))
            await until(house.store, key, job, ENDED)
    measured, plain = house.behaviour.meshes
    assert (measured.WhichOneof("real_size"), measured.depth_m) == ("depth_m", 0.75)
    assert plain.WhichOneof("real_size") is None


async def test_the_brand_reaches_still_and_film(house: House) -> None:
    """Its logo goes to both, its end colour to the film; a job without a brand has neither."""
    key = await customer(house.store, 200)
    picture = await house.artifacts.put_async("brands/one/logo.png", b"a logo", MediaType.PNG)
    branding = Branding("shop", Logo(picture, 60, 20, LogoPlace(Corner.TOP_LEFT, 0.25)), "#1f5c57")
    async with running(house.worker()):
        for brand in (branding, None):
            job = await submit(house.store, key, replace(order(), branding=brand))
            await until(house.store, key, job, ENDED)
    for branded, plain in (house.behaviour.stills, house.behaviour.films):
        assert (branded.logo.image.uri, branded.logo.corner, branded.logo.size) == (
            picture.uri,
            scene_pb2.CORNER_TOP_LEFT,
            0.25,
        )
        assert not plain.HasField("logo")
    assert house.behaviour.films[0].end_color == 0x1F5C57 and not house.behaviour.films[1].HasField("end_color")


async def test_a_colour_reaches_the_plate(house: House) -> None:
    """The plate's colour is a number for the service."""
    key = await customer(house.store, 100)
    async with running(house.worker()):
        what = order(background=Background(BackgroundType.COLOR, color="#1f5c57"))
        await until(house.store, key, await submit(house.store, key, what), ENDED)
    assert house.behaviour.plates[0].color.color == 0x1F5C57


async def test_the_two_branches_run_at_the_same_time(house: House) -> None:
    """Scene and mesh do not wait for each other."""
    house.behaviour.delay_s = {"CreateBackplate": 0.4, "CreateMesh": 0.4}
    key = await customer(house.store, 100)
    async with running(house.worker()):
        await until(house.store, key, await submit(house.store, key), ENDED)
    spans = {run["method"]: (run["started_ms"], run["ended_ms"]) for run in house.behaviour.runs}
    assert spans["CreateMesh"][0] < spans["CreateBackplate"][1] and spans["CreateBackplate"][0] < spans["CreateMesh"][1]


async def test_a_camera_that_cannot_be_told_costs_no_job(house: House) -> None:
    """Where the photo's camera cannot be estimated the scene is seen from the usual height, and the job is done."""
    house.behaviour.errors = {"EstimateCamera": [InternalError("a bug")]}
    key = await customer(house.store, 100)
    async with running(house.worker()):
        job = await until(house.store, key, await submit(house.store, key), ENDED)
    assert job.status is JobStatus.COMPLETED
    methods = [run["method"] for run in house.behaviour.runs]
    assert methods.count("EstimateCamera") == methods.count("CreateBackplate") == 1


async def test_progress_and_step_never_go_back(house: House) -> None:
    """What the customer polls only ever moves forward, and scene and cutout appear before the end."""
    house.behaviour.delay_s = {"": 0.15, "RenderVideo": 0.5}
    key = await customer(house.store, 100)
    seen: list[Job] = []
    async with running(house.worker()):
        job = await submit(house.store, key)
        while not seen or not seen[-1].status.terminal:
            seen.append(await house.store.jobs.get(key.key_id, job.job_id))
            await asyncio.sleep(0.01)
    order_of = list(Step)
    assert [job.progress for job in seen] == sorted(job.progress for job in seen)
    steps = [order_of.index(job.step) for job in seen]
    assert steps == sorted(steps)
    early = [job for job in seen if job.status is JobStatus.PROCESSING and {"scene", "removed_bg"} <= set(job.outputs)]
    assert early


async def test_a_stage_that_is_away_is_waited_for(house: House) -> None:
    """UNAVAILABLE and RESOURCE_EXHAUSTED are retried inside the deadline; nothing else of the job is repeated."""
    house.behaviour.errors = {"CreateMesh": [Overloaded("full"), Overloaded("full")]}
    key = await customer(house.store, 100)
    house.server.stop()
    async with running(house.worker()):
        job = await submit(house.store, key)
        await asyncio.sleep(0.5)
        assert (await house.store.jobs.get(key.key_id, job.job_id)).status is JobStatus.PROCESSING
        back = cheap_server(house.artifacts, house.behaviour, port=house.server.port)
        try:
            job = await until(house.store, key, job, ENDED)
        finally:
            back.stop()
    assert job.status is JobStatus.COMPLETED and job.attempts == 1
    methods = [run["method"] for run in house.behaviour.runs]
    assert sorted(methods) == sorted([*METHODS, "CreateMesh", "CreateMesh"])


async def test_bad_input_fails_at_once_and_is_refunded(house: House) -> None:
    """An error that a repeat does not mend fails the job at its first try, with its sentence and the credits back."""
    house.behaviour.errors = {"Cutout": [SubjectNotFound("no subject found in the box")]}
    key = await customer(house.store, 100)
    async with running(house.worker()):
        job = await until(house.store, key, await submit(house.store, key), ENDED)
    assert job.status is JobStatus.FAILED and job.error is not None and job.progress == 0
    assert job.error.message == "Background removal failed: no subject found in the box"
    assert (job.error.code, job.error.stage, job.error.retryable) == ("subject_not_found", "removing-bg", False)
    assert [run["method"] for run in house.behaviour.runs] == ["Cutout"]
    assert job.credits_refunded == 75 and await house.store.credits.balance(key.account_id) == 100


@pytest.mark.parametrize(("faults", "status"), [(2, JobStatus.COMPLETED), (3, JobStatus.FAILED)])
async def test_a_stage_that_fails_of_itself_is_tried_three_times(house: House, faults: int, status: JobStatus) -> None:
    """Two faults of the renderer cost two repeats; a third one costs the job, which is refunded."""
    house.behaviour.errors = {"RenderVideo": [RenderFailed("the context was lost") for _ in range(faults)]}
    key = await customer(house.store, 100)
    async with running(house.worker()):
        job = await until(house.store, key, await submit(house.store, key), ENDED)
    assert job.status is status
    assert await house.store.credits.balance(key.account_id) == (25 if status is JobStatus.COMPLETED else 100)
    assert [run["method"] for run in house.behaviour.runs].count("CreateMesh") == 1


async def test_a_slow_stage_ends_as_its_timeout(house: House) -> None:
    """A job past its deadline fails with the sentence of the stage it was in, and the work over there stops."""
    house.behaviour.delay_s = {"CreateMesh": 30.0}
    async with open_store(house.settings.model_copy(update={"job_deadline_seconds": 1.0})) as hurried:
        key = await customer(hurried, 100)
        async with running(house.worker()):
            job = await until(hurried, key, await submit(hurried, key), ENDED)
            await asyncio.sleep(0.2)
    assert job.error is not None and job.error.message == "3D generation timeout"
    assert (job.error.code, job.error.stage) == ("deadline_exceeded", "generating-3d")
    assert await house.store.credits.balance(key.account_id) == 100
    assert [run["outcome"] for run in house.behaviour.runs if run["method"] == "CreateMesh"] == ["aborted"]


async def test_a_service_that_stays_away_is_named(house: House) -> None:
    """When the time runs out while a service is away, the sentence names the stage and the service."""
    house.server.stop()
    async with open_store(house.settings.model_copy(update={"job_deadline_seconds": 1.0})) as hurried:
        key = await customer(hurried, 100)
        async with running(house.worker()):
            job = await until(hurried, key, await submit(hurried, key), ENDED)
    assert job.error is not None and job.error.retryable
    assert job.error.message == "Background removal timeout: The segment service is not available."


async def test_an_expired_job_is_refunded_when_a_worker_is_back(house: House) -> None:
    """With every worker down a job may wait too long; the first worker that is back fails and refunds it."""
    async with open_store(house.settings.model_copy(update={"job_wait_hours": 0.1 / 3600})) as hurried:
        key = await customer(hurried, 100)
        job = await submit(hurried, key)
    await asyncio.sleep(0.2)
    await house.worker().reap()
    job = await house.store.jobs.get(key.key_id, job.job_id)
    assert job.error is not None and job.error.message == "Job start timeout"
    assert await house.store.credits.balance(key.account_id) == 100


async def test_a_cancel_reaches_the_running_stage(house: House) -> None:
    """Within two seconds of a cancel the stage's own work has stopped; the credits are back once."""
    house.behaviour.delay_s = {"CreateMesh": 30.0, "RenderVideo": 30.0}
    key = await customer(house.store, 100)
    async with running(house.worker()):
        job = await submit(house.store, key)
        await until(house.store, key, job, {Step.GENERATING_3D})
        canceled = await house.store.jobs.cancel(key.key_id, job.job_id)
        started = time.monotonic()
        while not any(run["method"] == "CreateMesh" for run in house.behaviour.runs):
            await asyncio.sleep(0.02)
            assert time.monotonic() - started < 2.0, "the stage still runs 2 s after the cancel"
    assert (canceled.status, canceled.credits_refunded) == (JobStatus.CANCELED, 75)
    assert [run["outcome"] for run in house.behaviour.runs if run["method"] == "CreateMesh"] == ["aborted"]
    assert await house.store.credits.balance(key.account_id) == 100
    assert (await house.store.jobs.cancel(key.key_id, job.job_id)).already_terminal


async def test_a_cancel_is_heard_of_before_the_next_heartbeat(house: House) -> None:
    """A worker that would ask again in a minute lets go of a canceled job at once; what it ends itself is not lost."""

    def endings() -> list[float]:
        names = ("lost", "completed")
        return [REGISTRY.get_sample_value("lensora_job_attempts_total", {"ending": name}) or 0.0 for name in names]

    before = endings()
    house.behaviour.delay_s = {"CreateMesh": 60.0}
    house.store.watch_ends()
    key = await customer(house.store, 200)
    async with running(house.worker(lease_s=180.0, beat_s=60.0)):
        job = await submit(house.store, key)
        await until(house.store, key, job, {Step.GENERATING_3D})
        await house.store.jobs.cancel(key.key_id, job.job_id)
        async with asyncio.timeout(15.0):
            while not any(run["method"] == "CreateMesh" for run in house.behaviour.runs):
                await asyncio.sleep(0.02)
        house.behaviour.delay_s = {}
        done = await until(house.store, key, await submit(house.store, key), ENDED)
        async with asyncio.timeout(15.0):
            while sum(endings()) - sum(before) < 2.0:
                await asyncio.sleep(0.02)
    assert next(run["outcome"] for run in house.behaviour.runs if run["method"] == "CreateMesh") == "aborted"
    assert done.status is JobStatus.COMPLETED
    assert [after - earlier for after, earlier in zip(endings(), before, strict=True)] == [1.0, 1.0]


async def test_a_stopped_worker_hands_its_job_on(house: House) -> None:
    """On SIGTERM the job goes on at once in another worker, after its last finished stage, and loses no attempt."""
    house.behaviour.delay_s = {"RenderVideo": 0.3, "CreateMesh": 0.3}
    key = await customer(house.store, 100)
    async with running(house.worker()):
        job = await submit(house.store, key)
        await until(house.store, key, job, {Step.GENERATING_3D})
    started = time.monotonic()
    async with running(house.worker()):
        job = await until(house.store, key, job, ENDED)
    assert time.monotonic() - started < 5.0
    assert (job.status, job.attempts) == (JobStatus.COMPLETED, 1)
    methods = [run["method"] for run in house.behaviour.runs]
    assert methods.count("Cutout") == methods.count("CreateBackplate") == 1


async def test_a_frozen_worker_changes_nothing(house: House) -> None:
    """A worker that is silent past its lease and then goes on is refused, stage by stage, while another finishes."""
    key = await customer(house.store, 100)
    frozen = house.store.work("frozen", lease_s=1.0, attempts=3, block_ms=100)
    await frozen.take(1)
    job = await submit(house.store, key)
    (claim,) = await frozen.take(1)
    assert isinstance(claim, Claim)
    await asyncio.sleep(1.1)
    async with running(house.worker()):
        job = await until(house.store, key, job, ENDED)
    assert (job.status, job.attempts) == (JobStatus.COMPLETED, 2)
    for write in (
        frozen.heartbeat(claim, 99),
        frozen.stage_start(claim, Step.CROPPING, Step.CROPPING),
        frozen.stage_done(claim, Step.CROPPING, "{}", (), shown=Step.CROPPING, progress=1),
        frozen.finish(claim),
    ):
        with pytest.raises(LostClaim):
            await write
    assert await house.store.jobs.get(key.key_id, job.job_id) == job


async def test_a_picture_of_the_customers_becomes_the_backplate(house: House) -> None:
    """An ``image`` background is fetched by the worker and handed to the service as an artifact."""
    plate = picture("JPEG", "RGB")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(plate)))
            self.end_headers()
            self.wfile.write(plate)

        def log_message(self, *arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        Thread(target=web.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{web.server_address[1]}/plate.jpg"
        key = await customer(house.store, 100)
        async with running(house.worker()):
            what = order(background=Background(BackgroundType.IMAGE, url=url))
            job = await until(house.store, key, await submit(house.store, key, what), ENDED)
        web.shutdown()
    assert job.status is JobStatus.COMPLETED
    stored = [found.key async for found in house.artifacts.list_async(f"jobs/{job.job_id}")]
    assert f"jobs/{job.job_id}/background.jpg" in stored


async def test_an_uploaded_picture_is_the_background(house: House) -> None:
    """It is copied under the job; one that is no longer kept fails the job with a sentence, refunded."""
    kept = await house.artifacts.put_async("backplates/b/picture.png", picture("PNG", "RGB"), "image/png")
    what = order(background=Background(BackgroundType.IMAGE, backplate_id="b", picture=kept))
    key = await customer(house.store, 200)
    async with running(house.worker()):
        job = await until(house.store, key, await submit(house.store, key, what), ENDED)
        await house.artifacts.delete_async(["backplates/b/picture.png"])
        late = await until(house.store, key, await submit(house.store, key, what), ENDED)
    assert job.status is JobStatus.COMPLETED
    stored = [found.key async for found in house.artifacts.list_async(f"jobs/{job.job_id}")]
    assert f"jobs/{job.job_id}/background.png" in stored
    assert late.error is not None and (late.error.code, late.error.stage) == ("invalid_background", "generating-bg")


@pytest.mark.parametrize("drawn", [True, False])
async def test_a_picture_of_another_camera_shows_the_model(house: House, drawn: bool) -> None:
    """The film's stage replaces the still where it drew one; in any case the quality tells by how much they differ."""
    house.behaviour.still, house.behaviour.still_drawn = renderer_pb2.Still(pitch_gap=0.5), drawn
    house.behaviour.delay_s["Composite"] = 0.3  # later than the model: the film waits for it
    kept = await house.artifacts.put_async("backplates/b/picture.png", picture("PNG", "RGB"), "image/png")
    key = await customer(house.store, 200)
    async with running(house.worker()):
        what = order(background=Background(BackgroundType.IMAGE, backplate_id="b", picture=kept))
        job = await until(house.store, key, await submit(house.store, key, what), ENDED)
        plain = await until(house.store, key, await submit(house.store, key), ENDED)
    assert job.quality is not None and plain.quality is not None
    assert job.quality.still == StillQuality(28.6, StillSubject.MODEL if drawn else StillSubject.CUTOUT)
    assert ("still-" in job.outputs["scene"].artifact.uri) is drawn
    assert plain.quality.still is None and "still-" not in plain.outputs["scene"].artifact.uri


async def test_an_unreachable_picture_is_a_bad_background(house: House) -> None:
    """A private or dead URL fails the job with a sentence on the background, refunded."""
    key = await customer(house.store, 100)
    async with running(house.worker()):
        what = order(background=Background(BackgroundType.IMAGE, url="http://10.0.0.1/plate.jpg"))
        job = await until(house.store, key, await submit(house.store, key, what), ENDED)
    assert job.error is not None and (job.error.code, job.error.stage) == ("invalid_background", "generating-bg")
    assert await house.store.credits.balance(key.account_id) == 100


async def test_a_kept_cutout_is_used_as_it_is(house: House) -> None:
    """A job that names a cutout asks no net for one, and has a copy that outlives the session."""
    kept = await house.artifacts.put_async("sessions/s/c/cutout.png", picture("PNG", "RGBA"), "image/png")
    uses = (ModelUse("a-net", "1", "", "MIT", "segment"),)
    key = await customer(house.store, 100)
    async with running(house.worker()):
        what = replace(order(), cutout=kept, cutout_models=uses)
        job = await until(house.store, key, await submit(house.store, key, what), ENDED)
    assert job.status is JobStatus.COMPLETED
    assert "Cutout" not in [run["method"] for run in house.behaviour.runs]
    copy = job.outputs["removed_bg"].artifact
    assert copy.sha256 == kept.sha256 and f"/jobs/{job.job_id}/" in copy.uri
    assert uses[0] in job.models


async def test_filming_again_reuses_cutout_and_mesh(house: House) -> None:
    """A job over a completed one runs the stages that it asks for alone, and keeps the first one's files alive."""
    key = await customer(house.store, 200)
    async with running(house.worker()):
        first = await until(house.store, key, await submit(house.store, key), ENDED)
        house.behaviour.runs.clear()
        new = NewJob("again-1", key, order(), 25, parent_id=first.job_id, again=(Step.RENDERING_VIDEO,))
        again = await until(house.store, key, await house.store.jobs.submit(new), ENDED)
    assert again.status is JobStatus.COMPLETED
    assert [run["method"] for run in house.behaviour.runs] == ["RenderVideo"]
    assert again.outputs["glb"] == first.outputs["glb"] and again.outputs["mp4"] != first.outputs["mp4"]
    kept = await house.store.jobs.get(key.key_id, first.job_id)
    assert kept.expires_ms >= again.expires_ms
    assert [stage.status for stage in again.stages][:2] == [StageStatus.REUSED, StageStatus.REUSED]
    assert await house.store.credits.balance(key.account_id) == 100
    ledger = await house.store.credits.ledger(key.account_id)
    assert [(entry.amount, entry.memo) for entry in ledger.entries][:2] == [(-25, "render"), (-75, "transform")]


async def test_a_job_that_cannot_be_read_harms_no_other(house: House) -> None:
    """A damaged job does not stop the worker: others complete, and its own attempts run out into a refund."""
    key, other = await customer(house.store, 75), await customer(house.store, 75)
    broken = await submit(house.store, key)
    scripts = house.store.scripts
    await scripts.client.hset(scripts.key(f"job:{broken.job_id}"), "order", "{}")
    async with running(house.worker()):
        done = await until(house.store, other, await submit(house.store, other), ENDED)
        end = time.monotonic() + 15.0
        while await house.store.credits.balance(key.account_id) == 0:
            assert time.monotonic() < end, "the broken job is not refunded"
            await asyncio.sleep(0.1)
    assert done.status is JobStatus.COMPLETED
    assert await scripts.client.hget(scripts.key(f"job:{broken.job_id}"), "status") == "failed"
