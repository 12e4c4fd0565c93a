"""A turned body that is moved onto the subject's own outline: apples and hand-made pots are turned but for a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from services.mesh.camera import PhotoCamera
from services.mesh.raster import covering
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class TracingRules:
    """How far rings may be moved onto the outline. Set by hand before the corpus was split.

    Attributes:
        smooth_share: the move is smoothed over this share of the height, so that a stepped outline does not groove the
            body.
        stem_share: rows that are narrower than this share of the widest belong to a stem or a leaf.
        most_stretch: no row is made wider or narrower than by this factor: beyond, the rows are not each other's.
    """

    smooth_share: float = 0.01
    stem_share: float = 0.15
    most_stretch: float = 1.5


RULES = TracingRules()


def traced(solid: Solid, camera: PhotoCamera, mask: NDArray[np.bool_]) -> Solid:
    """The solid, moved sideways and upright in the photo's view so that each row spans what the mask spans there.

    Depth stays, so what is round about its axis stays nearly so.

    Args:
        solid: in the camera's world.
        camera: in pixels of the mask.
        mask: (h, w) bool, the subject.
    """
    pixels, depth = camera.project(solid.vertices)
    seen = covering(pixels, solid.faces, (mask.shape[1], mask.shape[0])) >= 0
    if not (seen.any() and mask.any()):
        return solid
    own, spans = _spans(mask), _spans(seen)
    (top, bottom), (seen_top, seen_bottom) = _reach(own), _reach(spans)
    share = (pixels[:, 1] - seen_top) / (seen_bottom - seen_top)
    steps = np.linspace(0.0, 1.0, mask.shape[0])
    sigma = RULES.smooth_share * mask.shape[0]
    target, source = (
        np.stack([gaussian_filter1d(np.interp(low + steps * (high - low), rows, side), sigma) for side in sides])
        for low, high, (rows, *sides) in ((top, bottom, own), (seen_top, seen_bottom, spans))
    )
    half, wide = 0.5 * (target[1] - target[0]), 0.5 * (source[1] - source[0])
    stretch = np.clip(half / np.maximum(wide, 0.5), 1.0 / RULES.most_stretch, RULES.most_stretch)
    old, new, wider = (np.interp(share, steps, line) for line in (source.mean(axis=0), target.mean(axis=0), stretch))
    moved = np.stack([new + (pixels[:, 0] - old) * wider, top + share * (bottom - top)], axis=1)
    step = (moved - pixels) * np.array([1.0, -1.0]) * (depth / (camera.distance * camera.pixels))[:, None]
    view = camera.view(solid.vertices)
    view[:, :2] += step
    world = np.linalg.solve(camera.to_view[:, :3], (view - camera.to_view[:, 3]).T).T
    return Solid(np.asarray(world, np.float64), solid.faces)


def _reach(spans: tuple[Doubles, Doubles, Doubles]) -> tuple[float, float]:
    """The upper and lower edge of the body, pixels: a stem or a leaf that sticks out does not stretch it."""
    rows, left, right = spans
    body = rows[right - left >= RULES.stem_share * (right - left).max()]
    return float(body[0]) - 0.5, float(body[-1]) + 0.5


def _spans(mask: NDArray[np.bool_]) -> tuple[Doubles, Doubles, Doubles]:
    """Middles of the rows that hold something, and where it begins and ends in each, pixels."""
    rows = np.flatnonzero(mask.any(axis=1))
    left: Doubles = mask[rows].argmax(axis=1).astype(np.float64)
    right: Doubles = mask.shape[1] - mask[rows, ::-1].argmax(axis=1).astype(np.float64)
    return rows.astype(np.float64) + 0.5, left, right
