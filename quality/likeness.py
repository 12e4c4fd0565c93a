"""How like two photos of one thing are to the detect stage, and photos of two things: ``python -m quality.likeness``.

Pairs are drawn from the corpus: a thing in its first room, and a thing from the front or the back in the second room.
``fit`` fits the curve of ``services/detect/likeness.py`` on the ``tune`` part. Without it, the curve and the gateway's
limits (``gateway/http/studio/matching.py``) are measured on both parts.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gateway.http.studio.matching import RULES as LIMITS
from lensora.adapters.runtimes import OnnxRuntime
from services.detect.backends.saliency import CLASSIFIER
from services.detect.labels import Labeller, load_vocabulary
from services.detect.likeness import RULES, LikenessRules

CORPUS = Path(__file__).parent / "corpus"
MODELS_DIR = Path("~/.cache/lensora/models").expanduser()
FIRST, SECOND = "0", "1"
"""Rooms, as folders of the corpus are named."""
STEPS = 60
RIDGE = 1e-3
"""Newton's steps of the logistic fit, and the weight of its ridge."""


@dataclass(frozen=True)
class Pairs:
    """Two photos each: the cosine between their looks, and whether they are of one thing.

    Attributes:
        cosine: (n,) float64.
        same: (n,) bool.
    """

    cosine: NDArray[np.float64]
    same: NDArray[np.bool_]


def pairs_of(part: str, labeller: Labeller, corpus: Path = CORPUS) -> Pairs:
    """Every pair of a part: the first room's photo with each front and back of the second room."""
    looks: dict[tuple[str, str, str], NDArray[np.float32]] = {}
    for folder in sorted((corpus / part).iterdir()):
        thing, _, room = folder.name.rpartition("_")
        for photo, matte in (("input", "mask"), ("back", "back_mask")):
            rgb = np.asarray(Image.open(folder / f"{photo}.jpg").convert("RGB"))
            rows, columns = np.nonzero(np.asarray(Image.open(folder / f"{matte}.png").convert("L")) > 127)
            box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
            looks[thing, room, photo] = labeller.looks(rgb, [box])[0]
    cosine, same = [], []
    for (thing, room, photo), look in looks.items():
        if photo != "input":
            continue
        for (other, its_room, _photo), its_look in looks.items():
            if its_room != room:
                cosine.append(float(look @ its_look))
                same.append(thing == other)
    return Pairs(np.array(cosine), np.array(same))


def fitted(pairs: Pairs) -> LikenessRules:
    """The logistic curve by Newton's method, pairs of one thing and of two weighing the same together."""
    inputs = np.column_stack([pairs.cosine, np.ones_like(pairs.cosine)])
    share = pairs.same.mean()
    weights = np.where(pairs.same, 0.5 / share, 0.5 / (1.0 - share)) / len(pairs.same)
    found = np.zeros(2)
    for _ in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(-inputs @ found))
        slope = inputs.T @ (weights * (chance - pairs.same)) + RIDGE * found
        curvature = (inputs * (weights * chance * (1.0 - chance))[:, None]).T @ inputs + RIDGE * np.eye(2)
        found -= np.linalg.solve(curvature, slope)
    return LikenessRules(round(float(found[0]), 2), round(float(found[1]), 2))


def figures(pairs: Pairs, rules: LikenessRules = RULES) -> dict[str, float]:
    """How well the curve tells one thing from two, and what the gateway's limits do to each."""
    chance = 1.0 / (1.0 + np.exp(-(rules.slope * pairs.cosine + rules.offset)))
    same, other = chance[pairs.same], chance[~pairs.same]
    return {
        "pairs_same": len(same),
        "pairs_other": len(other),
        "auc": round(float((same[:, None] > other[None]).mean()), 4),
        "same_least": round(float(same.min()), 3),
        "same_refused": round(float((same < LIMITS.unlike).mean()), 4),
        "same_doubted": round(float((same < LIMITS.doubtful).mean()), 4),
        "other_refused": round(float((other < LIMITS.unlike).mean()), 4),
        "other_doubted": round(float((other < LIMITS.doubtful).mean()), 4),
    }


def main() -> None:
    """Fit, or measure both parts."""
    parser = argparse.ArgumentParser(prog="python -m quality.likeness", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("measure", "fit"), default="measure")
    what = parser.parse_args().what
    labeller = Labeller(OnnxRuntime(MODELS_DIR).open(CLASSIFIER, "detect"), load_vocabulary())
    if what == "fit":
        rules = fitted(pairs_of("tune", labeller))
        print(json.dumps({"slope": rules.slope, "offset": rules.offset}))
        return
    print(json.dumps({part: figures(pairs_of(part, labeller)) for part in ("tune", "unseen")}))


if __name__ == "__main__":
    main()
