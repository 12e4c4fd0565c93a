"""The edges of a box inside its silhouette, where two of its sides that both show meet."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class CreaseRules:
    """What counts as a cuboid's edge in the photo. Set by hand before the corpus was split.

    Attributes:
        blur_px: sigma of the blur before slopes are taken: folds are softer than prints.
        clear_levels: levels for one pixel at which an edge is as clear as need be: two sides of one material under one
            lamp differ by a tenth of their brightness.
        busy: among print, an edge must be this many times as steep as what is usual around it: some line is always
            steep there.
        reach_share, reach_steps: an edge is looked for so far to either side, share of the picture's longer side, in as
            many steps.
        samples: places along an edge at which slopes are read.
        inset: share of an edge at either end that is left out: corners are worn and belong to the outline.
        least_length_px, least_width_px: shorter edges, and those of sides that are seen narrower than this, say
            nothing.
        rounded_off: what an edge loses in either direction by being rounded, in radii.
        near_weight: a line at the end of the reach must be clearer by this than one in the middle.
    """

    blur_px: float = 0.8
    clear_levels: float = 7.0
    busy: float = 1.6
    reach_share: float = 0.045
    reach_steps: int = 9
    samples: int = 28
    inset: float = 0.08
    least_length_px: float = 14.0
    least_width_px: float = 5.0
    rounded_off: float = 1.0 - float(np.sqrt(0.5))
    near_weight: float = 0.25


RULES = CreaseRules()


_EDGES = np.array(
    [(first, second) for first in range(8) for second in range(first + 1, 8) if bin(first ^ second).count("1") == 1]
)
SIGNS = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
"""(8, 3) the corners of a box; corner ``4 i + 2 j + k`` lies at (2 i - 1, 2 j - 1, 2 k - 1)."""


@dataclass(frozen=True)
class Slopes:
    """How the photo's colours change, on a working grid.

    Attributes:
        across: (h, w, 3) float32, change to the right for each channel, levels for one pixel.
        down: the same downwards.
    """

    across: Floats
    down: Floats


@dataclass(frozen=True)
class Crease:
    """One edge of a box between two sides that show, and where the photo has it.

    Attributes:
        corners: the two corners' numbers in ``SIGNS``.
        found: (2, 2) pixels, where the photo has the inset ends of it.
        clearness: share of it that shows, 0..1.
    """

    corners: tuple[int, int]
    found: Doubles
    clearness: float

    def off(self, ends: Doubles) -> Doubles:
        """(n,) signed distances of points (n, 2) from the line on which the photo has the edge, pixels."""
        along = self.found[1] - self.found[0]
        normal = np.array([along[1], -along[0]]) / max(float(np.linalg.norm(along)), 1e-6)
        return np.asarray((ends - self.found[0]) @ normal, np.float64)


def slopes_of(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Slopes:
    """Slopes inside a mask; zero next to its rim, which is no crease.

    Args:
        photo: (h, w, 3) uint8.
        mask: (h, w) bool.
    """
    soft = cv2.GaussianBlur(photo.astype(np.float32), (0, 0), RULES.blur_px)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)[..., None]
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3) / 8.0 * inner
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3) / 8.0 * inner
    return Slopes(np.asarray(across, np.float32), np.asarray(down, np.float32))


def shown_sides(position: Doubles, half: Doubles) -> list[tuple[int, int]]:
    """(axis, sign) of the sides that a camera at ``position`` in the box's frame sees."""
    return [(axis, int(np.sign(position[axis]))) for axis in range(3) if abs(position[axis]) > half[axis]]


def inner_edges(position: Doubles, half: Doubles) -> list[tuple[int, int]]:
    """Pairs of corners between which two sides that show meet."""
    shown = shown_sides(position, half)
    found = []
    for first, second in _EDGES.tolist():
        sides = [(axis, sign) for axis, sign in shown if SIGNS[first, axis] == sign and SIGNS[second, axis] == sign]
        if len(sides) == 2:
            found.append((first, second))
    return found


def edge_ends(corners: list[tuple[int, int]], half: Doubles, radius: Doubles | float) -> Doubles:
    """(k, 2, 3): where the ridges of rounded edges begin and end, inset; (m, k, 2, 3) for several boxes.

    Args:
        corners: k pairs of numbers in ``SIGNS``.
        half: (3,) half sides; (m, 1, 1, 3) for several.
        radius: of the rounding; (m, 1, 1, 1) for several.
    """
    signs = SIGNS[np.array(corners, int).reshape(-1, 2)]
    along = signs[:, :1] != signs[:, 1:]
    return np.asarray(
        signs * np.where(along, (1.0 - 2.0 * RULES.inset) * half, half - RULES.rounded_off * radius), np.float64
    )


def find_creases(slopes: Slopes, camera: PhotoCamera, half: Doubles, radius: float) -> list[Crease]:
    """Look for each inner edge of a box near its place.

    Args:
        slopes: of the photo.
        camera: in the box's frame, pixels of the slopes.
        half: (3,) half sides.
        radius: of the box's edges.
    """
    height, width = slopes.across.shape[:2]
    reach = RULES.reach_share * max(height, width)
    steps = np.linspace(-reach, reach, 2 * RULES.reach_steps + 1)
    start, end = (grid.ravel() for grid in np.meshgrid(steps, steps, indexing="ij"))
    penalty = RULES.near_weight * 0.5 * (np.abs(start) + np.abs(end)) / reach
    share = np.linspace(0.0, 1.0, RULES.samples)
    offsets = start[:, None] * (1.0 - share) + end[:, None] * share
    corners_px, _ = camera.project(SIGNS * half)
    found = []
    edges = inner_edges(camera.position(), half)
    ridges, _ = camera.project(edge_ends(edges, half, radius).reshape(-1, 3))
    for corners, ends in zip(edges, ridges.reshape(-1, 2, 2), strict=True):
        along = ends[1] - ends[0]
        length = float(np.linalg.norm(along))
        normal = np.array([along[1], -along[0]]) / max(length, 1e-9)
        # How far the box reaches on either side of the edge: that of the narrower side.
        beyond = (corners_px - ends[0]) @ normal
        if length < RULES.least_length_px or min(float(beyond.max()), float(-beyond.min())) < RULES.least_width_px:
            continue
        points = ends[0] + share[:, None] * along
        x = np.clip(points[None, :, 0] + offsets * normal[0], 0, width - 1).astype(np.intp)
        y = np.clip(points[None, :, 1] + offsets * normal[1], 0, height - 1).astype(np.intp)
        slope = np.abs(slopes.across[y, x] * normal[0] + slopes.down[y, x] * normal[1]).max(axis=2)
        level = max(RULES.clear_levels, RULES.busy * float(np.median(slope)))
        clear = np.minimum(slope / level, 1.0).mean(axis=1)
        best = int(np.argmax(clear - penalty))
        moved = ends + np.array([[start[best]], [end[best]]]) * normal
        found.append(Crease(corners, moved, float(clear[best])))
    return found
