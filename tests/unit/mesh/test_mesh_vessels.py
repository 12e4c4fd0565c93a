"""Vessels seen from above: mouths, what is in them, hidden feet, and plants in pots."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.explanation import explain
from services.mesh.kinds.turned import Turned
from services.mesh.raster import covering, far_to_near
from services.mesh.shape.lathe import lathe
from services.mesh.shape.outline import Axis, axis_camera
from services.mesh.shape.revolution import Revolution
from services.mesh.shape.turned import find_turned
from services.mesh.shape.vessel import Contents, footed, open_vessel, turned_solid
from services.mesh.solid import Solid
from services.mesh.view import View

Draw = Callable[..., NDArray[np.uint8]]
Color = tuple[int, int, int]

RED, WHITE, BROWN, STEEL, DARK = (180, 40, 40), (235, 230, 220), (80, 45, 20), (150, 150, 155), (55, 55, 60)
SIDE = 320


def seen_from(pitch_deg: float) -> PhotoCamera:
    """A camera that looks down at the origin."""
    return axis_camera(PhotoCamera.frontal((160.0, 160.0), 130.0), Axis(0.0, 0.0, 1.0), np.radians(pitch_deg))


def painted(solid: Solid, camera: PhotoCamera, paint: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Cutout:
    """A lit photo of a solid whose colour depends on the face's middle, radius and normal: (m, 5) -> (m, 3)."""
    pixels, depth = camera.project(solid.vertices)
    covered = covering(pixels, solid.faces, (SIDE, SIDE), far_to_near(depth, solid.faces))
    cross = solid.cross()
    unit = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)
    turn = camera.to_view[:, :3] / np.linalg.norm(camera.to_view[0, :3])
    light = np.array([-0.5, 0.6, 0.65])
    brightness = 0.4 + 0.6 * np.clip((unit @ turn.T) @ (light / np.linalg.norm(light)), 0.0, 1.0)
    middle = solid.vertices[solid.faces].mean(axis=1)
    outwards = np.einsum("ij,ij->i", unit[:, [0, 2]], middle[:, [0, 2]])
    about = np.column_stack([middle[:, 1], np.hypot(middle[:, 0], middle[:, 2]), outwards, unit[:, 1]])
    color = paint(about) * brightness[:, None]
    photo = np.zeros((SIDE, SIDE, 4), np.uint8)
    inside = covered >= 0
    photo[inside, :3] = color[covered[inside]].astype(np.uint8)
    photo[inside, 3] = 255
    return read_cutout(photo)


def cup() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heights and radii of a cup that widens upwards."""
    share = np.linspace(0.0, 1.0, 60)
    return 1.0 * share - 0.5, 0.5 + 0.25 * share**0.6


def coffee(pitch_deg: float) -> Cutout:
    """A red cup, white inside, with coffee 0.2 below its rim of 0.75."""
    heights, radii = cup()

    def paint(about: NDArray[np.float64]) -> NDArray[np.float64]:
        level = (about[:, 3] > 0.9) & (about[:, 0] > 0.0) & (about[:, 0] < 0.4)
        inside = (about[:, 2] < 0) | (about[:, 0] > 0.495)
        return np.where(level[:, None], BROWN, np.where(inside[:, None], WHITE, RED)).astype(np.float64)

    return painted(open_vessel(heights, radii, Contents(0.3, 0.7)), seen_from(pitch_deg), paint)


def canister(pitch_deg: float, lid: Color) -> Cutout:
    """A red can with a flat lid."""

    def paint(about: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where((about[:, 3] > 0.9)[:, None], lid, RED).astype(np.float64)

    return painted(turned_solid(np.linspace(-0.6, 0.6, 40), np.full(40, 0.5)), seen_from(pitch_deg), paint)


def deepest_on_axis(solid: Solid) -> float:
    """How far below its top the solid begins on its axis, as a share of its height."""
    low, high = float(solid.vertices[:, 1].min()), float(solid.vertices[:, 1].max())
    corners = solid.vertices[solid.faces][:, :, [0, 2]] - np.array([1e-3, 1.3e-3])
    sides = np.stack(
        [corners[:, k, 0] * corners[:, k - 1, 1] - corners[:, k, 1] * corners[:, k - 1, 0] for k in range(3)]
    )
    over = (np.all(sides >= 0, axis=0) | np.all(sides <= 0, axis=0)) & (np.abs(solid.cross()[:, 1]) > 1e-12)
    return (high - float(solid.vertices[solid.faces[over], 1].mean(axis=1).max())) / (high - low)


@pytest.mark.parametrize("pitch_deg", [32.0, 47.0])
def test_a_cup_of_coffee_is_open_and_filled(pitch_deg: float) -> None:
    """Pitch, mouth and level are read off the photo, and the model is a cup with a disc a little below its rim."""
    cutout = coffee(pitch_deg)
    found = find_turned(View(cutout))
    assert found.mouth is not None
    assert found.interior is not None
    assert found.interior.contents is not None
    assert abs(np.degrees(found.mouth.pitch) - pitch_deg) < 4.0
    depth = (found.mouth.height - found.interior.contents.level) / found.mouth.radius
    assert depth == pytest.approx(0.2 / 0.75, abs=0.09)
    raw = Turned().propose(View(cutout))[0]
    assert raw.solid.is_closed()
    assert 0.08 < deepest_on_axis(raw.solid) < 0.4


@pytest.mark.parametrize("pitch_deg", [35.0, 50.0])
def test_a_lid_is_no_opening(pitch_deg: float) -> None:
    """The flat end of a can gives the pitch, but nothing is dug into it."""
    cutout = canister(pitch_deg, WHITE)
    found = find_turned(View(cutout))
    assert found.lidded
    assert abs(np.degrees(found.body.pitch) - pitch_deg) < 4.0
    raw = Turned().propose(View(cutout))[0]
    assert deepest_on_axis(raw.solid) < 0.02


def test_a_ball_with_an_opening_gets_its_recess() -> None:
    """A dark opening that is narrower than the body is found all around and dug; the shoulder beside it stays light."""
    angle = np.linspace(-1.0, 1.0, 50)
    heights, radii = 0.8 * np.sin(angle), 0.8 * np.cos(angle)

    def paint(about: NDArray[np.float64]) -> NDArray[np.float64]:
        hole = (about[:, 2] < 0) & (about[:, 1] < 0.5)
        return np.where(hole[:, None], DARK, STEEL).astype(np.float64)

    cutout = painted(open_vessel(heights, radii, Contents(0.2, 0.38)), seen_from(35.0), paint)
    found = find_turned(View(cutout))
    assert found.mouth is not None
    assert found.mouth.radius < 0.65 * found.body.radii.max()
    assert found.interior is not None
    raw = Turned().propose(View(cutout))[0]
    assert deepest_on_axis(raw.solid) > 0.15
    wide = found.body.radii.max()
    high = found.mouth.height - 0.1
    behind = np.array([[0.0, high, -float(np.interp(high, found.body.heights, found.body.radii))]])
    completion = raw.coloring().completion
    assert completion is not None
    assert behind[0, 2] < -0.5 * wide
    assert completion.colors(behind, np.array([[0.0, 0.8, -0.6]])).mean() > 85.0


def test_what_has_no_mouth_is_not_opened() -> None:
    """A striped bottle and a ball show no circle all around."""
    angle = np.linspace(-1.5, 1.5, 60)
    ball = (0.8 * np.sin(angle), 0.8 * np.cos(angle))
    level = np.linspace(-0.8, 0.8, 120)
    bottle = (level, np.where(level < 0.3, 0.42, np.maximum(0.12, 0.42 - 1.3 * (level - 0.3))))

    def stripes(about: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where((np.floor(about[:, 0] * 8) % 2 == 0)[:, None], WHITE, RED).astype(np.float64)

    def plain(about: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.tile(np.array(RED, np.float64), (len(about), 1))

    for profile, paint in ((ball, plain), (bottle, stripes)):
        found = find_turned(View(painted(turned_solid(*profile), seen_from(30.0), paint)))
        assert found.mouth is None
        assert found.interior is None


def test_a_hidden_foot_is_made_up() -> None:
    """A bowl from above ends at its belly: its profile is carried on below, narrower and inside the lines of sight."""
    share = np.linspace(0.0, 1.0, 60)
    heights, radii = 0.5 * share, 0.4 + 0.5 * np.sqrt(1.0 - (1.0 - share) ** 2)
    cut = heights > 0.12
    fit = Revolution(Axis(0.0, 0.0, 1.0), np.radians(45.0), heights[cut], radii[cut], 1.0, 1.0, 0.0, seen_from(45.0))
    longer, carried = footed(fit, heights[cut], radii[cut])
    assert longer[0] < 0.06
    assert carried[0] < 0.7 * radii.max()
    assert np.all(np.diff(longer) > 0)
    straight = np.full(cut.sum(), 0.5)
    tall = np.linspace(0.0, 1.2, cut.sum())
    can = Revolution(Axis(0.0, 0.0, 1.0), np.radians(45.0), tall, straight, 1.0, 1.0, 0.0, seen_from(45.0))
    assert len(footed(can, tall, straight)[0]) == len(tall)


def test_a_sharp_foot_tells_the_pitch() -> None:
    """A plain cone shows no rim: the pitch beyond which its base's arc is not explained is the camera's."""
    share = np.linspace(0.0, 1.0, 60)

    def paint(about: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.tile(np.array(RED, np.float64), (len(about), 1))

    solid = lathe(
        np.vstack([[0.0, -0.6], np.stack([0.65 * (1.0 - share) + 0.01, 1.2 * share - 0.6], axis=1), [0, 0.6]])
    )
    found = find_turned(View(painted(solid, seen_from(36.0), paint)))
    assert abs(np.degrees(found.body.pitch) - 36.0) < 5.0


def test_a_plain_can_at_eye_level_is_round() -> None:
    """Its outline is a box's too: its light goes round, and that decides."""
    view = View(canister(5.0, RED))
    evidence = dict(Turned().propose(view)[0].evidence)
    assert evidence["agreement"] > 0.96
    assert evidence["round_light"] > 0.4
    assert explain(view).best.kind == "turned"


def test_an_axis_beside_the_middle_is_upright() -> None:
    """Where perspective leans the picture of an upright axis, the fitted axis follows the picture's line."""
    frontal = PhotoCamera.frontal((160.0, 160.0), 130.0)
    view = axis_camera(frontal, Axis(0.0, 0.3, 1.0), np.radians(45.0))
    ends, _ = view.project(np.array([[0.0, -0.1, 0.0], [0.0, 0.1, 0.0]]))
    assert abs(ends[1, 0] - ends[0, 0]) < 0.02 * abs(ends[1, 1] - ends[0, 1])
