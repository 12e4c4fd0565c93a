"""The texture: the photo where the surface faces it, completion everywhere else, gutters filled."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.backside import Backside, carried_round, sampled, through
from services.mesh.camera import PhotoCamera
from services.mesh.completion import Completion, harmonic_offsets
from services.mesh.cutout import Cutout
from services.mesh.grain import STRONG, grain_of
from services.mesh.pattern import patterned
from services.mesh.raster import covering, far_to_near, weights_at
from services.mesh.solid import Solid
from services.mesh.surface import Surface

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

GRID_TEXELS = 1024
"""Where each texel lies on the surface is worked out on this grid; a finer texture interpolates it."""

TRUST = (0.18, 0.5)
"""Cosine between normal and view at which the photo begins to count and counts fully: at 0.18 it is stretched over
five times."""

FLAT_TRUST = (0.08, 0.16)
"""The same for solids of flat sides: no side rounds off towards its outline, a print that is stretched six times says
more than any fill, and half of a print over half of a fill is neither."""

SURE = 0.99
"""What is trusted more is the photo's alone: nothing is made up for it."""

PATTERN_STRENGTH = 64.0
"""Most standard deviation, levels, of the grain on the sides of a thing that is patterned all over."""

BAND_ROWS = 128
"""Rows of the grid that are painted at a time."""

DEPTH_PX = 512
"""Side of the picture in which occlusion is decided."""

BEHIND_PX, BEHIND = (2, 4, 6, 8), 0.15
"""Pixels of that picture around the outline of a nearer part (by at least so many view units) within which what lies
behind it is trusted step by step less: the outline is not known to a pixel, and a cup's rim is not its saucer's."""

LARGE_SUBJECT_PX = 640
"""A subject that is longer in the photo than this holds more than a 1024 texture can show."""


@dataclass(frozen=True)
class Texture:
    """A base colour texture and how the surface shines.

    Attributes:
        pixels: (s, s, 3) uint8 sRGB.
        roughness: 0..1.
        metallic: 0..1.
    """

    pixels: Bytes
    roughness: float
    metallic: float


def texture_side(cutout: Cutout, limit: int = 2048) -> int:
    """1024 or 2048, by how many pixels the photo has of the subject."""
    return 2048 if limit >= 2048 and max(cutout.mask.shape) > LARGE_SUBJECT_PX else 1024


def visible_depth(solid: Solid, camera: PhotoCamera, size: tuple[int, int]) -> tuple[Floats, PhotoCamera]:
    """Depth of the nearest surface at each pixel of a picture no longer than ``DEPTH_PX``; infinite where nothing
    is."""
    factor = DEPTH_PX / max(size)
    small = camera.scaled(factor)
    extent = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    pixels, depth = small.project(solid.vertices)
    covered = covering(pixels, solid.faces, extent, far_to_near(depth, solid.faces, pixels))
    rows, columns, face, weights = weights_at(covered, pixels, solid.faces)
    picture = np.full((extent[1], extent[0]), np.inf, np.float32)
    picture[rows, columns] = (depth[solid.faces[face]] * weights).sum(axis=1)
    return picture, small


def bake(
    solid: Solid,
    surface: Surface,
    cutout: Cutout,
    camera: PhotoCamera,
    to_backend: Doubles,
    completion: Completion | None,
    side: int,
    *,
    view_is_known: bool = True,
    trusted: tuple[float, float] = TRUST,
    repeats_behind: bool = False,
) -> Texture:
    """Paint the atlas.

    Args:
        solid: welded, in the final frame; ``surface.welded`` refers to its vertices.
        surface: with its atlas.
        cutout: the photo.
        camera: the photo's, in the final frame.
        to_backend: (3, 4) from the final frame to that of ``completion``.
        completion: colours of what the photo does not show, or None for the harmonic fill.
        side: of the texture, 1024 or 2048.
        view_is_known: False when the camera is a guess: then nothing is taken from the photo where ``completion``
            has colours.
        trusted: see ``TRUST``.
        repeats_behind: whether the back of a free shape shows the photo again.
    """
    photo = cutout.photo
    depth, small = visible_depth(solid, camera, (photo.shape[1], photo.shape[0]))
    normals = np.zeros((len(solid.vertices), 3))
    np.add.at(normals, surface.welded, surface.normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    uv = surface.uvs.astype(np.float64) * GRID_TEXELS
    faces = surface.faces.astype(np.int64)
    covered = covering(uv, faces, (GRID_TEXELS, GRID_TEXELS))
    rows, columns, face, exact = weights_at(covered, uv, faces)
    weights = exact.astype(np.float32)
    corners = faces[face]
    position = _mixed(surface.positions, corners, weights)
    normal = _mixed(surface.normals, corners, weights)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    pixels, trust, in_view = _seen(position, normal, camera, depth, small, 1.5, trusted)
    if completion is not None and not view_is_known:
        trust = np.zeros_like(trust)
    hidden = np.flatnonzero(trust < SURE)
    trust[trust >= SURE] = 1.0
    fill = sampled(photo, pixels)
    points, directions = position[hidden], normal[hidden]
    turn = to_backend[:, :3] / np.cbrt(np.linalg.det(to_backend[:, :3]))
    along = np.einsum("ij,kj->ik", directions, turn)
    if completion is not None:
        made_up = completion.colors(np.einsum("ij,kj->ik", points, to_backend[:, :3]) + to_backend[:, 3], along)
        grain = None if completion.detailed else grain_of(cutout, cutout.mask)
        strength = np.full(len(hidden), 0.0 if grain is None else grain.usual, np.float32)
    else:
        all_over = patterned(cutout)
        behind = carried_round(cutout, patterned=all_over)
        at_vertex = _vertex_offsets(solid, normals, cutout, camera, depth, small, trusted, behind)
        offset = _mixed(at_vertex, surface.welded[corners[hidden]], weights[hidden])
        at, off = through(points, camera)
        cosine = _cosine(points, directions, camera)
        grain = grain_of(cutout, behind.material, PATTERN_STRENGTH if all_over else STRONG)
        share = _trusted(-cosine, trusted) if repeats_behind or all_over else np.zeros(len(hidden))
        strength = grain.strength_at(at) * (1.0 - share).astype(np.float32)
        near, at_a_slant = behind.slanted(at, cosine)
        made_up = _blended(behind.colors(at, cosine, off) + offset, near, at_a_slant * in_view[hidden])
        made_up = _blended(made_up, sampled(photo, at), share)
    if grain is not None:
        # Laid along the backend's axes, at the photo's own scale.
        px = float(np.cbrt(np.linalg.det(camera.to_view[:, :3]))) * camera.pixels
        made_up = made_up + grain.levels(np.einsum("ij,kj->ik", points, turn) * px, along) * strength[:, None]
    fill[hidden] = made_up
    maps = np.zeros((GRID_TEXELS, GRID_TEXELS, 6), np.float32)
    maps[rows, columns, :2] = pixels - 0.5
    maps[rows, columns, 2] = trust
    maps[rows, columns, 3:] = fill
    _fill_gutters(maps, covered >= 0)
    return Texture(_painted(maps, photo, side), roughness_of(cutout), 0.0)


def _blended(first: Floats, second: Floats, share: NDArray[np.floating]) -> Floats:
    """(n, 3): a share (n,) of the second colours over the first."""
    return np.asarray(first + share.astype(np.float32)[:, None] * (second - first), np.float32)


def _painted(maps: Floats, photo: Bytes, side: int) -> Bytes:
    """Photo and fill mixed as the maps say, at full size, in bands so that memory stays small.

    Args:
        maps: (g, g, 6) float32: photo x, photo y (pixel indices), share of the photo, fill red, green, blue.
        photo: (h, w, 3) uint8.
        side: of the result, a multiple of g.
    """
    grid = maps.shape[0]
    factor = side // grid
    out = np.empty((side, side, 3), np.uint8)
    for start in range(0, grid, BAND_ROWS):
        stop = min(start + BAND_ROWS, grid)
        low, high = max(start - 1, 0), min(stop + 1, grid)
        band = maps[low:high]
        if factor > 1:
            size = (side, (high - low) * factor)
            band = np.asarray(cv2.resize(band, size, interpolation=cv2.INTER_LINEAR), np.float32)
        band = band[(start - low) * factor : (stop - low) * factor]
        sampled = cv2.remap(
            photo,
            np.ascontiguousarray(band[..., 0]),
            np.ascontiguousarray(band[..., 1]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ).astype(np.float32)
        sampled -= band[..., 3:]
        sampled *= band[..., 2:3]
        sampled += band[..., 3:]
        np.clip(sampled + 0.5, 0, 255, out=sampled)
        out[start * factor : stop * factor] = sampled
    return out


def _mixed(values: NDArray[np.generic], corners: NDArray[np.int64], weights: Floats) -> Floats:
    """Values at vertices (n, c) interpolated: corners (k, 3), weights (k, 3) -> (k, c)."""
    source = np.asarray(values, np.float32)
    out = source[corners[:, 0]] * weights[:, :1]
    out += source[corners[:, 1]] * weights[:, 1:2]
    out += source[corners[:, 2]] * weights[:, 2:]
    return out


def _cosine(points: NDArray[np.floating], normals: NDArray[np.floating], camera: PhotoCamera) -> Doubles:
    """(n,): between each normal and the direction towards the camera."""
    towards = camera.position() - points
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-12)
    return np.asarray(np.einsum("ij,ij->i", normals, towards), np.float64)


def _seen(
    points: NDArray[np.floating],
    normals: NDArray[np.floating],
    camera: PhotoCamera,
    depth: Floats,
    small: PhotoCamera,
    reach_px: float,
    trusted: tuple[float, float],
) -> tuple[Doubles, Doubles, NDArray[np.bool_]]:
    """Where points fall in the photo, (n, 2) pixels, how far the photo is to be trusted there, (n,) 0..1, and whether
    nothing comes near to standing before them, (n,) bool."""
    pixels, far = camera.project(points)
    cosine = _cosine(points, normals, camera)
    trust = _trusted(cosine, trusted)
    at, _ = small.project(points)
    rows, columns = depth.shape
    # A point is hidden when even the farthest surface near its pixel is clearly in front of it.
    solid_depth = np.where(np.isfinite(depth), depth, 1e6).astype(np.float32)
    kernel = np.ones((2 * int(np.ceil(reach_px)) + 1,) * 2, np.uint8)
    farthest = cv2.dilate(solid_depth, kernel)
    column = np.clip(np.floor(at[:, 0]).astype(int), 0, columns - 1)
    row = np.clip(np.floor(at[:, 1]).astype(int), 0, rows - 1)
    visible = far <= farthest[row, column] + 0.02
    clear = np.zeros_like(trust)
    for reach in BEHIND_PX:
        nearest = cv2.erode(solid_depth, np.ones((2 * reach + 1,) * 2, np.uint8))
        clear += far - nearest[row, column] <= BEHIND
    return pixels, np.where(visible, trust * clear / len(BEHIND_PX), 0.0), visible & (clear == len(BEHIND_PX))


def _trusted(cosine: Doubles, trusted: tuple[float, float]) -> Doubles:
    """(n,) 0..1: how far a photo is to be trusted at cosines between normal and view."""
    step = np.clip((cosine - trusted[0]) / (trusted[1] - trusted[0]), 0.0, 1.0)
    return np.asarray(step * step * (3.0 - 2.0 * step), np.float64)


def _vertex_offsets(
    solid: Solid,
    normals: Doubles,
    cutout: Cutout,
    camera: PhotoCamera,
    depth: Floats,
    small: PhotoCamera,
    trusted: tuple[float, float],
    behind: Backside,
) -> Floats:
    """For each vertex of the solid what is to be added to the back's colours so that they meet the photo's."""
    pixels, trust, _ = _seen(solid.vertices, normals, camera, depth, small, 1.0, trusted)
    height, width = cutout.mask.shape
    column = np.clip(np.floor(pixels[:, 0]).astype(int), 0, width - 1)
    row = np.clip(np.floor(pixels[:, 1]).astype(int), 0, height - 1)
    known = (trust > 0.7) & cutout.safe[row, column]
    window = min(31, max(3, round(0.02 * max(height, width)) | 1))
    near = cv2.medianBlur(cutout.photo, window)[row, column].astype(np.float32)
    cosine = _cosine(solid.vertices, normals, camera)
    at, off = through(solid.vertices, camera)
    base = behind.colors(at, cosine, off)
    back = np.clip(-2.0 * cosine, 0.0, 1.0)
    return harmonic_offsets(solid, known, near - base, back)


def _fill_gutters(maps: Floats, covered: NDArray[np.bool_]) -> None:
    """Every free texel takes what its nearest covered texel has."""
    _, labels = cv2.distanceTransformWithLabels(
        (~covered).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(int(labels.max()) + 1, np.int64)
    taken = np.flatnonzero(covered)
    place[labels.ravel()[taken]] = taken
    free = np.flatnonzero(~covered)
    flat = maps.reshape(-1, maps.shape[2])
    flat[free] = flat[place[labels.ravel()[free]]]


def roughness_of(cutout: Cutout) -> float:
    """A believable roughness from the photo's highlights: glossy things have few, small and very bright ones.

    Returns:
        0.38 (glaze, gloss paint) to 0.85 (paper, cloth).
    """
    value = cutout.photo.max(axis=2)[cutout.safe]
    if not len(value):
        return 0.8
    middle, bright, peak = np.percentile(value.astype(np.float32), (60, 97, 99.7))
    if peak < 205:
        return 0.8
    # How far the brightest spots stand out from what is merely light.
    stand_out = (peak - bright) / 255.0 + 0.35 * max(0.0, float(bright - middle)) / 255.0
    return float(np.clip(0.85 - 1.3 * stand_out, 0.38, 0.85))
