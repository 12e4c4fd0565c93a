"""Plain words for what a crop shows: ImageNet's classes made readable, and general words where the net is not sure.

A wrong name is worse than a general one. So a class is named only when it is likely by itself; else the likely kind of
thing (``dog``, ``bottle``), else the likely category (``vehicle``), else ``object``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.boxes import Category
from lensora.core.errors import ConfigurationError
from services.detect.likeness import look_of
from services.detect.objects import Sighting
from services.detect.regions import Mask

SIDE_PX = 224
"""EfficientNet-Lite0's input size."""

_MEAN = np.float32(127.0)
_DEVIATION = np.float32(128.0)
"""How the lite models saw their pictures in training, levels of 255 (TensorFlow's ``efficientnet-lite``)."""


@dataclass(frozen=True)
class NameRules:
    """When something is called by a name; else a general word.

    The first two are the lowest over which nine in ten names were right on the ``tune`` photographs of
    ``quality/corpus`` and on drawn things.

    Attributes:
        class_sure: least probability of a class that is named.
        group_sure: of a kind of thing, such as ``dog``.
        category_sure: of a category.
        possible: a detector's name needs this probability of the like classes of ImageNet, where there are any.
        seen_sure: and this score of its own.
        alone_sure: the score that it needs for what ImageNet does not have.
    """

    class_sure: float = 0.75
    group_sure: float = 0.75
    category_sure: float = 0.6
    possible: float = 0.7
    seen_sure: float = 0.6
    alone_sure: float = 0.95


RULES = NameRules()

SCENES = frozenset({"shop", "shore", "mountain"})
"""Groups that name a place, not a thing in it: of no use for a crop."""

CONTEXTS = (0.03, 0.22)
"""Air around the box in the crops, as shares of its longer side: tight, and as loose as in photos of things."""

_NEUTRAL = (127, 127, 127)
"""The net's zero: what is filled with it says nothing."""

_CATEGORY_WORDS = {
    Category.PRODUCT: "product",
    Category.VEHICLE: "vehicle",
    Category.ANIMAL: "animal",
    Category.PERSON: "person",
    Category.PLANT: "plant",
    Category.FOOD: "food",
    Category.FURNITURE: "piece of furniture",
    Category.BUILDING: "building",
    Category.OBJECT: "object",
}


@dataclass(frozen=True, slots=True)
class Name:
    """What something is called.

    Attributes:
        label: plain words.
        category: the public category.
        probability: how likely the net finds that, 0..1.
    """

    label: str
    category: Category
    probability: float


def modest(name: Name, sure: float) -> Name:
    """The name where it is likely enough, else its category's word."""
    if name.probability >= sure or is_general(name.label):
        return name
    return Name(_CATEGORY_WORDS[name.category], name.category, name.probability)


def is_general(label: str) -> bool:
    """True for a category's word."""
    return label in _CATEGORY_WORDS.values()


UNKNOWN = Name(_CATEGORY_WORDS[Category.OBJECT], Category.OBJECT, 0.0)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The net's classes in the order of its outputs.

    Attributes:
        labels: plain words of each class.
        categories: its public category.
        groups: a general word that like classes share; the label itself where there is none.
    """

    labels: tuple[str, ...]
    categories: tuple[Category, ...]
    groups: tuple[str, ...]


def load_vocabulary() -> Vocabulary:
    """The vocabulary that ships with this service.

    Raises:
        ConfigurationError: the file is damaged.
    """
    text = (resources.files("services.detect") / "imagenet_labels.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    try:
        labels = tuple(label for _synset, label, _category, _group in rows)
        categories = tuple(Category(category) for _synset, _label, category, _group in rows)
        groups = tuple(group or label for _synset, label, _category, group in rows)
    except ValueError as error:
        raise ConfigurationError(f"imagenet_labels.tsv is damaged: {error}") from error
    return Vocabulary(labels, categories, groups)


class Labeller:
    """EfficientNet-Lite0's pre- and post-processing around a ``Model``."""

    def __init__(self, model: Model, vocabulary: Vocabulary) -> None:
        self._model = model
        self._vocabulary = vocabulary

    def names(
        self,
        rgb: NDArray[np.uint8],
        boxes: Sequence[tuple[int, int, int, int]],
        masks: Sequence[Mask | None],
        sightings: Sequence[Sighting | None],
        timeout_s: float | None = None,
    ) -> list[Name]:
        """A name for each box.

        Args:
            rgb: (h, w, 3) uint8 sRGB.
            boxes: left, top, right, bottom in pixels of ``rgb``, right and bottom exclusive.
            masks: (h', w') bool of the whole picture at any scale, True on the thing; None where it is not known.
            sightings: what a detector takes it for; None where none knows it.
            timeout_s: seconds from now after which the run is given up.
        """
        chances = self.chances(rgb, boxes, masks, timeout_s)
        return [
            choose_name(likely, self._vocabulary, sighting) for likely, sighting in zip(chances, sightings, strict=True)
        ]

    def chances(
        self,
        rgb: NDArray[np.uint8],
        boxes: Sequence[tuple[int, int, int, int]],
        masks: Sequence[Mask | None],
        timeout_s: float | None = None,
    ) -> list[NDArray[np.float32]]:
        """How likely each class is for what is in each box, (classes,) each; the arguments as for ``names``."""
        if not boxes:
            return []
        views: list[NDArray[np.uint8]] = []
        counts = []
        for box, mask in zip(boxes, masks, strict=True):
            several = _views(rgb, box, mask)
            views.extend(several)
            counts.append(len(several))
        logits = self._logits(views, timeout_s)
        ends = np.cumsum(counts)
        return [_agreed(logits[end - count : end]) for end, count in zip(ends, counts, strict=True)]

    def looks(
        self, rgb: NDArray[np.uint8], boxes: Sequence[tuple[int, int, int, int]], timeout_s: float | None = None
    ) -> NDArray[np.float32]:
        """What the thing in each box looks like, (boxes, classes), as ``likeness`` compares it; arguments as for
        ``names``."""
        logits = self._logits([view for box in boxes for view in _views(rgb, box, None)], timeout_s)
        return np.stack([look_of(crops) for crops in logits.reshape(len(boxes), len(CONTEXTS), -1)])

    def _logits(self, views: Sequence[NDArray[np.uint8]], timeout_s: float | None) -> NDArray[np.float32]:
        """The net's outputs for square crops, (views, classes)."""
        batch = (np.stack(views).astype(np.float32) - _MEAN) / _DEVIATION
        batch = np.ascontiguousarray(np.moveaxis(batch, 3, 1))
        return self._model.infer({"input": batch}, outputs=["logits"], timeout_s=timeout_s)["logits"]

    def likeliest_kind(self, chances: NDArray[np.float32]) -> tuple[str, float]:
        """The likeliest kind of thing, and its probability, 0..1."""
        by_group: defaultdict[str, float] = defaultdict(float)
        for group, chance in zip(self._vocabulary.groups, chances, strict=True):
            by_group[group] += float(chance)
        return max(by_group.items(), key=lambda item: item[1])

    def recognises(self, chances: NDArray[np.float32], sighting: Sighting | None) -> bool:
        """True where a class of ImageNet's is sure, or a detector's name is better than that."""
        weights, exact = _exact(chances, self._vocabulary)
        sure = exact.probability >= RULES.class_sure
        return sure or (sighting is not None and _holds(sighting, exact, weights, self._vocabulary))


def choose_name(probabilities: NDArray[np.floating], vocabulary: Vocabulary, sighting: Sighting | None = None) -> Name:
    """The most exact name that is likely enough, of ImageNet's words and of what a detector saw.

    Args:
        probabilities: (classes,) that sum to 1.
        vocabulary: the classes.
        sighting: what a detector takes the thing for.
    """
    weights, exact = _exact(probabilities, vocabulary)
    if sighting is not None and _holds(sighting, exact, weights, vocabulary):
        return Name(sighting.kind.label, sighting.kind.category, sighting.score)
    if exact.probability >= RULES.class_sure:
        return exact
    general = _general(weights, vocabulary)
    kind = sighting.kind if sighting is not None and sighting.score >= RULES.alone_sure else None
    if kind is not None and kind.category == general.category != Category.OBJECT and not kind.alike & {general.label}:
        # Two kinds of one category: neither name is safe.
        return Name(_CATEGORY_WORDS[general.category], general.category, general.probability)
    return general


def _exact(probabilities: NDArray[np.floating], vocabulary: Vocabulary) -> tuple[NDArray[np.floating], Name]:
    """The probabilities among things, places left out, and the likeliest class."""
    things = np.array([group not in SCENES for group in vocabulary.groups])
    weights = np.where(things, probabilities, 0.0)
    weights = weights / max(float(weights.sum()), 1e-9)
    best = int(np.argmax(weights))
    return weights, Name(vocabulary.labels[best], vocabulary.categories[best], float(weights[best]))


def _holds(sighting: Sighting, exact: Name, weights: NDArray[np.floating], vocabulary: Vocabulary) -> bool:
    """True where the detector's name is better than ImageNet's.

    A detector calls what it never learnt by the nearest name that it knows, and is sure of it. So where ImageNet has
    such things too, its classifier must find that possible; where ImageNet has none, the detector must be very sure.
    A sure class is more exact, but for those that the detector's table names themselves.
    """
    alike = sighting.kind.alike
    if not alike:
        return sighting.score >= max(RULES.alone_sure, exact.probability)
    if exact.probability >= RULES.class_sure:
        return exact.label in alike
    pairs = zip(vocabulary.labels, vocabulary.groups, strict=True)
    agreed = np.array([label in alike or group in alike for label, group in pairs])
    return sighting.score >= RULES.seen_sure and float(weights[agreed].sum()) >= RULES.possible


def _general(weights: NDArray[np.floating], vocabulary: Vocabulary) -> Name:
    """The likely kind of thing, else the likely category, else an object."""
    shared = Counter(vocabulary.groups)
    by_group: defaultdict[str, float] = defaultdict(float)
    by_category: defaultdict[Category, float] = defaultdict(float)
    for group, category, weight in zip(vocabulary.groups, vocabulary.categories, weights, strict=True):
        by_group[group] += float(weight) if shared[group] > 1 else 0.0
        by_category[category] += float(weight)
    group, weight = max(by_group.items(), key=lambda item: item[1])
    if weight >= RULES.group_sure:
        members = [vocabulary.categories[index] for index, word in enumerate(vocabulary.groups) if word == group]
        return Name(group, Counter(members).most_common(1)[0][0], weight)
    category, weight = max(by_category.items(), key=lambda item: item[1])
    if weight >= RULES.category_sure:
        return Name(_CATEGORY_WORDS[category], category, weight)
    return UNKNOWN


def _agreed(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities on which several views agree: the normalised geometric mean of (views, classes)."""
    mean = logits.mean(axis=0)
    likely = np.exp(mean - mean.max())
    return np.asarray(likely / likely.sum(), np.float32)


def _views(rgb: NDArray[np.uint8], box: tuple[int, int, int, int], mask: Mask | None) -> list[NDArray[np.uint8]]:
    """The crop with little and with more air, and, where the thing's mask is known, the thing alone."""
    views = [_view(rgb, box, context) for context in CONTEXTS]
    if mask is not None:
        opaque = (mask * np.uint8(255))[..., None].repeat(3, axis=2)
        scale = np.array([mask.shape[1] / rgb.shape[1], mask.shape[0] / rgb.shape[0]] * 2)
        on_grid = tuple(float(value) for value in np.array(box) * scale)
        for index, context in enumerate(CONTEXTS):
            opacity = _view(opaque, on_grid, context, (0, 0, 0)).astype(np.float32) / 255
            alone = views[index] * opacity + np.array(_NEUTRAL, np.float32) * (1 - opacity)
            views.append(np.rint(alone).astype(np.uint8)[:, ::-1])
    return views


def _view(
    picture: NDArray[np.uint8],
    box: tuple[float, ...],
    context: float,
    outside: tuple[int, int, int] = _NEUTRAL,
) -> NDArray[np.uint8]:
    """A square window around a box at the net's size; what lies outside the picture is plain."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box
    side = max(right - left, bottom - top) * (1 + 2 * context)
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    # warpAffine takes single samples: a large crop is reduced first.
    reduction = max(1, int(side / (2 * SIDE_PX)))
    if reduction > 1:
        size = (max(1, width // reduction), max(1, height // reduction))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = SIDE_PX / side
    matrix = np.array(
        [[scale * width / picture.shape[1], 0, -x * scale], [0, scale * height / picture.shape[0], -y * scale]]
    )
    return np.asarray(
        cv2.warpAffine(picture, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_CONSTANT, borderValue=outside),
        np.uint8,
    )
