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

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.shape.lathe import circle_points
from services.mesh.shape.outline import Outline, axis_camera
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
        clear_step: steps of colour (CIELAB units) that count fully, in dull and in contrasty photos.
        spread_share: the step that counts fully as a share of the spread of the subject's colours, within
            ``CLEAR_STEP``.
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
    clear_step: tuple[float, float] = (12.0, 25.0)
    spread_share: float = 0.6
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


@dataclass(frozen=True)
class Picture:
    """The photo on the fitting grid.

    Attributes:
        lab: (h, w, 4) float32: CIELAB, and the matte in 0..1.
        step: difference of colour that counts as a clear edge, CIELAB units.
    """

    lab: Floats
    step: float


def picture_of(photo: NDArray[np.uint8], alpha: Floats) -> Picture:
    """The photo (h, w, 3) uint8 sRGB and the matte of one grid."""
    lab = cv2.cvtColor(photo.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    inside = alpha >= 0.5
    spread = float(np.sqrt(lab[inside].var(axis=0).sum())) if inside.any() else 0.0
    return Picture(
        np.dstack([lab, alpha]).astype(np.float32), float(np.clip(RULES.spread_share * spread, *RULES.clear_step))
    )


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
    near, far = evidence_of(picture, view, heights, radii, picture.step)
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
    near_part, far_part = _sectors(0.0), _sectors(np.pi)
    judged = np.concatenate([near_part.ravel(), far_part.ravel()])
    outer, inner = across(picture, x, y, 1.6, judged)
    color = np.where(((outer[..., 3] > 0.6) & (inner[..., 3] > 0.6))[..., None], outer[..., :3] - inner[..., :3], 0.0)
    # On the far side the silhouette's own edge is as good as one of colour.
    matte = (step * (outer[..., 3:] - inner[..., 3:])).astype(np.float32)
    half = near_part.size
    near, near_mean = _means(color[:, :half], near_part.shape)
    both = np.concatenate([outer[:, half:, :3] - inner[:, half:, :3], matte[:, half:]], axis=-1)
    far, _ = _means(both, far_part.shape)
    # Round a mouth the colours differ in one way; a pattern differs in all ways.
    agreeing = np.clip(np.linalg.norm(near_mean, axis=1) / np.maximum(near.mean(axis=0), 1e-6) / 0.7, 0.0, 1.0)
    thin = 0.5 * np.ptp(y, axis=1) < max(RULES.least_minor_px, RULES.least_minor * max(picture.lab.shape[:2]))
    shown = [np.minimum(half / step, 1.0) for half in (near, far)]
    worth = [0.5 * (half.mean(axis=0) + half.min(axis=0)) for half in shown]
    return np.where(thin, 0.0, worth[0] * agreeing), worth[1]


@cache
def _sectors(middle: float) -> NDArray[np.intp]:
    """(sectors, p): the points of a circle in each sector of the half around an angle."""
    angle = (np.arange(RULES.points) + 0.5) * (2 * np.pi / RULES.points)
    off = np.angle(np.exp(1j * (angle - middle)))
    marks = np.linspace(-RULES.arc, RULES.arc, RULES.sectors + 1)
    return np.stack([np.flatnonzero((off >= a) & (off < b)) for a, b in pairwise(marks)])


def _means(steps: Floats, sectors: tuple[int, ...]) -> tuple[Doubles, Doubles]:
    """Lengths of the mean steps of each sector of a half, (sectors, k), and their mean step, (k, c)."""
    means = steps.reshape(len(steps), *sectors, steps.shape[2]).mean(axis=2).transpose(1, 0, 2)
    return np.linalg.norm(means, axis=2).astype(np.float64), means.mean(axis=0).astype(np.float64)


def across(
    picture: Picture, x: Doubles, y: Doubles, reach_px: float, judged: NDArray[np.intp] | slice = slice(None)
) -> tuple[Floats, Floats]:
    """Colours (k, n, 4) just outside and just inside of ellipses whose points are (k, n); of those ``judged`` alone."""
    along_x, along_y = (_after(v) - _before(v) for v in (x, y))
    x, y, along_x, along_y, middle_x, middle_y = (
        x[:, judged],
        y[:, judged],
        along_x[:, judged],
        along_y[:, judged],
        x.mean(axis=1, keepdims=True),
        y.mean(axis=1, keepdims=True),
    )
    length = np.maximum(np.hypot(along_x, along_y), 1e-6)
    normal_x, normal_y = along_y / length, -along_x / length
    outwards = np.sign((x - middle_x) * normal_x + (y - middle_y) * normal_y)
    off_x, off_y = reach_px * outwards * normal_x, reach_px * outwards * normal_y
    return looked_up(picture.lab, x + off_x, y + off_y), looked_up(picture.lab, x - off_x, y - off_y)


def _after(values: Doubles) -> Doubles:
    """The next along a closed line: ``np.roll`` takes four times as long."""
    return np.concatenate([values[:, 1:], values[:, :1]], axis=1)


def _before(values: Doubles) -> Doubles:
    """The one before."""
    return np.concatenate([values[:, -1:], values[:, :-1]], axis=1)


def looked_up(lab: Floats, x: Doubles, y: Doubles) -> Floats:
    """Bilinear values at pixels x, y of any common shape; 0 outside the picture."""
    wide = min(4096, max(x.size, 1))  # OpenCV takes at most 32,767 columns.
    missing = -x.size % wide
    at = [np.pad(v.ravel() - 0.5, (0, missing)).astype(np.float32).reshape(-1, wide) for v in (x, y)]
    values = cv2.remap(lab, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(values.reshape(-1, lab.shape[2])[: x.size].reshape(*x.shape, lab.shape[2]), np.float32)
