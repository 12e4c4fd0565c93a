"""Outlines of mattes beside the truth: what the edge network is fitted on, and how much of its word is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.cutouts.bars import bars
from quality.cutouts.edge_fit import STEPS, edge_net, some_rows
from quality.cutouts.samples import PHOTOGRAPH, Sample
from services.segment.edges import EdgeNet, band_of, edge_features, refined

Plane = NDArray[np.float32]
Rows = tuple[Plane, Plane]

HARM = 0.005
"""Loss of IoU that counts as harm."""

MOST_LOST = 2 * HARM
"""What a network of one kind of pictures may lose on a thing of the other: one of both kinds errs less."""

LEARNT_IOU = 0.9
"""Outlines of mattes that are farther off than this teach nothing about edges."""

SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
"""How much of what the network says may be taken."""


@dataclass(frozen=True)
class Outline:
    """A matte's pixels along its outline, with their true alpha.

    Attributes:
        sample: the thing.
        matte: (h, w) float32.
        rows: features, and true alpha.
    """

    sample: Sample
    matte: Plane
    rows: Rows


def outline(sample: Sample, matte: Plane) -> Outline | None:
    """What is to be learnt of a matte's outline; None where it is another thing's, or thin."""
    if sample.iou(matte) < LEARNT_IOU:
        return None
    alpha = sample.alpha if sample.alpha.shape == matte.shape else _at(sample.alpha, matte)
    where = band_of(matte) > 0.0
    if not where.any():
        return None
    rows = some_rows(edge_features(matte, sample.aim.picture, where), alpha[where], len(sample.name))
    return Outline(sample, matte, rows)


def net_of(outlines: Sequence[Sequence[Outline | None]], steps: int = STEPS) -> EdgeNet:
    """The edge network for the outlines of things and for drawn bars, all of its word taken."""
    return edge_net([*(one.rows for own in outlines for one in own if one is not None), *bars()], steps)


def with_share(net: EdgeNet, outlines: Sequence[Sequence[Outline | None]], steps: int = STEPS) -> EdgeNet:
    """How much of its word is taken: what gains most where pictures differ from those of the fit.

    A network of the photographs alone is tried on the made scenes, and one of the made scenes on the photographs. No
    thing may lose more than ``MOST_LOST``.
    """
    gains = []
    for photographs in (False, True):
        known, others = [], []
        for own in outlines:
            each = [one for one in own if one is not None]
            if each and (each[0].sample.kind == PHOTOGRAPH) is photographs:
                known += [one.rows for one in each]
            else:
                others += each[:1]
        other = edge_net([*known, *bars()], steps)
        gains.append(np.array([_gains(one, other) for one in others]))
    harmless = [at for at in range(len(SHARES)) if min(found[:, at].min() for found in gains) >= -MOST_LOST]
    best = max(harmless, key=lambda at: float(np.mean([found[:, at].mean() for found in gains])), default=0)
    return replace(net, share=SHARES[best])


def _gains(one: Outline, net: EdgeNet) -> list[float]:
    """What each of ``SHARES`` gains over none of it."""
    before, after = (refined(one.matte, one.sample.aim.picture, replace(net, share=share)) for share in (0.0, 1.0))
    start = one.sample.iou(before)
    return [one.sample.iou(before + np.float32(share) * (after - before)) - start for share in SHARES]


def _at(alpha: Plane, matte: Plane) -> Plane:
    """The true matte at the size of another."""
    size = (matte.shape[1], matte.shape[0])
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
