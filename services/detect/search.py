"""The search for things: several looks at a photo, each asked only where the one before left a question.

1. The whole picture. What stands out there clearly, and in one piece, is found.
2. Clutter, where a large part is unclear, is seen through overlapping windows: among few things each stands out better.
3. The picture with all that wiped out: a second subject comes out when the first no longer outshines it.
4. A close look at each part where the maps are unclear: a pale whole with bright details, something small, things that
   touch. It is found only if it stands out there; what the close look shows is taken.

Nothing is made up: whatever is found stands out in some look, and what was wiped out cannot come back as a ghost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detect.regions import Mask, Patch, Region, contrast_in, find_patches
from services.detect.saliency import Saliency

GRID_PX = 320
"""Longest side of the working grid: boxes to a third of a per cent."""

FIRST_SIDE_PX = 512
SECOND_SIDE_PX = 384
CLOSE_SIDE_PX = 384
"""Sides of the squares that the net sees. It was trained at 1024; at 512 its outlines hold to a few per cent, at 384 it
still sees what there is, at 256 it misses half. Its cost grows with the area."""

CLEAR_CONTRAST = 0.8
CLEAR_MEAN = 0.9
"""A region with both is taken as it is."""

SETTLED_SHARE = 0.6
"""A patch whose one clear thing covers less of it than this holds more than it shows."""

LEAST_CONTRAST = 0.5
LEAST_MEAN = 0.6
"""A region with less, in a close look, is a guess."""

MOST_CUT = 0.12
"""A region that lies on the border of its window with more of its circumference than this goes on outside."""

CLUTTER_SHARE = 0.15
"""An unclear patch that covers more of the picture than this is seen through windows: close up it looks the same."""

WINDOW_SHARE = 0.62
"""Side of each window as a share of the unclear part: five of them overlap, and hold a third of it each."""

SURROUNDINGS_SHARE = 0.5
SURROUNDINGS_SIDES = 3
"""An unclear region that covers more than this and reaches that many sides is what things stand in front of."""

WHOLE_SHARE = 0.92
"""A region that covers more than this is the picture itself, however clear: the full frame says the same."""

MOST_CLOSE_LOOKS = 3
"""The time for them: each costs half of the first look."""

SAME_THING_IOU = 0.5
"""Two regions that share more than this are one thing."""

WIPED_SHARE = 0.25
"""A region that lies with more than this of itself where something was wiped out is a ghost of that."""

SHOWN_SHARE = 0.85
"""A look shows a region if it sees this much of it."""

CLOSE_PADDING = 0.3
"""Air around a patch in its close look, as a share of its longer side."""

Window = tuple[int, int, int, int]
"""Left, top, right, bottom on the grid, right and bottom exclusive."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A region that was seen through a window of clutter.

    Attributes:
        region: as it was seen there.
        steadiness: its least contrast in all looks that show it, the whole picture's included, -1..1.
    """

    region: Region
    steadiness: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What the search has found.

    Attributes:
        regions: the things, in no order; masks on the grid.
        doubtful: what clutter shows through windows only, in no order: a texture may look like that, too.
        faint: regions too weak to be things, best first: of use where there is nothing else.
        first: (h, w) float32, the map of the whole picture on the grid.
    """

    regions: list[Region]
    doubtful: list[Doubtful]
    faint: list[Region]
    first: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _View:
    """A look through a window: its map on the grid of the whole picture, where it sees, and what it finds."""

    saliency: NDArray[np.float32]
    seen: Mask
    patches: list[Patch]


class Search:
    """One photo's search."""

    def __init__(self, rgb: NDArray[np.uint8], saliency: Saliency, timeout_s: float | None = None) -> None:
        """
        Args:
            rgb: (h, w, 3) uint8 sRGB, opaque; about 1000 pixels on its longest side are enough.
            saliency: the net.
            timeout_s: seconds for each run of the net.
        """
        self._rgb = rgb
        self._saliency = saliency
        self._timeout_s = timeout_s
        scale = GRID_PX / max(rgb.shape[:2])
        self._shape = (max(1, round(rgb.shape[0] * scale)), max(1, round(rgb.shape[1] * scale)))
        self._everything = np.ones(self._shape, np.bool_)

    def run(self) -> Findings:
        """Take as many looks as the photo needs; two for a plain one."""
        first = self._look(self._rgb, FIRST_SIDE_PX)
        patches = find_patches(first, self._everything)
        found = [patch.things[0] for patch in patches if _is_settled(patch)]
        unclear = [patch for patch in patches if not _is_settled(patch)]
        clutter = [patch.root for patch in unclear if patch.root.share() > CLUTTER_SHARE]
        close_by = [patch.root for patch in unclear if patch.root not in clutter]
        doubtful: list[Doubtful] = []
        if clutter or not patches:
            views = self._through(_windows(_extent(clutter, self._shape)))
            things = (thing for view in views for patch in view.patches for thing in patch.things)
            looks = [_View(first, self._everything, patches), *views]
            doubtful = [Doubtful(thing, _steadiness(thing, looks)) for thing in _without_parts(_usable(things), found)]
        known = [*found, *(doubt.region for doubt in doubtful)]
        for patch in self._second_look([*known, *close_by]):
            if _is_settled(patch):
                found += _without_parts(patch.things, known)
            else:
                close_by.append(patch.root)
        found += _without_parts(_usable(self._close_looks(close_by)), [*found, *known])
        faint = [thing for patch in unclear for thing in patch.things if not _is_surroundings(thing)]
        return Findings(found, doubtful, sorted(faint, key=_contrast, reverse=True), first)

    def _look(self, picture: NDArray[np.uint8], side_px: int) -> NDArray[np.float32]:
        (seen,) = self._saliency.maps([picture], side_px, self._timeout_s)
        return _resized(seen, self._shape)

    def _second_look(self, known: Sequence[Region]) -> list[Patch]:
        """The patches that are there once the known ones are wiped out."""
        if not known:
            return []
        wiped = np.logical_or.reduce([region.mask for region in known])
        patches = find_patches(self._look(wipe(self._rgb, wiped), SECOND_SIDE_PX), self._everything)
        return [
            patch for patch in patches if np.count_nonzero(patch.root.mask & wiped) <= WIPED_SHARE * patch.root.area
        ]

    def _close_looks(self, roots: Sequence[Region]) -> list[Region]:
        """What a close look at each of the most promising patches shows in it."""
        chosen = sorted(roots, key=lambda root: root.mean * root.area**0.5, reverse=True)[:MOST_CLOSE_LOOKS]
        views = self._through([_padded(root.bounds, self._shape) for root in chosen])
        return [
            thing
            for root, view in zip(chosen, views, strict=True)
            for patch in view.patches
            for thing in patch.things
            if thing.inside(root) >= SAME_THING_IOU or root.inside(thing) >= SAME_THING_IOU
        ]

    def _through(self, windows: Sequence[Window]) -> list[_View]:
        """What the net finds in each window."""
        if not windows:
            return []
        found = []
        maps = self._saliency.maps([self._crop(window) for window in windows], CLOSE_SIDE_PX, self._timeout_s)
        for (left, top, right, bottom), seen in zip(windows, maps, strict=True):
            whole = np.zeros(self._shape, np.float32)
            visible = np.zeros(self._shape, np.bool_)
            whole[top:bottom, left:right] = _resized(seen, (bottom - top, right - left))
            visible[top:bottom, left:right] = True
            found.append(_View(whole, visible, find_patches(whole, visible)))
        return found

    def _crop(self, window: Window) -> NDArray[np.uint8]:
        scale_y, scale_x = self._rgb.shape[0] / self._shape[0], self._rgb.shape[1] / self._shape[1]
        left, top, right, bottom = window
        return self._rgb[round(top * scale_y) : round(bottom * scale_y), round(left * scale_x) : round(right * scale_x)]


def wipe(rgb: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """The picture with a part of it filled smoothly from its surroundings.

    Args:
        rgb: (h, w, 3) uint8.
        mask: (h', w') bool of the same aspect, True where the picture is filled.

    Returns:
        (h, w, 3) uint8.
    """
    grid = (mask.shape[1], mask.shape[0])
    hidden = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8))
    known = (1 - hidden).astype(np.float32)
    colors = cv2.resize(rgb, grid, interpolation=cv2.INTER_AREA).astype(np.float32) * known[..., None]
    filled = np.zeros_like(colors)
    todo = np.ones(mask.shape, np.bool_)
    # Normalised convolution (Knutsson and Westin 1993), from near to far: the first scale that sees enough fills.
    for sigma in (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0):
        weight = cv2.GaussianBlur(known, (0, 0), sigma)
        fill = cv2.GaussianBlur(colors, (0, 0), sigma) / np.maximum(weight, 1e-6)[..., None]
        now = todo & (weight > 0.05)
        filled[now] = fill[now]
        todo &= ~now
    filled = cv2.GaussianBlur(filled, (0, 0), 2.0)
    size = (rgb.shape[1], rgb.shape[0])
    opacity = cv2.GaussianBlur(cv2.resize(hidden.astype(np.float32), size), (0, 0), 2.0)[..., None]
    smooth = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
    return np.rint(rgb * (1 - opacity) + smooth * opacity).clip(0, 255).astype(np.uint8)


def _is_settled(patch: Patch) -> bool:
    """True for one clear thing and little else."""
    thing = patch.things[0]
    return len(patch.things) == 1 and _is_clear(thing) and thing.area >= SETTLED_SHARE * patch.root.area


def _is_clear(region: Region) -> bool:
    return region.contrast >= CLEAR_CONTRAST and region.mean >= CLEAR_MEAN and region.share() <= WHOLE_SHARE


def _is_surroundings(region: Region) -> bool:
    height, width = region.mask.shape
    left, top, right, bottom = region.bounds
    sides = (left <= 1) + (top <= 1) + (right >= width - 1) + (bottom >= height - 1)
    return region.share() > SURROUNDINGS_SHARE and sides >= SURROUNDINGS_SIDES


def _contrast(region: Region) -> float:
    return region.contrast


def _usable(regions: Iterable[Region]) -> list[Region]:
    return [
        region
        for region in regions
        if region.contrast >= LEAST_CONTRAST
        and region.mean >= LEAST_MEAN
        and region.cut <= MOST_CUT
        and (_is_clear(region) or not _is_surroundings(region))
    ]


def _without_parts(regions: Iterable[Region], known: Sequence[Region]) -> list[Region]:
    """The regions less those that repeat, or are mostly part of, one that is known or stands out better."""
    kept: list[Region] = []
    for region in sorted(regions, key=lambda region: region.contrast * region.mean, reverse=True):
        others = [*known, *kept]
        if all(
            region.inside(other) < SAME_THING_IOU and region.iou(other) < SAME_THING_IOU for other in others
        ) and all(other.inside(region) < SAME_THING_IOU for other in others):
            kept.append(region)
    return kept


def _steadiness(region: Region, looks: Sequence[_View]) -> float:
    """The least contrast of a region in the looks that show nearly all of it."""
    shown = (look for look in looks if np.count_nonzero(region.mask & look.seen) >= SHOWN_SHARE * region.area)
    return min(contrast_in(region, look.saliency, look.seen) for look in shown)


def _windows(extent: Window) -> list[Window]:
    """Four corners and the middle of an extent."""
    left, top, right, bottom = extent
    width, height = WINDOW_SHARE * (right - left), WINDOW_SHARE * (bottom - top)
    corners = [
        (left, top),
        (right - width, top),
        (left, bottom - height),
        (right - width, bottom - height),
        ((left + right - width) / 2, (top + bottom - height) / 2),
    ]
    return [(round(x), round(y), round(x + width), round(y + height)) for x, y in corners]


def _extent(regions: Sequence[Region], shape: tuple[int, int]) -> Window:
    """The window that holds all regions with some air; the whole grid where there are none."""
    if not regions:
        return (0, 0, shape[1], shape[0])
    left, top = min(region.bounds[0] for region in regions), min(region.bounds[1] for region in regions)
    right, bottom = max(region.bounds[2] for region in regions), max(region.bounds[3] for region in regions)
    return _padded((left, top, right, bottom), shape)


def _padded(bounds: Window, shape: tuple[int, int]) -> Window:
    left, top, right, bottom = bounds
    air = round(CLOSE_PADDING * max(right - left, bottom - top))
    return max(0, left - air), max(0, top - air), min(shape[1], right + air), min(shape[0], bottom + air)


def _resized(seen: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(seen, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)
