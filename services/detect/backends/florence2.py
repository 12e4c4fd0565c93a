"""Things by Florence-2 (Xiao et al. 2024): boxes with free words, from a net on Triton."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.boxes import Box, Category, Proposal, SuggestedAction
from lensora.core.errors import InferenceFailed
from lensora.imaging.photo import Photo
from lensora.rpc.call import UNWATCHED, Call
from services.detect.detection import Detection, listed
from services.detect.labels import Vocabulary
from services.detect.preflight import BOX_ACTIONS, Subject, suggested_actions
from services.detect.regions import Region

FLORENCE2 = "florence-2-large"
"""Name in the model manifest."""

SIDE_PX = 768
"""The net looks at a square of this side. Pictures of one size share a batch on the server, so all are sent so."""

WORKING_SIDE_PX = 1024
"""Longest side at which the photo is given: the square, and a little for preflight."""

OBJECTS, REGIONS = "<OD>", "<DENSE_REGION_CAPTION>"
"""The net's tasks: names of kinds of things, and a few words on each region."""

SAME_IOU = 0.6
"""A region and an object that overlap this much are one thing: the region's words say more about it."""

MOST_LABEL_CHARACTERS = 60
"""Longer descriptions are no labels."""

LEAST_AREA = 0.003
"""Boxes under this share of the picture are details."""

LARGE_SHARE = 0.15
"""A thing that covers this much of the picture loses nothing in rank for its size."""

GRID_PX = 128
"""Side of the grid on which preflight sees the best box."""

MATTE = (255, 255, 255)
"""See-through pictures are judged over white, as a web page would show them."""

_LEADING = re.compile(r"^(a|an|the|some|one|two|three|several|pair of|set of)\s+", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_AFTER_NOUN = re.compile(
    r"\b(?:with|on|in|at|of|near|next|behind|beside|under|inside|holding|wearing|and|that|which)\b"
)

EVERYDAY: Mapping[Category, frozenset[str]] = {
    Category.PERSON: frozenset(
        ("person", "man", "woman", "boy", "girl", "child", "baby", "people", "human", "face", "hand")
    ),
    Category.ANIMAL: frozenset(("animal", "cat", "dog", "bird", "horse", "cow", "pet", "puppy", "kitten", "fish")),
    Category.VEHICLE: frozenset(
        ("vehicle", "car", "truck", "bus", "bike", "bicycle", "motorcycle", "scooter", "boat", "plane", "train")
    ),
    Category.PLANT: frozenset(("plant", "flower", "tree", "cactus", "succulent", "bouquet", "houseplant", "leaf")),
    Category.FOOD: frozenset(
        ("food", "fruit", "cake", "bread", "pizza", "sandwich", "burger", "drink", "apple", "banana", "orange", "meal")
    ),
    Category.FURNITURE: frozenset(
        ("furniture", "chair", "table", "sofa", "couch", "desk", "bed", "stool", "bench", "cabinet", "shelf")
    ),
    Category.BUILDING: frozenset(("building", "house", "tower", "church", "castle", "bridge", "skyscraper")),
    Category.PRODUCT: frozenset(
        (
            "product",
            "bottle",
            "cup",
            "mug",
            "glass",
            "bowl",
            "plate",
            "box",
            "can",
            "jar",
            "bag",
            "shoe",
            "sneaker",
            "boot",
            "watch",
            "camera",
            "phone",
            "laptop",
            "headphones",
            "lamp",
            "vase",
            "toy",
            "book",
            "clock",
            "kettle",
            "pot",
            "pan",
            "knife",
            "perfume",
            "lipstick",
            "candle",
            "speaker",
            "keyboard",
            "mouse",
            "backpack",
            "hat",
            "shirt",
            "jacket",
            "dress",
            "sunglasses",
            "ring",
            "necklace",
            "guitar",
            "ball",
            "helmet",
            "tool",
            "drill",
            "packaging",
            "container",
        )
    ),
}
"""Everyday words of each public category; ImageNet's own words are added to them."""


@dataclass(frozen=True, slots=True)
class _Found:
    box: Box
    label: str
    order: int


class Florence2Detector:
    """``Detector`` on Florence-2."""

    def __init__(self, model: Model, vocabulary: Vocabulary) -> None:
        """
        Args:
            model: ``florence-2-large`` of the manifest.
            vocabulary: words whose categories are known.
        """
        self._model = model
        self._categories = category_words(vocabulary)
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="florence")

    @property
    def working_side_px(self) -> int:
        return WORKING_SIDE_PX

    def ready(self) -> bool:
        return self._model.ready()

    def detect(self, photo: Photo, max_objects: int, call: Call = UNWATCHED) -> Detection:
        rgb = photo.over(MATTE)
        square = np.asarray(cv2.resize(rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)
        # Both questions at once: the server joins them into one run of the net.
        asked = [
            self._pool.submit(copy_context().run, self._ask, square, task, call.time_left_s())
            for task in (OBJECTS, REGIONS)
        ]
        objects, regions = (job.result() for job in asked)
        proposals = [
            Proposal(label=found.label, category=self.category_of(found.label), box=found.box, score=rank(found))
            for found in joined(objects, regions)
        ]
        things = listed(proposals, max_objects)
        return Detection(
            proposals=things, actions=self._actions(rgb, photo, things[0]), models=(self._model.describe(),)
        )

    def looks(self, photo: Photo, boxes: Sequence[Box], call: Call = UNWATCHED) -> None:
        """None: the net says words, and nothing that could be compared."""
        del photo, boxes, call

    def category_of(self, label: str) -> Category:
        """The public category of a few free words, by their noun: the last known word before any "with" or "on"."""
        for word in reversed(_WORD.findall(_AFTER_NOUN.split(label.lower())[0])):
            for form in (word, word.removesuffix("es"), word.removesuffix("s")):
                if form in self._categories:
                    return self._categories[form]
        return Category.OBJECT

    def _ask(self, square: NDArray[np.uint8], task: str, timeout_s: float | None) -> list[_Found]:
        answer = self._model.infer(
            {"image": square[None], "task": np.array([[task.encode()]], object)},
            outputs=["boxes", "labels"],
            timeout_s=timeout_s,
        )
        boxes, labels = answer["boxes"], answer["labels"]
        if boxes.ndim != 3 or boxes.shape[2] != 4 or labels.shape != boxes.shape[:2]:
            raise InferenceFailed(
                f"{self._model.name} sent boxes of shape {boxes.shape} with labels of shape {labels.shape}"
            )
        found = []
        for order, (corners, words) in enumerate(zip(boxes[0], labels[0], strict=True)):
            label = plain(bytes(words).decode("utf-8", "replace"))
            x1, y1, x2, y2 = (float(np.clip(c, 0.0, 1.0)) for c in corners)
            if label and x2 > x1 and y2 > y1 and (x2 - x1) * (y2 - y1) >= LEAST_AREA:
                found.append(_Found(Box(x1, y1, x2, y2), label, order))
        return found

    def _actions(self, rgb: NDArray[np.uint8], photo: Photo, best: Proposal) -> tuple[SuggestedAction, ...]:
        if best.category == Category.FULL_FRAME:
            return tuple(suggested_actions(rgb, None))
        bounds = best.box.pixels(GRID_PX, GRID_PX)
        left, top, right, bottom = bounds
        mask = np.zeros((GRID_PX, GRID_PX), bool)
        mask[top:bottom, left:right] = True
        region = Region(mask, bounds, int(mask.sum()), 1.0, 1.0, 0.0)
        across = best.box.pixels(photo.info.width, photo.info.height)
        subject = Subject(region, None, across[2] - across[0], across[3] - across[1])
        return tuple(action for action in suggested_actions(rgb, subject) if action.code in BOX_ACTIONS)


def joined(objects: list[_Found], regions: list[_Found]) -> list[_Found]:
    """Objects with the richer words of the regions that they are, then regions that are no object."""
    left = list(regions)
    things = []
    for thing in objects:
        same = max(left, key=lambda region: region.box.iou(thing.box), default=None)
        if same is not None and same.box.iou(thing.box) >= SAME_IOU:
            left.remove(same)
            things.append(_Found(thing.box, same.label, thing.order))
        else:
            things.append(thing)
    return things + [_Found(region.box, region.label, region.order + len(objects)) for region in left]


def plain(words: str) -> str:
    """A label: lower case, without an article, no longer than ``MOST_LABEL_CHARACTERS``."""
    label = " ".join(words.lower().split()).strip(" .,;:")
    label = _LEADING.sub("", label)
    if len(label) <= MOST_LABEL_CHARACTERS:
        return label
    return label[:MOST_LABEL_CHARACTERS].rsplit(" ", 1)[0]


def rank(found: _Found) -> float:
    """How likely the user means this thing, 0..1: it is large, near the middle, and was named early."""
    box = found.box
    size = min(1.0, math.sqrt(box.area / LARGE_SHARE))
    off_centre = math.hypot((box.x1 + box.x2) / 2 - 0.5, (box.y1 + box.y2) / 2 - 0.5)
    # A box that is the picture itself, or nearly, tells nothing that the full frame does not.
    whole = 0.5 if box.area > 0.92 else 1.0
    return (0.4 + 0.6 * size) * (1 - 0.5 * min(1.0, off_centre)) * (0.97 ** min(found.order, 20)) * whole


def category_words(vocabulary: Vocabulary) -> dict[str, Category]:
    """Words and the public category that they tell: the last of ImageNet's labels and groups, and everyday ones."""
    votes: defaultdict[str, Counter[Category]] = defaultdict(Counter)
    for label, group, category in zip(vocabulary.labels, vocabulary.groups, vocabulary.categories, strict=True):
        for words in (label, group):
            votes[words.split()[-1].lower()][category] += 1
    known = {word: count.most_common(1)[0][0] for word, count in votes.items()}
    known.update({word: category for category, words in EVERYDAY.items() for word in words})
    return known
