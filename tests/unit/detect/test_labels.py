"""Names: plain words for each class, and general ones where the net is not sure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.core.boxes import FULL_FRAME, Box, Category
from lensora.testing.inference import FakeModel, TensorSpec
from services.detect.backends.saliency import OBJECT_CLASSES
from services.detect.labels import SIDE_PX, Labeller, Vocabulary, choose_name, load_vocabulary
from services.detect.objects import Sighting, load_classes

VOCABULARY = load_vocabulary()
WORDS = re.compile(r"[A-Za-z][A-Za-z'. -]*")


def likely(**chances: float) -> NDArray[np.float64]:
    """Probabilities of the vocabulary: those given by label (underscores for spaces), the rest spread over all."""
    probabilities = np.full(1000, 0.0)
    for label, chance in chances.items():
        probabilities[VOCABULARY.labels.index(label.replace("_", " "))] = chance
    return probabilities + (1 - probabilities.sum()) / 1000


def test_every_class_has_plain_words_and_a_public_category() -> None:
    """There are 1000 classes; no label is a code, none is long, none is a list, and every category is public."""
    assert len(VOCABULARY.labels) == len(VOCABULARY.categories) == len(VOCABULARY.groups) == 1000
    for label in (*VOCABULARY.labels, *VOCABULARY.groups):
        assert WORDS.fullmatch(label) and len(label) <= 32, label
    assert set(VOCABULARY.categories) == set(Category) - {Category.FULL_FRAME}


@pytest.mark.parametrize(
    ("label", "category"),
    [
        ("coffee mug", Category.PRODUCT),
        ("camera", Category.PRODUCT),
        ("golden retriever", Category.ANIMAL),
        ("pickup truck", Category.VEHICLE),
        ("rocking chair", Category.FURNITURE),
        ("banana", Category.FOOD),
        ("daisy", Category.PLANT),
        ("castle", Category.BUILDING),
        ("scuba diver", Category.PERSON),
        ("volcano", Category.OBJECT),
    ],
)
def test_words_have_the_category_that_a_person_would_give(label: str, category: Category) -> None:
    """A few of every category."""
    assert VOCABULARY.categories[VOCABULARY.labels.index(label)] is category


def test_a_sure_class_is_named() -> None:
    """A class that is likely by itself gives its own words."""
    name = choose_name(likely(coffee_mug=0.95), VOCABULARY)
    assert (name.label, name.category) == ("coffee mug", Category.PRODUCT)
    assert name.probability == pytest.approx(0.95, abs=0.01)


def test_like_classes_give_their_general_word() -> None:
    """Three breeds at a quarter each are a dog."""
    name = choose_name(likely(beagle=0.3, pug_dog=0.3, boxer_dog=0.3), VOCABULARY)
    assert (name.label, name.category) == ("dog", Category.ANIMAL)


def test_unlike_classes_of_one_category_give_its_word() -> None:
    """A boat, a car and a plane at a quarter each are a vehicle."""
    name = choose_name(likely(canoe=0.25, jeep=0.25, airship=0.25), VOCABULARY)
    assert (name.label, name.category) == ("vehicle", Category.VEHICLE)


def test_where_nothing_is_likely_it_is_an_object() -> None:
    """Chances spread over everything give no name that could be wrong."""
    name = choose_name(likely(canoe=0.1, banana=0.1, beagle=0.1), VOCABULARY)
    assert (name.label, name.category) == ("object", Category.OBJECT)


def test_places_are_no_names_for_things() -> None:
    """A net that takes the background for a seashore is not followed."""
    assert choose_name(likely(seashore=0.6, coffee_mug=0.39), VOCABULARY).label == "coffee mug"


def by_red(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Class 1 where the middle of the picture is red, else class 0."""
    middle = inputs["input"][:, 0, SIDE_PX // 2, SIDE_PX // 2]
    return {"logits": np.stack([np.where(middle > 0.5, 0.0, 9.0), np.where(middle > 0.5, 9.0, 0.0)], 1).astype("f4")}


def test_each_box_is_named_by_what_it_holds() -> None:
    """Crops are taken where the boxes are, whatever the picture's size, with and without a mask."""
    vocabulary = Vocabulary(("grey", "red"), (Category.OBJECT, Category.PRODUCT), ("grey", "red"))
    model = FakeModel(
        by_red,
        inputs={"input": TensorSpec(np.float32, (None, 3, SIDE_PX, SIDE_PX))},
        outputs=["logits"],
        use=ModelUse("efficientnet-lite0", "test", "", "Apache-2.0", "detect"),
    )
    for height, width in ((100, 140), (2000, 3000)):
        picture = np.full((height, width, 3), 90, np.uint8)
        picture[: height // 2, width // 2 :] = (250, 20, 20)
        mask = np.zeros((50, 75), np.bool_)
        mask[:25, 38:] = True
        boxes = [(width // 2, 0, width, height // 2), (0, height // 2, width // 2, height)]
        names = Labeller(model, vocabulary).names(picture, boxes, [mask, None], [None, None])
        assert [name.label for name in names] == ["red", "grey"]
    assert Labeller(model, vocabulary).names(picture, [], [], []) == []


def seen(label: str, score: float) -> Sighting:
    """A detector's sighting of a kind that one of the shipped detectors knows."""
    kinds = [kind for table in OBJECT_CLASSES.values() for kind in load_classes(table) if kind is not None]
    return Sighting(Box(0.2, 0.2, 0.6, 0.6), score, next(kind for kind in kinds if kind.label == label), FULL_FRAME)


def test_every_word_that_a_detector_shares_with_imagenet_is_there() -> None:
    """The tables of the detectors name labels or general words of the vocabulary, and public categories."""
    words = {*VOCABULARY.labels, *VOCABULARY.groups}
    for table, count in zip(OBJECT_CLASSES.values(), (80, 23), strict=True):
        kinds = [kind for kind in load_classes(table) if kind is not None]
        assert len(kinds) == count
        for kind in kinds:
            assert kind.alike <= words, kind
            assert WORDS.fullmatch(kind.label)
            assert kind.category != Category.FULL_FRAME


def test_a_detectors_name_is_taken_where_the_classifier_finds_it_possible() -> None:
    """Chairs of three kinds and a sighting of a chair make a chair; the same sighting of a product does not."""
    spread = likely(folding_chair=0.365, rocking_chair=0.365, banana=0.2)
    assert choose_name(spread, VOCABULARY).label == "piece of furniture"
    named = choose_name(spread, VOCABULARY, seen("chair", 0.9))
    assert (named.label, named.category) == ("chair", Category.FURNITURE)
    products = likely(lens_cap=0.25, joystick=0.25, radio=0.25)
    assert choose_name(products, VOCABULARY, seen("chair", 0.9)) == choose_name(products, VOCABULARY)


def test_what_imagenet_does_not_have_is_named_by_a_sure_detector_alone() -> None:
    """A person is named at 0.96, not at 0.6, and never against a surer classifier."""
    clothes = likely(sweatshirt=0.3, sarong=0.2)
    assert choose_name(clothes, VOCABULARY, seen("person", 0.96)).label == "person"
    assert choose_name(clothes, VOCABULARY, seen("person", 0.6)).label != "person"
    assert choose_name(likely(sweatshirt=0.97), VOCABULARY, seen("person", 0.96)).label == "sweatshirt"


def test_a_name_for_something_else_is_refused() -> None:
    """A biplane, which the classifier takes for toys with wheels, is not called scissors; scissors are."""
    wheels = likely(tricycle=0.36, maraca=0.1, pinwheel=0.1)
    assert choose_name(wheels, VOCABULARY, seen("scissors", 0.98)) == choose_name(wheels, VOCABULARY)
    for chance in (0.75, 0.95):
        assert choose_name(likely(cutting_tool=chance), VOCABULARY, seen("scissors", 0.98)).label == "scissors"


def test_a_sure_class_is_more_exact_than_a_sighting() -> None:
    """A rotary telephone is not called a phone."""
    assert choose_name(likely(rotary_telephone=0.95), VOCABULARY, seen("phone", 0.95)).label == "rotary telephone"


def test_two_kinds_of_one_category_give_its_word() -> None:
    """What one net takes for dogs and the other for a horse is an animal."""
    dogs = likely(beagle=0.3, pug_dog=0.3, boxer_dog=0.3)
    assert choose_name(dogs, VOCABULARY, seen("horse", 0.96)).label == "animal"
    assert choose_name(dogs, VOCABULARY, seen("dog", 0.9)).label == "dog"
