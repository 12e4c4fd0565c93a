"""A person's points: places that belong to the subject, and places that do not.

What the points do not speak of stays as it was found. A point that disagrees with the matte changes the piece around
it: a watershed, grown from the points and from the middle of the matte, says how far that goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

SUBJECT, REST = 1, 2
"""Labels of the watershed."""


@dataclass(frozen=True)
class Mark:
    """A point in a crop's pixels; ``keep`` where it belongs to the subject."""

    x: float
    y: float
    keep: bool


@dataclass(frozen=True)
class MarkRules:
    """How points work.

    Attributes:
        side_px: longest side at which colours are compared.
        disc: radius of what a point surely means, share of the crop's longer side.
        solid: alpha from which a place belongs to the matte.
        soft_px: softness of a new edge, pixels of the crop.
    """

    side_px: int = 384
    disc: float = 0.008
    solid: float = 0.5
    soft_px: float = 1.0


RULES = MarkRules()


def corrected(matte: Plane, rgb: NDArray[np.uint8], marks: Sequence[Mark], rules: MarkRules = RULES) -> Plane:
    """The matte after a person's points.

    Args:
        matte: (h, w) float32, 0..1, as it was found without them; empty where nothing was.
        rgb: (h, w, 3) uint8 sRGB, the same crop.
        marks: in the crop's pixels, its right and lower end included; those outside of it say nothing.
        rules: how points work.

    Returns:
        (h, w) float32, 0..1; the same matte where it agrees with every point.
    """
    height, width = matte.shape
    marks = [mark for mark in marks if 0 <= mark.x <= width and 0 <= mark.y <= height]
    wrong = [mark for mark in marks if (matte[_pixel(mark, (width, height))[::-1]] > rules.solid) != mark.keep]
    if not wrong:
        return matte
    scale = min(1.0, rules.side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    solid = cv2.resize(matte, size, interpolation=cv2.INTER_AREA) > rules.solid
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    discs = [(mark, _disc(mark, scale, size, rules)) for mark in marks]
    subject = _flooded(picture, solid, discs)
    changed = solid.copy()
    for mark, disc in discs:
        if mark in wrong:
            piece = _piece(subject & ~solid if mark.keep else solid & ~subject, disc)
            changed = changed | piece if mark.keep else changed & ~piece
    for mark, disc in discs:
        changed = changed | disc if mark.keep else changed & ~disc
    return _laid_over(matte, changed & ~solid, solid & ~changed, rules)


def _pixel(mark: Mark, size: tuple[int, int], scale: float = 1.0) -> tuple[int, int]:
    """Column and row of a mark in a picture of a width and height: what lies on its end is in the last one."""
    return min(size[0] - 1, int(mark.x * scale)), min(size[1] - 1, int(mark.y * scale))


def _disc(mark: Mark, scale: float, size: tuple[int, int], rules: MarkRules) -> Mask:
    disc = np.zeros((size[1], size[0]), np.uint8)
    cv2.circle(disc, _pixel(mark, size, scale), max(1, round(rules.disc * max(size))), 1, -1)
    return disc > 0


def _flooded(picture: NDArray[np.uint8], solid: Mask, discs: Sequence[tuple[Mark, Mask]]) -> Mask:
    """What belongs to the subject when it and the rest grow from what is sure of each, up to where colours part."""
    markers = np.zeros(solid.shape, np.int32)
    border = np.ones(solid.shape, np.bool_)
    # OpenCV takes the outermost pixels for its own lines.
    border[3:-3, 3:-3] = False
    markers[border & ~solid] = REST
    depth = np.asarray(cv2.distanceTransform(np.pad(solid.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)
    for mark, disc in discs:
        if not mark.keep:
            away = np.asarray(cv2.distanceTransform((~disc).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
            depth = np.minimum(depth, away)
    # The middle of the subject: deep inside, and far from every place that does not belong.
    markers[depth > max(1.0, 0.6 * float(depth.max()))] = SUBJECT
    for mark, disc in discs:
        markers[disc] = SUBJECT if mark.keep else REST
    smooth = np.asarray(cv2.bilateralFilter(picture, 5, 40.0, 5.0), np.uint8)
    cv2.watershed(np.ascontiguousarray(smooth[..., ::-1]), markers)
    grown = cv2.dilate((markers == SUBJECT).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # The watershed's own line goes with the subject where it was solid, and with the rest elsewhere.
    return np.asarray((markers == SUBJECT) | (grown & (markers == -1) & solid), np.bool_)


def _piece(pieces: Mask, disc: Mask) -> Mask:
    """The connected piece that a point lies in; empty where it lies in none."""
    _, labels = cv2.connectedComponents(pieces.astype(np.uint8), connectivity=4)
    names = np.unique(labels[disc & pieces])
    return np.asarray(np.isin(labels, names[names > 0]), np.bool_)


def _laid_over(matte: Plane, added: Mask, removed: Mask, rules: MarkRules) -> Plane:
    """The matte with pieces of a coarser grid put on and taken off."""
    size = (matte.shape[1], matte.shape[0])

    def fine(mask: Mask) -> Plane:
        grown = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
        return np.asarray(cv2.GaussianBlur((grown > rules.solid).astype(np.float32), (0, 0), rules.soft_px), np.float32)

    out = matte
    if removed.any():
        out = out * (1.0 - fine(removed))
    if added.any():
        out = np.maximum(out, fine(added))
    return np.asarray(out, np.float32)
