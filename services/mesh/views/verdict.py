"""Which further photos a model is made with, and whether the solid from all photos or that from the main one is taken.

Each solid is drawn from every photo's camera by the judge's own rays, each camera laid on that solid first
(``alignment``). The one photo's solid stays unless the other explains the further photos clearly better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lensora.core.words import ViewOmission
from services.mesh.views.registration import Found, same_line


@dataclass(frozen=True)
class VerdictRules:
    """When photos agree, and what is clearly better. Set on things of the part ``tune`` (``quality.views.objects``).

    Attributes:
        covered: share of lines of sight that must be allowed by all photos for one to be taken in.
        alike: score of its camera that a photo along the main one's line of sight needs as well: a back has the front's
            outline. Of 20 right backs 19 have more, of 20 backs of other things 6.
        clear, well: lead and score of the camera of a photo whose side nobody told: of 39 such on ``tune`` the best
            camera was on the right side for 12, and for 4 of the 6 that pass these.
        whole: IoU with the main photo under which a solid is torn, and never taken.
        explained: mean IoU with the further photos from which on the solid from the main photo is not touched.
        margin: IoU with the further photos by which the solid from all photos must exceed that from one ...
        torn: ... and by this share of the IoU with the main photo that it lacks against the other ...
        sure, from_sure: ... and by this for each unit of the other's confidence over ``from_sure``.
        filmed: IoU of a solid with a film's pictures, each from the camera that suits it best, under which these
            cameras are not believed: such a solid is not taken, and before one photo's solid such a picture gives no
            colours. Of six things of ``tune`` five have 0.78 to 0.93 and gain 0.14 to 0.28 of F-score; a horse has 0.68
            and loses 0.01.
        thick: a solid so many times as thick as each photo's field holds it for is not taken: fields lie one behind
            the other.
    """

    covered: float = 0.93
    alike: float = 0.15
    clear: float = 0.1
    well: float = 0.4
    whole: float = 0.7
    explained: float = 0.93
    margin: float = 0.02
    torn: float = 0.25
    sure: float = 0.15
    from_sure: float = 0.5
    filmed: float = 0.75
    thick: float = 1.5


RULES = VerdictRules()

NEAREST = 0.05
"""A surface that lies nearer to what the network sees, in what that is off by, lies on it."""


def objection(found: Found) -> ViewOmission | None:
    """Why a photo cannot be used with those that it was compared with; None where it may show the same thing."""
    if math.isfinite(found.lead) and (found.lead < RULES.clear or found.score < RULES.well):
        return ViewOmission.SIDE_UNCLEAR
    alike = found.score >= RULES.alike or not same_line(found.witness.standpoint)
    return None if found.covered >= RULES.covered and alike else ViewOmission.DISAGREES


@dataclass(frozen=True)
class GainWeights:
    """What the solid from front and back is expected to gain over that from one, F-score. ``python -m
    quality.views.fit`` prints the first four, fitted on ``tune``.

    Attributes:
        constant: of any solid ...
        regular: ... where the one photo's is a box, a turned body, or another that a rule has told whole ...
        outline: ... for each unit of mean IoU with the further photos by which it is better ...
        depth: ... and for each unit of the logarithm by which it lies nearer to the surface that the network sees in
            each photo.
        least: gain from which on it is taken: so much is lost where the expectation is wrong.
    """

    constant: float = 0.009
    regular: float = -0.095
    outline: float = 0.186
    depth: float = 0.088
    least: float = 0.02


WEIGHTS = GainWeights()


@dataclass(frozen=True)
class Explained:
    """How well a solid explains the photos; the main one first.

    Attributes:
        overlaps: IoU of its outline with each photo's.
        depths: ``alignment.depth_error`` in each photo; empty where no network has seen them.
    """

    overlaps: Sequence[float]
    depths: Sequence[float]


def gain_terms(together: Explained, alone: Explained, regular: bool) -> tuple[float, float, float, float]:
    """What the weights are for, in their order."""
    outline = float(np.mean(together.overlaps[1:]) - np.mean(alone.overlaps[1:]))
    nearer = float(np.mean(np.log(np.maximum(alone.depths, NEAREST)) - np.log(np.maximum(together.depths, NEAREST))))
    return 1.0, float(regular), outline, nearer


def expected_gain(together: Explained, alone: Explained, regular: bool) -> float | None:
    """Expected gain of F-score of the solid from all photos; None where no network has seen them.

    Args:
        together: of the solid from all photos.
        alone: of that from the main photo.
        regular: whether a rule has told that one whole.
    """
    if not alone.depths or len(together.depths) != len(alone.depths):
        return None
    weights = (WEIGHTS.constant, WEIGHTS.regular, WEIGHTS.outline, WEIGHTS.depth)
    return float(np.dot(weights, gain_terms(together, alone, regular)))


def better(
    together: Sequence[float],
    alone: Sequence[float],
    confidence: float = 0.0,
    thick: float = 1.0,
    filmed: Sequence[float] = (),
    gain: float | None = None,
) -> bool:
    """Whether the solid from all photos is taken.

    Args:
        together: IoU of its outline with each photo's, the main one first.
        alone: the same for the solid from the main photo.
        confidence: that this solid is about right, 0..1.
        thick: how many times as thick the solid from all photos is as the photo's field holds it for that agrees best.
        filmed: those of ``together`` that are a film's pictures.
        gain: ``expected_gain``, which decides among whole solids; None where a side is shown or a film is given.
    """
    if filmed and np.mean(filmed) < RULES.filmed:
        return False
    if together[0] < RULES.whole or thick > RULES.thick:
        return False
    if gain is not None and not filmed:
        return gain > WEIGHTS.least
    if np.mean(alone[1:]) >= RULES.explained:
        return False
    lacking = RULES.torn * max(alone[0] - together[0], 0.0) + RULES.sure * max(confidence - RULES.from_sure, 0.0)
    return bool(np.mean(together[1:]) >= np.mean(alone[1:]) + RULES.margin + lacking)
