"""Which further photos a model is made with, and whether the solid from all photos or that from the main one is taken.

Each solid is drawn from every photo's camera by the judge's own rays, each camera laid on that solid first
(``alignment``). The one photo's solid stays unless the other explains the further photos clearly better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.mesh.views.registration import Found


@dataclass(frozen=True)
class VerdictRules:
    """When photos agree, and what is clearly better. Set on things of the part ``tune`` (``quality.views.objects``).

    Attributes:
        covered: share of lines of sight that must be allowed by all photos for one to be taken in.
        whole: IoU with the main photo under which a solid is torn, and never taken.
        explained: mean IoU with the further photos from which on the solid from the main photo is not touched.
        margin: IoU with the further photos by which the solid from all photos must exceed that from one.
    """

    covered: float = 0.93
    whole: float = 0.7
    explained: float = 0.93
    margin: float = 0.02


RULES = VerdictRules()


def agrees(found: Found) -> bool:
    """Whether a photo may show the same thing as those that it was compared with."""
    return found.covered >= RULES.covered


def better(whole: float, together: Sequence[float], alone: Sequence[float]) -> bool:
    """Whether the solid from all photos is taken.

    Args:
        whole: IoU of its outline with the main photo's.
        together: IoU with each further photo.
        alone: the same for the solid from the main photo.
    """
    if whole < RULES.whole or np.mean(alone) >= RULES.explained:
        return False
    return bool(np.mean(together) >= np.mean(alone) + RULES.margin)
