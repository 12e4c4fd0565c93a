"""What is seen through a vessel's mouth: contents, an inside, or no inside at all but a lid.

Contents (and a vessel's floor) are one more circle about the axis, lower than the mouth, whose far half shows through
it as an edge. Where none shows, an inside gives itself away by its shading: its far wall faces the light otherwise than
its near one, its left wall otherwise than its right one, or it is plainly dark. A lid is lit evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.shape.lathe import circle_points
from services.mesh.shape.mouth import RULES as MOUTH
from services.mesh.shape.mouth import Mouth
from services.mesh.shape.picture import Picture, across, looked_up
from services.mesh.shape.revolution import Revolution
from services.mesh.shape.vessel import Contents

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

DEPTHS = tuple(float(d) for d in np.arange(0.04, 1.0, 0.02))
"""Depths of the contents tried, as shares of the body's height or of ``DEEPEST`` radii of the mouth, whichever is
less."""


@dataclass(frozen=True)
class InteriorRules:
    """What counts as the inside of a vessel. Set by hand before the corpus was split.

    Attributes:
        deepest: radii of the mouth below which nothing can be seen at the pitches in question.
        widths: radii of the contents tried, as shares of the mouth's.
        inside_px: so far from the mouth's own edge, in pixels of the fitting grid, an edge within is another one.
        level_evidence: from this evidence on (0..1) an edge all along the far half is the contents' or the floor's.
        deeper: the deepest circle within this of the clearest one is taken: higher ones are the rim's own steps.
        hollow_shading, straight_hollow_shading: difference (CIELAB) between far and near or left and right of an
            inside, in bodies that widen upwards and in others: lids measure 0 to 6, insides 4 to 20.
        widening: radius of the mouth over that of the foot from which on a body widens.
        shallow, rim_step: contents are at least this deep, and what is not deeper than the second may be the rim's
            inner edge, in radii of the mouth.
        seen_share, floor_share: a narrow opening's floor lies at this share of the depth down to which its far wall is
            seen, and is this wide, in radii of the mouth.
        other_hue: contents whose hue differs by this from the rim's (CIELAB a and b) are not the rim's shadow.
        drink_level, drink_radius: depth and radius of a drink that fills its vessel, in radii of the mouth.
        dark: an inside this much darker than the outside below the rim is a dark hole.
    """

    deepest: float = 2.2
    widths: tuple[float, ...] = (0.66, 0.74, 0.8, 0.86, 0.91, 0.95)
    inside_px: float = 2.6
    level_evidence: float = 0.6
    deeper: float = 0.15
    hollow_shading: float = 6.0
    straight_hollow_shading: float = 9.0
    widening: float = 1.1
    shallow: float = 0.05
    rim_step: float = 0.16
    seen_share: float = 0.7
    floor_share: float = 0.9
    other_hue: float = 8.0
    drink_level: float = 0.08
    drink_radius: float = 0.93
    dark: float = 0.72


RULES = InteriorRules()


@dataclass(frozen=True)
class Interior:
    """An inside.

    Attributes:
        contents: where they (or the floor) show.
    """

    contents: Contents | None


def interior_of(picture: Picture, mouth: Mouth, body: Revolution) -> Interior | None:
    """Look through the mouth; None where there is no inside.

    Args:
        picture: the photo.
        mouth: of the body.
        body: below the mouth.
    """
    view = body.camera
    x, y = circle_points(view, np.array([mouth.height]), np.array([mouth.radius]), 96)
    canvas = np.zeros(picture.lab.shape[:2], np.uint8)
    cv2.fillPoly(canvas, [np.round((np.stack([x[0], y[0]], axis=1) - 0.5) * 16).astype(np.int32)], 1, shift=4)
    depth = np.asarray(cv2.distanceTransform(canvas, cv2.DIST_L2, 5), np.float32)
    contents = _contents(picture, mouth, body, depth)
    widens = mouth.radius > RULES.widening * float(body.radii[:3].max())
    hollow = _shading(picture, depth) >= (RULES.hollow_shading if widens else RULES.straight_hollow_shading)
    # A circle just below the mouth may be the rim's inner edge: with an inside's shading below it, it is, but for
    # contents of another hue.
    if contents is not None:
        deep = mouth.height - contents[0].level > RULES.rim_step * mouth.radius
        if deep or not hollow or contents[1] >= RULES.other_hue:
            return Interior(contents[0])
    if hollow:
        return Interior(_floor(mouth, body))
    outer, inner = across(picture, x, y, 4.0)
    near = y[0] > y.mean()
    dark = float(np.median(inner[0][near, 0])) < RULES.dark * float(np.median(outer[0][near, 0]))
    return Interior(_floor(mouth, body)) if dark else None


def drink_of(picture: Picture, mouth: Mouth, view: PhotoCamera) -> Contents | None:
    """A drink up to the rim: what is seen through the mouth is of one hue all round, and the rim of another.

    An inside has its rim's own hue, lit in several ways.

    Args:
        picture: the photo.
        mouth: of the vessel.
        view: the camera in the vessel's frame, in pixels of the picture.
    """
    shares = np.array([0.97, 0.98, 0.99, *np.linspace(0.3, 0.88, 6)])
    x, y = circle_points(view, np.full(len(shares), mouth.height), shares * mouth.radius, 4 * MOUTH.sectors)
    hues = looked_up(picture.lab, x, y)[..., 1:3]
    rim = np.median(hues[:3].reshape(-1, 2), axis=0)
    sectors = np.median(hues[3:].reshape(6, MOUTH.sectors, 4, 2), axis=(0, 2))
    off = np.linalg.norm(sectors - rim, axis=1).min()
    spread = np.linalg.norm(sectors - sectors.mean(axis=0), axis=1).max()
    if off < max(RULES.other_hue, 1.5 * spread):
        return None
    return Contents(mouth.height - RULES.drink_level * mouth.radius, RULES.drink_radius * mouth.radius)


def _floor(mouth: Mouth, body: Revolution) -> Contents | None:
    """The floor of a narrow opening, about as deep as one sees into it; None for wide ones, which go to the ground."""
    if mouth.radius > MOUTH.narrow * float(body.radii.max()):
        return None
    depth = RULES.seen_share * 2.0 * mouth.radius * float(np.tan(mouth.pitch))
    return Contents(mouth.height - depth, RULES.floor_share * mouth.radius)


def _contents(picture: Picture, mouth: Mouth, body: Revolution, depth: Floats) -> tuple[Contents, float] | None:
    """The contents' circle, where its far half shows all along, and by how much the hue differs across it (CIELAB)."""
    tall = mouth.height - float(body.heights[0])
    drops, shares = np.meshgrid(
        np.array(DEPTHS) * min(tall, RULES.deepest * mouth.radius), np.array(RULES.widths), indexing="ij"
    )
    drops, radii = drops.ravel(), shares.ravel() * mouth.radius
    fits = (radii <= np.interp(mouth.height - drops, body.heights, body.radii)) & (
        drops >= RULES.shallow * mouth.radius
    )
    drops, radii = drops[fits], radii[fits]
    if not len(drops):
        return None
    x, y = circle_points(body.camera, mouth.height - drops, radii, MOUTH.points)
    shown = looked_up(depth[..., None].repeat(2, axis=2), x, y)[..., 0] > RULES.inside_px
    outer, inner = across(picture, x, y, 1.6)
    step = (outer - inner)[..., :3]
    off = np.angle(np.exp(1j * ((np.arange(MOUTH.points) + 0.5) * (2 * np.pi / MOUTH.points) - np.pi)))
    marks = np.linspace(-MOUTH.arc, MOUTH.arc, MOUTH.sectors + 1)
    means, whole = [], np.ones(len(drops), bool)
    for start, end in pairwise(marks):
        part = (off >= start) & (off < end)
        seen = shown[:, part]
        means.append((step[:, part] * seen[..., None]).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)[:, None])
        whole &= seen.mean(axis=1) >= 0.7
    lengths = np.linalg.norm(means, axis=2)
    clear = np.minimum(lengths / picture.step, 1.0)
    agreeing = np.linalg.norm(np.mean(means, axis=0), axis=1) / np.maximum(lengths.mean(axis=0), 1e-6)
    evidence = 0.5 * (clear.mean(axis=0) + clear.min(axis=0)) * np.clip(agreeing / 0.7, 0.0, 1.0) * whole
    best = float(evidence.max())
    if best < RULES.level_evidence:
        return None
    good = np.flatnonzero(evidence >= max(RULES.level_evidence, best - RULES.deeper))
    k = int(good[np.argmax(drops[good] + 0.5 * radii[good])])
    hue = float(np.linalg.norm(np.mean(means, axis=0)[k, 1:]))
    return Contents(mouth.height - float(drops[k]), float(radii[k])), hue


def _shading(picture: Picture, depth: Floats) -> float:
    """Difference of colour between the far and the near or the left and the right third of the mouth, CIELAB units."""
    rows, columns = np.nonzero(depth > 1.0)
    if len(rows) < 30:
        return 0.0
    colors = picture.lab[rows, columns, :3]
    found = []
    for place in (rows, columns):
        low, high = np.percentile(place, (33, 67))
        found.append(float(np.linalg.norm(colors[place < low].mean(axis=0) - colors[place > high].mean(axis=0))))
    return max(found)
