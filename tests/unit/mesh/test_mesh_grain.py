"""Texture made by example: a material's grain, rings sewn around, and the sides of boxes."""

from __future__ import annotations

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.box.panels import PanelCompletion, plain_parts
from services.mesh.texturing.grain import TILE_PX, grain_of
from services.mesh.texturing.quilting import Example, quilted
from services.mesh.texturing.rings import RingCompletion

SIDE = 400
Floats = NDArray[np.float32]


def _speckled(deviation: float) -> NDArray[np.uint8]:
    """A disc of brown with blotches of two pixels."""
    noise = np.random.default_rng(3).normal(0.0, 1.0, (SIDE, SIDE)).astype(np.float32)
    blotch = cv2.GaussianBlur(noise, (0, 0), 1.6)
    image = np.array([150, 120, 80], np.float32) + (deviation * blotch / blotch.std())[..., None]
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, (SIDE // 2, SIDE // 2), 180, 255, -1)
    return np.dstack([np.clip(image, 0, 255).astype(np.uint8), mask])


def _cutout(rgba: NDArray[np.uint8]) -> Cutout:
    return read_cutout(rgba)


def test_grain_is_as_strong_as_in_the_photo_and_repeats() -> None:
    """A speckled body's tile has the speckles' deviation, and its opposite edges meet."""
    cutout = _cutout(_speckled(8.0))
    grain = grain_of(cutout, cutout.mask)
    assert 6.0 < grain.tile.std() < 10.0
    assert grain.tile.shape == (TILE_PX, TILE_PX, 3)
    across = np.abs(np.diff(grain.tile, axis=0)).mean()
    assert np.abs(grain.tile[0] - grain.tile[-1]).mean() < 1.5 * across
    assert 0.6 < grain.usual <= 1.0


def test_print_does_not_come_through_as_grain() -> None:
    """A plain body covered with letters but for one corner lends its back the corner's calm, not the letters."""
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[20:380, 20:380] = (60, 60, 66, 255)
    for row in range(60, 370, 34):
        cv2.putText(rgba, "POWER 12345", (30, row), cv2.FONT_HERSHEY_DUPLEX, 1.0, (240, 240, 240, 255), 2)
    cutout = _cutout(rgba)
    assert grain_of(cutout, cutout.mask).tile.std() < 6.0


def test_grain_reaches_every_side() -> None:
    """Sides along all three axes get grain of the same strength, and slanted ones no less."""
    cutout = _cutout(_speckled(8.0))
    grain = grain_of(cutout, cutout.mask)
    at = np.random.default_rng(1).uniform(-200.0, 200.0, (4000, 3))
    for normal in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (0.577, 0.577, 0.577)):
        levels = grain.levels(at, np.tile(normal, (4000, 1)))
        assert 0.75 * grain.tile.std() < levels.std() < 1.25 * grain.tile.std()


def test_what_is_sewn_on_keeps_its_height_and_repeats_nothing_unusable() -> None:
    """Bands of the example come out at their own rows; a spot that is marked as unusable comes out nowhere."""
    random = np.random.default_rng(4)
    rows, columns = 200, 240
    detail = random.normal(0.0, 0.05, (rows, columns, 3)).astype(np.float32)
    detail[60:120] += 0.5
    detail[20:40, 100:120] = 5.0
    usable = np.ones((rows, columns), bool)
    usable[10:50, 90:130] = False
    canvas = np.zeros((rows, 700, 3), np.float32)
    canvas[:, :100], canvas[:, 600:] = detail[:, :100], detail[:, 130:230]
    made = quilted(canvas, (100, 600), Example(detail, usable))
    inner = made[:, 120:580]
    assert np.array_equal(made[:, :60], canvas[:, :60])
    assert (
        inner[70:110].mean() > 0.45 and abs(float(inner[:45].mean())) < 0.05 and abs(float(inner[135:].mean())) < 0.05
    )
    assert inner.max() < 2.0
    assert 0.03 < inner[140:].std() < 0.08
    assert np.array_equal(made, quilted(canvas, (100, 600), Example(detail, usable)))


def _rings(texture: Floats) -> RingCompletion:
    """The rings of a cylinder of radius 0.6 that wears a texture (h, w, 3) over its front half."""
    camera = PhotoCamera.frontal((SIDE / 2, SIDE / 2), 0.35 * SIDE)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) + 0.5
    # The ray of a pixel meets the cylinder where x = 0.6 sin(angle): close enough without the perspective.
    across = np.clip((x - SIDE / 2) / (0.35 * SIDE) / 0.62, -1.0, 1.0)
    at_x = (np.arcsin(across) / np.pi + 0.5) * (texture.shape[1] - 1)
    photo = cv2.remap(texture, at_x.astype(np.float32), y * (texture.shape[0] / SIDE), cv2.INTER_LINEAR)
    heights = np.linspace(-0.9, 0.9, 40)
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    return RingCompletion(np.clip(photo, 0, 255).astype(np.uint8), everywhere, camera, heights, np.full(40, 0.6))


def _around(rings: RingCompletion, degrees: NDArray[np.float64]) -> Floats:
    """(200 heights, angles, 3) of the colours around the cylinder."""
    angle, level = np.radians(degrees), np.linspace(-0.8, 0.8, 200)
    out = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=1)
    points = 0.6 * out[None] + np.array([0.0, 1.0, 0.0]) * level[:, None, None]
    normals = np.broadcast_to(out[None], points.shape).reshape(-1, 3)
    return rings.colors(points.reshape(-1, 3), normals).reshape(len(level), -1, 3)


def test_stripes_go_round_and_keep_their_colours() -> None:
    """Behind, upright stripes alternate as often as in front, between the same two colours."""
    texture = np.full((SIDE, 1200, 3), (225, 215, 195), np.float32)
    for start in range(0, 1200, 120):
        texture[:, start : start + 50] = (40, 70, 160)
    behind = _around(_rings(texture), np.linspace(110.0, 250.0, 421)).mean(axis=0)
    red = behind[:, 0]
    changes = int((np.diff((red > 130).astype(int)) != 0).sum())
    assert 10 <= changes <= 24
    assert np.percentile(red, 90) > 190 and np.percentile(red, 10) < 90


def test_a_label_is_not_sewn_on_again() -> None:
    """A cream label with text on a speckled green bottle is nowhere behind; the speckles are."""
    noise = np.random.default_rng(6).normal(0.0, 1.0, (SIDE, 1200)).astype(np.float32)
    blotch = cv2.GaussianBlur(noise, (0, 0), 3.0)
    texture = np.clip(np.array([30, 100, 50]) + (10.0 * blotch / blotch.std())[..., None], 0, 255).astype(np.uint8)
    cv2.rectangle(texture, (400, 150), (800, 270), (240, 235, 220), -1)
    cv2.putText(texture, "OLIVE", (420, 235), cv2.FONT_HERSHEY_DUPLEX, 3.2, (20, 30, 20), 6)
    behind = _around(_rings(texture.astype(np.float32)), np.linspace(100.0, 260.0, 300))
    assert behind[..., 0].max() < 110
    assert (behind - cv2.GaussianBlur(behind, (0, 0), 12.0)).std() > 2.5


def test_nothing_jumps_where_the_photo_ends() -> None:
    """Colours just before and just behind the edge of what is kept are alike, whatever lies on either side of it."""
    texture = np.zeros((SIDE, 1200, 3), np.float32)
    texture[:] = np.linspace(60.0, 220.0, 1200)[None, :, None]
    strip = _around(_rings(texture), np.linspace(40.0, 320.0, 561)).mean(axis=(0, 2))
    assert np.abs(np.diff(strip)).max() < 4.0
    assert abs(float(strip[0]) - float(strip[-1])) > 60


def _box_photo() -> tuple[Cutout, PhotoCamera, NDArray[np.float64]]:
    """A white carton, seen from the upper left front: a red band round its front, a black blot printed on it."""
    half = np.array([0.5, 0.6, 0.4])
    turn = trimesh.transformations.euler_matrix(np.radians(20.0), np.radians(30.0), 0.0, "rxyz")[:3, :3]
    camera = PhotoCamera.frontal((SIDE / 2, SIDE / 2), 0.4 * SIDE).turned(turn)
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)

    def drawn(points: list[list[float]], color: tuple[int, int, int]) -> None:
        pixels, _ = camera.project(np.array(points) * half)
        cv2.fillPoly(rgba, [np.round(pixels).astype(np.int32)], (*color, 255))

    drawn([[-1, 1, -1], [1, 1, -1], [1, 1, 1], [-1, 1, 1]], (230, 230, 225))
    drawn([[-1, -1, -1], [-1, 1, -1], [-1, 1, 1], [-1, -1, 1]], (200, 200, 195))
    drawn([[1, -1, -1], [1, 1, -1], [1, 1, 1], [1, -1, 1]], (200, 200, 195))
    drawn([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], (215, 215, 210))
    drawn([[-1, -0.3, 1], [1, -0.3, 1], [1, 0.0, 1], [-1, 0.0, 1]], (190, 30, 30))
    drawn([[-0.3, 0.3, 1], [0.3, 0.3, 1], [0.3, 0.7, 1], [-0.3, 0.7, 1]], (20, 20, 20))
    cutout = read_cutout(rgba)
    here = camera.scaled(1.0, (-float(cutout.origin[0]), -float(cutout.origin[1]))).scaled(cutout.scale)
    return cutout, here, half


def test_a_band_goes_round_a_box_and_a_print_does_not() -> None:
    """The back has the front's red band at its height, and white where the front has its blot."""
    cutout, camera, half = _box_photo()
    panels = PanelCompletion(cutout, camera, half)
    at = np.array([[0.0, -0.15, -1.0], [0.0, 0.5, -1.0], [0.6, -0.7, -1.0]]) * half
    band, print_, ground = panels.colors(at, np.tile([0.0, 0.0, -1.0], (3, 1)))
    assert band[0] - band[1] > 100
    assert np.abs(print_ - ground).max() < 12 and ground.min() > 180


def test_neither_a_print_nor_an_edge_is_the_grain_of_a_carton() -> None:
    """Only what has the ground colour of its side is looked at: not the blot, the band, nor where two sides meet."""
    cutout, camera, half = _box_photo()
    plain = plain_parts(cutout, camera, half)
    at = np.array([[0.6, -0.6, 1.0], [0.0, 0.5, 1.0], [0.0, -0.15, 1.0], [0.0, 0.97, 1.0], [0.0, 1.0, 0.0]]) * half
    pixels, _ = camera.project(at)
    ground, blot, band, edge, top = plain[pixels[:, 1].astype(int), pixels[:, 0].astype(int)]
    assert ground and top
    assert not (blot or band or edge)
