"""What the detect stage finds in made scenes, with whether it is a thing of theirs, kept on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from lensora.imaging.photo import decode
from services.detect.backends.saliency import MATTE, SaliencyDetector
from services.detect.detection import MOST_IOU
from services.detect.ranking import FEATURES, Ranking, meant

RIGHT_IOU = 0.5


@dataclass(frozen=True)
class Scene:
    """A made scene and all that was found in it.

    Attributes:
        name: of the scene.
        truth: boxes of its things.
        aside: boxes of things that are too small to be asked for: who finds one is neither right nor wrong.
        boxes: of what was found.
        features: (n, features) of what was found.
        meant: (n,) how likely each is meant, were it a thing.
        names: what each is called, with the probability of that.
        shows: what each truly is, in words; empty for no thing.
    """

    name: str
    truth: list[Box]
    aside: list[Box]
    boxes: list[Box]
    features: NDArray[np.float64]
    meant: NDArray[np.float64]
    names: list[tuple[str, float]]
    shows: list[str]

    def right(self) -> NDArray[np.float64]:
        """(n,) 1 for a thing, 0 for none, NaN for one that was not asked for."""
        out = []
        for box in self.boxes:
            if max((box.iou(other) for other in self.truth), default=0.0) >= RIGHT_IOU:
                out.append(1.0)
            else:
                out.append(np.nan if any(box.iou(other) >= RIGHT_IOU for other in self.aside) else 0.0)
        return np.array(out)

    def listed(self, ranking: Ranking, most: int = 7) -> list[Box]:
        """The boxes as they are proposed: sure enough, each once, the likeliest first; those aside are left out."""
        chances = ranking.chances(self.features)
        kept: list[Box] = []
        for index in np.argsort(-chances * self.meant, kind="stable"):
            box = self.boxes[index]
            if chances[index] >= ranking.least and all(box.iou(other) <= MOST_IOU for other in kept):
                kept.append(box)
        return [box for box in kept[:most] if all(box.iou(other) < RIGHT_IOU for other in self.aside)]


def scenes_of(folder: Path, part: str, detector: SaliencyDetector | None) -> Iterator[Scene]:
    """The scenes of a part.

    Args:
        folder: what ``python -m quality.scenes`` wrote.
        part: ``tune`` or ``unseen``.
        detector: asked about scenes of which nothing is kept yet; None leaves those out.
    """
    kept = folder / "found"
    kept.mkdir(exist_ok=True)
    for path in sorted((folder / part).glob("*/scene.json")):
        file = kept / f"{part}_{path.parent.name}.json"
        if not file.exists():
            if detector is None:
                continue
            file.write_text(json.dumps(_found(path.with_name("scene.png"), detector)))
        rows = json.loads(file.read_text())
        things = json.loads(path.read_text())["things"]
        yield Scene(
            path.parent.name,
            [Box(*thing["box"]) for thing in things if thing.get("asked", True)],
            [Box(*thing["box"]) for thing in things if not thing.get("asked", True)],
            [Box(*row["box"]) for row in rows],
            np.array([row["features"] for row in rows], np.float64).reshape(-1, len(FEATURES)),
            np.array([row["meant"] for row in rows], np.float64),
            [(row["name"], row["probability"]) for row in rows],
            [_shown(Box(*row["box"]), things) for row in rows],
        )


def _shown(box: Box, things: list[dict[str, Any]]) -> str:
    """What the thing in a box is; empty where there is none."""
    best = max(things, key=lambda thing: box.iou(Box(*thing["box"])), default=None)
    return str(best["shows"]) if best is not None and box.iou(Box(*best["box"])) >= RIGHT_IOU else ""


def _found(photo: Path, detector: SaliencyDetector) -> list[dict[str, Any]]:
    rgb = decode(photo.read_bytes(), longest_side_px=detector.working_side_px).over(MATTE)
    found, _findings, _models = detector.found(rgb)
    return [
        {
            "box": [each.box.x1, each.box.y1, each.box.x2, each.box.y2],
            "features": [round(float(value), 5) for value in each.features],
            "meant": meant(each.thing),
            "name": name.label,
            "probability": round(name.probability, 4),
        }
        for each, name in zip(found, detector.names(rgb, found), strict=True)
    ]
