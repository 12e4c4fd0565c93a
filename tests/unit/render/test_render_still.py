"""When the still shows the model in place of the cutout."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lensora.core.cameras import HERO
from lensora.core.scene import Scene
from lensora.core.viewpoint import Viewpoint
from lensora.core.words import CameraMove
from services.render.framing import elevation, fit_rig
from services.render.still import RULES, pitch_gap

SUPPORT = np.array([[x, y, z] for x in (-0.3, 0.3) for y in (0.0, 1.0) for z in (-0.3, 0.3)])
RIG = fit_rig(SUPPORT, CameraMove.TURNTABLE, (HERO,), math.radians(5.0))


def _scene(pitch_deg: float, doubt_deg: float = 5.0) -> Scene:
    seen = Viewpoint(pitch=math.radians(pitch_deg), pitch_doubt=math.radians(doubt_deg))
    return Scene(horizon=0.55, plain=False, viewpoint=seen)


def test_a_photo_from_far_above_does_not_fit() -> None:
    """Its pitch less the plate's is told, up or down; within 10 degrees nobody sees it."""
    own = math.degrees(elevation(RIG))
    assert pitch_gap(_scene(own + 40.0), RIG) == pytest.approx(math.radians(40.0))
    assert pitch_gap(_scene(own - 11.0), RIG) == pytest.approx(math.radians(-11.0))
    assert pitch_gap(_scene(own + 9.5), RIG) is None


def test_what_is_not_known_is_no_difference() -> None:
    """A doubtful pitch, a plate without ground, a plain one, one painted for the photo and none at all say nothing."""
    sure = _scene(50.0)
    assert pitch_gap(sure, RIG) is not None
    assert pitch_gap(_scene(50.0, doubt_deg=15.0), RIG) is None
    for unknown in ({"afloat": True}, {"plain": True}, {"pitch": 0.2}, {"viewpoint": None}):
        assert pitch_gap(replace(sure, **unknown), RIG) is None


def test_a_weak_model_may_not_stand_for_the_photo() -> None:
    """The judge's confidence decides."""
    assert RULES.trusted(1.0) and not RULES.trusted(RULES.least_confidence - 0.01)
