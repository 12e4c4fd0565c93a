"""Rings of colour around a body whose belly shows less of itself than a straight wall would."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.shape.outline import Axis, axis_camera
from services.mesh.shape.vessel import turned_solid
from services.mesh.texturing.rings import RingCompletion


def test_light_from_one_side_goes_round_a_belly_without_an_edge(lit_photo: Callable[..., NDArray[np.uint8]]) -> None:
    """Low on a round pot lit from the left, where the photo ends before it does higher up, no line runs down."""
    share = np.linspace(-1.0, 0.75, 60)
    heights, radii = 0.6 * share, 0.65 * np.sqrt(1.0 - 0.7 * share**2)
    view = axis_camera(PhotoCamera.frontal((160.0, 160.0), 150.0), Axis(0.0, 0.0, 1.0), np.radians(22.0))
    photo = lit_photo(turned_solid(heights, radii), view, 320, (120, 130, 150))
    side = np.clip(1.0 - (np.arange(320) - 90) / 140.0, 0.0, 1.0)[None, :, None]
    photo[..., :3] = (photo[..., :3] * (0.15 + 0.85 * side)).astype(np.uint8)
    cutout = read_cutout(photo)
    camera = view.scaled(cutout.scale, (-float(cutout.origin[0]), -float(cutout.origin[1])))
    rings = RingCompletion(cutout.photo, cutout.safe, camera, heights, radii)
    angle = np.radians(np.arange(-180.0, 180.0))
    out = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=1)
    for share_of_height in (0.1, 0.2, 0.3):
        level = float(heights[0] + share_of_height * (heights[-1] - heights[0]))
        radius = float(np.interp(level, heights, radii))
        grey = rings.colors(radius * out + np.array([0.0, level, 0.0]), out).mean(axis=1)
        over_five_degrees = np.abs(grey - np.roll(grey, 5))
        assert over_five_degrees.max() < 0.35 * np.ptp(grey) + 2.0
