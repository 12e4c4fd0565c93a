"""The mesh service over real gRPC."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
import trimesh

from lensora.adapters.artifacts import ObjectArtifacts, memory_artifacts
from lensora.api.artifact.v1 import artifact_pb2
from lensora.api.mesh.v1 import mesher_pb2, mesher_pb2_grpc
from lensora.core.errors import InvalidImage, InvalidRequest, LensoraError, SubjectNotFound
from lensora.rpc.messages import artifact_from_proto, artifact_to_proto
from lensora.rpc.scenes import viewpoint_from_proto
from lensora.rpc.server import Server
from lensora.rpc.status import error_of
from services.mesh.backends import RawMesh, Report
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import Cutout
from services.mesh.modeller import Modeller
from services.mesh.servicer import MesherServicer
from services.mesh.settings import MeshSettings


class SlowBackend:
    """Takes a long time, reporting every 50 ms, and counts whether it was stopped."""

    name = "slow"

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def reconstruct(self, cutout: Cutout, report: Report, timeout_s: float | None = None) -> RawMesh:
        try:
            for _ in range(400):
                time.sleep(0.05)
                report("shape", 0.2)
        except LensoraError:
            self.stopped.set()
            raise
        return SilhouetteBackend().reconstruct(cutout, report, timeout_s)


class Service:
    """A running service and a client of it."""

    def __init__(self, backend: Any) -> None:
        self.artifacts: ObjectArtifacts = memory_artifacts()
        servicer = MesherServicer(Modeller(backend), self.artifacts)
        self.server = Server(
            "mesh",
            MeshSettings(port=0, drain_seconds=1.0),
            lambda server: mesher_pb2_grpc.add_MesherServicer_to_server(servicer, server),
            [mesher_pb2.DESCRIPTOR.services_by_name["Mesher"].full_name],
        )
        self.server.start()
        self.server.serve()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}")
        self.stub = mesher_pb2_grpc.MesherStub(self.channel)

    def close(self) -> None:
        self.channel.close()
        self.server.stop()

    def store(self, data: bytes) -> Any:
        return artifact_to_proto(self.artifacts.put(f"in/cutout-{len(data)}.png", data, "image/png"))

    def read(self, message: Any) -> bytes:
        return self.artifacts.get(artifact_from_proto(message, field="x"))


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service(SilhouetteBackend())
    yield running
    running.close()


def png_of(alpha: np.ndarray) -> bytes:
    """A plain cutout with the given matte."""
    image = np.dstack([np.full((*alpha.shape, 3), (60, 120, 200), np.uint8), alpha.astype(np.uint8)])
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def round_png() -> bytes:
    """A disc with a limb."""
    matte = np.zeros((160, 200), np.uint8)
    cv2.circle(matte, (80, 80), 55, 255, -1, cv2.LINE_AA)
    cv2.ellipse(matte, (140, 60), (40, 18), 30, 0, 360, 255, -1, cv2.LINE_AA)
    return png_of(matte)


def raised(call: Iterator[Any]) -> LensoraError:
    """The error that a call ends with, as the house's own."""
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    return error_of(caught.value, service="mesh")


def test_a_cutout_becomes_a_model_in_every_format(service: Service) -> None:
    """Progress rises, then one result names GLB, USDZ, OBJ and STL, each of which opens."""
    request = mesher_pb2.CreateMeshRequest(
        cutout=service.store(round_png()),
        name="blue drop",
        formats=[mesher_pb2.MESH_FORMAT_USDZ, mesher_pb2.MESH_FORMAT_OBJ, mesher_pb2.MESH_FORMAT_STL],
        upstream_models=[artifact_pb2.ModelUse(name="isnet-general-use", version="1", license="MIT", stage="segment")],
        output_prefix="jobs/1/",
    )
    answers = list(service.stub.CreateMesh(request, timeout=60))
    shares = [answer.progress.fraction for answer in answers[:-1]]
    result = answers[-1].result
    assert shares == sorted(shares)
    assert len(shares) > 4
    mesh = trimesh.load(io.BytesIO(service.read(result.glb)), file_type="glb").to_mesh()
    assert len(mesh.faces) == result.triangles <= 60_000
    assert result.fidelity.silhouette_iou > 0.95
    assert [use.stage for use in result.models] == ["mesh"]
    usdz, obj, stl = (service.read(file.file) for file in result.files)
    assert zipfile.ZipFile(io.BytesIO(usdz)).namelist()[0].endswith((".usdc", ".usda"))
    assert len(zipfile.ZipFile(io.BytesIO(obj)).namelist()) == 3
    assert trimesh.load(io.BytesIO(stl), file_type="stl").is_watertight


def test_the_photos_camera_is_told_before_there_is_a_mesh(service: Service) -> None:
    """EstimateCamera answers with a camera and its doubt, and refuses a cutout without a subject as CreateMesh does."""
    request = mesher_pb2.EstimateCameraRequest(cutout=service.store(round_png()), name="scissors")
    viewpoint = viewpoint_from_proto(service.stub.EstimateCamera(request, timeout=60).viewpoint)
    assert 0.8 < viewpoint.pitch < 1.5 and 0.0 < viewpoint.pitch_doubt < 0.5
    empty = cv2.imencode(".png", np.zeros((64, 64, 4), np.uint8))[1].tobytes()
    with pytest.raises(grpc.RpcError) as refused:
        service.stub.EstimateCamera(mesher_pb2.EstimateCameraRequest(cutout=service.store(empty)), timeout=60)
    assert isinstance(error_of(refused.value, service="mesh"), SubjectNotFound)


def test_the_same_call_writes_the_same_bytes(service: Service) -> None:
    """A stage that is run again after a crash rewrites the very same artifact."""
    request = mesher_pb2.CreateMeshRequest(cutout=service.store(round_png()), output_prefix="jobs/2/")
    first, second = (list(service.stub.CreateMesh(request, timeout=60))[-1].result.glb for _ in range(2))
    assert (first.uri, first.sha256) == (second.uri, second.sha256)


def test_the_kind_of_thing_reaches_the_texture(service: Service) -> None:
    """A vehicle's far side is painted otherwise than that of a thing of which nothing is known."""
    matte = np.zeros((180, 180), np.uint8)
    cv2.fillPoly(
        matte, [np.array([[14, 120], [166, 120], [160, 84], [120, 80], [100, 48], [52, 48], [40, 84], [16, 90]])], 255
    )
    for wheel in ((46, 124), (130, 124)):
        cv2.circle(matte, wheel, 18, 255, -1)
    png = cv2.imdecode(np.frombuffer(png_of(cv2.GaussianBlur(matte, (0, 0), 4.0)), np.uint8), cv2.IMREAD_UNCHANGED)
    cv2.circle(png, (95, 90), 20, (255, 255, 255, 255), -1)
    cutout = service.store(bytes(cv2.imencode(".png", png)[1].tobytes()))
    requests = [
        mesher_pb2.CreateMeshRequest(cutout=cutout, category=word, output_prefix="jobs/3/") for word in ("", "vehicle")
    ]
    first, second = (list(service.stub.CreateMesh(request, timeout=60))[-1].result.glb.sha256 for request in requests)
    assert first != second


def test_errors_cross_the_wire_as_themselves(service: Service) -> None:
    """An empty cutout, bytes that are no PNG, and impossible budgets are told apart."""
    empty = mesher_pb2.CreateMeshRequest(cutout=service.store(png_of(np.zeros((80, 80)))))
    assert isinstance(raised(service.stub.CreateMesh(empty, timeout=30)), SubjectNotFound)
    junk = mesher_pb2.CreateMeshRequest(cutout=service.store(b"not a picture"))
    assert isinstance(raised(service.stub.CreateMesh(junk, timeout=30)), InvalidImage)
    small = mesher_pb2.CreateMeshRequest(cutout=service.store(round_png()), max_triangles=3)
    error = raised(service.stub.CreateMesh(small, timeout=30))
    assert isinstance(error, InvalidRequest)
    assert "max_triangles must be at least 200, not 3" in error.message


def test_every_further_photo_is_answered_for(service: Service) -> None:
    """One use a photo, in the request's order; a detail says its own side, and nothing is told of its outline."""
    request = mesher_pb2.CreateMeshRequest(
        cutout=service.store(round_png()),
        views=[mesher_pb2.View(cutout=service.store(round_png()), side=mesher_pb2.SIDE_DETAIL)],
        output_prefix="jobs/4/",
    )
    uses = list(service.stub.CreateMesh(request, timeout=60))[-1].result.views
    assert [(use.side, use.used) for use in uses] == [(mesher_pb2.SIDE_DETAIL, False)]


def test_a_wrong_further_photo_is_named(service: Service) -> None:
    """What is wrong with a further photo is said of that photo, and a sixth is refused."""
    good, front = service.store(round_png()), mesher_pb2.SIDE_FRONT
    empty, junk = service.store(png_of(np.zeros((80, 80)))), service.store(b"not a picture")
    for cutout, kind in ((empty, SubjectNotFound), (junk, InvalidImage)):
        views = [mesher_pb2.View(cutout=good, side=front), mesher_pb2.View(cutout=cutout)]
        error = raised(service.stub.CreateMesh(mesher_pb2.CreateMeshRequest(cutout=good, views=views), timeout=30))
        assert isinstance(error, kind)
        assert error.message.startswith("views[1].cutout: ")
    many = mesher_pb2.CreateMeshRequest(cutout=good, views=[mesher_pb2.View(cutout=good, side=front)] * 6)
    error = raised(service.stub.CreateMesh(many, timeout=30))
    assert isinstance(error, InvalidRequest)
    assert error.message == "views must be at most 5, not 6"


def test_a_cancelled_call_stops_its_work_within_two_seconds() -> None:
    """The backend is stopped, not only the answer."""
    backend = SlowBackend()
    running = Service(backend)
    try:
        call = running.stub.CreateMesh(mesher_pb2.CreateMeshRequest(cutout=running.store(round_png())), timeout=60)
        assert any(message.progress.phase == "shape" for message in call)
        call.cancel()
        assert backend.stopped.wait(2.0)
    finally:
        running.close()


def test_a_passed_deadline_stops_the_work() -> None:
    """The work ends soon after the caller's deadline."""
    backend = SlowBackend()
    running = Service(backend)
    try:
        call = running.stub.CreateMesh(mesher_pb2.CreateMeshRequest(cutout=running.store(round_png())), timeout=1.0)
        with pytest.raises(grpc.RpcError) as caught:
            list(call)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert backend.stopped.wait(2.0)
    finally:
        running.close()
