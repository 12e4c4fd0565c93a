"""The detect service over real gRPC: its errors with the shipped fakes, and real photos with the real nets."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data as photographs

from lensora.adapters.artifacts import ObjectArtifacts, memory_artifacts
from lensora.adapters.runtimes import OnnxRuntime
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.core.artifacts import MediaType, ModelUse
from lensora.core.boxes import Box
from lensora.core.errors import FileNotFound, InferenceFailed, InvalidImage, InvalidRequest, InvalidVideo, LensoraError
from lensora.rpc.messages import artifact_from_proto, artifact_to_proto, box_to_proto
from lensora.rpc.server import Server
from lensora.rpc.status import error_of
from lensora.testing.films import film_of, turning
from lensora.testing.inference import FakeModel, TensorSpec
from services.detect.backends.registry import DETECT_BACKENDS
from services.detect.backends.saliency import SaliencyDetector
from services.detect.detection import Detector
from services.detect.labels import load_vocabulary
from services.detect.servicer import DetectorServicer
from services.detect.settings import DetectSettings

MODELS_DIR = Path("~/.cache/lensora/models").expanduser()
"""Where ``make setup`` puts the weights."""

MUG = load_vocabulary().labels.index("coffee mug")


def redness(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """A net that finds what is red."""
    tensor = inputs["input"]
    return {"output": np.clip((tensor[:, :1] - tensor[:, 1:2]) * 3.0, 0.0, 1.0).astype(np.float32)}


def always_a_mug(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """A classifier that sees coffee mugs."""
    logits = np.zeros((len(inputs["input"]), 1000), np.float32)
    logits[:, MUG] = 12
    return {"logits": logits}


def use(name: str) -> ModelUse:
    """A row of the bill of models."""
    return ModelUse(name, "test", "a" * 64, "MIT", "detect")


class Service:
    """A running service and a client of it."""

    def __init__(self, detector: Detector) -> None:
        self.artifacts: ObjectArtifacts = memory_artifacts()
        servicer = DetectorServicer(self.artifacts, detector)
        name = detector_pb2.DESCRIPTOR.services_by_name["Detector"].full_name
        self.server = Server(
            "detect",
            DetectSettings(port=0, drain_seconds=1.0),
            lambda server: detector_pb2_grpc.add_DetectorServicer_to_server(servicer, server),
            [name],
        )
        self.server.start()
        self.server.serve()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}")
        self.stub = detector_pb2_grpc.DetectorStub(self.channel)

    def close(self) -> None:
        """Stop the client and the server."""
        self.channel.close()
        self.server.stop()

    def detect(self, file: bytes, max_objects: int = 6) -> detector_pb2.DetectResponse:
        """Store a file and look at it; errors of the tree come back as themselves."""
        photo = self.artifacts.put("photos/one", file, MediaType.JPEG)
        request = detector_pb2.DetectRequest(photo=artifact_to_proto(photo), max_objects=max_objects)
        return self.call(request)

    def call(self, request: detector_pb2.DetectRequest) -> detector_pb2.DetectResponse:
        """One call with a deadline."""
        try:
            return self.stub.Detect(request, timeout=60)
        except grpc.RpcError as error:
            raise error_of(error, service="detect") from None


@pytest.fixture
def isnet() -> FakeModel:
    """Finds what is red."""
    spec = TensorSpec(np.float32, (None, 3, None, None))
    return FakeModel(redness, inputs={"input": spec}, outputs=["output"], use=use("isnet-general-use"))


@pytest.fixture
def faked(isnet: FakeModel) -> Iterator[Service]:
    """The service on fakes."""
    spec = TensorSpec(np.float32, (None, 3, 224, 224))
    classifier = FakeModel(always_a_mug, inputs={"input": spec}, outputs=["logits"], use=use("efficientnet-lite0"))
    service = Service(SaliencyDetector(isnet, classifier))
    yield service
    service.close()


@pytest.fixture(scope="module")
def real() -> Iterator[Service]:
    """The service on the real nets."""
    service = Service(DETECT_BACKENDS["objects"](OnnxRuntime(MODELS_DIR)))
    yield service
    service.close()


def file_of(picture: NDArray[np.uint8], kind: str = "JPEG", **options: Any) -> bytes:
    """The file of a picture."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, kind, **options)
    return out.getvalue()


def red_discs(count: int, width: int = 1200, height: int = 900) -> NDArray[np.uint8]:
    """Up to nine red discs in rows on grey."""
    picture = np.full((height, width, 3), 150, np.uint8)
    for index in range(count):
        centre = (width * (2 * (index % 3) + 1) // 6, height * (2 * (index // 3) + 1) // 6)
        cv2.circle(picture, centre, height // 9, (220, 30, 30), -1)
    return picture


def boxes(response: detector_pb2.DetectResponse) -> list[tuple[float, float, float, float]]:
    """Boxes of the things, without the full frame."""
    return [(p.box.x1, p.box.y1, p.box.x2, p.box.y2) for p in response.proposals[:-1]]


def test_things_come_best_first_and_the_full_frame_last(faked: Service) -> None:
    """The answer has names, categories, sorted scores, the photo's size and the nets that were used."""
    response = faked.detect(file_of(red_discs(3)))
    things, frame = response.proposals[:-1], response.proposals[-1]
    assert [(thing.label, thing.category) for thing in things] == [("coffee mug", "product")] * 3
    scores = [thing.score for thing in things]
    assert scores == sorted(scores, reverse=True) and 0 < scores[-1] <= scores[0] <= 1
    assert (frame.label, frame.category) == ("entire image (no crop)", "full_frame")
    assert (frame.box.x1, frame.box.y1, frame.box.x2, frame.box.y2) == (0, 0, 1, 1)
    assert (response.width, response.height) == (1200, 900)
    assert [(model.name, model.stage) for model in response.models] == [
        ("isnet-general-use", "detect"),
        ("efficientnet-lite0", "detect"),
    ]


def test_a_photo_whose_cutout_may_well_be_wrong_says_so(faked: Service) -> None:
    """A disc is seen clearly; of a ring around something half seen, nobody can tell how much is meant."""
    disc, ring = (np.full((600, 800, 3), 150, np.uint8) for _ in range(2))
    cv2.circle(disc, (400, 300), 150, (220, 30, 30), -1)
    cv2.circle(ring, (400, 300), 150, (175, 145, 145), -1)
    cv2.circle(ring, (400, 300), 150, (220, 30, 30), 50)
    codes = [[action.code for action in faked.detect(file_of(each)).suggested_actions] for each in (disc, ring)]
    assert "cutout_uncertain" not in codes[0] and "cutout_uncertain" in codes[1]


@pytest.mark.parametrize("most", [2, 5, 8])
def test_no_more_things_than_asked_for(faked: Service, most: int) -> None:
    """``max_objects`` counts the full frame."""
    assert len(faked.detect(file_of(red_discs(9)), most).proposals) == most


def test_boxes_are_of_the_upright_photo(faked: Service) -> None:
    """A photo that the camera held sideways is turned before it is looked at."""
    picture = np.full((600, 900, 3), 150, np.uint8)
    cv2.circle(picture, (225, 150), 90, (220, 30, 30), -1)
    exif = Image.Exif()
    exif[0x0112] = 6
    response = faked.detect(file_of(np.rot90(picture), exif=exif))
    assert (response.width, response.height) == (900, 600)
    ((x1, y1, x2, y2),) = boxes(response)
    assert abs((x1 + x2) / 2 - 0.25) < 0.02 and abs((y1 + y2) / 2 - 0.25) < 0.02


def test_a_transparent_photo_is_looked_at_over_white(faked: Service) -> None:
    """Hidden red behind full transparency is not found; what can be seen is."""
    both = np.zeros((600, 800, 4), np.uint8)
    both[..., 0] = 255
    cv2.circle(both, (600, 300), 120, (220, 30, 30, 255), -1)
    ((x1, _y1, x2, _y2),) = boxes(faked.detect(file_of(both, "PNG")))
    assert abs((x1 + x2) / 2 - 0.75) < 0.02


def test_bad_requests_are_told(faked: Service) -> None:
    """Not an image, a count out of range, and a photo that is not there each give their own error."""
    with pytest.raises(InvalidImage, match="JPEG, PNG or WebP file, not text"):
        faked.detect(b"plain text")
    for most in (0, 1, 9):
        with pytest.raises(InvalidRequest, match=f"max_objects must be 2 to 8, not {most}"):
            faked.detect(file_of(red_discs(1)), most)
    photo = faked.artifacts.put("photos/gone", file_of(red_discs(1)), MediaType.JPEG)
    request = detector_pb2.DetectRequest(photo=artifact_to_proto(photo), max_objects=6)
    request.photo.uri = request.photo.uri.replace("gone", "missing")
    with pytest.raises(FileNotFound):
        faked.call(request)


def test_things_of_another_photo_are_compared_where_one_is_given(faked: Service) -> None:
    """Each proposal says how like each of them it is; without a reference nothing is said."""
    assert not faked.detect(file_of(red_discs(2))).proposals[0].likeness
    photo = artifact_to_proto(faked.artifacts.put("photos/one", file_of(red_discs(2)), MediaType.JPEG))
    places = [box_to_proto(Box(0.0, 0.0, 0.5, 1.0)), box_to_proto(Box(0.5, 0.0, 1.0, 1.0))]
    reference = detector_pb2.Reference(photo=photo, boxes=places)
    response = faked.call(detector_pb2.DetectRequest(photo=photo, max_objects=6, reference=reference))
    assert all(len(proposal.likeness) == 2 for proposal in response.proposals)
    # The classifier of this test sees the same in everything.
    assert min(min(proposal.likeness) for proposal in response.proposals) > 0.99
    for count in (0, 9):
        reference = detector_pb2.Reference(photo=photo, boxes=places[:1] * count)
        with pytest.raises(InvalidRequest, match=f"reference.boxes must have 1 to 8, not {count}"):
            faked.call(detector_pb2.DetectRequest(photo=photo, max_objects=6, reference=reference))


def test_a_net_that_fails_is_told_and_the_next_call_works(faked: Service, isnet: FakeModel) -> None:
    """A failure of the runtime is a typed, retryable error; nothing is left behind by it."""
    isnet.fail_with(InferenceFailed("the net has failed"))
    with pytest.raises(LensoraError) as caught:
        faked.detect(file_of(red_discs(1)))
    assert (caught.value.code, caught.value.retryable) == ("inference_failed", True)
    isnet.fail_with(None)
    assert len(faked.detect(file_of(red_discs(1))).proposals) == 2


def test_the_coffee_is_found_by_the_real_nets(real: Service) -> None:
    """scikit-image's photo of an espresso gives the cup with its saucer, named as coffee, and a useful box."""
    response = real.detect(file_of(photographs.coffee(), quality=92))
    best = response.proposals[0]
    assert best.label in {"cup", "coffee cup", "coffee mug"}
    assert np.abs(np.array(boxes(response)[0]) - [0.13, 0.05, 0.81, 0.99]).max() < 0.06


def test_the_cat_is_an_animal_that_the_frame_cuts_off(real: Service) -> None:
    """scikit-image's portrait of a cat gives a cat, and the advice that the photo cuts it off."""
    response = real.detect(file_of(photographs.cat(), quality=92))
    assert response.proposals[0].category == "animal"
    assert "subject_cropped" in [action.code for action in response.suggested_actions]


def test_two_things_give_two_boxes(real: Service) -> None:
    """The cup and the cat's face, pasted apart on a plain table, are two proposals and the full frame."""
    table = np.full((900, 1500, 3), (196, 186, 172), np.uint8)
    table[:380] = (228, 228, 230)
    cup, cat = photographs.coffee()[10:400, 70:490], photographs.cat()[20:260, 80:360]
    for picture, at in ((cup, (330, 180)), (cat, (420, 980))):
        height, width = picture.shape[:2]
        oval = np.zeros((height, width), np.uint8)
        cv2.ellipse(oval, (width // 2, height // 2), (width // 2 - 4, height // 2 - 4), 0, 0, 360, 255, -1)
        opacity = cv2.GaussianBlur(oval, (0, 0), 1)[..., None] / 255
        window = table[at[0] : at[0] + height, at[1] : at[1] + width]
        window[:] = np.rint(picture * opacity + window * (1 - opacity))
    found = boxes(real.detect(file_of(table, quality=92)))
    assert len(found) == 2
    left, right = sorted(found)
    assert np.abs(np.array(left) - [180 / 1500, 330 / 900, 600 / 1500, 720 / 900]).max() < 0.05
    assert np.abs(np.array(right) - [980 / 1500, 420 / 900, 1260 / 1500, 660 / 900]).max() < 0.05


def test_things_that_overlap_give_a_box_each(real: Service) -> None:
    """The cat's face before the cup hides a part of it; saliency sees one thing, the detectors know two."""
    table = np.full((900, 1500, 3), (206, 200, 190), np.uint8)
    cup, cat = photographs.coffee()[10:400, 70:490], photographs.cat()[20:260, 80:360]
    for picture, at in ((cup, (300, 420)), (cat, (480, 740))):
        height, width = picture.shape[:2]
        oval = np.zeros((height, width), np.uint8)
        cv2.ellipse(oval, (width // 2, height // 2), (width // 2 - 4, height // 2 - 4), 0, 0, 360, 255, -1)
        opacity = cv2.GaussianBlur(oval, (0, 0), 1)[..., None] / 255
        window = table[at[0] : at[0] + height, at[1] : at[1] + width]
        window[:] = np.rint(picture * opacity + window * (1 - opacity))
    response = real.detect(file_of(table, quality=92))
    boxes_of = {thing.category: Box(*box) for thing, box in zip(response.proposals, boxes(response), strict=False)}
    assert boxes_of["animal"].iou(Box(744 / 1500, 484 / 900, 1016 / 1500, 716 / 900)) > 0.85
    assert any(box.iou(Box(424 / 1500, 304 / 900, 836 / 1500, 686 / 900)) > 0.4 for box in boxes_of.values())
    assert len(boxes_of) > 1


def test_a_plain_wall_gives_the_full_frame_alone(real: Service) -> None:
    """Where there is nothing, nothing is made up, and the advice is to photograph one thing."""
    wall = np.full((900, 1200, 3), 200, np.float32) + np.linspace(0, 30, 1200, dtype=np.float32)[:, None]
    noise = np.random.default_rng(0).normal(0, 2, wall.shape)
    response = real.detect(file_of((wall + noise).clip(0, 255).astype(np.uint8), quality=90))
    assert [proposal.category for proposal in response.proposals] == ["full_frame"]
    assert [action.code for action in response.suggested_actions] == ["no_clear_subject"]


def test_a_films_pictures_are_chosen_and_stored(faked: Service) -> None:
    """Eight JPEGs under the prefix, in the film's order, with where they are in the turn and which way it goes."""
    video = faked.artifacts.put("sessions/s/film", film_of(turning(72, -1.0)), MediaType.MP4)
    request = detector_pb2.ChooseFramesRequest(video=artifact_to_proto(video), output_prefix="sessions/s/views/v/")
    answer = faked.stub.ChooseFrames(request, timeout=60)
    assert len(answer.frames) == 8 and answer.direction < -0.9
    assert [frame.share for frame in answer.frames] == pytest.approx([n / 9 for n in range(1, 9)], abs=0.06)
    seconds = [frame.moment.ToMilliseconds() for frame in answer.frames]
    assert seconds == sorted(set(seconds)) and 0 < seconds[0] < seconds[-1] < 3_000
    for frame in answer.frames:
        picture = artifact_from_proto(frame.picture, field="picture")
        assert "/sessions/s/views/v/frame-" in picture.uri
        with Image.open(io.BytesIO(faked.artifacts.get(picture))) as opened:
            assert (opened.format, opened.size) == ("JPEG", (64, 64))
    assert [one.name for one in answer.models] == ["isnet-general-use", "efficientnet-lite0"]


def test_what_is_no_film_is_refused_by_the_service(faked: Service) -> None:
    """As an error of the tree, with the field."""
    video = faked.artifacts.put("sessions/s/film", b"no film", MediaType.MP4)
    with pytest.raises(grpc.RpcError) as call:
        faked.stub.ChooseFrames(detector_pb2.ChooseFramesRequest(video=artifact_to_proto(video)), timeout=60)
    error = error_of(call.value, service="detect")
    assert isinstance(error, InvalidVideo) and error.field == "video"


class Caller:
    """A caller that waits, as a servicer sees it; whether it still does is asked between two pictures of a film."""

    def __init__(self, asked: Callable[[], None] = lambda: None) -> None:
        self._asked = asked

    def time_remaining(self) -> float:
        return 60.0

    def is_active(self) -> bool:
        self._asked()
        return True


def test_a_photo_does_not_wait_for_the_memory_of_a_film(isnet: FakeModel) -> None:
    """It is answered while a film is being decoded: that takes seconds, and photos are promised in less than one."""
    spec = TensorSpec(np.float32, (None, 3, 224, 224))
    classifier = FakeModel(always_a_mug, inputs={"input": spec}, outputs=["logits"], use=use("efficientnet-lite0"))
    artifacts = memory_artifacts()
    servicer = DetectorServicer(artifacts, SaliencyDetector(isnet, classifier))
    film = artifacts.put("sessions/s/film", film_of(turning(36), rate=12), MediaType.MP4)
    photo = artifacts.put("photos/one", file_of(np.full((90, 120, 3), 200, np.uint8)), MediaType.JPEG)
    decoding, answered = threading.Event(), threading.Event()

    def held() -> None:
        decoding.set()
        assert answered.wait(20)

    chosen = detector_pb2.ChooseFramesRequest(video=artifact_to_proto(film), output_prefix="sessions/s/views/v/")
    thread = threading.Thread(target=servicer.ChooseFrames, args=(chosen, Caller(held)))
    thread.start()
    try:
        assert decoding.wait(20)
        until = time.monotonic() + 10.0

        def asked() -> None:
            assert time.monotonic() < until, "the photo waits"

        request = detector_pb2.DetectRequest(photo=artifact_to_proto(photo), max_objects=2)
        assert servicer.Detect(request, Caller(asked)).width == 120
    finally:
        answered.set()
        thread.join()
