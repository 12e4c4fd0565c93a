"""Triangles are halved where light needs it: the surface stays, without gaps, and not at any price."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from lensora.testing.meshes import Shape, box, glb
from services.render.backends.tessellation import TessellationRules, tessellated
from services.render.glb import read_glb
from services.render.model import Part, prepare


def part_of(shape: Shape) -> Part:
    """The one part of a prepared shape."""
    return prepare(read_glb(glb(shape))).parts[0]


def longer_than(length: float) -> Callable[[Part], NDArray[np.bool_]]:
    """Wants edges halved that are longer."""

    def wanted(part: Part) -> NDArray[np.bool_]:
        start, end = part.triangles, np.roll(part.triangles, -1, axis=1)
        edges = part.positions[start] - part.positions[end]
        return np.asarray(np.linalg.norm(edges, axis=2) > length, np.bool_)

    return wanted


def test_a_box_stays_a_closed_box_of_shorter_edges() -> None:
    """Faces with vertices of their own meet at the new ones too; volume and area stay."""
    plain = part_of(box())
    split = tessellated(plain, longer_than(0.4), TessellationRules(rounds=4))
    assert not longer_than(0.4)(split.part).any()
    before, after = (
        trimesh.Trimesh(each.positions, each.triangles, process=True, merge_norm=True) for each in (plain, split.part)
    )
    assert after.is_watertight
    assert after.volume == pytest.approx(before.volume, rel=1e-5)
    assert after.area == pytest.approx(before.area, rel=1e-5)
    assert split.part.normals is not None
    assert np.allclose(np.linalg.norm(split.part.normals, axis=1), 1.0, atol=1e-5)


def test_values_at_vertices_are_carried_to_the_new_ones() -> None:
    """What is linear over the surface stays so: positions carried are the new positions."""
    plain = part_of(box())
    split = tessellated(plain, longer_than(0.3), TessellationRules(rounds=4))
    assert np.allclose(split.carried(plain.positions), split.part.positions, atol=1e-6)


def test_it_stops_where_too_many_triangles_would_be_added() -> None:
    """A budget that one round exceeds leaves the part as it was."""
    plain = part_of(box())
    split = tessellated(plain, longer_than(0.01), TessellationRules(least_more=10, more=0.0))
    assert split.part is plain
    assert not split.parents
