"""What is proposed first, and whether its cutout is right: the fit of the doubt that ``/init`` tells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from lensora.imaging.photo import decode
from quality.cutouts.fit import FOLDS, LEVELS, RIGHT_IOU, logistic
from services.detect.backends.saliency import MATTE, SaliencyDetector
from services.detect.doubt import Doubt, features_of
from services.detect.fitted import RANKING
from services.detect.ranking import proposed

SAME_BOX = 0.85
"""Overlap with the true box from which a proposal can give the right cutout at all."""

HIT = 0.5
"""Share of the flagged that must be wrong."""


@dataclass(frozen=True)
class First:
    """The first proposal of a picture: ``FEATURES`` of ``services.detect.doubt``, and whether its cutout is right."""

    features: NDArray[np.float64]
    right: bool
    photograph: bool


def firsts(
    scenes: Sequence[Path], corpus: Path, part: str, reached: dict[str, float], detector: SaliencyDetector | None
) -> list[First]:
    """The first proposals of a part's pictures whose cutouts were measured.

    Args:
        scenes: folders that ``python -m quality.scenes`` wrote.
        corpus: folder of photographs with mattes.
        part: ``tune`` or ``unseen``.
        reached: the IoU of the cutout of each true matte, by its file (``python -m quality.cutouts --reached``).
        detector: asked about what is not kept yet; None leaves that out.
    """
    found = []
    for photo, mattes in _pictures(scenes, corpus, part):
        known = [matte for matte in mattes if str(matte.resolve()) in reached]
        kept = scenes[0] / "found" / f"first_{part}_{photo.parent.parent.parent.name}_{photo.parent.name}.json"
        if not known or (detector is None and not kept.exists()):
            continue
        if not kept.exists() and detector is not None:
            kept.write_text(json.dumps(_first(photo, detector)))
        row = json.loads(kept.read_text())
        if row is None:
            continue
        box = Box(*row["box"])
        overlap, matte = max((box.iou(_box(matte)), str(matte.resolve())) for matte in known)
        right = bool(overlap >= SAME_BOX and reached[matte] >= RIGHT_IOU)
        found.append(First(np.array(row["features"]), right, photo.name == "input.jpg"))
    return found


def fitted(known: Sequence[First]) -> Doubt:
    """The doubt for these proposals; its level is the highest under which, on others, enough are wrong."""
    rows, right = np.array([each.features for each in known]), np.array([each.right for each in known])
    fold_of = np.arange(len(known)) % FOLDS
    chances = np.zeros(len(known))
    for fold in range(FOLDS):
        inside = fold_of == fold
        chances[inside] = Doubt(tuple(logistic(rows[~inside], right[~inside])), 0.0).chances(rows[inside])
    levels = [level for level in LEVELS if (chances < level).any() and (~right[chances < level]).mean() >= HIT]
    weights = tuple(round(float(weight), 4) for weight in logistic(rows, right))
    return Doubt(weights, float(max(levels, default=LEVELS[0])))


def told(known: Sequence[First], doubt: Doubt) -> str:
    """What a doubt does, in words."""
    if not known:
        return "no pictures"
    flagged = np.array([doubt.uncertain(each.features) for each in known])
    wrong = np.array([not each.right for each in known])
    hits, missed = int(wrong[flagged].sum()), int(wrong[~flagged].sum())
    return f"{hits} of {flagged.sum()} flagged wrong, {missed} of {(~flagged).sum()} others wrong"


def _pictures(scenes: Sequence[Path], corpus: Path, part: str) -> Iterator[tuple[Path, list[Path]]]:
    """Photos with the files of their true mattes."""
    for folder in scenes:
        for path in sorted((folder / part).glob("*/scene.png")):
            yield path, sorted(path.parent.glob("*/mask.png"))
    for path in sorted((corpus / part).glob("*/input.jpg")):
        yield path, [path.with_name("mask.png")]


def _first(photo: Path, detector: SaliencyDetector) -> dict[str, Any] | None:
    rgb = decode(photo.read_bytes(), longest_side_px=detector.working_side_px).over(MATTE)
    found, findings, _models = detector.found(rgb)
    ranked = proposed(found, RANKING)
    if not ranked:
        return None
    box = ranked[0].box
    features = [round(float(value), 5) for value in features_of(ranked[0], findings.first)]
    return {"box": [box.x1, box.y1, box.x2, box.y2], "features": features}


def _box(matte: Path) -> Box:
    whole = cv2.imread(str(matte), cv2.IMREAD_GRAYSCALE)
    assert whole is not None
    solid = whole > 127
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    height, width = solid.shape
    return Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
