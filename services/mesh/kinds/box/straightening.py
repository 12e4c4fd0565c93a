"""A box's sides in the photo, made to fill the sides of its cuboid.

No carton is a perfect cuboid: flaps stand open and lids overhang. Where the dark wedge of such a gap reaches into a
side from an edge that it shares with another, the side is drawn out over it, so that its print begins at the edge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.shape.boxes.creases import SIGNS, shown_sides

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class StraighteningRules:
    """How far a photo is straightened to lie on a cuboid. Set by hand before the corpus was split.

    Attributes:
        side_px: a side is laid out on a square of so many pixels to look for wedges.
        reach: share of a side that a wedge may take at its widest.
        dark: a gap is darker than this share of the usual brightness of either side beside it.
        leaning: a wedge is at most this share of its width where it is narrow: what runs along an edge evenly is a
            print or a trim.
        pure: share of a wedge that is dark, at least.
        least_width, least_length: narrower wedges do not show, shorter ones are dents and prints; shares of the side.
        smooth, torn: shares of a side along which a wedge's width does not jump, and which its torn edge takes beside
            it.
        band: where the usual brightness of the side around the corner is taken from, shares of it from the edge.
        drawn: so many widths of the wedge beside it are drawn out, to at most twice their length next to the edge; what
            is farther in stays where it is.
        remap_rows: openCV remaps to pictures of fewer rows than 32768.
    """

    side_px: int = 128
    reach: float = 0.14
    dark: float = 0.6
    leaning: float = 0.55
    pure: float = 0.72
    least_width: float = 0.03
    least_length: float = 0.4
    smooth: float = 0.16
    torn: float = 0.02
    band: tuple[float, float] = (0.02, 0.12)
    drawn: float = 4.0
    remap_rows: int = 32_000


RULES = StraighteningRules()


@dataclass(frozen=True)
class _Side:
    """One side that shows.

    Attributes:
        quad: (4, 2) float32 pixels of its corners, in turn.
        corners: their numbers in ``SIGNS``.
    """

    quad: Floats
    corners: tuple[int, ...]

    def edge(self, ends: frozenset[int]) -> int | None:
        """The number of its edge between two corners; None if that is none of its own."""
        return next((k for k in range(4) if {self.corners[k], self.corners[(k + 1) % 4]} == ends), None)

    def to_square(self, edge: int) -> Doubles:
        """(3, 3) homography of pixels that lays the side on a square with one of its edges to the left."""
        square = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], np.float32) * RULES.side_px
        turned = np.roll(self.quad, -edge, axis=0) - np.float32(0.5)
        return np.asarray(cv2.getPerspectiveTransform(turned, square - np.float32(0.5)), np.float64)

    def laid_out(self, photo: Bytes, edge: int) -> Floats:
        """(s, s, 3): its picture on that square."""
        size = (RULES.side_px, RULES.side_px)
        return np.asarray(cv2.warpPerspective(photo, self.to_square(edge), size), np.float32)


def straightened(cutout: Cutout, camera: PhotoCamera, half: Doubles) -> Cutout:
    """The cutout with its box's sides drawn out over the wedges that reach into them; itself where none does.

    Args:
        cutout: the photo.
        camera: in the box's frame, pixels of ``cutout.rgb``.
        half: (3,) half the box's sides.
    """
    rgb = cutout.rgb
    sides = _sides(camera, half)
    for side in sides:
        for other in sides:
            ends = frozenset(side.corners) & frozenset(other.corners)
            edge, beyond = side.edge(ends), other.edge(ends)
            if other is side or edge is None or beyond is None:
                continue
            across = other.laid_out(cutout.rgb, beyond)
            wedge = wedge_along(side.laid_out(cutout.rgb, edge), float(np.median(_columns(across, *RULES.band))))
            if wedge.any():
                rgb = _drawn_out(rgb, side, edge, wedge)
    return cutout if rgb is cutout.rgb else replace(cutout, rgb=rgb)


def _sides(camera: PhotoCamera, half: Doubles) -> list[_Side]:
    """The sides that show."""
    pixels, _ = camera.project(SIGNS * half)
    found = []
    for axis, sign in shown_sides(camera.position(), half):
        u, v = (k for k in range(3) if k != axis)
        corners = [k for k in range(8) if SIGNS[k, axis] == sign]
        corners.sort(key=lambda k, u=u, v=v: float(np.arctan2(SIGNS[k, v], SIGNS[k, u])))  # type: ignore[misc]
        found.append(_Side(pixels[corners].astype(np.float32), tuple(corners)))
    return found


def _columns(laid: Floats, start: float, stop: float) -> Floats:
    """The columns of a laid-out side between two shares of its width, the brightest channel of each pixel.

    A gap is dark in all of them, a red print is not.
    """
    return np.asarray(laid[:, round(start * RULES.side_px) : round(stop * RULES.side_px)].max(axis=2), np.float32)


def wedge_along(laid: Floats, across: float) -> Doubles:
    """(s,) width of the dark wedge on the left edge of a laid-out side in each of its rows, pixels.

    Args:
        laid: (s, s, 3) levels.
        across: usual brightness of the side around the corner.

    Returns:
        zeros where there is none.
    """
    strip, inner = _columns(laid, 0.0, RULES.reach), _columns(laid, RULES.reach, 3.0 * RULES.reach)
    dark = strip < RULES.dark * min(float(np.median(inner)), across)
    gain = np.cumsum(np.where(dark, 1.0, -RULES.pure / (1.0 - RULES.pure)), axis=1)
    width = np.where(gain.max(axis=1) > 0.0, np.argmax(gain, axis=1) + 1.0, 0.0)
    # What goes on beyond the reach is a print.
    width[width >= strip.shape[1] - 1] = 0.0
    width = median_filter(width, round(RULES.smooth * RULES.side_px) | 1, mode="nearest")
    low, wide = np.percentile(width, (10, 95))
    if (
        wide < RULES.least_width * RULES.side_px
        or low > RULES.leaning * wide
        or float((width > 0.0).mean()) < RULES.least_length
    ):
        return np.zeros(RULES.side_px)
    torn = np.where(width > 0.0, width + RULES.torn * RULES.side_px, 0.0)
    return np.asarray(gaussian_filter1d(torn, 0.3 * RULES.smooth * RULES.side_px, mode="nearest"), np.float64)


def _drawn_out(rgb: Bytes, side: _Side, edge: int, wedge: Doubles) -> Bytes:
    """A photo with one side drawn out over the wedge along one of its edges."""
    inside = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.round(side.quad - 0.5).astype(np.int32), 1)
    rows, columns = np.nonzero(inside)
    to_square = side.to_square(edge)
    pixels = np.stack([columns, rows], axis=1).astype(np.float64)[None]
    at = cv2.perspectiveTransform(pixels, to_square)[0]
    width = np.interp(at[:, 1], np.arange(RULES.side_px), wedge)
    off = np.clip(1.0 - np.maximum(at[:, 0] + 0.5, 0.0) / np.maximum(RULES.drawn * width, 1e-6), 0.0, 1.0)
    at[:, 0] += width * off * off
    source = cv2.perspectiveTransform(at[None], np.linalg.inv(to_square))[0].astype(np.float32)
    out = rgb.copy()
    for start in range(0, len(rows), RULES.remap_rows):
        part = slice(start, start + RULES.remap_rows)
        x, y = np.ascontiguousarray(source[part, 0:1]), np.ascontiguousarray(source[part, 1:2])
        drawn = cv2.remap(rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        out[rows[part], columns[part]] = drawn[:, 0]
    return out
