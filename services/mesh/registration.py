"""Where the photo was taken from, for a mesh whose maker does not say: the view whose outline and colours fit best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from services.mesh.camera import DISTANCE, PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.finish.simplification import EVEN_AGGRESSIONS, simplified
from services.mesh.raster import covering, far_to_near
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]
Colors = NDArray[np.float32]


@dataclass(frozen=True)
class RegistrationRules:
    """How two outlines are brought to cover each other.

    Attributes:
        view_px: longer side of the pictures that are compared: a hundred and fifty views in about a second.
        proxy_triangles: triangles of the mesh that is drawn there: each is about a pixel.
        pitches_deg: the views that are tried: all around, from a little below to looking down, as photos of products
            are taken.
        refinements: each halves the step, from 15 and 12 degrees to about one.
        color_weight: of agreement in colour against agreement in outline: an outline looks the same from behind.
        color_scale: difference of 255 levels at which agreement in colour has fallen to a third.
    """

    view_px: int = 96
    proxy_triangles: int = 2_000
    pitches_deg: tuple[int, ...] = (-10, 2, 14, 26, 40)
    refinements: int = 4
    color_weight: float = 0.5
    color_scale: float = 45.0


RULES = RegistrationRules()


YAWS_DEG = tuple(range(0, 360, 15))


@dataclass(frozen=True)
class View:
    """A view that was found.

    Attributes:
        yaw: radians about +y from +z towards +x: where the camera stands.
        pitch: radians above the horizon.
        camera: of the photo, in the mesh's own frame, pixels of ``Cutout.rgb``.
        overlap: of the silhouettes, intersection over union, 0..1.
    """

    yaw: float
    pitch: float
    camera: PhotoCamera
    overlap: float


def find_view(solid: Solid, points: Doubles, colors: Colors, cutout: Cutout) -> View:
    """Search the views around a mesh.

    Args:
        solid: closed, +y up, any scale.
        points: (n, 3) places in the same frame whose colours are known.
        colors: (n, 3) sRGB, 0..255.
        cutout: the photo.
    """
    compare = _comparison(solid, points, colors, cutout)
    tried = [
        (compare(np.radians(yaw), np.radians(pitch)), yaw, pitch) for yaw in YAWS_DEG for pitch in RULES.pitches_deg
    ]
    (best, overlap), first_yaw, first_pitch = max(tried, key=lambda item: item[0][0])
    yaw, pitch = float(first_yaw), float(first_pitch)
    step = 7.5
    for _ in range(RULES.refinements):
        for turn, tilt in ((-step, 0.0), (step, 0.0), (0.0, -step), (0.0, step)):
            score, cover = compare(np.radians(yaw + turn), np.radians(pitch + tilt))
            if score > best:
                best, overlap, yaw, pitch = score, cover, yaw + turn, pitch + tilt
                break
        else:
            step *= 0.5
    camera = view_camera(solid, cutout, float(np.radians(yaw)), float(np.radians(pitch)))
    return View(float(np.radians(yaw)), float(np.radians(pitch)), camera, overlap)


def view_camera(solid: Solid, cutout: Cutout, yaw: float, pitch: float, distance: float = DISTANCE) -> PhotoCamera:
    """The camera that sees the solid from a direction and fits it into the subject's place in the photo.

    Args:
        solid: any scale.
        cutout: the photo.
        yaw: radians about +y from +z towards +x.
        pitch: radians above the horizon.
        distance: from the camera to the solid's middle, in radii of the solid.
    """
    low, high = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
    middle = 0.5 * (low + high)
    radius = max(float(np.linalg.norm(solid.vertices - middle, axis=1).max()), 1e-9)
    linear = _turn(yaw, pitch) / radius
    to_view = np.hstack([linear, (-linear @ middle)[:, None]])
    plain = PhotoCamera(to_view, (0.0, 0.0), 1.0, distance)
    at, _ = plain.project(solid.vertices)
    rows, columns = np.nonzero(cutout.mask)
    box_low = np.array([columns.min(), rows.min()], np.float64)
    box_high = np.array([columns.max() + 1, rows.max() + 1], np.float64)
    seen_low, seen_high = at.min(axis=0), at.max(axis=0)
    pixels = float(np.linalg.norm(box_high - box_low) / max(float(np.linalg.norm(seen_high - seen_low)), 1e-9))
    center = 0.5 * (box_low + box_high) - 0.5 * pixels * (seen_low + seen_high)
    return PhotoCamera(to_view, (float(center[0]), float(center[1])), pixels, distance)


def _turn(yaw: float, pitch: float) -> Doubles:
    """(3, 3) from the world to the axes of a view from that direction."""
    c, s = np.cos(yaw), np.sin(yaw)
    around = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    c, s = np.cos(pitch), np.sin(pitch)
    over = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    return np.asarray(over @ around)


def _comparison(
    solid: Solid, points: Doubles, colors: Colors, cutout: Cutout
) -> Callable[[float, float], tuple[float, float]]:
    """A function of yaw and pitch that gives the score and the overlap."""
    proxy = simplified(solid, RULES.proxy_triangles, EVEN_AGGRESSIONS)
    middle = proxy.vertices[proxy.faces].mean(axis=1)
    face_color = colors[cKDTree(points).query(middle, workers=-1)[1]]
    height, width = cutout.mask.shape
    factor = min(1.0, RULES.view_px / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    mask = cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA) >= 0.5
    photo = cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA).astype(np.float32)

    def compare(yaw: float, pitch: float) -> tuple[float, float]:
        camera = view_camera(proxy, cutout, yaw, pitch).scaled(factor)
        pixels, depth = camera.project(proxy.vertices)
        seen = covering(pixels, proxy.faces, size, far_to_near(depth, proxy.faces))
        inside = seen >= 0
        both = inside & mask
        union = float((inside | mask).sum())
        overlap = float(both.sum()) / union if union else 0.0
        if not both.any():
            return 0.0, 0.0
        here, there = face_color[seen[both]], photo[both]
        # Exposure is the photographer's: it is the pattern that counts, so both are brought to one mean.
        off = np.linalg.norm((here - here.mean(axis=0)) - (there - there.mean(axis=0)), axis=1)
        agreement = float(np.exp(-off / RULES.color_scale).mean())
        return overlap + RULES.color_weight * agreement, overlap

    return compare
