"""How far each side of a model is to be trusted, and so how far a camera may swing round it.

What a photo shows of the model is right. What none shows is as likely right as its maker says. A view from some
direction sees a part of each: the fidelity of that view is the share of its picture that is to be expected right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import Arc
from services.render.light import sphere

Doubles = NDArray[np.float64]

NORMALS = 900
"""Directions of a round thing's surface that stand for the model's: its shares are then within 1% of exact ones."""


@dataclass(frozen=True)
class SwingRules:
    """How far the camera swings. Not fitted: set so that a model without any confidence is seen from 36 degrees to
    either side of its photo, as was found bearable by eye.

    Attributes:
        least: fidelity, as a share of the opening view's, down to which it goes ...
        always: ... and radians to either side that it goes in any case.
        most: radians to either side that it never exceeds.
        step: radians between the views that are looked at.
    """

    least: float = 0.9
    always: float = math.radians(36.0)
    most: float = math.pi / 2.0
    step: float = math.radians(3.0)


RULES = SwingRules()


@dataclass(frozen=True)
class Sides:
    """What is known of a model's sides.

    Attributes:
        photos: (k, 3) unit vectors towards the cameras of the photos that it was made from; none where that is not
            known, which counts as one photo of its front.
        confidence: how likely it is about right where no photo shows it, 0..1.
    """

    photos: Doubles
    confidence: float

    def fidelity(self, views: Doubles) -> Doubles:
        """(n,) share of the picture that is to be expected right, 0..1, from directions (n, 3) towards the camera.

        The model is taken for a round thing: of one photo's side, a view that is turned by an angle shows the share
        (1 + its cosine) / 2.
        """
        photos = self.photos if len(self.photos) else np.array([[0.0, 0.0, 1.0]])
        normals = sphere(NORMALS)
        shown = np.einsum("ij,kj->ik", normals, photos).max(axis=1) > 0.0
        right = np.where(shown, 1.0, self.confidence)
        seen = np.maximum(np.einsum("ij,kj->ik", views, normals), 0.0)  # as large as each place is in the picture
        return np.asarray((seen * right).sum(axis=1) / seen.sum(axis=1), np.float64)

    def arc(self, elevation: float, rules: SwingRules = RULES) -> Arc:
        """How far the camera may swing from angle 0.

        Args:
            elevation: radians that it looks down.
            rules: how far is too far.
        """
        angles = np.arange(0.0, rules.most + 0.5 * rules.step, rules.step)
        level, high = math.cos(elevation), np.full(len(angles), math.sin(elevation))
        reaches = []
        for way in (-1.0, 1.0):
            views = np.stack([way * level * np.sin(angles), high, level * np.cos(angles)], axis=1)
            fidelity = self.fidelity(views)
            poor = np.flatnonzero(fidelity < rules.least * fidelity[0])
            reach = rules.most if not len(poor) else float(angles[max(0, poor[0] - 1)])
            reaches.append(min(rules.most, max(rules.always, reach)))
        return Arc(*reaches)
