"""What the detect stage calls the things of the corpus' photographs, kept on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bench.made import names as same_name
from lensora.core.boxes import Box
from services.detect.backends.saliency import SaliencyDetector
from services.detect.fusion import SAME_IOU, Thing
from services.detect.labels import is_general
from services.detect.ranking import Found
from services.detect.regions import Region, bounds_of
from services.detect.search import GRID_PX


@dataclass(frozen=True)
class Called:
    """A photograph's thing: what it is called, with the probability of that, and what it is."""

    label: str
    probability: float
    shows: str

    def right(self) -> bool:
        """True where the label is a name for it."""
        return same_name(self.label, self.shows)


def called(corpus: Path, part: str, kept: Path, detector: SaliencyDetector | None) -> list[Called]:
    """Names of a part's photographs, whose things are cut out by their true mattes.

    Args:
        corpus: folder of photographs with mattes.
        part: ``tune`` or ``unseen``.
        kept: folder of what was found before.
        detector: asked about what is not kept yet; None leaves that out.
    """
    kept.mkdir(parents=True, exist_ok=True)
    found = []
    for path in sorted((corpus / part).glob("*/mask.png")):
        name = path.parent.name
        file = kept / f"name_{name}.json"
        if not file.exists():
            if detector is None:
                continue
            file.write_text(json.dumps(_asked(path, detector)))
        label, probability = json.loads(file.read_text())
        kind = json.loads(path.with_name("camera.json").read_text())["kind"]
        # <source>_<words of the object>_<view>
        found.append(Called(label, probability, " ".join([*name.split("_")[1:-1], kind])))
    return found


def shares(things: list[Called], sure: float) -> tuple[int, int]:
    """How many names are given at a level, and how many of these are right."""
    given = [each for each in things if each.probability >= sure and not is_general(each.label)]
    return len(given), sum(each.right() for each in given)


def _asked(matte: Path, detector: SaliencyDetector) -> tuple[str, float]:
    rgb = np.ascontiguousarray(cv2.imread(str(matte.with_name("input.jpg")))[..., ::-1])
    height, width = rgb.shape[:2]
    scale = GRID_PX / max(height, width)
    size = (round(width * scale), round(height * scale))
    whole = cv2.imread(str(matte), cv2.IMREAD_GRAYSCALE)
    mask = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA) > 127, np.bool_)  # type: ignore[arg-type]
    region = Region(mask, bounds_of(mask), int(mask.sum()), 1.0, 1.0, 0.0)
    box: Box = region.box()
    same = [each for each in detector.sightings(rgb, [box]) if each.box.iou(box) >= SAME_IOU and not each.kind.surface]
    best = max(same, key=lambda each: each.score, default=None)
    (name,) = detector.names(rgb, [Found(Thing(box, region, best, 1.0), box, None, np.zeros(0))])
    return name.label, round(name.probability, 4)
