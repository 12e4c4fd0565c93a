"""The grids that free shapes, neither boxes nor turned, are built on, and how their surfaces are finished."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.cutout import kept_thin
from services.mesh.shape.inflation import rim_distance
from services.mesh.view import Grid, View

Floats = NDArray[np.float32]

FREE_CREASE_DEG = 75.0
"""Free shapes are smooth all over: only the edge of a flat thing may stay, not the slivers of the simplification."""

FREE_REACH = float(np.radians(15.0))
"""The flank of a free shape is as large as its front, and less is known of it: it is not brought to the front."""


@dataclass(frozen=True)
class GridLimits:
    """How fine a grid free shapes get.

    Attributes:
        draft_px: longer side of the grid that hypotheses are compared on.
        side_px: longer side for a finished model: finer than the default budget of triangles can keep. A coarser grid
            for calm outlines, as they have fewer triangles, costs a hammer 0.006 of IoU.
        thin_share: a silhouette with more of its area within a pixel and a half of the rim gets a finer grid: lattices
            and wires would be lost.
        fine_pixels: pixels inside that the finer grid keeps.
        fine_side_px: its longer side at most.
        outlines: islands and holes of a silhouette at most: more is dust or a screen, not parts.
    """

    draft_px: int = 96
    side_px: int = 192
    thin_share: float = 0.10
    fine_pixels: int = 20_000
    fine_side_px: int = 448
    outlines: int = 400


LIMITS = GridLimits()


def draft_grid(view: View) -> Grid:
    """The grid that free shapes are compared on, its matte without dust."""
    grid = view.grid(LIMITS.draft_px)
    return Grid(_settled(grid.alpha), grid.camera, grid.factor)


def fine_grid(view: View) -> Grid:
    """The grid that a finished free shape is built on, its matte without dust."""
    grid = view.grid(LIMITS.side_px)
    depth = rim_distance(grid.alpha)
    if float((depth[depth > 0] < 1.6).mean()) > LIMITS.thin_share:
        share = float(grid.inside.mean())
        side = min(LIMITS.fine_side_px, max(LIMITS.side_px, (LIMITS.fine_pixels / share) ** 0.5))
        grid = view.grid(round(side))
    return Grid(_settled(grid.alpha), grid.camera, grid.factor)


def _settled(alpha: Floats) -> Floats:
    """The matte blurred until it has no more outlines than a model can hold: dust and screens become surfaces."""
    for sigma in (1.0, 2.0, 4.0, 8.0):
        if outlines(alpha) <= LIMITS.outlines:
            break
        blurred = np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma), np.float32)
        blurred[[0, 1, -2, -1]] = 0.0
        blurred[:, [0, 1, -2, -1]] = 0.0
        alpha = kept_thin(blurred)
    return alpha


def outlines(alpha: Floats) -> int:
    """How many islands and holes a silhouette has."""
    contours, _ = cv2.findContours((alpha >= 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return len(contours)
