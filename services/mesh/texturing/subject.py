"""What a subject's name and kind say about its far side."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Category

TWO_SIDED = frozenset({Category.VEHICLE, Category.ANIMAL, Category.PLANT, Category.FOOD})
"""Kinds of things that look the same from both sides: a truck has windows on its other side too, a cow spots and an
eye, an apple streaks."""

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
        "dinosaur",
        "horse",
        "dog",
        "cat",
        "cow",
        "fish",
        "bird",
        "elephant",
    }
)
"""The same said by a word of the name, without its plural's s: products are of all sorts."""

NOT_A_SIDE = 0.9
"""A vehicle or an animal whose outline is its own mirror image to this share is seen from the front or from behind: its
other end looks different."""


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
        words = re.findall(r"[a-z]+", self.label.lower())
        named = any(word in TWO_SIDED_WORDS or word.removesuffix("s") in TWO_SIDED_WORDS for word in words)
        if self.category in (Category.PLANT, Category.FOOD):
            return True
        return (named or self.category in TWO_SIDED) and mirror_symmetry(mask) < NOT_A_SIDE


def mirror_symmetry(mask: NDArray[np.bool_]) -> float:
    """IoU of a silhouette (h, w) with its mirror image about the middle of its width."""
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        return 1.0
    own = mask[:, columns[0] : columns[-1] + 1]
    return float((own & own[:, ::-1]).sum()) / float((own | own[:, ::-1]).sum())
