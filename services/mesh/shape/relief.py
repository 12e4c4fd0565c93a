"""A closed mesh from a silhouette and the depth over it: front and back sheets that share their rim.

The silhouette's 0.5 contour is traced between pixels (marching squares); corners that touch are kept apart, so the
result is a closed 2-manifold for every mask, with a hole for every hole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.solid import Solid

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ReliefRules:
    """How far shading moves the surface. Set by hand before the corpus was split.

    Attributes:
        split_rounds: rounds of halving steep edges: near a rim the height grows as a square root, each round halves
            what is left.
        steep: edges whose ends differ in height by more than this many pixels are halved.
        nearest_corner: a contour crossing stays this share of a pixel away from the grid nodes, so that no triangle is
            a needle.
        corners: corners of a cell as (row, column), clockwise in the image. Edge k runs from corner k to corner k + 1.
    """

    split_rounds: int = 3
    steep: float = 2.4
    nearest_corner: float = 0.1
    corners: tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]] = (
        (0, 0),
        (0, 1),
        (1, 1),
        (1, 0),
    )


RULES = ReliefRules()


def _cell_triangles() -> list[list[tuple[str, str, str]]]:
    """For each of the 16 cases, triangles whose corners are ``c<k>`` (cell corner) or ``e<k>`` (edge crossing)."""
    cases: list[list[tuple[str, str, str]]] = []
    for case in range(16):
        inside = [bool(case >> k & 1) for k in range(4)]
        loops: list[list[str]] = []
        if case in (5, 10):
            loops.extend([f"e{(k - 1) % 4}", f"c{k}", f"e{k}"] for k in range(4) if inside[k])
        elif case:
            loop: list[str] = []
            for k in range(4):
                if inside[k]:
                    loop.append(f"c{k}")
                if inside[k] != inside[(k + 1) % 4]:
                    loop.append(f"e{k}")
            # Start the fan at an inside corner opposite to the rim, so that no edge joins two rim points but the rim.
            if len(loop) == 5:
                middle = next(k for k in range(4) if all(inside[(k + d) % 4] for d in (-1, 0, 1)))
                start = loop.index(f"c{middle}")
                loop = loop[start:] + loop[:start]
            elif len(loop) == 4 and case != 15:
                start = next(i for i in range(4) if loop[i][0] == "c" and loop[i - 1][0] == "e")
                loop = loop[start:] + loop[:start]
            loops.append(loop)
        cases.append([(loop[0], loop[i], loop[i + 1]) for loop in loops for i in range(1, len(loop) - 1)])
    return cases


_TRIANGLES = _cell_triangles()


def relief(alpha: Floats, square: Floats, camera: PhotoCamera, offset: Floats | None = None) -> Solid:
    """Build the closed mesh.

    Args:
        alpha: (h, w) float32 in 0..1, below 0.5 along the border.
        square: (h, w) float32, squared half thickness, pixels; positive inside.
        camera: the view, in pixels of ``alpha``; its world is the result's frame.
        offset: (h, w) float32, pixels: how far the rim and both sheets are moved towards the viewer.

    Returns:
        a closed solid whose silhouette, seen by the camera, is the contour: x and y are scaled along the view rays.
    """
    grid, faces, square_front, is_rim, lift = _sheet(alpha, square, offset)
    count = len(grid)
    back_index = np.arange(count) + count
    back_index[is_rim] = np.flatnonzero(is_rim)
    position = np.concatenate([grid, grid])
    signed = np.concatenate([square_front, -square_front])
    shift = np.concatenate([lift, lift])
    triangles = np.concatenate([faces, back_index[faces][:, ::-1]])
    position, signed, shift, triangles = _split_steep(position, signed, shift, triangles)
    height = np.sign(signed) * np.sqrt(np.abs(signed)) + shift
    used = np.zeros(len(position), bool)
    used[triangles] = True
    renumber = np.cumsum(used) - 1
    flat = camera.plane(position[used] + 0.5)
    z = height[used] / camera.pixels
    # The rim and what is in front of it lie on their view rays, so that the photo's outline holds; what is behind stays
    # straight.
    scale = (camera.distance - np.maximum(z, shift[used] / camera.pixels)) / camera.distance
    view = np.stack([flat[:, 0] * scale, flat[:, 1] * scale, z], axis=1)
    return Solid(view, renumber[triangles])


def _sheet(
    alpha: Floats, square: Floats, offset: Floats | None
) -> tuple[NDArray[np.float64], Ints, NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """The flat triangulation: points (n, 2) x, y in pixel indices, faces, squares at the points, and who is rim."""
    height, width = alpha.shape
    inside = alpha >= 0.5
    nodes = height * width
    # Ids: grid nodes, then crossings of horizontal edges (y, x)-(y, x+1), then of vertical ones (y, x)-(y+1, x).
    case = inside[:-1, :-1].astype(np.int64) + 2 * inside[:-1, 1:] + 4 * inside[1:, 1:] + 8 * inside[1:, :-1]
    rows, columns = np.nonzero(case)
    kind = case[rows, columns]
    faces: list[Ints] = []
    for number in range(1, 16):
        chosen = kind == number
        if not chosen.any():
            continue
        y, x = rows[chosen], columns[chosen]
        at: dict[str, Ints] = {}
        for k, (dy, dx) in enumerate(RULES.corners):
            at[f"c{k}"] = (y + dy) * width + x + dx
        at["e0"] = nodes + y * width + x
        at["e1"] = 2 * nodes + y * width + x + 1
        at["e2"] = nodes + (y + 1) * width + x
        at["e3"] = 2 * nodes + y * width + x
        for a, b, c in _TRIANGLES[number]:
            # Clockwise in the image (y down) is counter-clockwise with y up turned round: reverse for +z normals.
            faces.append(np.stack([at[a], at[c], at[b]], axis=1))
    all_faces = np.concatenate(faces)
    ids, flat = np.unique(all_faces, return_inverse=True)
    flat = flat.reshape(-1, 3)
    family, cell = ids // nodes, ids % nodes
    y, x = cell // width, cell % width
    position = np.stack([x, y], axis=1).astype(np.float64)
    is_rim = family > 0
    lift = np.zeros(len(ids)) if offset is None else np.asarray(offset[y, x], np.float64)
    for number, (dy, dx) in ((1, (0, 1)), (2, (1, 0))):
        edge = family == number
        here, there = alpha[y[edge], x[edge]], alpha[y[edge] + dy, x[edge] + dx]
        step = np.clip((0.5 - here) / (there - here), RULES.nearest_corner, 1.0 - RULES.nearest_corner)
        position[edge] += np.outer(step, (dx, dy))
        if offset is not None:
            inner = here >= 0.5
            lift[edge] = np.where(inner, offset[y[edge], x[edge]], offset[y[edge] + dy, x[edge] + dx])
    square_at = np.where(is_rim, 0.0, np.maximum(square[y, x], 1e-4))
    return position, flat, square_at, is_rim, lift


def _split_steep(
    position: NDArray[np.float64], square: NDArray[np.float64], shift: NDArray[np.float64], faces: Ints
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], Ints]:
    """Halve edges that climb too much. The square is linear along an edge, so new points lie on the curved surface."""
    for _ in range(RULES.split_rounds):
        height = np.sign(square) * np.sqrt(np.abs(square))
        after = faces[:, [1, 2, 0]]
        low, high = np.minimum(faces, after), np.maximum(faces, after)
        climb = np.abs(height[low] - height[high])
        steep = climb > RULES.steep
        if not steep.any():
            break
        unique, inverse = np.unique(low[steep] * len(position) + high[steep], return_inverse=True)
        middle = np.full(faces.shape, -1, np.int64)
        middle[steep] = len(position) + inverse
        a, b = unique // len(position), unique % len(position)
        position = np.concatenate([position, 0.5 * (position[a] + position[b])])
        square = np.concatenate([square, 0.5 * (square[a] + square[b])])
        shift = np.concatenate([shift, 0.5 * (shift[a] + shift[b])])
        faces = _split_faces(faces, middle)
    return position, square, shift, faces


def _split_faces(faces: Ints, middle: Ints) -> Ints:
    """Triangles after their marked edges are halved; ``middle[:, k]`` is the point on edge k to k + 1, or -1."""
    marks = middle >= 0
    count = marks.sum(axis=1)
    out = [faces[count == 0]]
    for turn in range(3):
        first, second, third = turn, (turn + 1) % 3, (turn + 2) % 3
        one = np.flatnonzero((count == 1) & marks[:, first])
        a, b, c, ab = faces[one, first], faces[one, second], faces[one, third], middle[one, first]
        out += [np.stack([a, ab, c], 1), np.stack([ab, b, c], 1)]
        two = np.flatnonzero((count == 2) & marks[:, first] & marks[:, second])
        a, b, c = faces[two, first], faces[two, second], faces[two, third]
        ab, bc = middle[two, first], middle[two, second]
        out += [np.stack([ab, b, bc], 1), np.stack([a, ab, bc], 1), np.stack([a, bc, c], 1)]
    three = count == 3
    f, m = faces[three], middle[three]
    out += [
        np.stack([f[:, 0], m[:, 0], m[:, 2]], 1),
        np.stack([m[:, 0], f[:, 1], m[:, 1]], 1),
        np.stack([m[:, 2], m[:, 1], f[:, 2]], 1),
        np.stack([m[:, 0], m[:, 1], m[:, 2]], 1),
    ]
    return np.concatenate(out)
