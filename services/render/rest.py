"""How a subject rests: on a face of its convex hull on which it would stay if it were put on a table.

A mesh made from one photo stands as its maker guessed, and the photo's camera says which way is up. What stands firmly
in its file, or is nearly upright by the photo, keeps its pose. Else the photo is followed. A body rests stably on a
face of its hull when its centre of mass lies above that face (the minima of its height; Goldberg et al., "Part pose
statistics", 1999).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import manifold3d
import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class RestRules:
    """What the choice of a pose goes by. ``reach`` was chosen by ``quality.fit_staging`` on objects that nothing is
    reported on. So was ``least_turn``, among values from 20 degrees on, to the eye: the less it is, the more ups are
    right, and the more things lean as the photo saw them. The others decide few pictures, and none of their neighbours
    is better.

    Attributes:
        contact: share of the subject's size within which its points rest on the ground.
        least_tip: radians by which a thing must be tilted before it falls; below, it does not stay.
        firm_tip: radians of tilt from which on a face carries firmly.
        firmness: weight of the logarithm of tilt over ``firm_tip`` against lean, between faces next to the file's
            bottom.
        alike: radians between faces that count as one.
        most_lean: radians, up to which a thing that stands askew in its file is set upright on its face ...
        usual_lean: ... and by how much made meshes usually lean.
        least_turn: radians between the file's up and the photo's from which on the photo is followed ...
        most_kept: ... or, where the file's pose stands firmly, this.
        reach: radians from the photo's up within which a face is taken that carries the subject ...
        flat_tip: ... and a flat thing's face, which has to be tilted by so much, ...
        flat_reach: ... from farther off: it lies.
        least_area: of a face, twice its share of the square of the subject's size; what is less has no direction.
        most_faces: largest faces that are looked at; round things have hundreds.
        dents: shares of the height that are pressed flat where no face carries the subject: round bellies, sharp feet.
            The least that carries it is taken ...
        usual_dent: ... and where none does, this one.
        least_carried: radians of tilt from which on a foot carries.
    """

    contact: float = 0.006
    least_tip: float = math.radians(3.0)
    firm_tip: float = math.radians(12.0)
    firmness: float = 1.5
    alike: float = math.radians(6.0)
    most_lean: float = math.radians(10.0)
    usual_lean: float = math.radians(3.0)
    least_turn: float = math.radians(35.0)
    most_kept: float = math.radians(45.0)
    reach: float = math.radians(20.0)
    flat_tip: float = math.radians(60.0)
    flat_reach: float = math.radians(40.0)
    least_area: float = 1e-8
    most_faces: int = 64
    dents: tuple[float, ...] = (0.006, 0.015, 0.03, 0.05, 0.08)
    usual_dent: float = 0.015
    least_carried: float = math.radians(2.0)


RULES = RestRules()


@dataclass(frozen=True)
class Rest:
    """A pose to rest in.

    Attributes:
        turn: (3, 3) rotation from the file's pose.
        tip: radians by which it can be tilted before it falls; 0 where it does not stay by itself.
        tilt: radians between the file's up and the pose's.
        dent: share of the height that is to be pressed flat (``planted``).
    """

    turn: Doubles
    tip: float
    tilt: float
    dent: float


def centre_of_mass(points: Doubles, triangles: NDArray[np.int64]) -> Doubles:
    """(3,) of the solid inside the triangles, or of its surface where they enclose next to nothing."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
    total = float(volume.sum())
    spread = float(np.prod(np.ptp(points, axis=0)))
    if abs(total) > 0.02 * spread:
        return np.asarray(((a + b + c) / 4.0 * volume[:, None]).sum(axis=0) / total, np.float64)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return np.asarray(((a + b + c) / 3.0 * area[:, None]).sum(axis=0) / max(float(area.sum()), 1e-12), np.float64)


def tilt_to_fall(points: Doubles, mass: Doubles, down: Doubles, contact: float) -> float:
    """Radians by which a thing that rests on the plane below it must be tilted before it falls; <= 0 if it falls.

    Args:
        points: (n, 3) of its surface.
        mass: (3,) centre of mass.
        down: (3,) unit vector.
        contact: distance from the plane within which points rest on it.
    """
    depth = points @ down
    lowest = float(depth.max())
    aside = np.linalg.svd(down[None])[2][1:]
    touching = points[depth >= lowest - contact] @ aside.T
    height = max(lowest - float(mass @ down), 1e-9)
    outline = cv2.convexHull(touching.astype(np.float32))[:, 0].astype(np.float64)
    if len(outline) < 3:
        return 0.0  # a point or a line carries nothing
    edges, spoke = np.roll(outline, -1, axis=0) - outline, mass @ aside.T - outline
    inward = (edges[:, 0] * spoke[:, 1] - edges[:, 1] * spoke[:, 0]) / np.linalg.norm(edges, axis=1)
    return math.atan2(float(inward.min()), height)


def stable_faces(points: Doubles, mass: Doubles, rules: RestRules = RULES) -> list[tuple[Doubles, float]]:
    """Outward normals of the faces that a thing stays on, and by how much it can then be tilted, radians.

    Of faces that look nearly the same way, as a round thing has many, the largest stands for all.
    """
    hull = manifold3d.Manifold.hull_points(points).to_mesh64()
    outermost = np.asarray(hull.vert_properties, np.float64)
    if not len(outermost):
        return []  # all points lie on a plane
    corners = outermost[np.asarray(hull.tri_verts, np.int64)]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(first, second)
    area = np.linalg.norm(across, axis=1)
    # Slivers of coplanar points look nowhere.
    sound = area > rules.least_area
    corners, first, second, across, area = (each[sound] for each in (corners, first, second, across, area))
    normals = across / area[:, None]
    # The face whose triangle has the centre of mass above it: the barycentric coordinates of its projection.
    off = mass - corners[:, 0]
    to = off - normals * np.einsum("ij,ij->i", normals, off)[:, None]
    aa, ab, bb = (np.einsum("ij,ij->i", p, q) for p, q in ((first, first), (first, second), (second, second)))
    pa, pb = np.einsum("ij,ij->i", to, first), np.einsum("ij,ij->i", to, second)
    whole = np.maximum(aa * bb - ab * ab, 1e-18)
    v, w = (bb * pa - ab * pb) / whole, (aa * pb - ab * pa) / whole
    above = np.flatnonzero((v >= -1e-6) & (w >= -1e-6) & (v + w <= 1.0 + 1e-6))
    left = normals[above[np.argsort(-whole[above])]]
    faces = []
    for _ in range(rules.most_faces):
        if not len(left):
            break
        normal = left[0]
        left = left[left @ normal < math.cos(rules.alike)]
        tip = tilt_to_fall(outermost, mass, normal, rules.contact)
        if tip >= rules.least_tip:
            faces.append((normal, tip))
    return faces


def footed(points: Doubles, mass: Doubles, down: Doubles, rules: RestRules = RULES) -> tuple[float, float]:
    """The least share of the height to press flat so that a thing stays as it is, and how far it can then be tilted.

    The usual share and 0 where none of those allowed carries it.
    """
    tall = float(np.ptp(points @ down))
    for dent in rules.dents:
        tip = tilt_to_fall(points, mass, down, dent * tall)
        if tip >= rules.least_carried:
            return dent, tip
    return rules.usual_dent, 0.0


def resting(points: Doubles, triangles: NDArray[np.int64], up: Doubles, rules: RestRules = RULES) -> Rest:
    """How the subject of a photo rests: as its file has it where that stands or is nearly what the photo says, else as
    the photo saw it, on a face that carries it where one is near.

    Args:
        points: (n, 3) of the surface, unit size, as in the file, whose up is +y.
        triangles: (m, 3) indices into ``points``.
        up: (3,) unit vector, the file's frame: up as the photo's camera has it.
        rules: what the choice goes by.
    """
    return rested(points, centre_of_mass(points, triangles), up, rules)


def rested(points: Doubles, mass: Doubles, up: Doubles, rules: RestRules = RULES) -> Rest:
    """``resting`` of a subject whose centre of mass (3,) is known."""
    faces = stable_faces(points, mass, rules)
    straight = [(_lean_cost(n, tip, rules), n, tip) for n, tip in faces if _angle(-n, UP) <= rules.most_lean]
    standing = max(straight, key=lambda each: each[0])[1:] if straight else None
    off = _angle(up, UP)
    if off < rules.least_turn or (standing is not None and standing[1] >= rules.firm_tip and off < rules.most_kept):
        chosen, towards = standing, UP
    else:
        chosen, towards = _nearest(faces, up, rules), up
    if chosen is not None:
        down, tip = chosen
        dent = rules.contact
    else:
        down = -towards
        dent, tip = footed(points, mass, down, rules)
    return Rest(turn_between(-down, UP), tip, _angle(-down, UP), dent)


def _lean_cost(down: Doubles, tip: float, rules: RestRules) -> float:
    """Log-likelihood, but for a constant, that the file stands askew on a face: by its firmness and how far off it
    is."""
    firm = rules.firmness * min(0.0, math.log(tip / rules.firm_tip))
    return firm - 0.5 * (_angle(-down, UP) / rules.usual_lean) ** 2


def _nearest(faces: list[tuple[Doubles, float]], up: Doubles, rules: RestRules) -> tuple[Doubles, float] | None:
    """The face that goes to the ground where the photo is followed; None where none is near enough."""

    def apart(face: tuple[Doubles, float]) -> float:
        return _angle(-face[0], up) / (rules.flat_reach if face[1] >= rules.flat_tip else rules.reach)

    near = min(faces, key=apart, default=None)
    return near if near is not None and apart(near) <= 1.0 else None


def _angle(a: Doubles, b: Doubles) -> float:
    """Radians between two unit vectors."""
    return math.acos(float(np.clip(a @ b, -1.0, 1.0)))


def turn_between(source: Doubles, target: Doubles) -> Doubles:
    """(3, 3) the smallest rotation that brings one unit vector onto another (Rodrigues)."""
    axis, cosine = np.cross(source, target), float(source @ target)
    if cosine < -1.0 + 1e-9:
        aside = np.eye(3)[int(np.argmin(np.abs(source)))]
        flat = aside - source * float(aside @ source)
        flat /= np.linalg.norm(flat)
        return np.asarray(2.0 * np.outer(flat, flat) - np.eye(3), np.float64)
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1.0 + cosine), np.float64)


def planted(points: Doubles, dent: float = RULES.usual_dent) -> Doubles:
    """Points (n, 3) standing on y = 0 with the lowest part pressed flat: what touches at a point gets a footprint.

    Args:
        points: the lowest at any height.
        dent: share of the height that is pressed to the ground.
    """
    low, high = float(points[:, 1].min()), float(points[:, 1].max())
    floor = low + dent * (high - low)
    result = points.copy()
    result[:, 1] = np.maximum(points[:, 1], floor) - floor
    return result
