"""Pictures and truths from the cache, as the network is trained on them: disturbed as photos and mattes are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.network import network_input

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


RAYS, PIXELS = 640, 768
"""Rays of the field and pixels of the surface that are looked at in one picture: the loss over all of them would take
longer than the network, and neighbours say nearly the same."""


@dataclass(frozen=True)
class Batch:
    """n pictures, and the truth at some places inside the silhouette, numbered as in ``network.Answer``.

    Attributes:
        picture: (n, 6, s, s) float32, see ``network_input``.
        rays: (n, RAYS) int64 numbers of rays: of the cell, times 4, and of the ray in it.
        field: (n, RAYS, bins) uint8 along those rays, 255 inside.
        pixels: (n, PIXELS) int64 numbers of pixels: of the cell, times 16, and of the pixel in it.
        depth: (n, PIXELS) float32, half sides.
        normals: (n, PIXELS, 3) float32.
        camera: (n, 3) float32: pitch, roll, log distance in half sides.
        kinds: the kind of each object.
    """

    picture: Floats
    rays: NDArray[np.int64]
    field: Bytes
    pixels: NDArray[np.int64]
    depth: Floats
    normals: Floats
    camera: Floats
    kinds: tuple[str, ...]


class Cache:
    """The shards in a folder; those that appear later are taken up by ``refresh``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shards: dict[str, dict[str, NDArray[np.generic]]] = {}
        self._views: list[tuple[str, int]] = []
        self._kinds: dict[str, list[str]] = {}
        self.refresh()

    def refresh(self) -> int:
        """Take up new shards; returns the number of views there are."""
        for folder in sorted(self.folder.glob("[!.]*")):
            if folder.name not in self._shards and (folder / "views.json").exists():
                arrays = {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
                self._shards[folder.name] = arrays
                self._kinds[folder.name] = [row["kind"] for row in json.loads((folder / "views.json").read_text())]
                self._views += [(folder.name, index) for index in range(len(arrays["rgba"]))]
        return len(self._views)

    def batch(self, chosen: NDArray[np.int64], rng: np.random.Generator, *, disturb: bool = True) -> Batch:
        """The views of these numbers; disturbed and mirrored at random unless told otherwise."""
        items = [self._item(*self._views[int(k)], rng, disturb) for k in chosen]
        parts = {name: np.stack([item[name] for item in items]) for name in items[0]}
        kinds = tuple(self._kinds[shard][at] for shard, at in (self._views[int(k)] for k in chosen))
        return Batch(kinds=kinds, **parts)

    def _item(self, shard: str, at: int, rng: np.random.Generator, disturb: bool) -> dict[str, NDArray[np.generic]]:
        arrays = self._shards[shard]
        rgba = np.asarray(arrays["rgba"][at], np.uint8)
        flip = disturb and rng.random() < 0.5
        side = len(rgba)
        inside = rgba[..., 3] > 127
        ray_row, ray_column = _places(inside.reshape(side // 2, 2, side // 2, 2).any(axis=(1, 3)), RAYS, rng)
        field = arrays["field"][at][:, ray_row, ray_column].T
        row, column = _places(inside, PIXELS, rng)
        depth = arrays["depth"][at][row, column].astype(np.float32)
        flat = arrays["normals"][at][row, column].astype(np.float32) / 127.0
        toward = np.sqrt(np.maximum(1.0 - (flat**2).sum(axis=1, keepdims=True), 0.0))
        normals = np.concatenate([flat, toward], axis=1)
        pitch, roll, distance, _ = (float(v) for v in arrays["camera"][at])
        if flip:
            rgba = np.ascontiguousarray(rgba[:, ::-1])
            ray_column, column, roll = side // 2 - 1 - ray_column, side - 1 - column, -roll
            normals[:, 0] *= -1.0
        if disturb:
            rgba = disturbed(rgba, rng)
        return {
            "picture": network_input(rgba),
            "rays": _numbers(ray_row, ray_column, 2, side // 2),
            "field": field,
            "pixels": _numbers(row, column, 4, side),
            "depth": depth,
            "normals": normals,
            "camera": np.array([pitch, roll, np.log(distance)], np.float32),
        }


def _places(inside: NDArray[np.bool_], count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], ...]:
    """Rows and columns of ``count`` places inside, each at most once where there are as many."""
    flat = np.flatnonzero(inside) if inside.any() else np.arange(inside.size)
    chosen = rng.choice(flat, count, replace=len(flat) < count)
    return np.divmod(chosen, inside.shape[1])


def _numbers(row: NDArray[np.int64], column: NDArray[np.int64], step: int, side: int) -> NDArray[np.int64]:
    """Numbers of places in the order of ``network.Answer``: cells row by row, then places in the cell row by row."""
    cell = row // step * (side // step) + column // step
    return np.asarray(cell * step * step + row % step * step + column % step)


def disturbed(rgba: Bytes, rng: np.random.Generator) -> Bytes:
    """A picture as a phone and a matting network give it: exposure, cast, blur, noise, JPEG, a matte that is off.

    One in five has its colours exchanged: a thing keeps its shape in another paint.
    """
    color = rgba[..., :3].astype(np.float32) / 255.0
    if rng.random() < 0.2:
        color = color[..., rng.permutation(3)]
    gamma, cast = rng.uniform(0.65, 1.4), 1.0 + rng.normal(size=3) * 0.07
    color = np.power(color, gamma) * cast.astype(np.float32)
    if rng.random() < 0.3:
        color = cv2.GaussianBlur(color, (0, 0), float(rng.uniform(0.4, 1.3)))
    if rng.random() < 0.6:
        color += rng.normal(size=color.shape).astype(np.float32) * float(rng.uniform(0.0, 0.05))
    out = rgba.copy()
    out[..., :3] = np.clip(color * 255.0, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        _, code = cv2.imencode(".jpg", out[..., :3], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        out[..., :3] = cv2.imdecode(code, cv2.IMREAD_COLOR)
    alpha = out[..., 3]
    kind = rng.random()
    if kind < 0.12:
        alpha = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
    elif kind < 0.24:
        alpha = cv2.erode(alpha, np.ones((3, 3), np.uint8))
    elif kind < 0.36:
        alpha = cv2.GaussianBlur(alpha, (0, 0), 1.0)
    elif kind < 0.44:
        at = rng.integers(0, len(alpha), 2)
        cv2.circle(alpha := alpha.copy(), (int(at[0]), int(at[1])), int(rng.integers(1, 6)), 0, -1)
    if (alpha >= 128).any():
        out[..., 3] = alpha
    return out
