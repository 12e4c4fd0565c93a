"""When the still scene shows the model and not the cutout: the plate was taken by a camera that is not the photo's.

A cutout has one side, seen from one height. On a picture that was taken from another height it looks pasted. The model
can be drawn from the picture's own camera, if it is good enough to stand for the photo.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lensora.core.cameras import Rig
from lensora.core.scene import Scene
from lensora.core.staging import BELIEVED
from services.render.framing import elevation


@dataclass(frozen=True)
class StillRules:
    """When the cameras differ, and when the model may show it.

    Attributes:
        most_gap: radians between both cameras' pitches that nobody sees.
        most_doubt: radians; a photo's pitch that is known less well says nothing.
        least_confidence: how likely the model must be about right, 0..1: more likely than not.
    """

    most_gap: float = math.radians(10.0)
    most_doubt: float = BELIEVED
    least_confidence: float = 0.5

    def trusted(self, confidence: float) -> bool:
        """Whether a model that is so likely right may stand for the photo."""
        return confidence >= self.least_confidence


RULES = StillRules()


def pitch_gap(scene: Scene, rig: Rig, rules: StillRules = RULES) -> float | None:
    """Radians that the photo's camera looked down more than the plate's; None where they agree or one is not known.

    Args:
        scene: of the plate. One that was painted for the photo has its camera; a plain one, and one without ground,
            have none.
        rig: whose hero camera is the plate's, as the film has it.
        rules: what counts as a difference.
    """
    viewpoint = scene.viewpoint
    if scene.plain or scene.afloat or scene.pitch is not None or viewpoint is None:
        return None
    gap = viewpoint.pitch - elevation(rig)
    return gap if viewpoint.pitch_doubt <= rules.most_doubt and abs(gap) > rules.most_gap else None
