"""A film of a thing turning: its pictures are placed all at once, and used where it is clear which way it turns."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lensora.core.words import ViewOmission
from quality.gl import Pose, Renderer, TexturedMesh
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.inflation import Inflation
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.views.cameras import Standpoint
from services.mesh.views.registration import Found, Witness
from services.mesh.views.sides import Filmed, FurtherPhoto
from services.mesh.views.turning import RULES, fitted, spread

SHARES = np.arange(1, 9) / 9


def wedge() -> TexturedMesh:
    """A thing that is alike from no two sides: a block with a lower, narrower one at its right end."""
    points, triangles = [], []
    for middle, half in (((-0.2, 0.0, 0.0), (0.35, 0.6, 0.3)), ((0.45, -0.35, 0.1), (0.3, 0.25, 0.15))):
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
        faces = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
        start = 8 * len(points)
        points.append(corners * half + middle)
        triangles += [
            [start + a, start + b, start + c] for f in faces for a, b, c in ((f[0], f[1], f[2]), (f[0], f[2], f[3]))
        ]
    colors = np.full((8 * len(points), 3), 0.6, np.float32)
    return TexturedMesh(np.concatenate(points).astype(np.float32), np.array(triangles, np.int32), colors)


@pytest.fixture(scope="module")
def film() -> list[Cutout]:
    """The thing's front, then eight pictures of a turn to the left that begins five degrees off."""
    yaws = [0.0, *(0.09 - 2.0 * math.pi * SHARES).tolist()]
    with Renderer(96) as renderer:
        shown = renderer.upload(wedge())
        pictures = [renderer.draw(shown, Pose(yaw, 0.25, 0.0, 3.6)).rgba for yaw in yaws]
        shown.release()
    return [read_cutout(picture) for picture in pictures]


def silent(_phase: str, _done: float) -> None:
    """Nobody asks how far the work is."""


def made(film: list[Cutout], direction: float) -> Model:
    """The model from front and film, without a network."""
    backend = SilhouetteBackend(kinds=[Inflation()])
    further = [
        FurtherPhoto(cutout, filmed=Filmed(share, direction))
        for cutout, share in zip(film[1:], SHARES.tolist(), strict=True)
    ]
    return create_model(film[0], ModelRequest(), backend, silent, None, further, backend.explainer)


def test_a_films_pictures_are_placed_together(film: list[Cutout]) -> None:
    """Five of the eight are used, spread over the turn, each from about where it was taken."""
    uses = made(film, -0.8).further
    used = [number for number, use in enumerate(uses) if use.used]
    assert len(used) == RULES.kept
    off = [math.remainder(uses[number].yaw - (0.09 - 2.0 * math.pi * SHARES[number]), 2.0 * math.pi) for number in used]
    assert np.abs(off).max() < math.radians(25.0)
    assert all(use.omission is None for use in uses)


def test_a_film_that_may_turn_either_way_is_not_used(film: list[Cutout]) -> None:
    """A thing that looks the same from all around, whose pictures do not move: the model is that of the one photo."""
    uses = made([film[0]] * 9, 0.0).further
    assert {use.omission for use in uses} == {ViewOmission.TURN_UNCLEAR}
    assert not any(use.used for use in uses)


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize(("begin", "turn"), [(0.2, 6.0), (-0.3, 7.0), (0.0, 5.0)])
def test_three_numbers_place_all_pictures(way: int, begin: float, turn: float) -> None:
    """From scores that are best where each picture was taken, noise and all; the other way is clearly worse."""
    yaws = begin + way * turn * SHARES
    around = 2.0 * math.pi * np.arange(RULES.yaws) / RULES.yaws
    noise = np.random.default_rng(1).normal(0.0, 0.05, (8, RULES.yaws))
    turned = fitted(0.3 * np.cos(around - yaws[:, None]) + noise, SHARES, 0.0)
    assert turned.clear
    assert np.abs(np.angle(np.exp(1j * (turned.yaws - yaws)))).max() < math.radians(20.0)


@pytest.mark.parametrize("direction", [0.9, -0.9, 0.1])
def test_where_outlines_say_nothing_the_pictures_motion_tells_the_way(direction: float) -> None:
    """A vase has one outline: once round from the front, as its pattern moves; not clear where that is weak."""
    turned = fitted(np.zeros((8, RULES.yaws)), SHARES, direction)
    assert turned.clear == (abs(direction) > 0.5)
    assert np.allclose(turned.yaws, math.copysign(2.0 * math.pi, direction) * SHARES)


def test_what_is_kept_looks_from_all_around() -> None:
    """Of twelve pictures, most of them of the back, five that are far apart; of two alike, the better one."""
    yaws = np.radians([180, 180, 178, 182, 179, 90, -90, 45, 181, 135, -45, 179])
    score = np.where(np.arange(12) == 1, 0.9, 0.5)
    found = [
        Found(Witness(None, replace(Standpoint(0.0, 0.2, 0.0), yaw=yaw)), one, 1.0)  # type: ignore[arg-type]
        for yaw, one in zip(yaws.tolist(), score.tolist(), strict=True)
    ]
    kept = spread(found)
    assert 1 in kept and {5, 6} <= set(kept) and len(kept) == RULES.kept
    assert spread(found[:3]) == [0, 1, 2]
