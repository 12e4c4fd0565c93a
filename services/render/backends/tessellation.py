"""Triangles halved where light between their corners would miss what lies there; the surface keeps its shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.render.model import Part

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Wanted = Callable[[Part], NDArray[np.bool_]]
"""(m, 3) bool: which edges of a part's triangles are too long; edge k leads from corner k to the next."""


@dataclass(frozen=True)
class TessellationRules:
    """How far it goes.

    Attributes:
        rounds: times that edges are halved.
        least_more, more: triangles that may be added, or this share of those there are, whichever is more. Light worked
            out at every sample costs a film about as much as 10,000 triangles do.
    """

    rounds: int = 3
    least_more: int = 8_000
    more: float = 0.25


RULES = TessellationRules()


@dataclass(frozen=True)
class Tessellated:
    """A part with further vertices.

    Attributes:
        part: its first vertices are those that it had.
        parents: for each round (k, 2): the vertices that each new one lies half-way between.
    """

    part: Part
    parents: tuple[Ints, ...] = ()

    def carried(self, values: Floats) -> Floats:
        """(n', c) values at all vertices, from those (n, c) at the first ones."""
        for pairs in self.parents:
            values = np.concatenate([values, 0.5 * (values[pairs[:, 0]] + values[pairs[:, 1]])])
        return np.asarray(values, np.float32)


def tessellated(part: Part, wanted: Wanted, rules: TessellationRules = RULES) -> Tessellated:
    """Halve edges until none is too long, or as far as the rules go.

    An edge is halved for all triangles that meet at its place, those of other charts too: no gap can open.
    """
    budget = len(part.triangles) + max(rules.least_more, int(rules.more * len(part.triangles)))
    parents: list[Ints] = []
    place = _places(part.positions)
    for _ in range(rules.rounds):
        long = wanted(part)
        if not long.any():
            break
        start = part.triangles.astype(np.int64)
        end = np.roll(start, -1, axis=1)
        long = _everywhere(long, place[start], place[end])
        if len(part.triangles) + int(long.sum()) > budget:
            break
        part, pairs = _halved(part, long, start, end)
        parents.append(pairs)
        place = _places(part.positions)
    return Tessellated(part, tuple(parents))


def _places(positions: NDArray[np.floating]) -> Ints:
    """(n,) the same number for vertices at one place."""
    rows = np.ascontiguousarray(positions, np.float32) + np.float32(0.0)  # no negative zeros
    return np.asarray(np.unique(rows.view(np.dtype((np.void, 12))).ravel(), return_inverse=True)[1], np.int64)


def _everywhere(long: NDArray[np.bool_], start: Ints, end: Ints) -> NDArray[np.bool_]:
    """(m, 3) bool: every edge between two places of which one is long."""
    key = np.minimum(start, end) * (int(max(start.max(), end.max())) + 1) + np.maximum(start, end)
    return np.isin(key, np.unique(key[long]))


def _halved(part: Part, long: NDArray[np.bool_], start: Ints, end: Ints) -> tuple[Part, Ints]:
    """The part with those edges halved, and the ends of each, in the order of the new vertices."""
    count = len(part.positions)
    key = np.minimum(start, end) * count + np.maximum(start, end)
    edges, number = np.unique(key[long], return_inverse=True)
    pairs = np.stack(np.divmod(edges, count), axis=1)
    middle = np.zeros(long.shape, np.int64)
    middle[long] = count + number.ravel()

    def between(values: NDArray[np.floating] | None, unit: bool = False) -> NDArray[np.float32] | None:
        if values is None:
            return None
        new = 0.5 * (values[pairs[:, 0]] + values[pairs[:, 1]])
        if unit:
            new /= np.maximum(np.linalg.norm(new, axis=1, keepdims=True), 1e-6)
        return np.asarray(np.concatenate([values, new]), np.float32)

    positions = between(part.positions)
    assert positions is not None
    return (
        replace(
            part,
            positions=positions,
            triangles=_triangles(start, middle, long).astype(np.uint32),
            normals=between(part.normals, unit=True),
            uvs=between(part.uvs),
            colors=between(part.colors),
        ),
        pairs,
    )


def _triangles(corners: Ints, middle: Ints, long: NDArray[np.bool_]) -> Ints:
    """Triangles (m', 3) of corners (m, 3) whose long edges (m, 3) have middles (m, 3)."""
    number = long.sum(axis=1)
    # Turned so that the one halved edge, or the one that is not, comes first.
    first = np.where(number == 1, np.argmax(long, axis=1), np.where(number == 2, np.argmin(long, axis=1), 0))
    turn = (first[:, None] + np.arange(3)) % 3
    c, m = (np.take_along_axis(values, turn, axis=1) for values in (corners, middle))
    one, two, three = (number == k for k in (1, 2, 3))
    parts = [
        c[number == 0],
        np.stack([c[one, 0], m[one, 0], c[one, 2]], axis=1),
        np.stack([m[one, 0], c[one, 1], c[one, 2]], axis=1),
        np.stack([c[two, 0], c[two, 1], m[two, 1]], axis=1),
        np.stack([c[two, 0], m[two, 1], m[two, 2]], axis=1),
        np.stack([m[two, 2], m[two, 1], c[two, 2]], axis=1),
        np.stack([c[three, 0], m[three, 0], m[three, 2]], axis=1),
        np.stack([m[three, 0], c[three, 1], m[three, 1]], axis=1),
        np.stack([m[three, 2], m[three, 1], c[three, 2]], axis=1),
        m[three],
    ]
    return np.concatenate(parts)
