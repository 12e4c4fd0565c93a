"""Fits what the solid of all photos is expected to gain over that of one (``services.mesh.views.verdict``).

``python -m quality.views.fit --data DIR [--draws N]`` photographs the things of the part ``tune`` from the front and
from behind, ``N`` times each with other errors, and makes both solids. A ridge regression of the gain of F-score is
printed as the weights, beside what they and today's weights choose, each thing left out of its own fit.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from lensora.core.words import ViewSide
from quality.gl import Renderer, load_mesh
from quality.measure.sample import load_mesh as load_truth
from quality.measure.shape import Truth
from quality.network import shape_network
from quality.views.objects import things
from quality.views.photographer import photographed, seed_of
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import read_cutout
from services.mesh.finish.simplification import simplified
from services.mesh.solid import Solid
from services.mesh.views.candidates import before_all, before_one
from services.mesh.views.combining import RULES as COMBINING
from services.mesh.views.combining import registered, regular
from services.mesh.views.sides import FurtherPhoto
from services.mesh.views.verdict import RULES as VERDICT
from services.mesh.views.verdict import WEIGHTS, gain_terms

Doubles = NDArray[np.float64]

PHOTO_PX, TRIANGLES = 512, 8_000
RIDGE = 3.0
"""Weight of the squared weights, each for a term of unit spread."""

MOST = 0.2
"""Gains and losses over this count as much: one thing must not decide."""


@dataclass(frozen=True)
class Row:
    """A thing photographed once: its name, the terms of ``gain_terms``, what the solid of both gains, and whether it is
    whole."""

    name: str
    terms: tuple[float, ...]
    gain: float
    whole: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, fit, print."""
    parser = argparse.ArgumentParser(prog="quality.views.fit", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of textured meshes, one GLB each")
    parser.add_argument("--draws", type=int, default=2, help="times that each thing is photographed")
    parser.add_argument("--limit", type=int, default=0, help="only the first N things")
    options = parser.parse_args(arguments)
    rows = []
    for thing in things("tune")[: options.limit or None]:
        path = options.data / f"{thing.name}.glb"
        for draw in range(options.draws if path.exists() else 0):
            row = measured(thing.name, path, draw)
            if row is not None:
                rows.append(row)
                print(f"{row.name:<34}{row.gain:+.3f}  " + " ".join(f"{term:+.3f}" for term in row.terms), flush=True)
    if len({row.name for row in rows}) < 2:
        raise SystemExit(f"{options.data}: holds too few things of the part tune")
    weights = fitted(rows)
    names = ("constant", "regular", "outline", "depth")
    print("weights: " + ", ".join(f"{name} {value:.3f}" for name, value in zip(names, weights, strict=True)))
    kept = np.array([WEIGHTS.constant, WEIGHTS.regular, WEIGHTS.outline, WEIGHTS.depth])
    print(f"each left out: {_choice(rows, left_out(rows))}")
    print(f"today's weights: {_choice(rows, np.array([row.terms for row in rows]) @ kept)}")


def measured(name: str, path: Path, draw: int) -> Row | None:
    """One photographing; None where the back is not used."""
    with Renderer(PHOTO_PX) as renderer:
        session = photographed(renderer, load_mesh(path), seed_of(name) + draw, ["back"])
    front, back = (read_cutout(session.photos[side]) for side in ("front", "back"))
    backend = SilhouetteBackend(shape_network())
    raw = backend.reconstruct(front, _silent)
    main_word, found, _ = registered(front, [FurtherPhoto(back, ViewSide.BACK)], [0], backend.explainer, _silent)
    if not found or raw.camera is None:
        return None
    witnesses = [main_word, found[0].witness]
    together = before_all(witnesses, COMBINING.photos)
    if together is None:
        return None
    alone = before_one(raw.solid, raw.camera, witnesses, level=True)
    truth = Truth(load_truth(path), with_volume=False)
    scores = [truth.compare(_mesh(solid)).fscore for solid in (alone.solid, together.solid)]
    terms = gain_terms(together.said, alone.said, regular(raw))
    whole = together.said.overlaps[0] >= VERDICT.whole and together.thick <= VERDICT.thick
    return Row(name, terms, scores[1] - scores[0], whole)


def fitted(rows: Sequence[Row]) -> Doubles:
    """(terms,) weights of a ridge regression of the gain; the first term is constant."""
    terms = np.array([row.terms for row in rows])
    gains = np.clip([row.gain for row in rows], -MOST, MOST)
    middle, spread = terms.mean(axis=0), terms.std(axis=0)
    middle[0], spread = 0.0, np.where(spread < 1e-9, 1.0, spread)
    scaled = (terms - middle) / spread
    held = RIDGE * np.eye(len(middle))
    held[0, 0] = 1e-6
    weights = np.linalg.solve(scaled.T @ scaled + held, scaled.T @ gains) / spread
    weights[0] -= float(weights[1:] @ middle[1:])
    return np.asarray(weights)


def left_out(rows: Sequence[Row]) -> Doubles:
    """(rows,) expected gains, each by weights that its thing has no part in."""
    expected = np.zeros(len(rows))
    for name in {row.name for row in rows}:
        weights = fitted([row for row in rows if row.name != name])
        for number, row in enumerate(rows):
            if row.name == name:
                expected[number] = float(np.dot(row.terms, weights))
    return expected


def _choice(rows: Sequence[Row], expected: Doubles) -> str:
    """What a choice by expected gains comes to."""
    taken = (expected > WEIGHTS.least) & np.array([row.whole for row in rows])
    gains = np.where(taken, [row.gain for row in rows], 0.0)
    lost = int((gains < -0.02).sum())
    return f"{len(rows)} photographed, gain {gains.mean():+.4f}, worst {gains.min():+.3f}, {lost} lose over 0.02"


def _mesh(solid: Solid) -> trimesh.Trimesh:
    small = simplified(solid, TRIANGLES)
    return trimesh.Trimesh(small.vertices, small.faces, process=False)


def _silent(_phase: str, _done: float) -> None:
    """Nobody asks how far the work is."""


if __name__ == "__main__":
    main()
