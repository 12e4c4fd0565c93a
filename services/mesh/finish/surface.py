"""From a closed solid to a drawable surface: normals with creases, and texture coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xatlas
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from lensora.adapters.patience import glance
from services.mesh.raster import covering
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

CREASE_DEG = 40.0
"""Edges that fold by more than this stay sharp; a circle of 96 sides folds by 4 degrees, a bevel in three steps by
30."""


@dataclass(frozen=True)
class SurfaceRules:
    """How a surface is smoothed and laid out.

    Attributes:
        calm_crease_deg, calm_rounds, calm_reach_deg: a surface that may fold by 60 degrees without a crease is a smooth
            one: its normals are averaged three times around, unless that would turn one by more than 50 degrees.
        gutter_texels: free texels around every chart at 1024: two mip levels without bleeding from the neighbour.
        packing_texels: charts are packed at this resolution: to a quarter of a per cent, in a fraction of the time that
            2048 takes.
        hidden_density: texels per metre on charts that the photo does not show, against those it does: what they hold
            is made up.
        ground_density: the same for what faces the ground.
        smallest_chart: charts of fewer faces are given to a neighbour: each chart costs gutters and splits vertices.
        planes: for each axis: which coordinates are u and v, and the sign of u that keeps the chart from being
            mirrored.
    """

    calm_crease_deg: float = 60.0
    calm_rounds: int = 3
    calm_reach_deg: float = 50.0
    gutter_texels: int = 6
    packing_texels: int = 512
    hidden_density: float = 0.6
    ground_density: float = 0.3
    smallest_chart: int = 24
    planes: tuple[
        tuple[int, int, float],
        tuple[int, int, float],
        tuple[int, int, float],
        tuple[int, int, float],
        tuple[int, int, float],
        tuple[int, int, float],
    ] = ((0, 1, 1.0), (0, 1, -1.0), (2, 1, -1.0), (2, 1, 1.0), (0, 2, -1.0), (0, 2, 1.0))


RULES = SurfaceRules()


_AXES = np.array([[0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], dtype=np.float64)


@dataclass(frozen=True)
class Surface:
    """What is drawn and written: vertices split where charts or creases meet.

    Attributes:
        positions: (n, 3) float32, metres; bit-identical where vertices of a seam coincide.
        normals: (n, 3) float32 unit vectors.
        uvs: (n, 2) float32 in 0..1, origin at the top left of the texture as glTF has it.
        faces: (m, 3) uint32.
        welded: (n,) int64, the solid's vertex that each came from.
    """

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    uvs: NDArray[np.float32]
    faces: NDArray[np.uint32]
    welded: Ints


def neighbours(faces: Ints) -> Ints:
    """(k, 2) pairs of faces that share an edge, each pair once; edges with other than two faces are left out."""
    ends = np.sort(np.stack([faces.ravel(), np.roll(faces, -1, axis=1).ravel()], axis=1), axis=1)
    key = ends[:, 0] * (int(faces.max()) + 1) + ends[:, 1]
    order = np.argsort(key, kind="stable")
    face = order // 3
    sorted_key = key[order]
    same = sorted_key[1:] == sorted_key[:-1]
    return np.stack([face[:-1][same], face[1:][same]], axis=1).astype(np.int64)


def _groups(count: int, pairs: Ints) -> Ints:
    """Connected components of faces under the given links; (count,) component numbers."""
    graph = sparse.coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _labels(unit: Doubles, pairs: Ints) -> Ints:
    """One of the six axes for each face: the one it faces most, smoothed so that charts have calm borders."""
    score = unit @ _AXES.T
    label = np.argmax(score, axis=1)
    count = len(unit)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    link = sparse.coo_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(count, count)).tocsr()
    degree = np.maximum(np.asarray(link.sum(axis=1)).ravel(), 1.0)
    for _ in range(6):
        glance()
        votes = (link @ np.eye(6)[label]) / degree[:, None]
        label = np.argmax(score + 0.45 * votes - 4.0 * (score < 0.2), axis=1)
    for _ in range(4):
        linked = pairs[label[pairs[:, 0]] == label[pairs[:, 1]]]
        part = _groups(count, linked)
        small = np.bincount(part)[part] < RULES.smallest_chart
        if not small.any():
            break
        # A crumb takes the label that most of its rim has, if it can be drawn in that direction at all.
        rim = both[(part[both[:, 0]] != part[both[:, 1]]) & small[both[:, 0]]]
        votes = np.zeros((int(part.max()) + 1, 6))
        np.add.at(votes, (part[rim[:, 0]], label[rim[:, 1]]), 1.0)
        lowest = np.full((int(part.max()) + 1, 6), np.inf)
        np.minimum.at(lowest, part, score)
        wanted = np.where(lowest > 0.12, votes, 0.0)
        move = wanted.max(axis=1) > 0
        label = np.where(small & move[part], np.argmax(wanted, axis=1)[part], label)
    return np.asarray(label, dtype=np.int64)


def surfaced(solid: Solid, front: Doubles, turn: Doubles, crease_deg: float = CREASE_DEG) -> Surface:
    """Normals and an atlas for a solid.

    Charts are the parts of the surface that face one of the six axes, laid flat along it, so that no texel is
    stretched by more than about two; xatlas packs them. A chart that would lie over itself is cut by xatlas instead.

    Args:
        solid: closed, in its final frame.
        front: (3,) or (k, 3) unit directions towards the photos' cameras: charts that face one get full density.
        turn: (3, 3) rotation from the solid's frame to the one whose axes the charts are laid out along.
        crease_deg: edges that fold more stay sharp, degrees.
    """
    cross = solid.cross()
    unit = cross / np.maximum(np.linalg.norm(cross, axis=1), 1e-20)[:, None]
    pairs = neighbours(solid.faces)
    label = _labels(unit @ turn.T, pairs)
    glance()
    part = _groups(len(solid.faces), pairs[label[pairs[:, 0]] == label[pairs[:, 1]]])
    smooth = np.einsum("ij,ij->i", unit[pairs[:, 0]], unit[pairs[:, 1]]) > np.cos(np.radians(crease_deg))
    bend = _groups(len(solid.faces), pairs[smooth])
    # Unique (vertex, chart, smoothing group) triples are the drawn vertices.
    vertex = solid.faces.ravel()
    chart, group = np.repeat(part, 3), np.repeat(bend, 3)
    key = (vertex * (int(part.max()) + 1) + chart) * (int(bend.max()) + 1) + group
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    faces = inverse.reshape(-1, 3).astype(np.int64)
    welded, chart_of = vertex[first], chart[first]
    normals = _corner_normals(solid, cross, unit, vertex, group)[first]
    if crease_deg >= RULES.calm_crease_deg:
        normals = _calmed(solid, normals, welded)
    glance()
    axis_of_chart = np.zeros(int(part.max()) + 1, np.int64)
    axis_of_chart[part] = label
    flat = _flattened(solid.vertices[welded] @ turn.T, axis_of_chart[chart_of])
    facing = (_AXES[axis_of_chart] @ turn @ np.atleast_2d(front).T).max(axis=1)
    density = np.where(facing > 0.2, 1.0, RULES.hidden_density)
    density = np.where(axis_of_chart == 5, RULES.ground_density, density)
    flat *= density[chart_of][:, None]
    faces, flat, source = _untangled(solid.vertices[welded], faces, flat, part, chart_of, density)
    welded, normals = welded[source], normals[source]
    glance()
    mapping, packed, uvs = _packed(flat, faces, part)
    return Surface(
        positions=solid.vertices[welded[mapping]].astype(np.float32),
        normals=normals[mapping].astype(np.float32),
        uvs=uvs.astype(np.float32),
        faces=packed.astype(np.uint32),
        welded=welded[mapping].astype(np.int64),
    )


def _corner_normals(solid: Solid, cross: Doubles, unit: Doubles, vertex: Ints, group: Ints) -> Doubles:
    """(3m, 3) unit normals: face normals weighted by their corner's angle, averaged within smoothing groups."""
    a, b, c = (solid.vertices[solid.faces[:, k]] for k in range(3))
    angles = np.empty((len(solid.faces), 3))
    for k, (p, q, r) in enumerate(((a, b, c), (b, c, a), (c, a, b))):
        u, v = q - p, r - p
        length = np.maximum(np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1), 1e-20)
        angles[:, k] = np.arccos(np.clip(np.einsum("ij,ij->i", u, v) / length, -1.0, 1.0))
    key = vertex * (int(group.max()) + 1) + group
    _, inverse = np.unique(key, return_inverse=True)
    weighted = np.repeat(unit, 3, axis=0) * angles.ravel()[:, None]
    total = np.stack([np.bincount(inverse, weighted[:, k]) for k in range(3)], axis=1)[inverse]
    length = np.linalg.norm(total, axis=1, keepdims=True)
    # Where opposite faces cancel out the face's own normal stands in, and for a sliver without one any direction.
    own = np.repeat(unit, 3, axis=0)
    own = np.where(np.linalg.norm(own, axis=1, keepdims=True) > 0.5, own, [0.0, 1.0, 0.0])
    return np.where(length > 1e-6, total / np.maximum(length, 1e-12), own)


def _calmed(solid: Solid, normals: Doubles, welded: Ints) -> Doubles:
    """Normals averaged with those around them: the slivers that simplification leaves on steep flanks do not show."""
    count = len(solid.vertices)
    start, end = solid.faces.ravel(), np.roll(solid.faces, -1, axis=1).ravel()
    link = sparse.coo_matrix((np.ones(len(start)), (start, end)), shape=(count, count)).tocsr()
    mean: Doubles = np.stack(
        [np.bincount(welded, normals[:, k], minlength=count).astype(np.float64) for k in range(3)], axis=1
    )
    for _ in range(RULES.calm_rounds):
        glance()
        mean = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        mean = 2.0 * mean + link @ mean
    mean = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
    calm = mean[welded]
    # A kept edge stays: there the average is far from both of its sides.
    near = np.einsum("ij,ij->i", calm, normals) > np.cos(np.radians(RULES.calm_reach_deg))
    return np.where(near[:, None], calm, normals)


def _flattened(points: Doubles, axis: Ints) -> Doubles:
    """(n, 2): points laid flat along each one's axis, v downwards as textures have it."""
    flat = np.empty((len(points), 2))
    for number, (u, v, sign) in enumerate(RULES.planes):
        chosen = axis == number
        flat[chosen, 0] = sign * points[chosen, u]
        flat[chosen, 1] = -points[chosen, v]
    flat[axis == 4] *= -1.0
    return flat


def _untangled(
    points: Doubles, faces: Ints, flat: Doubles, part: Ints, chart_of: Ints, density: Doubles
) -> tuple[Ints, Doubles, Ints]:
    """Replace the layout of charts that lie over themselves by xatlas's own.

    Returns:
        faces (m, 3), flat (n', 2) and, for each of the n' vertices, the one of ``points`` that it came from.
    """
    extent = max(float(np.ptp(flat, axis=0).max()), 1e-9)
    a, b, c = (flat[faces[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    signed = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    turned = np.bincount(part, np.maximum(signed, 0.0) * (signed > 0), minlength=len(density))
    laid = np.bincount(part, np.maximum(-signed, 0.0), minlength=len(density))
    area = np.maximum(turned, laid)
    side = 384.0 / extent
    tangled = []
    for number in np.unique(part):
        glance()
        own = np.flatnonzero(part == number)
        if len(own) < RULES.smallest_chart:
            if min(turned[number], laid[number]) > 0.02 * area[number]:
                tangled.append(number)
            continue
        local = flat[faces[own]].reshape(-1, 2)
        low = local.min(axis=0)
        size = np.ceil((local.max(axis=0) - low) * side).astype(int) + 3
        seen = covering((local - low) * side + 1.0, np.arange(len(local)).reshape(-1, 3), (int(size[0]), int(size[1])))
        # Drawing touches half a pixel around the outline; what lies double is far more than that.
        if 0.5 * side**2 * (turned[number] + laid[number]) > 1.03 * float((seen >= 0).sum()):
            tangled.append(number)
    source = np.arange(len(flat))
    if not tangled:
        return faces, flat, source
    bad = np.isin(part, tangled)
    ids, local_faces = np.unique(faces[bad], return_inverse=True)
    atlas = xatlas.Atlas()
    atlas.add_mesh(points[ids].astype(np.float32), local_faces.reshape(-1, 3).astype(np.uint32))
    chart_options = xatlas.ChartOptions()
    chart_options.max_iterations = 1
    # Compact charts are of no use here, and to grow them took two thirds of the time: half as many, longer ones do.
    chart_options.roundness_weight = chart_options.straightness_weight = 0.0
    pack = xatlas.PackOptions()
    atlas.generate(chart_options, pack)
    mapping, new_faces, new_uvs = atlas[0]
    per_unit = max(float(atlas.texels_per_unit), 1e-9)
    new_flat = np.asarray(new_uvs, np.float64) * np.array([atlas.width, atlas.height]) / per_unit
    new_flat *= density[chart_of[ids[mapping]]][:, None]
    start = len(flat)
    result = faces.copy()
    result[bad] = new_faces.astype(np.int64) + start
    return result, np.concatenate([flat, new_flat]), np.concatenate([source, ids[mapping]])


def _packed(flat: Doubles, faces: Ints, part: Ints) -> tuple[Ints, Ints, Doubles]:
    """Pack the charts with xatlas: for each new vertex the old one, the faces, and uv in 0..1."""
    # xatlas drops faces whose area is near zero in its own units: lay the charts out in texels, not metres.
    flat = (flat - flat.min(axis=0)) * (RULES.packing_texels / max(float(np.ptp(flat, axis=0).max()), 1e-12))
    # It also joins charts whose points coincide in the plane: give every chart a place of its own.
    place = np.zeros(len(flat))
    place[faces.ravel()] = np.repeat(part, 3) * (2.0 * RULES.packing_texels)
    flat = flat + np.stack([place, np.zeros(len(flat))], axis=1)
    atlas = xatlas.Atlas()
    atlas.add_uv_mesh(np.ascontiguousarray(flat, np.float32), np.ascontiguousarray(faces, np.uint32))
    pack = xatlas.PackOptions()
    pack.resolution = RULES.packing_texels
    pack.padding = max(1, RULES.gutter_texels * RULES.packing_texels // 1024)
    # Half a texel more around every chart would cost a third of the time; the gutter is wider than that.
    pack.bilinear = False
    pack.rotate_charts = True
    atlas.generate(xatlas.ChartOptions(), pack)
    mapping, packed, uvs = atlas[0]
    return np.asarray(mapping, np.int64), np.asarray(packed, np.int64), np.asarray(uvs, np.float64)
