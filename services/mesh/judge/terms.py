"""What speaks for and against a hypothesis: named numbers of about 0 to 1, none of which decides anything.

Terms of the *view* are the same for all hypotheses of a photo; weighed per kind, they say which kinds a photo suggests.
Terms of a *hypothesis* compare its drawing from the photo's camera with the photo. What a kind measured itself
(``Hypothesis.evidence``) joins them under the kind's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from lensora.adapters.patience import glance
from services.mesh.judge.likelihood import network_terms
from services.mesh.judge.rays import Crossings, cast
from services.mesh.kinds import Hypothesis
from services.mesh.shape.shading import doming, flatness, openness, straightness
from services.mesh.solid import Solid
from services.mesh.view import View

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

HULL_POINTS = 3000
"""Vertices whose convex hull is measured, at least half as many."""

SIDE_PX = 96
"""Grid on which hypotheses are held against the photo: an edge is seen to a hundredth of the subject."""


@dataclass(frozen=True)
class Picture:
    """The photo as the judge looks at it.

    Attributes:
        inside: (h, w) bool, the silhouette.
        inner: (h, w) bool, away from the silhouette's rim.
        lightness: (h, w) float32 CIELAB L, slightly blurred.
        edges: (h, w) float32 in 0..1, steps of colour inside the silhouette.
        pixels: pixels for one view unit.
        terms: the view's terms by name.
    """

    inside: Mask
    inner: Mask
    lightness: Floats
    edges: Floats
    pixels: float
    terms: Mapping[str, float]


def picture_of(view: View) -> Picture:
    """The photo on the judge's grid, and the view's terms."""
    grid = view.grid(SIDE_PX)
    inside = grid.inside
    lab = cv2.cvtColor(grid.photo(view.cutout).astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    soft = cv2.GaussianBlur(lab, (0, 0), 0.8)
    steps = [cv2.Sobel(soft, cv2.CV_32F, dx, 1 - dx, ksize=3) / 8.0 for dx in (0, 1)]
    edges = np.sqrt(sum((step**2).sum(axis=2) for step in steps))
    inner = _eroded(inside, 5)
    strong = max(float(np.percentile(edges[inner], 92)), 1.5) if inner.any() else 1.5
    edges = np.where(inner, np.clip(edges / strong, 0.0, 1.0), 0.0).astype(np.float32)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    tall, wide = len(range(rows[0], rows[-1] + 1)), len(range(columns[0], columns[-1] + 1))
    tight = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    terms = {
        "view.flatness": view.measured(flatness),
        "view.doming": view.measured(doming),
        "view.straightness": view.measured(straightness),
        "view.openness": view.measured(openness),
        "view.aspect": float(np.log(tall / wide)),
        "view.fill": float(tight.mean()),
        "view.symmetry": float((tight & tight[:, ::-1]).sum() / (tight | tight[:, ::-1]).sum()),
        "view.busyness": float(edges[inner].mean()) if inner.any() else 0.0,
    }
    lightness = np.asarray(cv2.GaussianBlur(lab[..., 0], (0, 0), 1.5), np.float32)
    return Picture(inside, _eroded(inside, 7), lightness, edges, grid.camera.pixels, terms)


def terms_of(hypothesis: Hypothesis, view: View) -> dict[str, float]:
    """All terms of one hypothesis by name, the view's among them."""
    picture = view.measured(picture_of)
    grid = view.grid(SIDE_PX)
    glance()
    camera = view.on_grid(hypothesis.camera, grid)
    drawn = cast(hypothesis.solid, camera, (grid.alpha.shape[1], grid.alpha.shape[0]))
    return {
        **picture.terms,
        **_silhouette(drawn, picture),
        **_shading(drawn, picture),
        **_edges(drawn, picture),
        **_proportions(hypothesis.solid, drawn, picture),
        **_support(hypothesis.solid),
        **_complexity(hypothesis.solid),
        **network_terms(hypothesis, view),
        "pose.pitch": float(np.degrees(hypothesis.camera.pitch())) / 30.0,
        **{f"{hypothesis.kind}.{name}": value for name, value in hypothesis.evidence},
    }


def _eroded(mask: Mask, side: int) -> Mask:
    return np.asarray(cv2.erode(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)


def _silhouette(drawn: Crossings, picture: Picture) -> dict[str, float]:
    """What the outline explains: the overlap, what is drawn outside, and what is left empty inside."""
    seen, inside = drawn.seen, picture.inside
    area = max(float(inside.sum()), 1.0)
    return {
        "silhouette.iou": float((seen & inside).sum()) / max(float((seen | inside).sum()), 1.0),
        "silhouette.over": float((seen & ~inside).sum()) / area,
        "silhouette.missing": float((inside & ~seen).sum()) / area,
    }


def _harmonics(normal: Doubles, order: int) -> Doubles:
    """Real spherical harmonics of unit normals (n, 3) up to an order, without their constants; (n, 4 or 9)."""
    x, y, z = normal.T
    basis = [np.ones_like(x), x, y, z]
    if order > 1:
        basis += [x * y, x * z, y * z, x * x - y * y, 3.0 * z * z - 1.0]
    return np.stack(basis, axis=1)


def _shading(drawn: Crossings, picture: Picture) -> dict[str, float]:
    """What share of the brightness's variation distant light on the drawn normals explains (Basri and Jacobs 2003)."""
    there = drawn.seen & picture.inner
    names = ("shading.first", "shading.second", "shading.swing", "facing.mean", "facing.spread", "facing.up")
    if there.sum() < 60:
        return dict.fromkeys(names, 0.0)
    light, normal = picture.lightness[there].astype(np.float64), drawn.normal[there].astype(np.float64)
    explained, swing = [], 0.0
    for order in (1, 2):
        basis = _harmonics(normal, order)
        # Normal equations: a hundred times as many rows as columns. What is collinear (a plane's normals) is damped.
        square = basis.T @ basis
        fitted = basis @ np.linalg.solve(square + 1e-6 * len(light) * np.eye(len(square)), basis.T @ light)
        explained.append(1.0 - float(((light - fitted) ** 2).mean()) / max(float(light.var()), 1e-6))
        swing = swing or min(float(fitted.std()) / 15.0, 2.0)
    facing = normal[:, 2]
    values = (*explained, swing, float(facing.mean()), float(facing.std()), float(normal[:, 1].mean()))
    return dict(zip(names, values, strict=True))


def _edges(drawn: Crossings, picture: Picture) -> dict[str, float]:
    """Which of the folds that the solid promises the photo has, and how many of the photo's edges folds explain."""
    normal, width = drawn.normal, float(np.sqrt(max(float(picture.inside.sum()), 1.0)))
    fold = np.zeros(drawn.seen.shape, np.float32)
    for axis in (0, 1):
        bend = 1.0 - (np.roll(normal, -1, axis) * np.roll(normal, 1, axis)).sum(axis=2)
        fold = np.maximum(fold, np.clip((bend - 0.25) / 0.4, 0.0, 1.0))
    fold = np.where(picture.inner & drawn.seen, fold, 0.0).astype(np.float32)
    near = cv2.dilate(picture.edges, np.ones((3, 3), np.uint8))
    about = cv2.dilate((fold > 0.3).astype(np.float32), np.ones((3, 3), np.uint8))
    total = float(fold.sum())
    return {
        "edges.promised": total / width,
        "edges.kept": float((fold * near).sum()) / total if total > 3.0 else 0.0,
        "edges.absent": float((fold * (1.0 - near)).sum()) / width,
        "edges.explained": float((picture.edges * about).sum()) / max(float(picture.edges.sum()), 1.0),
    }


def _proportions(solid: Solid, drawn: Crossings, picture: Picture) -> dict[str, float]:
    """How wide, high and deep the solid is, how deep what shows is, and how thick it is along the lines of sight."""
    wide, high, deep = np.maximum(np.ptp(solid.vertices, axis=0), 1e-6)
    scale = picture.pixels / float(np.sqrt(max(float(picture.inside.sum()), 1.0)))
    seen = drawn.seen
    low, top = np.percentile(drawn.near[seen], (3, 97)) if seen.any() else (0.0, 0.0)
    thick = drawn.thickness[seen] if seen.any() else np.zeros(1, np.float32)
    return {
        "proportions.height": float(np.log(high / wide)),
        "proportions.depth": float(np.log(deep / wide)),
        "proportions.steepness": float(np.log(deep / high)),
        "proportions.fill": solid.volume() / float(wide * high * deep),
        "proportions.relief": float(top - low) * scale,
        "proportions.thickness": float(thick.mean()) * scale,
        "proportions.thickest": float(np.percentile(thick, 95)) * scale,
    }


def _complexity(solid: Solid) -> dict[str, float]:
    """How much more surface it has than a ball of its volume, and how much of its convex hull is empty."""
    area = 0.5 * float(np.linalg.norm(solid.cross(), axis=1).sum())
    volume = max(solid.volume(), 1e-9)
    # Some thousand vertices span nearly the hull of all, in a tenth of the time.
    some = solid.vertices[:: 1 + len(solid.vertices) // HULL_POINTS]
    try:
        hull = max(float(ConvexHull(some).volume), volume)
    except QhullError:
        hull = volume
    ball = float((36.0 * np.pi * volume**2) ** (1.0 / 3.0))
    return {"complexity.area": float(np.log(max(area, 1e-9) / ball)), "complexity.empty": 1.0 - min(volume / hull, 1.0)}


def _support(solid: Solid) -> dict[str, float]:
    """Whether it can stand as it does: the area it stands on, and how far its middle is outside that."""
    points = solid.vertices
    low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-6)
    ground = points[points[:, 1] < low[1] + 0.03 * extent[1]][:, [0, 2]].astype(np.float32)
    if len(ground) < 3:
        return {"support.area": 0.0, "support.tipping": 0.5}
    middle = points.mean(axis=0)
    hull = cv2.convexHull(ground)
    outside = -cv2.pointPolygonTest(hull, (float(middle[0]), float(middle[2])), True) / float(extent[[0, 2]].max())
    area = float(np.prod(np.ptp(ground, axis=0))) / float(extent[0] * extent[2])
    return {"support.area": area, "support.tipping": float(np.clip(outside, -0.5, 0.5))}
