"""See-through bodies: found by their two contours, given walls that are thin, and never found on opaque things."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Box
from services.segment.cutout import cut_out
from services.segment.glass import find_body, glazed
from services.segment.matte import PixelBox

SIZE = 480
LID = (200, 45, 40)


class Redness:
    """A backend that finds what is red: the lid, and not the glass."""

    def salience(self, rgb: np.ndarray, timeout_s: float | None = None) -> np.ndarray:
        return np.clip((rgb[..., 0].astype(np.float32) - rgb[..., 1]) / 110.0, 0.0, 1.0)

    def describe(self) -> ModelUse:
        return ModelUse("redness", "1", "", "Apache-2.0", "segment")


def set_with(ground: tuple[int, int, int]) -> np.ndarray:
    """An empty set: one colour, a little brighter to the right, with a photo's noise."""
    random = np.random.default_rng(3)
    rgb = np.array(ground, np.float32) + np.linspace(-6, 6, SIZE, dtype=np.float32)[None, :, None]
    return np.clip(rgb + random.normal(0.0, 2.0, (SIZE, SIZE, 1)), 0, 255).astype(np.uint8)


def jar(ground: tuple[int, int, int] = (190, 196, 200), step: int = -22) -> np.ndarray:
    """A red lid on a clear jar that narrows towards its foot; its contours differ by ``step`` from the set."""
    rgb = set_with(ground)
    line = tuple(int(c) + step for c in ground)
    for side in (-1, 1):
        cv2.line(rgb, (240 + side * 118, 140), (240 + side * 92, 360), line, 3, cv2.LINE_AA)
    cv2.ellipse(rgb, (240, 360), (92, 40), 0, 0, 180, line, 3, cv2.LINE_AA)
    cv2.ellipse(rgb, (240, 130), (124, 50), 0, 0, 360, LID, -1, cv2.LINE_AA)
    return rgb


BOX = Box(114 / SIZE, 80 / SIZE, 366 / SIZE, 402 / SIZE)
CROP = Box(0.1, 0.05, 0.9, 0.95)


def cut(rgb: np.ndarray, box: Box = BOX) -> np.ndarray:
    """(h, w, 4) the cutout on a canvas of the photo's size."""
    rgba = cut_out(rgb, None, box, CROP, Redness()).rgba
    canvas = np.zeros((SIZE, SIZE, 4), np.uint8)
    left, top, right, bottom = CROP.pixels(SIZE, SIZE)
    canvas[top:bottom, left:right] = rgba
    return canvas


@pytest.mark.parametrize("upside_down", [False, True])
@pytest.mark.parametrize(("ground", "step"), [((190, 196, 200), -22), ((60, 62, 70), 40)])
def test_the_walls_of_a_jar_come_back(ground: tuple[int, int, int], step: int, upside_down: bool) -> None:
    """Below a lid (or over contents) the see-through body is whole: thin walls, empty outside, the lid opaque."""
    rgb, box = jar(ground, step), BOX
    if upside_down:
        rgb, box = np.ascontiguousarray(rgb[::-1]), Box(BOX.x1, 1 - BOX.y2, BOX.x2, 1 - BOX.y1)
    rgba = cut(rgb, box)
    alpha = rgba[..., 3].astype(np.float32) / 255.0
    if upside_down:
        alpha = alpha[::-1]
    assert alpha[130, 240] > 0.98
    walls = alpha[200:380:20, 240]
    assert (walls > 0.5).all() and (walls < 0.8).all(), "one looks through the walls, but they are there"
    for row in (220, 280, 340):
        half = 118 - (row - 140) * 26 / 220
        seen = np.flatnonzero(alpha[row] > 0.5)
        assert seen[0] == pytest.approx(240 - half, abs=6) and seen[-1] == pytest.approx(240 + half, abs=6)
    assert np.flatnonzero(alpha[:, 240] > 0.5)[-1] == pytest.approx(400, abs=8)
    assert float(alpha[:, :105].max()) == 0.0 and float(alpha[:, 375:].max()) == 0.0


def test_the_old_ground_s_colour_is_not_in_the_walls() -> None:
    """A jar that stood before a green wall has grey walls."""
    rgba = cut(jar((80, 170, 90), -45))
    inside = rgba[230:350, 190:290, :3].astype(np.float32)
    assert float(np.abs(inside[..., 1] - inside[..., 0]).mean()) < 20.0


def test_opaque_things_get_no_body() -> None:
    """A box that is too tall, noise, the edge of a table and a shadow to one side make no glass."""
    rgb = set_with((190, 196, 200))
    rgb[300:] = (rgb[300:] * 0.8).astype(np.uint8)
    shadow = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(shadow, (330, 330), (110, 40), 20, 0, 360, 1.0, -1)
    rgb = (rgb * (1.0 - 0.3 * cv2.GaussianBlur(shadow, (0, 0), 6.0))[..., None]).astype(np.uint8)
    cv2.ellipse(rgb, (240, 130), (124, 50), 0, 0, 360, LID, -1, cv2.LINE_AA)
    matte = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(matte, (240, 130), (124, 50), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    assert find_body(matte, rgb, PixelBox(114, 80, 366, 402)) is None


def test_a_whole_frame_says_nothing_about_a_body() -> None:
    """Where the box is all of the picture, it was drawn round no thing."""
    rgb = jar()
    matte = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(matte, (240, 130), (124, 50), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    assert find_body(matte, rgb, PixelBox(114, 80, 366, 402)) is not None
    assert find_body(matte, rgb, PixelBox(0, 0, SIZE, SIZE)) is None


def test_an_opaque_part_that_the_net_missed_stays_opaque() -> None:
    """Where nothing of the set is seen through the body, it is no glass: a dark pot below a red lid."""
    rgb = jar()
    cv2.fillPoly(rgb, [np.array([(124, 140), (356, 140), (332, 360), (148, 360)], np.int32)], (30, 34, 40))
    cv2.ellipse(rgb, (240, 360), (92, 40), 0, 0, 360, (30, 34, 40), -1, cv2.LINE_AA)
    cv2.ellipse(rgb, (240, 130), (124, 50), 0, 0, 360, LID, -1, cv2.LINE_AA)
    rgba = cut(rgb)
    assert (rgba[230:380, 200:280, 3] > 250).all()
    assert float(np.abs(rgba[230:380, 200:280, :3].astype(int) - (30, 34, 40)).max()) < 4


def test_things_that_are_not_alike_on_both_sides_have_no_glass() -> None:
    """Two contours beside a lopsided thing are not its walls."""
    rgb = jar()
    matte = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(matte, (240, 130), (124, 50), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    assert find_body(matte, rgb, PixelBox(114, 80, 366, 402)) is not None
    matte[:128, 250:] = 0.0
    assert find_body(matte, rgb, PixelBox(114, 80, 366, 402)) is None


def test_the_noise_of_the_photo_is_no_colour_in_the_walls() -> None:
    """A photo whose every channel has noise of its own gives walls without coloured specks."""
    rgb = jar().astype(np.float32)
    rgb[150:] += np.random.default_rng(8).normal(0.0, 4.0, rgb[150:].shape)
    rgba = cut(np.clip(rgb, 0, 255).astype(np.uint8))
    inside = rgba[230:350, 190:290, :3].astype(np.float32)
    assert float((inside.max(axis=2) - inside.min(axis=2)).mean()) < 6.0


def test_limbs_that_the_net_half_saw_make_no_glass() -> None:
    """A big head over pale limbs in the dark: contours on both sides, but what lies between them hides the set."""
    rgb = set_with((30, 30, 34))
    matte = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(rgb, (240, 150), (120, 70), 0, 0, 360, LID, -1, cv2.LINE_AA)
    cv2.ellipse(matte, (240, 150), (120, 70), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    for x in (150, 240, 330):
        cv2.ellipse(rgb, (x, 310), (26, 90), 0, 0, 360, (225, 225, 230), -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.line(rgb, (240 + side * 116, 200), (240 + side * 116, 380), (90, 90, 96), 3, cv2.LINE_AA)
    cv2.ellipse(rgb, (240, 380), (116, 22), 0, 0, 180, (90, 90, 96), 3, cv2.LINE_AA)
    rgba = np.dstack([rgb, np.asarray(matte * 255 + 0.5, np.uint8)])
    body = find_body(matte, rgb, PixelBox(120, 80, 360, 402))
    assert body is not None, "the contours alone look like a jar"
    assert np.array_equal(glazed(rgba, body, rgb), rgba)


def test_what_the_net_sees_beside_a_body_speaks_against_it() -> None:
    """Faint parts inside the walls belong to them; faint parts beside them are limbs of another thing."""
    rgb = jar()
    matte = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(matte, (240, 130), (124, 50), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    inside, beside = matte.copy(), matte.copy()
    cv2.circle(inside, (240, 330), 40, 0.4, -1)
    cv2.circle(beside, (400, 330), 40, 0.4, -1)
    box = PixelBox(114, 80, 366, 402)
    assert find_body(inside, rgb, box) is not None
    assert find_body(beside, rgb, box) is None
