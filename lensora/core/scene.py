"""A backplate and what is known of its light and ground: shared by the composite, the film and the docs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lensora.core.colours import WHITE, Colour
from lensora.core.viewpoint import Viewpoint

SH_COEFFICIENTS = 9
"""Bands 0 to 2 of real spherical harmonics hold diffuse light to within 1% (Ramamoorthi and Hanrahan 2001)."""


@dataclass(frozen=True)
class Lighting:
    """Light of a scene as seen from the subject, linear Rec. 709, camera frame of angle 0 (glTF axes).

    Attributes:
        sh: (9, 3) float32, radiance projected on real spherical harmonics in the order
            Y00, Y1-1, Y10, Y11, Y2-2, Y2-1, Y20, Y21, Y22 (x, y, z as in glTF: Y1-1 ~ y, Y10 ~ z, Y11 ~ x).
        key_direction: (3,) float32 unit vector from the subject towards the key light.
        key_color: (3,) float32 >= 0, irradiance of the key light on a surface that faces it.
    """

    sh: NDArray[np.float32]
    key_direction: NDArray[np.float32]
    key_color: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.sh.shape != (SH_COEFFICIENTS, 3):
            raise ValueError(f"sh must have shape (9, 3), not {self.sh.shape}")
        if self.key_direction.shape != (3,) or self.key_color.shape != (3,):
            raise ValueError("key_direction and key_color must have shape (3,)")
        length = float(np.linalg.norm(self.key_direction))
        if not 0.99 <= length <= 1.01:
            raise ValueError(f"key_direction must be a unit vector, not of length {length:.3f}")


def studio_lighting() -> Lighting:
    """Neutral soft-box light: used on the plain white plate and where a backplate says nothing."""
    sh = np.zeros((SH_COEFFICIENTS, 3), np.float32)
    # A white dome of radiance 0.9, a little brighter from above: Y00 of a constant L is L * 2 * sqrt(pi).
    sh[0] = 0.9 * 2.0 * np.sqrt(np.pi)
    sh[1] = 0.35
    direction = np.array([-0.45, 0.75, 0.55], np.float32)
    return Lighting(
        sh=sh,
        key_direction=direction / np.linalg.norm(direction),
        key_color=np.array([0.9, 0.9, 0.9], np.float32),
    )


@dataclass(frozen=True)
class Scene:
    """What is known of a backplate beside its pixels.

    Attributes:
        horizon: height of the line where the surface that carries the subject meets the surroundings, as a fraction of
            the image height from the top, 0..1.
        plain: True for a clean plate of one colour: drawn so in every frame, with a soft shadow only.
        lighting: light at the subject.
        afloat: True where the picture shows no ground (a sky, a wall, a gradient): the subject gets a hint of a shadow.
        pitch: radians that the picture's camera looks down on the place of the subject; None where that is not known.
        viewpoint: the camera of the subject's photo; None where it was not asked for.
        mirror: share of light that the surface mirrors head on, 0..1; 0 where it mirrors nothing that could be made
            out, or where nothing is known of it.
        roughness: of what it mirrors, 0 (sharp) to 1 (a blur).
        color: of a plain plate, sRGB; white for ``remove``.
    """

    horizon: float
    plain: bool
    lighting: Lighting = field(default_factory=studio_lighting)
    afloat: bool = False
    pitch: float | None = None
    viewpoint: Viewpoint | None = None
    mirror: float = 0.0
    roughness: float = 1.0
    color: Colour = WHITE

    def __post_init__(self) -> None:
        if not 0.0 <= self.horizon <= 1.0:
            raise ValueError(f"horizon must lie in 0..1, not {self.horizon}")
        if not 0.0 <= self.mirror <= 1.0 or not 0.0 <= self.roughness <= 1.0:
            raise ValueError(f"mirror and roughness must lie in 0..1, not {self.mirror} and {self.roughness}")
        if self.pitch is not None and not -math.pi / 2 < self.pitch < math.pi / 2:
            raise ValueError(f"pitch must lie in -pi/2..pi/2, not {self.pitch}")

    def mirrored(self, sine: NDArray[np.floating]) -> NDArray[np.float64]:
        """Share of light that the surface mirrors, seen at angles of this sine to it (Schlick), 0..1."""
        grazing = (1.0 - np.clip(np.asarray(sine, np.float64), 0.0, 1.0)) ** 5
        if self.mirror <= 0.0:
            return np.zeros_like(grazing)
        return np.asarray((self.mirror + (1.0 - self.mirror) * grazing) * (1.0 - self.roughness), np.float64)
