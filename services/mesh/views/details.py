"""Where a close-up belongs: the part of another photo that it shows, found by what both have in common.

A close-up has no outline of the thing, and tells nothing of its shape. If its features are those of a part of a photo
whose camera is known, it is laid on that part, and is from then on a sharper photo from the same camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class DetailRules:
    """When a close-up is held to belong somewhere. Set by hand.

    Attributes:
        looked_px: longer side of both pictures when features are sought.
        features: sought in each.
        ratio: a feature counts if the next best is so much farther (Lowe 2004).
        off_px: how far a matched feature may lie from where the whole match puts it.
        fewest, share: matches that must agree, and their share of all.
        sharper: pixels of the close-up for one of the other photo that make it worth having, at least ...
        enlarged: ... and up to which they are used.
        alike: correlation of both pictures' brightness where they overlap.
        longest_px: longer side of the part that is kept.
        skew: most difference of the lengths of the corners' sides, as a factor: more is no photo of the same part.
    """

    looked_px: int = 900
    features: int = 1500
    ratio: float = 0.75
    off_px: float = 4.0
    fewest: int = 14
    share: float = 0.3
    sharper: float = 1.2
    enlarged: float = 4.0
    alike: float = 0.75
    longest_px: int = 1600
    skew: float = 2.0


RULES = DetailRules()


@dataclass(frozen=True)
class Located:
    """A close-up as a photo from another photo's camera.

    Attributes:
        cutout: warped into that photo's frame, cut to its own part; its matte ends where the close-up does.
        camera: in pixels of ``cutout``.
        matches: features that agree.
    """

    cutout: Cutout
    camera: PhotoCamera
    matches: int


def located(detail: Cutout, shown: Cutout, camera: PhotoCamera) -> Located | None:
    """The part of a photo that a close-up shows; None where that cannot be told, or the photo is as sharp itself.

    Args:
        detail: the close-up.
        shown: the photo.
        camera: that photo's, in pixels of it.
    """
    move, matches = _matched(detail, shown)
    if move is None:
        return None
    height, width = detail.mask.shape
    corners = np.array([[[0, 0]], [[width, 0]], [[width, height]], [[0, height]]], np.float64)
    placed = cv2.perspectiveTransform(corners, move)[:, 0]
    sides = np.linalg.norm(placed - np.roll(placed, -1, axis=0), axis=1) / np.array([width, height, width, height])
    if not np.isfinite(sides).all() or sides.max() > RULES.skew * max(float(sides.min()), 1e-6):
        return None
    enlarged = 1.0 / float(np.exp(np.log(sides).mean()))
    if enlarged < RULES.sharper:
        return None
    low = np.maximum(placed.min(axis=0), 0.0)
    high = np.minimum(placed.max(axis=0), np.array(shown.mask.shape[::-1], np.float64))
    if (high - low < 4.0).any():
        return None
    scale = min(enlarged, RULES.enlarged, RULES.longest_px / float((high - low).max()))
    glance()
    return _laid(detail, shown, camera, move, scale, (low, high), matches)


def _matched(detail: Cutout, shown: Cutout) -> tuple[Doubles | None, int]:
    """(3, 3) from pixels of a close-up to those of a photo, and how many features agree."""
    sift = cv2.SIFT.create(nfeatures=RULES.features)
    said = []
    for photo in (detail, shown):
        factor = min(1.0, RULES.looked_px / max(photo.mask.shape))
        size = (max(8, round(photo.mask.shape[1] * factor)), max(8, round(photo.mask.shape[0] * factor)))
        grey = cv2.resize(cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        inside = cv2.resize(photo.mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
        points, words = sift.detectAndCompute(grey, inside)
        if words is None or len(points) < RULES.fewest:
            return None, 0
        # OpenCV counts from the middle of the first pixel.
        said.append(((np.array([point.pt for point in points]) + 0.5) / factor, words, factor))
        glance()
    (near, near_words, near_factor), (far, far_words, far_factor) = said
    pairs = cv2.BFMatcher().knnMatch(near_words, far_words, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RULES.ratio * pair[1].distance]
    if len(good) < RULES.fewest:
        return None, 0
    source = near[[match.queryIdx for match in good]]
    target = far[[match.trainIdx for match in good]]
    off = RULES.off_px / min(near_factor, far_factor)
    # A similarity first: a homography of a few wrong matches may be anything.
    turn, agree = cv2.estimateAffinePartial2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=2.0 * off)
    if turn is None or int(agree.sum()) < max(RULES.fewest, RULES.share * len(good)):
        return None, 0
    kept = agree.ravel() > 0
    move, agree = cv2.findHomography(source[kept], target[kept], cv2.RANSAC, off)
    if move is None or int(agree.sum()) < RULES.fewest:
        return None, 0
    return np.asarray(move, np.float64), int(agree.sum())


def _laid(
    detail: Cutout,
    shown: Cutout,
    camera: PhotoCamera,
    move: Doubles,
    scale: float,
    box: tuple[Doubles, Doubles],
    matches: int,
) -> Located | None:
    """The close-up warped into a photo's frame, if the two look alike there."""
    low, high = box
    size = (max(4, math.ceil((high[0] - low[0]) * scale)), max(4, math.ceil((high[1] - low[1]) * scale)))
    # From pixels' corners to their middles and back: OpenCV counts from the middle of the first one.
    frame = np.array([[scale, 0.0, -low[0] * scale], [0.0, scale, -low[1] * scale], [0.0, 0.0, 1.0]])
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    onto, other = np.linalg.inv(half) @ frame @ move @ half, np.linalg.inv(half) @ frame @ half
    shrunk = 1.0 / (scale * float(np.sqrt(abs(np.linalg.det(move[:2, :2])))))
    given = cv2.GaussianBlur(detail.rgb, (0, 0), 0.4 * shrunk) if shrunk > 1.5 else detail.rgb
    rgb = np.asarray(cv2.warpPerspective(given, onto, size, flags=cv2.INTER_LINEAR), np.uint8)
    alpha = cv2.warpPerspective(detail.alpha, onto, size, flags=cv2.INTER_LINEAR)
    beside = np.asarray(cv2.warpPerspective(shown.rgb, other, size, flags=cv2.INTER_LINEAR), np.uint8)
    inside = cv2.warpPerspective(shown.alpha, other, size, flags=cv2.INTER_LINEAR)
    matte: Floats = np.minimum(alpha, inside).astype(np.float32)
    matte[[0, -1]], matte[:, [0, -1]] = 0.0, 0.0
    both = matte >= 0.5
    if both.sum() < 64 or _likeness(rgb, beside, both, scale) < RULES.alike:
        return None
    seen = camera.scaled(scale, (-low[0] * scale, -low[1] * scale))
    cutout = replace(detail, rgb=rgb, alpha=matte, camera=seen, origin=(0, 0), scale=1.0, source_size=size)
    return Located(cutout, seen, matches)


def _likeness(one: Bytes, other: Bytes, where: NDArray[np.bool_], scale: float) -> float:
    """Correlation of brightness of two pictures, as blurred as the coarser one."""
    sigma = max(1.0, scale)
    first, second = (
        cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), sigma)[where]
        for picture in (one, other)
    )
    if min(float(first.std()), float(second.std())) < 1e-3:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
