"""Which further photos a model is made with, and whether the solid from all photos or that from the main one is taken.

Each solid is drawn from every photo's camera by the judge's own rays. The one photo's solid stays unless the other
explains the photos clearly better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.judge.rays import cast
from services.mesh.solid import Solid
from services.mesh.views.evidence import Evidence
from services.mesh.views.registration import Found

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class VerdictRules:
    """When photos agree, and what is clearly better. Set by hand on things of the part ``tune``
    (``quality.views.objects``).

    Attributes:
        whole: IoU with the main photo under which a solid is torn, and never taken.
        explained: IoU with every further photo from which on the solid from the main photo is not touched.
        margin: IoU with the further photos by which the solid from all photos must exceed that from one.
        good, poor: a solid whose own IoU is under ``good`` must exceed by so much more, for each unit that it lacks.
        covered: share of lines of sight that must be allowed by all photos for one to be taken in.
        drawn_px: side of the pictures in which outlines are compared.
        rounds: times that a camera is shifted and scaled onto its outline.
    """

    whole: float = 0.88
    explained: float = 0.92
    margin: float = 0.04
    good: float = 0.9
    poor: float = 0.25
    covered: float = 0.93
    drawn_px: int = 128
    rounds: int = 2


RULES = VerdictRules()


def agrees(found: Found) -> bool:
    """Whether a photo may show the same thing as those that it was compared with."""
    return found.covered >= RULES.covered


def overlap(solid: Solid, camera: PhotoCamera, evidence: Evidence) -> float:
    """IoU 0..1 of the solid's outline with the photo's; ``camera`` in the solid's frame, pixels of the cutout."""
    drawn, outline = _pictures(solid, camera, evidence)
    return float((drawn & outline).sum()) / max(float((drawn | outline).sum()), 1.0)


def laid_on(solid: Solid, camera: PhotoCamera, evidence: Evidence) -> PhotoCamera:
    """The camera, shifted and scaled so that the solid's outline fills the box of the photo's."""
    for _ in range(RULES.rounds):
        drawn, outline = _pictures(solid, camera, evidence)
        if not drawn.any() or not outline.any():
            return camera
        (low, high), (wanted_low, wanted_high) = _box(drawn), _box(outline)
        factor = float(np.linalg.norm(wanted_high - wanted_low) / max(float(np.linalg.norm(high - low)), 1e-9))
        pixel = 2.0 * evidence.half_side_px / RULES.drawn_px
        corner = np.array(evidence.center_px) - evidence.half_side_px
        middle, wanted = corner + 0.5 * pixel * (low + high), corner + 0.5 * pixel * (wanted_low + wanted_high)
        center = wanted + factor * (np.array(camera.center) - middle)
        camera = replace(camera, center=(float(center[0]), float(center[1])), pixels=camera.pixels * factor)
    return camera


def _pictures(solid: Solid, camera: PhotoCamera, evidence: Evidence) -> tuple[Mask, Mask]:
    """What the solid and the photo cover of the photo's square picture."""
    side = RULES.drawn_px
    scale = side / (2.0 * evidence.half_side_px)
    shift = (side / 2 - evidence.center_px[0] * scale, side / 2 - evidence.center_px[1] * scale)
    drawn = cast(solid, camera.scaled(scale, shift), (side, side)).seen
    outline = cv2.resize(evidence.outline, (side, side), interpolation=cv2.INTER_AREA) >= 0.5
    return drawn, np.asarray(outline)


def _box(mask: Mask) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Left and upper edge, and right and lower edge, of what a mask covers."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    low = np.array([columns[0], rows[0]], np.float64)
    return low, np.array([columns[-1] + 1, rows[-1] + 1], np.float64)


def better(all_photos: Sequence[float], one_photo: Sequence[float]) -> bool:
    """Whether the solid from all photos is taken, by the overlaps of both with every photo, the main one first."""
    if all_photos[0] < RULES.whole or min(one_photo[1:]) >= RULES.explained:
        return False
    mean = float(np.mean(all_photos[1:]))
    return bool(mean >= np.mean(one_photo[1:]) + RULES.margin + RULES.poor * max(RULES.good - mean, 0.0))
