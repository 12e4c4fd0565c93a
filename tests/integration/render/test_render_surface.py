"""How surfaces look: light at vertices, fine print, and normal maps."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import cv2
import numpy as np
import pytest

from lensora.core.cameras import frame_poses
from lensora.core.scene import studio_lighting
from lensora.core.words import CameraMove
from lensora.testing.meshes import Finish, Shape, glb, vase
from services.render.backends.drawable import lit_at_vertices
from services.render.backends.opengl import OpenGLRenderer
from services.render.engine import Engine
from services.render.framing import fit_rig
from services.render.glb import read_glb
from services.render.light import Illumination, even_illumination, illuminate
from services.render.model import Model, prepare
from services.render.shot import Shot


def _seen(engine: Engine, model: Model, light: Illumination, size: int = 256, frames: int = 1) -> list[np.ndarray]:
    poses = frame_poses(CameraMove.TURNTABLE, 8)
    rig = fit_rig(model.support, CameraMove.TURNTABLE, poses, 0.1)
    shot = Shot(model, light, rig, poses[:frames], size)
    return [layer.pixels for layer in engine.layers(shot, lambda: None)]


def _png(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", pixels[..., ::-1])[1])


def test_light_at_vertices_looks_like_light_at_every_sample(engine: Engine) -> None:
    """On a fine mesh the two differ by at most 8/255 anywhere, and by less than 0.3 on average."""
    texture = np.random.default_rng(3).integers(90, 200, (16, 16, 3)).astype(np.uint8)
    model = prepare(read_glb(glb(vase(100, 100), Finish(texture=_png(texture), roughness=0.5))))
    up = np.array([[0.0, 0.0, 1.0]])
    light = illuminate(studio_lighting(), up, np.ones(1))
    poses = frame_poses(CameraMove.TURNTABLE, 8)
    shot = Shot(model, light, fit_rig(model.support, CameraMove.TURNTABLE, poses, 0.1), poses, 256)
    assert lit_at_vertices(model.parts[0], shot)
    # Taken for open, the same surface is lit at every sample; nothing else of it is seen differently.
    for fast, exact in zip(
        _seen(engine, model, light, frames=3), _seen(engine, replace(model, closed=False), light, frames=3), strict=True
    ):
        difference = np.abs(fast.astype(int) - exact)
        assert difference.max() <= 10
        assert difference.mean() < 0.3


def test_fine_print_keeps_its_tone_when_it_is_small(engine: Engine) -> None:
    """A chequer of single texels, far finer than the pixels, is seen as the mean of its light, without a pattern."""
    chequer = np.zeros((1024, 1024, 3), np.uint8)
    chequer[::2, ::2] = chequer[1::2, 1::2] = 255
    model = prepare(read_glb(glb(_sheet(), Finish(texture=_png(chequer), roughness=1.0))))
    flat = replace(even_illumination(1.0, 0.0, (0, 0, 1)), mirror=np.zeros((9, 3), np.float32))
    pixels = _seen(engine, model, flat)[0]
    inside = pixels[cv2.erode(pixels[..., 3], np.ones((9, 9), np.uint8)) == 255][:, :3].astype(int)
    assert inside.mean() == pytest.approx(188, abs=3)
    assert inside.std() < 2.0


def test_an_upright_edge_does_not_crawl(engine: Engine) -> None:
    """As an edge goes across a pixel in steps of a sixteenth, no step changes its coverage by more than a fifth."""
    model = prepare(read_glb(glb(_sheet(), Finish())))
    poses = frame_poses(CameraMove.TURNTABLE, 8)
    rig = fit_rig(model.support, CameraMove.TURNTABLE, poses, 0.0)
    part, size = model.parts[0], 256
    pixel = rig.hero.eye[2] / rig.hero.focal / size  # metres, at the sheet
    coverage = []
    for step in range(17):
        aside = np.array([step / 16.0 * pixel, 0.0, 0.0], np.float32)
        moved = replace(model, parts=(replace(part, positions=part.positions + aside),))
        shot = Shot(moved, even_illumination(1.0, 0.0, (0, 0, 1)), rig, poses[:1], size)
        layer = next(engine.layers(shot, lambda: None))
        row = layer.pixels[layer.window.height // 2, :, 3].astype(int)
        edge = np.zeros(size, int)
        edge[layer.window.left : layer.window.right] = row
        coverage.append(edge[: size // 2])
    changes = np.abs(np.diff(np.array(coverage), axis=0))
    assert changes.max() <= 52
    assert changes.sum() > 200


def _sheet(mirrored: bool = False) -> Shape:
    """A square that looks at the camera; u runs to the right, or to the left."""
    u = np.array([0, 1, 1, 0], np.float32)
    return Shape(
        positions=np.array([[-0.5, 0, 0], [0.5, 0, 0], [0.5, 1, 0], [-0.5, 1, 0]], np.float32),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.uint32),
        normals=np.tile(np.array([0, 0, 1], np.float32), (4, 1)),
        uvs=np.stack([1 - u if mirrored else u, np.array([1, 1, 0, 0], np.float32)], axis=1),
    )


def _with_normals(shape: Shape, slope: tuple[float, float], scale: float = 1.0) -> Model:
    """The shape with a normal map that leans everywhere by ``slope``: to the right and up its picture."""
    normal = np.array([*slope, 1.0]) / np.linalg.norm([*slope, 1.0])
    encoded = np.full((8, 8, 3), np.round((normal * 0.5 + 0.5) * 255).astype(np.uint8))
    finish = Finish((0.5, 0.5, 0.5, 1.0), roughness=1.0, texture=_png(encoded))
    # The file's one picture, taken from the base colour and named as the normal map instead.
    material = {
        "pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.5, 0.5, 1.0], "metallicFactor": 0.0},
        "normalTexture": {"index": 0, "scale": scale},
    }
    return prepare(read_glb(glb(shape, finish, {"materials": [material]})))


SIDES = {"right": (1.0, 0.0, 0.3), "left": (-1.0, 0.0, 0.3), "up": (0.0, 1.0, 0.3), "down": (0.0, -1.0, 0.3)}


@pytest.mark.parametrize(
    ("slope", "mirrored", "brightest"),
    [
        ((0.6, 0.0), False, "right"),
        ((-0.6, 0.0), False, "left"),
        ((0.0, 0.6), False, "up"),
        ((0.0, -0.6), False, "down"),
        ((0.6, 0.0), True, "left"),
        ((0.0, 0.6), True, "up"),
    ],
)
def test_normal_maps_lean_as_their_pictures_say(
    engine: Engine, slope: tuple[float, float], mirrored: bool, brightest: str
) -> None:
    """Red leans towards +u and green up the picture, mirrored charts included: light from there is the brightest."""
    model = _with_normals(_sheet(mirrored), slope)
    levels = {
        side: _seen(engine, model, even_illumination(0.1, 0.6, direction))[0][..., :3].max(axis=(0, 1)).mean()
        for side, direction in SIDES.items()
    }
    assert max(levels, key=lambda side: float(levels[side])) == brightest
    assert levels[brightest] > 1.2 * sorted(levels.values())[0]


def test_a_flat_normal_map_changes_nothing(engine: Engine) -> None:
    """A map that leans nowhere, or is scaled to nothing, is drawn as if there were none."""
    light = even_illumination(0.2, 0.6, (0.5, 0.5, 0.7))
    plain = prepare(read_glb(glb(_sheet(), Finish((0.5, 0.5, 0.5, 1.0), roughness=1.0))))
    bare = _seen(engine, plain, light)[0].astype(int)
    for model in (_with_normals(_sheet(), (0.0, 0.0)), _with_normals(_sheet(), (0.6, 0.3), scale=0.0)):
        assert model.parts[0].material.normal_texture is not None
        assert np.abs(_seen(engine, model, light)[0] - bare).max() <= 2


def test_a_frame_drawn_in_bands_is_the_frame(engine: Engine) -> None:
    """Tall windows are drawn in bands, which leave no seam: all is as if it were drawn at once."""
    texture = np.random.default_rng(3).integers(40, 230, (64, 64, 3)).astype(np.uint8)
    model = prepare(read_glb(glb(vase(40, 60), Finish(texture=_png(texture)))))
    light = illuminate(studio_lighting(), np.array([[0.0, 0.0, 1.0]]), np.ones(1))
    with closing(Engine(lambda: OpenGLRenderer("cpu", band_rows=37))) as banded:
        in_bands = _seen(banded, model, light, frames=3)
    for whole, parts in zip(_seen(engine, model, light, frames=3), in_bands, strict=True):
        assert parts.shape == whole.shape and len(parts) > 4 * 37
        difference = np.abs(parts.astype(int) - whole)
        assert difference.max() <= 4 and difference.mean() < 0.01
