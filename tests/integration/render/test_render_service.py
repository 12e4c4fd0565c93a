"""The render service over real gRPC."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import av
import grpc
import numpy as np
import pytest
from PIL import Image

from lensora.adapters.artifacts import ObjectArtifacts, memory_artifacts
from lensora.api.render.v1 import renderer_pb2, renderer_pb2_grpc
from lensora.api.scene.v1 import scene_pb2
from lensora.core.artifacts import Artifact, MediaType
from lensora.core.branding import LogoPlace
from lensora.core.errors import InvalidMesh, InvalidRequest
from lensora.core.scene import Scene
from lensora.core.words import Corner
from lensora.rpc.messages import artifact_from_proto, artifact_to_proto
from lensora.rpc.scenes import backplate_to_proto
from lensora.rpc.server import Server
from lensora.rpc.status import error_of
from services.render.film import FilmMaker
from services.render.servicer import RendererServicer
from services.render.settings import RenderSettings

COLOUR = 0x1F5C57

NAMES = [renderer_pb2.DESCRIPTOR.services_by_name["Renderer"].full_name]


@pytest.fixture(scope="module")
def artifacts() -> ObjectArtifacts:
    """A store that dies with the tests."""
    return memory_artifacts()


@pytest.fixture(scope="module")
def stub(maker: FilmMaker, artifacts: ObjectArtifacts) -> Iterator[renderer_pb2_grpc.RendererStub]:
    """A client of a real server on a free port."""
    servicer = RendererServicer(maker, artifacts, "opengl")
    settings = RenderSettings(port=0, drain_seconds=2.0)
    server = Server(
        "render",
        settings,
        lambda grpc_server: renderer_pb2_grpc.add_RendererServicer_to_server(servicer, grpc_server),
        NAMES,
    )
    server.start()
    server.serve()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield renderer_pb2_grpc.RendererStub(channel)
    server.stop()


def _request(
    artifacts: ObjectArtifacts, glb: bytes, picture: bytes, scene: Scene, **values: object
) -> renderer_pb2.RenderVideoRequest:
    model = artifacts.put("in/model.glb", glb, MediaType.GLB)
    plate: Artifact = artifacts.put("in/plate.png", picture, MediaType.PNG)
    return renderer_pb2.RenderVideoRequest(
        glb=artifact_to_proto(model),
        backplate=backplate_to_proto(plate, scene),
        output_prefix="jobs/one/",
        **values,  # type: ignore[arg-type]
    )


def test_film_over_grpc(
    stub: renderer_pb2_grpc.RendererStub, artifacts: ObjectArtifacts, subject: bytes, picture: bytes, scene: Scene
) -> None:
    """Progress, then one result whose files lie in the store under the job's prefix; a repeat writes the same keys."""
    request = _request(
        artifacts,
        subject,
        picture,
        scene,
        camera_preset=renderer_pb2.CAMERA_PRESET_DOLLY,
        size=256,
        seconds=1.0,
        formats=[renderer_pb2.VIDEO_FORMAT_MP4, renderer_pb2.VIDEO_FORMAT_POSTER],
    )
    results = []
    for _ in range(2):
        messages = list(stub.RenderVideo(request, timeout=60))
        fractions = [each.progress.fraction for each in messages if each.HasField("progress")]
        assert fractions == sorted(fractions)
        assert len(fractions) >= 4
        assert [each.WhichOneof("outcome") for each in messages][-1] == "result"
        results.append(messages[-1].result)
    first, second = results
    assert first.frames == 24
    assert "llvmpipe" in first.device
    assert [use.stage for use in first.models] == ["render"]
    by_format = {each.format: each.file for each in first.files}
    mp4 = by_format[renderer_pb2.VIDEO_FORMAT_MP4]
    assert mp4.media_type == "video/mp4"
    assert "/jobs/one/dolly-" in mp4.uri
    assert artifacts.get(artifact_from_proto(mp4, field="file"))[4:8] == b"ftyp"
    assert {each.file.uri for each in second.files} == {each.file.uri for each in first.files}


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({"size": 100}, InvalidRequest, "size"),
        ({"fps": 5}, InvalidRequest, "fps"),
        ({"seconds": 31.0}, InvalidRequest, "seconds"),
        ({"width": 1}, InvalidRequest, "width"),
        ({"width": 431}, InvalidRequest, "width"),
        ({"height": -4}, InvalidRequest, "height"),
        ({"height": 770}, InvalidRequest, "width"),
        ({"camera_preset": 9}, InvalidRequest, "camera_preset"),
        ({"end_color": 0x1000000}, InvalidRequest, "end_color"),
    ],
)
def test_bad_requests_come_back_typed(
    stub: renderer_pb2_grpc.RendererStub,
    artifacts: ObjectArtifacts,
    subject: bytes,
    picture: bytes,
    scene: Scene,
    values: dict[str, object],
    error: type[InvalidRequest],
    field: str,
) -> None:
    """A bad field is INVALID_ARGUMENT with the typed error that names it."""
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.RenderVideo(_request(artifacts, subject, picture, scene, **values), timeout=60))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_of(caught.value, service="render").field == field
    assert isinstance(error_of(caught.value, service="render"), error)


def test_bad_mesh_comes_back_typed(
    stub: renderer_pb2_grpc.RendererStub, artifacts: ObjectArtifacts, picture: bytes, scene: Scene
) -> None:
    """A file that is no GLB is invalid_mesh."""
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.RenderVideo(_request(artifacts, b"solid stl", picture, scene), timeout=60))
    assert isinstance(error_of(caught.value, service="render"), InvalidMesh)


def test_a_brand_is_on_every_frame_that_shows_the_plate(
    stub: renderer_pb2_grpc.RendererStub, artifacts: ObjectArtifacts, subject: bytes, picture: bytes, scene: Scene
) -> None:
    """The logo is in its corner from the first frame on, the last frame is the end colour, and the film with alpha has
    neither."""
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 200, 255)).save(out, "PNG")
    logo = scene_pb2.Logo(
        image=artifact_to_proto(artifacts.put("in/logo.png", out.getvalue(), MediaType.PNG)),
        corner=scene_pb2.CORNER_BOTTOM_LEFT,
        size=0.2,
    )
    formats = [renderer_pb2.VIDEO_FORMAT_MP4, renderer_pb2.VIDEO_FORMAT_WEBM_ALPHA]
    request = _request(
        artifacts,
        subject,
        picture,
        scene,
        size=256,
        fps=12,
        seconds=1.0,
        formats=formats,
        logo=logo,
        end_color=0x1F5C57,
    )
    result = list(stub.RenderVideo(request, timeout=60))[-1].result
    by_format = {each.format: artifacts.get(artifact_from_proto(each.file, field="file")) for each in result.files}
    film = _frames(by_format[renderer_pb2.VIDEO_FORMAT_MP4])
    left, top, right, bottom = LogoPlace(Corner.BOTTOM_LEFT, 0.2).box((20, 20), (256, 256))
    for frame in (film[0], film[-1]):
        assert np.abs(frame[top + 4 : bottom - 4, left + 4 : right - 4].astype(int) - (0, 0, 200)).max() <= 12
    assert np.abs(film[-1][:, right + 8 :].astype(int) - (0x1F, 0x5C, 0x57)).max() <= 6
    assert np.abs(film[0].astype(int) - (0x1F, 0x5C, 0x57)).mean() > 20
    alpha = _frames(by_format[renderer_pb2.VIDEO_FORMAT_WEBM_ALPHA])
    assert np.abs(alpha[0][top + 4 : bottom - 4, left + 4 : right - 4].astype(int) - (0, 0, 200)).max() > 60


def _frames(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_cancelled_call_frees_the_engine(
    stub: renderer_pb2_grpc.RendererStub, artifacts: ObjectArtifacts, subject: bytes, picture: bytes, scene: Scene
) -> None:
    """After a client cancels a long film, a short one is made within seconds."""
    long = _request(artifacts, subject, picture, scene, seconds=20.0, fps=60)
    call = stub.RenderVideo(long, timeout=300)
    while next(call).progress.fraction < 0.07:
        continue
    call.cancel()
    before = time.perf_counter()
    short = _request(artifacts, subject, picture, scene, size=256, seconds=1.0, fps=12)
    assert list(stub.RenderVideo(short, timeout=60))[-1].result.frames == 12
    assert time.perf_counter() - before < 6.0
