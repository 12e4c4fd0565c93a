"""Made scenes for the detection bench: their boxes are true, and the tally counts each box once."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bench.scenes import KINDS, SIZE, Tally, Thing, compose, hits, load_things
from lensora.core.boxes import Box


def disc(name: str, color: tuple[int, int, int]) -> Thing:
    """A cutout of one colour."""
    rgba = np.zeros((200, 160, 4), np.uint8)
    cv2.ellipse(rgba, (80, 100), (79, 99), 0, 0, 360, (*color, 255), -1)
    return Thing(name, rgba)


THINGS = [
    disc("red", (230, 20, 20)),
    disc("green", (20, 220, 20)),
    disc("blue", (30, 30, 240)),
    disc("white", (250,) * 3),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_what_its_kind_says(kind: str) -> None:
    """The number of things, whether their boxes meet, and the same picture for the same seed."""
    for seed in range(4):
        scene = compose(kind, THINGS, np.random.default_rng(seed))
        assert scene.rgb.shape == (*SIZE, 3)
        again = compose(kind, THINGS, np.random.default_rng(seed))
        assert np.array_equal(scene.rgb, again.rgb) and scene.boxes == again.boxes
        assert len(scene.boxes) == len(scene.names)
        if kind in ("empty", "single"):
            assert len(scene.boxes) == (1 if kind == "single" else 0)
        if kind == "apart":
            assert all(a.iou(b) == 0 for i, a in enumerate(scene.boxes) for b in scene.boxes[:i])


def test_overlapping_things_hide_each_other() -> None:
    """In some of the scenes the boxes of two things meet."""
    scenes = [compose("overlapping", THINGS, np.random.default_rng(seed)) for seed in range(6)]
    assert any(a.iou(b) > 0.05 for s in scenes for i, a in enumerate(s.boxes) for b in s.boxes[:i])


def test_each_box_counts_once() -> None:
    """Two proposals of one thing are one hit; a loose box is no tight one."""
    true = [Box(0.1, 0.1, 0.3, 0.5), Box(0.5, 0.1, 0.9, 0.5)]
    twice = [Box(0.1, 0.1, 0.3, 0.5), Box(0.1, 0.1, 0.3, 0.49)]
    assert hits(true, twice, 0.5) == 1
    assert hits(true, [*twice, Box(0.5, 0.1, 0.76, 0.5)], 0.5) == 2
    assert hits(true, [*twice, Box(0.5, 0.1, 0.76, 0.5)], 0.75) == 1
    scene = compose("single", THINGS, np.random.default_rng(1))
    assert Tally().with_scene(scene, list(scene.boxes)) == Tally(1, 1, 1, 1)
    assert Tally().with_scene(scene, []) == Tally(1, 0, 0, 0)


def test_cutouts_are_found_and_cropped(tmp_path: Path) -> None:
    """Pictures with alpha and renders with a mask are cutouts; opaque pictures and masks are none."""
    cutout = np.zeros((120, 120, 4), np.uint8)
    cutout[30:90, 40:80] = (200, 30, 30, 255)
    Image.fromarray(cutout).save(tmp_path / "mug.png")
    render = tmp_path / "lamp"
    render.mkdir()
    Image.fromarray(np.full((120, 120, 3), 90, np.uint8)).save(render / "input.png")
    mask = np.zeros((120, 120), np.uint8)
    mask[10:110, 50:90] = 255
    Image.fromarray(mask).save(render / "mask.png")
    Image.fromarray(np.full((120, 120, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    found = {thing.name: thing.rgba.shape[:2] for thing in load_things(tmp_path)}
    assert found == {"mug": (60, 40), "lamp": (100, 40)}
