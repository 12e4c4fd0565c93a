"""Segmenter: proto <-> core types, nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import numpy as np
from numpy.typing import NDArray

from lensora import __version__
from lensora.adapters.artifacts import ArtifactStore
from lensora.adapters.patience import LOOK_INTERVAL_S
from lensora.api.artifact.v1 import artifact_pb2
from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.core.artifacts import Artifact, MediaType, ModelUse
from lensora.core.boxes import MAX_POINTS
from lensora.core.colours import Colour, from_number
from lensora.core.errors import InvalidBackground, InvalidRequest
from lensora.core.staging import SQUARE, FrameShape
from lensora.imaging.header import read_header
from lensora.imaging.logo import LogoLayer
from lensora.imaging.photo import Photo
from lensora.imaging.reader import PictureReader
from lensora.observability import logs
from lensora.rpc.brands import logo_place
from lensora.rpc.call import Call, Progress, streamed, unary
from lensora.rpc.messages import (
    artifact_from_proto,
    artifact_to_proto,
    box_from_proto,
    model_use_to_proto,
    output_key,
    point_from_proto,
    progress_to_proto,
)
from lensora.rpc.scenes import backplate_to_proto, scene_from_proto, viewpoint_from_proto
from services.segment.backends import BackplateBackend, CutoutBackend, PromptedBackend
from services.segment.backplate import (
    Backplate,
    check_size,
    encode_backplate,
    image_backplate,
    plain_backplate,
    prompt_backplate,
)
from services.segment.composite import composite, encode_jpeg
from services.segment.cutout import cut_out, encode_png
from services.segment.stamp import marked
from services.segment.viewing import View, points_within, within

_log = logs.get(__name__)

OWN_ALPHA = ModelUse("photo-transparency", "1", "", "the photo's own", "segment")
"""The row of a cutout that took the photo's own transparency."""

MATTE = ModelUse("lensora-matte", __version__, "", "Apache-2.0", "segment")
"""The row of what turns salience into a cutout."""


class SegmenterServicer(segmenter_pb2_grpc.SegmenterServicer):
    """Cutouts, backplates and composites."""

    def __init__(
        self,
        artifacts: ArtifactStore,
        cutout: CutoutBackend,
        backplate: BackplateBackend,
        *,
        prompted: PromptedBackend | None = None,
        cutouts_at_once: int = 1,
        pictures: PictureReader | None = None,
    ) -> None:
        """
        Args:
            artifacts: where inputs are read and outputs are written.
            cutout: finds the subject.
            backplate: makes scenes from words.
            prompted: asked where the subject is not clear; None means that ``cutout`` decides alone.
            cutouts_at_once: nets that run at the same time; further calls wait for their turn.
            pictures: decodes photos and backplates.
        """
        self._artifacts = artifacts
        self._cutout = cutout
        self._backplate = backplate
        self._prompted = prompted
        self._pictures = pictures or PictureReader()
        self._turn = threading.BoundedSemaphore(cutouts_at_once)

    def Cutout(  # noqa: N802 (gRPC's name)
        self, request: segmenter_pb2.CutoutRequest, context: grpc.ServicerContext
    ) -> Iterator[segmenter_pb2.CutoutResponse]:
        """See segmenter.proto."""
        for item in streamed(context, lambda call: self._cut(request, call)):
            if isinstance(item, Progress):
                yield segmenter_pb2.CutoutResponse(progress=progress_to_proto(item))
            else:
                yield segmenter_pb2.CutoutResponse(result=item)

    def CreateBackplate(  # noqa: N802 (gRPC's name)
        self, request: segmenter_pb2.CreateBackplateRequest, context: grpc.ServicerContext
    ) -> Iterator[segmenter_pb2.CreateBackplateResponse]:
        """See segmenter.proto."""
        for item in streamed(context, lambda call: self._create(request, call)):
            if isinstance(item, Progress):
                yield segmenter_pb2.CreateBackplateResponse(progress=progress_to_proto(item))
            else:
                yield segmenter_pb2.CreateBackplateResponse(result=item)

    def Composite(  # noqa: N802 (gRPC's name)
        self, request: segmenter_pb2.CompositeRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.CompositeResponse:
        """See segmenter.proto."""
        return unary(context, lambda call: self._compose(request, call))

    def _compose(self, request: segmenter_pb2.CompositeRequest, call: Call) -> segmenter_pb2.CompositeResponse:
        scene = scene_from_proto(request.backplate)
        cutout = self._pictures.read(self._read(request.cutout, "cutout"), alive=call.check)
        picture = self._pictures.read(self._read(request.backplate.image, "backplate.image"), alive=call.check)
        call.check()
        # A JPEG hardly ever keeps a colour to the digit.
        plate = np.full_like(picture.rgb, scene.color) if scene.plain else picture.rgb
        still = composite(_rgba(cutout), plate, scene, _shape(request, plate))
        if request.HasField("logo"):
            height, width = still.shape[:2]
            logo = self._read(request.logo.image, "logo.image")
            LogoLayer.of(logo, logo_place(request.logo), (width, height)).draw(still)
        data = encode_jpeg(still)
        call.check()
        key = output_key(request.output_prefix, "scene", request, MediaType.JPEG)
        stored = self._artifacts.put(key, data, MediaType.JPEG)
        return segmenter_pb2.CompositeResponse(scene=artifact_to_proto(stored))

    def _cut(self, request: segmenter_pb2.CutoutRequest, call: Call) -> segmenter_pb2.CutoutResult:
        box, crop = box_from_proto(request.box, field="box"), box_from_proto(request.crop, field="crop")
        if len(request.points) > MAX_POINTS:
            raise InvalidRequest(f"points must have at most {MAX_POINTS}, not {len(request.points)}", field="points")
        points = [point_from_proto(point, field=f"points.{n}") for n, point in enumerate(request.points)]
        data = self._read(request.photo, "photo")
        view = View.of(*read_header(data).upright_size, box, crop)
        # A photo is decoded within the turn: those that wait for theirs hold the file alone.
        while not self._turn.acquire(timeout=LOOK_INTERVAL_S):
            call.check()
        try:
            call.report("decode", 0.02)
            photo = self._pictures.read(data, longest_side_px=view.longest_side_px, part=view.part, alive=call.check)
            del data
            found = cut_out(
                photo.rgb,
                photo.alpha,
                within(box, photo.frame),
                within(crop, photo.frame),
                self._cutout,
                call,
                self._prompted,
                points_within(points, photo.frame),
            )
        finally:
            self._turn.release()
        call.report("encode", 0.95)
        key = output_key(request.output_prefix, "cutout", request, MediaType.PNG)
        rgba = marked(found.rgba) if request.marked else found.rgba
        stored = self._artifacts.put(key, encode_png(rgba), MediaType.PNG)
        second = self._prompted.describe() if self._prompted is not None and found.asked_twice else ()
        uses = [OWN_ALPHA if found.own_alpha else self._cutout.describe(), *second, MATTE]
        return segmenter_pb2.CutoutResult(
            cutout=artifact_to_proto(stored),
            models=[model_use_to_proto(use) for use in uses],
            confidence=found.confidence,
            uncertain=found.uncertain,
        )

    def _create(self, request: segmenter_pb2.CreateBackplateRequest, call: Call) -> segmenter_pb2.CreateBackplateResult:
        width, height = request.width, request.height
        check_size(width, height)
        kind = request.WhichOneof("background")
        uses: list[ModelUse] = []
        viewpoint = viewpoint_from_proto(request.viewpoint) if request.HasField("viewpoint") else None
        made: Backplate
        if kind == "remove":
            made = plain_backplate(width, height, viewpoint)
        elif kind == "color":
            made = plain_backplate(width, height, viewpoint, _colour(request.color.color))
        elif kind == "image":
            call.report("fetch", 0.05)
            data = self._read(request.image.image, "background.image")
            call.report("decode", 0.2)
            made = image_backplate(data, width, height, self._pictures, call, viewpoint, _framed(request))
            if made.scene.afloat:
                _log.info("backplate_without_ground", width=width, height=height)
        elif kind == "prompt":
            made = prompt_backplate(request.prompt.text, width, height, request.seed, self._backplate, call, viewpoint)
            uses.append(self._backplate.describe())
        else:
            raise InvalidBackground(
                "background must be one of remove, image, prompt, color; none was given", field="background"
            )
        call.report("encode", 0.95)
        key = output_key(request.output_prefix, "backplate", request, MediaType.JPEG)
        stored: Artifact = self._artifacts.put(key, encode_backplate(made.rgb), MediaType.JPEG)
        return segmenter_pb2.CreateBackplateResult(
            backplate=backplate_to_proto(stored, made.scene), models=[model_use_to_proto(use) for use in uses]
        )

    def _read(self, message: artifact_pb2.Artifact, field: str) -> bytes:
        return self._artifacts.get(artifact_from_proto(message, field=field))


def _framed(request: segmenter_pb2.CreateBackplateRequest) -> FrameShape:
    """What the film shows of the backplate. Raises InvalidRequest for a part of one that is not square."""
    across, down = request.image.frame_width or request.width, request.image.frame_height or request.height
    if (across, down) == (request.width, request.height):
        return SQUARE
    if request.width != request.height or max(across, down) != request.width or min(across, down) < 1:
        raise InvalidRequest(
            f"background.image.frame_width and frame_height must be those of a part, from side to side, of a square, "
            f"not {across} x {down} of {request.width} x {request.height}",
            field="background.image.frame_width",
        )
    return FrameShape.of(across, down)


def _colour(number: int) -> Colour:
    """A plate's colour. Raises InvalidBackground."""
    try:
        return from_number(number)
    except ValueError as error:
        raise InvalidBackground(f"background.color: {error}", field="background.color") from error


def _shape(request: segmenter_pb2.CompositeRequest, backplate: NDArray[np.uint8]) -> FrameShape:
    """What is seen of the backplate. Raises InvalidRequest for anything but its middle from side to side."""
    height, width = backplate.shape[:2]
    across, down = request.width or width, request.height or height
    if (across, down) == (width, height):
        return SQUARE
    if width != height or max(across, down) != width or min(across, down) < 1:
        raise InvalidRequest(
            f"width and height must be those of a part, from side to side, of a square backplate, "
            f"not {across} x {down} of {width} x {height}",
            field="width",
        )
    return FrameShape.of(across, down)


def _rgba(photo: Photo) -> NDArray[np.uint8]:
    """(h, w, 4) uint8; a picture without transparency is opaque."""
    alpha = photo.alpha if photo.alpha is not None else np.full(photo.rgb.shape[:2], 255, np.uint8)
    return np.dstack([photo.rgb, alpha])
