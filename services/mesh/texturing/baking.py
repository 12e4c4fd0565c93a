"""The texture: the photo where the surface faces it, completion everywhere else, gutters filled."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.finish.surface import Surface
from services.mesh.raster import covering, weights_at
from services.mesh.solid import Solid
from services.mesh.texturing.backside import Backside, carried_round, through
from services.mesh.texturing.completion import Completion, harmonic_offsets
from services.mesh.texturing.exposure import TRUST, Exposure, Sight, exposed, trusted_at
from services.mesh.texturing.grain import PARAMETERS as GRAIN
from services.mesh.texturing.grain import Grain, grain_of
from services.mesh.texturing.pattern import patterned
from services.mesh.texturing.prints import readable_behind
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
        pattern_strength: most standard deviation, levels, of the grain on the sides of a thing that is patterned all
            over.
        band_rows: rows of the grid that are painted at a time.
        texels: texels that are worked out at a time: what is known of them stays in the processor's cache.
        large_subject_px: a subject that is longer in the photo than this holds more than a 1024 texture can show.
    """

    grid_texels: int = 1024
    sure: float = 0.99
    corrected: float = 0.5
    pattern_strength: float = 64.0
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
    exposure = exposed(solid, camera, (photo.shape[1], photo.shape[0]), trusted)
    glance()
    uv = surface.uvs.astype(np.float64) * PARAMETERS.grid_texels
    faces = surface.faces.astype(np.int64)
    covered = covering(uv, faces, (PARAMETERS.grid_texels, PARAMETERS.grid_texels))
    rows, columns, face, weights = weights_at(covered, uv, faces)
    texel = rows * PARAMETERS.grid_texels + columns
    fill: _Completed | _Carried
    if completion is not None:
        fill = _Completed(cutout, completion, camera, to_backend)
    else:
        fill = _Carried(solid, surface, cutout, exposure, to_backend, repeats_behind)
    maps = np.zeros((PARAMETERS.grid_texels * PARAMETERS.grid_texels, 3), np.float32)
    colors = np.zeros((PARAMETERS.grid_texels * PARAMETERS.grid_texels, 3), np.uint8)
    positions, normals = surface.positions.T.copy(), surface.normals.T.copy()
    for start in range(0, len(texel), PARAMETERS.texels):
        glance()
        part = slice(start, start + PARAMETERS.texels)
        corners, shares = faces[face[part]].T, weights[part].T
        points, directions = _mixed(positions, corners, shares), _unit(_mixed(normals, corners, shares))
        sight = exposure.of(points, directions)
        trust = sight.trust if completion is None or view_is_known else np.zeros_like(sight.trust)
        hidden = np.flatnonzero(trust < PARAMETERS.sure)
        off = fill.correction(sight)
        own = sampled(photo, sight.pixels.T) + off
        most = np.maximum(np.maximum(np.abs(off[:, 0]), np.abs(off[:, 1])), np.abs(off[:, 2]))
        corrected = most > PARAMETERS.corrected
        made_up = fill.colors(
            _Texels(
                points.take(hidden, axis=1),
                directions.take(hidden, axis=1),
                corners.take(hidden, axis=1),
                shares.take(hidden, axis=1),
                sight.cosine[hidden],
                sight.clear[hidden],
            )
        )
        kept = np.where(corrected, trust, 0.0)[hidden]
        own[hidden] = _blended(made_up, own[hidden], kept)
        colors[texel[part]] = np.clip(own + 0.5, 0, 255)
        maps[texel[part], 0] = sight.pixels[0] - 0.5
        maps[texel[part], 1] = sight.pixels[1] - 0.5
        maps[texel[part], 2] = np.where(corrected, 0.0, np.where(trust < PARAMETERS.sure, trust, 1.0))
    glance()
    fill_gutters((maps, colors), covered >= 0)
    glance()
    shape = (PARAMETERS.grid_texels, PARAMETERS.grid_texels, 3)
    return Texture(_painted(maps.reshape(shape), colors.reshape(shape), photo, side), roughness_of(cutout), 0.0)


@dataclass(frozen=True)
class _Texels:
    """Places on the surface that are to be coloured, laid out by coordinate.

    Attributes:
        points: (3, n) float32.
        normals: (3, n) float32 unit vectors.
        corners: (3, n) vertices of the surface.
        weights: (3, n) float32 of those.
        cosine: (n,) float32 towards the photo's camera.
        clear: (n,) bool, see ``Sight``.
    """

    points: Floats
    normals: Floats
    corners: NDArray[np.int64]
    weights: Floats
    cosine: Floats
    clear: NDArray[np.bool_]


class _Completed:
    """Colours that a backend has an opinion on, with the photo's grain where they hold none."""

    def __init__(self, cutout: Cutout, completion: Completion, camera: PhotoCamera, to_backend: Doubles) -> None:
        self._completion, self._axes = completion, _Axes(camera, to_backend)
        self._grain = None if completion.detailed else grain_of(cutout, cutout.mask)

    def correction(self, sight: Sight) -> Floats:
        """(n, 3): nothing is added to the photo."""
        return np.zeros((len(sight.trust), 3), np.float32)

    def colors(self, texels: _Texels) -> Floats:
        """(n, 3) float32, 0..255."""
        along = self._axes.turned(texels.normals)
        made_up = self._completion.colors(self._axes.moved(texels.points).T, along.T)
        if self._grain is None:
            return made_up
        levels = self._grain.levels(self._axes.photo_pixels(texels.points).T, along.T)
        return np.asarray(made_up + self._grain.usual * levels, np.float32)


class _Carried:
    """The back of a free shape: what the photo shows in front of it, as far as that goes round."""

    def __init__(
        self,
        solid: Solid,
        surface: Surface,
        cutout: Cutout,
        exposure: Exposure,
        to_backend: Doubles,
        repeats_behind: bool,
    ) -> None:
        all_over = patterned(cutout)
        self._exposure, self._axes = exposure, _Axes(exposure.camera, to_backend)
        self._behind = carried_round(cutout, patterned=all_over)
        self._grain: Grain = grain_of(
            cutout, self._behind.material, PARAMETERS.pattern_strength if all_over else GRAIN.strong
        )
        self._repeats = repeats_behind or all_over
        self._again = readable_behind(cutout) if repeats_behind else cutout.photo
        offsets = _vertex_offsets(solid, surface, cutout, exposure, self._behind)
        self._offsets = offsets[surface.welded].T.copy()

    def correction(self, sight: Sight) -> Floats:
        """(n, 3) levels to be added to the photo, which mirrors its surroundings along the outline."""
        return self._behind.without_cast(sight.pixels.T, sight.cosine)

    def colors(self, texels: _Texels) -> Floats:
        """(n, 3) float32, 0..255."""
        behind, cosine = self._behind, texels.cosine
        at, off = through(texels.points, self._exposure.camera)
        offset = _mixed(self._offsets, texels.corners, texels.weights).T
        near, at_a_slant = behind.slanted(at, cosine)
        made_up = _blended(behind.colors(at, cosine, off) + offset, near, at_a_slant * texels.clear)
        strength = self._grain.strength_at(at)
        if self._repeats:
            share = trusted_at(-cosine, self._exposure.trusted)
            made_up = _blended(made_up, sampled(self._again, at), share)
            strength = strength * (1.0 - share)
        levels = self._grain.levels(self._axes.photo_pixels(texels.points).T, self._axes.turned(texels.normals).T)
        return np.asarray(made_up + levels * strength[:, None], np.float32)


class _Axes:
    """The backend's own frame, which completions and the grain are laid out in."""

    def __init__(self, camera: PhotoCamera, to_backend: Doubles) -> None:
        self._move = to_backend
        self._turn = to_backend[:, :3] / np.cbrt(np.linalg.det(to_backend[:, :3]))
        # The grain is laid at the photo's own scale.
        self._px = float(np.cbrt(np.linalg.det(camera.to_view[:, :3]))) * camera.pixels

    def moved(self, points: Floats) -> Floats:
        """(3, n): points in the backend's frame."""
        return _linear(self._move[:, :3], points) + self._move[:, 3:].astype(np.float32)

    def turned(self, normals: Floats) -> Floats:
        """(3, n): directions along the backend's axes."""
        return _linear(self._turn, normals)

    def photo_pixels(self, points: Floats) -> Floats:
        """(3, n): places along the backend's axes, in pixels of the photo."""
        return _linear(self._turn * self._px, points)


def _linear(matrix: Doubles, values: Floats) -> Floats:
    """(3, n): a (3, 3) map of columns."""
    rows = matrix.astype(np.float32)
    return np.stack([row[0] * values[0] + row[1] * values[1] + row[2] * values[2] for row in rows])


def _unit(values: Floats) -> Floats:
    """(3, n): columns of length one."""
    length = np.sqrt(values[0] ** 2 + values[1] ** 2 + values[2] ** 2)
    return np.asarray(values / np.maximum(length, np.float32(1e-9)), np.float32)


def _blended(first: Floats, second: Floats, share: NDArray[np.floating]) -> Floats:
    """(n, 3): a share (n,) of the second colours over the first."""
    return np.asarray(first + share.astype(np.float32)[:, None] * (second - first), np.float32)


def _painted(maps: Floats, fill: Bytes, photo: Bytes, side: int) -> Bytes:
    """Photo and fill mixed as the maps say, at full size, in bands so that memory stays small.

    Args:
        maps: (g, g, 3) float32: photo x, photo y (pixel indices), share of the photo.
        fill: (g, g, 3) uint8, what is made up.
        photo: (h, w, 3) uint8.
        side: of the result, a multiple of g.
    """
    grid = maps.shape[0]
    factor = side // grid
    out = np.empty((side, side, 3), np.uint8)
    for start in range(0, grid, PARAMETERS.band_rows):
        stop = min(start + PARAMETERS.band_rows, grid)
        low, high = max(start - 1, 0), min(stop + 1, grid)
        band, beside = maps[low:high], fill[low:high]
        if factor > 1:
            size = (side, (high - low) * factor)
            band = np.asarray(cv2.resize(band, size, interpolation=cv2.INTER_LINEAR), np.float32)
            beside = np.asarray(cv2.resize(beside, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        inner = slice((start - low) * factor, (stop - low) * factor)
        x, y, share = cv2.split(band[inner])
        own = cv2.remap(photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        out[start * factor : stop * factor] = cv2.blendLinear(own, beside[inner], share, 1.0 - share)
    return out


def _mixed(values: Floats, corners: NDArray[np.int64], weights: Floats) -> Floats:
    """Values at vertices (c, n) interpolated: corners (3, k), weights (3, k) -> (c, k)."""
    # ``take`` is three times as fast as an index along the second axis.
    out = values.take(corners[0], axis=1) * weights[0]
    out += values.take(corners[1], axis=1) * weights[1]
    out += values.take(corners[2], axis=1) * weights[2]
    return np.asarray(out, np.float32)


def _vertex_offsets(solid: Solid, surface: Surface, cutout: Cutout, exposure: Exposure, behind: Backside) -> Floats:
    """For each vertex of the solid what is to be added to the back's colours so that they meet the photo's."""
    normals = np.zeros((3, len(solid.vertices)), np.float32)
    for k in range(3):
        normals[k] = np.bincount(surface.welded, surface.normals[:, k], minlength=len(solid.vertices))
    points = solid.vertices.T.astype(np.float32)
    sight = exposure.within(1).of(points, _unit(normals))
    height, width = cutout.mask.shape
    column = np.clip(sight.pixels[0], 0, width - 1).astype(int)
    row = np.clip(sight.pixels[1], 0, height - 1).astype(int)
    known = (sight.trust > 0.7) & cutout.safe[row, column]
    window = min(31, max(3, round(0.02 * max(height, width)) | 1))
    near = cv2.medianBlur(cutout.photo, window)[row, column].astype(np.float32)
    near += behind.without_cast(sight.pixels.T, sight.cosine)
    at, off = through(points, exposure.camera)
    base = behind.colors(at, sight.cosine, off)
    back = np.clip(-2.0 * sight.cosine, 0.0, 1.0).astype(np.float64)
    return harmonic_offsets(solid, known, near - base, back)


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
    for picture in pictures:
        picture[free] = picture[source]
