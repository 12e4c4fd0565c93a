"""What light and edges inside the silhouette say about the surface, whatever its kind."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.shape.inflation import inflated_square
from services.mesh.shape.outline import filled
from services.mesh.view import FIT_SIDE_PX, View

Floats = NDArray[np.float32]

DOMING_SIDE_PX = 72
"""Grid on which brightness is held against the normals of an inflation: shading is slow."""


def crossing_edges(view: View) -> Floats:
    """Strength 0..1 of the photo's edges that run across, on the fitting grid, none next to the silhouette."""
    grid = view.grid(FIT_SIDE_PX)
    grey = cv2.cvtColor(grid.photo(view.cutout), cv2.COLOR_RGB2GRAY)
    slope = np.abs(cv2.Sobel(grey.astype(np.float32), cv2.CV_32F, 0, 1, ksize=3))
    inner = cv2.erode(grid.inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if not inner.any():
        return np.zeros_like(grid.alpha)
    strong = max(float(np.percentile(slope[inner], 95)), 24.0)
    return np.asarray(np.where(inner, np.clip(slope / strong, 0.0, 1.0), 0.0), dtype=np.float32)


def doming(view: View) -> float:
    """Share of the brightness's variation that a rounded shape under one distant light explains, times its size.

    The brightness is fitted with the normals of the inflated silhouette (first-order spherical harmonics, Basri and
    Jacobs 2003), away from the rim, where a flat thing has bezels and a round one gets dark in any case.

    Returns:
        0 for evenly lit or merely patterned things, towards 1 for a strongly shaded ball.
    """
    grid = view.grid(DOMING_SIDE_PX)
    square = inflated_square(grid.alpha)
    height = np.sqrt(np.maximum(square, 0.0))
    inside = height > 0.35 * height.max()
    if inside.sum() < 40:
        return 0.0
    grey = cv2.cvtColor(grid.photo(view.cutout), cv2.COLOR_RGB2GRAY)
    light = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 2.0)
    slope_x, slope_y = np.gradient(cv2.GaussianBlur(square, (0, 0), 1.0))[::-1]
    normal = np.stack([-0.5 * slope_x, 0.5 * slope_y, np.maximum(height, 0.5)], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    basis = np.concatenate([np.ones((int(inside.sum()), 1)), normal[inside]], axis=1)
    values = light[inside].astype(np.float64)
    solution, *_ = np.linalg.lstsq(basis, values, rcond=None)
    fitted = basis @ solution
    variance = float(values.var())
    explained = 1.0 - float((values - fitted).var()) / max(variance, 1e-6)
    swing = float(fitted.std()) / max(float(values.mean()), 8.0)
    return float(np.clip(explained, 0.0, 1.0) * np.clip(swing / 0.12, 0.0, 1.0))


def straightness(view: View) -> float:
    """How well a polygon of four to six corners covers the silhouette, holes filled: IoU of the two, 0..1."""
    mask = filled(view.grid(FIT_SIDE_PX).inside)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return 0.0
    contour = max(contours, key=cv2.contourArea)
    length = cv2.arcLength(contour, True)
    best = 0.0
    for share in (0.01, 0.015, 0.02, 0.03, 0.04):
        corners = cv2.approxPolyDP(contour, share * length, True)
        if 4 <= len(corners) <= 6:
            canvas = np.zeros(mask.shape, np.uint8)
            cv2.fillPoly(canvas, [corners], 1)
            best = max(best, float(((canvas > 0) & mask).sum()) / float(((canvas > 0) | mask).sum()))
    return best


def flatness(view: View) -> float:
    """How flat the thing looks, 0 (round) to 1 (a slab): straight edges, and no dome's shading."""
    edges = float(np.clip((view.measured(straightness) - 0.80) / 0.14, 0.0, 1.0))
    flat_light = float(np.clip((0.20 - view.measured(doming)) / 0.15, 0.0, 1.0))
    return min(1.0, 0.85 * edges + 0.45 * flat_light)


def openness(view: View) -> float:
    """Share of the silhouette, holes filled, that is holes, 0..1."""
    inside = view.grid(FIT_SIDE_PX).inside
    return 1.0 - float(inside.sum()) / max(float(filled(inside).sum()), 1.0)
