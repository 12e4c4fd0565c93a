"""Free shapes: turned only where their base tells how, on the feet that show, with every hole that parts leave."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.kinds.free import Free
from services.mesh.raster import covering
from services.mesh.shape.freeform import freeform, rounded_thickness
from services.mesh.shape.stance import Base, facing, find_base, find_ground, has_corner, levelled
from services.mesh.solid import Solid
from services.mesh.view import View

Floats = NDArray[np.float32]

CAMERA = PhotoCamera.frontal((120.0, 120.0), 105.0)


def free(alpha: Floats, base: Base, flatness: float = 0.0) -> tuple[Solid, PhotoCamera]:
    """A free shape on a base, and its camera."""
    form = freeform(alpha, CAMERA, base, rounded_thickness(alpha, base, flatness))
    return form.solid, form.camera


def drawn(*shapes: list[tuple[int, int]]) -> Floats:
    """Filled polygons as a matte."""
    picture = np.zeros((240, 240), np.uint8)
    for shape in shapes:
        cv2.fillPoly(picture, [np.array(shape, np.int32)], 1)
    return picture.astype(np.float32)


def boot() -> Floats:
    """A boot from its side, whose sole climbs a little towards the toe, as it does in a photo from close by."""
    return drawn([(50, 40), (110, 40), (115, 130), (200, 150), (215, 185), (50, 205), (45, 120)])


def beast() -> Floats:
    """A thick body on a near foot and a far one, which ends higher in the picture."""
    body = [(30, 80), (60, 55), (180, 55), (210, 80), (210, 120), (180, 140), (60, 140), (30, 120)]
    return drawn(body, [(60, 130), (82, 130), (82, 210), (60, 210)], [(165, 130), (185, 130), (185, 198), (165, 198)])


def test_one_receding_side_turns_nothing() -> None:
    """The toe of a boot that lies higher in the picture than its heel does not shear the boot: both lie in one upright
    plane."""
    alpha = boot()
    base = find_base(alpha, CAMERA)
    assert np.ptp(base.height) > 0.05
    assert not has_corner(base)
    solid, _ = free(alpha, facing(base))
    x, z = solid.vertices[:, 0], solid.vertices[:, 2]
    share = (x - x.min()) / np.ptp(x)
    middle = [0.5 * (z[part].min() + z[part].max()) for part in (share < 0.2, share > 0.8)]
    assert abs(middle[0] - middle[1]) < 0.12 * np.ptp(x)


def test_two_receding_sides_turn() -> None:
    """Where a base recedes to both sides of a straight corner, the shape recedes with it."""
    block = drawn([(40, 70), (120, 100), (205, 60), (205, 150), (120, 205), (40, 170)])
    base = find_base(block, CAMERA)
    assert has_corner(base)
    assert len(base.at) > 1
    assert np.degrees(find_ground(base, CAMERA, 0.5).pitch) > 12.0


def test_a_far_foot_stands_under_the_body() -> None:
    """A foot that ends higher in the picture stands farther back on the same ground, but not behind the body."""
    alpha = beast()
    base = find_base(alpha, CAMERA)
    assert not has_corner(base)
    assert not levelled(base).touches[170:180].any()
    assert facing(base).touches[170:180].all()
    solid, view = free(alpha, facing(base))
    low = solid.vertices[:, 1].min()
    tall = np.ptp(solid.vertices[:, 1])
    right = solid.vertices[(solid.vertices[:, 0] > 0.2) & (solid.vertices[:, 1] < low + 0.3 * tall)]
    assert right[:, 1].min() < low + 0.03 * tall
    assert right[:, 2].min() > 1.6 * solid.vertices[:, 2].min()
    pixels, _ = view.project(solid.vertices)
    seen = covering(pixels, solid.faces, (240, 240)) >= 0
    assert float((seen & (alpha > 0)).sum() / (seen | (alpha > 0)).sum()) > 0.97


@pytest.mark.parametrize("floors", [24])
def test_a_lattice_keeps_its_holes(floors: int) -> None:
    """A tower of beams with two hundred openings is not blurred to a wall."""
    mask = np.zeros((1000, 1000), np.uint8)
    for column in range(5):
        cv2.line(mask, (200 + 140 * column, 80), (200 + 140 * column, 940), 255, 9)
    for floor in range(floors):
        y = 80 + 37 * floor
        cv2.line(mask, (200, y), (760, y), 255, 6)
        for column in range(4):
            cv2.line(mask, (200 + 140 * column, y), (340 + 140 * column, y + 37), 255, 5)
    cv2.rectangle(mask, (100, 920), (900, 960), 255, -1)
    cv2.ellipse(mask, (830, 500), (50, 420), 0, 0, 360, 255, -1)
    cutout = read_cutout(np.dstack([np.full((*mask.shape, 3), 140, np.uint8), mask]))
    proposed = Free().propose(View(cutout))[0]
    assert proposed.detailed is not None
    solid, seen_by = proposed.detailed()
    camera = seen_by.scaled(0.5)
    size = (cutout.alpha.shape[1] // 2, cutout.alpha.shape[0] // 2)
    pixels, _ = camera.project(solid.vertices)
    seen = covering(pixels, solid.faces, size) >= 0
    wanted = cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA) >= 0.5
    assert float((seen & wanted).sum() / (seen | wanted).sum()) > 0.8


def test_what_hangs_down_behind_near_feet_is_no_foot() -> None:
    """Where two feet hold a thing, a tail that ends above them is not drawn back to the ground."""
    tail = [(205, 80), (218, 80), (222, 188), (212, 188)]
    legs = [[(60, 130), (82, 130), (82, 210), (60, 210)], [(165, 130), (185, 130), (185, 209), (165, 209)]]
    body = [(30, 80), (60, 55), (180, 55), (222, 80), (210, 120), (180, 140), (60, 140), (30, 120)]
    base = find_base(drawn(body, tail, *legs), CAMERA)
    assert base.feet[213:221].any()
    front = facing(base)
    assert not front.touches[205:].any()
    assert front.touches[65:80].all()
    assert front.touches[167:183].all()
