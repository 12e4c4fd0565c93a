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
from services.mesh.cutout import kept_thin
from services.mesh.shape.isosurface import calmed, isosurface
from services.mesh.solid import Solid
from services.mesh.views.registration import Witness

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FusionRules:
    """How fields are made one. Set on things of the part ``tune`` (``quality.views.objects``).

    Attributes:
        side, bins: rows and columns of the grid, and places along each of its lines of sight.
        gain: logits are multiplied by this before the outlines cut them: a field that is quiet near its surface would
            otherwise stand back from the outline.
        wall: logits for one cell of distance from the main photo's outline.
        hull: logits for one half side of distance from another photo's outline.
        tolerance: half sides by which such an outline may be missed: its camera is not known to a pixel.
        least: logit that every line of sight inside an outline reaches somewhere: thin parts are kept.
        sliver: cells of depth inside the outline that a part thinner than a cell has.
        layer: half thickness of what is put where a line of sight lacks it, bins.
        silent: logit under which fields say nothing of where a line of sight ends.
        hint, next: a line of sight is only filled where the fields reach this logit, and there where they are within so
            much of their most ...
        smooth: ... sigma of the blur of that most, from line to line.
        frayed: cells along the rim within which nothing is filled.
        crumb: islands in space under this share of the largest one are dropped, if no outline needs them.
        checked: rows and columns on which outlines are looked at for what is missing.
        loudest, calm: logits are cut off here before the volume is blurred, and the blur's sigma, cells.
        rounds: rounds of smoothing of the surface.
        finest: length of the smallest features that are kept, half sides.
        longest: edges are divided down to this, half sides: a triangle is coloured from one photo.
        margin: places before and behind what is inside, shares of its depth.
    """

    side: int = 144
    bins: int = 96
    gain: float = 3.0
    wall: float = 2.0
    hull: float = 60.0
    tolerance: float = 0.015
    least: float = 0.3
    sliver: float = 0.15
    layer: float = 2.0
    silent: float = -1.5
    hint: float = -3.5
    next: float = 0.8
    smooth: float = 1.0
    frayed: float = 6.0
    crumb: float = 0.02
    checked: int = 72
    loudest: float = 1.5
    calm: float = 0.9
    rounds: int = 8
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
    inside = grid.calmed(_without_crumbs(grid.filled(grid.votes(witnesses))))
    points, faces = isosurface(np.pad(inside, 1, constant_values=-1.0))
    if not len(faces):
        raise InvalidMesh("the photos' outlines leave no room for a solid")
    cell = grid.cell()
    points = calmed(points * cell, faces, RULES.rounds) / cell
    # Bins, rows and columns run along -z, -y and x, which is a left-handed frame of the view.
    world = main.world(grid.view(points - 1.0).astype(np.float32)).T.astype(np.float64)
    return thinned(Solid(world, faces[:, ::-1].copy()), RULES.finest, RULES.longest)


def _without_crumbs(inside: Floats) -> Floats:
    """The volume without small islands, but for those that alone fill a line of sight of the main photo."""
    labels, count = ndimage.label(inside > 0)
    if count < 2:
        return inside
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    small = sizes < RULES.crumb * sizes.max()
    bare = ~(~small[labels] & (labels > 0)).any(axis=0)
    small[np.unique(labels[:, bare])] = False
    small[0] = False
    return np.asarray(np.where(small[labels], np.float32(-0.5), inside), np.float32)


def _walls(outline: Floats, side: int) -> Floats:
    """(side, side) float32: cells to the outline, positive inside it, exact to parts of a cell beside it."""
    matte = kept_thin(np.asarray(cv2.resize(outline, (side, side), interpolation=cv2.INTER_AREA), np.float32))
    inside = (matte >= 0.5).astype(np.uint8)
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    rim = np.where(np.abs(deep) <= 1.0, np.clip(matte - 0.5, -0.5, 0.5), deep - 0.5 * np.sign(deep))
    return np.asarray(np.where(inside > 0, np.maximum(rim, RULES.sliver), rim), np.float32)


class _Grid:
    """Places along the main photo's lines of sight."""

    def __init__(self, main: Witness) -> None:
        self._main = main
        self._rim = _walls(main.evidence.outline, RULES.side)
        if not (self._rim > 0).any():
            raise InvalidMesh("the main photo's outline is empty")
        # A little beyond the outline: the surface crosses it there.
        self._rows, self._columns = np.nonzero(self._rim > -2.5)
        self._wall = self._rim[self._rows, self._columns] * np.float32(RULES.wall)
        self._near, self._far = main.evidence.reach, -main.evidence.reach
        self._bins = RULES.bins

    def cell(self) -> NDArray[np.float64]:
        """(3,) depth, height and width of a cell, half sides."""
        return np.array([(self._near - self._far) / self._bins, 2.0 / RULES.side, 2.0 / RULES.side])

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
        self._near, self._far = float(levels[inside[0]]) + margin, float(levels[inside[-1]]) - margin
        self._bins = RULES.bins
        return self._votes(witnesses)

    def _votes(self, witnesses: Sequence[Witness]) -> Floats:
        glance()
        world = self.world()
        rays, bins = len(self._rows), self._bins
        allowed = np.repeat(self._wall, bins)
        seen = [witness.evidence.places(world, witness.standpoint) for witness in witnesses]
        for witness, places in zip(witnesses[1:], seen[1:], strict=True):
            # Distances in another photo's half sides, brought to the main one's.
            scale = np.float32(np.exp(-witness.standpoint.size))
            rim = witness.evidence.rim_at(places) * scale + np.float32(RULES.tolerance)
            allowed = np.minimum(allowed, rim * np.float32(RULES.hull))
        chosen = np.flatnonzero(allowed > -2.0 * RULES.wall)
        glance()
        total = np.zeros(len(chosen), np.float32)
        for witness, places in zip(witnesses, seen, strict=True):
            total += witness.evidence.smooth_logits_at(places[:, chosen])
        field = np.asarray(total / np.float32(len(witnesses)), np.float32)
        room = allowed[chosen] > 0
        for places in seen:
            field = _raised(field, room, places[:, chosen])
        votes = np.full(len(allowed), -4.0, np.float32)
        votes[chosen] = np.minimum(field * np.float32(RULES.gain), allowed[chosen])
        return self._closed(votes.reshape(rays, bins), allowed.reshape(rays, bins))

    def _closed(self, votes: Floats, allowed: Floats) -> Floats:
        """(rays, bins): with a layer on every line of sight that lacks one, where the fields hold it likeliest; where
        they say nothing, as deep in space as what is beside it."""
        filled = votes > 0
        lacking = ~filled.any(axis=1) & (self._wall > 0)
        lacking = self._missed(np.asarray(filled.any(axis=1)), lacking)
        if not lacking.any():
            return votes
        room = np.where(allowed > 0, votes, np.float32(-9.0))
        best = room[lacking].argmax(axis=1)
        told = room[lacking].max(axis=1) > RULES.silent * RULES.gain
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
        layer = 1.0 - np.abs(levels - place[:, None]) / np.float32(RULES.layer)
        votes[lacking] = np.maximum(votes[lacking], np.minimum(layer, self._wall[lacking][:, None]))
        return votes

    def _missed(self, there: Mask, lacking: Mask) -> Mask:
        """(rays,): those of the lines that lack something which leave a hole, or a part that sticks out.

        A rim that is a cell or two short is none of both: filled line by line it would be frayed.
        """
        side = RULES.side
        drawn, open_ = np.zeros((side, side), bool), np.zeros((side, side), bool)
        drawn[self._rows, self._columns], open_[self._rows, self._columns] = there, lacking
        return parts_missed(drawn, open_, RULES.frayed)[self._rows, self._columns]

    def calmed(self, inside: Floats) -> Floats:
        """The volume blurred, so that its walls are no stairs; thin parts that vanish in the blur stay as they are."""
        clear = np.clip(inside, -RULES.loudest, RULES.loudest)
        soft = np.asarray(ndimage.gaussian_filter(clear, RULES.calm), np.float32)
        there = np.asarray((soft > 0).any(axis=0))
        lost = parts_missed(there, (clear > 0).any(axis=0) & ~there, RULES.frayed / 2.0)
        soft[:, lost] = np.maximum(soft[:, lost], clear[:, lost])
        return soft

    def filled(self, votes: Floats) -> Floats:
        """(bins, side, side) float32: the votes as a volume, negative elsewhere."""
        side = RULES.side
        volume = np.full((self._bins, side, side), -1.0, np.float32)
        volume[:, self._rows, self._columns] = votes.T
        # Beside the rays the outline's own slope goes on, so that the wall stands where the outline is.
        beside = np.full((side, side), True)
        beside[self._rows, self._columns] = False
        volume[:, beside] = np.minimum(self._rim * np.float32(RULES.wall), np.float32(-0.05))[beside]
        return np.clip(volume, -4.0, 4.0)


def parts_missed(drawn: Mask, lacking: Mask, frayed: float) -> Mask:
    """(h, w): what is lacking, but for what lies along the rim of what is drawn, up to so many cells wide.

    What joins two parts of what is drawn is none of the rim.
    """
    if not lacking.any() or not drawn.any():
        return lacking
    far = ndimage.distance_transform_edt(~drawn)
    enclosed = ndimage.binary_fill_holes(drawn) & ~drawn
    labels, count = ndimage.label(lacking, np.ones((3, 3)))
    reach = ndimage.maximum(np.where(enclosed, np.inf, far), labels, np.arange(count + 1))
    kept = np.asarray(reach) > frayed
    parts, several = ndimage.label(drawn, np.ones((3, 3)))
    if several > 1:
        beside = ndimage.maximum_filter(parts, 3)
        other = ndimage.minimum_filter(np.where(drawn, parts, several + 1), 3)
        most = ndimage.maximum(beside, labels, np.arange(count + 1))
        least = ndimage.minimum(other, labels, np.arange(count + 1))
        kept |= np.asarray(least) < np.asarray(most)
    kept[0] = False
    return np.asarray(kept[labels])


def _raised(field: Floats, room: NDArray[np.bool_], places: Floats) -> Floats:
    """The field, with something inside on every line of sight of a photo that hits the thing, where fields hint at it.

    Args:
        field: (n,) of places.
        room: (n,) whether all outlines allow them.
        places: (3, n) as the photo sees them.
    """
    side = RULES.checked
    x, y = (places[0] + 1.0) * np.float32(side / 2), (1.0 - places[1]) * np.float32(side / 2)
    pixel = np.clip(y, 0, side - 1).astype(np.int64) * side + np.clip(x, 0, side - 1).astype(np.int64)
    most = np.full(side * side, -np.inf, np.float32)
    np.maximum.at(most, pixel[room], field[room])
    bare = (most < RULES.least) & (most > RULES.hint)
    there = (most >= RULES.least).reshape(side, side)
    missed = parts_missed(there, bare.reshape(side, side), RULES.frayed / 2.0)
    if not missed.any():
        return field
    # Smooth from line to line, so that what is raised has smooth sides.
    level = np.where(missed, most.reshape(side, side), np.float32(RULES.least))
    level = cv2.GaussianBlur(cv2.erode(level.astype(np.float32), np.ones((3, 3))), (0, 0), RULES.smooth)
    level = ndimage.map_coordinates(level, [y - 0.5, x - 0.5], order=1, mode="nearest", output=np.float32)
    near = np.clip(1.0 - (level - field) / np.float32(RULES.next), 0.0, 1.0)
    lift = np.where(room, (np.float32(RULES.least) - level) * near, np.float32(0.0))
    return np.asarray(field + np.maximum(lift, 0.0), np.float32)
