"""Free shapes keep every hole that parts leave."""

from __future__ import annotations

import cv2
import numpy as np

from services.mesh.cutout import read_cutout
from services.mesh.kinds.inflation import Inflation
from services.mesh.raster import covering
from services.mesh.view import View


def test_a_lattice_keeps_its_holes() -> None:
    """A tower of beams with two hundred openings is not blurred to a wall."""
    mask = np.zeros((1000, 1000), np.uint8)
    for column in range(5):
        cv2.line(mask, (200 + 140 * column, 80), (200 + 140 * column, 940), 255, 9)
    for floor in range(24):
        y = 80 + 37 * floor
        cv2.line(mask, (200, y), (760, y), 255, 6)
        for column in range(4):
            cv2.line(mask, (200 + 140 * column, y), (340 + 140 * column, y + 37), 255, 5)
    cv2.rectangle(mask, (100, 920), (900, 960), 255, -1)
    cv2.ellipse(mask, (830, 500), (50, 420), 0, 0, 360, 255, -1)
    cutout = read_cutout(np.dstack([np.full((*mask.shape, 3), 140, np.uint8), mask]))
    proposed = Inflation().propose(View(cutout))[0]
    assert proposed.detailed is not None
    solid, seen_by = proposed.detailed()
    camera = seen_by.scaled(0.5)
    size = (cutout.alpha.shape[1] // 2, cutout.alpha.shape[0] // 2)
    pixels, _ = camera.project(solid.vertices)
    seen = covering(pixels, solid.faces, size) >= 0
    wanted = cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA) >= 0.5
    assert float((seen & wanted).sum() / (seen | wanted).sum()) > 0.8
