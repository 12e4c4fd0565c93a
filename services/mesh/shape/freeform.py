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
from services.mesh.shape.carriage import carried_square, is_carried, opened
from services.mesh.shape.inflation import blended_square, rim_distance, rounded_square, slab_square
from services.mesh.shape.relief import relief
from services.mesh.shape.stance import WIDEST_TURN, Base, Ground, facing, find_base, find_ground, has_corner, levelled
from services.mesh.solid import Solid

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SLAB_THICKNESS = 0.32
"""Half thickness of a slab as a share of its inscribed radius: between a phone (0.1) and a camera (0.5)."""

FOOT_SHARE = 0.24
"""Share of the silhouette's longer side by which whatever rests on the ground is continued below it while its thickness
is found, so that it does not taper to a keel."""

ROUND_POWER, FLAT_POWER = 2.3, 5.0
"""Powers of the superellipses that cross-sections are: of what looks round, and of what looks flat."""

THINNER = 0.4
"""A shape that is taken for a slab but for its outline is thinned towards one by this share of how flat it looks."""

PLATE = 0.08
"""What has no inscribed circle of this radius, as a share of its width, is a thin tool: it is shown flat, as it was
taken."""

CARRIED_TURN = 0.65
"""What is turned by more than 33 degrees shows its end as well as its side."""

FINEST_PX, MOSTLY_WIRES = 3.0, 0.4
"""A silhouette with this share of its area so close to the rim is a lattice: its wires stay round, for the triangles
that flat sides would take are needed along them."""

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
    plate = float(rim_distance(alpha).max()) < PLATE * base.wide * camera.pixels
    carried = not plate and is_carried(alpha, base, flatness)
    if plate:
        base = levelled(base)
    elif not carried and not has_corner(base):
        base = facing(base)
    thick = _thickness(alpha, base, flatness, carried) / camera.pixels
    ground = find_ground(base, camera, float(thick.max()), CARRIED_TURN if carried else WIDEST_TURN)
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
    solid = Solid(solid.vertices @ turn.T, solid.faces)
    if carried:
        solid = _with_rows(solid, alpha, camera, base, middle - shift, thick, turn)
    return solid, camera.turned(turn.T)


def _with_rows(
    solid: Solid, alpha: Floats, camera: PhotoCamera, base: Base, middle: Doubles, thick: Doubles, turn: Doubles
) -> Solid:
    """The solid with a way between its left and right feet, if it has a gap between its front and back ones."""
    rows, columns = np.nonzero(alpha >= 0.5)
    z = middle[rows, columns]
    flat = camera.plane(np.stack([columns + 0.5, rows + 0.5], axis=1))
    points = np.column_stack([flat * ((camera.distance - z) / camera.distance)[:, None], z]) @ turn.T
    lowest = alpha.shape[0] - 1 - np.argmax((alpha >= 0.5)[::-1], axis=0)
    feet = np.flatnonzero(base.touches)
    between = ~base.touches & np.isfinite(base.bottom)
    between[: feet[0]] = between[feet[-1] + 1 :] = False
    under = between[columns] & (rows == lowest[columns])
    body = thick[rows, columns] > 0.5 * thick.max()
    return opened(solid, points[body], points[under, 1], float(np.percentile(thick[lowest[feet], feet], 20)))


def _square(values: Doubles) -> Floats:
    return np.asarray(values**2, np.float32)


def _thickness(alpha: Floats, base: Base, flatness: float, carried: bool) -> Doubles:
    """Half thickness in pixels; what rests on the ground is as thick there as if it went on below."""
    foot = round(FOOT_SHARE * max(alpha.shape))
    tall = np.pad(alpha, ((0, foot + 2), (0, 0)))
    for column in np.flatnonzero(base.touches):
        lowest = int(np.flatnonzero(alpha[:, column] >= 0.5)[-1])
        tall[lowest + 1 : lowest + 1 + foot, column] = 1.0
    if carried:
        high = float(np.ptp(np.flatnonzero((alpha >= 0.5).any(axis=1))))
        return np.sqrt(carried_square(tall, high)[: alpha.shape[0]]).astype(np.float64)
    depth = rim_distance(alpha)
    wires = min(1.0, float((depth[depth > 0] < FINEST_PX).mean()) / MOSTLY_WIRES)
    square = rounded_square(tall, ROUND_POWER + (FLAT_POWER - ROUND_POWER) * flatness * (1.0 - wires))
    if flatness > 0:
        flatness = 1.0 if flatness >= 1.0 else THINNER * flatness
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
    slope = _slope(base, ground)
    # Beyond the base it goes on backwards, not forwards: what sticks out there stands on nothing that shows.
    at = np.minimum(x, base.at[-1]) if slope > 0 else np.maximum(x, base.at[0])
    return np.asarray(ground.depth(base.height[0]) + slope * (at - base.at[0]))


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
