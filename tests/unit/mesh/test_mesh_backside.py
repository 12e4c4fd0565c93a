"""What the back of a free shape shows: what goes around the outline, or the photo again."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.boxes import Category
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.kinds.inflation import Inflation
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.texturing.backside import carried_round, through
from services.mesh.texturing.evenness import evenly_lit
from services.mesh.texturing.pattern import patterned
from services.mesh.texturing.subject import Subject

SIDE = 360
BODY, BAND, DIAL = (40, 60, 120), (220, 200, 40), (240, 240, 240)

PLAIN = SilhouetteBackend(kinds=(Inflation(),))
"""The far side's colours are the same whatever the judge thinks of drawings."""


def _telephone() -> NDArray[np.uint8]:
    """A lopsided blue body with a yellow band all across and a white dial that nothing joins to the outline."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.array([[40, 320], [320, 320], [330, 140], [230, 40], [60, 120]])], 255)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 9.0) > 127).astype(np.uint8) * 255
    image = np.full((SIDE, SIDE, 3), BODY, np.uint8)
    image[270:290] = BAND
    cv2.circle(image, (190, 180), 42, DIAL, -1, cv2.LINE_AA)
    for x in (170, 190, 210):
        cv2.circle(image, (x, 180), 6, (20, 20, 20), -1, cv2.LINE_AA)
    return np.dstack([image, mask])


def _at(model: Model, backwards: bool) -> NDArray[np.int64]:
    """Colours of the model's vertices that face the photo, or that face away from it."""
    assert model.camera is not None
    view = model.camera.position() / np.linalg.norm(model.camera.position())
    facing = model.surface.normals @ view
    side = len(model.texture.pixels)
    at = np.clip((model.surface.uvs * side).astype(int), 0, side - 1)
    chosen = facing < -0.8 if backwards else facing > 0.8
    return np.asarray(model.texture.pixels[at[chosen, 1], at[chosen, 0]], np.int64)


def _white(colors: NDArray[np.int64]) -> float:
    return float((colors.min(axis=1) > 170).mean())


def _yellow(colors: NDArray[np.int64]) -> float:
    return float(((colors[:, 0] - colors[:, 2]) > 60).mean())


def test_a_dial_stays_in_front_and_a_band_goes_round() -> None:
    """The back's picture has the body's colour where the dial is, and the band where the band is."""
    cutout = read_cutout(_telephone())
    behind = carried_round(cutout)
    left, top = cutout.origin
    at = np.array([[190.0, 180.0], [190.0, 150.0], [190.0, 280.0], [120.0, 240.0]]) - (left, top)
    dial, dial_rim, band, body = behind.colors(at, np.full(4, -1.0), np.zeros(4))
    assert np.abs(dial - body).max() < 25 and np.abs(dial_rim - body).max() < 25
    assert np.abs(band - BAND).max() < 45
    material = behind.material[tuple(np.round(at[0, ::-1] * behind.factor).astype(int))]
    assert not material


@pytest.mark.parametrize(("category", "on_the_back"), [("", False), ("vehicle", True)])
def test_only_two_sided_things_show_the_photo_again(category: str, on_the_back: bool) -> None:
    """A model's white dial is on its back if it is a vehicle, and not if nothing is known of it."""
    model = create_model(
        _telephone(),
        ModelRequest(category=category),
        PLAIN,
        lambda _phase, _fraction: None,
    )
    assert _white(_at(model, backwards=False)) > 0.02
    back = _at(model, backwards=True)
    assert (_white(back) > 0.02) is on_the_back
    assert _yellow(back) > 0.02


def test_light_is_taken_off_the_back_and_paint_is_not() -> None:
    """A slow fall of brightness to a third nearly vanishes; an edge between two paints keeps its contrast."""
    ramp = np.linspace(180.0, 60.0, 200, dtype=np.float32)
    picture = np.repeat(np.repeat(ramp[None], 160, axis=0)[..., None], 3, axis=2)
    picture[100:] *= 0.3
    even = evenly_lit(picture)
    assert even[40, 10, 0] / even[40, 190, 0] < 1.5
    assert even[40, 100, 0] / even[140, 100, 0] > 2.2
    assert abs(float(np.median(even)) - float(np.median(picture))) < 25


def test_a_place_on_the_back_lies_behind_its_pixel() -> None:
    """A relief's front moves along the view rays and its back straight away: both have the pixel of their outline."""
    camera = PhotoCamera.frontal((100.0, 80.0), 50.0)
    flat, depth = np.array([0.6, -0.4]), 0.3
    front = np.array([[*(flat * (camera.distance - depth) / camera.distance), depth]])
    back = np.array([[*flat, -depth]])
    (at_front, off_front), (at_back, off_back) = through(front.T, camera), through(back.T, camera)
    assert np.allclose(at_front, at_back, atol=1e-4)
    assert np.allclose((off_front, off_back), depth)


def test_flanks_are_soft_and_rings_go_round_arms() -> None:
    """On a body's flank a stripe that its outline shows is not drawn out to a streak; round a thin arm it goes on."""
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[60:340, 40:240] = (*BODY, 255)
    rgba[150:170, 240:350] = (*BODY, 255)
    rgba[200:212, 40:240] = (*BAND, 255)
    rgba[150:170, 290:302] = (*BAND, 255)
    cutout = read_cutout(rgba)
    behind = carried_round(cutout)
    at = np.array([[60.0, 206.0], [296.0, 160.0]]) - cutout.origin
    flank, back = (behind.colors(at, np.full(2, cosine), np.zeros(2)) for cosine in (0.0, -1.0))
    yellow = [colors[:, 0] - colors[:, 2] for colors in (flank, back)]
    assert yellow[1].min() > 60
    assert yellow[0][0] < 20 and yellow[0][1] > 60


@pytest.mark.parametrize(
    ("label", "category", "symmetric", "expected"),
    [
        ("pickup truck", Category.VEHICLE, False, True),
        ("pickup truck", Category.VEHICLE, True, False),
        ("Running Shoes", Category.PRODUCT, False, True),
        ("fruit", Category.FOOD, True, True),
        ("rotary telephone", Category.PRODUCT, False, False),
        ("chair", Category.FURNITURE, False, False),
        ("carpet", Category.PRODUCT, False, False),
        ("", "", False, False),
    ],
)
def test_words_say_what_the_far_side_is_like(label: str, category: str, symmetric: bool, expected: bool) -> None:
    """Things seen from their side repeat it; seen from the front, or with one face, they do not."""
    mask = np.zeros((60, 80), bool)
    mask[20:50, 10:70] = True
    mask[5:20, 10:30] = True
    mask[5:20, 50:70] = symmetric
    assert Subject(label, category).repeats_behind(mask) is expected


@pytest.mark.parametrize(("label", "category"), [("cow", ""), ("product", "animal")])
def test_an_animal_seen_from_the_front_has_one_face(label: str, category: str) -> None:
    """What is higher than wide shows its face; what is wider shows its side, which it has twice."""
    high = np.zeros((80, 60), bool)
    high[5:75, 10:40] = True
    high[10:30, 40:55] = True
    assert not Subject(label, category).repeats_behind(high)
    assert Subject(label, category).repeats_behind(high.T)


def _vase(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(mask, (180, 180), (120, 165), 0, 0, 360, 255, -1)
    light = np.linspace(0.6, 1.1, SIDE)[None, :, None]
    return np.dstack([np.clip(image * light, 0, 255).astype(np.uint8), mask])


def test_dots_all_over_are_a_pattern_and_a_face_is_none() -> None:
    """Dots in a grid, lit from one side, are a pattern; a plain body and one with eyes and a mouth are not."""
    plain = np.full((SIDE, SIDE, 3), (200, 180, 90), np.uint8)
    dotted, face = plain.copy(), plain.copy()
    for y in range(12, SIDE, 24):
        for x in range(12, SIDE, 24):
            cv2.circle(dotted, (x, y), 7, (150, 30, 40), -1, cv2.LINE_AA)
    for x in (150, 210):
        cv2.circle(face, (x, 130), 20, (20, 20, 20), -1, cv2.LINE_AA)
    cv2.rectangle(face, (140, 220), (220, 240), (150, 30, 40), -1)
    assert patterned(read_cutout(_vase(dotted)))
    assert not patterned(read_cutout(_vase(plain)))
    assert not patterned(read_cutout(_vase(face)))


def _ball(rim: NDArray[np.float64], middle: tuple[int, int, int], outer: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A round thing whose colour goes from the middle's to the outer one as ``rim`` (360, 360) goes from 0 to 1."""
    away = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2))
    color = np.array(middle) + rim[..., None] * (np.array(outer) - np.array(middle))
    return np.dstack([color, 255.0 * (away < 150.0)]).astype(np.uint8)


def test_a_cast_along_the_rim_is_taken_off_what_is_seen_at_a_slant_and_a_trim_is_not() -> None:
    """The surroundings' orange that creeps over a green rim is not drawn out over the flank; a sharp orange trim stays;
    what faces the camera is the photo's in either case."""
    away = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2))
    green, orange = (120, 220, 60), (190, 140, 40)
    off = {}
    for name, rim in (("cast", np.clip((away - 110.0) / 35.0, 0.0, 1.0)), ("trim", np.where(away > 130.0, 1.0, 0.0))):
        cutout = read_cutout(_ball(rim, green, orange))
        at = np.array([[SIDE / 2 + 143.0, SIDE / 2]] * 2) - cutout.origin
        slanted, facing = carried_round(cutout).without_cast(at, np.array([0.25, 0.9]))
        assert np.abs(facing).max() == 0.0
        off[name] = slanted
    # Green comes back, red goes: nearer to the middle's colour by more than a third.
    assert off["cast"][1] > 25.0
    assert off["cast"][0] < -10.0
    assert np.abs(off["trim"]).max() < 5.0
