"""Flat things that lie: found as boxes, and built with an outline of their own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.lying import Lying
from services.mesh.kinds.lying.plan import Ground, lying
from services.mesh.raster import covering
from services.mesh.shape.boxes.cuboid import rounded_box
from services.mesh.shape.boxes.refinement import find_box
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


def agreement(solid: Solid, camera: PhotoCamera, alpha: Floats) -> float:
    """IoU of the solid's silhouette with the matte."""
    pixels, _ = camera.project(solid.vertices)
    seen = covering(pixels, solid.faces, (alpha.shape[1], alpha.shape[0])) >= 0
    return float((seen & (alpha >= 0.5)).sum() / (seen | (alpha >= 0.5)).sum())


def test_points_on_the_ground_lie_at_their_depth() -> None:
    """The depth under a point of the picture is the one at which its view ray meets the ground; above the horizon there
    is none."""
    ground = Ground(0.3, -0.4, 3.5)
    x, up = np.array([-0.3, 0.0, 0.5]), np.array([-0.6, -0.5, -0.45])
    z = ground.depth(up)
    shrink = (ground.distance - z) / ground.distance
    points = np.stack([x * shrink, up * shrink, z], axis=1) @ ground.to_world().T
    assert np.ptp(points[:, 1]) < 1e-9
    assert ground.depth(np.array([5.0]))[0] == -np.inf


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
