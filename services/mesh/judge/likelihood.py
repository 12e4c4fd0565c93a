"""How likely a hypothesis is to the shape network: its solid against the field, its front against depth and normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.mesh.judge.rays import Crossings, cast
from services.mesh.kinds import Hypothesis
from services.mesh.network import ShapePrediction
from services.mesh.view import View

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LikelihoodRules:
    """How what the network says becomes terms.

    Attributes:
        loudest: logits beyond this say no more: the network is surer than it is right.
        pitch_unit: radians that count as one unit of difference in pitch, about 20 degrees.
    """

    loudest: float = 4.0
    pitch_unit: float = 0.35


RULES = LikelihoodRules()


def network_terms(hypothesis: Hypothesis, view: View) -> dict[str, float]:
    """Terms by name; none where the network is off.

    ``network.overlap``: soft intersection over union of solid and field. ``network.surprise``: mean cross-entropy of
    the solid under the field. ``network.normals``: mean cosine between the fronts' normals. ``network.pitch``: how far
    the pitches are apart. ``network.thickness``: logarithm of how much thicker the solid is than the field.
    """
    prediction = view.prediction
    if prediction is None:
        return {}
    cells = prediction.frame.cells
    scale = cells / (2.0 * prediction.half_side_px)
    shift = (cells / 2 - prediction.center_px[0] * scale, cells / 2 - prediction.center_px[1] * scale)
    drawn = cast(hypothesis.solid, hypothesis.camera.scaled(scale, shift), (cells, cells))
    # View units of the hypothesis in half sides of the network's picture.
    unit = hypothesis.camera.pixels / prediction.half_side_px
    likely = view.measured(_likely)
    rays = drawn.seen & (likely.max(axis=0) > 0.3)
    if not rays.any():
        return {}
    solid = _occupied(drawn, prediction, likely, unit)
    p, q = likely[:, rays], solid[:, rays]
    overlap = float(np.minimum(p, q).sum() / np.maximum(p, q).sum())
    surprise = float(-(q * np.log(p) + (1.0 - q) * np.log(1.0 - p)).mean())
    # The network's normals lie on a finer picture: every second or so of its pixels.
    step = prediction.frame.image_px // cells
    seen_normals = prediction.normals[step // 2 :: step, step // 2 :: step]
    cosine = float((drawn.normal[rays] * seen_normals[rays]).sum(axis=1).mean())
    thickness = float(np.log(max(float(q.sum()), 1.0) / max(float(p.sum()), 1.0)))
    return {
        "network.overlap": overlap,
        "network.surprise": surprise,
        "network.normals": cosine,
        "network.pitch": min(2.0, abs(hypothesis.camera.pitch() - prediction.pitch) / RULES.pitch_unit),
        "network.thickness": float(np.clip(thickness, -1.5, 1.5)),
    }


def _likely(view: View) -> Floats:
    """(bins, rows, columns) float32: how likely each place is inside; the same for all hypotheses."""
    assert view.prediction is not None
    field = np.clip(view.prediction.field, -RULES.loudest, RULES.loudest)
    return np.asarray(1.0 / (1.0 + np.exp(-field)), np.float32)


def _occupied(drawn: Crossings, prediction: ShapePrediction, likely: Floats, unit: float) -> Floats:
    """(bins, rows, columns) float32, the share of each bin that is inside the solid.

    A hypothesis' depth has no origin that the network knows of: its middle is put where the field's is.
    """
    frame = prediction.frame
    z = (drawn.distance - drawn.depth) * unit
    width = drawn.size[0] * drawn.size[1]
    sign = np.where(drawn.entering, 1.0, -1.0)
    length = np.bincount(drawn.pixel, sign * z, minlength=width)
    moment = np.bincount(drawn.pixel, sign * z**2 / 2.0, minlength=width)
    total = max(float(length.sum()), 1e-9)
    levels = (1.0 - (np.arange(frame.cells) + 0.5) / frame.cells * 2.0) * frame.reach
    there = likely * drawn.seen
    middle = float((there * levels[:, None, None]).sum() / max(float(there.sum()), 1e-9))
    z = z + (middle - float(moment.sum()) / total)
    # Bins run from near (large z) to far; what lies before an edge of a bin is what enters before it less what leaves.
    edge = (frame.reach - z) / (2.0 * frame.reach) * frame.cells
    start = np.clip(np.floor(edge), 0, frame.cells - 1).astype(np.int64)
    part = np.clip(edge - start, 0.0, 1.0)
    # A crossing at share s of a bin fills 1 - s of that bin and all of the later ones, until the line leaves.
    place = start * width + drawn.pixel
    filled = np.bincount(
        np.concatenate([place, place + width]),
        np.concatenate([sign * (1.0 - part), sign * part]),
        minlength=(frame.cells + 1) * width,
    )
    occupied = np.cumsum(filled.reshape(-1, width)[: frame.cells], axis=0)
    return np.clip(occupied, 0.0, 1.0).reshape(frame.cells, *drawn.size[::-1]).astype(np.float32)
