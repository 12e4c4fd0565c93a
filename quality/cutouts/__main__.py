"""Fit the judge of cutouts and write what was fitted: see the package's docstring."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from lensora.adapters.runtimes import open_runtime
from lensora.settings import ModelSettings, load
from quality.cutouts.fit import RIGHT_IOU, Case, case, fitted, trusted
from quality.cutouts.samples import samples
from services.segment.backends.registry import CUTOUT_BACKENDS
from services.segment.judge import Judgement, pick

TARGET = Path(__file__).parents[2] / "services/segment/fitted.py"

TEXT = '''"""What ``python -m quality.cutouts`` fitted; not edited by hand.

On {cases} things of {scenes} made scenes of the tune part. On {unseen} things of the unseen part:

- mean IoU {before:.4f} plain, {after:.4f} judged, {best:.4f} at best;
- {gains:.0f} gain and {losses:.0f} lose over 0.005, at worst {worst:.3f};
- {flagged:.0%} are flagged, of which {hit:.0%} are worse than {right}; of the others {missed:.1%} are.
"""

from __future__ import annotations

from services.segment.judge import Judgement

JUDGEMENT = Judgement(
    gain={gain},
    margin={margin},
    sure={sure},
    doubt={doubt:.3f},
    look_again={again:.3f},
)
'''


def main() -> int:
    """Fit on ``tune``, report on ``unseen``, write the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=Path, required=True, help="what python -m quality.scenes wrote")
    parser.add_argument("--kept", action="store_true", help="use the maps that are kept, and ask no net")
    parser.add_argument("--dry", action="store_true", help="report, and write nothing")
    arguments = parser.parse_args()
    backend = None if arguments.kept else CUTOUT_BACKENDS["isnet"](open_runtime(load(ModelSettings)))
    tune, unseen = ([case(each) for each in samples(arguments.scenes, part, backend)] for part in ("tune", "unseen"))
    judgement = fitted(tune)
    print("tune", report(tune, judgement))
    figures = report(unseen, judgement)
    print("unseen", figures)
    if not arguments.dry:
        TARGET.write_text(
            TEXT.format(
                cases=len(tune),
                scenes=len({each.sample.name.split("/")[0] for each in tune}),
                unseen=len(unseen),
                right=RIGHT_IOU,
                gain=tuple(round(float(w), 5) for w in judgement.gain),
                margin=judgement.margin,
                sure=tuple(round(float(w), 4) for w in judgement.sure),
                doubt=judgement.doubt,
                again=judgement.look_again,
                **figures,
            )
        )
    return 0


def report(cases: list[Case], judgement: Judgement) -> dict[str, float]:
    """What a judgement does on cases."""
    picks = [pick(each.bench, each.found, judgement) for each in cases]
    before = np.array([each.ious[0] for each in cases])
    after = np.array([each.ious[each.found.index(chosen)] for each, chosen in zip(cases, picks, strict=True)])
    best = np.array([each.ious.max() for each in cases])
    trust = np.array([trusted(each, chosen, judgement) for each, chosen in zip(cases, picks, strict=True)])
    flagged, wrong = trust < judgement.doubt, after < RIGHT_IOU
    return {
        "before": float(before.mean()),
        "after": float(after.mean()),
        "best": float(best.mean()),
        "worst": float((after - before).min()),
        "losses": float((after - before < -0.005).sum()),
        "gains": float((after - before > 0.005).sum()),
        "flagged": float(flagged.mean()),
        "hit": float(wrong[flagged].mean()) if flagged.any() else 0.0,
        "missed": float(wrong[~flagged].mean()) if (~flagged).any() else 0.0,
    }


if __name__ == "__main__":
    sys.exit(main())
