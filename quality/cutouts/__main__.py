"""Fit the judge of cutouts and the edge network, and write what was fitted: see the package's docstring."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from lensora.adapters.runtimes import open_runtime
from lensora.settings import ModelSettings, load
from quality.cutouts.fit import RIGHT_IOU, Case, Fit, case, edged, fitted, recoloured, repicked
from quality.cutouts.samples import PHOTOGRAPH, photographs, samples
from quality.scenes.folders import refuse_without_scenes
from services.segment.backends import CutoutBackend
from services.segment.backends.registry import CUTOUT_BACKENDS
from services.segment.edges import refined
from services.segment.fitted import EDGE_NET, JUDGEMENT
from services.segment.grabcut import completed
from services.segment.judge import confidence, pick

TARGET = Path(__file__).parents[2] / "services/segment/fitted.py"

CURVE_LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
LARGE_PX = 1024
GROUPS = ("made scenes", f"made scenes of over {LARGE_PX} pixels", "photographs of the corpus")

WAYS: dict[str, tuple[str, Callable[[list[Case]], Fit]]] = {
    "all": ("Judge and edge network", fitted),
    "edge": ("The edge network, for the judge that was there,", lambda cases: edged(cases, JUDGEMENT)),
    "picks": (
        "The choice between two looks, the rest as it was,",
        lambda cases: repicked(cases, JUDGEMENT, EDGE_NET),
    ),
    "colours": (
        "The choice of what colours add, the rest as it was,",
        lambda cases: recoloured(cases, JUDGEMENT, EDGE_NET),
    ),
}
"""What is fitted, in words, and how."""

TEXT = '''"""What ``python -m quality.cutouts`` fitted; not edited by hand.

{what} on {cases} things of {scenes} pictures of the tune part.
On {unseen} things of the unseen part:

{lines}
"""

from __future__ import annotations

from services.segment.edges import EdgeNet
from services.segment.judge import Judgement

JUDGEMENT = {judgement}

EDGE_NET = {net}
'''


def main() -> int:
    """Fit on ``tune``, report on ``unseen``, write the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=Path, required=True, nargs="+", help="what python -m quality.scenes wrote")
    parser.add_argument("--corpus", type=Path, default=Path(__file__).parents[1] / "corpus", help="photographs")
    parser.add_argument("--kept", action="store_true", help="use the maps that are kept, and ask no net")
    parser.add_argument("--reached", type=Path, help="write the IoU of every cutout, for python -m quality.detection")
    parser.add_argument("--only", choices=sorted(WAYS), default="all", help="fit this alone, and keep the rest")
    parser.add_argument("--dry", action="store_true", help="report, and write nothing")
    arguments = parser.parse_args()
    refuse_without_scenes(arguments.scenes)
    backend = None if arguments.kept else CUTOUT_BACKENDS["isnet"](open_runtime(load(ModelSettings)))
    tune = list(cases_of(arguments.scenes, arguments.corpus, "tune", backend))
    what, fit_of = WAYS[arguments.only]
    fit = fit_of(tune)
    unseen = list(cases_of(arguments.scenes, arguments.corpus, "unseen", backend))
    ends = [(_group(each), outcome(each, fit)) for each in unseen]
    doubt = fit.judgement.doubt
    lines = [
        line
        for group in (*GROUPS, "all")
        for line in report(group, [end for own, end in ends if group in (own, "all")], doubt)
    ]
    sys.stdout.write("\n".join([*lines, *curve([end for _group, end in ends])]) + "\n")
    if arguments.reached is not None:
        reached = {str(each.sample.mask.resolve()): outcome(each, fit).after for each in [*tune, *unseen]}
        arguments.reached.write_text(json.dumps(reached))
    if not arguments.dry:
        TARGET.write_text(
            TEXT.format(
                what=what,
                cases=len(tune),
                scenes=len({each.sample.name.split("/")[0] for each in tune}),
                unseen=len(unseen),
                lines="\n".join(lines),
                judgement=_written(fit.judgement),
                net=_written(fit.net),
            )
        )
    return 0


def _group(case_: Case) -> str:
    if case_.sample.kind == PHOTOGRAPH:
        return GROUPS[2]
    return GROUPS[int(max(case_.sample.aim.picture.shape) > LARGE_PX)]


def cases_of(scenes: list[Path], corpus: Path, part: str, backend: CutoutBackend | None) -> Iterator[Case]:
    """All cases of a part."""
    for folder in scenes:
        for sample in samples(folder, part, backend):
            yield case(sample)
    for sample in photographs(corpus, part, scenes[0] / "nets", backend):
        yield case(sample)


@dataclass(frozen=True)
class Outcome:
    """What the stage does on a case.

    Attributes:
        before, after, best: IoU of the plain candidate, of what is taken, and of the best one.
        trust: confidence.
        looked: True where a second look was taken.
    """

    before: float
    after: float
    best: float
    trust: float
    looked: bool


def outcome(each: Case, fit: Fit) -> Outcome:
    """Judge a case as the stage does."""
    judgement = fit.judgement
    plain = each.found[0]
    enough = judgement.enough(plain.matte.shape)
    looked = len(each.found) > 1 and confidence(each.bench, plain.matte, judgement) < enough
    seen = each if looked else each.first_look()
    aim, look = each.sample.aim, pick(seen.bench, seen.found, judgement)
    chosen = completed(seen.bench, look, plain.matte, aim.picture, aim.within, judgement)
    matte = refined(chosen.matte, aim.picture, fit.net)
    iou, trust = each.sample.iou(matte), confidence(seen.bench, matte if chosen is look else look.matte, judgement)
    return Outcome(each.ious[0], iou, max(*each.ious, iou), trust, looked)


def report(name: str, outcomes: list[Outcome], doubt: float) -> list[str]:
    """What the stage does on cases, as lines of a docstring."""
    if not outcomes:
        return []
    before, after, best, trust = (
        np.array([getattr(each, field) for each in outcomes]) for field in ("before", "after", "best", "trust")
    )
    change, flagged, wrong = after - before, trust < doubt, after < RIGHT_IOU
    return [
        f"- {name}, {len(outcomes)}: mean IoU {before.mean():.4f} plain, {after.mean():.4f} judged,",
        f"  {best.mean():.4f} at best; {(change > 0.005).sum()} gain and {(change < -0.005).sum()} lose over 0.005, "
        f"at worst {change.min():.4f};",
        f"  {flagged.mean():.0%} are flagged, of which {_share(wrong[flagged]):.0%} are worse than {RIGHT_IOU}; of the "
        f"others {_share(wrong[~flagged]):.1%} are;",
        f"  a second look at {np.mean([each.looked for each in outcomes]):.0%}.",
    ]


def curve(outcomes: list[Outcome]) -> list[str]:
    """What other levels of doubt would do, as a table."""
    trust, wrong = np.array([each.trust for each in outcomes]), np.array([each.after < RIGHT_IOU for each in outcomes])
    lines = ["| level | flagged | of them wrong | of the others wrong |", "| --- | --- | --- | --- |"]
    for level in CURVE_LEVELS:
        flagged = trust < level
        shares = (float(flagged.mean()), _share(wrong[flagged]), _share(wrong[~flagged]))
        lines.append(f"| {level} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")
    return lines


def _share(hits: np.ndarray) -> float:
    return float(hits.mean()) if len(hits) else 0.0


def _written(value: object) -> str:
    """A dataclass of numbers as source text."""
    lines = [f"    {field.name}={_rounded(getattr(value, field.name))!r}," for field in fields(value)]  # type: ignore[arg-type]
    return f"{type(value).__name__}(\n" + "\n".join(lines) + "\n)"


def _rounded(value: object) -> object:
    return tuple(_rounded(each) for each in value) if isinstance(value, tuple) else round(value, 5)  # type: ignore[call-overload]


if __name__ == "__main__":
    sys.exit(main())
