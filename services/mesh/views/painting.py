"""The texture of a model from several photos: each part of the surface from the photo that sees it best.

The texture from the main photo, what it completes included, is label 0; each further photo is another. Labels are
chosen by triangle (``labels``), photos are brought to the main one's light and their colours meet at the seams
(``levels``), and a crossfade a triangle or two wide hides what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.finish.surface import Surface, neighbours
from services.mesh.raster import covering, weights_at
from services.mesh.solid import Solid
from services.mesh.texturing.baking import PARAMETERS as BAKING
from services.mesh.texturing.baking import fill_gutters
from services.mesh.texturing.exposure import TRUST, Exposure, exposed
from services.mesh.texturing.sampling import sampled
from services.mesh.views.labels import cheapest
from services.mesh.views.levels import brightened, gain_between, light_between, meeting_offsets

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PaintingRules:
    """How photos are laid side by side.

    Attributes:
        rim: how far from its outline a photo is fully trusted, shares of its subject's longer side.
        main: what a further photo must be better by, as a share of the best possible view.
        usable: quality under which a photo says nothing.
        unseen: what the main photo's texture costs more where it is only completed: any photo is better than a guess.
        slanted: cosine at which a further photo begins to count and counts fully.
        seam: cost of a seam as long as an average edge, against that of the worst view of a triangle ...
        unlike: ... and what it costs more where the photos differ by ``levels``.
        levels: see ``unlike``.
        both: quality that two photos must have where they are compared in brightness.
        fade: rounds of averaging of the crossfade, an edge each.
    """

    rim: float = 0.02
    main: float = 0.06
    usable: float = 0.03
    unseen: float = 0.8
    slanted: tuple[float, float] = (0.1, 0.4)
    seam: float = 0.12
    unlike: float = 0.4
    levels: float = 40.0
    both: float = 0.35
    fade: int = 2


RULES = PaintingRules()


CLOSE = 0.5
"""Quality by which a close-up is preferred: half of the best view's, since it shows more of what it sees."""


@dataclass(frozen=True)
class Source:
    """A photo before the finished solid.

    Attributes:
        cutout: the photo.
        camera: in the solid's frame, pixels of the cutout.
        trusted: cosine at which it begins to count and counts fully.
        preferred: quality that it is held to be better by than it looks: a close-up's.
    """

    cutout: Cutout
    camera: PhotoCamera
    trusted: tuple[float, float] = TRUST
    preferred: float = 0.0


@dataclass(frozen=True)
class _Look:
    """What a photo shows of places: quality (n,) 0..1 and pixels (2, n)."""

    quality: Floats
    pixels: Floats


def painted(base: Bytes, solid: Solid, surface: Surface, main: Source, further: Sequence[Source]) -> Bytes:
    """The texture with further photos laid on.

    Args:
        base: (s, s, 3) uint8, the texture from the main photo.
        solid: welded; ``surface.welded`` refers to its vertices.
        surface: with its atlas.
        main: the main photo.
        further: at least one other.
    """
    sources = [main, *further]
    centres = solid.vertices[solid.faces].mean(axis=1).T.astype(np.float32)
    cross = solid.cross()
    normals = (cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-20)).T.astype(np.float32)
    looks = [_looked(main, solid, centres, normals)]
    looks += [_looked(replace(source, trusted=RULES.slanted), solid, centres, normals) for source in further]
    glance()
    photos = _alike(sources, looks)
    at_faces = np.stack([sampled(photo, look.pixels.T) for photo, look in zip(photos, looks, strict=True)])
    owner = _owners(solid, looks, at_faces, [source.preferred for source in sources])
    if not owner.any():
        return base
    glance()
    at_vertices = _vertex_colors(base, solid, surface, sources, photos, owner)
    offsets = meeting_offsets(solid, owner, at_vertices)
    shares = _crossfade(solid, owner, looks)
    glance()
    return _laid(base, surface, sources, photos, offsets, shares)


def _looked(source: Source, solid: Solid, points: Floats, normals: Floats) -> _Look:
    """How well a photo sees places (3, n) of a solid."""
    cutout = source.cutout
    size = (cutout.mask.shape[1], cutout.mask.shape[0])
    exposure: Exposure = exposed(solid, source.camera, size, source.trusted)
    sight = exposure.of(points, normals)
    deep = cv2.distanceTransform(cutout.mask.astype(np.uint8), cv2.DIST_L2, 5)
    margin = max(RULES.rim * max(size), 2.0)
    rim = np.clip(sampled(deep.astype(np.float32), sight.pixels.T) / margin, 0.0, 1.0)
    # A photo from straight ahead holds more of a surface than one from the side.
    quality = sight.trust * rim * (0.5 + 0.5 * np.clip(sight.cosine, 0.0, 1.0))
    return _Look(quality.astype(np.float32), sight.pixels)


def _alike(sources: Sequence[Source], looks: Sequence[_Look]) -> list[Bytes]:
    """The photos, all in the main one's light."""
    main = sources[0].cutout
    bright = [main.photo]
    for number, (source, look) in enumerate(zip(sources[1:], looks[1:], strict=True), start=1):
        photo = brightened(source.cutout.photo, np.full(3, light_between(main, source.cutout)))
        soft = _soft(photo, 2.0)
        wanted, given = [], []
        for other in range(number):
            both = np.flatnonzero(np.minimum(looks[other].quality, look.quality) > RULES.both)
            wanted.append(sampled(_soft(bright[other], 2.0), looks[other].pixels.T[both]))
            given.append(sampled(soft, look.pixels.T[both]))
        bright.append(brightened(photo, gain_between(np.concatenate(wanted), np.concatenate(given))))
    return bright


def _owners(solid: Solid, looks: Sequence[_Look], colors: Floats, preferred: Sequence[float]) -> Ints:
    """(m,) the label of each face."""
    quality = np.stack([look.quality for look in looks], axis=1).astype(np.float64)
    costs = 1.0 - quality
    costs[:, 1:] += RULES.main + 1.0 * (quality[:, 1:] < RULES.usable)
    costs[:, 0] += RULES.unseen * (quality[:, 0] < RULES.usable)
    costs -= np.where(quality >= RULES.usable, np.array(preferred), 0.0)
    costs -= costs.min()
    pairs = neighbours(solid.faces)
    corners = solid.vertices[solid.faces]
    length = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2).mean(axis=1)
    long = length[pairs].mean(axis=1) / max(float(length.mean()), 1e-12)
    # What the photos say of both sides of an edge, over all that show it.
    seen = (quality > RULES.usable)[:, :, None]
    many = seen.sum(axis=1)
    light = colors.transpose(1, 0, 2)
    mean = (light * seen).sum(axis=1) / np.maximum(many, 1)
    spread = np.sqrt((((light - mean[:, None]) ** 2) * seen).sum(axis=1) / np.maximum(many, 1)).mean(axis=1)
    unlike = np.clip(spread[pairs].mean(axis=1) / RULES.levels, 0.0, 1.0)
    return cheapest(costs, pairs, (RULES.seam + RULES.unlike * unlike) * np.minimum(long, 3.0))


def _vertex_colors(
    base: Bytes, solid: Solid, surface: Surface, sources: Sequence[Source], photos: Sequence[Bytes], owner: Ints
) -> Floats:
    """(labels, n, 3) each label's own colour at each vertex, of a small neighbourhood."""
    count = len(solid.vertices)
    side = base.shape[0]
    # What several charts show of a vertex is one colour.
    at = sampled(_soft(base, side / 700.0), surface.uvs * side)
    total = np.stack([np.bincount(surface.welded, at[:, k], minlength=count) for k in range(3)], axis=1)
    many = np.maximum(np.bincount(surface.welded, minlength=count), 1)
    out = [(total / many[:, None]).astype(np.float32)]
    for source, photo in zip(sources[1:], photos[1:], strict=True):
        pixels, _ = source.camera.project(solid.vertices)
        sigma = max(1.0, 0.006 * max(photo.shape[:2]))
        out.append(sampled(_soft(photo, sigma), pixels))
    return np.stack(out)


def _crossfade(solid: Solid, owner: Ints, looks: Sequence[_Look]) -> Floats:
    """(labels, n) shares of each label at each vertex; they sum to 1, and a photo has none where it sees nothing."""
    count, labels = len(solid.vertices), len(looks)
    corner = solid.faces.ravel()
    many = np.maximum(np.bincount(corner, minlength=count), 1)
    share = np.stack(
        [np.bincount(corner, np.repeat(owner == label, 3), minlength=count) / many for label in range(labels)]
    )
    sees = np.stack(
        [
            np.bincount(corner, np.repeat(look.quality > RULES.usable, 3), minlength=count) / many >= 0.5
            for look in looks
        ]
    )
    sees[0] = True
    start, end = corner, np.roll(solid.faces, -1, axis=1).ravel()
    link = sparse.coo_matrix((np.ones(len(start)), (start, end)), shape=(count, count)).tocsr()
    degree = np.maximum(np.asarray(link.sum(axis=1)).ravel(), 1.0)
    for _ in range(RULES.fade):
        share = 0.5 * share + 0.5 * (link @ share.T / degree[:, None]).T
    share = share * sees
    total = share.sum(axis=0)
    share[0] = np.where(total > 1e-6, share[0], 1.0)
    return np.asarray(share / np.maximum(share.sum(axis=0), 1e-9), np.float32)


def _laid(
    base: Bytes,
    surface: Surface,
    sources: Sequence[Source],
    photos: Sequence[Bytes],
    offsets: Floats,
    shares: Floats,
) -> Bytes:
    """The texture with the photos on it, each by its share."""
    grid = BAKING.grid_texels
    uv, faces = surface.uvs.astype(np.float64) * grid, surface.faces.astype(np.int64)
    covered = covering(uv, faces, (grid, grid))
    rows, columns, face, weights = weights_at(covered, uv, faces)
    texel, corners, welded = rows * grid + columns, faces[face], surface.welded
    lift = np.zeros((grid * grid, 3), np.float32)
    lift[texel] = _at(offsets[0][welded], corners, weights)
    # One photo is laid over what is there already: it gets its share of all up to it.
    reached = _at(shares[0][welded][:, None], corners, weights)
    planes: list[Floats] = []
    for number in range(1, len(sources)):
        glance()
        own = shares[number][welded]
        chosen = np.flatnonzero((own > 0)[corners].any(axis=1))
        some, part = corners[chosen], weights[chosen]
        share = _at(own[:, None], some, part)
        reached[chosen] += share
        pixels, _ = sources[number].camera.project(_at(surface.positions, some, part))
        plane = np.zeros((grid * grid, 6), np.float32)
        plane[texel[chosen], :2] = pixels - 0.5
        plane[texel[chosen], 2:3] = share / np.maximum(reached[chosen], 1e-6)
        plane[texel[chosen], 3:] = _at(offsets[number][welded], some, part)
        planes.append(plane)
    fill_gutters((lift, *planes), covered >= 0)
    return _drawn(base, lift.reshape(grid, grid, 3), [plane.reshape(grid, grid, 6) for plane in planes], photos[1:])


def _drawn(base: Bytes, lift: Floats, planes: Sequence[Floats], photos: Sequence[Bytes]) -> Bytes:
    """The texture at full size, in bands so that memory stays small.

    Args:
        base: (s, s, 3) uint8.
        lift: (g, g, 3) levels to be added to it.
        planes: for each photo (g, g, 6): pixel indices x and y, share, levels to be added.
        photos: as many.
    """
    side, grid = base.shape[0], lift.shape[0]
    factor, rows = side // grid, BAKING.band_rows
    out = np.empty_like(base)
    for start in range(0, grid, rows):
        glance()
        stop = min(start + rows, grid)
        low, high = max(start - 1, 0), min(stop + 1, grid)
        inner = slice((start - low) * factor, (stop - low) * factor)
        place = slice(start * factor, stop * factor)

        def large(values: Floats, low: int = low, high: int = high, inner: slice = inner) -> Floats:
            size = (side, (high - low) * factor)
            band = np.ascontiguousarray(values[low:high])
            return np.asarray(cv2.resize(band, size, interpolation=cv2.INTER_LINEAR)[inner], np.float32)

        band = base[place].astype(np.float32) + large(lift)
        for plane, photo in zip(planes, photos, strict=True):
            x, y, share = cv2.split(large(plane[..., :3]))
            if not share.any():
                continue
            shown = cv2.remap(photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            band += share[..., None] * (shown + large(plane[..., 3:]) - band)
        out[place] = np.clip(np.round(band), 0, 255)
    return out


def _at(values: NDArray[np.floating], corners: Ints, weights: Floats) -> Floats:
    """(k, c): values (n, c) at vertices, mixed by weights (k, 3) of corners (k, 3)."""
    mixed = values[corners[:, 0]] * weights[:, :1]
    mixed = mixed + values[corners[:, 1]] * weights[:, 1:2]
    return np.asarray(mixed + values[corners[:, 2]] * weights[:, 2:], np.float32)


def _soft(picture: Bytes, sigma: float) -> Bytes:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
