"""One thing alone: its colours, its matte, and which of it is see-through."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.gl import Lighting, Pose, Renderer, TexturedMesh, load_mesh, random_lighting

Floats = NDArray[np.float32]

SIDE_PX = 640
"""Side of a sprite's picture: a thing that fills a made scene is seldom larger."""


@dataclass(frozen=True)
class Sprite:
    """A thing, cut to its matte's bounds.

    Attributes:
        name: of the object; the split goes by it.
        shows: a word for it, such as ``mug``.
        rgb: (h, w, 3) float32, 0..1 sRGB.
        alpha: (h, w) float32, 0..1: its silhouette, glass included.
        normals: (h, w, 3) float32, view axes; x right, y up.
        clear: (h, w) float32, 1 where it is glass.
    """

    name: str
    shows: str
    rgb: Floats
    alpha: Floats
    normals: Floats
    clear: Floats

    @staticmethod
    def load(path: Path) -> Sprite:
        """A sprite that ``save`` wrote."""
        with np.load(path) as file:
            planes = {key: file[key].astype(np.float32) for key in ("rgb", "alpha", "normals", "clear")}
            name, shows = json.loads(str(file["words"]))
        return Sprite(name, shows, planes["rgb"] / 255, planes["alpha"] / 255, planes["normals"] / 127, planes["clear"])

    def save(self, path: Path) -> None:
        """Write it in one file."""
        np.savez_compressed(
            path,
            words=json.dumps([self.name, self.shows]),
            rgb=np.round(self.rgb * 255).astype(np.uint8),
            alpha=np.round(self.alpha * 255).astype(np.uint8),
            normals=np.round(self.normals * 127).astype(np.int8),
            clear=(self.clear > 0.5).astype(np.uint8),
        )


def of_mesh(renderer: Renderer, path: Path, shows: str, rng: np.random.Generator) -> Sprite:
    """A mesh from a random side, as a person stands before a thing."""
    return _drawn(renderer, load_mesh(path).unit(), path.stem, shows, rng)


def of_glass(renderer: Renderer, name: str, rng: np.random.Generator) -> Sprite:
    """A turned vessel of glass: empty, with something opaque in it, or with an opaque lid."""
    mesh, clear = _vessel(rng)
    sprite = _drawn(renderer, mesh, name, "glass", rng, clear)
    if sprite.clear.sum() < 100:
        raise ValueError(f"{name} shows no glass")
    return sprite


def _drawn(
    renderer: Renderer,
    mesh: TexturedMesh,
    name: str,
    shows: str,
    rng: np.random.Generator,
    clear: NDArray[np.bool_] | None = None,
) -> Sprite:
    pose = Pose(
        azimuth=float(rng.uniform(0, 2 * math.pi)),
        pitch=float(np.clip(rng.normal(0.28, 0.18), -0.05, 0.85)),
        roll=float(rng.normal(0.0, 0.03)),
        distance=float(rng.uniform(2.4, 6.0)),
        margin=1.02,
    )
    uploaded = renderer.upload(mesh)
    picture = renderer.draw(uploaded, pose, random_lighting(rng))
    uploaded.release()
    tags = np.zeros(picture.rgba.shape[:2], np.float32)
    if clear is not None:
        colors = np.repeat(clear[:, None], 3, axis=1).astype(np.float32)
        tagged = renderer.upload(TexturedMesh(mesh.vertices, mesh.faces, colors))
        flat = Lighting(colors=((0.0,) * 3,) * 3, sky=(1.0,) * 3, ground=(1.0,) * 3)  # type: ignore[arg-type]
        tags = renderer.draw(tagged, pose, flat).rgba[..., 0] / np.float32(255)
        tagged.release()
    alpha = picture.rgba[..., 3].astype(np.float32) / 255
    rows, columns = np.flatnonzero((alpha > 0.02).any(axis=1)), np.flatnonzero((alpha > 0.02).any(axis=0))
    if len(rows) < 40 or len(columns) < 12:
        raise ValueError(f"{name} shows next to nothing")
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return Sprite(
        name,
        shows,
        picture.rgba[window][..., :3].astype(np.float32) / 255,
        alpha[window],
        picture.normals[window],
        np.asarray(tags[window], np.float32),
    )


def _vessel(rng: np.random.Generator) -> tuple[TexturedMesh, NDArray[np.bool_]]:
    """A solid of revolution, and for each vertex whether it is glass."""
    rings, around = 48, 64
    height = rng.uniform(1.0, 2.6)
    at = np.linspace(0.0, 1.0, rings)
    belly, neck = rng.uniform(0.35, 0.6), rng.uniform(0.15, 0.6)
    where = rng.uniform(0.5, 0.9)
    radius = belly + (neck - belly) / (1 + np.exp(-(at - where) * rng.uniform(8, 40)))
    radius *= 1 + 0.06 * np.sin(at * rng.uniform(0, 9))
    foot = rng.uniform(0.02, 0.1)
    radius = np.where(at < foot, radius * (0.75 + 0.25 * at / foot), radius)
    turn = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ring = np.stack([np.cos(turn), np.zeros(around), np.sin(turn)], axis=1)
    vertices = (ring[None] * radius[:, None, None]).reshape(-1, 3)
    vertices[:, 1] = np.repeat(at * height, around)
    kind = rng.choice(["empty", "lid", "filled"])
    clear_ring = np.ones(rings, bool)
    if kind == "lid":
        clear_ring[at > rng.uniform(0.7, 0.88)] = False
    elif kind == "filled":
        clear_ring[(at > 0.03) & (at < rng.uniform(0.3, 0.8))] = False
    quads = np.arange((rings - 1) * around).reshape(rings - 1, around)
    beside = np.roll(quads, -1, axis=1)
    up, up_beside = quads + around, beside + around
    faces = [np.stack([quads, up, beside], 2), np.stack([beside, up, up_beside], 2)]
    caps = []
    vertices = np.vstack([vertices, [[0, 0, 0], [0, height, 0]]])
    for centre, first, flip in ((rings * around, 0, 1), (rings * around + 1, (rings - 1) * around, -1)):
        edge = first + np.arange(around)
        caps.append(np.stack([np.full(around, centre), edge, np.roll(edge, -1)][::1], 1)[:, ::flip])
    color = rng.uniform(0.1, 0.95, 3)
    clear = np.concatenate([np.repeat(clear_ring, around), [clear_ring[0], clear_ring[-1]]])
    colors = np.where(clear[:, None], 0.9, color[None])
    mesh = TexturedMesh(
        np.asarray(vertices, np.float32),
        np.concatenate([*(part.reshape(-1, 3) for part in faces), *caps]).astype(np.int32),
        np.asarray(colors, np.float32),
    )
    return mesh.unit(), clear
