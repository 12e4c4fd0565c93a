"""Glass: parts of a subject that its cutout shows half transparent.

What is seen in them lies behind the surface: the far rim, the floor, the room. Laid on the near wall it would turn with
the model as if it were painted on. So their colours are evened out, and the surface gets the cutout's own opacity, ring
by ring, all around.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.finish.surface import Surface
from services.mesh.raster import covering, weights_at

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class GlassParameters:
    """What counts as glass, and how its opacity is read.

    Attributes:
        clear: alpha under which a pixel away from the outline is seen through.
        rim_share: width of the rim, as a share of the subject's longer side, whose alpha is soft on every subject.
        least_share: least share of the subject that is glass: leaves, spokes and fur measure 0 to 0.015, a jar 0.45.
        even_share, even_side_px: sigma of the evened colours as a share of the longer side, and that of the picture in
            which they are worked out.
        levels, across_deg: heights at which the opacity is read, and how far around from the viewer.
    """

    clear: float = 0.92
    rim_share: float = 0.02
    least_share: float = 0.12
    even_share: float = 0.06
    even_side_px: int = 256
    levels: int = 96
    across_deg: float = 35.0


PARAMETERS = GlassParameters()


@dataclass(frozen=True)
class Opacity:
    """How opaque a turned body is.

    Attributes:
        heights: (k,) rising, along the axis, in the frame of the backend's solid.
        shares: (k,) 0..1.
    """

    heights: Doubles
    shares: Doubles

    def at(self, points: NDArray[np.floating]) -> Floats:
        """(n,): for points (n, 3)."""
        return np.asarray(np.interp(points[:, 1], self.heights, self.shares), np.float32)


def see_through(cutout: Cutout) -> Mask | None:
    """(h, w) bool: where the subject is glass; None where none of it is."""
    depth = cv2.distanceTransform(cutout.mask.astype(np.uint8), cv2.DIST_L2, 5)
    inner = depth > PARAMETERS.rim_share * max(cutout.mask.shape)
    glass = cutout.mask & (cutout.alpha < PARAMETERS.clear)
    if not inner.any() or float((glass & inner).sum()) < PARAMETERS.least_share * float(inner.sum()):
        return None
    opened = cv2.morphologyEx(glass.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(opened > 0)


def evened(cutout: Cutout, glass: Mask) -> Cutout:
    """The cutout with one slowly changing colour where it is glass."""
    height, width = glass.shape
    factor = PARAMETERS.even_side_px / max(glass.shape)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    weight = cv2.resize(glass.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    small = cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    sigma = PARAMETERS.even_share * PARAMETERS.even_side_px
    total = cv2.GaussianBlur(small * weight, (0, 0), sigma)
    mean = total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma)[..., None], 1e-3)
    even = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
    share = cv2.GaussianBlur(glass.astype(np.float32), (0, 0), 1.5)[..., None]
    rgb = cutout.photo + share * (even - cutout.photo)
    return replace(cutout, rgb=np.clip(rgb + 0.5, 0, 255).astype(np.uint8))


def opacity_of(cutout: Cutout, glass: Mask, camera: PhotoCamera, heights: Doubles, radii: Doubles) -> Opacity:
    """The opacity of a turned body, by what its near side shows at each height.

    Args:
        cutout: the photo.
        glass: see ``see_through``.
        camera: in the body's frame, pixels of the cutout.
        heights: (k,) rising.
        radii: (k,) of the outside.
    """
    position = camera.position()
    angle = np.arctan2(position[0], position[2]) + np.radians(
        np.linspace(-PARAMETERS.across_deg, PARAMETERS.across_deg, 24)
    )
    level = np.linspace(float(heights[0]), float(heights[-1]), PARAMETERS.levels)
    radius = np.interp(level, heights, radii)[:, None]
    points = np.stack(
        [radius * np.sin(angle), np.repeat(level[:, None], len(angle), axis=1), radius * np.cos(angle)], axis=2
    )
    pixels, _ = camera.project(points.reshape(-1, 3))
    alpha = np.where(glass, cutout.alpha, 1.0).astype(np.float32)
    at = [(pixels[:, k] - 0.5).astype(np.float32).reshape(PARAMETERS.levels, -1) for k in (0, 1)]
    seen = cv2.remap(alpha, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Opacity(level, gaussian_filter1d(np.median(seen, axis=1).astype(np.float64), 1.0, mode="nearest"))


def opacity_map(surface: Surface, to_backend: Doubles, opacity: Opacity, side: int) -> Bytes:
    """(side, side) uint8: the opacity of each texel of the atlas, its gutters filled.

    Args:
        surface: with its atlas.
        to_backend: (3, 4) from the surface's frame to that of ``opacity``.
        opacity: of the body.
        side: of the map.
    """
    uv, faces = surface.uvs.astype(np.float64) * side, surface.faces.astype(np.int64)
    at = opacity.at(surface.positions.astype(np.float64) @ to_backend[:, :3].T + to_backend[:, 3])
    covered = covering(uv, faces, (side, side))
    rows, columns, face, weights = weights_at(covered, uv, faces)
    values = np.zeros((side, side), np.float32)
    values[rows, columns] = (at[faces[face]] * weights).sum(axis=1)
    # Gutters take what their nearest texel has.
    free = (covered < 0).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    table = np.zeros(int(labels.max()) + 1, np.float32)
    table[labels[free == 0]] = values[free == 0]
    return np.asarray(np.clip(table[labels] * 255.0 + 0.5, 0, 255), np.uint8)
