"""Fit the mesh judge's weights on ``tune`` objects and report what they do on the others.

``python -m quality.fit_judge collect --data DIR [--data DIR ...]`` lets every kind propose for every sample, measures
each proposal against the truth, and keeps terms and F-scores in the user's cache. ``python -m quality.fit_judge fit``
fits ridge regressions on objects that are not ``unseen`` (``quality.split``), chooses their strength and the margin by
cross-validation over those objects alone, prints what they do on the unseen ones, and writes
``services/mesh/judge/weights.json``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import trimesh

from quality.judge_fit import Photo, Proposal, fitted, outcome
from quality.measure.noise import interval
from quality.measure.sample import Sample, samples_in
from quality.measure.shape import Truth
from quality.network import shape_network
from quality.split import part_of
from services.mesh.cutout import read_cutout
from services.mesh.judge import verdict
from services.mesh.judge.terms import terms_of
from services.mesh.judge.verdict import PLAIN, Weights
from services.mesh.kinds.registry import KINDS
from services.mesh.view import View

SILENT = ("view", "shading")
"""Groups of terms that say nothing more where the shape network speaks."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lensora" / "quality" / "judge.jsonl"


def judged(sample: Sample, known: Mapping[str, float]) -> Photo:
    """Let every kind propose for a sample and measure what it proposes.

    Args:
        sample: photo and truth.
        known: F-scores of this sample's solids by digest: measuring takes longer than proposing.
    """
    cutout = read_cutout(sample.rgba())
    view = View(cutout, shape_network().predict(cutout))
    truth: Truth | None = None
    proposals = []
    for kind in KINDS:
        for one in kind.propose(view):
            digest = hashlib.sha256(one.solid.vertices.tobytes()).hexdigest()[:16]
            fscore = known.get(digest)
            if fscore is None:
                truth = truth or Truth(sample.truth(), samples=8_000, search_samples=600, with_volume=False)
                mesh = trimesh.Trimesh(one.solid.vertices, one.solid.faces, process=False)
                fscore = truth.compare(mesh).fscore
            proposals.append(Proposal(one.kind, one.method, fscore, terms_of(one, view), digest))
    return Photo(sample.name, sample.thing, tuple(proposals))


def read(path: Path) -> list[Photo]:
    """What ``collect`` has kept."""
    photos = []
    for line in path.read_text("utf-8").splitlines():
        given = json.loads(line)
        proposals = tuple(Proposal(**p) for p in given.pop("proposals"))
        photos.append(Photo(**given, proposals=proposals))
    return photos


def without(photos: Sequence[Photo], *, kind: str = "", term: str = "") -> list[Photo]:
    """Photos as they would be without a kind, or without the terms of one group."""
    return [
        replace(
            photo,
            proposals=tuple(
                replace(p, terms={n: v for n, v in p.terms.items() if not term or not n.startswith(term + ".")})
                for p in photo.proposals
                if p.kind != kind
            ),
        )
        for photo in photos
    ]


def judged_by(photos: Sequence[Photo], *, with_network: bool) -> list[Photo]:
    """Photos with what one of the two judges goes by.

    What all hypotheses of a photo share, and how a solid's light explains the photo, gain nothing where the shape
    network speaks (docs/notes/mesh.md). Held objects say how far its word is to be trusted; a judge without it does not
    need them.
    """
    if with_network:
        return reduce(lambda less, term: without(less, term=term), SILENT, list(photos))
    return without([p for p in without(photos, kind="field") if part_of(p.thing) != "held"], term="network")


def dumped(weights: Weights) -> str:
    """As JSON that ``Weights.read`` reads."""
    document = {
        "scale": weights.scale,
        "margin": weights.margin,
        "shared": weights.shared.__dict__,
        "confidence": weights.confidence.__dict__,
        "by_method": {method: linear.__dict__ for method, linear in weights.by_method.items()},
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def collect(folders: Sequence[Path], cache: Path, workers: int) -> None:
    """Judge every sample of the folders and write the cache anew; solids that it holds are not measured again."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    kept = read(cache) if cache.exists() else []
    known = {photo.name: {p.digest: p.fscore for p in photo.proposals} for photo in kept}
    samples = [sample for folder in folders for sample in samples_in(folder)]
    if not samples:
        raise SystemExit(f"no samples in {', '.join(map(str, folders))}: name folders that hold them, such as DIR/tune")
    fresh = cache.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file, ProcessPoolExecutor(workers) as pool:
        scores = (known.get(sample.name, {}) for sample in samples)
        for number, photo in enumerate(pool.map(judged, samples, scores), 1):
            given = {"name": photo.name, "thing": photo.thing, "proposals": [p.__dict__ for p in photo.proposals]}
            file.write(json.dumps(given) + "\n")
            file.flush()
            if number % 20 == 0:
                print(f"{number} of {len(samples)} samples", flush=True)
    fresh.replace(cache)


def report(photos: Sequence[Photo]) -> Weights:
    """Fit on ``tune`` objects; print figures for both parts, and what each kind and group of terms is worth."""
    parts = {
        "tune": [p for p in photos if part_of(p.thing) != "unseen"],
        "unseen": [p for p in photos if part_of(p.thing) == "unseen"],
    }
    weights = fitted(parts["tune"])
    print(f"{'part':<10}{'photos':>7}{'plain':>8}{'judged':>8}{'iou':>7}{'best':>8}", end="")
    print(f"{'harmed':>8}{'worst 10%':>10}{'brier':>7}")
    for name, part in parts.items():
        _row(name, part, weights)
    full = outcome(parts["unseen"], weights)[0].judged
    kinds = sorted({p.kind for photo in photos for p in photo.proposals} - {PLAIN[0]})
    terms = sorted({name.split(".")[0] for photo in photos for p in photo.proposals for name in p.terms})
    for label, names in (("kind", kinds), ("term", terms)):
        for name in names:
            less = {part: without(given, **{label: name}) for part, given in parts.items()}
            figure = outcome(less["unseen"], fitted(less["tune"]))[0].judged
            print(f"without {label} {name:<14} unseen F {figure:.4f} ({figure - full:+.4f})")
    return weights


def _row(name: str, photos: Sequence[Photo], weights: Weights) -> None:
    figures, picks = outcome(photos, weights)
    gains: dict[str, list[float]] = {}
    for photo, pick in zip(photos, picks, strict=True):
        gains.setdefault(photo.thing, []).append(pick - photo.plain)
    low, high = interval(np.array([np.mean(values) for values in gains.values()]))
    print(
        f"{name:<10}{len(photos):>7}{figures.plain:>8.4f}{figures.judged:>8.4f}{figures.iou:>7.3f}{figures.best:>8.4f}"
        f"{figures.harmed:>8.3f}{figures.worst_decile:>10.4f}{figures.brier:>7.3f}"
        f"   gain {low:+.3f} to {high:+.3f} (95%, by object)"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="quality.fit_judge", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("what", choices=("collect", "fit"))
    parser.add_argument("--data", type=Path, action="append", default=[], help="folder of samples; may be given again")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dry-run", action="store_true", help="do not write the weights")
    options = parser.parse_args(arguments)
    if options.what == "collect":
        if not options.data:
            parser.error("--data must name a folder of samples")
        collect(options.data, options.cache, options.workers)
        return
    if not options.cache.exists():
        raise SystemExit(f"--cache {options.cache}: nothing is collected there; run quality.fit_judge collect first")
    photos = read(options.cache)
    for with_network in (False, True):
        given = judged_by(photos, with_network=with_network)
        if with_network and not any("network.overlap" in p.terms for photo in photos for p in photo.proposals):
            continue
        print("with the shape network" if with_network else "without the shape network")
        weights = report(given)
        if not options.dry_run:
            path = Path(verdict.__file__).with_name(verdict.WEIGHTS[with_network])
            path.write_text(dumped(weights), "utf-8")
            print(f"wrote {path.name}: margin {weights.margin}")


if __name__ == "__main__":
    main()
