"""Sides of boxes drawn out over the gaps that reach into them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.box.straightening import straightened
from services.mesh.shape.boxes.creases import SIGNS
from services.mesh.shape.boxes.placement import Placement

HALF = np.array([0.5, 0.35, 0.45])
WALL, GAP, LINE = (200, 170, 120), (25, 20, 15), (150, 40, 40)


def carton(wedge: list[list[float]]) -> tuple[Cutout, PhotoCamera]:
    """A carton with a red line round its right side, and a dark shape on that side, (x is the depth, y the height)."""
    camera = Placement(HALF, 0.01, np.radians(-40.0), np.radians(28.0), 0.0, np.zeros(2), 3.2).seen_by(
        PhotoCamera.frontal((200.0, 200.0), 190.0)
    )
    rgba = np.zeros((400, 400, 4), np.uint8)

    def drawn(points: NDArray[np.float64], color: tuple[int, int, int]) -> None:
        pixels, _ = camera.project(points * HALF)
        cv2.fillPoly(rgba, [np.round(pixels).astype(np.int32)], (*color, 255))

    for axis, shade in ((0, 0.9), (1, 1.15), (2, 1.0)):
        side = SIGNS[[k for k in range(8) if SIGNS[k, axis] > 0]][[0, 1, 3, 2]]
        drawn(side, tuple(int(min(255, shade * c)) for c in WALL))  # type: ignore[arg-type]
    drawn(np.array([[1, y, z] for z, y in ((-1, -0.1), (1, -0.1), (1, 0.1), (-1, 0.1))], np.float64), LINE)
    drawn(np.array([[1, y, z] for z, y in wedge], np.float64), GAP)
    cutout = read_cutout(rgba)
    return cutout, camera.scaled(1.0, (-float(cutout.origin[0]), -float(cutout.origin[1])))


def test_a_gap_beside_a_flap_is_drawn_over_and_the_rest_stays() -> None:
    """The side's own wall and its line reach the edge; beyond a few widths of the gap no pixel moves."""
    cutout, camera = carton([[1.0, 0.95], [0.8, 0.8], [1.0, -1.0]])
    done = straightened(cutout, camera, HALF)
    near, _ = camera.project(np.array([[1.0, 0.6, 0.93], [1.0, 0.0, 0.96]]) * HALF)
    before = cutout.rgb[near[:, 1].astype(int), near[:, 0].astype(int)].astype(int)
    wall, line = done.rgb[near[:, 1].astype(int), near[:, 0].astype(int)].astype(int)
    assert before[:, 0].max() < 60
    assert wall[0] > 150 and wall[1] > 120
    assert line[0] > 110 and line[1] < 80
    far, _ = camera.project(np.array([[1.0, y, z] for y in (-0.5, 0.0, 0.5) for z in (-0.8, -0.4, 0.0)]) * HALF)
    at = (far[:, 1].astype(int), far[:, 0].astype(int))
    assert np.array_equal(done.rgb[at], cutout.rgb[at])


def test_a_dark_trim_of_even_width_and_a_perfect_side_are_left_alone() -> None:
    """What runs along an edge evenly is a print; nothing to draw out gives the cutout back."""
    for shape in ([[1.0, 1.0], [0.85, 1.0], [0.85, -1.0], [1.0, -1.0]], [[0.3, 0.6], [-0.3, 0.6], [0.0, -0.6]]):
        cutout, camera = carton(shape)
        assert straightened(cutout, camera, HALF) is cutout
