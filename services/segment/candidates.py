"""Candidates for a cutout: several mattes of one crop, of which the judge picks one.

The plain one is what the net says of everything that stands out in the crop. The others each change it in one way, and
are only worth having where the judge can tell that they are better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import SubjectNotFound
from services.segment.matte import SOLID, PixelBox, isolate

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Candidate:
    """A matte, and the way that it was made.

    Attributes:
        name: ``plain``, ``meant``, ``coloured``, ``wide``, ``wider``, ``edged`` or ``prompted``.
        matte: (h, w) float32, 0..1.
    """

    name: str
    matte: Plane


@dataclass(frozen=True)
class CandidateRules:
    """How candidates are made.

    Attributes:
        colour_px: longest side at which colours are compared.
        colour_rounds: of GrabCut.
        unsure: salience between these is left to the colours.
        piece: thinnest piece that colours may add or take off, share of the longer side; edges stay the net's.
        line_px: softness of a new edge, pixels.
        undecided: salience between these is left to a second view as well.
    """

    colour_px: int = 256
    colour_rounds: int = 2
    unsure: tuple[float, float] = (0.2, 0.8)
    piece: float = 0.02
    line_px: float = 1.0
    undecided: tuple[float, float] = (0.05, 0.95)


RULES = CandidateRules()


def candidates(
    salience: Plane, rgb: NDArray[np.uint8], within: PixelBox, wide: Plane | None = None, rules: CandidateRules = RULES
) -> Iterator[Candidate]:
    """The plain one first; then what the box, the colours and a wider view make of it.

    Args:
        salience: (h, w) float32, 0..1: what stands out in the crop.
        rgb: (h, w, 3) uint8 sRGB, the crop.
        within: the chosen box in it.
        wide: the salience of the same pixels in a view of more of the photo, where there is one.
        rules: how candidates are made.
    """
    yield Candidate("plain", salience)
    try:
        meant = np.asarray(salience * isolate(salience, rgb, within), np.float32)
    except SubjectNotFound:
        return
    yield Candidate("meant", meant)
    yield Candidate("coloured", coloured(meant, rgb, rules))
    if wide is not None:
        yield from seen_again(salience, rgb, within, wide, rules)


def seen_again(
    salience: Plane, rgb: NDArray[np.uint8], within: PixelBox, wide: Plane, rules: CandidateRules = RULES
) -> Iterator[Candidate]:
    """What a wider view makes of it; the arguments as for ``candidates``."""
    # Both views where the crop is undecided, and the wider one alone: it sees a cup of which the crop saw the foam.
    for name, seen in (("wide", _blended(salience, wide, rules)), ("wider", wide)):
        try:
            yield Candidate(name, np.asarray(seen * isolate(seen, rgb, within), np.float32))
        except SubjectNotFound:
            continue


def _blended(salience: Plane, wide: Plane, rules: CandidateRules) -> Plane:
    """The mean of two views where the nearer one is undecided; where it is sure, the nearer one."""
    low, high = rules.undecided
    undecided = (salience > low) & (salience < high)
    return np.where(undecided, np.float32(0.5) * (salience + wide), salience).astype(np.float32)


def coloured(matte: Plane, rgb: NDArray[np.uint8], rules: CandidateRules = RULES) -> Plane:
    """The matte with whole pieces added or taken off where their colours say so (GrabCut, Rother et al. 2004).

    Args:
        matte: (h, w) float32, 0..1.
        rgb: (h, w, 3) uint8 sRGB, the same crop.
        rules: how.
    """
    height, width = matte.shape
    scale = min(1.0, rules.colour_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    solid = small > SOLID
    low, high = rules.unsure
    labels = np.where(solid, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[small > high] = cv2.GC_FGD
    labels[small < low] = cv2.GC_BGD
    looks = grab_cut(picture, labels, rules.colour_rounds)
    side = 1 + 2 * max(1, round(0.5 * rules.piece * max(size)))
    square = np.ones((side, side), np.uint8)
    added = cv2.morphologyEx((looks & ~solid).astype(np.uint8), cv2.MORPH_OPEN, square) > 0
    removed = cv2.morphologyEx((solid & ~looks).astype(np.uint8), cv2.MORPH_OPEN, square) > 0
    return laid_over(matte, added, removed, rules.line_px)


def grab_cut(picture: NDArray[np.uint8], labels: NDArray[np.uint8], rounds: int) -> Mask:
    """What looks like the subject: (h, w) bool.

    Args:
        picture: (h, w, 3) uint8 sRGB.
        labels: (h, w) of OpenCV's GrabCut classes; changed in place.
        rounds: of the fit.
    """
    foreground = (cv2.GC_FGD, cv2.GC_PR_FGD)
    inside = np.asarray(np.isin(labels, foreground), np.bool_)
    if inside.all() or not inside.any():
        return inside
    # OpenCV seeds its colour clusters from a generator of its own: the same picture gives the same matte.
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(picture[..., ::-1]),
        labels,
        (0, 0, 1, 1),
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        rounds,
        cv2.GC_INIT_WITH_MASK,
    )
    return np.asarray(np.isin(labels, foreground), np.bool_)


def laid_over(matte: Plane, added: Mask, removed: Mask, line_px: float) -> Plane:
    """The matte with pieces of a coarser grid put on and taken off.

    Args:
        matte: (h, w) float32, 0..1.
        added: (h', w') bool of the same picture.
        removed: likewise.
        line_px: softness of a new edge, pixels.
    """
    size = (matte.shape[1], matte.shape[0])

    def fine(mask: Mask) -> Plane:
        grown = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
        return np.asarray(cv2.GaussianBlur((grown > SOLID).astype(np.float32), (0, 0), line_px), np.float32)

    out = matte
    if removed.any():
        out = out * (1.0 - fine(removed))
    if added.any():
        out = np.maximum(out, fine(added))
    return np.asarray(out, np.float32)
