"""Writing on a thing that looks the same from both sides reads from behind, too; its parts are left as they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.boxes import Category
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import read_cutout
from services.mesh.finish.fidelity import picture_of
from services.mesh.kinds.inflation import Inflation
from services.mesh.model import ModelRequest, create_model
from services.mesh.texturing.prints import readable_behind

WIDTH, HEIGHT = 720, 370
WHITE, INK = (232, 230, 224), (30, 50, 150)


def _van(text: str = "", tilt_deg: float = 0.0) -> NDArray[np.uint8]:
    """A van seen from its left side, shaded towards the ground and a little noisy, with writing behind its door."""
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    outline = np.array([[30, 290], [30, 80], [70, 50], [500, 50], [610, 150], [690, 185], [690, 290]])
    cv2.fillPoly(rgba, [outline], (*WHITE, 255))
    for x in (150, 570):
        cv2.circle(rgba, (x, 290), 52, (30, 30, 32, 255), -1)
        for spoke in np.arange(0.2, 6.2, 1.05):
            end = (round(x + 34 * np.cos(spoke)), round(290 + 34 * np.sin(spoke)))
            cv2.line(rgba, (x, 290), end, (170, 170, 175, 255), 6)
    cv2.fillPoly(rgba, [np.array([[455, 70], [500, 70], [590, 155], [455, 155]])], (50, 60, 80, 255))
    cv2.line(rgba, (450, 60), (450, 280), (150, 150, 150, 255), 2)
    cv2.rectangle(rgba, (465, 190), (488, 198), (60, 60, 60, 255), -1)
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(ink, text, (75, 170), cv2.FONT_HERSHEY_DUPLEX, 1.7, 255, 4, cv2.LINE_AA)
    ink = np.asarray(cv2.warpAffine(ink, cv2.getRotationMatrix2D((240, 160), tilt_deg, 1.0), (WIDTH, HEIGHT)), np.uint8)
    share = ink[..., None] / 255.0
    shade = 1.0 - 0.25 * np.linspace(0.0, 1.0, HEIGHT)[:, None, None]
    noise = np.random.default_rng(1).normal(0.0, 2.0, (HEIGHT, WIDTH, 1))
    color = (rgba[..., :3] * (1.0 - share) + np.array(INK) * share) * shade + noise
    rgba[..., :3] = np.clip(color, 0, 255)
    return rgba


def _reads(picture: NDArray[np.uint8], text: str, scale: float = 1.0) -> float:
    """By how much better the text is found in a picture than its mirror image, in correlation."""
    ink = np.full((80, 340), 255, np.uint8)
    cv2.putText(ink, text, (10, 60), cv2.FONT_HERSHEY_DUPLEX, 1.7, 0, 4, cv2.LINE_AA)
    columns = np.flatnonzero((ink < 255).any(axis=0))
    template = cv2.resize(ink[:, : columns[-1] + 10], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    found = [
        float(cv2.matchTemplate(grey, np.ascontiguousarray(each), cv2.TM_CCOEFF_NORMED).max())
        for each in (template, template[:, ::-1])
    ]
    return found[0] - found[1]


@pytest.mark.parametrize("text", ["FISH", "Lemon 24"])
def test_writing_reads_in_the_mirrored_photo(text: str) -> None:
    """Of one word or of two: what the mirrored photo shows backwards, it shows forwards once the line is turned."""
    cutout = read_cutout(_van(text))
    turned = np.ascontiguousarray(readable_behind(cutout)[:, ::-1])
    assert _reads(np.ascontiguousarray(cutout.photo[:, ::-1]), text) < -0.2
    assert _reads(turned, text) > 0.2


def test_writing_that_slopes_is_turned_along_its_line() -> None:
    """Mirrored as a whole, a line that rises to the right falls to the right, and still reads."""
    cutout = read_cutout(_van("FISH", 8.0))
    turned = np.ascontiguousarray(readable_behind(cutout)[:, ::-1])
    middle = (turned.shape[1] - (240 - cutout.origin[0]), 160 - cutout.origin[1])
    level = cv2.warpAffine(turned, cv2.getRotationMatrix2D(middle, 8.0, 1.0), turned.shape[1::-1])
    assert _reads(np.asarray(level, np.uint8), "FISH") > 0.2


def test_the_ground_of_turned_writing_shows_no_patch() -> None:
    """Where the marks are neither before nor after, the shaded side changes by a few levels at most."""
    cutout = read_cutout(_van("FISH"))
    plain = read_cutout(_van()).photo.astype(np.int64)
    turned = readable_behind(cutout)
    marks = np.abs(cutout.photo.astype(np.int64) - plain).max(axis=2) > 8
    box = cv2.boundingRect(marks.astype(np.uint8))
    strip = slice(box[1], box[1] + box[3]), slice(box[0] - 12, box[0] + box[2] + 12)
    mirrored = np.zeros_like(marks)
    mirrored[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = marks[
        box[1] : box[1] + box[3], box[0] : box[0] + box[2]
    ][:, ::-1]
    free = ~cv2.dilate((marks | mirrored).astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)[strip]
    assert np.abs(turned.astype(np.int64) - plain)[strip][free].mean() < 4.0


def test_parts_are_left_alone() -> None:
    """Wheels, a window, a door and its handle are no writing, nor are the speckles of a rough skin."""
    cutout = read_cutout(_van())
    assert readable_behind(cutout) is cutout.photo
    rough = np.zeros((300, 300, 4), np.uint8)
    speckle = cv2.GaussianBlur(np.random.default_rng(2).normal(0.0, 1.0, (300, 300, 3)), (0, 0), 2.0)
    rough[..., :3] = np.clip(140 + 40 * speckle / speckle.std(), 0, 255)
    cv2.circle(mask := np.zeros((300, 300), np.uint8), (150, 150), 130, 255, -1)
    rough[..., 3] = mask
    speckled = read_cutout(rough)
    assert readable_behind(speckled) is speckled.photo


def test_a_vans_other_side_reads() -> None:
    """The finished model, seen from behind, shows the writing forwards."""
    model = create_model(
        _van("FISH"),
        ModelRequest(name="van", category=Category.VEHICLE.value),
        SilhouetteBackend(kinds=(Inflation(),)),
        lambda _phase, _done: None,
    )
    assert model.camera is not None
    half_turn = np.diag([-1.0, 1.0, -1.0])
    middle = 0.5 * (model.surface.positions.min(axis=0) + model.surface.positions.max(axis=0)).astype(np.float64)
    behind = model.camera.turned(half_turn, middle - half_turn @ middle)
    picture, _ = picture_of(model.surface, model.texture.pixels, behind, (WIDTH, HEIGHT))
    assert max(_reads(picture, "FISH", scale) for scale in (0.85, 0.95, 1.05)) > 0.15
