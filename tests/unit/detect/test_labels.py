"""Names: plain words for each class, and general ones where the net is not sure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Category
from lensora.testing.inference import FakeModel, TensorSpec
from services.detect.labels import SIDE_PX, Labeller, Vocabulary, choose_name, load_vocabulary

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
    name = choose_name(likely(coffee_mug=0.8), VOCABULARY)
    assert (name.label, name.category) == ("coffee mug", Category.PRODUCT)
    assert name.probability == pytest.approx(0.8, abs=0.01)


def test_like_classes_give_their_general_word() -> None:
    """Three breeds at a quarter each are a dog."""
    name = choose_name(likely(beagle=0.25, pug_dog=0.25, boxer_dog=0.25), VOCABULARY)
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
    assert choose_name(likely(seashore=0.6, coffee_mug=0.3), VOCABULARY).label == "coffee mug"


def test_a_kind_far_ahead_of_the_others_is_named() -> None:
    """Three kinds of chair, none likely by itself, make a chair when nothing else comes near."""
    spread = likely(folding_chair=0.16, rocking_chair=0.1, barber_chair=0.08)
    assert choose_name(spread, VOCABULARY).label == "chair"
    rival = likely(folding_chair=0.16, rocking_chair=0.1, barber_chair=0.08, banana=0.1, orange=0.1)
    assert choose_name(rival, VOCABULARY).label != "chair"


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
        names = Labeller(model, vocabulary).names(picture, boxes, [mask, None])
        assert [name.label for name in names] == ["red", "grey"]
    assert Labeller(model, vocabulary).names(picture, [], []) == []
