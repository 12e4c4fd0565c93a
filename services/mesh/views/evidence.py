"""What one photo says of the space around the thing: its outline, and how likely each place is inside.

With the shape network that is its field; without, a plain inflation of the outline stands in for it. Lengths are in
half sides of the photo's square picture (``services.mesh.network``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from services.mesh.camera import DISTANCE, PhotoCamera
from services.mesh.cutout import Cutout, kept_thin
from services.mesh.network import FieldFrame, ShapePrediction
from services.mesh.shape.inflation import poisson_square
from services.mesh.views.cameras import Standpoint

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class EvidenceRules:
    """How a photo's word is read.

    Attributes:
        limit: logits are cut off here.
        smooth: sigma of the blur of the logits, cells.
        outline_px: side of the picture of the outline.
        even: sigma of the blur of the distances to it, pixels: its pixels would show as grooves where lines of sight
            graze the thing.
        inflated: logits for one half side of depth under the surface of an inflation.
        doubt: standard deviation of the pitch, radians, where no network tells it ...
        usual: ... and the pitch itself.
        level: standard deviation of the roll, radians, where no network tells it.
    """

    limit: float = 4.0
    smooth: float = 1.0
    outline_px: int = 192
    even: float = 1.5
    inflated: float = 8.0
    doubt: float = 0.2
    usual: float = 0.3
    level: float = 0.05


RULES = EvidenceRules()


@dataclass(frozen=True)
class Evidence:
    """One photo's word.

    Attributes:
        logits: (bins, rows, columns) float32 of being inside, bin 0 nearest to the viewer, from z = ``reach`` to
            ``-reach``; continued beyond the outline.
        outline: (s, s) float32 matte in 0..1 over the square picture.
        standpoint: where the photo was taken from as it says itself, at yaw 0.
        pitch_spread, roll_spread: how far that may be off, radians.
        distance: from the camera to the frame's origin.
        half_side_px, center_px: the square picture in pixels of the cutout.
        reach: see ``logits``.
        surface: (2, s, s) float32 over the square picture, z of the nearest surface and how far off that is expected to
            be; None where no network has seen the photo.
    """

    logits: Floats
    outline: Floats
    standpoint: Standpoint
    pitch_spread: float
    roll_spread: float
    distance: float
    half_side_px: float
    center_px: tuple[float, float]
    reach: float
    surface: Floats | None = None

    def camera(self, standpoint: Standpoint) -> PhotoCamera:
        """The photo's camera at a standpoint, pixels of its cutout."""
        return standpoint.camera(self.half_side_px, self.center_px, self.distance)

    @cached_property
    def likely(self) -> Floats:
        """(bins, rows, columns) float32 0..1: how likely each place is inside, nothing beyond the outline."""
        cells = self.logits.shape[1]
        matte = cv2.resize(self.outline, (cells, cells), interpolation=cv2.INTER_AREA)
        return np.asarray(matte / (1.0 + np.exp(-self.logits)), np.float32)

    @cached_property
    def rim(self) -> Floats:
        """(s, s) float32: half sides to the outline, positive inside it."""
        side = len(self.outline)
        inside = (self.outline >= 0.5).astype(np.uint8)
        deep = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
        # Beside the outline the matte tells parts of a pixel.
        near = np.clip(self.outline - 0.5, -0.5, 0.5)
        deep = np.where(np.abs(deep) <= 1.0, near, deep - 0.5 * np.sign(deep))
        return np.asarray(cv2.GaussianBlur(deep.astype(np.float32), (0, 0), RULES.even) * (2.0 / side), np.float32)

    @cached_property
    def spacing(self) -> Floats:
        """(bins,) float32: the volume of a cell, over that of one at z = 0: lines of sight spread."""
        bins = len(self.logits)
        z = (1.0 - (np.arange(bins) + 0.5) / bins * 2.0) * self.reach
        return np.asarray(np.clip((self.distance - z) / self.distance, 0.05, None) ** 2, np.float32)

    def places(self, points: Floats, standpoint: Standpoint) -> Floats:
        """(3, n) float32: where points (3, n) of the world are seen: u to the right, v upwards, both in half sides of
        the picture, and z."""
        move = standpoint.to_view().astype(np.float32)
        x, y, z = (row[0] * points[0] + row[1] * points[1] + row[2] * points[2] + row[3] for row in move)
        away = np.float32(self.distance) / np.maximum(np.float32(self.distance) - z, np.float32(0.05))
        return np.stack([x * away, y * away, z])

    def matte_at(self, places: Floats) -> Floats:
        """(n,) float32: the outline at places of ``places``; 0 beyond the picture."""
        side = np.float32(len(self.outline))
        x, y = (places[0] + 1.0) * (side / 2) - 0.5, (1.0 - places[1]) * (side / 2) - 0.5
        return _looked_up(self.outline, x, y)

    def rim_at(self, places: Floats) -> Floats:
        """(n,) float32: half sides of the picture to the outline, positive inside it, at places of ``places``."""
        side = np.float32(len(self.outline))
        x, y = (places[0] + 1.0) * (side / 2) - 0.5, (1.0 - places[1]) * (side / 2) - 0.5
        last = side - np.float32(1.0)
        return _looked_up(self.rim, np.clip(x, 0, last), np.clip(y, 0, last))

    def logits_at(self, places: Floats) -> Floats:
        """(n,) float32: the nearest cell's logits at places; what lies beyond the field is outside."""
        bins, rows, columns = self.logits.shape
        column, row = _cells((places[0] + 1.0) / 2, columns), _cells((1.0 - places[1]) / 2, rows)
        part = (1.0 - places[2] / np.float32(self.reach)) / 2
        level = _cells(part, bins)
        found = self.logits.reshape(-1)[(level * rows + row) * columns + column]
        return np.where((part < 0.0) | (part > 1.0), np.float32(-RULES.limit), found)

    def smooth_logits_at(self, places: Floats) -> Floats:
        """(n,) float32: logits at places, between cells weighted."""
        bins, rows, columns = self.logits.shape
        at = np.stack(
            [
                (1.0 - places[2] / np.float32(self.reach)) * (bins / 2) - 0.5,
                (1.0 - places[1]) * (rows / 2) - 0.5,
                (places[0] + 1.0) * (columns / 2) - 0.5,
            ]
        )
        found = ndimage.map_coordinates(self.logits, at, order=1, mode="nearest", output=np.float32)
        beyond = np.abs(places[2]) > self.reach
        return np.where(beyond, np.float32(-RULES.limit), found)


def evidence_of(cutout: Cutout, prediction: ShapePrediction | None) -> Evidence:
    """What a cutout says, with what the shape network says of it where there is one."""
    if prediction is None:
        return _inflated(cutout)
    outline = outline_of(cutout, prediction.center_px, prediction.half_side_px)
    field = np.clip(prediction.field, -RULES.limit, RULES.limit)
    rows, columns = _nearest_inside(outline, field.shape[1])
    field = ndimage.gaussian_filter(field[:, rows, columns], RULES.smooth)
    return Evidence(
        logits=np.ascontiguousarray(field, np.float32),
        outline=outline,
        standpoint=Standpoint(0.0, prediction.pitch, prediction.roll),
        pitch_spread=prediction.pitch_spread,
        roll_spread=prediction.roll_spread,
        distance=prediction.distance,
        half_side_px=prediction.half_side_px,
        center_px=prediction.center_px,
        reach=prediction.frame.reach,
        surface=np.stack([prediction.depth, prediction.spread]),
    )


def _inflated(cutout: Cutout) -> Evidence:
    """The word of a photo that no network has seen."""
    frame = FieldFrame()
    rows, columns = np.flatnonzero(cutout.mask.any(axis=1)), np.flatnonzero(cutout.mask.any(axis=0))
    top, bottom, left, right = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    center = ((left + right) / 2.0, (top + bottom) / 2.0)
    half = frame.margin * max(bottom - top, right - left) / 2.0
    outline = outline_of(cutout, center, half)
    cells = frame.cells
    small = cv2.resize(outline, (cells, cells), interpolation=cv2.INTER_AREA)
    thick = np.sqrt(poisson_square(np.asarray(small, np.float32))) * (2.0 / cells)
    inside = np.nonzero(_inside(outline, cells))
    near_rows, near_columns = _nearest_inside(outline, cells)
    z = (1.0 - (np.arange(cells) + 0.5) / cells * 2.0) * frame.reach
    deep = (thick[near_rows, near_columns] - np.abs(z)[:, None, None]) * RULES.inflated if len(inside[0]) else -1.0
    logits = np.clip(np.broadcast_to(deep, (cells,) * 3), -RULES.limit, RULES.limit)
    return Evidence(
        logits=np.ascontiguousarray(logits, np.float32),
        outline=outline,
        standpoint=Standpoint(0.0, RULES.usual, 0.0),
        pitch_spread=RULES.doubt,
        roll_spread=RULES.level,
        distance=DISTANCE * cutout.camera.pixels / half,
        half_side_px=half,
        center_px=center,
        reach=frame.reach,
    )


def outline_of(cutout: Cutout, center_px: tuple[float, float], half_side_px: float) -> Floats:
    """(s, s) float32: the matte over the square picture, wires kept."""
    side = RULES.outline_px
    scale = side / (2.0 * half_side_px)
    shift = [side / 2 - c * scale - 0.5 + 0.5 * scale for c in center_px]
    move = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    blurred = cv2.GaussianBlur(cutout.alpha, (0, 0), 0.4 / scale) if scale < 0.8 else cutout.alpha
    alpha = cv2.warpAffine(blurred, move, (side, side), flags=cv2.INTER_LINEAR)
    return kept_thin(np.asarray(alpha, np.float32))


def _inside(outline: Floats, cells: int) -> NDArray[np.bool_]:
    inside = cv2.resize(outline, (cells, cells), interpolation=cv2.INTER_AREA) >= 0.3
    if not inside.any():
        inside[:] = True
    return np.asarray(inside)


def _nearest_inside(outline: Floats, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(cells, cells) row and column of the nearest cell inside the outline: beyond it a field says nothing."""
    _, near = ndimage.distance_transform_edt(~_inside(outline, cells), return_indices=True)
    return near[0], near[1]


def _cells(share: Floats, count: int) -> NDArray[np.int64]:
    return np.asarray(np.clip(share * np.float32(count), 0, count - 1), np.int64)


def _looked_up(picture: Floats, x: Floats, y: Floats) -> Floats:
    """(n,) bilinear look-up at pixel indices; 0 beyond the picture."""
    step = 30_000  # OpenCV takes no more than 32,767 columns at a time
    parts = [
        cv2.remap(
            picture, x[None, i : i + step], y[None, i : i + step], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )[0]
        for i in range(0, len(x), step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
