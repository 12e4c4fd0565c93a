"""The subject as it is drawn: cleaned, upright on y = 0, of unit size, its largest face towards the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import turn
from lensora.core.errors import InvalidMesh
from services.render.rest import Rest, planted, resting

MAX_TRIANGLES = 3_000_000
"""More than this takes over a gigabyte of memory and minutes of drawing on a CPU."""

SUPPORT_DIRECTIONS = 400
"""Directions in which the outermost vertex is kept: they hold the outline of a unit shape to about 1%."""

SUPPORT_CHUNK = 200
"""Vertices looked at together: a product that one thread of BLAS does by itself. The others would go on spinning for
some 25 ms after each larger one."""

CLOSED_CHECK_TRIANGLES = 250_000
"""Above this the check that the surface is closed costs more than half a second; it is then drawn from both sides."""

FACE_POWER = 8
"""Exponent of the cosine that says how squarely a triangle must look in a direction to count for it."""

ORIENT_GAIN = 1.3
"""A face must be this much stronger than the front to be turned towards the camera."""


@dataclass(frozen=True)
class Material:
    """A metal-rough surface, as in glTF 2.0.

    Attributes:
        base_color: RGBA factor, linear, 0..1.
        base_texture: (h, w, 4) uint8 sRGB with straight alpha, or None.
        metallic: factor 0..1.
        roughness: factor 0..1.
        surface_texture: (h, w, 4) uint8, green is roughness and blue is metallic, or None.
        normal_texture: (h, w, 4) uint8 tangent-space normals, +y up the picture, or None.
        normal_scale: factor of their slope.
        emissive: RGB factor, linear, >= 0.
        emissive_texture: (h, w, 4) uint8 sRGB, or None.
        alpha_mode: ``OPAQUE``, ``MASK`` or ``BLEND``.
        alpha_cutoff: threshold of ``MASK``, 0..1.
        double_sided: both sides are drawn.
    """

    base_color: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 1.0)
    base_texture: NDArray[np.uint8] | None = None
    metallic: float = 0.0
    roughness: float = 0.6
    surface_texture: NDArray[np.uint8] | None = None
    normal_texture: NDArray[np.uint8] | None = None
    normal_scale: float = 1.0
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)
    emissive_texture: NDArray[np.uint8] | None = None
    alpha_mode: str = "OPAQUE"
    alpha_cutoff: float = 0.5
    double_sided: bool = False


@dataclass(frozen=True)
class Part:
    """Triangles of one material.

    Attributes:
        positions: (n, 3) float32 (float64 before ``prepare``), metres, +Y up.
        triangles: (m, 3) uint32, counter-clockwise seen from outside.
        normals: (n, 3) float32 unit vectors, or None before ``prepare``.
        uvs: (n, 2) float32, origin top left, or None.
        colors: (n, 4) float32 linear RGBA factors, or None.
        material: its surface.
    """

    positions: NDArray[np.floating]
    triangles: NDArray[np.uint32]
    normals: NDArray[np.float32] | None
    uvs: NDArray[np.float32] | None
    colors: NDArray[np.float32] | None
    material: Material


@dataclass(frozen=True)
class Model:
    """A subject that is ready to be filmed.

    Attributes:
        parts: with normals, in unit size: the longest side of the bounding box is 1.
        closed: True when every edge has two triangles: back faces cannot be seen and need not be drawn.
        support: (k, 3) float64, outermost vertices: they bound the subject's outline from every side.
        scale: metres per unit of the file, as drawn.
        yaw: radians by which auto-orient has turned the subject.
        rest: the pose it was put in; None where the file's own was kept without a question.
        photo_sides: (k, 3) unit vectors towards the cameras of the photos that its texture is from, the main photo
            first; none where that is not known.
    """

    parts: tuple[Part, ...]
    closed: bool
    support: NDArray[np.float64]
    scale: float
    yaw: float
    rest: Rest | None = None
    photo_sides: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))

    @property
    def triangle_count(self) -> int:
        """Triangles in all parts."""
        return sum(len(part.triangles) for part in self.parts)

    @property
    def height(self) -> float:
        """Height above the ground, in the model's unit."""
        return float(self.support[:, 1].max())


def prepare(
    parts: list[Part],
    oriented: bool = False,
    upright: NDArray[np.float64] | None = None,
    photo_sides: NDArray[np.float64] | None = None,
) -> Model:
    """Clean, scale, rest, centre, orient and complete the parts of a file.

    Args:
        parts: of the file.
        oriented: True where the file's maker has already brought its front to +Z; it knows the photo.
        upright: (3,) unit vector, the file's frame: up, where a photo says so; None leaves the file's pose as it is.
        photo_sides: (k, 3) towards the photos' cameras, the file's frame; None where that is not known.

    Raises:
        InvalidMesh: nothing is left to draw, or there is too much.
    """
    total = sum(len(part.triangles) for part in parts)
    if total > MAX_TRIANGLES:
        raise InvalidMesh(f"glb has {total} triangles; at most {MAX_TRIANGLES} can be drawn", field="glb")
    cleaned = [kept for kept in (_cleaned(part) for part in parts) if kept is not None]
    if not cleaned:
        raise InvalidMesh("glb has no triangle that can be drawn: it needs at least 1", field="glb")
    points = np.concatenate([part.positions for part in cleaned]).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    size = float((high - low).max())
    if not size > 0.0:
        raise InvalidMesh("glb has no extent: all its vertices lie at one point", field="glb")
    origin = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    points = (points - origin) / size
    offsets = np.cumsum([0] + [len(part.positions) for part in cleaned[:-1]])
    joined = np.concatenate([part.triangles.astype(np.int64) + o for part, o in zip(cleaned, offsets, strict=True)])
    turning, rest = np.eye(3), None
    if upright is not None:
        rest = resting(points, joined, upright)
        turning = rest.turn
        points = planted(_turned(points, turning), rest.dent)
    yaw = 0.0 if oriented else orientation(points, joined)
    turning = turn(yaw) @ turning
    points = _turned(points, turn(yaw))
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 1.0 / float((high - low).max())
    points = (points - np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])) * scale
    placed, start = [], 0
    for part in cleaned:
        stop = start + len(part.positions)
        positions = np.ascontiguousarray(points[start:stop], np.float32)
        placed.append(replace(part, positions=positions, normals=_completed_normals(part, positions, turning)))
        start = stop
    closed, inside_out = _closedness(points, joined) if total <= CLOSED_CHECK_TRIANGLES else (False, False)
    if inside_out:
        placed = [
            replace(part, triangles=np.ascontiguousarray(part.triangles[:, ::-1]), normals=_flipped(part.normals))
            for part in placed
        ]
    sides = np.zeros((0, 3)) if photo_sides is None else photo_sides @ turning.T
    return Model(tuple(placed), closed, support_points(points), scale / size, yaw, rest, sides)


def _turned(vectors: NDArray[np.float64], turning: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) rotated, axis by axis: a matrix product so large wakes all of BLAS's threads, which then spin."""
    x, y, z = vectors.T
    return np.stack([x * row[0] + y * row[1] + z * row[2] for row in turning], axis=1)


def _flipped(normals: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if normals is None else -normals


def _cleaned(part: Part) -> Part | None:
    """Without triangles that point outside the vertices or touch one that is not finite; None when none is left."""
    triangles = part.triangles[(part.triangles < len(part.positions)).all(axis=1)]
    finite = np.isfinite(part.positions).all(axis=1)
    if not finite.all():
        triangles = triangles[finite[triangles].all(axis=1)]
    a, b, c = triangles.T.astype(np.int64)
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    if not len(triangles):
        return None
    used = np.zeros(len(part.positions), bool)
    used[triangles.ravel()] = True
    number = (np.cumsum(used) - 1).astype(np.uint32)

    def kept(values: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        return None if values is None else values[used]

    return Part(
        positions=part.positions[used].astype(np.float64),
        triangles=np.ascontiguousarray(number[triangles]),
        normals=kept(part.normals),
        uvs=kept(_finite(part.uvs)),
        colors=kept(_finite(part.colors)),
        material=part.material,
    )


def _finite(values: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if values is None else np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _completed_normals(part: Part, positions: NDArray[np.float32], turning: NDArray[np.float64]) -> NDArray[np.float32]:
    """Unit normals: the file's where they are sound, else the mean of the triangles around the vertex by area."""
    given = None
    if part.normals is not None:
        given = _turned(np.nan_to_num(part.normals.astype(np.float64)), turning)
        long_enough = np.linalg.norm(given, axis=1) > 0.5
        if long_enough.all():
            return _unit(given)
    a, b, c = (positions[part.triangles[:, k]].astype(np.float64) for k in range(3))
    face = np.cross(b - a, c - a)
    computed = np.stack(
        [sum(np.bincount(part.triangles[:, k], face[:, axis], len(positions)) for k in range(3)) for axis in range(3)],
        axis=1,
    )
    if given is not None:
        computed[long_enough] = given[long_enough]
    return _unit(computed)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n, 3) of length 1; +Z for those that have none."""
    length = np.linalg.norm(vectors, axis=1)
    none = length < 1e-12
    vectors, length = np.where(none[:, None], np.array([0.0, 0.0, 1.0]), vectors), np.where(none, 1.0, length)
    return np.ascontiguousarray(vectors / length[:, None], np.float32)


def _closedness(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> tuple[bool, bool]:
    """Whether the surface is closed, seams of the texture aside, and whether it is then inside out."""
    grid = np.round(points * 1e5).astype(np.int64)  # unit size: vertices nearer than 10 um of 1 m are one
    _, merged = np.unique(grid @ np.array([1, 1 << 20, 1 << 40]), return_inverse=True)
    triangles = merged.reshape(-1)[triangles]
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = int(merged.max()) + 1
    forward = np.sort(edges[:, 0] * count + edges[:, 1])
    backward = np.sort(edges[:, 1] * count + edges[:, 0])
    if not np.array_equal(forward, backward):
        return False, False
    first = np.zeros((count, 3))
    first[merged.reshape(-1)] = points
    p, q, r = (first[triangles[:, k]] for k in range(3))
    volume = float(np.einsum("ij,ij->", p, np.cross(q, r))) / 6.0
    return abs(volume) > 1e-9, volume < 0.0


def support_points(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The outermost of ``points`` (n, 3) in ``SUPPORT_DIRECTIONS`` even directions (a Fibonacci sphere), and the six
    axes."""
    k = np.arange(SUPPORT_DIRECTIONS) + 0.5
    y = 1.0 - 2.0 * k / SUPPORT_DIRECTIONS
    around = k * math.pi * (3.0 - math.sqrt(5.0))
    radius = np.sqrt(1.0 - y * y)
    directions = np.stack([radius * np.cos(around), y, radius * np.sin(around)], axis=1)
    directions = np.concatenate([directions, np.eye(3), -np.eye(3)]).astype(np.float32)
    light = points.astype(np.float32)
    best = np.full(len(directions), -np.inf, np.float32)
    index = np.zeros(len(directions), np.int64)
    for start in range(0, len(light), SUPPORT_CHUNK):
        reach = directions @ light[start : start + SUPPORT_CHUNK].T
        at = reach.argmax(axis=1)
        value = reach[np.arange(len(directions)), at]
        better = value > best
        best[better], index[better] = value[better], at[better] + start
    return np.asarray(points[np.unique(index)], np.float64)


def orientation(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> float:
    """Turn about +Y, radians, that brings the largest upright face square to +Z; 0 when the front is that face already.

    A face's strength in a direction is the area that looks that way within about 23 degrees, front and back together.
    The photo's own front has the true texture, so it gives way only to a clearly larger one.

    Args:
        points: (n, 3) unit size.
        triangles: (m, 3) indices into ``points``.
    """
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    level = np.hypot(normal[:, 0], normal[:, 2])
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.nan_to_num(area * (level / area) ** FACE_POWER)
    towards = np.degrees(np.arctan2(normal[:, 0], normal[:, 2])).round().astype(np.int64) % 360
    around = np.bincount(towards, weight, 360)
    lobe = np.maximum(np.cos(np.radians(np.arange(360))), 0.0) ** FACE_POWER
    strength = np.real(np.fft.ifft(np.fft.fft(around) * np.fft.fft(lobe)))
    both = strength + np.roll(strength, 180)
    front = np.arange(-90, 91)
    best = int(front[int(np.argmax(both[front]))])
    if both[best] < ORIENT_GAIN * both[0]:
        return 0.0
    if abs(best) == 90 and strength[-best] > strength[best]:
        best = -best
    return -math.radians(best)
