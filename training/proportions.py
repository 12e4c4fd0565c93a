"""An object with other proportions: what is known of a few hundred meshes is made to say more about things in general.

Sides, parts along each axis and tapers change at random. What is level stays level, a thing that is alike on both sides
stays so, and what is round stays round.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from quality.gl import TexturedMesh

Doubles = NDArray[np.float64]

ROUND_KINDS = ("bottle", "food", "vessel")
"""Kinds that are made on a wheel or grow round: alike in all directions about their axis."""

PARTS = 3
"""Lengths from the middle to each side that change on their own."""

UNEVEN = 1.7
"""How much more the lengths of parts differ than those of whole sides."""

TAPER = 0.5
"""How much less a side's length changes from one end to the other than sides do, in every second thing."""


def reproportioned(mesh: TexturedMesh, kind: str, rng: np.random.Generator, spread: float) -> TexturedMesh:
    """Another thing of the same kind.

    Args:
        mesh: its box's middle at the origin, +Y up.
        kind: of ``ROUND_KINDS``, or any other.
        rng: of all choices.
        spread: standard deviation of the log of each side's length.

    Returns:
        The mesh moved so, in the unit sphere.
    """
    points = np.asarray(mesh.vertices, np.float64)
    half = np.maximum(np.abs(points).max(axis=0), 1e-6)
    x, y, z = (points / half).T
    y = _uneven(y, rng, spread, mirrored=False)
    if kind in ROUND_KINDS:
        radius = np.hypot(points[:, 0], points[:, 2])
        furthest = max(float(radius.max()), 1e-6)
        wider = _uneven(radius / furthest, rng, spread, mirrored=True) / np.maximum(radius / furthest, 1e-6)
        wider *= _profile(y, rng, spread)
        x, z = x * wider, z * wider
    else:
        x, z = (_uneven(side, rng, spread, mirrored=True) for side in (x, z))
        slopes = rng.normal(size=3) * spread * TAPER * (rng.random(3) < 0.5)
        along_y, across_y, along_z = np.clip(slopes, -0.6, 0.6)
        x, z = x * (1.0 + along_y * y) * (1.0 + along_z * z), z * (1.0 + across_y * y)
    factors = np.exp(rng.normal(size=3) * spread)
    if kind in ROUND_KINDS:
        factors[2] = factors[0]
    moved = np.stack([x, y, z], axis=1) * half * factors
    return replace(mesh, vertices=moved.astype(np.float32)).unit()


def _uneven(place: Doubles, rng: np.random.Generator, spread: float, *, mirrored: bool) -> Doubles:
    """Places in -1..1, by a growing curve that leaves the ends: parts between become longer or shorter.

    The curve is a monotone cubic (Fritsch and Carlson 1980) through knots whose distances are log-normal.
    """
    parts = PARTS if mirrored else 2 * PARTS
    lengths = np.exp(rng.normal(size=parts) * spread * UNEVEN)
    if mirrored:
        lengths = np.concatenate([lengths[::-1], lengths])
    knots = np.concatenate([[0.0], np.cumsum(lengths)])
    curve = PchipInterpolator(np.linspace(-1.0, 1.0, 2 * PARTS + 1), knots / knots[-1] * 2.0 - 1.0)
    return np.asarray(curve(np.clip(place, -1.0, 1.0)))


def _profile(height: Doubles, rng: np.random.Generator, spread: float) -> Doubles:
    """How many times as wide what is round is at each height of -1..1."""
    knots = np.linspace(-1.0, 1.0, PARTS + 1)
    return np.asarray(
        np.exp(PchipInterpolator(knots, rng.normal(size=len(knots)) * spread)(np.clip(height, -1.0, 1.0)))
    )
