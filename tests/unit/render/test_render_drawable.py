"""What is decided for a part before it is drawn: where its light is worked out, and how fine its texture is."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import moderngl
import numpy as np
import pytest

from lensora.core.cameras import frame_poses
from lensora.core.words import CameraMove
from lensora.testing.meshes import Finish, Shape, box, glb, vase
from services.render.backends.drawable import (
    SHADE_SEEN,
    SHADE_UNSEEN,
    Shaders,
    lit_at_vertices,
    own_shade,
)
from services.render.backends.vertices import texel_density
from services.render.framing import fit_rig
from services.render.glb import read_glb
from services.render.light import even_illumination
from services.render.model import Material, Part, prepare
from services.render.shot import Shot


def _shot(shape: Shape, roughness: float = 0.6, metallic: float = 0.0) -> Shot:
    model = prepare(read_glb(glb(shape, Finish(roughness=roughness, metallic=metallic))))
    poses = frame_poses(CameraMove.TURNTABLE, 4)
    rig = fit_rig(model.support, CameraMove.TURNTABLE, poses, 0.1)
    return Shot(model, even_illumination(0.5, 0.4, (0, 1, 1)), rig, poses, 256)


def _lit_at_vertices(shot: Shot) -> bool:
    return lit_at_vertices(shot.model.parts[0], shot)


def test_fine_matt_meshes_are_lit_at_their_vertices() -> None:
    """Where triangles are small against the highlight, light between vertices is as good."""
    assert _lit_at_vertices(_shot(vase(100, 100)))


@pytest.mark.parametrize(
    "shot",
    [
        _shot(box()),
        _shot(vase(6, 8)),
        _shot(vase(100, 100), roughness=0.15),
        _shot(vase(100, 100), metallic=1.0),
    ],
    ids=["flat faces", "coarse", "shiny", "metal"],
)
def test_other_meshes_are_lit_at_every_sample(shot: Shot) -> None:
    """Large triangles, narrow highlights and metal keep the exact light."""
    assert not _lit_at_vertices(shot)


def test_open_surfaces_and_normal_maps_are_lit_at_every_sample() -> None:
    """A surface seen from both sides has two lights at a vertex, and a normal map has more than vertices know."""
    shot = _shot(vase(100, 100))
    assert not _lit_at_vertices(replace(shot, model=replace(shot.model, closed=False)))
    part = shot.model.parts[0]
    mapped = replace(part, material=replace(part.material, normal_texture=np.full((4, 4, 4), 128, np.uint8)))
    assert not lit_at_vertices(mapped, shot)


def _sheet(width: float, height: float, texels: tuple[int, int]) -> Part:
    corners = np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]], np.float32)
    return Part(
        positions=corners,
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.uint32),
        normals=np.tile(np.array([0, 0, 1], np.float32), (4, 1)),
        uvs=np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32),
        colors=None,
        material=Material(base_texture=np.zeros((texels[1], texels[0], 4), np.uint8)),
    )


def test_texel_density_is_texels_a_metre() -> None:
    """A sheet of 2 x 1 m with 512 x 256 texels has 256 a metre; stretched, the mean of both directions by squares."""
    assert texel_density(_sheet(2.0, 1.0, (512, 256))) == pytest.approx(256.0)
    assert texel_density(_sheet(1.0, 1.0, (512, 256))) == pytest.approx(np.sqrt((512**2 + 256**2) / 2))


def test_texel_density_survives_triangles_without_area() -> None:
    """A triangle that is a line counts for nothing, and nothing becomes infinite."""
    part = _sheet(1.0, 1.0, (64, 64))
    line = replace(part, triangles=np.array([[0, 1, 2], [0, 2, 3], [0, 0, 2]], np.uint32))
    assert texel_density(line) == pytest.approx(64.0)
    flat = replace(part, positions=np.zeros((4, 3), np.float32))
    assert (texel_density(flat) == 0.0).all()


class Compiler:
    """A context that counts what it compiles."""

    def __init__(self) -> None:
        self.made: list[object] = []

    def program(self, **_sources: str) -> object:
        self.made.append(object())
        return self.made[-1]


def test_programs_are_compiled_once_and_kept_from_film_to_film() -> None:
    """Parts that want the same program get one each, because each holds values; the next film gets the same ones."""
    compiler = Compiler()
    shaders = Shaders(cast("moderngl.Context", compiler))
    plain, bright = ("vertex", "fragment"), ("vertex", "bright")
    first = shaders.programs([plain, plain, bright])
    assert len({id(program) for program in first}) == 3
    assert shaders.programs([bright, plain]) == [first[2], first[0]]
    assert len(compiler.made) == 3


def test_what_a_photo_shows_gets_less_shade_of_its_own() -> None:
    """Its texture holds the photo's own shade; with a photo of the back that side has its own too, and without photos
    all of the shade is drawn."""
    (part,) = prepare(read_glb(glb(box()))).parts
    assert part.normals is not None
    front, back, top = (part.normals[:, axis] * way > 0.99 for axis, way in ((2, 1), (2, -1), (1, 1)))
    sides = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    alone, both = own_shade(part, sides[:1]), own_shade(part, sides)
    assert alone[front] == pytest.approx(SHADE_SEEN) and alone[back] == pytest.approx(SHADE_UNSEEN)
    assert (alone[top] > SHADE_SEEN).all() and both[back] == pytest.approx(SHADE_SEEN)
    assert (own_shade(part, np.zeros((0, 3))) == 1.0).all()
