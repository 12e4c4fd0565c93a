"""A finished model at the true size of its thing.

The stage works at one size, whatever the thing's: its tolerances are lengths of a tabletop thing. The size is set at
the end, and changes nothing else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lensora.core.size import RealSize
from services.mesh.camera import PhotoCamera
from services.mesh.finish.surface import Surface
from services.mesh.solid import Solid


def enlargement(solid: Solid, size: RealSize | None) -> float:
    """How many times larger the thing is than its model; 1 where nobody has measured it."""
    if size is None:
        return 1.0
    axis = solid.vertices[:, size.extent.axis]
    return size.metres / max(float(axis.max() - axis.min()), 1e-9)


def enlarged(solid: Solid, surface: Surface, camera: PhotoCamera, times: float) -> tuple[Solid, Surface, PhotoCamera]:
    """All three in a world that is ``times`` as large, about the point that the model stands on."""
    if times == 1.0:
        return solid, surface, camera
    move = np.hstack([np.eye(3) * times, np.zeros((3, 1))])
    positions = (surface.positions.astype(np.float64) * times).astype(np.float32)
    return solid.moved(move), replace(surface, positions=positions), camera.after(move)
