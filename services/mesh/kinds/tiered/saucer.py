"""The colours of a vessel on its saucer: the vessel's rings by height, the saucer's by distance from the axis.

From above most of a saucer's top shows; the cup hides a wedge behind itself. The wedge is filled ring by ring from what
shows beside it, as it is a little away from the edge: where cup and saucer meet in the photo, shadows, rims and spoons
lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.kinds.tiered.tiers import Tiers
from services.mesh.shape.lathe import circle_points, discs
from services.mesh.texturing.rings import RingCompletion
from services.mesh.texturing.sampling import sampled

Colors = NDArray[np.float32]


@dataclass(frozen=True)
class SaucerRules:
    """How what the cup hides of its saucer is painted.

    Attributes:
        rows, columns: of the saucer's picture by distance and angle.
        mask_px: longer side of the picture in which the cup's outline is drawn.
        clear_px: pixels of it around the cup's outline that are not trusted.
        edge_deg: so much of a ring beside a gap tells how the gap begins: by its median, or a spoon would be drawn out.
        off: a point this far off the vessel's wall, in radii of the saucer, and not above the saucer's rim is the
            saucer's.
        calm_rows, calm_deg: sigmas over which what is filled in is smooth.
    """

    rows: int = 96
    columns: int = 720
    mask_px: int = 384
    clear_px: int = 9
    edge_deg: float = 25.0
    off: float = 0.05
    calm_rows: float = 2.0
    calm_deg: float = 8.0


RULES = SaucerRules()


class TieredCompletion:
    """Colours of a vessel on its saucer."""

    detailed = True

    def __init__(self, cutout: Cutout, camera: PhotoCamera, tiers: Tiers) -> None:
        """
        Args:
            cutout: the photo.
            camera: in the frame of the tiers, pixels of the photo.
            tiers: the shape.
        """
        self._cutout, self._camera, self._tiers = cutout, camera, tiers
        self._rings = RingCompletion(cutout.photo, cutout.safe, camera, *tiers.cup, tiers.inner)
        saucer = slice(0, tiers.body)
        self._wide = float(tiers.radii[saucer].max())
        rim = int(np.argmax(tiers.radii[saucer]))
        self._level = float(tiers.heights[rim])
        # The top from the axis outwards: the well is level.
        self._top_radii = np.append(0.0, tiers.radii[rim : tiers.body][::-1])
        self._top = np.append(tiers.heights[tiers.body - 1], tiers.heights[rim : tiers.body][::-1])

    def colors(self, points: NDArray[np.floating], normals: NDArray[np.floating]) -> Colors:
        """See ``Completion``."""
        far = np.hypot(points[:, 0], points[:, 2])
        wall = np.interp(points[:, 1], *self._tiers.cup)
        saucer = (points[:, 1] <= self._level + 0.02 * self._wide) & (far > wall + RULES.off * self._wide)
        saucer |= points[:, 1] < self._tiers.cup[0][0] - 1e-6
        out = np.empty((len(points), 3), np.float32)
        out[~saucer] = self._rings.colors(points[~saucer], normals[~saucer])
        angle = np.arctan2(points[saucer, 0], points[saucer, 2])
        # The underside is as its rim.
        row = np.where(normals[saucer, 1] > 0.0, far[saucer] / self._wide, 1.0) * (RULES.rows - 1)
        column = (angle / (2.0 * np.pi) + 0.5) % 1.0 * (RULES.columns - 1)
        out[saucer] = sampled(self._around, np.stack([column + 0.5, np.minimum(row, RULES.rows - 1) + 0.5], axis=1))
        return out

    @cached_property
    def _around(self) -> Colors:
        """(ROWS, COLUMNS, 3): the saucer's top by distance from the axis and angle from -pi on."""
        strip, good = self._read()
        if not good.any():
            return np.broadcast_to(
                np.median(self._cutout.photo[self._cutout.safe], axis=0), (RULES.rows, RULES.columns, 3)
            ).astype(np.float32)
        shown = np.flatnonzero(good.any(axis=1))
        nearest = shown[np.abs(np.arange(RULES.rows)[:, None] - shown[None, :]).argmin(axis=1)]
        filled = np.stack([_bridged(strip[row], good[row]) for row in nearest])
        filled = gaussian_filter1d(filled, RULES.calm_rows, axis=0, mode="nearest")
        filled = gaussian_filter1d(filled, RULES.calm_deg * RULES.columns / 360.0, axis=1, mode="wrap")
        kept = cv2.GaussianBlur(cv2.erode(good.astype(np.float32), np.ones((5, 9), np.uint8)), (0, 0), 2.0)[..., None]
        return np.asarray(filled + kept * (strip - filled), np.float32)

    def _read(self) -> tuple[Colors, NDArray[np.bool_]]:
        """The top as the photo shows it, and where it does."""
        photo, safe = self._cutout.photo, self._cutout.safe
        radius = np.linspace(0.0, self._wide, RULES.rows)[:, None]
        angle = (np.arange(RULES.columns) / (RULES.columns - 1) - 0.5) * 2.0 * np.pi
        height = np.interp(radius, self._top_radii, self._top)
        points = np.stack(
            [radius * np.sin(angle), np.broadcast_to(height, (RULES.rows, RULES.columns)), radius * np.cos(angle)],
            axis=2,
        )
        pixels, _ = self._camera.project(points.reshape(-1, 3))
        x, y = ((pixels[:, k] - 0.5).astype(np.float32).reshape(RULES.rows, RULES.columns) for k in (0, 1))
        strip = cv2.remap(photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        factor = RULES.mask_px / max(photo.shape[:2])
        shape = (max(1, round(photo.shape[0] * factor)), max(1, round(photo.shape[1] * factor)))
        cup = discs(shape, *circle_points(self._camera.scaled(factor), *self._tiers.cup, 48)).astype(np.uint8)
        near = cv2.resize(cv2.dilate(cup, np.ones((RULES.clear_px, RULES.clear_px), np.uint8)), photo.shape[1::-1])
        free = (safe & (near == 0)).astype(np.uint8)
        good = cv2.remap(free, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
        return strip, good


def _bridged(ring: Colors, good: NDArray[np.bool_]) -> Colors:
    """(n, 3): a ring whose gaps run evenly from what lies on either side of them to what the whole ring agrees on."""
    count = len(good)
    known = np.flatnonzero(good)
    if len(known) == count:
        return ring
    out = np.array(ring, np.float32)
    usual = np.median(ring[good], axis=0)
    reach = round(RULES.edge_deg * count / 360.0)
    # Each gap lies between a known column and the next one, the last before the first.
    after = np.append(known[1:], known[0] + count)
    for left, right in zip(known, after, strict=True):
        if right - left < 2:
            continue
        ends = []
        for first in (left - reach, right):
            beside = np.arange(first, first + reach + 1) % count
            ends.append(np.median(ring[beside[good[beside]]], axis=0))
        gap = np.arange(left + 1, right)
        near = [np.exp(-0.5 * ((gap - end) / reach)[:, None] ** 2) for end in (left, right)]
        total = np.maximum(near[0] + near[1], 1.0)
        out[gap % count] = usual + sum(n * (end - usual) for n, end in zip(near, ends, strict=True)) / total
    return out
