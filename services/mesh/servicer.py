"""Mesher: proto <-> core types, nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator

import grpc

from lensora.adapters.artifacts import ArtifactStore
from lensora.api.artifact.v1 import artifact_pb2
from lensora.api.mesh.v1 import mesher_pb2, mesher_pb2_grpc
from lensora.core.artifacts import MediaType
from lensora.core.errors import InvalidRequest
from lensora.core.size import Extent, RealSize
from lensora.core.words import MOST_FRAMES, MOST_VIEWS, ViewOmission, ViewSide
from lensora.rpc.call import Call, Progress, streamed, unary
from lensora.rpc.messages import (
    artifact_from_proto,
    artifact_to_proto,
    model_use_from_proto,
    model_use_to_proto,
    output_key,
    progress_to_proto,
)
from lensora.rpc.scenes import viewpoint_to_proto
from services.mesh.finish.fidelity import Fidelity
from services.mesh.finish.formats import FileFormat, file_of
from services.mesh.model import MAX_GLB_BYTES, MAX_TRIANGLES, Model, ModelRequest
from services.mesh.modeller import GivenPhoto, Modeller
from services.mesh.views.sides import Filmed, PhotoUse

FORMATS = {
    mesher_pb2.MESH_FORMAT_USDZ: FileFormat.USDZ,
    mesher_pb2.MESH_FORMAT_OBJ: FileFormat.OBJ,
    mesher_pb2.MESH_FORMAT_STL: FileFormat.STL,
}

SIDES = {
    mesher_pb2.SIDE_FRONT: ViewSide.FRONT,
    mesher_pb2.SIDE_BACK: ViewSide.BACK,
    mesher_pb2.SIDE_LEFT: ViewSide.LEFT,
    mesher_pb2.SIDE_RIGHT: ViewSide.RIGHT,
    mesher_pb2.SIDE_TOP: ViewSide.TOP,
    mesher_pb2.SIDE_DETAIL: ViewSide.DETAIL,
}
SIDE_NUMBERS = {side: number for number, side in SIDES.items()}

OMISSIONS = {
    ViewOmission.SIDE_UNCLEAR: mesher_pb2.OMISSION_SIDE_UNCLEAR,
    ViewOmission.DISAGREES: mesher_pb2.OMISSION_DISAGREES,
    ViewOmission.NO_PLACE: mesher_pb2.OMISSION_NO_PLACE,
    ViewOmission.UNSUPPORTED: mesher_pb2.OMISSION_UNSUPPORTED,
    ViewOmission.TURN_UNCLEAR: mesher_pb2.OMISSION_TURN_UNCLEAR,
}

MAX_NAME_CHARACTERS = 120
"""Longer labels are cut: they end up as file names inside archives."""


class MesherServicer(mesher_pb2_grpc.MesherServicer):
    """Turns cutouts into models."""

    def __init__(self, modeller: Modeller, artifacts: ArtifactStore) -> None:
        """
        Args:
            modeller: makes the models, and tells the cameras.
            artifacts: where cutouts are read and models are written.
        """
        self._modeller = modeller
        self._artifacts = artifacts

    def CreateMesh(  # noqa: N802 (gRPC's name)
        self, request: mesher_pb2.CreateMeshRequest, context: grpc.ServicerContext
    ) -> Iterator[mesher_pb2.CreateMeshResponse]:
        """See mesher.proto."""
        for item in streamed(context, lambda call: self._made(request, call)):
            if isinstance(item, Progress):
                yield mesher_pb2.CreateMeshResponse(progress=progress_to_proto(item))
            else:
                yield mesher_pb2.CreateMeshResponse(result=item)

    def EstimateCamera(  # noqa: N802 (gRPC's name)
        self, request: mesher_pb2.EstimateCameraRequest, context: grpc.ServicerContext
    ) -> mesher_pb2.EstimateCameraResponse:
        """See mesher.proto."""
        png = self._artifacts.get(artifact_from_proto(request.cutout, field="cutout"))
        viewpoint = unary(context, lambda call: self._modeller.camera(png, request.name, call))
        return mesher_pb2.EstimateCameraResponse(viewpoint=viewpoint_to_proto(viewpoint))

    def _made(self, request: mesher_pb2.CreateMeshRequest, call: Call) -> mesher_pb2.CreateMeshResult:
        order = _order(request)
        png = self._artifacts.get(artifact_from_proto(request.cutout, field="cutout"))
        further = [
            GivenPhoto(
                self._artifacts.get(artifact_from_proto(view.cutout, field=f"views[{n}].cutout")),
                SIDES.get(view.side),
                Filmed(view.filmed.share, view.filmed.direction) if view.HasField("filmed") else None,
            )
            for n, view in enumerate(request.views)
        ]
        return self._result(self._modeller.make(png, order, call, further), request)

    def _result(self, model: Model, request: mesher_pb2.CreateMeshRequest) -> mesher_pb2.CreateMeshResult:
        def stored(data: bytes, media_type: MediaType) -> artifact_pb2.Artifact:
            key = output_key(request.output_prefix, "model", request, media_type)
            return artifact_to_proto(self._artifacts.put(key, data, media_type))

        files = []
        for number in dict.fromkeys(request.formats):
            kind = FORMATS.get(number)
            if kind is not None:
                files.append(mesher_pb2.MeshFile(format=number, file=stored(file_of(model, kind), kind.media_type)))
        return mesher_pb2.CreateMeshResult(
            glb=stored(model.glb, MediaType.GLB),
            files=files,
            triangles=len(model.surface.faces),
            fidelity=_fidelity(model.fidelity, model.confidence),
            models=[model_use_to_proto(use) for use in model.own_models],
            views=[_view_use(use) for use in model.further],
        )


def _fidelity(fidelity: Fidelity, confidence: float | None = None) -> mesher_pb2.Fidelity:
    return mesher_pb2.Fidelity(
        silhouette_iou=fidelity.silhouette_iou, image_similarity=fidelity.image_similarity, confidence=confidence
    )


def _view_use(use: PhotoUse) -> mesher_pb2.ViewUse:
    return mesher_pb2.ViewUse(
        side=mesher_pb2.SIDE_UNSPECIFIED if use.side is None else SIDE_NUMBERS[use.side],
        yaw_deg=round(math.degrees(math.remainder(use.yaw, 2.0 * math.pi)), 2),
        used=use.used,
        fidelity=None if use.fidelity is None else _fidelity(use.fidelity),
        omission=mesher_pb2.OMISSION_UNSPECIFIED if use.omission is None else OMISSIONS[use.omission],
    )


def _order(request: mesher_pb2.CreateMeshRequest) -> ModelRequest:
    for field, value in (("max_triangles", request.max_triangles), ("max_glb_bytes", request.max_glb_bytes)):
        if value < 0:
            raise InvalidRequest(f"{field} must be 0 (the default) or more, not {value}", field=field)
    frames = sum(view.HasField("filmed") for view in request.views)
    if frames > MOST_FRAMES:
        raise InvalidRequest(f"views must have at most {MOST_FRAMES} of a film, not {frames}", field="views")
    if len(request.views) - frames + bool(frames) > MOST_VIEWS:
        raise InvalidRequest(f"views must be at most {MOST_VIEWS}, not {len(request.views) - frames}", field="views")
    return ModelRequest(
        name=request.name[:MAX_NAME_CHARACTERS].strip() or "model",
        max_triangles=request.max_triangles or MAX_TRIANGLES,
        max_glb_bytes=request.max_glb_bytes or MAX_GLB_BYTES,
        upstream=tuple(model_use_from_proto(use) for use in request.upstream_models),
        category=request.category,
        real_size=real_size_of(request),
    )


def real_size_of(request: mesher_pb2.CreateMeshRequest) -> RealSize | None:
    """The thing's true size, where it is known. Raises InvalidRequest."""
    field = request.WhichOneof("real_size")
    if field is None:
        return None
    try:
        return RealSize(Extent(field.removesuffix("_m")), getattr(request, field))
    except ValueError as error:
        raise InvalidRequest(f"real_size: {error}", field=field) from error
