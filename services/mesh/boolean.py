"""Union and difference of closed solids (manifold3d: the result is closed and manifold by construction)."""

from __future__ import annotations

import manifold3d
import numpy as np

from services.mesh.solid import Solid, joined

TOLERANCE = 2e-4
"""Where surfaces cut each other they leave slivers; edges shorter than this share of the solid are taken out."""

COARSER = (0.002, 0.005, 0.01, 0.02, 0.04)
"""Lengths, as shares of the solid, that are tried where a budget must hold."""


def union(body: Solid, parts: list[Solid]) -> Solid:
    """Body and parts as one solid."""
    return _solid(manifold3d.Manifold.batch_boolean([_manifold(s) for s in (body, *parts)], manifold3d.OpType.Add)) or (
        joined([body, *parts])
    )


def difference(body: Solid, cavity: Solid) -> Solid:
    """The body without the cavity."""
    return _solid(_manifold(body) - _manifold(cavity)) or body


def without_crumbs(solid: Solid, share: float = 0.02) -> Solid:
    """The solid without loose pieces of less than a share of its volume: what a cut has left over of a part."""
    pieces = _manifold(solid).decompose()
    if len(pieces) < 2:
        return solid
    whole = sum(piece.volume() for piece in pieces)
    kept = [piece for piece in pieces if piece.volume() >= share * whole]
    return _solid(manifold3d.Manifold.compose(kept)) or solid


def thinned(solid: Solid, length: float, longest: float) -> Solid:
    """The solid with what is shorter or flatter than a length taken out, and edges over ``longest`` divided; closed as
    before."""
    return _solid(_manifold(solid).simplify(length).refine_to_length(longest), 0.0) or solid


def coarser(solid: Solid, max_triangles: int) -> Solid:
    """The solid with edges shorter than a growing length taken out, until a budget holds; closed at every step.

    Rougher than quadrics, but it never tears: the last resort for thin parts and tiny budgets.
    """
    whole = _manifold(solid)
    extent = float(np.ptp(solid.vertices, axis=0).max())
    best = solid
    for share in COARSER:
        result = _solid(whole, share * extent)
        if result is not None and len(result.faces) < len(best.faces):
            best = result
        if len(best.faces) <= max_triangles:
            break
    return best


def _manifold(solid: Solid) -> manifold3d.Manifold:
    """The solid in the library's form."""
    mesh = manifold3d.Mesh(
        vert_properties=np.ascontiguousarray(solid.vertices, np.float32),
        tri_verts=np.ascontiguousarray(solid.faces, np.uint32),
    )
    return manifold3d.Manifold(mesh)


def _solid(manifold: manifold3d.Manifold, tolerance: float | None = None) -> Solid | None:
    """The library's result without edges under a length; None where it holds nothing (an input that was not closed)."""
    if manifold.status() != manifold3d.Error.NoError or manifold.is_empty():
        return None
    extent = float(np.ptp(np.asarray(manifold.bounding_box()).reshape(2, 3), axis=0).max())
    mesh = manifold.simplify(TOLERANCE * extent if tolerance is None else tolerance).to_mesh()
    vertices = np.asarray(mesh.vert_properties, np.float64)[:, :3]
    faces = np.asarray(mesh.tri_verts, np.int64)
    # Vertices that the library keeps apart for their properties are one point.
    merge = np.arange(len(vertices))
    if len(mesh.merge_from_vert):
        merge[np.asarray(mesh.merge_from_vert, np.int64)] = np.asarray(mesh.merge_to_vert, np.int64)
    return Solid(vertices, merge[faces])
