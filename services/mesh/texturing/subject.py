"""What a subject's name and kind say about its far side."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Category

TWO_SIDED_WORDS = frozenset(
    {
        "shoe",
        "boot",
        "sneaker",
        "sandal",
        "clog",
        "loafer",
        "slipper",
        "trainer",
        "skate",
        "tool",
        "scissor",
        "shear",
        "knife",
        "hammer",
        "hatchet",
        "axe",
        "plier",
        "wrench",
        "spanner",
        "screwdriver",
        "drill",
        "chainsaw",
        "saw",
        "shovel",
        "spade",
        "rake",
        "spoon",
        "fork",
        "ladle",
        "spatula",
        "weapon",
        "rifle",
        "revolver",
        "pistol",
        "gun",
        "sword",
        "wind",
        "trumpet",
        "trombone",
        "saxophone",
        "flute",
        "bicycle",
        "bike",
        "motorcycle",
        "scooter",
        "car",
        "truck",
        "van",
        "boat",
        "ship",
        "airplane",
        "plane",
        "train",
        "tractor",
    }
)
"""Names, without their plural's s, of products and vehicles that look the same from both sides."""

ANIMAL_WORDS = frozenset({"dinosaur", "horse", "dog", "cat", "cow", "fish", "bird", "elephant"})
"""Animals by name."""


@dataclass(frozen=True)
class SideParameters:
    """When an outline shows a thing's side.

    Attributes:
        least_side_aspect: an animal that is seen from its side is at least this many times as wide as it is high; any
            other view shows its one face.
        not_a_side: a vehicle or an animal whose outline is its own mirror image to this share is seen from the front
            or from behind: its other end looks different.
    """

    least_side_aspect: float = 1.0
    not_a_side: float = 0.9


PARAMETERS = SideParameters()


@dataclass(frozen=True)
class Subject:
    """What is known of the thing beside its picture.

    Attributes:
        label: plain words, such as ``pickup truck``; empty if not known.
        category: one of the words of ``Category``; empty if not known.
    """

    label: str = ""
    category: str = ""

    def repeats_behind(self, mask: NDArray[np.bool_]) -> bool:
        """Whether the far side of the thing looks like the side that the photo shows.

        Args:
            mask: (h, w) bool, its silhouette.
        """
        if self.category in (Category.PLANT, Category.FOOD):
            return True
        words = re.findall(r"[a-z]+", self.label.lower())
        names = {*words, *(word.removesuffix("s") for word in words)}
        if self.category == Category.ANIMAL or names & ANIMAL_WORDS:
            two_sided = width_to_height(mask) >= PARAMETERS.least_side_aspect
        else:
            two_sided = self.category == Category.VEHICLE or bool(names & TWO_SIDED_WORDS)
        return two_sided and mirror_symmetry(mask) < PARAMETERS.not_a_side


def width_to_height(mask: NDArray[np.bool_]) -> float:
    """Width of a silhouette (h, w) over its height; 0 for an empty one."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return float(np.ptp(columns) + 1) / float(np.ptp(rows) + 1) if len(columns) else 0.0


def mirror_symmetry(mask: NDArray[np.bool_]) -> float:
    """IoU of a silhouette (h, w) with its mirror image about the middle of its width."""
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        return 1.0
    own = mask[:, columns[0] : columns[-1] + 1]
    return float((own & own[:, ::-1]).sum()) / float((own | own[:, ::-1]).sum())
