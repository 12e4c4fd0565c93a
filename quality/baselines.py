"""What any method must beat: the silhouette as a slab, and its plain Poisson inflation."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.shape.inflation import poisson_square
from services.mesh.shape.relief import relief
from services.mesh.solid import Solid

SLAB_HALF_THICKNESS = 0.08
"""Of the slab, in radii of the silhouette."""


def slab(rgba: NDArray[np.uint8]) -> trimesh.Trimesh:
    """The silhouette with flat front and back."""
    alpha, camera = _grid(rgba)
    half = SLAB_HALF_THICKNESS * camera.pixels
    return _trimesh(relief(alpha, np.where(alpha >= 0.5, np.float32(half**2), np.float32(0.0)), camera))


def inflation(rgba: NDArray[np.uint8]) -> trimesh.Trimesh:
    """The plain Poisson inflation: a disc becomes a sphere."""
    alpha, camera = _grid(rgba)
    return _trimesh(relief(alpha, poisson_square(alpha), camera))


def _grid(rgba: NDArray[np.uint8]) -> tuple[NDArray[np.float32], PhotoCamera]:
    cutout = read_cutout(rgba)
    alpha, factor = cutout.working_alpha(192)
    return alpha, cutout.camera.scaled(factor, (2.0, 2.0))


def _trimesh(solid: Solid) -> trimesh.Trimesh:
    return trimesh.Trimesh(solid.vertices, solid.faces, process=False)
