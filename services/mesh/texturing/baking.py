"""The texture: the photo where the surface faces it, completion everywhere else, gutters filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.finish.surface import Surface
from services.mesh.lanes import in_lanes
from services.mesh.raster import covering, weights_at
from services.mesh.solid import Solid
from services.mesh.texturing.completion import Completion
from services.mesh.texturing.exposure import TRUST, exposed
from services.mesh.texturing.fills import Back, Carried, Completed, Texels, blended, mixed, unit
from services.mesh.texturing.roughness import roughness_of
from services.mesh.texturing.sampling import sampled

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class BakingParameters:
    """How the atlas is painted.

    Attributes:
        grid_texels: where each texel lies on the surface is worked out on this grid; a finer texture interpolates it.
        sure: what is trusted more is the photo's alone: nothing is made up for it.
        corrected: levels: what is corrected by more is painted with the fill, at the fill's resolution.
        band_rows: rows of the grid that are painted at a time.
        texels: texels that are worked out at a time: what is known of them stays in the processor's cache.
        large_subject_px: a subject that is longer in the photo than this holds more than a 1024 texture can show.
    """

    grid_texels: int = 1024
    sure: float = 0.99
    corrected: float = 0.5
    band_rows: int = 128
    texels: int = 30_000
    large_subject_px: int = 640


PARAMETERS = BakingParameters()


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
    return 2048 if limit >= 2048 and max(cutout.mask.shape) > PARAMETERS.large_subject_px else 1024


def bake(
    solid: Solid,
    surface: Surface,
    cutout: Cutout,
    camera: PhotoCamera,
    to_backend: Doubles,
    completion: Completion | None,
    back: Callable[[], Back],
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
        back: what the photo tells of the back of a free shape; not asked where there is a completion.
        side: of the texture, 1024 or 2048.
        view_is_known: False when the camera is a guess: then nothing is taken from the photo where ``completion``
            has colours.
        trusted: see ``TRUST``.
        repeats_behind: whether the back of a free shape shows the photo again.
    """
    photo = cutout.photo
    exposure = exposed(solid, camera, (photo.shape[1], photo.shape[0]), trusted)
    glance()
    uv = surface.uvs.astype(np.float64) * PARAMETERS.grid_texels
    faces = surface.faces.astype(np.int64)
    covered = covering(uv, faces, (PARAMETERS.grid_texels, PARAMETERS.grid_texels))
    rows, columns, face, weights = weights_at(covered, uv, faces)
    texel = rows * PARAMETERS.grid_texels + columns
    fill: Completed | Carried
    if completion is not None:
        fill = Completed(cutout, completion, camera, to_backend)
    else:
        fill = Carried(solid, surface, cutout, exposure, to_backend, back(), repeats_behind)
    # A fourth channel that nothing reads makes a number of each texel: those are moved several times as fast as rows.
    maps = np.zeros((PARAMETERS.grid_texels * PARAMETERS.grid_texels, 4), np.float32)
    colors = np.zeros((PARAMETERS.grid_texels * PARAMETERS.grid_texels, 4), np.uint8)
    positions, normals = surface.positions.T.copy(), surface.normals.T.copy()

    def paint(part: slice) -> None:
        corners, shares = faces[face[part]].T, weights[part].T
        points, directions = mixed(positions, corners, shares), unit(mixed(normals, corners, shares))
        sight = exposure.of(points, directions)
        trust = sight.trust if completion is None or view_is_known else np.zeros_like(sight.trust)
        hidden = np.flatnonzero(trust < PARAMETERS.sure)
        off = fill.correction(sight)
        own = sampled(photo, sight.pixels.T) + off
        most = np.maximum(np.maximum(np.abs(off[:, 0]), np.abs(off[:, 1])), np.abs(off[:, 2]))
        corrected = most > PARAMETERS.corrected
        made_up = fill.colors(
            Texels(
                points.take(hidden, axis=1),
                directions.take(hidden, axis=1),
                corners.take(hidden, axis=1),
                shares.take(hidden, axis=1),
                sight.cosine[hidden],
                sight.clear[hidden],
            )
        )
        kept = np.where(corrected, trust, 0.0)[hidden]
        own[hidden] = blended(made_up, own[hidden], kept)
        color, place = np.zeros((len(own), 4), np.uint8), np.zeros((len(own), 4), np.float32)
        color[:, :3] = np.clip(own + 0.5, 0, 255)
        place[:, 0] = sight.pixels[0] - 0.5
        place[:, 1] = sight.pixels[1] - 0.5
        place[:, 2] = np.where(corrected, 0.0, np.where(trust < PARAMETERS.sure, trust, 1.0))
        _numbers(colors)[texel[part]] = _numbers(color)
        _numbers(maps)[texel[part]] = _numbers(place)

    glance()
    step = PARAMETERS.texels
    first, *others = [slice(start, start + step) for start in range(0, max(len(texel), 1), step)]
    paint(first)  # by itself: what is worked out when it is first asked for is then there for both lanes
    in_lanes(paint, others)
    glance()
    fill_gutters((maps, colors), covered >= 0)
    glance()
    shape = (PARAMETERS.grid_texels, PARAMETERS.grid_texels, 4)
    return Texture(_painted(maps.reshape(shape), colors.reshape(shape), photo, side), roughness_of(cutout), 0.0)


def _painted(maps: Floats, fill: Bytes, photo: Bytes, side: int) -> Bytes:
    """Photo and fill mixed as the maps say, at full size, in bands so that memory stays small.

    Args:
        maps: (g, g, 4) float32: photo x, photo y (pixel indices), share of the photo, nothing.
        fill: (g, g, 4) uint8, what is made up, and nothing.
        photo: (h, w, 3) uint8.
        side: of the result, a multiple of g.
    """
    grid = maps.shape[0]
    factor = side // grid
    out = np.empty((side, side, 3), np.uint8)
    for start in range(0, grid, PARAMETERS.band_rows):
        stop = min(start + PARAMETERS.band_rows, grid)
        low, high = max(start - 1, 0), min(stop + 1, grid)
        band = np.ascontiguousarray(maps[low:high, :, :3])
        beside = np.ascontiguousarray(fill[low:high, :, :3])
        if factor > 1:
            size = (side, (high - low) * factor)
            band = np.asarray(cv2.resize(band, size, interpolation=cv2.INTER_LINEAR), np.float32)
            beside = np.asarray(cv2.resize(beside, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        inner = slice((start - low) * factor, (stop - low) * factor)
        x, y, share = cv2.split(band[inner])
        own = cv2.remap(photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        out[start * factor : stop * factor] = cv2.blendLinear(own, beside[inner], share, 1.0 - share)
    return out


def fill_gutters(pictures: tuple[NDArray[np.generic], ...], covered: NDArray[np.bool_]) -> None:
    """Every free texel takes what its nearest covered texel has, in pictures (g * g, c) of a grid (g, g)."""
    _, labels = cv2.distanceTransformWithLabels(
        (~covered).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(int(labels.max()) + 1, np.int64)
    taken = np.flatnonzero(covered)
    place[labels.ravel()[taken]] = taken
    free = np.flatnonzero(~covered)
    source = place[labels.ravel()[free]]
    for picture in map(_numbers, pictures):
        picture[free] = picture.take(source, axis=0)


def _numbers(picture: NDArray[Any]) -> NDArray[Any]:
    """The same memory with one number for each row, where there are numbers of that size."""
    kind = {4: np.uint32, 8: np.uint64, 16: np.complex128}.get(picture.shape[-1] * picture.itemsize)
    return picture if kind is None or not picture.flags.c_contiguous else picture.view(kind)[:, 0]
