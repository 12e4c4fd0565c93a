"""Colours that a backend gives for its own vertices come through simplification, unwrapping and baking."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from services.mesh.backends import RawMesh
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.model import Model, ModelRequest, finish
from services.mesh.solid import Solid
from services.mesh.texturing.completion import VertexColors

TRIANGLES = 2_000


def _colors(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) sRGB, 0..255, on the unit sphere: hues around it, and three dark belts a tenth of a radius wide."""
    x, y, z = directions.T
    turn = np.arctan2(x, z)
    hues = np.stack([128 + 90 * np.sin(turn), 128 + 90 * np.cos(turn), 128 + 90 * y], axis=1)
    belt = np.abs(y[:, None] - np.array([-0.5, 0.1, 0.6])).min(axis=1) < 0.05
    return np.where(belt[:, None], 0.25 * hues, hues)


def _disc() -> Cutout:
    """A photo without any texture: nothing of it may be taken for grain."""
    rgba = np.zeros((160, 160, 4), np.uint8)
    cv2.circle(rgba, (80, 80), 70, (128, 128, 128, 255), -1)
    return read_cutout(rgba)


def _errors(model: Model, count: int = 20_000) -> NDArray[np.float64]:
    """(n,) levels: how far the texture is from the true colour at random places of the finished surface."""
    surface, random = model.surface, np.random.default_rng(4)
    corners = surface.positions[surface.faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    face = random.choice(len(area), count, p=area / area.sum())
    weights = random.dirichlet((1.0, 1.0, 1.0), count)
    at = np.einsum("nk,nkc->nc", weights, corners[face])
    uv = np.einsum("nk,nkc->nc", weights, surface.uvs[surface.faces[face]]) * len(model.texture.pixels) - 0.5
    shown = cv2.remap(model.texture.pixels, *uv.T.astype(np.float32)[:, None, :], cv2.INTER_LINEAR)[0]
    off = at - 0.5 * (surface.positions.min(axis=0) + surface.positions.max(axis=0))
    true = _colors(off / np.linalg.norm(off, axis=1, keepdims=True))
    return np.asarray(np.abs(shown - true).mean(axis=1))


@pytest.mark.parametrize("given", ["completion", "colors"])
def test_a_coloured_sphere_keeps_its_colours_through_simplification(given: str) -> None:
    """From 82,000 triangles to 2,000 the mean error stays under three levels, and belts narrower than the remaining
    triangles are still there."""
    ball = trimesh.creation.icosphere(6)
    points = np.asarray(ball.vertices, np.float64)
    solid, colors = Solid(points, np.asarray(ball.faces, np.int64)), _colors(points)
    if given == "completion":
        raw = RawMesh(solid, None, None, VertexColors(points, colors.astype(np.float32)), "test")
    else:
        raw = RawMesh(solid, None, np.round(colors).astype(np.uint8), None, "test")
    model = finish(_disc(), raw, ModelRequest(max_triangles=TRIANGLES), lambda _phase, _done: None)
    assert len(model.surface.faces) <= TRIANGLES
    errors = _errors(model)
    # A vertex knows nothing of where between it and the next a belt ends: a fiftieth of the surface lies there.
    assert errors.mean() < 3.0
    assert np.percentile(errors, 90) < 2.0
