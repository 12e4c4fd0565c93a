"""Free shapes: a depth interval along every ray of the photo, standing upright on the ground.

A shape is given by four fields over the silhouette: the middle depth, the half thickness about it, the ground, and the
rim between the front and the back. What would reach below the ground ends there, so that whatever stands has a sole.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from services.mesh.camera import PhotoCamera
from services.mesh.inflation import blended_square, inflated_square, rim_distance, slab_square
from services.mesh.relief import relief
from services.mesh.solid import Solid
from services.mesh.stance import Base, Ground, find_base, find_ground

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SLAB_THICKNESS = 0.32
"""Half thickness of a slab as a share of its inscribed radius: between a phone (0.1) and a camera (0.5)."""

FOOT_SHARE = 0.16
"""Share of the silhouette's longer side by which whatever rests on the ground is continued below it while its thickness
is found, so that it does not taper to a keel."""

LEAST_THICKNESS_PX = 0.25
"""Thinner, front and back would collapse onto each other."""

MIDDLE_SIDE_PX = 80
"""Grid on which the middle depth is found: it is smooth."""


def freeform(alpha: Floats, camera: PhotoCamera, flatness: float) -> tuple[Solid, PhotoCamera]:
    """Build the shape.

    Args:
        alpha: (h, w) float32 matte, below 0.5 along the border.
        camera: frontal, in pixels of it.
        flatness: 0 for round cross-sections, 1 for a slab with rounded edges.

    Returns:
        the closed solid in a world whose y is up, and the camera in that world.
    """
    base = find_base(alpha, camera)
    thick = _thickness(alpha, base, flatness) / camera.pixels
    ground = find_ground(base, camera, float(thick.max()))
    rows, columns = np.indices(alpha.shape)
    flat = camera.plane(np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1))
    floor = np.maximum(ground.depth(flat[:, 1]).reshape(alpha.shape), -2.0 * camera.distance)
    middle, thick = _placed(alpha, camera, base, ground, thick, flat[:, 1].reshape(alpha.shape))
    rim = np.maximum(middle, floor)
    front = np.maximum(middle + thick - rim, LEAST_THICKNESS_PX / camera.pixels)
    back = np.maximum(rim - np.maximum(middle - thick, floor), 0.0)
    shift = float(np.median(middle[alpha >= 0.5]))
    px = camera.pixels
    solid = relief(
        alpha, _square(front * px), camera, _square(back * px), offset=np.asarray((rim - shift) * px, np.float32)
    )
    turn = ground.to_world()
    return Solid(solid.vertices @ turn.T, solid.faces), camera.turned(turn.T)


def _square(values: Doubles) -> Floats:
    return np.asarray(values**2, np.float32)


def _thickness(alpha: Floats, base: Base, flatness: float) -> Doubles:
    """Half thickness in pixels; what rests on the ground is as thick there as if it went on below."""
    foot = round(FOOT_SHARE * max(alpha.shape))
    tall = np.pad(alpha, ((0, foot + 2), (0, 0)))
    for column in np.flatnonzero(base.touches):
        lowest = int(np.flatnonzero(alpha[:, column] >= 0.5)[-1])
        tall[lowest + 1 : lowest + 1 + foot, column] = 1.0
    square = inflated_square(tall)
    if flatness > 0:
        depth = rim_distance(alpha)
        half = max(SLAB_THICKNESS * float(depth.max()), 1.5)
        square = blended_square(square, slab_square(tall, half, max(0.35 * half, 1.5)), flatness)
    return np.sqrt(np.maximum(square[: alpha.shape[0]], 0.0)).astype(np.float64)


def _placed(
    alpha: Floats, camera: PhotoCamera, base: Base, ground: Ground, thick: Doubles, up: Doubles
) -> tuple[Doubles, Doubles]:
    """The middle depth of every pixel, and the half thickness that brings the front to where it stands; view units.

    The middle plane is upright and leads from one end of the base to the other; narrow feet leave it for the place
    where they stand.
    """
    inside = alpha >= 0.5
    x = camera.plane(np.stack([np.arange(alpha.shape[1]) + 0.5, np.zeros(alpha.shape[1])], axis=1))[:, 0]
    line = np.interp(x, base.at, base.height)
    wall = ground.depth(line)
    lean = np.tan(ground.pitch)
    # A thing that stands at an angle is cut at an angle by the photo's rays.
    thick = thick * np.hypot(1.0, _slope(base, ground))
    chord = _chord(x, base, ground)
    touching = np.flatnonzero(base.touches)
    lowest = (alpha.shape[0] - 1 - np.argmax(inside[::-1], axis=0))[touching]
    sole = thick[lowest, touching]
    # Where the middle of the base lies: on the line between its ends, or half a sole behind its front.
    measured = wall - chord
    here = np.maximum(measured[touching], 0.0)
    usual = float(np.percentile(sole, 80)) if len(sole) else 0.0
    straight = np.minimum(0.0, float(np.max(measured)) - usual)
    plane = (chord + straight)[None, :] + lean * (up - line[None, :])
    stands = ground.depth(base.bottom[touching])
    feet = stands - np.maximum(sole, here) - plane[lowest, touching]
    middle = plane + _spread(inside, thick, lowest, touching, feet)
    return middle, thick


def _chord(x: Doubles, base: Base, ground: Ground) -> Doubles:
    """Depth over each column of the straight line on the ground between the ends of the base."""
    return np.asarray(ground.depth(base.height[0]) + _slope(base, ground) * (x - base.at[0]))


def _slope(base: Base, ground: Ground) -> float:
    """How far the base recedes to the right, for each unit that it runs."""
    run = float(base.at[-1] - base.at[0])
    if run < 1e-6:
        return 0.0
    ends = ground.depth(base.height[[0, -1]])
    return float(np.clip((ends[1] - ends[0]) / run, -1.0, 1.0))


def _spread(
    inside: NDArray[np.bool_], thick: Doubles, rows: NDArray[np.int64], columns: NDArray[np.int64], values: Doubles
) -> Doubles:
    """Values at some pixels carried on smoothly inside the silhouette, to zero where it is thick; (h, w)."""
    if not len(rows):
        return np.zeros(inside.shape)
    factor = min(1.0, MIDDLE_SIDE_PX / max(inside.shape))
    size = (max(1, round(inside.shape[1] * factor)), max(1, round(inside.shape[0] * factor)))
    small = cv2.dilate(cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.ones((3, 3))) > 0
    index = np.full(small.shape, -1, np.int64)
    index[small] = np.arange(int(small.sum()))
    depth = cv2.resize(thick.astype(np.float32), size, interpolation=cv2.INTER_AREA)[small]
    pairs = [
        np.stack([index[a][(index[a] >= 0) & (index[b] >= 0)], index[b][(index[a] >= 0) & (index[b] >= 0)]])
        for a, b in (
            ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
            ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
        )
    ]
    start, end = np.concatenate(pairs, axis=1)
    count = int(small.sum())
    widest = max(float(depth.max()), 1e-9)
    reach = max(widest * size[0], 2.0)
    pull = 4.0 * (depth / widest) ** 4 / reach**2 + 1e-5
    r = np.clip((rows * size[1] / inside.shape[0]).astype(int), 0, size[1] - 1)
    c = np.clip((columns * size[0] / inside.shape[1]).astype(int), 0, size[0] - 1)
    at = index[r, c]
    held = np.bincount(at, minlength=count).astype(np.float64)
    link = sparse.coo_matrix((np.ones(len(start)), (start, end)), shape=(count, count))
    link = (link + link.T).tocsr()
    degree = np.asarray(link.sum(axis=1)).ravel()
    matrix = sparse.diags(degree + pull + 10.0 * held) - link
    solved = splu(matrix.tocsc()).solve(10.0 * np.bincount(at, values, minlength=count))
    field = np.zeros(small.shape, np.float32)
    field[small] = solved
    return np.asarray(cv2.resize(field, (inside.shape[1], inside.shape[0]), interpolation=cv2.INTER_LINEAR), np.float64)
