"""A gateway for tests and trials: the real routes, store and HTTP, with a detector that costs nothing."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
import uvicorn
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.http.app import create_app
from gateway.http.plumbing.connections import ConnectionLimits
from gateway.http.plumbing.lifecycle import Lifecycle
from gateway.http.process import connection_options, limits_of, open_handlers
from gateway.http.settings import HttpSettings
from gateway.jobs.codec import delivery_field, models_field, output_field, quality_field, view_quality_fields
from gateway.jobs.photos import OrderedView, ViewQuality
from gateway.jobs.records import JobError, OutputFile, Quality
from gateway.jobs.store import Store, open_store
from gateway.jobs.work import Claim, RedisWork
from gateway.links import UrlSigner
from lensora.adapters.artifacts import ArtifactStore, open_artifacts
from lensora.adapters.redis_server import RedisServer, free_port
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.api.progress.v1 import progress_pb2
from lensora.api.scene.v1 import scene_pb2
from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.core.artifacts import MediaType, ModelUse
from lensora.core.boxes import FULL_FRAME_LABEL, Category
from lensora.core.errors import InvalidImage, LensoraError
from lensora.core.steps import STAGES, Step, current_step
from lensora.core.words import MOST_FRAMES, DeliveryStatus, JobPicture, OutputFormat, ViewOmission
from lensora.imaging.photo import probe
from lensora.rpc.messages import artifact_from_proto, artifact_to_proto, model_use_to_proto
from lensora.rpc.status import rpc_status_of
from lensora.testing.stages import picture

T = TypeVar("T")

SIGNING_KEY = "a-signing-key-for-tests-of-the-gateway"
START_S = 10.0
CAMERA_BOX = (0.18, 0.12, 0.79, 0.93)
"""The public page's own example."""
SPECK_BOX = (0.50, 0.50, 0.51, 0.51)

PUBLIC_FILES: Mapping[Step, tuple[tuple[str, str, MediaType], ...]] = {
    Step.REMOVING_BG: ((JobPicture.REMOVED_BG, "cutout.png", MediaType.PNG),),
    Step.COMPOSITING: ((JobPicture.SCENE, "scene.jpg", MediaType.JPEG),),
    Step.GENERATING_3D: ((OutputFormat.GLB, "model.glb", MediaType.GLB),),
    Step.RENDERING_VIDEO: ((OutputFormat.MP4, "turntable.mp4", MediaType.MP4),),
}
"""Which artifacts each stage makes: public name, file's name, media type."""

FRAME = picture("JPEG", "RGB", side_px=320)
"""Every picture of any film."""


def _told(view: OrderedView) -> ViewQuality:
    """What becomes of a photo, or of a film by its last picture."""
    if view.frame is not None:
        return ViewQuality(view.view_id, None, True, frames_used=view.frame.number + 1)
    if view.side is not None:
        return ViewQuality(view.view_id, view.side, True)
    return ViewQuality(view.view_id, None, False, reason=ViewOmission.SIDE_UNCLEAR)


class CheapDetector(detector_pb2_grpc.DetectorServicer):
    """Finds a camera, a speck and the full frame in any photo, or fails in the way it is told to."""

    def __init__(self) -> None:
        self.fails_with: grpc.StatusCode | None = None
        self.seconds = 0.0
        self.calls = 0
        self.box = CAMERA_BOX
        self.likeness: tuple[float, ...] = (0.9, 0.2, 0.5)
        """Of its proposals, to each thing that it is asked to compare with."""
        self.film_fails_with: LensoraError | None = None
        self.compared: list[int] = []
        """With how many things each call compared; 0 for none."""

    def Detect(  # noqa: N802 - gRPC's name
        self, request: detector_pb2.DetectRequest, context: grpc.ServicerContext
    ) -> detector_pb2.DetectResponse:
        self.calls += 1
        compared = len(request.reference.boxes)
        self.compared.append(compared)
        time.sleep(self.seconds)
        if self.fails_with is not None:
            context.abort(self.fails_with, "as it was told to")
        try:
            info = probe(Path(request.photo.uri.removeprefix("file://")).read_bytes())
        except InvalidImage as error:
            context.abort_with_status(rpc_status_of(error))
        found = [
            ("vintage twin-lens reflex camera", Category.PRODUCT, self.box),
            ("speck", Category.OBJECT, SPECK_BOX),
        ]
        found = [*found[: request.max_objects - 1], (FULL_FRAME_LABEL, Category.FULL_FRAME, (0.0, 0.0, 1.0, 1.0))]
        return detector_pb2.DetectResponse(
            proposals=[
                detector_pb2.Proposal(
                    label=label,
                    category=category,
                    score=0.9,
                    box=scene_pb2.Box(x1=x1, y1=y1, x2=x2, y2=y2),
                    likeness=[likeness] * compared,
                )
                for (label, category, (x1, y1, x2, y2)), likeness in zip(found, self.likeness, strict=False)
            ],
            width=info.width,
            height=info.height,
        )

    def ChooseFrames(  # noqa: N802 - gRPC's name
        self, request: detector_pb2.ChooseFramesRequest, context: grpc.ServicerContext
    ) -> detector_pb2.ChooseFramesResponse:
        """Small pictures, spread evenly over a turn to the right; or the error that it is told to raise."""
        if self.film_fails_with is not None:
            context.abort_with_status(rpc_status_of(self.film_fails_with))
        folder = request.video.uri.removeprefix("file://").partition("/sessions/")[0]
        store = open_artifacts(f"file://{folder}")
        assert store.get(artifact_from_proto(request.video, field="video"))
        frames = []
        for place in range(MOST_FRAMES):
            picture = store.put(f"{request.output_prefix}frame-{place}.jpg", FRAME, MediaType.JPEG)
            moment = Duration(seconds=place, nanos=500_000_000)
            frames.append(detector_pb2.Frame(picture=artifact_to_proto(picture), moment=moment, share=(place + 1) / 9))
        return detector_pb2.ChooseFramesResponse(frames=frames, direction=0.9)


class CheapSegmenter(segmenter_pb2_grpc.SegmenterServicer):
    """Answers a cutout at once: a file that says what it was asked for, or an error that it is told to raise."""

    def __init__(self) -> None:
        self.fails_with: LensoraError | None = None
        self.confidence, self.uncertain = 0.97, False
        self.picture = b"a cutout"
        self.asked: list[segmenter_pb2.CutoutRequest] = []

    def Cutout(  # noqa: N802 - gRPC's name
        self, request: segmenter_pb2.CutoutRequest, context: grpc.ServicerContext
    ) -> Iterator[segmenter_pb2.CutoutResponse]:
        self.asked.append(request)
        if self.fails_with is not None:
            context.abort_with_status(rpc_status_of(self.fails_with))
        yield segmenter_pb2.CutoutResponse(progress=progress_pb2.Progress(fraction=0.5, phase="net"))
        folder = request.photo.uri.removeprefix("file://").partition("/sessions/")[0]
        stored = open_artifacts(f"file://{folder}").put(
            f"{request.output_prefix}cutout.png", self.picture, MediaType.PNG
        )
        yield segmenter_pb2.CutoutResponse(
            result=segmenter_pb2.CutoutResult(
                cutout=artifact_to_proto(stored),
                models=[model_use_to_proto(ModelUse("test-net", "1", "ab" * 32, "MIT", "segment"))],
                confidence=self.confidence,
                uncertain=self.uncertain,
            )
        )


class DetectServer:
    """The cheap detector and segmenter on a port of loopback, with health that names every service."""

    def __init__(self) -> None:
        self.detector = CheapDetector()
        self.segmenter = CheapSegmenter()
        self._server = grpc.server(ThreadPoolExecutor(8))
        self.health = health.HealthServicer()
        self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        detector_pb2_grpc.add_DetectorServicer_to_server(self.detector, self._server)
        segmenter_pb2_grpc.add_SegmenterServicer_to_server(self.segmenter, self._server)
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        """Stop at once."""
        self._server.stop(None).wait()


@dataclass
class Gateway:
    """A running gateway. ``run`` does async work on its loop, where ``store`` lives."""

    base_url: str
    artifacts: ArtifactStore
    signer: UrlSigner
    lifecycle: Lifecycle
    store: Store
    loop: asyncio.AbstractEventLoop
    server: uvicorn.Server
    claims: dict[str, Claim] = field(default_factory=dict)

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 30.0) -> T:
        """The result of a coroutine that runs on the gateway's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def api_key(self, credits: int = 0, account: str = "") -> str:  # noqa: A002 - the API's word
        """A key of a new account with so many credits."""

        async def make() -> str:
            account_id = account or f"account-{uuid.uuid4().hex[:12]}"
            await self.store.accounts.create(account_id)
            if credits:
                await self.store.credits.grant(account_id, credits, reference=uuid.uuid4().hex)
            _, secret = await self.store.keys.create(account_id)
            return secret

        return self.run(make())

    def balance(self, api_key: str) -> int:
        """Credits of the key's account."""

        async def read() -> int:
            return await self.store.credits.balance((await self.store.keys.authenticate(api_key)).account_id)

        return self.run(read())

    def take(self, job_id: str) -> None:
        """Take the job as a worker would; others that are taken on the way are kept for later."""

        async def take() -> None:
            while job_id not in self.claims:
                for taken in await self._work.take(10):
                    if isinstance(taken, Claim):
                        self.claims[taken.job.job_id] = taken

        self.run(take())

    def do_stages(
        self,
        job_id: str,
        *steps: Step,
        extra: tuple[tuple[str, str, MediaType], ...] = (),
        contents: Mapping[str, bytes] | None = None,
    ) -> None:
        """Start and finish stages of a taken job, each with a small file of its own.

        Args:
            job_id: of the job.
            steps: which stages, in their order.
            extra: further files of the model's stage, as in ``PUBLIC_FILES``.
            contents: bytes of a file by its public name; a few words where there are none.
        """

        async def work() -> None:
            claim = self.claims[job_id]
            for step in steps:
                done = set(STAGES[: STAGES.index(step)])
                await self._work.stage_start(claim, step, current_step({step}, done))
                public = [models_field(step, [ModelUse("test-net", "1", "ab" * 32, "MIT", step.value)])]
                if step is Step.GENERATING_3D:
                    public.append(quality_field(Quality(0.98, 0.91)))
                    # As the mesh service does: it uses those whose side it knows.
                    told = [_told(view) for view in {each.view_id: each for each in claim.job.order.views}.values()]
                    public += view_quality_fields(told) if told else []
                further = extra if step is Step.GENERATING_3D else ()
                for name, file_name, media_type in (*PUBLIC_FILES.get(step, ()), *further):
                    body = (contents or {}).get(name, f"{name} of {job_id} ".encode() * 400)
                    artifact = await self.artifacts.put_async(f"jobs/{job_id}/{file_name}", body, media_type)
                    public.append(output_field(name, OutputFile(artifact, file_name)))
                shown = current_step(set(), {*done, step})
                await self._work.stage_done(claim, step, "{}", public, shown=shown, progress=15 * len(done) + 10)

        self.run(work())

    def finish(self, job_id: str, delivery: Mapping[str, DeliveryStatus] | None = None) -> None:
        """Complete a job that was taken; ``delivery`` is what became of its files in the customer's storage."""
        fields = (delivery_field(delivery),) if delivery else ()
        self.run(self._work.finish(self.claims[job_id], fields))

    def fail(self, job_id: str, error: JobError) -> None:
        """Fail a job that was taken."""
        self.run(self._work.fail(self.claims[job_id], error))

    @property
    def _work(self) -> RedisWork:
        return self.store.work("test-worker", lease_s=60.0, attempts=3)


@contextlib.contextmanager
def running_gateway(settings: HttpSettings, limits: ConnectionLimits | None = None) -> Iterator[Gateway]:
    """A gateway in a thread of this process; ``public_url`` is set to where it listens. ``limits`` are its own."""
    ready = threading.Event()
    found: list[Gateway] = []

    async def serve() -> None:
        async with contextlib.AsyncExitStack() as stack:
            lifecycle = Lifecycle()
            store = await stack.enter_async_context(open_store(settings))
            store.start()
            app = create_app(open_handlers(settings, store, lifecycle, stack), settings.public_url)
            options = connection_options(limits or limits_of(settings), settings.public_url)
            config = uvicorn.Config(app, port=settings.port, **options)
            server = uvicorn.Server(config)
            found.append(
                Gateway(
                    settings.public_url,
                    open_artifacts(settings.artifacts_url),
                    UrlSigner(settings.signing_secrets(), settings.public_url),
                    lifecycle,
                    store,
                    asyncio.get_running_loop(),
                    server,
                )
            )
            serving = asyncio.ensure_future(server.serve())
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            ready.set()
            await asyncio.wait({serving, asyncio.ensure_future(lifecycle.draining.wait())})
            await serving

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="gateway", daemon=True)
    thread.start()
    if not ready.wait(START_S):
        raise RuntimeError("the gateway did not start")
    gateway = found[0]
    try:
        yield gateway
    finally:
        gateway.server.should_exit = True
        gateway.loop.call_soon_threadsafe(gateway.lifecycle.draining.set)
        thread.join(START_S)


def settings_for(
    *, redis_url: str, artifacts_url: str, detect_target: str, port: int, prefix: str, **more: Any
) -> HttpSettings:
    """Settings of a gateway on loopback whose services are all at one address."""
    return HttpSettings.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "redis_url": redis_url,
            "redis_prefix": prefix,
            "artifacts_url": artifacts_url,
            "url_signing_keys": SIGNING_KEY,
            "detect_seconds": 3.0,
            **{f"{name}_target": detect_target for name in ("detect", "segment", "mesh", "render")},
            **more,
        }
    )


@dataclass
class Installation:
    """Everything behind the public API but the worker and the services that it calls."""

    gateway: Gateway
    redis: RedisServer
    detect: DetectServer
    settings: HttpSettings


@contextlib.contextmanager
def installation(folder: Path, *, limits: ConnectionLimits | None = None, **more: Any) -> Iterator[Installation]:
    """A Redis, a cheap detector and a gateway, with all their data in a folder.

    Args:
        folder: of the data.
        limits: of connections; None takes the product's.
        more: further settings.
    """
    artifacts_url = f"file://{folder / 'artifacts'}"
    redis = RedisServer(folder / "redis", appendfsync="no")
    redis.start()
    detect = DetectServer()
    try:
        settings = settings_for(
            redis_url=redis.url,
            artifacts_url=artifacts_url,
            detect_target=detect.target,
            port=free_port(),
            prefix="test",
            **more,
        )
        with running_gateway(settings, limits) as gateway:
            yield Installation(gateway, redis, detect, settings)
    finally:
        detect.stop()
        redis.stop()
