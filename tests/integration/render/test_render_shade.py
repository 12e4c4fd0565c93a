"""The subject's own shade, its reflection in the ground, and the lamp behind it, on a real OpenGL."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from lensora.core.scene import Scene
from lensora.core.words import CameraMove
from lensora.testing.meshes import Finish, box, glb, vase
from services.render.backends.device import open_context
from services.render.backends.drawable import Shaders
from services.render.backends.occlusion import DEPTHS, RULES, hidden_light
from services.render.composition import LARGE_PX, Compositor
from services.render.engine import Engine
from services.render.glb import read_glb
from services.render.light import even_illumination, harmonics, rim_direction, sphere, turned_radiance
from services.render.model import prepare
from services.render.order import FilmOrder
from services.render.planning import set_up

CONSTANT = 2.0 * math.sqrt(math.pi)
"""Y00 of radiance 1 from everywhere."""


def test_a_box_keeps_no_light_from_itself_and_a_bowl_does() -> None:
    """Nothing of a convex body shades it; the inside of a vessel loses much of its light, more so deeper down."""
    context = open_context("cpu")
    idle = context.simple_framebuffer((1, 1))
    program = Shaders(context).programs([DEPTHS])[0]
    block = prepare(read_glb(glb(box())))
    assert np.abs(hidden_light(context, block, idle, program)[0][:, 0]).max() * CONSTANT < 0.02
    points, normals, triangles = _cup()
    part = replace(block.parts[0], positions=points, normals=normals, triangles=triangles, uvs=None, colors=None)
    cup = replace(block, parts=(part,), support=points.astype(np.float64))
    lost = hidden_light(context, cup, idle, program)[0][:, 0] * CONSTANT
    floor, rim = points[:, 1] < 0.02, (points[:, 1] > 0.95) & (normals[:, 1] > 0.9)
    inside = floor & (normals[:, 1] > 0.9)
    assert lost[inside].mean() > 0.5
    assert lost[rim].mean() < 0.1
    context.release()


def _cup() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A thin tall cup: an outer wall, a rim, an inner wall and an inner floor, as separate rings of vertices."""
    around = np.linspace(0.0, 2.0 * math.pi, 33)[:-1]
    ring = np.stack([np.cos(around), np.zeros(32), np.sin(around)], axis=1)
    up, points, normals, faces = np.array([0.0, 1.0, 0.0]), [], [], []

    def band(low: tuple[float, float], high: tuple[float, float], normal: np.ndarray) -> None:
        start = sum(len(each) for each in points)
        for radius, height in (low, high):
            points.append(ring * radius + up * height)
            normals.append(np.broadcast_to(normal, (32, 3)) if normal.ndim == 1 else normal)
        for k in range(32):
            a, b = start + k, start + (k + 1) % 32
            faces.extend([(a, a + 32, b), (b, a + 32, b + 32)])

    band((0.4, 0.0), (0.4, 1.0), ring)
    band((0.4, 1.0), (0.36, 1.0), up)
    band((0.36, 1.0), (0.36, 0.01), -ring)
    band((0.36, 0.01), (0.001, 0.01), up)
    return (
        np.concatenate(points).astype(np.float32),
        np.concatenate(normals).astype(np.float32),
        np.array(faces, np.uint32),
    )


def test_harmonics_turn_with_the_subject() -> None:
    """Radiance in the subject's frame is the same function of direction, whichever way the subject is turned."""
    light = replace(even_illumination(0.0, 0.0, (0, 1, 0)), diffuse=np.arange(27, dtype=np.float32).reshape(9, 3) / 9)
    directions = sphere(40)
    c, s = math.cos(0.7), math.sin(0.7)
    turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    still = harmonics(directions @ turn.T) @ turned_radiance(light, np.eye(3))
    turned = harmonics(directions) @ turned_radiance(light, turn.T)
    assert turned == pytest.approx(still, abs=1e-4)


def test_the_lamp_behind_loops() -> None:
    """It hangs behind the subject all the time, on both sides of it in turn, and comes back to where it began."""
    path = np.array([rim_direction(k / 24) for k in range(25)])
    assert path[0] == pytest.approx(path[-1])
    assert (path[:, 2] < 0.0).all() and path[:, 0].max() > 0.5 and path[:, 0].min() < -0.5


def _foot_rows(frame: np.ndarray, compared: np.ndarray) -> np.ndarray:
    return np.abs(frame.astype(int) - compared.astype(int)).mean(axis=(1, 2))


def test_polished_ground_mirrors_the_subject_and_matt_ground_does_not(engine: Engine, picture: bytes) -> None:
    """A reflection appears below the foot on polish alone, strongest next to it; matt scenes are as before."""
    red = glb(vase(24, 32), Finish(color=(1.0, 0.05, 0.05, 1.0)))
    frames = {}
    for name, mirror, roughness in (("matt", 0.02, 1.0), ("polish", 0.3, 0.1)):
        scene = Scene(0.55, False, pitch=0.12, mirror=mirror, roughness=roughness)
        order = FilmOrder(red, picture, scene, CameraMove.TURNTABLE, 256, 12, 1.0)
        shot, plate = set_up(order)
        assert shot.mirrored == (name == "polish")
        layer = next(iter(engine.layers(shot, lambda: None)))
        frames[name] = Compositor(shot, plate, scene).frame(layer)
        foot = round(float(shot.rig.hero.project(np.zeros((1, 3)))[0][0, 1]) * 256)
    change = _foot_rows(frames["polish"], frames["matt"])
    assert change[: foot - 40].max() < 1.0
    assert change[foot + 4 : foot + 12].mean() > 2.0
    redder = frames["polish"].astype(int)[foot + 8, 108:148] - frames["matt"].astype(int)[foot + 8, 108:148]
    assert redder[:, 0].mean() > redder[:, 1].mean() + 4


def test_a_large_frame_has_the_reflection_of_a_small_one(engine: Engine, picture: bytes) -> None:
    """Frames over ``LARGE_PX`` are reflected at a quarter of the size, and look the same when they are shown small."""
    red = glb(vase(12, 24), Finish(color=(1.0, 0.05, 0.05, 1.0)))
    scene = Scene(0.55, False, pitch=0.12, mirror=0.4, roughness=0.2)
    frames = []
    for size in (LARGE_PX, LARGE_PX + 2):
        shot, plate = set_up(FilmOrder(red, picture, scene, CameraMove.TURNTABLE, size, 12, 1.0))
        layer = next(iter(engine.layers(shot, lambda: None)))
        frame = Compositor(shot, plate, scene).frame(layer)
        frames.append(cv2.resize(frame, (320, 320), interpolation=cv2.INTER_AREA).astype(int))
    foot = round(float(shot.rig.hero.project(np.zeros((1, 3)))[0][0, 1]) * 320)
    difference = np.abs(frames[0] - frames[1])[foot + 2 :]
    assert difference.mean() < 0.6 and np.percentile(difference, 99.5) < 6


def test_finer_models_are_baked_from_fewer_sides() -> None:
    """The work of a bake is bounded: 81 directions at 20,000 triangles, fewer at more, none at a million."""
    counts = [RULES.for_triangles(count) for count in (20_000, 200_000, 1_000_000)]
    assert counts[0] == RULES and counts[2] is None
    assert counts[1] is not None and 4 <= counts[1].across < RULES.across
