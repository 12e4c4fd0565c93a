"""A person's points: places that belong to the subject, and places that do not.

What the points do not speak of stays as it was found. A point that disagrees with the matte changes the piece around
it that looks like it: GrabCut (Rother et al. 2004), begun at the matte and held to the points, says how far that goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

FOREGROUND = (cv2.GC_FGD, cv2.GC_PR_FGD)


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
        rounds: of GrabCut.
        solid: alpha from which a place belongs to the matte.
        soft_px: softness of a new edge, pixels of the crop.
    """

    side_px: int = 384
    disc: float = 0.008
    rounds: int = 3
    solid: float = 0.5
    soft_px: float = 1.0


RULES = MarkRules()


def corrected(matte: Plane, rgb: NDArray[np.uint8], marks: Sequence[Mark], rules: MarkRules = RULES) -> Plane:
    """The matte after a person's points.

    Args:
        matte: (h, w) float32, 0..1, as it was found without them; empty where nothing was.
        rgb: (h, w, 3) uint8 sRGB, the same crop.
        marks: in the crop's pixels; those outside of it say nothing.
        rules: how points work.

    Returns:
        (h, w) float32, 0..1; the same matte where it agrees with every point.
    """
    height, width = matte.shape
    marks = [mark for mark in marks if 0 <= mark.x < width and 0 <= mark.y < height]
    wrong = [mark for mark in marks if (matte[int(mark.y), int(mark.x)] > rules.solid) != mark.keep]
    if not wrong:
        return matte
    scale = min(1.0, rules.side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    solid = cv2.resize(matte, size, interpolation=cv2.INTER_AREA) > rules.solid
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    discs = [(mark, _disc(mark, scale, size, rules)) for mark in marks]
    looks = _grab_cut(picture, solid, discs, rules)
    changed = solid.copy()
    for mark, disc in discs:
        if mark in wrong:
            piece = _piece(looks & ~solid if mark.keep else solid & ~looks, disc)
            changed = changed | piece if mark.keep else changed & ~piece
    for mark, disc in discs:
        changed = changed | disc if mark.keep else changed & ~disc
    return _laid_over(matte, changed & ~solid, solid & ~changed, rules)


def _disc(mark: Mark, scale: float, size: tuple[int, int], rules: MarkRules) -> Mask:
    disc = np.zeros((size[1], size[0]), np.uint8)
    centre = (min(size[0] - 1, int(mark.x * scale)), min(size[1] - 1, int(mark.y * scale)))
    cv2.circle(disc, centre, max(1, round(rules.disc * max(size))), 1, -1)
    return disc > 0


def _grab_cut(picture: NDArray[np.uint8], solid: Mask, discs: Sequence[tuple[Mark, Mask]], rules: MarkRules) -> Mask:
    """What looks like the subject, given the matte and the points."""
    labels = np.where(solid, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    for mark, disc in discs:
        labels[disc] = cv2.GC_FGD if mark.keep else cv2.GC_BGD
    inside = np.asarray(np.isin(labels, FOREGROUND), np.bool_)
    if inside.all() or not inside.any():
        return inside
    # OpenCV seeds its colour clusters from a generator of its own: the same picture gives the same matte.
    cv2.setRNGSeed(0)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(
        np.ascontiguousarray(picture[..., ::-1]),
        labels,
        (0, 0, 1, 1),
        background,
        foreground,
        rules.rounds,
        cv2.GC_INIT_WITH_MASK,
    )
    return np.asarray(np.isin(labels, FOREGROUND), np.bool_)


def _piece(pieces: Mask, disc: Mask) -> Mask:
    """The connected piece that a point lies in; empty where it lies in none."""
    _, labels = cv2.connectedComponents(pieces.astype(np.uint8), connectivity=4)
    names = np.unique(labels[disc & pieces])
    return np.asarray(np.isin(labels, names[names > 0]), np.bool_)


def _laid_over(matte: Plane, added: Mask, removed: Mask, rules: MarkRules) -> Plane:
    """The matte with pieces of a coarser grid put on and taken off, with a soft edge."""
    size = (matte.shape[1], matte.shape[0])

    def fine(mask: Mask) -> Plane:
        grown = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
        soft = cv2.GaussianBlur(np.asarray(grown > rules.solid, np.float32), (0, 0), rules.soft_px)
        return np.asarray(soft, np.float32)

    return np.asarray(np.maximum(matte * (1.0 - fine(removed)), fine(added)), np.float32)
