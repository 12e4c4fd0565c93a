"""One closed solid from all photos: the space that all outlines allow, and in it what the photos' fields hold inside.

The grid is the main photo's own: its rows and columns are that photo's lines of sight, so its outline comes out to the
pixel. Fields are averaged, each by how sure it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lensora.adapters.patience import glance
from lensora.core.errors import InvalidMesh
from services.mesh.boolean import thinned
from services.mesh.shape.isosurface import isosurface
from services.mesh.solid import Solid
from services.mesh.views.registration import Witness

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FusionRules:
    """How fields are made one.

    Attributes:
        side, bins: rows and columns of the grid, and places along each of its lines of sight.
        slope: logits for one half side of distance from an outline: the solid's wall there.
        least: logit that every line of sight inside an outline reaches somewhere: thin parts are kept.
        layer: half thickness of what is put where a line of sight lacks it, bins.
        silent: logit under which fields say nothing.
        hint, next: another photo's line of sight is only filled where the fields reach this logit, and there where they
            are within so much of their most.
        crumb: islands in space under this share of the largest one are dropped, if no outline needs them.
        checked: rows and columns on which outlines are looked at for what is missing.
        tolerance: half sides by which an outline other than the main one's may be missed: its camera is not known to a
            pixel.
        loudest, calm: logits are cut off here before the last averaging, and its sigma, cells.
        finest: length of the smallest features that are kept, half sides.
        longest: edges are divided down to this, half sides: a triangle is coloured from one photo.
        margin: places before and behind what is inside, shares of its depth.
    """

    side: int = 112
    bins: int = 96
    slope: float = 60.0
    least: float = 0.3
    layer: float = 2.0
    silent: float = -3.5
    hint: float = -3.5
    next: float = 0.4
    crumb: float = 0.02
    checked: int = 72
    tolerance: float = 0.015
    loudest: float = 1.5
    calm: float = 0.65
    finest: float = 0.003
    longest: float = 0.06
    margin: float = 0.08


RULES = FusionRules()


def fused(witnesses: Sequence[Witness]) -> Solid:
    """The solid in the shared world.

    Args:
        witnesses: all photos that are used, the main one first.

    Raises:
        InvalidMesh: the outlines leave nothing.
    """
    main = witnesses[0]
    grid = _Grid(main)
    inside = grid.filled(grid.votes(witnesses))
    labels, count = ndimage.label(inside > 0)
    if count > 1:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        small = sizes < RULES.crumb * sizes.max()
        # What alone fills a line of sight of the main photo stays.
        bare = ~(~small[labels] & (labels > 0)).any(axis=0)
        small[np.unique(labels[:, bare])] = False
        inside = np.where(small[labels] & (labels > 0), np.float32(-0.5), inside)
    # Averaged over a cell, and not over how loud a field is: what is left of noise makes holes of a cell's width.
    soft = ndimage.gaussian_filter(np.clip(inside, -RULES.loudest, RULES.loudest), RULES.calm)
    points, faces = isosurface(np.pad(soft, 1, constant_values=-1.0))
    if not len(faces):
        raise InvalidMesh("the photos' outlines leave no room for a solid")
    # Bins, rows and columns run along -z, -y and x, which is a left-handed frame of the view.
    world = main.world(grid.view(points - 1.0).astype(np.float32)).T.astype(np.float64)
    return thinned(Solid(world, faces[:, ::-1].copy()), RULES.finest, RULES.longest)


class _Grid:
    """Places along the main photo's lines of sight."""

    def __init__(self, main: Witness) -> None:
        self._main = main
        side = RULES.side
        size = (side, side)
        self._rim = cv2.resize(main.evidence.rim, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        # A little beyond the outline: the surface crosses it there.
        self._rows, self._columns = np.nonzero(self._rim > -2.5 / side)
        if not len(self._rows):
            raise InvalidMesh("the main photo's outline is empty")
        self._near, self._far = main.evidence.reach, -main.evidence.reach
        self._bins = RULES.bins

    def narrowed(self, near: float, far: float) -> None:
        """From now on, only depths between these."""
        self._near, self._far = near, far

    def levels(self) -> Floats:
        """(bins,) z of each bin's middle."""
        share = (np.arange(self._bins) + 0.5) / self._bins
        return np.asarray(self._near + (self._far - self._near) * share, np.float32)

    def world(self) -> Floats:
        """(3, rays * bins) of all places."""
        side, distance = RULES.side, np.float32(self._main.evidence.distance)
        u = ((self._columns + 0.5) * (2.0 / side) - 1.0).astype(np.float32)
        v = (1.0 - (self._rows + 0.5) * (2.0 / side)).astype(np.float32)
        z = self.levels()
        away = (distance - z) / distance
        x, y = u[:, None] * away, v[:, None] * away
        return self._main.world(np.stack([x.ravel(), y.ravel(), np.broadcast_to(z, x.shape).ravel()]))

    def view(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(3, n): places in the main photo's frame of points (n, 3) in grid indices (bin, row, column)."""
        side, distance = RULES.side, self._main.evidence.distance
        z = self._near + (self._far - self._near) * (points[:, 0] + 0.5) / self._bins
        away = (distance - z) / distance
        u = (points[:, 2] + 0.5) * (2.0 / side) - 1.0
        v = 1.0 - (points[:, 1] + 0.5) * (2.0 / side)
        return np.stack([u * away, v * away, z])

    def votes(self, witnesses: Sequence[Witness]) -> Floats:
        """(rays, bins): positive inside the solid."""
        self._bins = RULES.bins // 3
        rough = self._votes(witnesses)
        inside = np.flatnonzero((rough > 0).any(axis=0))
        if not len(inside):
            raise InvalidMesh("the photos' outlines leave no room for a solid")
        levels = self.levels()
        step = float(levels[0] - levels[1])
        margin = RULES.margin * float(levels[inside[0]] - levels[inside[-1]]) + 1.5 * step
        self.narrowed(float(levels[inside[0]]) + margin, float(levels[inside[-1]]) - margin)
        self._bins = RULES.bins
        return self._votes(witnesses)

    def _votes(self, witnesses: Sequence[Witness]) -> Floats:
        glance()
        world = self.world()
        rays, bins = len(self._rows), self._bins
        allowed = np.repeat(self._rim[self._rows, self._columns] * np.float32(RULES.slope), bins)
        seen = [witness.evidence.places(world, witness.standpoint) for witness in witnesses]
        for witness, places in zip(witnesses[1:], seen[1:], strict=True):
            # Distances in another photo's half sides, brought to the main one's.
            scale = np.float32(RULES.slope * np.exp(-witness.standpoint.size))
            rim = witness.evidence.rim_at(places) + np.float32(RULES.tolerance)
            allowed = np.minimum(allowed, rim * scale)
        chosen = np.flatnonzero(allowed > -2.0)
        glance()
        total = np.zeros(len(chosen), np.float32)
        weight = np.zeros(len(chosen), np.float32)
        for witness, places in zip(witnesses, seen, strict=True):
            logits = witness.evidence.smooth_logits_at(places[:, chosen])
            total += logits
            weight += 1.0
        field = np.asarray(total / np.maximum(weight, 1.0), np.float32)
        room = allowed[chosen] > 0
        for places in seen:
            field = _raised(field, room, places[:, chosen])
        votes = np.full(len(allowed), -4.0, np.float32)
        votes[chosen] = np.minimum(field, allowed[chosen])
        return self._closed(votes.reshape(rays, bins), allowed.reshape(rays, bins))

    def _closed(self, votes: Floats, allowed: Floats) -> Floats:
        """(rays, bins): with a layer on every line of sight that lacks one, where the fields hold it likeliest; where
        they say nothing, as deep in space as what is beside it."""
        filled = votes > 0
        lacking = ~filled.any(axis=1) & (self._rim[self._rows, self._columns] > -0.5 / RULES.side)
        if not lacking.any():
            return votes
        room = np.where(allowed > 0, votes, np.float32(-9.0))
        best = room[lacking].argmax(axis=1)
        told = room[lacking].max(axis=1) > RULES.silent
        known = lacking.copy()
        known[lacking] = told
        filled[known, room[known].argmax(axis=1)] = True
        whole = filled.any(axis=1)
        if not whole.any():
            return votes
        side = RULES.side
        middle = np.zeros((side, side), np.float32)
        counted = filled[whole].sum(axis=1)
        levels = np.arange(votes.shape[1], dtype=np.float32)
        middle[self._rows[whole], self._columns[whole]] = (filled[whole] @ levels) / counted
        empty = np.ones((side, side), bool)
        empty[self._rows[whole], self._columns[whole]] = False
        near = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
        beside = middle[tuple(near)][self._rows[lacking], self._columns[lacking]]
        place = np.where(told, best, beside).astype(np.float32)
        layer = np.float32(RULES.least) * (1.0 - np.abs(levels - place[:, None]) / RULES.layer)
        votes[lacking] = np.maximum(votes[lacking], np.minimum(layer, np.maximum(allowed[lacking], -1.0)))
        return votes

    def filled(self, votes: Floats) -> Floats:
        """(bins, side, side) float32: the votes as a volume, negative elsewhere."""
        side = RULES.side
        volume = np.full((self._bins, side, side), -1.0, np.float32)
        volume[:, self._rows, self._columns] = votes.T
        # Beside the rays the outline's own slope goes on, so that the wall stands where the outline is.
        beside = np.full((side, side), True)
        beside[self._rows, self._columns] = False
        slope = np.minimum(self._rim * np.float32(RULES.slope), np.float32(-0.05))
        volume[:, beside] = slope[beside]
        return np.maximum(volume, np.float32(-4.0))


def _raised(field: Floats, room: NDArray[np.bool_], places: Floats) -> Floats:
    """The field, with something inside on every line of sight of a photo that hits the thing, where fields hint at it.

    Args:
        field: (n,) of places.
        room: (n,) whether all outlines allow them.
        places: (3, n) as the photo sees them.
    """
    side = RULES.checked
    column = np.clip((places[0] + 1.0) * (side / 2), 0, side - 1).astype(np.int64)
    row = np.clip((1.0 - places[1]) * (side / 2), 0, side - 1).astype(np.int64)
    pixel = row * side + column
    most = np.full(side * side, -np.inf, np.float32)
    np.maximum.at(most, pixel[room], field[room])
    level = most[pixel]
    lacking = room & (level < RULES.least) & (level > RULES.hint)
    return np.where(lacking & (field >= level - RULES.next), field - level + np.float32(RULES.least), field)
