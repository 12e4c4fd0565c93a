"""Fit what tells two things side by side from one (``services/detect/division.py``), and write it.

``python -m quality.detection.division --scenes DIR [--scenes DIR ...] --corpus quality/corpus``: DIRs as
``python -m quality.scenes`` writes them; the corpus' photographs show one thing each. Weights come from the part
``tune``. The level is the lowest at which enough cuts are right there, by weights that have not seen the scene, and no
photograph of one thing is cut. What comes of it on ``unseen`` is written beside them.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lensora.adapters.runtimes import open_runtime
from lensora.core.boxes import Box
from lensora.imaging.photo import decode
from lensora.settings import ModelSettings, load
from quality.detection.fit import regression
from quality.scenes.folders import refuse_without_scenes
from services.detect.backends.registry import DETECT_BACKENDS
from services.detect.backends.saliency import MATTE, SaliencyDetector
from services.detect.division import FEATURES, cuts
from services.detect.regions import Region

TARGET = Path(__file__).parents[2] / "services/detect/fitted_division.py"
TEXT = '''"""What ``python -m quality.detection.division`` fitted; not edited by hand.

- tune: {tune}
- unseen: {unseen}
"""

from __future__ import annotations

from services.detect.division import Divider

DIVIDER = Divider(
    weights={weights},
    least={least},
)
'''

RIGHT_IOU = 0.5
FOLDS = 5
RIDGE = 1.0
RIGHT_WEIGHT = 3.0
"""A line that is right counts so many times as one that is wrong: there are few."""

LEAST_RIGHT = 0.8
"""Share of the cuts that must be right."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A region, and all lines through it.

    Attributes:
        name: of the scene or the photograph.
        alone: True for a photograph of one thing.
        features: (n, features) of the lines.
        right: (n,) bool: on either side lies another thing of the scene.
    """

    name: str
    alone: bool
    features: Vector
    right: NDArray[np.bool_]


def examples(picture: Path, truth: Sequence[Box], detector: SaliencyDetector, *, alone: bool) -> Iterator[Example]:
    """The regions of a picture that are cut at all."""
    rgb = decode(picture.read_bytes(), longest_side_px=detector.working_side_px).over(MATTE)
    for each in detector.found(rgb)[0]:
        if each.thing.region is None or each.thing.part:
            continue
        tried = list(cuts(each.thing.region, rgb))
        if tried:
            right = np.array([_is_right(cut.sides(each.thing.region), truth) for cut in tried])
            yield Example(picture.parent.name, alone, np.array([cut.features for cut in tried]), right)


def _is_right(sides: Sequence[Region], truth: Sequence[Box]) -> bool:
    """Whether the sides are two different things."""
    held = [max(truth, key=side.box().iou, default=None) for side in sides]
    return held[0] is not held[1] and all(
        thing is not None and side.box().iou(thing) >= RIGHT_IOU for side, thing in zip(sides, held, strict=True)
    )


def pictures(scenes: Sequence[Path], corpus: Path, part: str) -> Iterator[tuple[Path, list[Box], bool]]:
    """Each picture of a part, the boxes of its things, and whether it is a photograph of one."""
    for folder in scenes:
        for path in sorted((folder / part).glob("*/scene.json")):
            things = json.loads(path.read_text())["things"]
            yield path.with_name("scene.png"), [Box(*thing["box"]) for thing in things], False
    for path in sorted((corpus / part).glob("*/input.jpg")):
        yield path, [], True


def weights_of(known: Sequence[Example]) -> Vector:
    """(features,) of a logistic regression with a little ridge; each region counts alike."""
    rows = np.concatenate([each.features for each in known])
    right = np.concatenate([each.right for each in known]).astype(np.float64)
    counts = np.concatenate([np.full(len(each.right), 20.0 / len(each.right)) for each in known])
    counts *= np.where(right > 0, RIGHT_WEIGHT, 1.0)
    middle, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    middle[0], scale[0] = 0.0, 1.0
    weights = regression((rows - middle) / scale, right, counts, RIDGE) / scale
    weights[0] -= float(middle @ weights)
    return weights


def _bests(known: Sequence[Example], weights: Sequence[Vector]) -> list[tuple[float, bool, bool]]:
    """Of each region: the log-odds of its best line, whether that is right, whether a photograph shows it alone."""
    found = []
    for each, own in zip(known, weights, strict=True):
        odds = each.features @ own
        found.append((float(odds.max()), bool(each.right[odds.argmax()]), each.alone))
    return found


def least_of(known: Sequence[Example]) -> float:
    """The level, by weights that have not seen the region's picture."""
    fold = [zlib.crc32(each.name.encode()) % FOLDS for each in known]
    own = [weights_of([each for each, at in zip(known, fold, strict=True) if at != out]) for out in range(FOLDS)]
    bests = sorted(_bests(known, [own[at] for at in fold]), reverse=True)
    least, right = np.inf, 0
    for number, (odds, is_right, alone) in enumerate(bests, 1):
        right += is_right
        if alone:
            break
        if right >= LEAST_RIGHT * number:
            least = odds
    return round(least, 2)


def told(known: Sequence[Example], weights: Vector, least: float) -> str:
    """What is cut and what is not, in words."""
    bests = _bests(known, [weights] * len(known))
    two = sum(bool(each.right.any()) for each in known)
    cut = [right for odds, right, _ in bests if odds >= least]
    photos = [odds >= least for odds, _, alone in bests if alone]
    return (
        f"of {len(known)} regions {two} hold two things; {sum(cut)} are cut rightly, {len(cut) - sum(cut)} wrongly, "
        f"{sum(photos)} of {len(photos)} in photographs of one thing"
    )


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="quality.detection.division", description=__doc__)
    parser.add_argument("--scenes", type=Path, action="append", required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    refuse_without_scenes(options.scenes)
    detector = DETECT_BACKENDS["objects"](open_runtime(load(ModelSettings)))
    if not isinstance(detector, SaliencyDetector):
        raise TypeError("the backend has no regions")
    detector.divider = None
    tune, unseen = (
        [
            example
            for path, truth, alone in pictures(options.scenes, options.corpus, part)
            for example in examples(path, truth, detector, alone=alone)
        ]
        for part in ("tune", "unseen")
    )
    weights, least = weights_of(tune), least_of(tune)
    says = {part: told(known, weights, least) for part, known in (("tune", tune), ("unseen", unseen))}
    sys.stdout.write(f"{says}\n{dict(zip(FEATURES, weights.round(3), strict=True))}\nleast {least}\n")
    if not options.dry:
        TARGET.write_text(TEXT.format(**says, weights=tuple(round(float(w), 4) for w in weights), least=least))
    return 0


if __name__ == "__main__":
    sys.exit(main())
