"""The shadow on the ground."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lensora.core.cameras import Camera
from lensora.core.staging import FrameShape
from lensora.testing.meshes import box, glb, vase
from services.render.glb import read_glb
from services.render.model import Model, prepare
from services.render.shadow import CODE_GAMMA, MAP_CELLS, GroundShadow

LIGHT = np.array([-0.6, 0.6, 0.5]) / np.linalg.norm([-0.6, 0.6, 0.5])


@cache
def _model(kind: str) -> Model:
    return prepare(read_glb(glb(vase() if kind == "vase" else box(0.3, 0.3, 0.1))))


def _shadow(kind: str = "vase", key: float = 0.6, light: np.ndarray = LIGHT) -> GroundShadow:
    return GroundShadow(_model(kind), light, np.full(3, key))


def _centre(factors: np.ndarray) -> np.ndarray:
    dark = 255.0 - factors[..., 1].astype(float)
    rows, columns = np.mgrid[0:MAP_CELLS, 0:MAP_CELLS] - MAP_CELLS / 2 + 0.5
    return np.array([(dark * columns).sum(), (dark * rows).sum()]) / dark.sum()


def test_cast_shadow_falls_away_from_the_key_light() -> None:
    """The shadow's weight lies opposite the light: to the right and to the back for a light from the left front."""
    x, z = _centre(_shadow(key=1.0).factors(0.0))
    assert x > 5
    assert z < -5


def test_shadow_is_dark_at_the_foot_and_gone_at_the_border() -> None:
    """Contact is the darkest place; nothing ends in a visible edge."""
    factors = _shadow().factors(0.3)
    middle = MAP_CELLS // 2
    assert factors[middle, middle].max() < 170
    border = np.concatenate([factors[0], factors[-1], factors[:, 0], factors[:, -1]])
    assert (border == 255).all()


def test_shadow_of_a_round_thing_only_turns_in_its_own_frame() -> None:
    """Turning a surface of revolution by a quarter turns its map by a quarter: the shadow in the world stays."""
    shadow = _shadow()
    a, b = shadow.factors(0.0).astype(int), shadow.factors(np.pi / 2).astype(int)
    assert min(np.abs(np.rot90(b, k) - a).mean() for k in (1, 3)) < 1.5


def test_shadow_changes_little_from_frame_to_frame() -> None:
    """No popping: one frame's turn changes no cell by much."""
    shadow = _shadow("box", key=0.8)
    step = 2 * np.pi / 96
    frames = [shadow.factors(k * step).astype(int) for k in range(4)]
    assert max(np.abs(a - b).max() for a, b in itertools.pairwise(frames)) <= 40
    assert max(np.abs(a - b).mean() for a, b in itertools.pairwise(frames)) < 2.0


def test_shadow_colour_is_the_light_that_is_left() -> None:
    """Where only the key light is blocked, the shadow has the tint of the sky that remains."""
    shadow = GroundShadow(_model("vase"), LIGHT, np.array([0.9, 0.6, 0.3]))
    factors = shadow.factors(0.0).reshape(-1, 3)
    darkest = factors[np.argsort(factors.sum(axis=1))[: len(factors) // 100]].mean(axis=0)
    assert darkest[0] < darkest[1] < darkest[2]


@pytest.mark.parametrize("edge", [0.0, 0.6])
def test_shadow_in_the_frame_keeps_below_the_edge(edge: float) -> None:
    """Seen by a camera, the shadow lies around the foot and never above the surface's far edge."""
    camera = Camera((0.0, 1.0, 3.2), 0.0, 0.15)
    seen = _shadow().seen(camera, 0.4, 256, edge)
    assert seen is not None
    window, factors = seen
    assert factors.shape == (window.height, window.width, 3)
    assert window.top >= int(edge * 256)
    foot = camera.project(np.zeros((1, 3)))[0][0] * 256
    assert factors[int(foot[1]) - window.top, int(foot[0]) - window.left].max() < 190


def test_only_what_the_film_shows_of_the_shadow_is_drawn() -> None:
    """In a narrow film it ends at the film's sides, and is within them as in the whole frame."""
    camera = Camera((0.0, 1.0, 3.2), 0.0, 0.15)
    shape = FrameShape.of(72, 256)
    whole, narrow = (_shadow().seen(camera, 0.4, 256, 0.0, each) for each in (FrameShape(), shape))
    assert whole is not None and narrow is not None
    (around, factors), (window, alone) = whole, narrow
    assert window.left >= shape.box(256)[0] - 1 and window.right <= shape.box(256)[2] + 1
    assert window.width < around.width
    top, left = window.top - around.top, window.left - around.left
    inside = factors[top : top + window.height, left : left + window.width].astype(int)
    assert np.abs(inside - alone).max() <= 1


def test_shadow_out_of_sight_is_none() -> None:
    """A surface that ends below the frame shows no shadow."""
    assert _shadow().seen(Camera((0.0, 1.0, 3.2), 0.0, 0.15), 0.0, 256, 1.0) is None


def _table() -> Model:
    """A plate 0.3 m wide on four feet of 3 cm, 15 cm above the ground."""
    top = box(0.3, 0.02, 0.3)
    parts = [replace(top, positions=top.positions + np.float32([0.0, 0.15, 0.0]))]
    for x in (-0.13, 0.13):
        for z in (-0.13, 0.13):
            foot = box(0.03, 0.15, 0.03)
            parts.append(replace(foot, positions=foot.positions + np.float32([x, 0.0, z])))
    return prepare([part for each in parts for part in read_glb(glb(each))])


def test_feet_darken_the_ground_and_what_hangs_over_it_darkens_it_as_far_as_it_hides_the_sky() -> None:
    """Under a table's plate the ground loses the share of an even sky that the plate covers; right beside a foot it
    loses more than farther off."""
    shadow = GroundShadow(_table(), np.array([0.0, 1.0, 0.0]), np.zeros(3))
    light = (shadow.factors(0.0)[..., 1] / 255.0) ** (1.0 / CODE_GAMMA)
    cells = MAP_CELLS / (2.0 * shadow.half)
    middle, foot = MAP_CELLS // 2, int(MAP_CELLS / 2 + 0.13 / 0.3 * cells)
    # A square of half side 1/2 at height 1/2 (unit size), from below its middle: four corners of Lambert's formula.
    covered = 4.0 / np.pi * (1.0 / np.sqrt(2.0)) * np.arctan(1.0 / np.sqrt(2.0))
    assert light[middle, middle] == pytest.approx(1.0 - covered, abs=0.06)
    assert light[foot - 6, foot] < light[foot - 24, foot] - 0.05
