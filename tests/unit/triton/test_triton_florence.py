"""Florence-2 in the detect stage: what its boxes and words become; the net is a function."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from lensora.core.artifacts import ModelUse
from lensora.core.boxes import FULL_FRAME_LABEL, Category
from lensora.core.errors import InferenceFailed
from lensora.imaging.photo import Photo, decode
from lensora.testing.inference import FakeModel, TensorSpec
from services.detect.backends.florence2 import REGIONS, Florence2Detector, plain
from services.detect.labels import load_vocabulary

USE = ModelUse("florence-2-large", "1", "a" * 64, "MIT", "detect")
Words = list[tuple[str, tuple[float, float, float, float]]]


def detector(objects: Words, regions: Words) -> Florence2Detector:
    """A detector whose net sees these things in every picture."""

    def respond(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = regions if bytes(inputs["task"][0, 0]).decode() == REGIONS else objects
        return {
            "boxes": np.array([[box for _, box in found]], np.float32).reshape(1, -1, 4),
            "labels": np.array([[words.encode() for words, _ in found]], object).reshape(1, -1),
        }

    model = FakeModel(
        respond,
        inputs={"image": TensorSpec(np.uint8, (1, 768, 768, 3)), "task": TensorSpec(object, (1, 1))},
        outputs=["boxes", "labels"],
        use=USE,
    )
    return Florence2Detector(model, load_vocabulary())


def photo() -> Photo:
    """scikit-image's coffee cup, 600 x 400."""
    stored = io.BytesIO()
    Image.fromarray(data.coffee()).save(stored, "PNG")
    return decode(stored.getvalue(), longest_side_px=1024)


CUP = (0.3, 0.2, 0.7, 0.8)


def test_objects_take_the_words_of_the_regions_that_they_are() -> None:
    """A region that is the same thing gives its words; another region is a thing of its own; the frame comes last."""
    found = detector(
        [("cup", CUP)], [("A white cup with a spoon", (0.31, 0.2, 0.7, 0.79)), ("wooden table", (0.0, 0.5, 1.0, 1.0))]
    ).detect(photo(), 5)
    assert [p.label for p in found.proposals] == ["white cup with a spoon", "wooden table", FULL_FRAME_LABEL]
    assert [p.category for p in found.proposals] == [Category.PRODUCT, Category.FURNITURE, Category.FULL_FRAME]
    assert found.models == (USE,)
    scores = [p.score for p in found.proposals]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("words", "category"),
    [
        ("red sports car on a road", Category.VEHICLE),
        ("golden retriever", Category.ANIMAL),
        ("cups of coffee", Category.PRODUCT),
        ("woman holding a bag", Category.PERSON),
        ("tomatoes", Category.OBJECT),
        ("thingamajig", Category.OBJECT),
    ],
)
def test_the_noun_tells_the_category(words: str, category: Category) -> None:
    """The noun counts, not what it stands on or holds; an unknown one is an object."""
    assert detector([], []).category_of(words) is category


def test_garbage_is_left_out() -> None:
    """Boxes without area, outside the picture or without words are no proposals; no proposal at all says so."""
    found = detector([("", CUP), ("dot", (0.5, 0.5, 0.501, 0.501)), ("line", (0.4, 0.1, 0.4, 0.9))], []).detect(
        photo(), 3
    )
    assert [p.label for p in found.proposals] == [FULL_FRAME_LABEL]
    assert [action.code for action in found.actions] == ["no_clear_subject"]


def test_a_thing_at_the_border_is_reported_as_cut_off() -> None:
    """Preflight works from the box where there is no outline."""
    found = detector([("cup", (0.0, 0.2, 0.6, 0.9))], []).detect(photo(), 3)
    assert "subject_cropped" in [action.code for action in found.actions]


def test_arrays_that_do_not_fit_are_told() -> None:
    """A server whose labels and boxes differ in number is told, with the net's name."""
    model = FakeModel(
        lambda _inputs: {"boxes": np.zeros((1, 2, 4), np.float32), "labels": np.array([[b"one"]], object)},
        inputs={"image": TensorSpec(np.uint8, (1, 768, 768, 3)), "task": TensorSpec(object, (1, 1))},
        outputs=["boxes", "labels"],
        use=USE,
    )
    with pytest.raises(InferenceFailed, match="florence-2-large sent boxes"):
        Florence2Detector(model, load_vocabulary()).detect(photo(), 3)


def test_labels_are_plain() -> None:
    """No article, no capital, no full stop, not too long."""
    assert plain("A Red  Cup.") == "red cup"
    assert len(plain("very " * 40 + "long")) <= 60
