"""What a GLB says of the photos that its model was made from: the mesh stage writes it into ``asset.extras``.

A file from elsewhere says nothing, and a damaged note counts as none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import turn
from lensora.core.errors import InvalidMesh
from lensora.core.words import MOST_VIEWS, ViewSide
from services.render.glb import chunks

Doubles = NDArray[np.float64]

UNREADABLE = (InvalidMesh, LookupError, ValueError, TypeError, OverflowError, RecursionError)
"""What reading a note that is not there, or not what it should be, may raise."""


def source_view(data: bytes) -> Doubles | None:
    """(3, 3) rotation from the file's axes to those of the photo that the mesh was made from (x right, y up, z towards
    the camera); None where the file does not say."""
    try:
        view = _extras(data)["source_view"]["world_to_camera"]
        rotation = np.array([row[:3] for row in view[:3]], np.float64)
    except UNREADABLE:
        return None
    if rotation.shape != (3, 3) or not np.isfinite(rotation).all():
        return None
    lengths = np.linalg.norm(rotation, axis=1)
    if lengths.min() < 1e-6:
        return None
    rotation /= lengths[:, None]
    return rotation if np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) else None


def elevation_of(view: Doubles) -> float:
    """How far from above a photo was taken whose ``source_view`` this is, radians."""
    return float(np.arcsin(np.clip(view[2, 1], -1.0, 1.0)))


def photo_sides(data: bytes) -> Doubles:
    """(k, 3) unit vectors towards the cameras of the photos, the file's frame, the main photo first; none where the
    file does not say.

    Of a further photo the file has the turn about the upright axis alone: it is taken to be as high as the main one.
    """
    view = source_view(data)
    if view is None:
        return np.zeros((0, 3))
    sides = [view[2]]
    try:
        for further in _extras(data).get("further_views", [])[:MOST_VIEWS]:
            yaw = math.radians(float(further["yaw_deg"]))
            sides.append(np.array([0.0, 1.0, 0.0]) if further["side"] == ViewSide.TOP else turn(yaw) @ view[2])
    except UNREADABLE:
        return view[2:3]
    found = np.stack(sides)
    return found if np.isfinite(found).all() else view[2:3]


def confidence_of(data: bytes) -> float:
    """How likely the model is about right where no photo shows it, 0..1; 1 where the file does not say."""
    try:
        value = float(_extras(data)["confidence"])
    except UNREADABLE:
        return 1.0
    return min(1.0, max(0.0, value)) if math.isfinite(value) else 1.0


def _extras(data: bytes) -> dict[str, Any]:
    extras: dict[str, Any] = chunks(data)[0]["asset"]["extras"]
    return extras
