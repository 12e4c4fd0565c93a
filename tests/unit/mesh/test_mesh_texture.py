"""What is painted where: the photo no further than its outlines can be trusted, and nothing made up by chance."""

from __future__ import annotations

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from services.mesh.backends import RawMesh
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.model import Model, ModelRequest, finish
from services.mesh.raster import covering
from services.mesh.solid import Solid
from services.mesh.texturing.exposure import FLAT_TRUST, TRUST
from services.mesh.texturing.rings import RingCompletion

SIDE = 400
RED, WHITE = (180, 30, 30), (250, 250, 250)


def _box(size: tuple[float, float, float], middle: tuple[float, float, float]) -> trimesh.Trimesh:
    box = trimesh.creation.box(size)
    box.apply_translation(middle)
    return box.subdivide().subdivide().subdivide().subdivide()


def _solid(mesh: trimesh.Trimesh) -> Solid:
    return Solid(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))


def _seen(solid: Solid, camera: PhotoCamera) -> NDArray[np.bool_]:
    return covering(camera.project(solid.vertices)[0], solid.faces, (SIDE, SIDE)) >= 0


def _finished(photo: NDArray[np.uint8], solid: Solid, camera: PhotoCamera, trust: tuple[float, float] = TRUST) -> Model:
    cutout = read_cutout(photo)
    here = camera.scaled(1.0, (-float(cutout.origin[0]), -float(cutout.origin[1]))).scaled(cutout.scale)
    mesh = RawMesh(solid, here, None, None, "test", trust=trust)
    return finish(cutout, mesh, ModelRequest(), lambda _phase, _done: None)


def _texels(model: Model) -> NDArray[np.int64]:
    side = len(model.texture.pixels)
    at = np.clip((model.surface.uvs * side).astype(int), 0, side - 1)
    return np.asarray(model.texture.pixels[at[:, 1], at[:, 0]], np.int64)


def test_what_stands_before_a_thing_leaves_no_colour_on_it() -> None:
    """White of a block that lies a few pixels outside of its outline is not painted on the red board behind it."""
    camera = PhotoCamera.frontal((SIDE / 2, SIDE / 2), 0.3 * SIDE)
    # The white reaches just past the fourth row of the board's vertices, half a unit from its middle.
    board, block = _box((2.0, 2.0, 0.1), (0.0, 0.0, -0.4)), _box((0.687, 0.687, 0.6), (0.0, 0.0, 0.4))
    solid = _solid(board + block)
    inside = _seen(solid, camera)
    near = cv2.dilate(_seen(_solid(block), camera).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    photo = np.zeros((SIDE, SIDE, 4), np.uint8)
    photo[inside] = (*RED, 255)
    photo[near] = (*WHITE, 255)
    model = _finished(photo, solid, camera)
    at = model.surface.positions
    depth = at[:, 2] - at[:, 2].min()
    on_board = (depth < 0.15 * np.ptp(at[:, 2])) & (model.surface.normals[:, 2] > 0.9)
    texels = _texels(model)
    assert on_board.sum() > 100
    assert texels[on_board, 1].max() < 90
    assert (texels[depth > 0.95 * np.ptp(at[:, 2]), 1] > 200).mean() > 0.9


def test_a_flat_side_that_is_seen_at_a_slant_keeps_its_print() -> None:
    """The green of its narrow side comes from the photo, not from the fill of the front."""
    turn = trimesh.transformations.rotation_matrix(np.radians(-24.0), (0, 1, 0))
    box = _box((1.2, 1.2, 1.2), (0.0, 0.0, 0.0))
    box.apply_transform(turn)
    solid = _solid(box)
    camera = PhotoCamera.frontal((SIDE / 2, SIDE / 2), 0.3 * SIDE)
    inside = _seen(solid, camera)
    side_normal = turn[:3, :3] @ np.array([1.0, 0.0, 0.0])
    flat = Solid(
        solid.vertices, solid.faces[(solid.cross() @ side_normal) > 0.99 * np.linalg.norm(solid.cross(), axis=1)]
    )
    photo = np.zeros((SIDE, SIDE, 4), np.uint8)
    photo[inside] = (*RED, 255)
    photo[_seen(flat, camera) & inside] = (30, 160, 40, 255)
    shares = []
    for trust in (TRUST, FLAT_TRUST):
        texels = _texels(_finished(photo, solid, camera, trust))
        shares.append(float((texels[:, 1] - texels[:, 0] > 80).mean()))
    assert shares[1] > 0.1


def _behind(rings: RingCompletion, level: NDArray[np.float64], radius: float = 0.6) -> NDArray[np.float32]:
    """(heights, 90 angles behind, 3) of the colours on a cylinder."""
    angle = np.radians(np.linspace(110.0, 250.0, 90))
    out = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=1)
    points = (out * radius)[None] + np.array([0.0, 1.0, 0.0]) * level[:, None, None]
    normals = np.broadcast_to(out[None], points.shape)
    return rings.colors(points.reshape(-1, 3), normals.reshape(-1, 3)).reshape(len(level), -1, 3)


def test_speckles_make_no_stripes_but_bands_stay() -> None:
    """Behind a speckled body the mean around changes smoothly over its height; a band of another colour keeps its
    edge."""
    noise = np.random.default_rng(5).normal(0.0, 1.0, (SIDE, SIDE, 3)).astype(np.float32)
    speckle = cv2.GaussianBlur(noise, (0, 0), 3.0)
    photo = np.clip(130 + 14 * speckle / speckle.std(), 0, 255)
    photo[SIDE // 2 :] = photo[SIDE // 2 :] * 0.3
    camera = PhotoCamera.frontal((SIDE / 2, SIDE / 2), 0.35 * SIDE)
    heights = np.linspace(-0.9, 0.9, 40)
    rings = RingCompletion(
        photo.astype(np.uint8), np.ones((SIDE, SIDE), np.bool_), camera, heights, np.full_like(heights, 0.6)
    )
    level = np.linspace(-0.85, 0.85, 300)
    colors = _behind(rings, level).mean(axis=(1, 2))
    upper, lower = colors[level > 0.1], colors[level < -0.1]
    assert np.abs(np.diff(upper)).max() < 1.5
    assert upper.mean() > 2.5 * lower.mean()
    assert np.abs(np.diff(colors)).max() > 15.0
