"""The mouth of a turned thing: the circle at its top that one looks into or onto.

Every circle about the axis is seen as an ellipse whose flattening tells the camera's pitch. The mouth's near half is an
edge of colour between the outside below it and what is seen through it; its far half is such an edge too, or lies on
the silhouette. No other circle of a turned body shows both halves: of a stripe, a label or a shoulder the far half is
hidden. So circles of all pitches, heights and radii are held against the picture, and of those that show clearly the
one wins whose pitch, with the body below it, also explains the silhouette.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.shape.lathe import circle_points
from services.mesh.shape.outline import Outline, axis_camera
from services.mesh.shape.picture import Picture, across
from services.mesh.shape.revolution import Revolution, at_pitch, largest_circles

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

PITCHES_DEG = tuple(float(p) for p in range(12, 70, 3))
"""Camera pitches tried: from lower a mouth is a line, from higher there is no body to see."""


@dataclass(frozen=True)
class MouthRules:
    """What counts as the mouth of a turned body. Set by hand before the corpus was split.

    Attributes:
        radius_shares: radii tried, as shares of the largest circle at that height: the mouth of a ball is narrower than
            its flat top.
        least_radius: a mouth's radius as a share of the body's largest: smaller ones are spouts and stems.
        least_minor_px, least_minor: half the mouth's height in the picture, in pixels of the fitting grid and as a
            share of it: flatter ones have no inside.
        explained, as_good: the body below the mouth must agree with the silhouette this well, and nearly as well as the
            best found.
        candidates: mouths whose bodies are fitted.
        points: on a circle that is held against the picture.
        arc: radians, each half is judged this far to both sides of its middle: where near and far meet the edges run
            upright.
        sectors: each half is judged in so many parts, and by its worst as much as by the mean: chance edges do not go
            round.
        near, far: least evidence of a mouth's near and far half, 0..1.
        narrow, narrow_evidence: a mouth narrower than this share of the body needs so much evidence of both halves
            together, of 2: the hollow around an apple's stem has less.
    """

    radius_shares: tuple[float, ...] = (1.0, 0.965, 0.93, 0.89, 0.85, 0.8, 0.75, 0.7, 0.64, 0.58, 0.52, 0.46, 0.4, 0.34)
    least_radius: float = 0.28
    least_minor_px: float = 5.0
    least_minor: float = 0.03
    explained: float = 0.93
    as_good: float = 0.015
    candidates: int = 8
    points: int = 32
    arc: float = math.radians(72.0)
    sectors: int = 4
    near: float = 0.45
    far: float = 0.55
    narrow: float = 0.6
    narrow_evidence: float = 1.6


RULES = MouthRules()


@dataclass(frozen=True)
class Mouth:
    """A circle that shows all around.

    Attributes:
        pitch: radians, how far the camera looks down.
        height: view units along the axis.
        radius: view units.
        near: evidence of the half towards the viewer, 0..1.
        far: evidence of the other half, 0..1.
    """

    pitch: float
    height: float
    radius: float
    near: float
    far: float

    @property
    def evidence(self) -> float:
        """Both halves, the weaker one most, 0..2."""
        return min(self.near, self.far) + 0.5 * (self.near + self.far)


def find_mouth(picture: Picture, outline: Outline) -> tuple[Mouth, Revolution] | None:
    """The clearest mouth, and the body below it; None where no circle shows all around.

    Args:
        picture: the photo.
        outline: the silhouette's turned part.
    """
    found = _distinct([mouth for pitch in PITCHES_DEG for mouth in _at(picture, outline, float(np.radians(pitch)))])
    bodies = [(mouth, body_below(mouth, outline, 72)) for mouth in found]
    best = max((body.agreement for _, body in bodies), default=0.0)
    good = [
        (mouth, body)
        for mouth, body in bodies
        if body.agreement >= max(RULES.explained, best - RULES.as_good)
        and (mouth.radius >= RULES.narrow * float(body.radii.max()) or mouth.near + mouth.far >= RULES.narrow_evidence)
    ]
    if not good:
        return None
    # Of two edges of one rim the outer one: its circle is the larger.
    mouth, _ = max(good, key=lambda pair: pair[0].evidence + 4.0 * pair[1].agreement + _width(*pair))
    mouth = _refined(mouth, picture, outline)
    return mouth, body_below(mouth, outline, 160)


def _width(mouth: Mouth, body: Revolution) -> float:
    """How wide the mouth is, beside the body and beside the body's top, 0..1."""
    top = float(body.radii[-2])
    return 0.5 * mouth.radius / max(float(body.radii.max()), 1e-6) + 0.5 * min(1.0, mouth.radius / max(top, 1e-6))


def body_below(mouth: Mouth, outline: Outline, steps: int) -> Revolution:
    """The largest surface of revolution inside the silhouette that ends at the mouth."""
    body = at_pitch(outline, mouth.pitch, steps, top=mouth.height)
    return replace(body, radii=np.append(body.radii[:-1], min(float(body.radii[-1]), mouth.radius)))


def _at(picture: Picture, outline: Outline, pitch: float) -> list[Mouth]:
    """The clearest circles of one pitch."""
    glance()
    view = axis_camera(outline.camera, outline.axis, pitch)
    levels = np.linspace(-1.2, 1.2, 100)
    largest = largest_circles(outline.signed, view, levels, np.linspace(0.0, 1.1, 48))
    inside = largest > 0.0
    if inside.sum() < 5:
        return []
    heights = np.repeat(levels[inside], len(RULES.radius_shares))
    radii = (largest[inside][:, None] * np.array(RULES.radius_shares)).ravel()
    wide = radii >= RULES.least_radius * float(largest.max())
    heights, radii = heights[wide], radii[wide]
    near, far = clear_evidence(picture, view, heights, radii, picture.step)
    worth = np.minimum(near, far) + 0.5 * (near + far)
    worth[(near < RULES.near) | (far < RULES.far)] = 0.0
    return [
        Mouth(pitch, float(heights[k]), float(radii[k]), float(near[k]), float(far[k]))
        for k in np.argsort(-worth)[:4]
        if worth[k] > 0.0
    ]


def _distinct(mouths: list[Mouth]) -> list[Mouth]:
    """The clearest first, without those that are nearly the same."""
    kept: list[Mouth] = []
    for mouth in sorted(mouths, key=lambda m: -m.evidence):
        same = (
            abs(mouth.pitch - k.pitch) < np.radians(4.0)
            and abs(mouth.height - k.height) < 0.06
            and abs(mouth.radius - k.radius) < 0.06
            for k in kept
        )
        if not any(same):
            kept.append(mouth)
        if len(kept) == RULES.candidates:
            break
    return kept


def _refined(mouth: Mouth, picture: Picture, outline: Outline) -> Mouth:
    """The mouth to a degree and a pixel: the clearest circle around, judged by a step twice as high."""
    best, best_worth = mouth, -np.inf
    for turn in np.radians((-2.0, -1.0, 0.0, 1.0, 2.0)).tolist():
        glance()
        view = axis_camera(outline.camera, outline.axis, mouth.pitch + turn)
        levels = mouth.height + np.linspace(-0.05, 0.05, 9)
        largest = largest_circles(outline.signed, view, levels, np.linspace(0.0, 1.1, 48))
        heights, shares = np.meshgrid(levels, np.linspace(0.94, 1.06, 9), indexing="ij")
        radii = mouth.radius * shares
        within = radii <= 1.03 * largest[:, None]
        if not within.any():
            continue
        heights, radii = heights[within], radii[within]
        near, far = evidence_of(picture, view, heights, radii, 2.0 * picture.step)
        worth = near + far
        k = int(np.argmax(worth))
        trial = Mouth(mouth.pitch + turn, float(heights[k]), float(radii[k]), mouth.near, mouth.far)
        total = float(worth[k]) + 4.0 * body_below(trial, outline, 72).agreement
        if total > best_worth:
            best, best_worth = trial, total
    return best


def evidence_of(
    picture: Picture, view: PhotoCamera, heights: Doubles, radii: Doubles, step: float
) -> tuple[Doubles, Doubles]:
    """How clearly the near and the far half of circles show, each 0..1.

    Args:
        picture: the photo.
        view: the camera in the body's frame, in pixels of the picture.
        heights: (k,) view units.
        radii: (k,) view units.
        step: difference of colour that counts fully.
    """
    x, y = circle_points(view, heights, radii, RULES.points)
    near_part, _, judged = _halves()
    outer, inner = across(picture, x, y, 1.6, judged)
    half = near_part.size
    near = _near_evidence(outer[:, :half], inner[:, :half], step)
    return np.where(_thin(y, picture), 0.0, near), _far_evidence(outer[:, half:], inner[:, half:], step)


def clear_evidence(
    picture: Picture, view: PhotoCamera, heights: Doubles, radii: Doubles, step: float
) -> tuple[Doubles, Doubles]:
    """``evidence_of``, but 0 for both halves of circles whose near half does not show: most of many, in half the
    time."""
    x, y = circle_points(view, heights, radii, RULES.points)
    near_part, far_part, _ = _halves()
    near, far = np.zeros(len(heights)), np.zeros(len(heights))
    wide = np.flatnonzero(~_thin(y, picture))
    near[wide] = _near_evidence(*across(picture, x[wide], y[wide], 1.6, near_part.ravel()), step)
    near[near < RULES.near] = 0.0
    shown = np.flatnonzero(near)
    far[shown] = _far_evidence(*across(picture, x[shown], y[shown], 1.6, far_part.ravel()), step)
    return near, far


def _thin(y: Doubles, picture: Picture) -> NDArray[np.bool_]:
    """(k,): which of circles, whose points lie at rows (k, n), are seen too flat to be judged."""
    tall = y.max(axis=1) - y.min(axis=1)
    return np.asarray(0.5 * tall < max(RULES.least_minor_px, RULES.least_minor * max(picture.lab.shape[:2])))


def _near_evidence(outer: Floats, inner: Floats, step: float) -> Doubles:
    """(k,): how clearly the near half shows between colours (k, n, 4) on both sides of it."""
    inside = (outer[..., 3] > 0.6) & (inner[..., 3] > 0.6)
    lengths, mean = _means(np.where(inside[..., None], outer[..., :3] - inner[..., :3], 0.0), RULES.sectors)
    # Round a mouth the colours differ in one way; a pattern differs in all ways.
    agreeing = np.minimum(_lengths(mean) / np.maximum(_mean(lengths), 1e-6) / 0.7, 1.0)
    return np.asarray(_shown(lengths, step) * agreeing, np.float64)


def _far_evidence(outer: Floats, inner: Floats, step: float) -> Doubles:
    """The same of the far half, on which the silhouette's own edge is as good as one of colour."""
    steps = outer - inner
    steps[..., 3] *= step
    return _shown(_means(steps, RULES.sectors)[0], step)


def _shown(lengths: Doubles, step: float) -> Doubles:
    """(k,) 0..1 of the steps (sectors, k) of a half's sectors."""
    share = np.minimum(lengths / step, 1.0)
    return np.asarray(0.5 * (_mean(share) + share.min(axis=0)), np.float64)


@cache
def _halves() -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The points of a circle in the sectors of its near and its far half, (sectors, p) each, and both in a row."""
    near, far = _sectors(0.0), _sectors(np.pi)
    return near, far, np.concatenate([near.ravel(), far.ravel()])


def _sectors(middle: float) -> NDArray[np.intp]:
    """(sectors, p): the points of a circle in each sector of the half around an angle."""
    angle = (np.arange(RULES.points) + 0.5) * (2 * np.pi / RULES.points)
    off = np.angle(np.exp(1j * (angle - middle)))
    marks = np.linspace(-RULES.arc, RULES.arc, RULES.sectors + 1)
    return np.stack([np.flatnonzero((off >= a) & (off < b)) for a, b in pairwise(marks)])


def _means(steps: Floats, sectors: int) -> tuple[Doubles, Doubles]:
    """Lengths of the mean steps of each sector of a half, (sectors, k), and their mean step, (k, c)."""
    points = steps.shape[1] // sectors
    each = steps.reshape(len(steps), sectors, points, steps.shape[2])
    means = (np.add.reduce(each, axis=2) / np.float32(points)).transpose(1, 0, 2)
    return _lengths(means).astype(np.float64), _mean(means).astype(np.float64)


def _mean(values: NDArray[Any]) -> NDArray[Any]:
    """The mean along the first axis: ``np.mean`` takes four times as long for a few of them."""
    return np.asarray(np.add.reduce(values, axis=0) / values.dtype.type(len(values)))


def _lengths(steps: NDArray[Any]) -> NDArray[Any]:
    """Lengths along the last axis: ``np.linalg.norm`` takes twice as long for a few of them."""
    return np.asarray(np.sqrt(np.add.reduce(steps * steps, axis=-1)))
