"""How free shapes stand: the ground that a silhouette tells, soles, rows of wheels, and flat things that lie."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.lying import Lying
from services.mesh.kinds.lying.plan import lying
from services.mesh.raster import covering
from services.mesh.shape.boxes.cuboid import rounded_box
from services.mesh.shape.boxes.refinement import find_box
from services.mesh.shape.freeform import freeform, rounded_thickness
from services.mesh.shape.inflation import inflated_square, rounded_square
from services.mesh.shape.stance import facing, find_base, find_ground, has_corner, levelled
from services.mesh.solid import Solid, joined
from services.mesh.view import View

Floats = NDArray[np.float32]


def view_from(yaw_deg: float, pitch_deg: float) -> PhotoCamera:
    """A camera that sees a world turned to the viewer's right, from above."""
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    down = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return PhotoCamera.frontal((160.0, 160.0), 150.0).turned(down @ turn)


def block(size: tuple[float, float, float], at: tuple[float, float, float]) -> Solid:
    """A box of the given sides about a place."""
    box = rounded_box(0.5 * np.array(size), 0.01)
    return Solid(box.vertices + np.array(at), box.faces)


def seen_from(solid: Solid, camera: PhotoCamera) -> Cutout:
    """The cutout of a plain solid."""
    pixels, _ = camera.project(solid.vertices)
    covered = covering(pixels, solid.faces, (320, 320)) >= 0
    photo = np.full((320, 320, 4), 150, np.uint8)
    photo[..., 3] = np.where(covered, 255, 0)
    return read_cutout(photo)


def working(cutout: Cutout) -> tuple[Floats, PhotoCamera]:
    """The matte that shapes are built on, and its camera."""
    grid = View(cutout).grid(200)
    return grid.alpha, grid.camera


def free(alpha: Floats, camera: PhotoCamera) -> tuple[Solid, PhotoCamera]:
    """A round free shape on its base, and its camera."""
    base = find_base(alpha, camera)
    base = base if has_corner(base) else facing(base)
    form = freeform(alpha, camera, base, rounded_thickness(alpha, base, 0.0))
    return form.solid, form.camera


def agreement(solid: Solid, camera: PhotoCamera, alpha: Floats) -> float:
    """IoU of the solid's silhouette with the matte."""
    pixels, _ = camera.project(solid.vertices)
    seen = covering(pixels, solid.faces, (alpha.shape[1], alpha.shape[0])) >= 0
    return float((seen & (alpha >= 0.5)).sum() / (seen | (alpha >= 0.5)).sum())


def sole_of(solid: Solid, share: float = 0.02) -> NDArray[np.float64]:
    """(k, 2) points x, z of the solid within a share of its height from the ground."""
    y = solid.vertices[:, 1]
    return np.asarray(solid.vertices[y < y.min() + share * np.ptp(y)][:, [0, 2]])


@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [(40.0, 20.0), (-35.0, 30.0)])
def test_the_corner_of_a_base_tells_the_pitch(yaw_deg: float, pitch_deg: float) -> None:
    """Two sides of a block that recede from a corner are at right angles for one pitch only: the camera's."""
    alpha, camera = working(seen_from(block((1.0, 0.7, 0.8), (0, 0, 0)), view_from(yaw_deg, pitch_deg)))
    ground = find_ground(find_base(alpha, camera), camera, thickness=0.6)
    assert abs(np.degrees(ground.pitch) - pitch_deg) < 8.0


def test_points_on_the_ground_lie_at_their_depth() -> None:
    """The depth under a point of the base is the one at which its view ray meets the ground."""
    alpha, camera = working(seen_from(block((1.0, 0.7, 0.8), (0, 0, 0)), view_from(35.0, 20.0)))
    base = find_base(alpha, camera)
    ground = find_ground(base, camera, thickness=0.6)
    z = ground.depth(base.height)
    shrink = (camera.distance - z) / camera.distance
    points = np.stack([base.at * shrink, base.height * shrink, z], axis=1) @ ground.to_world().T
    assert np.ptp(points[:, 1]) < 1e-9
    assert ground.depth(np.array([5.0]))[0] == -np.inf


def table_on_legs(thick: float = 0.14) -> Solid:
    """A table on four legs."""
    legs = [block((thick, 0.8, thick), (x, 0.0, z)) for x in (-0.5, 0.5) for z in (-0.35, 0.35)]
    return joined([block((1.2, 0.25, 0.9), (0.0, 0.5, 0.0)), *legs])


def test_a_short_base_does_not_turn_the_thing() -> None:
    """A wheel's slanted tread under a long body says nothing of how the body is turned: its base is one point."""
    picture = np.zeros((200, 200), np.uint8)
    cv2.ellipse(picture, (100, 80), (85, 30), 0, 0, 360, 255, -1)
    cv2.fillConvexPoly(picture, np.array([[60, 90], [100, 90], [100, 150], [66, 160], [60, 150]]), 255)
    base = find_base(picture.astype(np.float32) / 255.0, PhotoCamera.frontal((100.0, 100.0), 90.0))
    assert len(base.at) == 1
    assert base.touches.any()


def test_feet_are_told_from_what_sticks_out() -> None:
    """All visible legs of a table touch the ground, the arms of a standing figure do not."""
    alpha, camera = working(seen_from(table_on_legs(), view_from(25.0, 18.0)))
    touching = find_base(alpha, camera).touches.astype(np.int8)
    assert int((np.diff(np.pad(touching, 1)) == 1).sum()) >= 3
    figure = np.zeros((200, 200), np.float32)
    figure[30:150, 85:115] = figure[60:75, 30:170] = 1.0
    figure[150:190, 85:97] = figure[150:188, 103:115] = 1.0
    base = find_base(figure, PhotoCamera.frontal((100.0, 100.0), 90.0))
    assert base.touches[86:96].all()
    assert base.touches[104:114].all()
    assert not base.touches[:80].any()
    assert not base.touches[120:].any()
    assert np.ptp(base.at) * 90.0 < 35.0


def test_a_ball_has_no_base_but_its_lowest_point() -> None:
    """A round belly is no plan of a base: the ground is not seen to recede."""
    y, x = np.indices((160, 160)) - 79.5
    ball = np.clip(70.0 - np.hypot(x, y) + 0.5, 0.0, 1.0).astype(np.float32)
    base = find_base(ball, PhotoCamera.frontal((80.0, 80.0), 70.0))
    assert np.ptp(base.height) < 0.02


@pytest.mark.parametrize("yaw_deg", [0.0, 30.0, -40.0])
def test_free_shapes_stand_as_they_were_seen(yaw_deg: float) -> None:
    """A block on legs, taken from any side, rests on a base that holds its centre of mass, and is still seen as the
    photo shows it."""
    alpha, camera = working(seen_from(table_on_legs(0.3), view_from(yaw_deg, 18.0)))
    solid, view = free(alpha, camera)
    assert solid.is_closed()
    assert agreement(solid, view, alpha) > 0.97
    sole = sole_of(solid)
    middle = np.asarray(trimesh.Trimesh(solid.vertices, solid.faces, process=False).center_mass)[[0, 2]]
    hull = cv2.convexHull(sole.astype(np.float32))
    assert cv2.pointPolygonTest(hull, (float(middle[0]), float(middle[1])), True) > -0.03
    assert np.ptp(sole[:, 0]) > 0.8


def test_what_stands_has_a_sole_and_no_keel() -> None:
    """An upright block that is inflated is as deep at the ground as half way up, nearly."""
    alpha = np.zeros((160, 160), np.float32)
    alpha[20:140, 40:120] = 1.0
    solid, _ = free(alpha, PhotoCamera.frontal((80.0, 80.0), 70.0))
    low, high = solid.vertices[:, 1].min(), solid.vertices[:, 1].max()
    half_way = solid.vertices[np.abs(solid.vertices[:, 1] - 0.5 * (low + high)) < 0.05]
    assert np.ptp(sole_of(solid)[:, 1]) > 0.6 * np.ptp(half_way[:, 2])


def test_thin_tools_stay_flat() -> None:
    """Of a thin thing only the lowest point is its base: it is not turned by chance differences of its ends."""
    tool = np.zeros((200, 300), np.uint8)
    cv2.line(tool, (30, 150), (270, 60), 1, 12)
    cv2.line(tool, (30, 60), (270, 130), 1, 12)
    alpha = tool.astype(np.float32)
    camera = PhotoCamera.frontal((150.0, 105.0), 130.0)
    base = levelled(find_base(alpha, camera))
    assert len(base.at) == 1
    solid = freeform(alpha, camera, base, rounded_thickness(alpha, base, 0.0)).solid
    assert np.ptp(solid.vertices[:, 2]) < 0.15 * np.ptp(solid.vertices[:, 0])


def test_squarer_cross_sections_keep_their_depth() -> None:
    """A superellipse is as deep as the circle on the spine and deeper beside it."""
    alpha = np.zeros((60, 220), np.float32)
    alpha[10:50, 10:210] = 1.0
    round_one, square_one = np.sqrt(inflated_square(alpha)), np.sqrt(rounded_square(alpha, 4.0))
    assert square_one[30, 110] == pytest.approx(round_one[30, 110], rel=0.06)
    assert square_one[13, 110] > 1.25 * round_one[13, 110]
    assert not square_one[alpha < 0.5].any()


@pytest.mark.parametrize("yaw_deg", [-35.0, 20.0])
def test_a_book_that_lies_is_found_as_a_box(yaw_deg: float) -> None:
    """The cuboid's fit finds flat boxes that are seen from above too, with their three sides."""
    cutout = seen_from(block((1.3, 0.16, 0.9), (0.0, 0.0, 0.0)), view_from(yaw_deg, 33.0))
    fit = find_box(View(cutout))
    assert fit.agreement > 0.96
    assert sorted(fit.half / fit.half.max()) == pytest.approx([0.16 / 1.3, 0.9 / 1.3, 1.0], abs=0.12)
    assert np.degrees(fit.pitch) == pytest.approx(33.0, abs=7.0)


def test_flat_things_with_an_outline_of_their_own_lie() -> None:
    """A flat thing with a notched outline, seen from above, lies on the ground with its outline and its height."""
    plate = joined([block((1.3, 0.16, 0.7), (0.0, 0.0, 0.1)), block((0.7, 0.16, 0.3), (-0.25, 0.0, -0.35))])
    cutout = seen_from(plate, view_from(-25.0, 35.0))
    box = find_box(View(cutout))
    matte, camera = working(cutout)
    solid, view = lying(matte, camera, box)
    assert solid.is_closed()
    assert agreement(solid, view, matte) > 0.97
    size = np.ptp(solid.vertices, axis=0)
    assert size[1] < 0.3 * min(size[0], size[2])
    [proposed] = Lying().propose(View(cutout))
    assert np.ptp(proposed.solid.vertices[:, 1]) < 0.4 * np.ptp(proposed.solid.vertices[:, 0])
