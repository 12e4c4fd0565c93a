"""How alike the two of a pair are, and how alike other neighbours: the fit of the least likeness of a pair."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lensora.core.boxes import Box
from services.detect.groups import beside, colours_of, likeness
from services.detect.regions import Mask
from services.detect.search import GRID_PX

LEVELS = tuple(np.round(np.linspace(0.3, 0.95, 66), 2))
WRONG_PRICE = 3.0
"""Two things joined wrongly count so many times what a pair that is missed does."""


@dataclass(frozen=True)
class Neighbours:
    """Two things of a made scene that stand side by side and are about as large: what the scene says of them.

    Attributes:
        same: True for a pair: the same thing twice.
        like: how alike their colours are, 0..1.
    """

    same: bool
    like: float


def neighbours(folder: Path, part: str) -> Iterator[Neighbours]:
    """All neighbours of a part's scenes.

    Args:
        folder: what ``python -m quality.scenes`` wrote.
        part: ``tune`` or ``unseen``.
    """
    for path in sorted((folder / part).glob("*/scene.json")):
        scene = json.loads(path.read_text())
        things = [thing for thing in scene["things"] if thing.get("asked", True)]
        near = [pair for pair in combinations(things, 2) if beside(*(Box(*thing["box"]) for thing in pair))]
        if not near:
            continue
        rgb = np.ascontiguousarray(cv2.imread(str(path.with_name("scene.png")))[..., ::-1])
        for one, other in near:
            colours = [colours_of(rgb, _mask(path.parent, thing)) for thing in (one, other)]
            yield Neighbours(one["name"] == other["name"], likeness(*colours))


def least_likeness(known: Sequence[Neighbours]) -> float:
    """The level that tells pairs from other neighbours; of several that do it as well, the middle one."""
    worth = [sum((1.0 if each.same else -WRONG_PRICE) for each in known if each.like >= level) for level in LEVELS]
    best = [level for level, value in zip(LEVELS, worth, strict=True) if value == max(worth)]
    return float(best[len(best) // 2])


def told(known: Sequence[Neighbours], level: float) -> str:
    """What a level does, in words."""
    pairs = [each.like >= level for each in known if each.same]
    others = [each.like >= level for each in known if not each.same]
    return f"{sum(pairs)} of {len(pairs)} pairs, {sum(others)} of {len(others)} other neighbours taken for one"


def _mask(scene: Path, thing: dict[str, Any]) -> Mask:
    whole = cv2.imread(str(scene / str(thing["place"]) / "mask.png"), cv2.IMREAD_GRAYSCALE)
    assert whole is not None
    scale = GRID_PX / max(whole.shape)
    size = (round(whole.shape[1] * scale), round(whole.shape[0] * scale))
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA) > 127, np.bool_)
