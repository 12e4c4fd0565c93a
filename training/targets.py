"""What the network shall say of a picture: the field along its rays, front depth, normals, and the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quality.gl import Picture, PictureCamera
from services.mesh.network import FieldFrame
from training.occupancy import Carving, sampled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """The truth about one picture, as compact as it is stored.

    Attributes:
        rgba: (s, s, 4) uint8, straight alpha.
        depth: (s, s) float16, z of the front surface in half sides of the picture, 0 outside.
        normals: (s, s, 2) int8, x and y of the front normals in the view's axes, times 127.
        field: (bins, rows, columns) uint8, 255 inside the solid, 0 outside, linear over one bin across its surface.
        camera: (4,) float32: pitch, roll, distance in half sides of the picture, half side in radii of the object.
    """

    rgba: NDArray[np.uint8]
    depth: NDArray[np.float16]
    normals: NDArray[np.int8]
    field: NDArray[np.uint8]
    camera: Floats


def target(picture: Picture, grid: Floats, carving: Carving, frame: FieldFrame) -> Target:
    """The truth about a picture of an object whose distance grid is given."""
    camera = picture.camera
    half = picture.rgba.shape[0] / 2 / camera.pixels
    row, column = np.nonzero(_coarse(picture.rgba[..., 3], frame.cells) > 0)
    points = ray_points(camera, half, frame, row, column)
    rotation, shift = camera.world_to_view[:, :3], camera.world_to_view[:, 3]
    world = (points - shift) @ rotation
    bin_depth = 2.0 * frame.reach * half / frame.cells
    inside = np.clip(0.5 - sampled(grid, world, carving) / bin_depth, 0.0, 1.0)
    # Thin parts that fall between the samples of their ray: a layer one bin deep behind the front surface.
    front = _front(picture, frame.cells)[row, column]
    layer = np.clip(1.0 - np.abs(points[..., 2] - front + bin_depth / 2) / bin_depth, 0.0, 1.0)
    inside = np.where(inside.max(axis=0) < 0.55, np.maximum(inside, layer), inside)
    field = np.zeros((frame.cells,) * 3, np.uint8)
    field[:, row, column] = np.round(inside * 255.0).astype(np.uint8)
    return Target(
        rgba=picture.rgba,
        depth=(picture.depth / half).astype(np.float16),
        normals=np.round(picture.normals[..., :2] * 127.0).astype(np.int8),
        field=field,
        camera=np.array([camera.pose.pitch, camera.pose.roll, camera.distance / half, half], np.float32),
    )


def ray_points(
    camera: PictureCamera, half: float, frame: FieldFrame, row: NDArray[np.int64], column: NDArray[np.int64]
) -> Doubles:
    """(bins, n, 3) points in the view along the rays through n cells of the field; bin 0 is nearest to the viewer."""
    cells = frame.cells
    u = ((column + 0.5) / cells * 2.0 - 1.0) * half
    v = (1.0 - (row + 0.5) / cells * 2.0) * half
    z = (1.0 - (np.arange(cells) + 0.5) / cells * 2.0) * frame.reach * half
    scale = ((camera.distance - z) / camera.distance)[:, None]
    return np.stack([u * scale, v * scale, np.broadcast_to(z[:, None], (cells, len(u)))], axis=-1)


def _coarse(alpha: NDArray[np.uint8], cells: int) -> NDArray[np.uint8]:
    """(cells, cells): the largest alpha in each cell."""
    step = len(alpha) // cells
    return np.asarray(alpha.reshape(cells, step, cells, step).max(axis=(1, 3)))


def _front(picture: Picture, cells: int) -> Floats:
    """(cells, cells): z of the front surface, the mean over what is covered of each cell."""
    step = len(picture.depth) // cells
    covered = (picture.rgba[..., 3] > 0).astype(np.float32)
    blocks = [(a.reshape(cells, step, cells, step)).sum(axis=(1, 3)) for a in (picture.depth * covered, covered)]
    return np.asarray(blocks[0] / np.maximum(blocks[1], 1e-6), np.float32)
