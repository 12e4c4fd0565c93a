"""What of the box the net left out, by colour: a screen within its frame, the neck of a vase, the corner of a book.

Where the judge doubts the look that was picked, GrabCut (Rother et al. 2004) parts the box's colours from those around
it, beginning with what the net is sure of. What it adds to the plain matte is one more candidate; it takes nothing off.
It is right often enough to be asked, and wrong too often to be believed: what is seen through the holes of scissors may
have another colour than the table beside them. So the judge's confidence has to rise by much, and how much is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.candidates import Candidate
from services.segment.judge import SIDE_PX, Bench, Judgement, confidence
from services.segment.matte import SOLID, PixelBox

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

NAME = "coloured"
"""Name of the candidate that colours give."""


@dataclass(frozen=True)
class ColourRules:
    """How the box's colours are parted.

    Attributes:
        sure: salience that is the thing's for certain.
        likely: salience from which a pixel is rather the thing's than not, to begin with.
        rounds: of the models of colour.
        least_px: pixels of the grid that each side must have for a model.
        soft_px: blur of the found outline, pixels of the grid.
        thick_px: differences from the plain matte of less than this are its own outline, and stay.
    """

    sure: float = 0.9
    likely: float = 0.1
    rounds: int = 4
    least_px: int = 20
    soft_px: float = 1.0
    thick_px: int = 3


RULES = ColourRules()


def completed(
    bench: Bench, look: Candidate, plain: Plane, rgb: NDArray[np.uint8], within: PixelBox, judgement: Judgement
) -> Candidate:
    """The look, or the plain one with what colours add to it, where the judge doubts the one and clearly not the other.

    Args:
        bench: of the crop.
        look: the one that was picked.
        plain: (h, w) float32, 0..1, the first look.
        rgb: (h, w, 3) uint8 sRGB, the crop.
        within: the chosen box in it.
        judgement: what was fitted.
    """
    trust = confidence(bench, look.matte, judgement)
    found = coloured(plain, rgb, within) if trust < judgement.doubt else None
    if found is None or confidence(bench, found.matte, judgement) - trust <= judgement.rise:
        return look
    return found


def coloured(plain: Plane, rgb: NDArray[np.uint8], within: PixelBox, rules: ColourRules = RULES) -> Candidate | None:
    """The plain matte with what the box's colours add to it; None where they add nothing, or say nothing."""
    height, width = plain.shape
    scale = min(1.0, SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(plain, size, interpolation=cv2.INTER_AREA), np.float32)
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    box = within.scaled(size[0] / width, size[1] / height)
    mask = _parted(small, picture, box.outside((size[1], size[0])) <= 0.0, rules)
    if mask is None:
        return None
    more = _thick(mask & (small <= SOLID), rules.thick_px)
    if not more.any():
        return None
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rules.soft_px)
    # Around what is added the new outline counts, elsewhere the look's own.
    reach = cv2.dilate(more.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    share = cv2.GaussianBlur(reach, (0, 0), rules.soft_px)
    grown, counts = (np.asarray(cv2.resize(each, (width, height)), np.float32) for each in (soft, share))
    steep = np.clip((grown - SOLID) / np.float32(scale) + SOLID, 0.0, 1.0)
    return Candidate(NAME, np.asarray(np.maximum(plain, counts * steep + (1.0 - counts) * plain), np.float32))


def _parted(salience: Plane, picture: NDArray[np.uint8], inside: Mask, rules: ColourRules) -> Mask | None:
    """Where the thing's colours are, (h, w) bool; None where there are too few pixels to say."""
    labels: NDArray[np.uint8] = np.full(salience.shape, cv2.GC_BGD, np.uint8)
    labels[inside] = cv2.GC_PR_BGD
    labels[inside & (salience > rules.likely)] = cv2.GC_PR_FGD
    labels[inside & (salience > rules.sure)] = cv2.GC_FGD
    thing = np.count_nonzero(labels & 1)
    if min(thing, labels.size - thing, np.count_nonzero(labels == cv2.GC_BGD)) < rules.least_px:
        return None
    models = np.zeros((1, 65)), np.zeros((1, 65))
    # Its models begin with random centres: the same photo shall give the same cutout.
    cv2.setRNGSeed(1)
    cv2.grabCut(picture, labels, None, *models, rules.rounds, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return np.asarray((labels & 1) == 1, np.bool_)


def _thick(mask: Mask, size: int) -> Mask:
    """The parts of a mask that a square of that size fits into."""
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((size, size), np.uint8)) > 0)
