"""How many triangles a model gets."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from services.mesh.finish.budget import RULES, triangles_for
from services.mesh.shape.detail import RULES as DETAIL
from services.mesh.shape.detail import detail_of, outline_length

PLENTY = (60_000, 3_000_000)


def test_outlines_are_measured_against_their_area() -> None:
    """A disc has the least, whatever its size; a hole counts; nothing has none."""
    disc = cv2.circle(np.zeros((256, 256), np.uint8), (128, 128), 90, 1, -1)
    ring = cv2.circle(disc.copy(), (128, 128), 60, 0, -1)
    assert outline_length(disc.astype(bool)) == pytest.approx(3.545, rel=0.07)
    assert outline_length(ring.astype(bool)) > 2.0 * outline_length(disc.astype(bool))
    assert outline_length(np.zeros((4, 4), bool)) == 0.0


def test_branched_things_get_more_triangles() -> None:
    """A disc gets half of the most, a comb all; requests and bytes stay the limit."""
    disc = cv2.circle(np.zeros((256, 256), np.uint8), (128, 128), 90, 1, -1).astype(bool)
    comb = np.zeros((256, 256), bool)
    comb[20:40, 20:236] = True
    comb[20:236, 20:236:12] = True
    assert detail_of(disc) == DETAIL.calm
    assert detail_of(comb) == 1.0
    assert triangles_for(DETAIL.calm, *PLENTY) == round(DETAIL.calm * RULES.most)
    assert triangles_for(1.0, *PLENTY) == RULES.most
    assert triangles_for(1.0, 5_000, 3_000_000) == 5_000
    assert triangles_for(1.0, 60_000, 100_000) < 2_000
