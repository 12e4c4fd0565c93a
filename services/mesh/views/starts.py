"""What is held of a further photo's camera before it is searched (``registration``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lensora.core.words import ViewSide
from services.mesh.views.cameras import Standpoint
from services.mesh.views.evidence import Evidence
from services.mesh.views.registration import RULES, Witness
from services.mesh.views.sides import YAWS

Floats = NDArray[np.float32]


def begin(evidence: Evidence, side: ViewSide | None, main: Witness) -> list[Standpoint]:
    """Where the search for a photo starts: one place for a known side, several for an unknown one."""
    said = evidence.standpoint
    if side is ViewSide.TOP:
        return [_level(evidence, replace(said, pitch=max(said.pitch, RULES.above)), main)]
    if side is not None:
        return [standing_at(evidence, YAWS.get(side, 0.0), main)]
    return [standing_at(evidence, 2.0 * math.pi * number / RULES.turns, main) for number in range(RULES.turns)]


def standing_at(evidence: Evidence, yaw: float, main: Witness) -> Standpoint:
    """A photo's camera at a yaw, with what else it says of itself."""
    return _level(evidence, replace(evidence.standpoint, yaw=yaw), main)


def _level(evidence: Evidence, start: Standpoint, main: Witness) -> Standpoint:
    """As large as the main photo's thing is, and as high up.

    Seen along the same line it is as wide and tall, and in the middle of both. Seen from a side it is as tall as what
    the main photo holds for inside.
    """
    wide, tall = _extent(evidence.outline)
    if abs(math.cos(start.yaw)) > RULES.along:
        main_wide, main_tall = _extent(main.evidence.outline)
        return replace(start, size=math.log(math.hypot(wide, tall) / math.hypot(main_wide, main_tall)))
    points = main.world(main.rays)
    likely = main.likely_at(main.evidence.places(points, main.standpoint)).reshape(len(main.weights), -1)
    # On every line the likeliest place, and all likely ones.
    chosen = likely > 0.5
    chosen[np.arange(len(chosen)), likely.argmax(axis=1)] = True
    points = points[:, chosen.ravel()]
    size = math.log(tall * 2.0 / len(evidence.outline) / max(float(np.ptp(evidence.places(points, start)[1])), 1e-3))
    grown = evidence.places(points, replace(start, size=size))[1]
    rows = np.flatnonzero((evidence.outline > 0.5).any(axis=1))
    middle = 1.0 - (rows[0] + rows[-1] + 1.0) / len(evidence.outline) if len(rows) else 0.0
    return replace(start, size=size, up=middle - 0.5 * float(grown.min() + grown.max()))


def _extent(outline: Floats) -> tuple[float, float]:
    """Width and height of an outline, pixels."""
    inside = outline >= min(0.5, float(outline.max()))
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return float(columns[-1] + 1 - columns[0]), float(rows[-1] + 1 - rows[0])


def level(evidences: Sequence[Evidence]) -> list[Evidence]:
    """The photos' words, their pitches drawn to the usual one and together.

    Sides are seen from beside a thing, and one person takes photos from about one height. Photos from above are left as
    they are.
    """
    drawn = [one if one.standpoint.pitch >= RULES.above else _from_beside(one) for one in evidences]
    said = [one for one in drawn if one.standpoint.pitch < RULES.above]
    if len(said) < 2:
        return drawn
    pitch = np.array([one.standpoint.pitch for one in said])
    doubt = np.array([one.pitch_spread for one in said]) ** 2
    weight = 1.0 / (doubt + RULES.between**2)
    mean = float((weight * pitch).sum() / weight.sum())
    out = []
    for one in drawn:
        if one.standpoint.pitch >= RULES.above:
            out.append(one)
            continue
        own, common = one.pitch_spread**-2, RULES.between**-2
        together = (own * one.standpoint.pitch + common * mean) / (own + common)
        spread = (own + common) ** -0.5
        out.append(replace(one, standpoint=replace(one.standpoint, pitch=together), pitch_spread=spread))
    return out


def _from_beside(evidence: Evidence) -> Evidence:
    """A photo's word with its pitch drawn to the usual one."""
    own, usual = (RULES.slack * evidence.pitch_spread) ** -2, RULES.beside_spread**-2
    pitch = (own * evidence.standpoint.pitch + usual * RULES.beside) / (own + usual)
    return replace(evidence, standpoint=replace(evidence.standpoint, pitch=pitch), pitch_spread=(own + usual) ** -0.5)
