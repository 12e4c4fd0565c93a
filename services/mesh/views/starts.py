"""What is held of a further photo's camera before it is searched (``registration``)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lensora.core.words import ViewSide
from services.mesh.views.cameras import Standpoint
from services.mesh.views.evidence import Evidence
from services.mesh.views.pitches import RULES as PITCHES
from services.mesh.views.registration import RULES, Witness, same_line
from services.mesh.views.sides import YAWS

Floats = NDArray[np.float32]


def begin(evidence: Evidence, side: ViewSide | None, main: Witness) -> list[Standpoint]:
    """Where the search for a photo starts: one place for a known side, several for an unknown one."""
    if side is ViewSide.TOP:
        return [_level(evidence, looking_down(evidence).standpoint, main)]
    if side is not None:
        return [standing_at(evidence, YAWS.get(side, 0.0), main)]
    return [standing_at(evidence, 2.0 * math.pi * number / RULES.turns, main) for number in range(RULES.turns)]


def looking_down(evidence: Evidence) -> Evidence:
    """The word of a photo from the top: however steep it looks by itself."""
    said = evidence.standpoint
    return replace(evidence, standpoint=replace(said, pitch=max(said.pitch, PITCHES.above)))


def standing_at(evidence: Evidence, yaw: float, main: Witness) -> Standpoint:
    """A photo's camera at a yaw, with what else it says of itself."""
    return _level(evidence, replace(evidence.standpoint, yaw=yaw), main)


def _level(evidence: Evidence, start: Standpoint, main: Witness) -> Standpoint:
    """As large as the main photo's thing is, and as high up.

    Seen along the same line it is as wide and tall, and in the middle of both. Seen from a side it is as tall as what
    the main photo holds for inside, and seen from the top as wide.
    """
    wide, tall = _extent(evidence.outline)
    if same_line(start):
        main_wide, main_tall = _extent(main.evidence.outline)
        return replace(start, size=math.log(math.hypot(wide, tall) / math.hypot(main_wide, main_tall)))
    points = main.world(main.rays)
    likely = main.likely_at(main.evidence.places(points, main.standpoint)).reshape(len(main.weights), -1)
    # On every line the likeliest place, and all likely ones.
    chosen = likely > 0.5
    chosen[np.arange(len(chosen)), likely.argmax(axis=1)] = True
    points = points[:, chosen.ravel()]
    long, axis = (wide, 0) if start.from_above else (tall, 1)
    size = math.log(long * 2.0 / len(evidence.outline) / max(float(np.ptp(evidence.places(points, start)[axis])), 1e-3))
    grown = evidence.places(points, replace(start, size=size))[1]
    rows = np.flatnonzero((evidence.outline > 0.5).any(axis=1))
    middle = 1.0 - (rows[0] + rows[-1] + 1.0) / len(evidence.outline) if len(rows) else 0.0
    return replace(start, size=size, up=middle - 0.5 * float(grown.min() + grown.max()))


def _extent(outline: Floats) -> tuple[float, float]:
    """Width and height of an outline, pixels."""
    inside = outline >= min(0.5, float(outline.max()))
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return float(columns[-1] + 1 - columns[0]), float(rows[-1] + 1 - rows[0])
