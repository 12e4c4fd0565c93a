"""Renderer.RenderVideo: proto <-> core types, nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from lensora import __version__
from lensora.adapters.artifacts import ArtifactStore
from lensora.api.render.v1 import renderer_pb2, renderer_pb2_grpc
from lensora.core.artifacts import MediaType, ModelUse
from lensora.core.colours import from_number
from lensora.core.errors import InvalidRequest
from lensora.core.staging import FrameShape
from lensora.core.words import CameraMove
from lensora.rpc.brands import logo_place
from lensora.rpc.call import Call, Progress, streamed
from lensora.rpc.messages import (
    artifact_from_proto,
    artifact_to_proto,
    model_use_to_proto,
    output_key,
    progress_to_proto,
)
from lensora.rpc.scenes import scene_from_proto
from services.render.branding import Branding
from services.render.film import Film, FilmMaker
from services.render.order import FilmOrder, VideoFormat

MOVES = {
    renderer_pb2.CAMERA_PRESET_UNSPECIFIED: CameraMove.TURNTABLE,
    renderer_pb2.CAMERA_PRESET_TURNTABLE: CameraMove.TURNTABLE,
    renderer_pb2.CAMERA_PRESET_DOLLY: CameraMove.DOLLY,
    renderer_pb2.CAMERA_PRESET_CINEMATIC: CameraMove.CINEMATIC,
}
FORMATS = {
    renderer_pb2.VIDEO_FORMAT_MP4: VideoFormat.MP4,
    renderer_pb2.VIDEO_FORMAT_WEBM_ALPHA: VideoFormat.WEBM_ALPHA,
    renderer_pb2.VIDEO_FORMAT_GIF: VideoFormat.GIF,
    renderer_pb2.VIDEO_FORMAT_WEBP: VideoFormat.WEBP,
    renderer_pb2.VIDEO_FORMAT_POSTER: VideoFormat.POSTER,
}

PROTO_FORMATS = {kind: number for number, kind in FORMATS.items()}

DEFAULT_SIZE, DEFAULT_FPS, DEFAULT_SECONDS = 768, 24, 4.0
"""What a request means that leaves the number out: CONTRACT.md's film."""


class RendererServicer(renderer_pb2_grpc.RendererServicer):
    """Films models."""

    def __init__(self, maker: FilmMaker, artifacts: ArtifactStore, backend: str) -> None:
        """
        Args:
            maker: makes the films.
            artifacts: where models and backplates are read and films are written.
            backend: the renderer's name, for the bill of models.
        """
        self._maker = maker
        self._artifacts = artifacts
        self._use = ModelUse(f"lensora-render-{backend}", __version__, "", "Apache-2.0", "render")

    def RenderVideo(  # noqa: N802 (gRPC's name)
        self, request: renderer_pb2.RenderVideoRequest, context: grpc.ServicerContext
    ) -> Iterator[renderer_pb2.RenderVideoResponse]:
        """See renderer.proto."""
        for item in streamed(context, lambda call: self._filmed(request, call)):
            if isinstance(item, Progress):
                yield renderer_pb2.RenderVideoResponse(progress=progress_to_proto(item))
            else:
                yield renderer_pb2.RenderVideoResponse(result=item)

    def _filmed(self, request: renderer_pb2.RenderVideoRequest, call: Call) -> renderer_pb2.RenderVideoResult:
        order = self._order(request)
        return self._result(self._maker.make(order, call), order, request)

    def _order(self, request: renderer_pb2.RenderVideoRequest) -> FilmOrder:
        move = MOVES.get(request.camera_preset)
        if move is None:
            raise InvalidRequest(f"camera_preset must be 0..3, not {request.camera_preset}", field="camera_preset")
        scene = scene_from_proto(request.backplate)
        picture = b""
        if not scene.plain:
            picture = self._artifacts.get(artifact_from_proto(request.backplate.image, field="backplate"))
        size = request.size or DEFAULT_SIZE
        if max(request.width or size, request.height or size) != size:
            raise InvalidRequest(
                f"the longer of width and height must be size, {size}, not {request.width} x {request.height}",
                field="width",
            )
        for field, side in (("width", request.width or size), ("height", request.height or size)):
            if side < 2 or side % 2:
                raise InvalidRequest(f"{field} must be even and at least 2, not {side}", field=field)
        formats = tuple(FORMATS[each] for each in request.formats if each in FORMATS)
        return FilmOrder(
            glb=self._artifacts.get(artifact_from_proto(request.glb, field="glb")),
            picture=picture,
            scene=scene,
            move=move,
            size=size,
            shape=FrameShape.of(request.width or size, request.height or size),
            fps=request.fps or DEFAULT_FPS,
            seconds=request.seconds or DEFAULT_SECONDS,
            formats=formats or (VideoFormat.MP4,),
            branding=self._branding(request),
            still=request.still,
        )

    def _branding(self, request: renderer_pb2.RenderVideoRequest) -> Branding:
        """What a brand adds. Raises InvalidRequest."""
        logo = request.logo if request.HasField("logo") else None
        try:
            end_color = from_number(request.end_color) if request.HasField("end_color") else None
        except ValueError as error:
            raise InvalidRequest(f"end_color: {error}", field="end_color") from error
        return Branding(
            logo=b"" if logo is None else self._artifacts.get(artifact_from_proto(logo.image, field="logo.image")),
            place=None if logo is None else logo_place(logo),
            end_color=end_color,
        )

    def _result(
        self, film: Film, order: FilmOrder, request: renderer_pb2.RenderVideoRequest
    ) -> renderer_pb2.RenderVideoResult:
        files = []
        for kind, data in film.files.items():
            name = f"{order.move.value}-poster" if kind is VideoFormat.POSTER else order.move.value
            key = output_key(request.output_prefix, name, request, kind.media_type)
            stored = self._artifacts.put(key, data, kind.media_type)
            files.append(renderer_pb2.VideoFile(format=PROTO_FORMATS[kind], file=artifact_to_proto(stored)))
        result = renderer_pb2.RenderVideoResult(
            files=files, frames=film.frames, device=film.device, models=[model_use_to_proto(self._use)]
        )
        if film.still is not None:
            result.still.pitch_gap = film.still.pitch_gap
            if film.still.jpeg is not None:
                key = output_key(request.output_prefix, "still", request, MediaType.JPEG)
                stored = self._artifacts.put(key, film.still.jpeg, MediaType.JPEG)
                result.still.scene.CopyFrom(artifact_to_proto(stored))
        return result
