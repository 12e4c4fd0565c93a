"""A cup on its saucer, seen from above: found by its ellipses, and nothing else taken for one."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from services.mesh.boolean import union
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.explanation import explain
from services.mesh.kinds.tiered import Tiered
from services.mesh.kinds.tiered.saucer import TieredCompletion
from services.mesh.kinds.tiered.tiers import Tiers, find_tiers
from services.mesh.shape.interior import drink_of
from services.mesh.shape.lathe import lathe
from services.mesh.shape.mouth import Mouth
from services.mesh.shape.outline import Axis, axis_camera
from services.mesh.shape.turned import find_outline, find_picture, find_turned
from services.mesh.solid import Solid
from services.mesh.view import View

SAUCER_PX = 190
CUP_PX = 95


def picture(pitch_deg: float, *, cup: bool = True, inside: int = 40) -> NDArray[np.uint8]:
    """(480, 480, 4) uint8: a red saucer and, on it, a red cup with a white rim, drawn as ellipses of one pitch."""
    image = np.zeros((480, 480, 4), np.uint8)
    flat, upright = np.sin(np.radians(pitch_deg)), np.cos(np.radians(pitch_deg))
    middle = (240, 270)

    def disc(center: tuple[float, float], radius: float, color: tuple[int, int, int]) -> None:
        axes = (round(radius), round(radius * flat))
        at = (round(center[0]), round(center[1]))
        cv2.ellipse(image, at, axes, 0, 0, 360, (*color, 255), -1, cv2.LINE_8)

    disc(middle, SAUCER_PX, (190, 50, 30))
    if cup:
        tall = 150.0 * upright
        for share in np.linspace(0, 1, 60):
            disc((240, 270 - share * tall), CUP_PX * (0.62 + 0.38 * share), (120, 20, 10))
        disc((240, 270 - tall), CUP_PX, (245, 240, 230))
        disc((240, 270 - tall), CUP_PX * 0.86, (inside, inside // 2, 10))
    return image


def tiers_of(image: NDArray[np.uint8]) -> Tiers | None:
    """What is found in a cutout."""
    view = View(read_cutout(image))
    found = find_tiers(find_outline(view), find_picture(view), find_turned(view).body)
    return None if found is None else found.tiers


@pytest.mark.parametrize("pitch_deg", [42.0, 48.0, 54.0])
def test_cup_and_saucer_are_found_with_their_sizes(pitch_deg: float) -> None:
    """The pitch is read off the saucer, the mouth has its size, and the solid is closed."""
    found = tiers_of(picture(pitch_deg))
    assert found is not None
    assert abs(np.degrees(found.pitch) - pitch_deg) < 6.0
    assert found.radii[-1] / found.radii.max() == pytest.approx(CUP_PX / SAUCER_PX, abs=0.09)
    assert np.all(np.diff(found.cup[0]) >= 0)
    assert found.solid().is_closed()
    assert found.closed().volume() > found.solid().volume()
    assert found.inner[0][0] > found.heights[found.body]


@pytest.mark.parametrize("pitch_deg", [35.0, 60.0])
def test_a_bare_plate_is_no_cup(pitch_deg: float) -> None:
    """A plate without a cup has no mouth to find."""
    assert tiers_of(picture(pitch_deg, cup=False)) is None


def test_a_square_is_no_cup() -> None:
    """A thing with corners is not round about an axis."""
    image = np.zeros((300, 300, 4), np.uint8)
    image[60:240, 70:230] = (200, 200, 200, 255)
    assert tiers_of(image) is None


Draw = Callable[..., NDArray[np.uint8]]


def espresso(*, handle: bool) -> Solid:
    """A cup of radius 0.42 and height 0.6 on a saucer of radius 0.9; the handle points to the right."""
    share = np.linspace(0.0, 1.0, 30)
    saucer = [[0.0, 0.0], [0.5, 0.0], [0.8, 0.05], [0.9, 0.13], [0.88, 0.13], [0.6, 0.06]]
    wall = np.stack([0.27 + 0.15 * share**0.8, 0.06 + 0.6 * share], axis=1)
    inside = np.stack([np.linspace(0.4, 0.36, 10), np.linspace(0.66, 0.4, 10)], axis=1)
    solid = lathe(np.vstack([saucer, wall, inside, [0.0, 0.4]]))
    if not handle:
        return solid
    ring = trimesh.creation.torus(0.17, 0.035)
    return union(solid, [Solid(np.add(ring.vertices, [0.46, 0.38, 0.0]), ring.faces.astype(np.int64))])


def seen_from(pitch_deg: float) -> PhotoCamera:
    """A camera that looks down at the cup."""
    view = axis_camera(PhotoCamera.frontal((160.0, 160.0), 150.0), Axis(0.0, 0.0, 1.0), np.radians(pitch_deg))
    return view.turned(np.eye(3), np.array([0.0, -0.3, 0.0]))


@pytest.mark.parametrize(
    ("pitch_deg", "color", "handle"),
    [(17.0, (24, 24, 26), True), (30.0, (235, 232, 228), False), (24.0, (24, 24, 26), False)],
)
def test_a_cup_of_its_saucers_colour_is_told_by_the_outline(
    lit_photo: Draw, pitch_deg: float, color: tuple[int, int, int], handle: bool
) -> None:
    """One colour all over, with and without a handle: disc and cup have their true sizes, and the handle stays."""
    image = lit_photo(espresso(handle=handle), seen_from(pitch_deg), 320, color)
    found = tiers_of(image)
    assert found is not None
    assert abs(np.degrees(found.pitch) - pitch_deg) < 4.5
    assert found.radii[-1] / found.radii.max() == pytest.approx(0.42 / 0.9, abs=0.07)
    [raw] = Tiered().propose(View(read_cutout(image)))
    assert raw.solid.is_closed()
    cup = raw.solid.vertices[raw.solid.vertices[:, 1] > np.percentile(found.cup[0], 40)]
    beyond = float(cup[:, 0].max() / found.radii[-1])
    assert (beyond > 1.3) == handle


@pytest.mark.parametrize("pitch_deg", [25.0, 50.0])
def test_cones_and_mugs_are_no_cups_on_saucers(lit_photo: Draw, pitch_deg: float) -> None:
    """What narrows upwards without a ledge, and what has none at all, is not taken for two bodies."""
    share = np.linspace(0.0, 1.0, 40)
    cone = np.stack([0.7 * (1.0 - share) + 0.01, 1.3 * share - 0.4], axis=1)
    mug = np.stack([np.full(40, 0.5), 1.1 * share - 0.4], axis=1)
    for profile in (cone, mug):
        solid = lathe(np.vstack([[0.0, -0.4], profile, [0.0, profile[-1, 1]]]))
        view = View(read_cutout(lit_photo(solid, seen_from(pitch_deg), 320)))
        assert explain(view).best.kind != Tiered.name


def test_a_drink_of_another_hue_than_the_rim_fills_the_cup() -> None:
    """Coffee inside a white rim is a surface; an inside of the rim's own colour is none."""
    for inside, filled in (((150, 90, 40), True), ((200, 195, 185), False)):
        image = picture(45.0)
        tall = 150.0 * np.cos(np.radians(45.0))
        axes = (round(CUP_PX * 0.94), round(CUP_PX * 0.94 * np.sin(np.radians(45.0))))
        cv2.ellipse(image, (240, round(270 - tall)), axes, 0, 0, 360, (*inside, 255), -1)
        cutout = read_cutout(image)
        found = tiers_of(image)
        assert found is not None
        mouth = Mouth(found.pitch, float(found.heights[-1]), float(found.radii[-1]), 1.0, 1.0)
        drink = drink_of(find_picture(View(cutout)), mouth, found.camera)
        assert (drink is not None) == filled
        assert (found.contents is not None) == filled


def test_the_saucer_behind_the_cup_is_as_the_saucer_beside_it() -> None:
    """What the cup hides of its saucer takes the saucer's colour, not that of the cup that stands before it."""
    image = picture(42.0)
    found = tiers_of(image)
    assert found is not None
    [body] = Tiered().propose(View(read_cutout(image)))
    completion = body.coloring().completion
    assert isinstance(completion, TieredCompletion)
    angle = np.radians(np.linspace(150.0, 210.0, 13))
    for share in (0.7, 0.95):
        radius = share * float(found.radii.max())
        level = float(found.heights[found.body - 1])
        points = np.stack([radius * np.sin(angle), np.full(13, level), radius * np.cos(angle)], axis=1)
        colors = completion.colors(points, np.tile([0.0, 1.0, 0.0], (13, 1)))
        assert np.abs(colors - (190, 50, 30)).max() < 20.0
