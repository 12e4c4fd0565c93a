"""A cup on its saucer, seen from above: found by its ellipses, and nothing else taken for one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.mesh import evidence
from services.mesh.cutout import read_cutout
from services.mesh.revolution import FIT_SIDE_PX, outline_of
from services.mesh.tiers import Tiers, find_tiers

SAUCER_PX = 190
CUP_PX = 95


def picture(pitch_deg: float, *, cup: bool = True, inside: int = 40) -> NDArray[np.uint8]:
    """(480, 480, 4) uint8: a red saucer and, on it, a red cup with a white rim, drawn as ellipses of one pitch."""
    image = np.zeros((480, 480, 4), np.uint8)
    flat, upright = np.sin(np.radians(pitch_deg)), np.cos(np.radians(pitch_deg))
    middle = (240, 270)

    def disc(center: tuple[float, float], radius: float, color: tuple[int, int, int]) -> None:
        axes = (round(radius), round(radius * flat))
        at = (round(center[0]), round(center[1]))
        cv2.ellipse(image, at, axes, 0, 0, 360, (*color, 255), -1, cv2.LINE_8)

    disc(middle, SAUCER_PX, (190, 50, 30))
    if cup:
        tall = 150.0 * upright
        for share in np.linspace(0, 1, 60):
            disc((240, 270 - share * tall), CUP_PX * (0.62 + 0.38 * share), (120, 20, 10))
        disc((240, 270 - tall), CUP_PX, (245, 240, 230))
        disc((240, 270 - tall), CUP_PX * 0.86, (inside, inside // 2, 10))
    return image


def tiers_of(image: NDArray[np.uint8]) -> Tiers | None:
    """What is found in a cutout."""
    cutout = read_cutout(image)
    alpha, factor = cutout.working_alpha(FIT_SIDE_PX)
    edges = evidence.crossing_edges(cutout, alpha, factor)
    return find_tiers(outline_of(alpha, cutout.camera.scaled(factor, (2.0, 2.0))), edges)


@pytest.mark.parametrize("pitch_deg", [42.0, 48.0, 54.0])
def test_cup_and_saucer_are_found_with_their_sizes(pitch_deg: float) -> None:
    """The pitch is read off the saucer, the mouth has its size, and the solid is closed."""
    found = tiers_of(picture(pitch_deg))
    assert found is not None
    assert abs(np.degrees(found.pitch) - pitch_deg) < 6.0
    assert found.radii[-1] / found.radii.max() == pytest.approx(CUP_PX / SAUCER_PX, abs=0.09)
    assert np.all(np.diff(found.heights) >= 0)
    assert found.solid().is_closed()
    assert found.inner[0][0] > found.heights[found.body]


@pytest.mark.parametrize("pitch_deg", [35.0, 60.0])
def test_a_bare_plate_is_no_cup(pitch_deg: float) -> None:
    """A plate without a cup has no mouth to find."""
    assert tiers_of(picture(pitch_deg, cup=False)) is None


def test_a_square_is_no_cup() -> None:
    """A thing with corners is not round about an axis."""
    image = np.zeros((300, 300, 4), np.uint8)
    image[60:240, 70:230] = (200, 200, 200, 255)
    assert tiers_of(image) is None
