"""Fit what is proposed, and write what was fitted: see the package's docstring."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from lensora.adapters.runtimes import open_runtime
from lensora.settings import ModelSettings, load
from quality.detection import doubt
from quality.detection.finds import Scene, scenes_of
from quality.detection.fit import fitted, name_level, of_scenes, releveled, report, unranked
from quality.detection.names import Called, called, shares
from quality.detection.pairs import least_likeness, neighbours
from quality.detection.pairs import told as told_pairs
from quality.scenes.folders import refuse_without_scenes
from services.detect.backends.registry import DETECT_BACKENDS
from services.detect.backends.saliency import SaliencyDetector
from services.detect.fitted import RANKING
from services.detect.ranking import FEATURES

TARGET = Path(__file__).parents[2] / "services/detect/fitted.py"

TEXT = '''"""What ``python -m quality.detection`` fitted; not edited by hand.

On {tune} scenes of the tune part. On {unseen} scenes of the unseen part:

- before: {before}
- after: {after}
- names: {names}
- pairs: {pairs}
- doubt: {doubts}
"""

from __future__ import annotations

from services.detect.doubt import Doubt
from services.detect.ranking import Ranking

RANKING = Ranking(
    weights={weights},
    least={least},
)

NAME_SURE = {sure}
"""Probability under which a thing is called by its category's word."""

ALIKE = {alike}
"""Likeness of colours from which two neighbours are a pair."""

DOUBT = Doubt(
    weights={doubt_weights},
    least={doubt_least},
)
'''


LEAST_NOTE = r"(?s)\n\nThe least chance alone, .*?(?=\n\"\"\"\n)"
"""What ``--least`` wrote before."""


def main() -> int:
    """Fit on ``tune``, report on ``unseen``, write the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=Path, required=True, nargs="+", help="what python -m quality.scenes wrote")
    parser.add_argument("--corpus", type=Path, default=Path(__file__).parents[1] / "corpus", help="photographs")
    parser.add_argument("--reached", type=Path, help="what python -m quality.cutouts --reached wrote")
    parser.add_argument("--least", action="store_true", help="fit the least chance alone, and keep the rest")
    parser.add_argument("--kept", action="store_true", help="use what is kept, and ask no net")
    parser.add_argument("--dry", action="store_true", help="report, and write nothing")
    arguments = parser.parse_args()
    refuse_without_scenes(arguments.scenes)
    if not arguments.least and arguments.reached is None:
        parser.error("--reached is needed, but for --least")
    detector = None
    if not arguments.kept:
        detector = DETECT_BACKENDS["objects"](open_runtime(load(ModelSettings)))
        assert isinstance(detector, SaliencyDetector)
    tune, unseen = (
        [scene for folder in arguments.scenes for scene in scenes_of(folder, part, detector)]
        for part in ("tune", "unseen")
    )
    if arguments.least:
        return _least_alone(tune, unseen, dry=arguments.dry)
    ranking = fitted(tune)
    kept = arguments.scenes[0] / "found"
    learnt, others = (called(arguments.corpus, part, kept, detector) for part in ("tune", "unseen"))
    # Names are fitted on photographs: drawn toys look like nothing that the neural networks were taught.
    sure = name_level(learnt)
    names = f"{told(others, sure)} of the corpus"
    before = report(unseen, unranked())
    after = report(unseen, ranking)
    sys.stdout.write(f"tune: {report(tune, ranking)}\nunseen, before: {before}\nunseen, after: {after}\n")
    sys.stdout.write(f"names on tune: {told(learnt, sure)}; {told(of_scenes(tune, ranking), sure)}\n")
    sys.stdout.write(f"names on unseen: {names}; {told(of_scenes(unseen, ranking), sure)} of made scenes\n")
    near, near_others = (
        [each for folder in arguments.scenes for each in neighbours(folder, part)] for part in ("tune", "unseen")
    )
    alike = least_likeness(near)
    pairs = told_pairs(near_others, alike)
    sys.stdout.write(f"pairs on tune: {told_pairs(near, alike)}; unseen: {pairs}\n")
    reached = json.loads(arguments.reached.read_text())
    first, first_others = (
        doubt.firsts(arguments.scenes, arguments.corpus, part, reached, detector) for part in ("tune", "unseen")
    )
    doubtful = doubt.fitted(first)
    doubts = doubt.told(first_others, doubtful)
    sys.stdout.write(f"doubt on tune: {doubt.told(first, doubtful)}; unseen: {doubts}\n")
    sys.stdout.write(f"{dict(zip(FEATURES, ranking.weights, strict=True))}\nleast {ranking.least}\n")
    if not arguments.dry:
        TARGET.write_text(
            TEXT.format(
                tune=len(tune),
                unseen=len(unseen),
                before=before,
                after=after,
                names=names,
                pairs=pairs,
                alike=alike,
                sure=sure,
                weights=ranking.weights,
                least=ranking.least,
                doubts=doubts,
                doubt_weights=doubtful.weights,
                doubt_least=doubtful.least,
            )
        )
    return 0


def _least_alone(tune: list[Scene], unseen: list[Scene], *, dry: bool) -> int:
    """Fit the least chance for the weights that are there; of the module, that alone changes."""
    ranking = releveled(tune, RANKING)
    lines = [
        f"The least chance alone, on {len(tune)} scenes of the tune part. On {len(unseen)} of the unseen part:",
        "",
    ]
    for level, told_of in ((RANKING.least, report(unseen, RANKING)), (ranking.least, report(unseen, ranking))):
        lines += [f"- {level}: {told_of}"]
    sys.stdout.write("\n".join([f"tune: {report(tune, RANKING)}", f"  {report(tune, ranking)}", *lines]) + "\n")
    if not dry:
        text = re.sub(LEAST_NOTE, "", TARGET.read_text("utf-8"))
        text = text.replace('\n"""\n\nfrom', "\n\n" + "\n".join(lines) + '\n"""\n\nfrom', 1)
        TARGET.write_text(
            re.sub(r"(RANKING = .*?    least=)[\d.]+", rf"\g<1>{ranking.least}", text, count=1, flags=re.S)
        )
    return 0


def told(things: list[Called], sure: float) -> str:
    """How many names are given and how many of them are right, in words."""
    given, right = shares(things, sure)
    return f"{right} of {given} names right for {len(things)} things"


if __name__ == "__main__":
    sys.exit(main())
