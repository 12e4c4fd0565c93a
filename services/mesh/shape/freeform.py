"""Free shapes: a depth interval along every ray of the photo, standing upright on the ground.

A shape is given by four fields over the silhouette: the middle depth, the half thickness about it, the ground, and the
rim between the front and the back. What would reach below the ground ends there, so that whatever stands has a sole.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import kept_thin
from services.mesh.shape.inflation import blended_square, rim_distance, rounded_square, slab_square
from services.mesh.shape.relief import relief
from services.mesh.shape.stance import WIDEST_TURN, Base, Ground, find_ground
from services.mesh.solid import Solid
from services.mesh.view import Grid, View

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class FreeformRules:
    """How a free shape is rounded, thinned and stood on the ground. Set by hand before the corpus was split.

    Attributes:
        slab_thickness: half thickness of a slab as a share of its inscribed radius: between a phone (0.1) and a camera
            (0.5).
        foot_share: share of the silhouette's longer side by which whatever rests on the ground is continued below it
            while its thickness is found, so that it does not taper to a keel.
        round_power, flat_power: powers of the superellipses that cross-sections are: of what looks round, and of what
            looks flat.
        thinner: a shape that is taken for a slab but for its outline is thinned towards one by this share of how flat
            it looks.
        finest_px, mostly_wires: a silhouette with this share of its area so close to the rim is a lattice: its wires
            stay round, for the triangles that flat sides would take are needed along them.
        least_thickness_px: thinner, front and back would collapse onto each other.
        middle_side_px: grid on which the middle depth is found: it is smooth.
    """

    slab_thickness: float = 0.32
    foot_share: float = 0.24
    round_power: float = 2.3
    flat_power: float = 5.0
    thinner: float = 0.4
    finest_px: float = 3.0
    mostly_wires: float = 0.4
    least_thickness_px: float = 0.25
    middle_side_px: int = 80


RULES = FreeformRules()


FREE_CREASE_DEG = 75.0
"""Free shapes are smooth all over: only the edge of a slab may stay, not the slivers of the simplification."""

FREE_REACH = float(np.radians(15.0))
"""The flank of a free shape is as large as its front, and less is known of it: it is not brought to the front."""


@dataclass(frozen=True)
class GridLimits:
    """How fine a grid free shapes get.

    Attributes:
        draft_px: longer side of the grid that hypotheses are compared on.
        side_px: longer side for a finished model: finer than the default budget of triangles can keep. A coarser grid
            for calm outlines, as they have fewer triangles, costs a hammer 0.006 of IoU.
        thin_share: a silhouette with more of its area within a pixel and a half of the rim gets a finer grid: lattices
            and wires would be lost.
        fine_pixels: pixels inside that the finer grid keeps.
        fine_side_px: its longer side at most.
        outlines: islands and holes of a silhouette at most: more is dust or a screen, not parts.
    """

    draft_px: int = 96
    side_px: int = 192
    thin_share: float = 0.10
    fine_pixels: int = 20_000
    fine_side_px: int = 448
    outlines: int = 400


LIMITS = GridLimits()


def draft_grid(view: View) -> Grid:
    """The grid that free shapes are compared on, its matte without dust."""
    grid = view.grid(LIMITS.draft_px)
    return Grid(_settled(grid.alpha), grid.camera, grid.factor)


def fine_grid(view: View) -> Grid:
    """The grid that a finished free shape is built on, its matte without dust."""
    grid = view.grid(LIMITS.side_px)
    depth = rim_distance(grid.alpha)
    if float((depth[depth > 0] < 1.6).mean()) > LIMITS.thin_share:
        share = float(grid.inside.mean())
        side = min(LIMITS.fine_side_px, max(LIMITS.side_px, (LIMITS.fine_pixels / share) ** 0.5))
        grid = view.grid(round(side))
    return Grid(_settled(grid.alpha), grid.camera, grid.factor)


def _settled(alpha: Floats) -> Floats:
    """The matte blurred until it has no more outlines than a model can hold: dust and screens become surfaces."""
    for sigma in (1.0, 2.0, 4.0, 8.0):
        if outlines(alpha) <= LIMITS.outlines:
            break
        blurred = np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma), np.float32)
        blurred[[0, 1, -2, -1]] = 0.0
        blurred[:, [0, 1, -2, -1]] = 0.0
        alpha = kept_thin(blurred)
    return alpha


def outlines(alpha: Floats) -> int:
    """How many islands and holes a silhouette has."""
    contours, _ = cv2.findContours((alpha >= 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return len(contours)


@dataclass(frozen=True)
class FreeForm:
    """A free shape and the fields that it was built from.

    Attributes:
        solid: closed, in a world whose y is up.
        camera: of the grid, in that world.
        middle: (h, w) depth of the middle between front and back, view units.
        thick: (h, w) half thickness, view units.
        turn: (3, 3) from the view to the world.
    """

    solid: Solid
    camera: PhotoCamera
    middle: Doubles
    thick: Doubles
    turn: Doubles


def freeform(
    alpha: Floats, camera: PhotoCamera, base: Base, half_thickness: Doubles, widest_turn: float = WIDEST_TURN
) -> FreeForm:
    """Build the shape.

    Args:
        alpha: (h, w) float32 matte, below 0.5 along the border.
        camera: frontal, in pixels of it.
        base: what of the silhouette it stands on.
        half_thickness: (h, w) pixels, see ``rounded_thickness``.
        widest_turn: how far the base may recede from one end to the other for each unit that it runs.
    """
    thick = half_thickness / camera.pixels
    ground = find_ground(base, camera, float(thick.max()), widest_turn)
    rows, columns = np.indices(alpha.shape)
    flat = camera.plane(np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1))
    floor = np.maximum(ground.depth(flat[:, 1]).reshape(alpha.shape), -2.0 * camera.distance)
    middle, thick = _placed(alpha, camera, base, ground, thick, flat[:, 1].reshape(alpha.shape))
    glance()
    rim = np.maximum(middle, floor)
    front = np.maximum(middle + thick - rim, RULES.least_thickness_px / camera.pixels)
    back = np.maximum(rim - np.maximum(middle - thick, floor), 0.0)
    shift = float(np.median(middle[alpha >= 0.5]))
    px = camera.pixels
    solid = relief(
        alpha, _square(front * px), camera, _square(back * px), offset=np.asarray((rim - shift) * px, np.float32)
    )
    turn = ground.to_world()
    return FreeForm(Solid(solid.vertices @ turn.T, solid.faces), camera.turned(turn.T), middle - shift, thick, turn)


def _square(values: Doubles) -> Floats:
    return np.asarray(values**2, np.float32)


def footed_matte(alpha: Floats, base: Base) -> Floats:
    """The matte with whatever rests on the ground continued below it, so that it does not taper to a keel."""
    foot = round(RULES.foot_share * max(alpha.shape))
    tall = np.pad(alpha, ((0, foot + 2), (0, 0)))
    for column in np.flatnonzero(base.touches):
        lowest = int(np.flatnonzero(alpha[:, column] >= 0.5)[-1])
        tall[lowest + 1 : lowest + 1 + foot, column] = 1.0
    return tall


def rounded_thickness(alpha: Floats, base: Base, flatness: float) -> Doubles:
    """(h, w) half thickness in pixels: round for what looks round, a slab with rounded edges for what looks flat.

    Args:
        alpha: (h, w) float32 matte.
        base: what of it rests on the ground.
        flatness: 0 for round cross-sections, 1 for a slab.
    """
    tall = footed_matte(alpha, base)
    depth = rim_distance(alpha)
    wires = min(1.0, float((depth[depth > 0] < RULES.finest_px).mean()) / RULES.mostly_wires)
    square = rounded_square(tall, RULES.round_power + (RULES.flat_power - RULES.round_power) * flatness * (1.0 - wires))
    if flatness > 0:
        flatness = 1.0 if flatness >= 1.0 else RULES.thinner * flatness
        half = max(RULES.slab_thickness * float(depth.max()), 1.5)
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
    factor = min(1.0, RULES.middle_side_px / max(inside.shape))
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
    glance()
    solved = splu(matrix.tocsc()).solve(10.0 * np.bincount(at, values, minlength=count))
    field = np.zeros(small.shape, np.float32)
    field[small] = solved
    return np.asarray(cv2.resize(field, (inside.shape[1], inside.shape[0]), interpolation=cv2.INTER_LINEAR), np.float64)
