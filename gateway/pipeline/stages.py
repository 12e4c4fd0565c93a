"""The stages of the pipeline: each asks a service, and says what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import grpc.aio
from google.protobuf import json_format
from google.protobuf.message import Message

from gateway.egress import Egress, EgressRefused, FetchFailed
from gateway.jobs.codec import dump, models_field, output_field, quality_field, still_quality_field
from gateway.jobs.records import Job, Order, OutputFile, Quality, StillQuality
from gateway.pipeline.ahead import Ahead
from gateway.pipeline.calls import CallContext, streamed, unary
from gateway.pipeline.views import CutViews, Note, cut_out
from lensora.adapters.artifacts import ArtifactStore
from lensora.api.artifact.v1 import artifact_pb2
from lensora.api.mesh.v1 import mesher_pb2, mesher_pb2_grpc
from lensora.api.render.v1 import renderer_pb2, renderer_pb2_grpc
from lensora.api.scene.v1 import scene_pb2
from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.core.artifacts import SUFFIX, Artifact, MediaType, ModelUse
from lensora.core.boxes import MIN_CROP_SIDE_PX, Box
from lensora.core.colours import colour_of, number_of
from lensora.core.errors import (
    Cancelled,
    CropTooSmall,
    DeadlineExceeded,
    FileNotFound,
    InvalidBackground,
    LensoraError,
    Unavailable,
)
from lensora.core.steps import Step
from lensora.core.words import Aspect, BackgroundType, JobPicture, OutputFormat, StillSubject
from lensora.observability import logs
from lensora.rpc.brands import logo_to_proto
from lensora.rpc.messages import (
    artifact_from_proto,
    artifact_to_proto,
    box_to_proto,
    model_use_from_proto,
    model_use_to_proto,
    point_to_proto,
)

_log = logs.get(__name__)

DOWNLOAD_TRIES = 3
DOWNLOAD_PAUSE_S = 1.0
"""A customer's server that answers badly once may do better a second later; it is not waited for as ours are."""

VIEWS_SHARE = 0.5
"""Of the mesh stage's progress: a cutout takes about as long as a model, and two are made at a time."""

M = TypeVar("M", bound=Message)

MESH_FORMATS: Mapping[str, tuple[mesher_pb2.MeshFormat, str]] = {
    OutputFormat.USDZ: (mesher_pb2.MESH_FORMAT_USDZ, "model.usdz"),
    OutputFormat.OBJ: (mesher_pb2.MESH_FORMAT_OBJ, "model-obj.zip"),
    OutputFormat.STL: (mesher_pb2.MESH_FORMAT_STL, "model.stl"),
}
"""Public names of further mesh formats: the proto's, and what the file is called."""

VIDEO_FORMATS: Mapping[str, tuple[renderer_pb2.VideoFormat, str]] = {
    OutputFormat.MP4: (renderer_pb2.VIDEO_FORMAT_MP4, "{camera}.mp4"),
    OutputFormat.WEBM_ALPHA: (renderer_pb2.VIDEO_FORMAT_WEBM_ALPHA, "{camera}.webm"),
    OutputFormat.GIF: (renderer_pb2.VIDEO_FORMAT_GIF, "{camera}.gif"),
    OutputFormat.WEBP: (renderer_pb2.VIDEO_FORMAT_WEBP, "{camera}.webp"),
    OutputFormat.POSTER: (renderer_pb2.VIDEO_FORMAT_POSTER, "poster.jpg"),
}
"""Public names of film formats: the proto's, and what the file is called."""


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What a stage made.

    Attributes:
        result: JSON for the stages after it.
        public: fields of the job for the customer.
    """

    result: str
    public: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StageRun:
    """One run of one stage.

    Attributes:
        job: whose stage it is.
        context: deadline and metadata of its calls.
        done: results of the stages before it.
        progress: takes this stage's progress, 0 to 1.
        picture: the customer's own backplate, which is fetched from the attempt's start on.
        note: keeps the cutout of a further photo for an attempt that takes the job over.
    """

    job: Job
    context: CallContext
    done: Mapping[Step, str]
    progress: Callable[[float], None]
    picture: Ahead[artifact_pb2.Artifact]
    note: Note

    @property
    def prefix(self) -> str:
        """Where the stage's outputs lie in the artifact store; the sweeper deletes by it."""
        return prefix_of(self.job)

    def call(self) -> dict[str, Any]:
        """Keyword arguments of every gRPC call."""
        return {"timeout": self.context.remaining_s(), "metadata": self.context.metadata}


class Stages:
    """Every stage, over the three services."""

    def __init__(
        self,
        segment: grpc.aio.Channel,
        mesh: grpc.aio.Channel,
        render: grpc.aio.Channel,
        *,
        artifacts: ArtifactStore,
        egress: Egress,
    ) -> None:
        self._segmenter: Any = segmenter_pb2_grpc.SegmenterStub(segment)
        self._mesher: Any = mesher_pb2_grpc.MesherStub(mesh)
        self._renderer: Any = renderer_pb2_grpc.RendererStub(render)
        self._artifacts = artifacts
        self._egress = egress
        self._stages = {
            Step.CROPPING: self._crop,
            Step.REMOVING_BG: self._cutout,
            Step.GENERATING_BG: self._backplate,
            Step.COMPOSITING: self._composite,
            Step.GENERATING_3D: self._mesh,
            Step.RENDERING_VIDEO: self._film,
        }

    async def run(self, step: Step, run: StageRun) -> StageOutcome:
        """Run a stage once. Raises an error of the tree."""
        return await self._stages[step](run)

    async def _crop(self, run: StageRun) -> StageOutcome:
        order = run.job.order
        crop = order.box.padded(order.photo_width, order.photo_height)
        left, top, right, bottom = crop.pixels(order.photo_width, order.photo_height)
        if min(right - left, bottom - top) < MIN_CROP_SIDE_PX:
            raise CropTooSmall(
                f"the padded crop must have at least {MIN_CROP_SIDE_PX} px on a side, "
                f"not {right - left} x {bottom - top}",
                field="object_index",
            )
        return StageOutcome(dump(asdict(crop)), ())

    async def _cutout(self, run: StageRun) -> StageOutcome:
        order = run.job.order
        if order.cutout is not None:
            return await self._kept_cutout(run, order.cutout)
        request = segmenter_pb2.CutoutRequest(
            photo=artifact_to_proto(order.photo),
            box=box_to_proto(order.box),
            crop=box_to_proto(Box(**json.loads(run.done[Step.CROPPING]))),
            output_prefix=run.prefix,
            points=[point_to_proto(point) for point in order.points],
            marked=order.test,
        )
        result = await streamed(self._segmenter.Cutout(request, **run.call()), "segment", run.progress)
        return _outcome(
            Step.REMOVING_BG, result, {JobPicture.REMOVED_BG: _file(result.cutout, "cutout.png")}, _uses(result.models)
        )

    async def _kept_cutout(self, run: StageRun, kept: Artifact) -> StageOutcome:
        """A cutout that was made before, as it is: copied, because the session's own goes before the job does."""
        data = await self._artifacts.get_async(kept)
        copy = await self._artifacts.put_async(f"{run.prefix}cutout-{kept.sha256[:16]}.png", data, kept.media_type)
        models = run.job.order.cutout_models
        result = segmenter_pb2.CutoutResult(
            cutout=artifact_to_proto(copy), models=[model_use_to_proto(use) for use in models]
        )
        return _outcome(Step.REMOVING_BG, result, {JobPicture.REMOVED_BG: _file(result.cutout, "cutout.png")}, models)

    async def _backplate(self, run: StageRun) -> StageOutcome:
        order = run.job.order
        request = segmenter_pb2.CreateBackplateRequest(
            width=order.output.size,
            height=order.output.size,
            seed=int.from_bytes(hashlib.sha256(order.session_id.encode()).digest()[:8], "big"),
            output_prefix=run.prefix,
        )
        match order.background.type:
            case BackgroundType.REMOVE:
                request.remove.SetInParent()
            case BackgroundType.PROMPT:
                request.prompt.text = order.background.prompt
            case BackgroundType.COLOR:
                request.color.color = number_of(colour_of(order.background.color))
            case BackgroundType.IMAGE:
                request.image.image.CopyFrom(await run.picture.get())
                if order.output.aspect is not Aspect.SQUARE:
                    request.image.frame_width, request.image.frame_height = order.output.frame
        if (viewpoint := await self._viewpoint(run)) is not None:
            request.viewpoint.CopyFrom(viewpoint)
        result = await streamed(self._segmenter.CreateBackplate(request, **run.call()), "segment", run.progress)
        return _outcome(Step.GENERATING_BG, result, {}, _uses(result.models))

    async def _viewpoint(self, run: StageRun) -> scene_pb2.Viewpoint | None:
        """The camera of the photo, for which the scene is made before there is a mesh.

        None, which means the usual view, where the mesh service cannot tell: an older one, or one that fails at it.
        """
        request = mesher_pb2.EstimateCameraRequest(cutout=_cutout_result(run).cutout, name=run.job.order.label)
        try:
            answer: mesher_pb2.EstimateCameraResponse = await unary(
                self._mesher.EstimateCamera(request, **run.call()), "mesh"
            )
        except LensoraError as error:
            if isinstance(error, Unavailable | Cancelled | DeadlineExceeded):
                raise
            _log.warning("camera_not_estimated", code=error.code, error=error.message)
            return None
        return answer.viewpoint

    async def _composite(self, run: StageRun) -> StageOutcome:
        width, height = run.job.order.output.frame
        request = segmenter_pb2.CompositeRequest(
            width=width,
            height=height,
            cutout=_cutout_result(run).cutout,
            backplate=_backplate_result(run).backplate,
            output_prefix=run.prefix,
            logo=_logo(run.job.order),
        )
        result = await unary(self._segmenter.Composite(request, **run.call()), "segment")
        return _outcome(Step.COMPOSITING, result, {JobPicture.SCENE: _file(result.scene, "scene.jpg")}, ())

    async def _mesh(self, run: StageRun) -> StageOutcome:
        order = run.job.order
        cutout = _cutout_result(run)
        views, progress = await self._views(run)
        request = mesher_pb2.CreateMeshRequest(
            cutout=cutout.cutout,
            max_glb_bytes=order.output.max_glb_bytes,
            name=order.label,
            upstream_models=[model_use_to_proto(use) for use in _upstream(order, cutout, views)],
            formats=[MESH_FORMATS[name][0] for name in order.output.formats if name in MESH_FORMATS],
            output_prefix=run.prefix,
            category=order.category,
            views=views.messages,
        )
        if order.real_size is not None:
            setattr(request, f"{order.real_size.extent}_m", order.real_size.metres)
        result = await streamed(self._mesher.CreateMesh(request, **run.call()), "mesh", progress)
        files: dict[str, OutputFile] = {OutputFormat.GLB: _file(result.glb, "model.glb")}
        for name, (mesh_format, file_name) in MESH_FORMATS.items():
            for made in result.files:
                if made.format == mesh_format:
                    files[name] = _file(made.file, file_name)
        outcome = _outcome(Step.GENERATING_3D, result, files, (*views.models, *_uses(result.models)))
        if not result.HasField("fidelity"):
            return outcome
        fidelity = result.fidelity
        confidence = round(fidelity.confidence, 3) if fidelity.HasField("confidence") else None
        quality = Quality(fidelity.silhouette_iou, fidelity.image_similarity, confidence)
        return StageOutcome(outcome.result, (*outcome.public, quality_field(quality), *views.public(result.views)))

    async def _views(self, run: StageRun) -> tuple[CutViews, Callable[[float], None]]:
        """The further photos, cut out beside the scene, and what takes the rest of the stage's progress."""
        views = run.job.order.views
        if not views:
            return CutViews(()), run.progress
        cut = await cut_out(
            views,
            run.job.view_cutouts,
            segmenter=self._segmenter,
            call=run.call,
            prefix=run.prefix,
            marked=run.job.order.test,
            note=run.note,
            progress=lambda fraction: run.progress(VIEWS_SHARE * fraction),
        )
        return cut, lambda fraction: run.progress(VIEWS_SHARE + (1.0 - VIEWS_SHARE) * fraction)

    async def _film(self, run: StageRun) -> StageOutcome:
        order = run.job.order
        mesh = _parsed(run.done[Step.GENERATING_3D], mesher_pb2.CreateMeshResult())
        formats = ["mp4", *(name for name in order.output.formats if name in VIDEO_FORMATS and name != "mp4")]
        request = renderer_pb2.RenderVideoRequest(
            glb=mesh.glb,
            backplate=_backplate_result(run).backplate,
            camera_preset=f"CAMERA_PRESET_{order.camera.name}",
            size=order.output.size,
            width=order.output.frame[0],
            height=order.output.frame[1],
            fps=order.output.fps,
            seconds=order.output.seconds,
            formats=[VIDEO_FORMATS[name][0] for name in formats],
            output_prefix=run.prefix,
            logo=_logo(order),
        )
        # Scenes of words are painted for the photo's camera; a customer's picture has its own.
        request.still = order.background.type is BackgroundType.IMAGE
        if order.branding is not None and order.branding.end_color:
            request.end_color = number_of(colour_of(order.branding.end_color))
        result = await streamed(self._renderer.RenderVideo(request, **run.call()), "render", run.progress)
        files = {}
        for name, (video_format, file_name) in VIDEO_FORMATS.items():
            for made in result.files:
                if made.format == video_format:
                    files[name] = _file(made.file, file_name.format(camera=order.camera))
        if not result.HasField("still"):
            return _outcome(Step.RENDERING_VIDEO, result, files, _uses(result.models))
        still = StillQuality(round(math.degrees(result.still.pitch_gap), 1), StillSubject.CUTOUT)
        if result.still.HasField("scene"):
            files[JobPicture.SCENE] = _file(result.still.scene, "scene.jpg")
            still = replace(still, shows=StillSubject.MODEL)
        outcome = _outcome(Step.RENDERING_VIDEO, result, files, _uses(result.models))
        return replace(outcome, public=(*outcome.public, still_quality_field(still)))

    async def picture(self, job: Job) -> artifact_pb2.Artifact:
        """The customer's backplate, brought into the artifact store; the services never reach out of the cluster."""
        uploaded = job.order.background.picture
        if uploaded is not None:
            try:
                data = await self._artifacts.get_async(uploaded)
            except FileNotFound as error:
                raise InvalidBackground(
                    "background.backplate_id names a picture that is no longer kept", field="background.backplate_id"
                ) from error
            key = f"{prefix_of(job)}background{SUFFIX[MediaType(uploaded.media_type)]}"
            return artifact_to_proto(await self._artifacts.put_async(key, data, uploaded.media_type))
        url = job.order.background.url
        for left in reversed(range(DOWNLOAD_TRIES)):
            try:
                fetched = await self._egress.fetch_image(url)
                break
            except EgressRefused as error:
                raise InvalidBackground(f"background.{error}", field="background.url") from error
            except FetchFailed as error:
                if not error.retryable or not left:
                    raise InvalidBackground(f"background.{error}", field="background.url") from error
                await asyncio.sleep(DOWNLOAD_PAUSE_S)
        key = f"{prefix_of(job)}background{SUFFIX[fetched.media_type]}"
        return artifact_to_proto(await self._artifacts.put_async(key, fetched.data, fetched.media_type))


def prefix_of(job: Job) -> str:
    """Where a job's outputs lie in the artifact store."""
    return f"jobs/{job.job_id}/"


def _upstream(order: Order, cutout: segmenter_pb2.CutoutResult, views: CutViews) -> Iterable[ModelUse]:
    """What the stages before the mesh have used, each once."""
    looked = (use for view in order.views for use in view.models)
    return dict.fromkeys((*order.session_models, *looked, *_uses(cutout.models), *views.models))


def _logo(order: Order) -> scene_pb2.Logo | None:
    logo = None if order.branding is None else order.branding.logo
    return None if logo is None else logo_to_proto(logo.picture, logo.place)


def _cutout_result(run: StageRun) -> segmenter_pb2.CutoutResult:
    return _parsed(run.done[Step.REMOVING_BG], segmenter_pb2.CutoutResult())


def _backplate_result(run: StageRun) -> segmenter_pb2.CreateBackplateResult:
    return _parsed(run.done[Step.GENERATING_BG], segmenter_pb2.CreateBackplateResult())


def _outcome(
    step: Step, result: Message, files: Mapping[str, OutputFile], models: tuple[ModelUse, ...]
) -> StageOutcome:
    public = [output_field(name, file) for name, file in files.items()]
    if models:
        public.append(models_field(step, models))
    return StageOutcome(json_format.MessageToJson(result, indent=None), tuple(public))


def _parsed(text: str, message: M) -> M:
    # Fields that a newer release has written are left out: jobs survive an upgrade in both directions.
    json_format.Parse(text, message, ignore_unknown_fields=True)
    return message


def _file(message: artifact_pb2.Artifact, name: str) -> OutputFile:
    return OutputFile(artifact_from_proto(message, field=name), name)


def _uses(models: Any) -> tuple[ModelUse, ...]:
    return tuple(model_use_from_proto(use) for use in models)
