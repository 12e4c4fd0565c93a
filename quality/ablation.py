"""What each kind of shape and each term of the judge is worth: one of them out at a time, the weights fitted again.

``python -m quality.ablation [--cache FILE] [--out FILE]`` reads what ``python -m quality.fit_judge collect`` has kept,
fits on ``tune`` without the kind or term, chooses on ``unseen``, and writes ``docs/notes/ablation-mesh.md``. A kind
or term whose interval lies at or below zero gains nothing on things that nobody tuned on: it should go.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.fit_judge import CACHE, judged_by, read, without
from quality.judge_fit import Photo, fitted, outcome
from quality.measure.noise import by_object, interval, worst_decile
from quality.split import part_of
from services.mesh.judge.verdict import PLAIN

DOCUMENT = Path(__file__).parents[1] / "docs" / "notes" / "ablation-mesh.md"


@dataclass(frozen=True)
class Outcome:
    """What is chosen on ``unseen``: ``values``, F-score by object; ``harmed``, share of photos 0.03 under inflation."""

    values: NDArray[np.float64]
    harmed: float


@dataclass(frozen=True)
class Row:
    """One thing left out: what the mean F-score loses by that, with its 95% interval by object."""

    name: str
    loss: float
    low: float
    high: float
    worst_decile: float
    harmed: float

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.low > 0.0:
            return "gains"
        return "harms" if self.high < 0.0 else "no proof"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(prog="quality.ablation", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, default=DOCUMENT)
    options = parser.parse_args(arguments)
    if not options.cache.exists():
        parser.error(f"{options.cache} is not there: run python -m quality.fit_judge collect first")
    photos = judged_by(read(options.cache), with_network=True)
    kinds = sorted({p.kind for photo in photos for p in photo.proposals} - {PLAIN[0]})
    terms = sorted({name.split(".")[0] for photo in photos for p in photo.proposals for name in p.terms})
    full = chosen(photos)
    rows = {
        "kind": [compared(kind, full, chosen(without(photos, kind=kind))) for kind in kinds],
        "term": [compared(term, full, chosen(without(photos, term=term))) for term in terms],
    }
    text = document(photos, full, rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, "utf-8")
    print(text)


def chosen(photos: Sequence[Photo]) -> Outcome:
    """Fit on ``tune`` objects, choose on the others."""
    unseen = [photo for photo in photos if part_of(photo.thing) == "unseen"]
    _, picks = outcome(unseen, fitted([photo for photo in photos if part_of(photo.thing) != "unseen"]))
    under = [pick < photo.plain - 0.03 for pick, photo in zip(picks, unseen, strict=True)]
    return Outcome(by_object([float(p) for p in picks], [photo.thing for photo in unseen]), float(np.mean(under)))


def compared(name: str, full: Outcome, less: Outcome) -> Row:
    """What is lost without something."""
    lost = full.values - less.values
    low, high = interval(lost)
    return Row(name, float(lost.mean()), low, high, worst_decile(less.values), less.harmed)


def document(photos: Sequence[Photo], full: Outcome, rows: dict[str, list[Row]]) -> str:
    """The page."""
    unseen = [photo for photo in photos if part_of(photo.thing) == "unseen"]
    plain = by_object([photo.plain for photo in unseen], [photo.thing for photo in unseen])
    best = by_object([max(p.fscore for p in photo.proposals) for photo in unseen], [photo.thing for photo in unseen])
    low, high = interval(full.values - plain)
    lines = [
        "# What each kind and each term is worth",
        "",
        "Written by `python -m quality.ablation`. Weights are fitted on `tune` and `held`, figures are of `unseen`: "
        f"{len(unseen)} photos of {len(plain)} objects. A row leaves one kind or one group of terms out and fits "
        "again; intervals are 95%, by object.",
        "",
        "| | mean F-score | worst decile | 0.03 under inflation |",
        "|---|---|---|---|",
        f"| plain inflation | {plain.mean():.4f} | {worst_decile(plain):.4f} | |",
        f"| the judge's choice | {full.values.mean():.4f} | {worst_decile(full.values):.4f} | {full.harmed:.1%} |",
        f"| the best of all hypotheses | {best.mean():.4f} | {worst_decile(best):.4f} | |",
        "",
        f"The judge gains {full.values.mean() - plain.mean():+.4f} over inflation ({low:+.4f} to {high:+.4f}).",
    ]
    for label, of in rows.items():
        lines += ["", f"| without the {label} | lost F-score | 95% | worst decile | under inflation | |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [
            f"| {row.name} | {row.loss:+.4f} | {row.low:+.4f} to {row.high:+.4f} | {row.worst_decile:.4f} "
            f"| {row.harmed:.1%} | {row.verdict} |"
            for row in sorted(of, key=lambda row: -row.loss)
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
