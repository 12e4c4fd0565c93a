"""Regions of a saliency map: where one thing ends and the next begins.

A map is cut at several levels. The components at all levels form a tree: a node's children are what it falls into at
the next level. Each node has a contrast: its mean saliency less that of a thin ring around it. A thing that stands
alone has about the same component at every level; two things that touch part at some level, with a dip between them or
with more contrast each than the two together. So the best cut through the tree, not one threshold, says what the
things are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box

LEVELS = (0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96)
"""Levels at which a map is cut. Below the lowest there is noise; between it and the next the net is unsure of a whole
of which it may have seen parts."""

OUTLINE_LEVEL = 0.5
"""A thing is outlined at the first level from this on that holds it."""

CLEARLY_MORE = 0.1
"""Gain in contrast for which a higher outline is better: something weaker hangs on at the lower one."""

MIN_AREA = 0.002
"""Share of the picture below which a component is a speck: 4% of the width by 5% of the height."""

RING = 0.06
"""Width of the ring around a region, as a share of the square root of its area."""

SPLIT_COST = 0.12
"""What two parts must gain in contrast over the whole: a label, a lid or a shadow line does not make two things."""

DEEP_DIP = 0.4
"""Where the parts' mean saliency is this much above the level at which they part, there is a gap between them."""

STRONG = 0.5
"""Contrast from which a part stands out."""

MIN_SPLIT_SHARE = 0.02
"""A part under this share of its parent's area is a detail of it, not a thing of its own."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A connected part of a map.

    Attributes:
        mask: (h, w) bool on the working grid, the whole picture.
        bounds: left, top, right, bottom in grid pixels, right and bottom exclusive.
        area: number of grid pixels.
        mean: mean saliency inside, 0..1.
        contrast: ``mean`` less the mean of the ring around it, -1..1.
        cut: share of its circumference that lies on the border of the window that it was seen through, where that is
            not the picture's own border.
    """

    mask: Mask
    bounds: tuple[int, int, int, int]
    area: int
    mean: float
    contrast: float
    cut: float

    def share(self) -> float:
        """Share of the picture that it covers, 0..1."""
        return self.area / self.mask.size

    def box(self) -> Box:
        """Its bounds as fractions of the picture."""
        height, width = self.mask.shape
        left, top, right, bottom = self.bounds
        return Box(left / width, top / height, right / width, bottom / height)

    def within(self, box: Box) -> Region | None:
        """The part of it in a box, as sure as the whole; None where the box holds nothing of it."""
        height, width = self.mask.shape
        left, top, right, bottom = box.pixels(width, height)
        mask = np.zeros_like(self.mask)
        mask[top:bottom, left:right] = self.mask[top:bottom, left:right]
        area = int(np.count_nonzero(mask))
        return Region(mask, (left, top, right, bottom), area, self.mean, self.contrast, self.cut) if area else None

    def under(self, mask: Mask) -> Region:
        """What a mask shows of it, or beyond its edge, as sure as the whole.

        Args:
            mask: (h, w) bool on the same grid, not empty.
        """
        return Region(mask, bounds_of(mask), int(np.count_nonzero(mask)), self.mean, self.contrast, self.cut)

    def overlap(self, other: Region) -> int:
        """Grid pixels that both cover."""
        left, top = max(self.bounds[0], other.bounds[0]), max(self.bounds[1], other.bounds[1])
        right, bottom = min(self.bounds[2], other.bounds[2]), min(self.bounds[3], other.bounds[3])
        if left >= right or top >= bottom:
            return 0
        window = (slice(top, bottom), slice(left, right))
        return int(np.count_nonzero(self.mask[window] & other.mask[window]))

    def iou(self, other: Region) -> float:
        """Intersection over union of the masks, 0..1."""
        both = self.overlap(other)
        return both / (self.area + other.area - both)

    def inside(self, other: Region) -> float:
        """Share of this region that the other one covers, 0..1."""
        return self.overlap(other) / self.area


def bounds_of(mask: Mask) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a mask that is not empty, right and bottom exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A component at the lowest level, and the things that it holds.

    Attributes:
        root: the component at the lowest level: all that hangs together, however weakly.
        things: the best cut through its tree, one region or more.
    """

    root: Region
    things: list[Region]


@dataclass(slots=True, eq=False)
class _Node:
    region: Region
    level: float
    children: list[_Node] = field(default_factory=list)


def find_patches(saliency: NDArray[np.float32], seen: Mask) -> list[Patch]:
    """The things in a map: the best cut through each of its trees of components.

    Args:
        saliency: (h, w) float32 in 0..1 on the working grid.
        seen: (h, w) bool; False outside the window that the net saw.
    """
    roots: list[_Node] = []
    above: list[_Node] = []
    for level in LEVELS:
        nodes = [_Node(region, level) for region in _components(saliency, seen, level)]
        for node in nodes:
            at = _any_pixel(node.region)
            parent = next((old for old in above if old.region.mask[at]), None)
            (roots if parent is None else parent.children).append(node)
        above = nodes
    return [Patch(root.region, _best_cut(root)[1]) for root in roots]


def contrast_in(region: Region, saliency: NDArray[np.float32], seen: Mask) -> float:
    """A region's contrast in another map, -1..1.

    Args:
        region: found in any map on the same grid.
        saliency: (h, w) float32 in 0..1.
        seen: (h, w) bool; False where that map shows nothing. Some of the region must be seen.
    """
    return _measured(region.mask & seen, region.bounds, region.area, saliency, seen).contrast


def _components(saliency: NDArray[np.float32], seen: Mask, level: float) -> list[Region]:
    above = ((saliency > level) & seen).astype(np.uint8)
    count, labels, stats, _centres = cv2.connectedComponentsWithStats(above, connectivity=4)
    found = []
    for index in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[index])
        if area >= MIN_AREA * saliency.size:
            mask = np.zeros(saliency.shape, np.bool_)
            window = (slice(top, top + height), slice(left, left + width))
            mask[window] = labels[window] == index
            found.append(_measured(mask, (left, top, left + width, top + height), area, saliency, seen))
    return found


def _measured(
    mask: Mask, bounds: tuple[int, int, int, int], area: int, saliency: NDArray[np.float32], seen: Mask
) -> Region:
    reach = 2 + round(RING * float(np.sqrt(area)))
    height, width = mask.shape
    window = (
        slice(max(0, bounds[1] - reach), min(height, bounds[3] + reach)),
        slice(max(0, bounds[0] - reach), min(width, bounds[2] + reach)),
    )
    part, values, visible = mask[window], saliency[window], seen[window]
    # One pixel next to the region is left out of the ring: there the map is on its way down.
    near = cv2.dilate(part.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    ring = cv2.dilate(part.astype(np.uint8), disc).astype(np.bool_) & ~near & visible
    mean = float(values[part].mean())
    around = float(values[ring].mean()) if ring.any() else 0.0
    unseen_edge = int(np.count_nonzero(near & ~visible))
    circumference = int(np.count_nonzero(near & ~part))
    return Region(mask, bounds, area, mean, mean - around, unseen_edge / max(1, circumference))


def _any_pixel(region: Region) -> tuple[int, int]:
    left, top, right, _bottom = region.bounds
    return top, left + int(np.argmax(region.mask[top, left:right]))


def _best_cut(node: _Node) -> tuple[float, list[Region]]:
    """Value and regions of the best cut through a node's tree; value is area-weighted contrast."""
    own = node.region.contrast
    parts = [child for child in node.children if child.region.area >= MIN_SPLIT_SHARE * node.region.area]
    if not parts:
        return own, [node.region]
    scored = [(_best_cut(part), part.region.area) for part in parts]
    # Where some parts stand out, those that do not are left behind: table between things, folds, reflections.
    scored = [(cut, area) for cut, area in scored if cut[0] >= STRONG] or scored
    cuts = [cut for cut, _area in scored]
    weights = [area for _cut, area in scored]
    value = sum(cut[0] * weight for cut, weight in zip(cuts, weights, strict=True)) / sum(weights)
    below = [region for cut in cuts for region in cut[1]]
    if len(below) > 1:
        dip = min(region.mean for region in below) - parts[0].level
        if value - SPLIT_COST > own or dip >= DEEP_DIP:
            return max(value - SPLIT_COST, own), below
        return own, [node.region]
    # The same thing at a higher level. Saliency falls off over a few pixels at its edge: the outline is half-way.
    if len(below) == 1 and node.level < OUTLINE_LEVEL:
        return value, below
    return (value, below) if value > own + CLEARLY_MORE else (own, [node.region])
