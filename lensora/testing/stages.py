"""Cheap stages: the four services' real gRPC servers with stand-ins behind them that write small files after a pause.

For tests and benches of what is around the stages (jobs, money, crashes, load). ``python -m lensora.testing.stages
--stage mesh --port 50053 --artifacts file:///tmp/a --delay 0.05 --log runs.jsonl`` is a process that can be killed.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from PIL import Image

from lensora.adapters.artifacts import ArtifactStore, open_artifacts
from lensora.api.artifact.v1 import artifact_pb2
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.api.mesh.v1 import mesher_pb2, mesher_pb2_grpc
from lensora.api.progress.v1 import progress_pb2
from lensora.api.render.v1 import renderer_pb2, renderer_pb2_grpc
from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.core.artifacts import MediaType, ModelUse
from lensora.core.boxes import FULL_FRAME, FULL_FRAME_LABEL, Box, Category
from lensora.core.errors import LensoraError
from lensora.core.scene import Scene
from lensora.core.staging import scene_pitch
from lensora.core.viewpoint import Viewpoint
from lensora.observability.process import begin
from lensora.rpc.call import check_alive
from lensora.rpc.messages import artifact_from_proto, artifact_to_proto, box_to_proto, model_use_to_proto, output_key
from lensora.rpc.scenes import backplate_to_proto, viewpoint_from_proto, viewpoint_to_proto
from lensora.rpc.server import Server, run
from lensora.settings import ServiceSettings

STAGES = ("detect", "segment", "mesh", "render")

SLICE_S = 0.02
"""A stand-in looks this often whether its caller still waits."""

SIDE_PX = 8
"""Pictures are this small: the bytes do not matter, only that they are what they say they are."""


@dataclass
class Behaviour:
    """What the stand-ins do; may be changed while they run.

    Attributes:
        delay_s: seconds of each method, by its name; ``""`` is for all others.
        errors: raised by a method instead of its work, by its name, first to last, each once.
        log: a file to which each run is appended as a line of JSON: method, job, started_ms, ended_ms, outcome.
        runs: the same lines, for servers in the test's own process.
        meshes: requests for a mesh, as they came.
        cutouts: requests for a cutout, as they came.
        plates: requests for a backplate, likewise.
        stills: requests for a still, likewise.
        films: requests for a film, likewise.
        still: answered to a request that asks for it; None where the cameras agree.
        still_drawn: whether the still comes with it.
    """

    delay_s: dict[str, float] = field(default_factory=dict)
    errors: dict[str, list[LensoraError]] = field(default_factory=dict)
    log: Path | None = None
    runs: list[dict[str, Any]] = field(default_factory=list)
    meshes: list[mesher_pb2.CreateMeshRequest] = field(default_factory=list)
    cutouts: list[segmenter_pb2.CutoutRequest] = field(default_factory=list)
    plates: list[segmenter_pb2.CreateBackplateRequest] = field(default_factory=list)
    stills: list[segmenter_pb2.CompositeRequest] = field(default_factory=list)
    films: list[renderer_pb2.RenderVideoRequest] = field(default_factory=list)
    still: renderer_pb2.Still | None = None
    still_drawn: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, method: str, context: grpc.ServicerContext) -> Iterator[float]:
        """Be busy for the method's time, yielding the fraction done. Raises what ``errors`` holds for it."""
        metadata = dict(context.invocation_metadata() or ())
        job_id = str(metadata.get("x-job-id", ""))
        line = {"method": method, "job": job_id, "started_ms": time.time() * 1000, "outcome": "aborted"}
        # The start is written too: a process that is killed leaves it behind.
        self._write({**line, "outcome": "started"})
        try:
            with self._lock:
                errors = self.errors.get(method, [])
                error = errors.pop(0) if errors else None
            if error is not None:
                raise error
            delay = self.delay_s.get(method, self.delay_s.get("", 0.0))
            end = time.monotonic() + delay
            while (left := end - time.monotonic()) > 0:
                yield 1.0 - left / delay
                time.sleep(min(SLICE_S, left))
                check_alive(context)
            line["outcome"] = "done"
        finally:
            line["ended_ms"] = time.time() * 1000
            self.runs.append(line)
            self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        if self.log is not None:
            # One write of less than a page, in append mode: lines of several processes do not mix.
            descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, (json.dumps(line) + "\n").encode())
            finally:
                os.close(descriptor)


class CheapStages:
    """The four servicers in one object."""

    def __init__(self, artifacts: ArtifactStore, behaviour: Behaviour) -> None:
        self._artifacts = artifacts
        self._behaviour = behaviour
        self._png = picture("PNG", "RGBA")
        self._jpeg = picture("JPEG", "RGB")
        self._glb = _smallest_glb()

    def Detect(  # noqa: N802 - gRPC's name
        self, request: detector_pb2.DetectRequest, context: grpc.ServicerContext
    ) -> detector_pb2.DetectResponse:
        """Two proposals: the middle of the photo, and all of it."""
        for _fraction in self._behaviour.work("Detect", context):
            pass
        with Image.open(io.BytesIO(self._artifacts.get(artifact_from_proto(request.photo, field="photo")))) as photo:
            width, height = photo.size
        rows = [
            ("coffee mug", Category.PRODUCT, Box(0.2, 0.2, 0.8, 0.8), 0.9),
            (FULL_FRAME_LABEL, Category.FULL_FRAME, FULL_FRAME, 0.0),
        ]
        return detector_pb2.DetectResponse(
            proposals=[
                detector_pb2.Proposal(label=label, category=category, box=box_to_proto(box), score=score)
                for label, category, box, score in rows
            ],
            width=width,
            height=height,
            models=[_model("detect")],
        )

    def ChooseFrames(  # noqa: N802
        self, request: detector_pb2.ChooseFramesRequest, context: grpc.ServicerContext
    ) -> detector_pb2.ChooseFramesResponse:
        """Small grey pictures, spread evenly over a turn to the right."""
        for _fraction in self._behaviour.work("ChooseFrames", context):
            pass
        frames = [
            detector_pb2.Frame(
                picture=self._put(request, f"frame-{place}", self._jpeg, MediaType.JPEG), share=(place + 1) / 9
            )
            for place in range(8)
        ]
        return detector_pb2.ChooseFramesResponse(frames=frames, direction=0.9, models=[_model("detect")])

    def Cutout(  # noqa: N802
        self, request: segmenter_pb2.CutoutRequest, context: grpc.ServicerContext
    ) -> Iterator[segmenter_pb2.CutoutResponse]:
        """A small transparent picture."""
        self._behaviour.cutouts.append(request)
        for fraction in self._behaviour.work("Cutout", context):
            yield segmenter_pb2.CutoutResponse(progress=progress_pb2.Progress(fraction=fraction))
        cutout = self._put(request, "cutout", self._png, MediaType.PNG)
        yield segmenter_pb2.CutoutResponse(result=segmenter_pb2.CutoutResult(cutout=cutout, models=[_model("segment")]))

    def CreateBackplate(  # noqa: N802
        self, request: segmenter_pb2.CreateBackplateRequest, context: grpc.ServicerContext
    ) -> Iterator[segmenter_pb2.CreateBackplateResponse]:
        """A small grey picture."""
        self._behaviour.plates.append(request)
        for fraction in self._behaviour.work("CreateBackplate", context):
            yield segmenter_pb2.CreateBackplateResponse(progress=progress_pb2.Progress(fraction=fraction))
        image = artifact_from_proto(self._put(request, "backplate", self._jpeg, MediaType.JPEG), field="image")
        plain = request.WhichOneof("background") == "remove"
        viewpoint = viewpoint_from_proto(request.viewpoint) if request.HasField("viewpoint") else None
        scene = Scene(horizon=0.6, plain=plain, pitch=scene_pitch(viewpoint), viewpoint=viewpoint)
        backplate = backplate_to_proto(image, scene)
        yield segmenter_pb2.CreateBackplateResponse(result=segmenter_pb2.CreateBackplateResult(backplate=backplate))

    def Composite(  # noqa: N802
        self, request: segmenter_pb2.CompositeRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.CompositeResponse:
        """A small grey picture."""
        self._behaviour.stills.append(request)
        for _fraction in self._behaviour.work("Composite", context):
            pass
        return segmenter_pb2.CompositeResponse(scene=self._put(request, "scene", self._jpeg, MediaType.JPEG))

    def CreateMesh(  # noqa: N802
        self, request: mesher_pb2.CreateMeshRequest, context: grpc.ServicerContext
    ) -> Iterator[mesher_pb2.CreateMeshResponse]:
        """The smallest GLB that is one: an asset without a scene."""
        self._behaviour.meshes.append(request)
        for fraction in self._behaviour.work("CreateMesh", context):
            yield mesher_pb2.CreateMeshResponse(progress=progress_pb2.Progress(fraction=fraction))
        files = [
            mesher_pb2.MeshFile(format=wanted, file=self._put(request, f"model-{wanted}", self._glb, MediaType.GLB))
            for wanted in request.formats
            if wanted not in (mesher_pb2.MESH_FORMAT_UNSPECIFIED, mesher_pb2.MESH_FORMAT_GLB)
        ]
        yield mesher_pb2.CreateMeshResponse(
            result=mesher_pb2.CreateMeshResult(
                glb=self._put(request, "model", self._glb, MediaType.GLB),
                files=files,
                fidelity=mesher_pb2.Fidelity(silhouette_iou=0.98, image_similarity=0.9),
                models=[_model("mesh")],
                views=[_view_use(view) for view in request.views],
            )
        )

    def EstimateCamera(  # noqa: N802
        self, request: mesher_pb2.EstimateCameraRequest, context: grpc.ServicerContext
    ) -> mesher_pb2.EstimateCameraResponse:
        """A camera that looks down by 30 degrees, and is sure of it."""
        for _fraction in self._behaviour.work("EstimateCamera", context):
            pass
        seen = Viewpoint(pitch=math.radians(30.0), pitch_doubt=math.radians(4.0))
        return mesher_pb2.EstimateCameraResponse(viewpoint=viewpoint_to_proto(seen))

    def RenderVideo(  # noqa: N802
        self, request: renderer_pb2.RenderVideoRequest, context: grpc.ServicerContext
    ) -> Iterator[renderer_pb2.RenderVideoResponse]:
        """The first box of an MP4 file for each format: enough to be stored, named and fetched."""
        self._behaviour.films.append(request)
        for fraction in self._behaviour.work("RenderVideo", context):
            yield renderer_pb2.RenderVideoResponse(progress=progress_pb2.Progress(fraction=fraction))
        formats = list(request.formats) or [renderer_pb2.VIDEO_FORMAT_MP4]
        files = [
            renderer_pb2.VideoFile(
                format=wanted, file=self._put(request, f"film-{wanted}", _mp4_start(), MediaType.MP4)
            )
            for wanted in formats
        ]
        result = renderer_pb2.RenderVideoResult(files=files, frames=96, device="none", models=[_model("render")])
        if request.still and self._behaviour.still is not None:
            result.still.CopyFrom(self._behaviour.still)
            if self._behaviour.still_drawn:
                result.still.scene.CopyFrom(self._put(request, "still", self._jpeg, MediaType.JPEG))
        yield renderer_pb2.RenderVideoResponse(result=result)

    def _put(self, request: Any, name: str, data: bytes, media_type: MediaType) -> artifact_pb2.Artifact:
        message: Message = request
        key = output_key(request.output_prefix, name, message, media_type)
        return artifact_to_proto(self._artifacts.put(key, data, media_type))


def cheap_server(
    artifacts: ArtifactStore, behaviour: Behaviour, stages: Sequence[str] = STAGES, *, port: int = 0, workers: int = 8
) -> Server:
    """A server of these stages, started and SERVING, on ``port`` of loopback (0: a free one; ``.port`` says which).

    The caller stops it by ``stop``.
    """
    server = _server(artifacts, behaviour, stages, port=port, workers=workers)
    server.start()
    server.serve()
    return server


def _server(
    artifacts: ArtifactStore, behaviour: Behaviour, stages: Sequence[str], *, port: int, workers: int
) -> Server:
    servicer = CheapStages(artifacts, behaviour)
    adders: dict[str, tuple[Any, str]] = {
        "detect": (detector_pb2_grpc.add_DetectorServicer_to_server, "lensora.api.detect.v1.Detector"),
        "segment": (segmenter_pb2_grpc.add_SegmenterServicer_to_server, "lensora.api.segment.v1.Segmenter"),
        "mesh": (mesher_pb2_grpc.add_MesherServicer_to_server, "lensora.api.mesh.v1.Mesher"),
        "render": (renderer_pb2_grpc.add_RendererServicer_to_server, "lensora.api.render.v1.Renderer"),
    }

    def register(server: grpc.Server) -> None:
        for stage in stages:
            adders[stage][0](servicer, server)

    settings = ServiceSettings(
        host="127.0.0.1", port=port, workers=workers, max_waiting=workers * 4, drain_seconds=0.5, log_level="warning"
    )
    return Server("cheap-stages", settings, register, [adders[stage][1] for stage in stages])


def _view_use(view: mesher_pb2.View) -> mesher_pb2.ViewUse:
    """A photo or a film's picture that agrees with the model; a photo of no named side does not, and is not used."""
    known = view.side != mesher_pb2.SIDE_UNSPECIFIED or view.HasField("filmed")
    fidelity = mesher_pb2.Fidelity(silhouette_iou=0.95 if known else 0.4, image_similarity=0.8 if known else 0.1)
    return mesher_pb2.ViewUse(
        side=view.side,
        yaw_deg=180.0 if known else 12.34,
        used=known,
        fidelity=fidelity,
        omission=mesher_pb2.OMISSION_UNSPECIFIED if known else mesher_pb2.OMISSION_SIDE_UNCLEAR,
    )


def _model(stage: str) -> artifact_pb2.ModelUse:
    return model_use_to_proto(ModelUse(f"cheap-{stage}", "1", "", "Apache-2.0", stage))


def picture(image_format: str, mode: str, *, side_px: int = SIDE_PX) -> bytes:
    """A grey picture, square: Pillow's names of the format and the mode."""
    data = io.BytesIO()
    Image.new(mode, (side_px, side_px), "grey").save(data, image_format)
    return data.getvalue()


def _smallest_glb() -> bytes:
    """GLB 2.0: a header of 12 bytes, then one JSON chunk padded with spaces to 4 bytes."""
    document = json.dumps({"asset": {"version": "2.0"}}).encode()
    document += b" " * (-len(document) % 4)
    chunk = struct.pack("<I4s", len(document), b"JSON") + document
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunk)) + chunk


def _mp4_start() -> bytes:
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom")


def main() -> None:
    """One process of cheap stages, until a signal."""
    parser = argparse.ArgumentParser(prog="python -m lensora.testing.stages", description=__doc__)
    parser.add_argument("--stage", choices=(*STAGES, "all"), default="all")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--artifacts", required=True, help="file:///folder or s3://bucket/prefix")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that each call takes")
    parser.add_argument("--log", type=Path, help="a line of JSON per run is appended to this file")
    arguments = parser.parse_args()
    stages = STAGES if arguments.stage == "all" else (arguments.stage,)
    behaviour = Behaviour(delay_s={"": arguments.delay}, log=arguments.log)
    server = _server(open_artifacts(arguments.artifacts), behaviour, stages, port=arguments.port, workers=8)
    begin(f"cheap-{arguments.stage}", ServiceSettings(port=arguments.port, log_level="warning"))
    run(server)


if __name__ == "__main__":
    main()
