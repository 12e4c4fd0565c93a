"""Things of made scenes as the cutout stage sees them, with the net's maps kept on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from services.segment.aim import Aim, Surroundings
from services.segment.backends import CutoutBackend
from services.segment.cutout import LOOK_AGAIN

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """One thing.

    Attributes:
        name: scene and place.
        kind: of the scene.
        thing: name of the object, which the split goes by.
        aim: what is cut out.
        salience: (h, w) float32, of the crop.
        wide: (h, w) float32, the same pixels in the view of more of the photo; None where that is no larger.
        truth: (h, w) bool, what of the thing is seen in the crop.
        beyond: pixels of the thing outside of the crop.
    """

    name: str
    kind: str
    thing: str
    aim: Aim
    salience: Plane
    wide: Plane | None
    truth: NDArray[np.bool_]
    beyond: int

    def iou(self, matte: Plane) -> float:
        """Overlap of a matte with the truth."""
        found = matte > 0.5
        either = int(np.count_nonzero(found | self.truth)) + self.beyond
        return int(np.count_nonzero(found & self.truth)) / max(1, either)


def samples(scenes: Path, part: str, backend: CutoutBackend | None) -> Iterator[Sample]:
    """The things of a part.

    Args:
        scenes: what ``python -m quality.scenes`` wrote.
        part: ``tune`` or ``unseen``.
        backend: asked for the maps that are not kept yet; None leaves those things out.
    """
    kept = scenes / "nets"
    kept.mkdir(exist_ok=True)
    for path in sorted((scenes / part).glob("*/scene.json")):
        scene = json.loads(path.read_text())
        rgb = np.ascontiguousarray(cv2.imread(str(path.with_name("scene.png")))[..., ::-1])
        height, width = rgb.shape[:2]
        for thing in (thing for thing in scene["things"] if thing.get("asked", True)):
            box = Box(*thing["box"])
            aim = Aim.at(rgb, box, box.padded(width, height))
            stem = f"{part}_{path.parent.name}_{thing['place']}"
            salience = _kept(kept / f"{stem}_crop_rembg.npy", aim.picture, backend)
            around = Surroundings.of(aim, LOOK_AGAIN.padding, LOOK_AGAIN.longest_px)
            seen = _kept(kept / f"{stem}_p30_rembg.npy", around.rgb, backend)
            if salience is None:
                continue
            left, top, right, bottom = aim.crop.pixels(width, height)
            mask = cv2.imread(str(path.parent / str(thing["place"]) / "mask.png"), cv2.IMREAD_GRAYSCALE) > 127
            truth = mask[top:bottom, left:right]
            yield Sample(
                f"{path.parent.name}/{thing['place']}",
                scene["kind"],
                thing["name"],
                aim,
                salience,
                None if seen is None else around.seen_from(aim, seen),
                truth,
                int(mask.sum()) - int(truth.sum()),
            )


def _kept(path: Path, picture: NDArray[np.uint8], backend: CutoutBackend | None) -> Plane | None:
    """The net's map of a picture, at the picture's size."""
    if not path.exists():
        if backend is None:
            return None
        found = cv2.resize(backend.salience(picture), (1024, 1024), interpolation=cv2.INTER_LINEAR)
        np.save(path, found.astype(np.float16))
    raw = np.load(path).astype(np.float32)
    raw = (raw - raw.min()) / max(1e-6, float(raw.max() - raw.min()))
    return np.asarray(cv2.resize(raw, (picture.shape[1], picture.shape[0])), np.float32)
