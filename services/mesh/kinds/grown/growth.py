"""A pot with a plant: a turned body whose lower part shows, and what grows out of it.

From the ground up the silhouette is one run of pixels a row, about one vertical line, as far as the pot goes; above, it
is ragged. The pot is turned as if its rim's far half showed over the last of those rows; the plant is built as a fan in
the plane that faces the viewer and, since leaves grow to all sides, once more at right angles to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.shape.handles import upright_part
from services.mesh.shape.outline import Axis, Outline, filled, signed_distance
from services.mesh.shape.revolution import (
    BASE_GAIN,
    PITCH_PRIOR,
    PITCHES_DEG,
    USUAL_PITCH_DEG,
    Revolution,
    at_pitch,
    flat_base,
    silhouette,
)
from services.mesh.shape.vessel import Contents, calm_profile, inner_wall
from services.mesh.solid import Solid
from services.mesh.texturing.rings import RingCompletion
from services.mesh.view import Grid

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class GrowthRules:
    """Where a pot ends and what grows out of it begins. Set by hand before the corpus was split.

    Attributes:
        foot_rows: share of the height at the very bottom where rows are too short to tell their middle.
        off_middle: how far a row of the pot may be off the pot's axis, shares of its width, with a pixel for noise.
        pot_tall, pot_area: least share of the silhouette's height and area that the pot has.
        plant_tall, plant_area: the same for what grows.
        ragged: what grows fills less than this of its convex hull: an apple's shoulder fills more.
        pot_agreement: ioU of the turned pot with its rows of the silhouette.
        roots, roots_reach: how far leaves are carried down into the pot, and how far out from its axis, in radii of the
            rim.
        soil: depth of the soil below the rim, in radii of the rim.
    """

    foot_rows: float = 0.04
    off_middle: float = 0.02
    pot_tall: float = 0.3
    pot_area: float = 0.4
    plant_tall: float = 0.2
    plant_area: float = 0.06
    ragged: float = 0.8
    pot_agreement: float = 0.95
    roots: float = 0.3
    roots_reach: float = 0.8
    soil: float = 0.12


RULES = GrowthRules()


@dataclass(frozen=True)
class Growth:
    """A pot and its plant, in the picture.

    Attributes:
        pot: the turned body, up to its rim.
        plant: (h, w) bool, what of the silhouette the pot does not cover, and its roots in the pot.
    """

    pot: Revolution
    plant: Mask


def find_growth(mask: Mask, camera: PhotoCamera) -> Growth | None:
    """Look for a pot with a plant; None where the silhouette is something else.

    Args:
        mask: (h, w) bool, about ``view.FIT_SIDE_PX`` on its longer side, False along the border.
        camera: frontal, in pixels of ``mask``.
    """
    run = _pot_rows(mask)
    if run is None:
        return None
    rim, middle, half = run
    lower = mask.copy()
    lower[:rim] = False
    if lower.sum() < RULES.pot_area * mask.sum():
        return None
    axis = Axis(0.0, (middle - camera.center[0]) / camera.pixels, 1.0)
    fits = [_pot(lower, rim, middle, half, axis, camera, np.radians(pitch)) for pitch in PITCHES_DEG]

    def worth(fit: Revolution) -> float:
        off = (float(np.degrees(fit.pitch)) - USUAL_PITCH_DEG) / 10.0
        return fit.agreement - PITCH_PRIOR * off**2 + BASE_GAIN * flat_base(fit)

    pot = max(fits, key=worth)
    if pot.agreement < RULES.pot_agreement:
        return None
    plant = mask & ~silhouette(pot, mask.shape)
    tall = np.flatnonzero(mask.any(axis=1))
    above = mask.copy()
    above[rim:] = False
    rows = np.flatnonzero(above.any(axis=1))
    if above.sum() < RULES.plant_area * mask.sum() or np.ptp(rows) < RULES.plant_tall * np.ptp(tall):
        return None
    hull = cv2.convexHull(np.argwhere(above)[:, ::-1].astype(np.int32))
    if above.sum() > RULES.ragged * cv2.contourArea(hull):
        return None
    # Leaves stand in the soil, not on the rim: they are carried down to it, clear of the pot's wall.
    depth = max(2, round(RULES.roots * half))
    rooted = cv2.dilate(plant.astype(np.uint8), np.ones((2 * depth + 1, 1), np.uint8)) > 0
    columns = np.arange(mask.shape[1]) + 0.5
    rooted &= (np.abs(columns - middle) < RULES.roots_reach * half) & mask
    rooted[rim + depth :] = False
    return Growth(pot, plant | rooted)


def _pot_rows(mask: Mask) -> tuple[int, float, float] | None:
    """The rim's row, the axis' column and half the rim's width, in pixels; None where the lower part is no pot."""
    rows = np.flatnonzero(mask.any(axis=1))
    tall = len(rows)
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    left, right = np.argmax(steps == 1, axis=1), mask.shape[1] - np.argmax(steps[:, ::-1] == -1, axis=1)
    single = (steps == 1).sum(axis=1) == 1
    middles, widths = 0.5 * (left + right), (right - left).astype(np.float64)
    bottom = int(rows[-1]) - round(RULES.foot_rows * tall)
    lowest = np.arange(bottom - tall // 4, bottom + 1)
    middle, width = float(np.median(middles[lowest])), float(widths[lowest].max())
    good = single & (np.abs(middles - middle) <= RULES.off_middle * width + 1.0)
    wrong = np.flatnonzero(~good[: bottom + 1])
    rim = int(wrong[-1]) + 1 if len(wrong) else int(rows[0])
    if bottom - rim < RULES.pot_tall * tall or rim <= rows[0]:
        return None
    return rim, middle, 0.5 * float(np.median(widths[rim : rim + 3]))


def _pot(
    lower: Mask, rim: int, middle: float, half: float, axis: Axis, camera: PhotoCamera, pitch: float
) -> Revolution:
    """The pot seen from one pitch: its rows, with the far half of a rim of that pitch on top."""
    canvas = lower.astype(np.uint8)
    size = (max(1, round(half)), round(half * float(np.sin(pitch))))
    cv2.ellipse(canvas, (round(middle), rim), size, 0.0, 180.0, 360.0, 1, -1)
    mask = filled(canvas > 0)
    return at_pitch(Outline(mask, mask, signed_distance(mask), axis, camera), pitch, 96)


def grown_parts(grid: Grid, found: Growth) -> list[Solid]:
    """The plant as two crossed fans in the pot's frame.

    Args:
        grid: that the growth was found on.
        found: pot and plant.
    """
    fan = upright_part(grid, found.plant, found.pot.pitch, found.pot.camera)
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    return [fan, Solid(fan.vertices @ turn.T, fan.faces)]


class GrowthCompletion:
    """Colours of a pot with a plant: rings below the rim, and each leaf on its back as on its front."""

    detailed = True

    def __init__(self, cutout: Cutout, camera: PhotoCamera, pot: Revolution, contents: Contents) -> None:
        """
        Args:
            cutout: the photo.
            camera: in the pot's frame, pixels of the photo.
            pot: the turned body.
            contents: the soil.
        """
        heights, radii = calm_profile(pot)
        inner = inner_wall(heights, radii, contents)
        self._rings = RingCompletion(cutout.photo, cutout.safe, camera, heights, radii, inner)
        self._photo, self._camera = cutout.photo, camera
        self._heights, self._radii = heights, radii

    def colors(self, points: NDArray[np.floating], normals: NDArray[np.floating]) -> Floats:
        """See ``Completion``."""
        colors = np.array(self._rings.colors(points, normals), np.float32)
        wall = 1.04 * np.interp(points[:, 1], self._heights, self._radii)
        plant = (points[:, 1] > self._heights[-1]) | (np.hypot(points[:, 0], points[:, 2]) > wall)
        leaf = points[plant]
        # The second fan is the first one turned by a right angle: each of its leaves is somewhere on the first.
        crossed = np.abs(leaf[:, 2]) > np.abs(leaf[:, 0])
        flat = np.where(crossed[:, None], np.stack([-leaf[:, 2], leaf[:, 1], leaf[:, 0]], axis=1), leaf)
        pixels, _ = self._camera.project(flat)
        at = (pixels - 0.5).astype(np.float32)
        seen = [
            cv2.remap(
                self._photo,
                at[None, k : k + 30_000, 0],
                at[None, k : k + 30_000, 1],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )[0]
            for k in range(0, len(at), 30_000)
        ]
        if seen:
            colors[plant] = np.concatenate(seen)
        return colors


def soil_of(pot: Revolution) -> Contents:
    """The soil in a pot."""
    radius = float(pot.radii[-1])
    return Contents(float(pot.heights[-1]) - RULES.soil * radius, 0.95 * radius)
