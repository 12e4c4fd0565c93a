"""Where a further photo's camera stands before a given solid: under which it fills the photo's outline best.

The search of ``registration`` asks photos about each other, and knows no solid. Here the solid is known; a true one
fills every outline once its camera is right, and how well it does so is what solids are compared by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.judge.rays import Crossings, cast
from services.mesh.solid import Solid
from services.mesh.views.cameras import Standpoint
from services.mesh.views.evidence import Evidence
from services.mesh.views.registration import Witness

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class AlignmentRules:
    """How a camera is searched before a solid.

    Attributes:
        drawn_px: side of the pictures in which outlines are compared.
        steps: first step of each angle, radians; size and place follow from the outline's box.
        spreads: how far each angle may be off, radians ...
        pull: ... and IoU that a camera so far off must be better by.
        least: IoU by which a step must be better.
        halvings: the last step is the first one halved so many times.
        rounds: over all angles, at most.
        thinnest: half sides of depth under which a field holds nothing to be there.
        fits: times that the solid's box is laid on the outline's.
        surest: share of a pixel that lies in the outline where depths are compared.
    """

    drawn_px: int = 96
    steps: Mapping[str, float] = field(
        default_factory=lambda: {"yaw": math.radians(6.0), "pitch": math.radians(4.0), "roll": math.radians(2.0)}
    )
    spreads: Mapping[str, float] = field(
        default_factory=lambda: {"yaw": math.radians(11.5), "pitch": math.radians(7.0), "roll": math.radians(3.5)}
    )
    pull: float = 0.02
    least: float = 1e-4
    halvings: int = 2
    rounds: int = 8
    thinnest: float = 0.02
    fits: int = 3
    surest: float = 0.9


RULES = AlignmentRules()


@dataclass(frozen=True)
class Aligned:
    """A camera before a solid, and the IoU 0..1 of the solid's outline with the photo's from there."""

    standpoint: Standpoint
    overlap: float


def aligned(solid: Solid, witness: Witness) -> Aligned:
    """The camera near a photo's own from which a solid fills the photo's outline best.

    Args:
        solid: in the shared world.
        witness: the photo, where it is held to have been taken from.
    """
    before = _Before(solid, witness.evidence)
    start = witness.standpoint

    def worth(place: Standpoint) -> tuple[float, Aligned]:
        one = before.fitted(place)
        off = sum(((getattr(place, name) - getattr(start, name)) / far) ** 2 for name, far in RULES.spreads.items())
        return one.overlap - RULES.pull * off, one

    best, found = worth(start)
    step = 1.0
    for _ in range(RULES.rounds):
        glance()
        better = False
        for name, first in RULES.steps.items():
            for sign in (1.0, -1.0):
                value, one = worth(found.standpoint.moved(name, sign * step * first))
                if value > best + RULES.least:
                    best, found, better = value, one, True
                    break
        if not better:
            step *= 0.5
            if step < 0.5**RULES.halvings:
                break
    return found


class Sight:
    """A solid as a photo's camera sees it, held against the photo's word."""

    def __init__(self, solid: Solid, camera: PhotoCamera, evidence: Evidence) -> None:
        """``camera``: in the solid's frame, pixels of the cutout."""
        self._drawn = _crossed(solid, camera, evidence)
        self._evidence = evidence
        self._unit = camera.pixels / evidence.half_side_px

    def overlap(self) -> float:
        """IoU 0..1 of the solid's outline with the photo's."""
        return _iou(self._drawn.seen, _outline(self._evidence))

    def thickness(self) -> float:
        """How thick the solid is along lines of sight, for what the photo's field holds it for; 1 is as thick."""
        likely = self._evidence.likely
        expected = _drawn_size(likely.sum(axis=0)) * (2.0 * self._evidence.reach / len(likely))
        there = self._drawn.seen & (expected > RULES.thinnest)
        return float(self._drawn.thickness[there].sum()) * self._unit / max(float(expected[there].sum()), 1e-6)

    def depth_error(self) -> float | None:
        """How far the near side lies from where the network sees it, as a mean in what it says that it is off by.

        Where both lie as a whole does not count. None where no network has seen the photo.
        """
        if self._evidence.surface is None:
            return None
        there = self._drawn.seen & (_drawn_size(self._evidence.outline) > RULES.surest)
        if not there.any():
            return None
        depth, spread = (_drawn_size(plane)[there] for plane in self._evidence.surface)
        off = self._drawn.near[there] * self._unit - depth
        return float((np.abs(off - np.median(off)) / spread).mean())


class _Before:
    """A solid before a photo's camera, wherever that stands."""

    def __init__(self, solid: Solid, evidence: Evidence) -> None:
        self._solid, self._evidence = solid, evidence
        self._points = np.ascontiguousarray(solid.vertices.T, np.float32)
        self._outline = _outline(evidence)
        inside = evidence.outline >= min(0.5, float(evidence.outline.max()))
        rows, columns, side = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0)), len(inside)
        self._low = np.array([columns[0] * 2.0 / side - 1.0, 1.0 - (rows[-1] + 1) * 2.0 / side])
        self._high = np.array([(columns[-1] + 1) * 2.0 / side - 1.0, 1.0 - rows[0] * 2.0 / side])

    def fitted(self, place: Standpoint) -> Aligned:
        """The camera with the solid's box on the outline's, and how much of the outline the solid then fills."""
        evidence = self._evidence
        for _ in range(RULES.fits):
            low, high = self._box(place)
            size = math.log(math.hypot(*(self._high - self._low)) / max(math.hypot(*(high - low)), 1e-6))
            place = replace(place, size=place.size + size)
            low, high = self._box(place)
            off = 0.5 * (self._low + self._high - low - high) * (evidence.distance - place.near) / evidence.distance
            place = replace(place, right=place.right + float(off[0]), up=place.up + float(off[1]))
        return Aligned(place, _iou(_drawn(self._solid, evidence.camera(place), evidence), self._outline))

    def _box(self, place: Standpoint) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest u and v of the solid, half sides."""
        places = self._evidence.places(self._points, place)[:2]
        return places.min(axis=1).astype(np.float64), places.max(axis=1).astype(np.float64)


def _outline(evidence: Evidence) -> Mask:
    return np.asarray(_drawn_size(evidence.outline) >= 0.5)


def _drawn_size(plane: Floats) -> Floats:
    """A square plane at the size of the pictures in which solids are held against photos."""
    size = (RULES.drawn_px, RULES.drawn_px)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _drawn(solid: Solid, camera: PhotoCamera, evidence: Evidence) -> Mask:
    """What a solid covers of a photo's square picture."""
    return _crossed(solid, camera, evidence).seen


def _crossed(solid: Solid, camera: PhotoCamera, evidence: Evidence) -> Crossings:
    """A solid on the lines of sight of a photo's square picture."""
    side = RULES.drawn_px
    scale = side / (2.0 * evidence.half_side_px)
    shift = (side / 2 - evidence.center_px[0] * scale, side / 2 - evidence.center_px[1] * scale)
    return cast(solid, camera.scaled(scale, shift), (side, side))


def _iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum()) / max(float((one | other).sum()), 1.0)
