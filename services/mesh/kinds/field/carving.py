"""The shape network's field as a closed solid with the photo's own outline."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lensora.core.errors import InvalidMesh
from services.mesh.camera import PhotoCamera, upright_rotation
from services.mesh.cutout import Cutout, kept_thin
from services.mesh.network import ShapePrediction
from services.mesh.shape.isosurface import calmed, isosurface
from services.mesh.solid import Solid

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Carving:
    """How the field is cut.

    Attributes:
        side: rows and columns of the grid that is cut; the field has fewer.
        limit: logits are cut off here, so that the surface lies where the field crosses 0, not where it is loudest.
        smooth: sigma of the blur of the logits, cells of the field; the best on ``tune`` of 1.3, 2, 2.5, 3 and 4.
        fine_smooth: sigma of the blur before the layer is measured.
        sharpness: logits times this give the layer's likelihoods: the blur has made them less sure than they are.
        sure: likelihoods of being inside, at a ray's likeliest place: up to the first the layer alone is taken, from
            the second on the field alone.
        calm: sigma of the blur of the layer's middle and thickness, cells of the field.
        least: half thickness that the layer has everywhere, bins: thin parts are kept.
        step: bins from the layer's surface for a logit of 1.
        rim: steepness of the outline's wall, logits for half a step of the matte.
        edge: matte at which that wall stands: under 0.5, as the grid's cells and the smoothing take from the outline
            (0.35 loses and adds least on ``tune``, of 0.25 to 0.5).
        crumb: islands in space under this share of the largest one are dropped, if others stand before or behind them.
        rounds: rounds of smoothing of the surface: the field's bins are coarse, and would show as terraces.
    """

    side: int = 96
    limit: float = 4.0
    smooth: float = 2.5
    fine_smooth: float = 1.3
    sharpness: float = 2.0
    sure: tuple[float, float] = (0.5, 0.65)
    calm: float = 1.0
    least: float = 0.8
    step: float = 1.25
    rim: float = 6.0
    edge: float = 0.35
    crumb: float = 0.02
    rounds: int = 8


def solid_from_prediction(
    prediction: ShapePrediction, cutout: Cutout, carving: Carving | None = None
) -> tuple[Solid, PhotoCamera]:
    """Cut the field along the matte, take its zero surface, and stand it upright.

    Args:
        prediction: what the network says.
        cutout: of what.
        carving: how it is cut.

    Returns:
        the closed solid in an upright world, units of the cutout's camera (the silhouette's circle has radius 1), and
        the camera that saw it, in pixels of the cutout.

    Raises:
        InvalidMesh: nothing is inside.
    """
    how = carving or Carving()
    frame = prediction.frame
    alpha = _matte(prediction, cutout, how.side)
    inside = _whole(_cut(prediction, alpha, how), how.crumb)
    if not (inside > 0).any():
        raise InvalidMesh("the shape network's field is empty")
    padded = np.pad(inside, 1, constant_values=-how.limit)
    points, faces = isosurface(padded)
    side = how.side
    # Bins are deeper than rows and columns are wide: lengths in half sides.
    cell = np.array([2.0 * frame.reach / frame.cells, 2.0 / side, 2.0 / side])
    points = calmed(points * cell, faces, how.rounds) / cell
    z = (1.0 - (points[:, 0] - 0.5) / frame.cells * 2.0) * frame.reach
    u = (points[:, 2] - 0.5) / side * 2.0 - 1.0
    v = 1.0 - (points[:, 1] - 0.5) / side * 2.0
    away = (prediction.distance - z) / prediction.distance
    view = np.stack([u * away, v * away, z], axis=1).astype(np.float64)
    unit = prediction.half_side_px / cutout.camera.pixels
    rotation = upright_rotation(prediction.pitch, prediction.roll)
    # Bins, rows and columns run along -z, -y and x, which is a left-handed frame of the view.
    solid = Solid(view * unit @ rotation, faces[:, ::-1].copy())
    to_view = np.hstack([rotation, np.zeros((3, 1))])
    center = (float(prediction.center_px[0]), float(prediction.center_px[1]))
    return solid, PhotoCamera(to_view, center, cutout.camera.pixels, prediction.distance * unit)


def _matte(prediction: ShapePrediction, cutout: Cutout, side: int) -> Floats:
    """(side, side) the matte on the grid's rows and columns, wires kept."""
    scale = side / (2.0 * prediction.half_side_px)
    shift = [side / 2 - c * scale - 0.5 + 0.5 * scale for c in prediction.center_px]
    move = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    blurred = cv2.GaussianBlur(cutout.alpha, (0, 0), 0.4 / scale) if scale < 0.8 else cutout.alpha
    alpha = cv2.warpAffine(blurred, move, (side, side), flags=cv2.INTER_LINEAR)
    return kept_thin(np.asarray(alpha, np.float32))


def _cut(prediction: ShapePrediction, alpha: Floats, how: Carving) -> Floats:
    """(bins, side, side) logits on the finer grid, negative outside the outline.

    Where the network knows where a ray enters and leaves, its field is taken. Where it does not, no place of the ray is
    likely by itself, and the field's surface would be torn: there one layer stands at the expected place, as thick as
    is expected. One passes into the other smoothly.
    """
    logits = np.clip(prediction.field, -how.limit, how.limit)
    rows, columns = _nearest_inside(alpha, logits.shape[1])
    logits = logits[:, rows, columns]
    field = ndimage.gaussian_filter(logits, how.smooth)
    low, high = how.sure
    sure = np.clip((_likely(field.max(axis=0)) - low) / (high - low), 0.0, 1.0)
    middle, thickness = _expected(_likely(how.sharpness * ndimage.gaussian_filter(logits, how.fine_smooth)))
    side, count = len(alpha), len(field)
    sure = _smoothed(sure, 1.0, side)
    half = np.maximum(_smoothed(thickness, how.calm, side) / 2.0, how.least)
    middle = np.clip(_smoothed(middle, how.calm, side), 2, count - 3)
    fine = np.stack([cv2.resize(layer, (side, side), interpolation=cv2.INTER_LINEAR) for layer in field])
    bins = np.arange(count, dtype=np.float32)[:, None, None]
    layer = np.clip((half - np.abs(bins - middle)) / how.step, -how.limit, how.limit)
    return np.asarray(np.minimum(layer + sure * (fine - layer), how.rim * 2.0 * (alpha - how.edge)), np.float32)


def _likely(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), np.float32)


def _expected(likely: Floats) -> tuple[Floats, Floats]:
    """(rows, columns) expected middle of what is inside along each ray, and how much of the ray that is, in bins."""
    thickness = likely.sum(axis=0)
    bins = np.arange(len(likely), dtype=np.float32)
    middle = np.tensordot(bins, likely, 1) / np.maximum(thickness, 1e-3)
    return np.asarray(middle, np.float32), np.asarray(thickness, np.float32)


def _smoothed(plane: Floats, sigma: float, side: int) -> Floats:
    """(side, side) of a plane that is blurred by so many of its cells."""
    blurred = cv2.GaussianBlur(plane, (0, 0), sigma)
    return np.asarray(cv2.resize(blurred, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def _nearest_inside(alpha: Floats, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(cells, cells) row and column of the nearest cell inside the outline: the network is trained inside it only, and
    beyond it, what it says of that cell says more."""
    inside = cv2.resize(alpha, (cells, cells), interpolation=cv2.INTER_AREA) >= 0.3
    if not inside.any():
        inside[:] = True
    _, near = ndimage.distance_transform_edt(~inside, return_indices=True)
    return near[0], near[1]


def _whole(inside: Floats, crumb: float) -> Floats:
    """The field without islands that are small and that nobody would miss in the outline."""
    labels, count = ndimage.label(inside > 0)
    if count < 2:
        return inside
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    keep = sizes >= crumb * sizes.max()
    bare = ~keep[labels].any(axis=0)
    keep[np.unique(labels[:, bare])] = True
    keep[0] = False
    kept = keep[labels]
    return np.where((labels > 0) & ~kept, np.float32(-0.5), inside)
