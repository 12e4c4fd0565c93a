"""What a view says about a turned body: its outline, its best surface of revolution, its mouth and what is inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.mesh.shape.interior import Interior, interior_of
from services.mesh.shape.mouth import Mouth, find_mouth
from services.mesh.shape.outline import Outline, filled, outline_of
from services.mesh.shape.picture import Picture, picture_of
from services.mesh.shape.revolution import Revolution, fit_revolution, rim_evidence, silhouette, straight_bands
from services.mesh.shape.shading import crossing_edges
from services.mesh.view import FIT_SIDE_PX, View

MOUTH_SLACK = 0.015
"""A body below a mouth that shows may agree with the silhouette this much worse than one of any pitch."""


@dataclass(frozen=True)
class TurnedEvidence:
    """Measurements of the best turned body.

    Attributes:
        body: the surface of revolution.
        mouth: where it shows all around.
        interior: what is seen through the mouth; None where there is no mouth or a lid on it.
        rim: how clearly the front of a top rim shows, 0..1.
        bands: whether what runs across it runs straight (above 1) or bends around it (below 1).
        holes: share of the body's silhouette that is open, 0..1.
    """

    body: Revolution
    mouth: Mouth | None
    interior: Interior | None
    rim: float
    bands: float
    holes: float

    @property
    def lidded(self) -> bool:
        """True for a body whose top shows and is no opening."""
        return self.mouth is not None and self.interior is None


def find_outline(view: View) -> Outline:
    """The silhouette and its axis, on the fitting grid."""
    grid = view.grid(FIT_SIDE_PX)
    return outline_of(grid.alpha, grid.camera)


def find_picture(view: View) -> Picture:
    """The photo on the fitting grid."""
    grid = view.grid(FIT_SIDE_PX)
    return picture_of(grid.photo(view.cutout), grid.alpha)


def find_turned(view: View) -> TurnedEvidence:
    """The best surface of revolution and what speaks for it; whether it is a good one is for the judge."""
    outline, picture = view.measured(find_outline), view.measured(find_picture)
    edges = view.measured(crossing_edges)
    body = fit_revolution(outline, edges)
    mouth, interior = None, None
    top = find_mouth(picture, outline)
    if top is not None and top[1].agreement >= body.agreement - MOUTH_SLACK:
        mouth, body = top
        interior = interior_of(picture, mouth, body)
    inside = view.grid(FIT_SIDE_PX).inside
    seen = silhouette(body, inside.shape)
    open_pixels = float((seen & filled(inside) & ~inside).sum())
    return TurnedEvidence(
        body=body,
        mouth=mouth,
        interior=interior,
        rim=rim_evidence(body, edges),
        bands=straight_bands(body, edges),
        holes=open_pixels / max(float(np.count_nonzero(seen)), 1.0),
    )
