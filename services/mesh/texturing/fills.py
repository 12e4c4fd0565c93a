"""What is made up where the photo shows nothing: a completion's own colours, or what the front carries round."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.finish.surface import Surface
from services.mesh.solid import Solid
from services.mesh.texturing.backside import Backside, carried_round, through
from services.mesh.texturing.completion import Completion, harmonic_offsets
from services.mesh.texturing.exposure import Exposure, Sight, trusted_at
from services.mesh.texturing.grain import PARAMETERS as GRAIN
from services.mesh.texturing.grain import Grain, grain_of
from services.mesh.texturing.pattern import patterned
from services.mesh.texturing.prints import readable_behind
from services.mesh.texturing.sampling import sampled

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

PATTERN_STRENGTH = 64.0
"""Most standard deviation, levels, of the grain on the sides of a thing that is patterned all over."""


@dataclass(frozen=True)
class Texels:
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


class Completed:
    """Colours that a backend has an opinion on, with the photo's grain where they hold none."""

    def __init__(self, cutout: Cutout, completion: Completion, camera: PhotoCamera, to_backend: Doubles) -> None:
        self._completion, self._axes = completion, _Axes(camera, to_backend)
        self._grain = None if completion.detailed else grain_of(cutout, cutout.mask)

    def correction(self, sight: Sight) -> Floats:
        """(n, 3): nothing is added to the photo."""
        return np.zeros((len(sight.trust), 3), np.float32)

    def colors(self, texels: Texels) -> Floats:
        """(n, 3) float32, 0..255."""
        along = self._axes.turned(texels.normals)
        made_up = self._completion.colors(self._axes.moved(texels.points).T, along.T)
        if self._grain is None:
            return made_up
        levels = self._grain.levels(self._axes.photo_pixels(texels.points).T, along.T)
        return np.asarray(made_up + self._grain.usual * levels, np.float32)


@dataclass(frozen=True)
class Back:
    """What a photo alone tells of the back of a free shape.

    Attributes:
        patterned: the thing is patterned all over.
        behind: its colours.
        grain: its material's fine texture.
    """

    patterned: bool
    behind: Backside
    grain: Grain


def back_of(cutout: Cutout) -> Back:
    """The back of a free shape, as far as it does not depend on the shape."""
    all_over = patterned(cutout)
    behind = carried_round(cutout, patterned=all_over)
    return Back(all_over, behind, grain_of(cutout, behind.material, PATTERN_STRENGTH if all_over else GRAIN.strong))


class Carried:
    """The back of a free shape: what the photo shows in front of it, as far as that goes round."""

    def __init__(
        self,
        solid: Solid,
        surface: Surface,
        cutout: Cutout,
        exposure: Exposure,
        to_backend: Doubles,
        back: Back,
        repeats_behind: bool,
    ) -> None:
        self._exposure, self._axes = exposure, _Axes(exposure.camera, to_backend)
        self._behind, self._grain = back.behind, back.grain
        self._repeats = repeats_behind or back.patterned
        self._again = readable_behind(cutout) if repeats_behind else cutout.photo
        offsets = _vertex_offsets(solid, surface, cutout, exposure, self._behind)
        self._offsets = offsets[surface.welded].T.copy()

    def correction(self, sight: Sight) -> Floats:
        """(n, 3) levels to be added to the photo, which mirrors its surroundings along the outline."""
        return self._behind.without_cast(sight.pixels.T, sight.cosine)

    def colors(self, texels: Texels) -> Floats:
        """(n, 3) float32, 0..255."""
        behind, cosine = self._behind, texels.cosine
        at, off = through(texels.points, self._exposure.camera)
        offset = mixed(self._offsets, texels.corners, texels.weights).T
        near, at_a_slant = behind.slanted(at, cosine)
        made_up = blended(behind.colors(at, cosine, off) + offset, near, at_a_slant * texels.clear)
        strength = self._grain.strength_at(at)
        if self._repeats:
            share = trusted_at(-cosine, self._exposure.trusted)
            made_up = blended(made_up, sampled(self._again, at), share)
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


def unit(values: Floats) -> Floats:
    """(3, n): columns of length one."""
    length = np.sqrt(values[0] ** 2 + values[1] ** 2 + values[2] ** 2)
    return np.asarray(values / np.maximum(length, np.float32(1e-9)), np.float32)


def blended(first: Floats, second: Floats, share: NDArray[np.floating]) -> Floats:
    """(n, 3): a share (n,) of the second colours over the first."""
    return np.asarray(first + share.astype(np.float32)[:, None] * (second - first), np.float32)


def mixed(values: Floats, corners: NDArray[np.int64], weights: Floats) -> Floats:
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
    sight = exposure.within(1).of(points, unit(normals))
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
