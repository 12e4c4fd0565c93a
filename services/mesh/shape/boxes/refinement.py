"""A box's fit made exact: the roll and the distance of the camera and the rounding of the edges found as well.

Outline and inner edges of the box are moved onto those of the photo by least squares. A rounded box is the hull of
eight balls, so its outline is the hull of their pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from lensora.adapters.patience import glance
from services.mesh.camera import DISTANCE, PhotoCamera
from services.mesh.shape.boxes.creases import Crease, Slopes, edge_ends, find_creases, slopes_of
from services.mesh.shape.boxes.cuboid import FIT_SIDE_PX, USUAL_DEPTH, Cuboid, fit_cuboids
from services.mesh.shape.boxes.placement import BALLS, Placement, balls, sides_of
from services.mesh.shape.boxes.placement import RULES as PLACEMENT
from services.mesh.shape.outline import filled
from services.mesh.view import View

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class RefinementRules:
    """How a cuboid is moved until its outline and edges are the photo's. Set by hand before the corpus was split.

    Attributes:
        side_px: side of the picture in which outline and edges are compared.
        worth_a_look: what no cuboid of the search explains this well is no box, whatever the camera did.
        starts: different ends of the search that are followed.
        unexplained: boxes cost less once they are found; 20 to 90 with lids and leaning walls.
        near_pitch, near_distance: radians and view units: a look from near by and from hardly above.
        edge_worth: what a clear edge between two sides is worth beside the outline's cost: of two boxes of one outline
            that is right whose edges the photo has.
        outline_points: places on the outline that are compared.
        outline_sigma_px, outline_weight: a matte is known to about this, and its errors hang together: all of the
            outline counts as so many measurements.
        crease_sigma_px: folds are rounded, so their place is known less well than the outline's.
        rounds: edges are looked for again after each.
        held: so much less may roll and distance differ from the usual for an outline that is no box's.
        step, most_looks: share of ``STEPS`` by which unknowns are moved to find slopes, and boxes tried in each round.
        far_px, close_px: what is farther from the outline than this counts less: at first, while the box still has a
            way to go, and later.
        finer: times as fine as the working grid the overlap is drawn.
        usual_roll, usual_distance, usual_radius: standard deviations: of the camera's roll (hands are steady to a few
            degrees), of the logarithm of its distance, and of the edges' radius, share of the largest half side.
    """

    side_px: int = 224
    worth_a_look: float = 0.86
    starts: int = 4
    unexplained: float = 30.0
    near_pitch: float = 0.06
    near_distance: float = 2.4
    edge_worth: float = 12.0
    outline_points: int = 160
    outline_sigma_px: float = 0.6
    outline_weight: float = 30.0
    crease_sigma_px: float = 1.0
    rounds: int = 3
    held: float = 20.0
    step: float = 0.01
    most_looks: int = 20
    far_px: float = 6.0
    close_px: float = 2.0
    finer: int = 4
    usual_roll: float = float(np.radians(2.5))
    usual_distance: float = 0.35
    usual_radius: float = 0.08


RULES = RefinementRules()


STEPS = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.2, 0.1])
"""How far each of the unknowns of ``Placement.values`` is moved to make about as much of a difference."""


@dataclass(frozen=True)
class Refined:
    """A fit and how good it is.

    Attributes:
        placement: of the box.
        creases: its inner edges as the photo has them.
        cost: half the sum of squares, in standard deviations, less what its edges are worth; lower is better.
    """

    placement: Placement
    creases: tuple[Crease, ...]
    cost: float


def outline_points(alpha: Floats) -> Doubles:
    """(n, 2) pixels on the largest outline of a matte, to a fraction of a pixel."""
    contours, _ = cv2.findContours((alpha >= 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((0, 2))
    contour = max(contours, key=cv2.contourArea)[:, 0]
    chosen = contour[np.linspace(0, len(contour), RULES.outline_points, endpoint=False).astype(int)]
    soft = cv2.GaussianBlur(alpha, (0, 0), 1.0)
    x, y = chosen[:, 0], chosen[:, 1]
    slope = np.stack(
        [
            cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)[y, x] / 8.0,
            cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)[y, x] / 8.0,
        ],
        axis=1,
    ).astype(np.float64)
    steep = np.linalg.norm(slope, axis=1)
    move = np.clip((0.5 - soft[y, x]) / np.maximum(steep, 0.05), -1.5, 1.5)
    return np.asarray(chosen + 0.5 + slope / np.maximum(steep, 1e-6)[:, None] * move[:, None], np.float64)


def hull_of(pixels: Doubles) -> Doubles:
    """(k, 2): the corners of the convex outline of points (n, 2)."""
    return np.asarray(pixels[_corners(pixels)], np.float64)


def _corners(pixels: Doubles) -> NDArray[np.int32]:
    """(k,) which of points (n, 2) are the corners of their convex outline, in order."""
    return np.asarray(cv2.convexHull(pixels.astype(np.float32), returnPoints=False), np.int32).ravel()


def outside(points: Doubles, hulls: Doubles) -> Doubles:
    """(m, n) signed distances of points (n, 2) from each of convex outlines (m, k, 2), pixels, positive outside.

    The outlines are of one shape, moved a little: corners that are one point in the first are left out in all.
    """
    start, along = hulls, np.concatenate([hulls[:, 1:], hulls[:, :1]], axis=1) - hulls
    length = np.sqrt((along**2).sum(axis=2))
    apart = length[0] > 1e-6
    if not apart.all():
        start, along, length = start[:, apart], along[:, apart], length[:, apart]
    normal = np.stack([along[..., 1], -along[..., 0]], axis=2) / np.maximum(length, 1e-9)[..., None]
    if float(normal[0, 0] @ (start[0].mean(axis=0) - start[0, 0])) > 0:
        normal = -normal
    level = (start * normal).sum(axis=2)
    # By hand: a product with a threaded BLAS, of this size, would wait for its threads.
    far = points[:, 0] * normal[..., :1] + points[:, 1] * normal[..., 1:] - level[..., None]
    return np.asarray(far.max(axis=1), np.float64)


def find_box(view: View) -> Cuboid:
    """The box whose outline and inner edges agree best with the photo's."""
    small = view.grid(FIT_SIDE_PX)
    coarse = fit_cuboids(filled(small.inside), small.camera)
    if coarse[0].agreement < RULES.worth_a_look:
        return coarse[0]
    grid = view.grid(RULES.side_px)
    alpha, camera = grid.alpha, grid.camera
    slopes, points = slopes_of(grid.photo(view.cutout), grid.inside), outline_points(alpha)
    starts: list[Placement] = []
    for found in coarse:
        start = Placement.like(found)
        if len(starts) < RULES.starts and not any(start.resembles(other) for other in starts):
            starts.append(start)
    tried = [refined(start, points, slopes, camera, 1) for start in starts]
    best = min(tried, key=lambda fit: fit.cost)
    if best.cost > RULES.unexplained:
        # What converges seen from near by at its own height, the search takes for a view from above.
        near = replace(best.placement, pitch=RULES.near_pitch, distance=RULES.near_distance)
        best = min(best, refined(near, points, slopes, camera, 1), key=lambda fit: fit.cost)
    best = refined(best.placement, points, slopes, camera)
    if not best.placement.upright:
        # An outline that is no box's would have the camera stand anywhere: it is held as products are held.
        best = min(
            (refined(start, points, slopes, camera, 1, RULES.held) for start in starts), key=lambda fit: fit.cost
        )
    box = best.placement.fronted()
    seen, agreement = box.seen_by(camera), overlap(hull_of(box.pixels(camera, box.balls())), filled(alpha >= 0.5))
    clearness = tuple(crease.clearness for crease in best.creases)
    return Cuboid(box.half, box.yaw, box.pitch, agreement, seen, box.roll, box.radius, clearness, box.upright)


def overlap(hull: Doubles, mask: NDArray[np.bool_]) -> float:
    """IoU of a convex outline (k, 2), pixels, with a mask."""
    # Drawing covers each pixel that is touched: on a picture so much finer that hardly shows.
    fine = cv2.resize(mask.astype(np.uint8), None, fx=RULES.finer, fy=RULES.finer, interpolation=cv2.INTER_LINEAR)
    drawn = np.zeros_like(fine)
    cv2.fillConvexPoly(drawn, np.round((hull * RULES.finer - 0.5) * 16.0).astype(np.int32), 1, cv2.LINE_8, 4)
    both = float(cv2.countNonZero(cv2.bitwise_and(drawn, fine)))
    return both / (float(cv2.countNonZero(drawn)) + float(cv2.countNonZero(fine)) - both)


def refined(
    first: Placement,
    points: Doubles,
    slopes: Slopes,
    camera: PhotoCamera,
    rounds: int = RULES.rounds,
    held: float = 1.0,
) -> Refined:
    """Move a box onto the outline and the inner edges that the photo shows.

    Args:
        first: near the truth.
        points: (n, 2) on the outline.
        slopes: of the photo, on the same grid.
        camera: frontal, pixels of that grid.
        rounds: how often the edges are looked for anew.
        held: times as unusual as it is that each roll and distance of the camera counts.
    """
    best = first
    creases: list[Crease] = []
    knee = RULES.far_px
    weight = np.sqrt(RULES.outline_weight / max(len(points), 1)) / RULES.outline_sigma_px

    def residuals(values: Doubles) -> Doubles:
        """(m, r) of the boxes of unknowns (m, 10), which differ so little that their outlines have the same corners."""
        corners = [crease.corners for crease in creases]

        def marks(half: Doubles, radius: Doubles) -> Doubles:
            ridges = edge_ends(corners, half[:, None], radius[:, None])
            return np.concatenate([balls(half, radius), ridges.reshape(len(half), -1, 3)], axis=1)

        seen = Placement.pixels_of(values, camera, marks)
        hulls = seen[:, _corners(seen[0, : len(BALLS)])]
        rim = weight * _robust(outside(points, hulls), knee)
        ends = seen[:, len(BALLS) :].reshape(len(values), -1, 2, 2)
        off = [
            _robust(crease.clearness**2 * crease.off(ends[:, number]) / RULES.crease_sigma_px, knee)
            for number, crease in enumerate(creases)
        ]
        return np.concatenate([rim, _priors(values, held), *off], axis=1)

    def changes(values: Doubles) -> Doubles:
        """(r, 10): how the residuals change with each unknown, for one of ``STEPS``."""
        found = residuals(np.vstack([values, values + np.diag(RULES.step * STEPS)]))
        return np.asarray((found[1:] - found[0]).T / RULES.step, np.float64)

    for number in range(rounds):
        glance()
        knee = RULES.far_px if number == 0 else RULES.close_px
        creases = find_creases(slopes, best.seen_by(camera), best.half, best.radius)
        start = best.values()
        # Unknowns of about 1, so that each is moved by what suits it.
        fit = least_squares(
            lambda moves, start=start: residuals((start + STEPS * (moves - 1.0))[None])[0],
            np.ones(len(start)),
            jac=lambda moves, start=start: changes(start + STEPS * (moves - 1.0)),
            method="lm",
            max_nfev=RULES.most_looks,
        )
        best = Placement.of(start + STEPS * (fit.x - 1.0))
    creases = find_creases(slopes, best.seen_by(camera), best.half, best.radius)
    values = best.values()
    clear = float(np.mean([crease.clearness for crease in creases])) if creases else 0.0
    return Refined(best, tuple(creases), 0.5 * float((residuals(values[None]) ** 2).sum()) - RULES.edge_worth * clear)


def _robust(distance: Doubles, knee: float) -> Doubles:
    """Distances of which those beyond the knee count less: handles and dents are no part of a box."""
    far = np.abs(distance)
    bent = knee * np.sqrt(np.maximum(2.0 * far / knee - 1.0, 1.0))
    return np.asarray(np.sign(distance) * np.where(far < knee, far, bent))


def _priors(values: Doubles, held: float) -> Doubles:
    """(m, 5) how far boxes of unknowns (m, 10) are from the usual, in standard deviations."""
    half, radius = sides_of(values)
    face = half[:, :2].min(axis=1)
    share = radius / half.max(axis=1) - PLACEMENT.typical_radius
    return np.stack(
        [
            held * values[:, 7] / RULES.usual_roll,
            held * (values[:, 8] - np.log(DISTANCE)) / RULES.usual_distance,
            0.5 * _bounded(np.log(half[:, 2] / face / USUAL_DEPTH) / 0.5),
            0.5 * _bounded((values[:, 4] - 0.25) / 0.2),
            share / RULES.usual_radius,
        ],
        axis=1,
    )


def _bounded(values: Doubles) -> Doubles:
    """Deviations that are doubted no further from a certain size on."""
    return np.asarray(np.tanh(values / 2.0) * 2.0, np.float64)
