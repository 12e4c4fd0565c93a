"""The segment service over real gRPC, with the shipped fake in place of the net."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import cv2
import grpc
import numpy as np
import psutil
import pytest
from PIL import Image

from bench.cutout import Client, Sample, on_canvas, score
from lensora.adapters.artifacts import ObjectArtifacts, memory_artifacts
from lensora.api.scene.v1 import scene_pb2
from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.core.artifacts import Artifact, ModelUse
from lensora.core.boxes import Box
from lensora.core.branding import LogoPlace
from lensora.core.errors import InvalidBackground, LensoraError, SubjectNotFound
from lensora.core.words import Corner
from lensora.rpc.messages import artifact_from_proto, artifact_to_proto
from lensora.rpc.scenes import scene_from_proto
from lensora.rpc.server import Server
from lensora.rpc.status import error_of
from lensora.testing.inference import FakeModel, TensorSpec
from services.segment.backends import PromptedBackend, PromptedMask
from services.segment.backends.isnet import SIDE_PX, IsNet
from services.segment.backends.procedural import ProceduralScenery
from services.segment.matte import PixelBox
from services.segment.servicer import SegmenterServicer
from services.segment.settings import SegmentSettings

USE = ModelUse("isnet-general-use", "test", "", "MIT", "segment")


def redness(inputs: Any) -> dict[str, Any]:
    """A net that finds what is red."""
    tensor = inputs["input"]
    red = np.clip((tensor[:, :1] - tensor[:, 1:2]) * 3.0, 0.0, 1.0)
    return {"output": red.astype(np.float32)}


class Service:
    """A running service and a client of it."""

    def __init__(self, seconds: float = 0.0, prompted: PromptedBackend | None = None) -> None:
        self.artifacts: ObjectArtifacts = memory_artifacts()
        self.model = FakeModel(
            redness,
            inputs={"input": TensorSpec(np.float32, (1, 3, SIDE_PX, SIDE_PX))},
            outputs=["output"],
            use=USE,
            seconds=seconds,
        )
        servicer = SegmenterServicer(self.artifacts, IsNet(self.model), ProceduralScenery(), prompted=prompted)
        name = segmenter_pb2.DESCRIPTOR.services_by_name["Segmenter"].full_name
        self.server = Server(
            "segment",
            SegmentSettings(port=0, drain_seconds=1.0),
            lambda server: segmenter_pb2_grpc.add_SegmenterServicer_to_server(servicer, server),
            [name],
        )
        self.server.start()
        self.server.serve()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}")
        self.stub = segmenter_pb2_grpc.SegmenterStub(self.channel)

    def close(self) -> None:
        self.channel.close()
        self.server.stop()

    def store(self, data: bytes, media_type: str) -> Any:
        return artifact_to_proto(self.artifacts.put(f"in/{len(data)}-{media_type[-3:]}", data, media_type))

    def read(self, message: Any) -> bytes:
        reference: Artifact = artifact_from_proto(message, field="x")
        return self.artifacts.get(reference)


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.close()


def photo(color: tuple[int, int, int] = (210, 30, 30), kind: str = "PNG", **options: Any) -> bytes:
    """A 400 x 300 grey picture with a disc at (150, 160) of radius 70."""
    picture = np.full((300, 400, 3), 120, np.uint8)
    cv2.circle(picture, (150, 160), 70, color, -1, cv2.LINE_AA)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, kind, **options)
    return out.getvalue()


DISC = scene_pb2.Box(x1=0.2, y1=0.3, x2=0.55, y2=0.767)
CROP = scene_pb2.Box(x1=0.14, y1=0.22, x2=0.61, y2=0.85)


def cutout_request(service: Service, data: bytes) -> Any:
    return segmenter_pb2.CutoutRequest(
        photo=service.store(data, "image/png"), box=DISC, crop=CROP, output_prefix="jobs/one/"
    )


def prompt_request(text: str, side: int = 320, seed: int = 3) -> Any:
    return segmenter_pb2.CreateBackplateRequest(
        prompt=segmenter_pb2.PromptBackground(text=text), width=side, height=side, seed=seed, output_prefix="jobs/one/"
    )


def raised(call: grpc.RpcError) -> LensoraError:
    return error_of(call, service="segment")


class GreenView:
    """Takes what is green in a picture for the subject."""

    def __init__(self, rgb: np.ndarray) -> None:
        self._green = rgb[..., 1].astype(np.float32) - rgb[..., 0]

    def mask(
        self, box: PixelBox, on: Any = (), off: Any = (), rounds: int = 1, timeout_s: float | None = None
    ) -> PromptedMask:
        return PromptedMask(np.clip(self._green / 100.0, 0.0, 1.0), 1.0)


class Greenness:
    """A prompted net that takes what is green for the subject."""

    def view(self, rgb: np.ndarray, timeout_s: float | None = None) -> GreenView:
        return GreenView(rgb)

    def describe(self) -> tuple[ModelUse, ...]:
        return (ModelUse("greenness", "test", "", "MIT", "segment"),)


def test_the_bill_of_models_names_who_was_asked() -> None:
    """A thing that does not stand out is cut out with the prompted net, which is named; a clear one without it."""
    service = Service(prompted=Greenness())
    try:
        used = {}
        for colour in ((20, 200, 30), (210, 30, 30)):
            answers = list(service.stub.Cutout(cutout_request(service, photo(colour))))
            fractions = [answer.progress.fraction for answer in answers[:-1]]
            assert fractions == sorted(fractions)
            used[colour] = [use.name for use in answers[-1].result.models]
    finally:
        service.close()
    assert used[20, 200, 30] == ["isnet-general-use", "greenness", "lensora-matte"]
    assert used[210, 30, 30] == ["isnet-general-use", "lensora-matte"]


def test_a_photo_becomes_a_scene(service: Service) -> None:
    """Cutout, backplate and composite hand artifacts to each other, and progress never goes down."""
    answers = list(service.stub.Cutout(cutout_request(service, photo())))
    fractions = [answer.progress.fraction for answer in answers[:-1]]
    assert fractions == sorted(fractions) and len(fractions) >= 4
    result = answers[-1].result
    assert [use.name for use in result.models] == ["isnet-general-use", "lensora-matte"]
    cutout = Image.open(io.BytesIO(service.read(result.cutout)))
    assert cutout.mode == "RGBA" and cutout.size == (188, 189)
    plates = list(service.stub.CreateBackplate(prompt_request("marble in a kitchen")))
    backplate = plates[-1].result.backplate
    assert 0.3 < backplate.horizon < 0.8 and not backplate.plain and len(backplate.lighting.sh) == 27
    scene = service.stub.Composite(
        segmenter_pb2.CompositeRequest(cutout=result.cutout, backplate=backplate, output_prefix="jobs/one/")
    ).scene
    still = Image.open(io.BytesIO(service.read(scene)))
    assert still.format == "JPEG" and still.size == (320, 320)
    red, green, blue = still.getpixel((160, 180))  # type: ignore[misc]
    assert abs(red - 210) < 6 and abs(green - 30) < 8 and abs(blue - 30) < 8


def test_the_same_request_gives_the_same_artifact(service: Service) -> None:
    """A stage that is run again after a crash rewrites the same key with the same bytes."""
    request = cutout_request(service, photo())
    first = list(service.stub.Cutout(request))[-1].result.cutout
    second = list(service.stub.Cutout(request))[-1].result.cutout
    assert first == second
    plates = [list(service.stub.CreateBackplate(prompt_request("beach")))[-1].result.backplate for _ in range(2)]
    assert plates[0] == plates[1]


def test_nothing_in_the_box_is_a_failed_precondition(service: Service) -> None:
    """A box without a subject is answered with subject_not_found and a sentence."""
    with pytest.raises(grpc.RpcError) as caught:
        list(service.stub.Cutout(cutout_request(service, photo((125, 125, 125)))))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    error = raised(caught.value)
    assert isinstance(error, SubjectNotFound)
    assert "no subject found in the box" in error.message


def test_the_bench_counts_a_subject_that_is_not_found_as_missed_and_goes_on(service: Service) -> None:
    """A sample without a subject has no overlap; the next is cut out, and any other refusal ends the bench."""
    client = Client(psutil.Process(), service.stub, service.artifacts)
    box, crop = (Box(each.x1, each.y1, each.x2, each.y2) for each in (DISC, CROP))
    alpha = np.zeros((300, 400), np.uint8)
    cv2.circle(alpha, (150, 160), 70, 255, -1)
    overlaps = []
    for colour in ((125, 125, 125), (210, 30, 30)):
        rgb = np.asarray(Image.open(io.BytesIO(photo(colour))))
        sample = Sample("disc", rgb, alpha.astype(np.float32) / 255.0, rgb)
        cutout, seconds = client.cutout(photo(colour), box, crop)
        overlaps.append(score(sample, on_canvas(sample, crop, cutout)).iou)
        assert seconds > 0.0
    assert overlaps[0] == 0.0 and overlaps[1] > 0.97
    with pytest.raises(grpc.RpcError) as caught:
        client.cutout(b"not a picture", box, crop)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_remove_gives_the_white_plate(service: Service) -> None:
    """The plate of remove is plain white at the size asked for."""
    request = segmenter_pb2.CreateBackplateRequest(
        remove=segmenter_pb2.RemoveBackground(), width=256, height=300, output_prefix="jobs/one/"
    )
    backplate = list(service.stub.CreateBackplate(request))[-1].result.backplate
    picture = np.asarray(Image.open(io.BytesIO(service.read(backplate.image))))
    assert backplate.plain and picture.shape == (300, 256, 3) and int(picture.min()) == 255


def test_a_colour_gives_a_plate_of_it(service: Service) -> None:
    """The plate says its colour, so that the film need not read it out of a JPEG; a number that is none is refused."""
    request = segmenter_pb2.CreateBackplateRequest(
        color=segmenter_pb2.ColorBackground(color=0x1F5C57), width=256, height=256, output_prefix="jobs/one/"
    )
    backplate = list(service.stub.CreateBackplate(request))[-1].result.backplate
    assert backplate.plain and backplate.color == 0x1F5C57
    request.color.color = 0x1000000
    with pytest.raises(grpc.RpcError, match=r"must lie in 0\.\.0xffffff"):
        list(service.stub.CreateBackplate(request))


def test_a_logo_is_drawn_over_the_still(service: Service) -> None:
    """In its corner, as large as was asked for; the rest of the still is as without it. A broken one is refused."""
    plate = service.stub.CreateBackplate(
        segmenter_pb2.CreateBackplateRequest(
            color=segmenter_pb2.ColorBackground(color=0xFFFFFF), width=256, height=256, output_prefix="jobs/logo/"
        )
    )
    out = io.BytesIO()
    Image.new("RGBA", (40, 20), (0, 0, 200, 255)).save(out, "PNG")
    block = io.BytesIO()
    subject = np.zeros((120, 120, 4), np.uint8)
    subject[20:100, 20:100] = (200, 60, 40, 255)
    Image.fromarray(subject).save(block, "PNG")
    request = segmenter_pb2.CompositeRequest(
        cutout=service.store(block.getvalue(), "image/png"),
        backplate=list(plate)[-1].result.backplate,
        output_prefix="jobs/logo/",
    )

    def still() -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(service.read(service.stub.Composite(request).scene)))).astype(int)

    without = still()
    logo = service.store(out.getvalue(), "image/png")
    request.logo.CopyFrom(scene_pb2.Logo(image=logo, corner=scene_pb2.CORNER_TOP_LEFT, size=0.25))
    seen = still()
    left, top, right, bottom = LogoPlace(Corner.TOP_LEFT, 0.25).box((40, 20), (256, 256))
    assert np.abs(seen[top + 2 : bottom - 2, left + 2 : right - 2] - (0, 0, 200)).mean() <= 6
    assert np.abs(seen[bottom + 8 :] - without[bottom + 8 :]).max() <= 2
    request.logo.image.CopyFrom(service.store(b"no png", "image/png"))
    with pytest.raises(grpc.RpcError, match="logo must be a PNG"):
        service.stub.Composite(request)


def test_an_image_backplate_is_upright_and_covers(service: Service) -> None:
    """EXIF orientation is applied, the aspect is kept by cutting, and a ground line is found."""
    wide = np.zeros((200, 400, 3), np.uint8)
    wide[:, :200] = (200, 40, 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: upright it is 200 wide, 400 high, its stored left on top
    out = io.BytesIO()
    Image.fromarray(wide).save(out, "JPEG", quality=95, exif=exif)
    request = segmenter_pb2.CreateBackplateRequest(
        image=segmenter_pb2.ImageBackground(image=service.store(out.getvalue(), "image/jpeg")),
        width=256,
        height=256,
        output_prefix="jobs/one/",
    )
    backplate = list(service.stub.CreateBackplate(request))[-1].result.backplate
    picture = np.asarray(Image.open(io.BytesIO(service.read(backplate.image))))
    assert picture.shape == (256, 256, 3)
    assert picture[40, 128, 0] > 150 and picture[216, 128, 0] < 60
    assert abs(backplate.horizon - 0.5) < 0.03
    assert not backplate.afloat, "an edge runs across the picture: the ground's"
    request.image.frame_width, request.image.frame_height = 128, 256
    tall = list(service.stub.CreateBackplate(request))[-1].result.backplate
    assert tall.image.sha256 != backplate.image.sha256 and abs(tall.horizon - 0.5) < 0.03
    request.image.frame_width = 300
    with pytest.raises(grpc.RpcError, match="those of a part, from side to side, of a square, not 300 x 256"):
        list(service.stub.CreateBackplate(request))


def test_a_picture_without_ground_says_so_to_the_composite(service: Service) -> None:
    """A gradient is marked as a place without ground, and the composite takes that from the message: no cast shadow."""
    down = np.linspace(250, 90, 256)[:, None, None] + np.zeros((1, 256, 3))
    out = io.BytesIO()
    Image.fromarray(down.astype(np.uint8)).save(out, "PNG")
    request = segmenter_pb2.CreateBackplateRequest(
        image=segmenter_pb2.ImageBackground(image=service.store(out.getvalue(), "image/png")),
        width=256,
        height=256,
        output_prefix="jobs/one/",
    )
    backplate = list(service.stub.CreateBackplate(request))[-1].result.backplate
    assert backplate.afloat
    assert scene_from_proto(backplate).afloat


@pytest.mark.parametrize(
    ("request_message", "names"),
    [
        (segmenter_pb2.CreateBackplateRequest(width=256, height=256), "background"),
        (prompt_request("   "), "prompt"),
        (prompt_request("x" * 1001), "1000"),
    ],
    ids=["none", "blank", "too long"],
)
def test_bad_backgrounds_are_refused(service: Service, request_message: Any, names: str) -> None:
    """No background, a blank prompt and an over-long one are invalid_background, with the limit in the sentence."""
    with pytest.raises(grpc.RpcError) as caught:
        list(service.stub.CreateBackplate(request_message))
    error = raised(caught.value)
    assert isinstance(error, InvalidBackground) and names in error.message


def test_bytes_that_are_no_picture_are_an_invalid_background(service: Service) -> None:
    """A text file as the user's picture is refused as a background, not as the photo."""
    request = segmenter_pb2.CreateBackplateRequest(
        image=segmenter_pb2.ImageBackground(image=service.store(b"not a picture" * 20, "image/jpeg")),
        width=256,
        height=256,
    )
    with pytest.raises(grpc.RpcError) as caught:
        list(service.stub.CreateBackplate(request))
    assert isinstance(raised(caught.value), InvalidBackground)


def test_sizes_out_of_range_are_refused(service: Service) -> None:
    """A side under 256 or over 2160 is named in the error."""
    with pytest.raises(grpc.RpcError) as caught:
        list(service.stub.CreateBackplate(prompt_request("beach", side=255)))
    assert "width" in raised(caught.value).message and "255" in raised(caught.value).message


def test_a_cancelled_cutout_stops_between_phases() -> None:
    """After a cancel, the work ends at its next phase: the worker is free and nothing is written."""
    slow = Service(seconds=0.6)
    try:
        call = slow.stub.Cutout(cutout_request(slow, photo()))
        for answer in call:
            if answer.progress.phase == "net":
                break
        call.cancel()
        deadline = time.monotonic() + 5.0
        while any(thread.name == "stage-work" for thread in threading.enumerate()):
            assert time.monotonic() < deadline, "the work goes on after the cancel"
            time.sleep(0.05)
        assert len(slow.model.calls) == 1
        answers = list(slow.stub.Cutout(cutout_request(slow, photo())))
        assert answers[-1].WhichOneof("outcome") == "result"
    finally:
        slow.close()


def test_a_deadline_ends_the_work() -> None:
    """A call whose deadline passes while the net runs answers DEADLINE_EXCEEDED."""
    slow = Service(seconds=1.0)
    try:
        with pytest.raises(grpc.RpcError) as caught:
            list(slow.stub.Cutout(cutout_request(slow, photo()), timeout=0.4))
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    finally:
        slow.close()


def test_a_photo_with_its_own_transparency_needs_no_net(service: Service) -> None:
    """A PNG that was cut out already keeps its own alpha."""
    picture = np.zeros((300, 400, 4), np.uint8)
    cv2.circle(picture, (150, 160), 70, (20, 160, 60, 255), -1, cv2.LINE_AA)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    result = list(service.stub.Cutout(cutout_request(service, out.getvalue())))[-1].result
    assert not service.model.calls
    assert result.models[0].name == "photo-transparency"
    alpha = np.asarray(Image.open(io.BytesIO(service.read(result.cutout))))[..., 3]
    truth = picture[66:255, 56:244, 3]
    assert float(np.abs(alpha.astype(int) - truth.astype(int)).mean()) < 2.0
