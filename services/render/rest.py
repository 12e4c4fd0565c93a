"""How a subject rests: on a face of its convex hull on which it would stay if it were put on a table.

A mesh made from one photo stands as its maker guessed. The photo's camera says which way is up; of the faces on which
the subject stays, the one that fits this best goes to the ground. A body rests stably on a face of its hull when its
centre of mass lies above that face (the minima of its height; Goldberg et al., "Part pose statistics", 1999).
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
    """What the choice of a face goes by. Fitted on the tune part of ``bench.staging``.

    Attributes:
        contact: share of the subject's size within which its points rest on the ground.
        least_tip: radians by which a thing must be tilted before it falls; below, it does not stay.
        easy_tip: radians of tilt from which on a face counts in full; photos show few things that stand less firmly.
        firmness: weight of the logarithm of tilt over ``easy_tip``.
        shape_doubt: radians, how far a made mesh's faces are off beside the doubt in the photo's camera.
        kept: log-likelihood that the pose in the file has in its favour: its maker saw the photo too.
        alike: radians between faces that count as one.
        most_lean: radians, up to which a thing that stands askew is set upright on its face ...
        usual_lean: ... and by how much made meshes usually lean.
        least_fall: radians from the file's up from which on a face is another pose, not the same one askew.
        least_area: of a face, twice its share of the square of the subject's size; what is less has no direction.
        most_faces: largest faces that are looked at; round things have hundreds.
        most_odd: angle over doubt beyond which no face is believed.
        own: log-likelihood that the photo's own up has in its favour, where a foot can be pressed that carries it and
            the file's pose stands on no face ...
        least_turn: ... and is askew by at least so much, radians. Set by eye: an inflation that would lean less is
            better upright.
        dents: shares of the height that are pressed flat where no face carries the subject: round bellies, sharp feet.
            The least that carries it is taken ...
        usual_dent: ... and where none does, this one.
        pressing: how much less likely a pose is for each tenth of the height that is pressed.
        least_carried: radians of tilt from which on a foot carries.
    """

    contact: float = 0.006
    least_tip: float = math.radians(3.0)
    easy_tip: float = math.radians(12.0)
    firmness: float = 1.5
    shape_doubt: float = math.radians(12.0)
    kept: float = 1.0
    alike: float = math.radians(6.0)
    most_lean: float = math.radians(10.0)
    usual_lean: float = math.radians(3.0)
    least_fall: float = math.radians(60.0)
    least_area: float = 1e-8
    most_faces: int = 64
    most_odd: float = 2.5
    own: float = 2.0
    least_turn: float = math.radians(30.0)
    dents: tuple[float, ...] = (0.006, 0.015, 0.03, 0.05, 0.08)
    usual_dent: float = 0.015
    pressing: float = 6.0
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


def resting(points: Doubles, triangles: NDArray[np.int64], up: Doubles, doubt: float, rules: RestRules = RULES) -> Rest:
    """How the subject of a photo rests.

    Args:
        points: (n, 3) of the surface, unit size, as in the file, whose up is +y.
        triangles: (m, 3) indices into ``points``.
        up: (3,) unit vector, the file's frame: up as the photo's camera has it.
        doubt: radians, standard deviation of ``up``.
    """
    mass = centre_of_mass(points, triangles)
    believed = math.hypot(doubt, rules.shape_doubt)
    faces = stable_faces(points, mass, rules)

    def firmness(tip: float) -> float:
        return rules.firmness * min(0.0, math.log(max(tip, 0.3 * rules.least_tip) / rules.easy_tip))

    def likely(down: Doubles, tip: float, dent: float) -> float:
        odd = _angle(-down, up) / believed
        return firmness(tip) - rules.pressing * max(0.0, dent - rules.contact) * 10.0 - 0.5 * odd**2

    # The file's own pose, set straight where a face next to its bottom carries it.
    straight = [(firmness(tip) - 0.5 * (_angle(-n, UP) / rules.usual_lean) ** 2, n, tip) for n, tip in faces]
    straight = [each for each in straight if _angle(-each[1], UP) <= rules.most_lean]
    if straight:
        _, down, tip = max(straight, key=lambda each: each[0])
        dent = rules.contact
    else:
        down = -UP
        dent, tip = footed(points, mass, down, rules)
    poses = [(rules.kept + likely(-UP, tip, dent), down, tip, dent)]
    for normal, firm in faces:
        near = _angle(-normal, up) <= rules.most_odd * believed
        if near and _angle(-normal, UP) >= rules.least_fall:
            poses.append((likely(normal, firm, rules.contact), normal, firm, rules.contact))
    if not straight and _angle(up, UP) >= rules.least_turn:
        dent, tip = footed(points, mass, -up, rules)
        if tip > 0.0:
            poses.append((rules.own + likely(-up, tip, dent), -up, tip, dent))
    _, down, tip, dent = max(poses, key=lambda each: each[0])
    return Rest(turn_between(-down, UP), tip, _angle(-down, UP), dent)


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
