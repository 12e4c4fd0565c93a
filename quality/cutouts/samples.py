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
from services.segment.aim import LOOK_AGAIN, Aim, Surroundings
from services.segment.backends import CutoutBackend
from services.segment.matte import SOLID

Plane = NDArray[np.float32]

PHOTOGRAPH = "photograph"
"""Kind of the corpus' pictures."""


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
        alpha: (h, w) float32, the true matte of what of the thing is seen in the crop.
        beyond: pixels of the thing outside of the crop.
        mask: file of the whole matte.
    """

    name: str
    kind: str
    thing: str
    aim: Aim
    salience: Plane
    wide: Plane | None
    alpha: Plane
    beyond: int
    mask: Path

    @property
    def truth(self) -> NDArray[np.bool_]:
        """(h, w) bool, where the thing is."""
        return np.asarray(self.alpha > SOLID, np.bool_)

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
        for thing in (thing for thing in scene["things"] if thing.get("asked", True)):
            yield from _sample(
                f"{path.parent.name}/{thing['place']}",
                scene["kind"],
                thing["name"],
                path.with_name("scene.png"),
                path.parent / str(thing["place"]) / "mask.png",
                kept / f"{part}_{path.parent.name}_{thing['place']}",
                backend,
            )


def photographs(corpus: Path, part: str, kept: Path, backend: CutoutBackend | None) -> Iterator[Sample]:
    """The photographs of a part of the corpus; the arguments as for ``samples``, maps are kept in ``kept``."""
    kept.mkdir(parents=True, exist_ok=True)
    for path in sorted((corpus / part).glob("*/mask.png")):
        name = path.parent.name
        photo = path.with_name("input.jpg")
        yield from _sample(name, PHOTOGRAPH, name[:-2], photo, path, kept / f"corpus_{name}", backend)


def _sample(
    name: str, kind: str, thing: str, photo: Path, matte: Path, kept: Path, backend: CutoutBackend | None
) -> Iterator[Sample]:
    rgb = np.ascontiguousarray(cv2.imread(str(photo))[..., ::-1])
    whole = np.asarray(cv2.imread(str(matte), cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255.0)
    height, width = rgb.shape[:2]
    solid = whole > SOLID
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    box = Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
    aim = Aim.at(rgb, box, box.padded(width, height))
    salience = _kept(Path(f"{kept}_crop_rembg.npy"), aim.picture, backend)
    around = Surroundings.of(aim, LOOK_AGAIN.padding, LOOK_AGAIN.longest_px)
    seen = _kept(Path(f"{kept}_p30_rembg.npy"), around.rgb, backend)
    if salience is None:
        return
    left, top, right, bottom = aim.crop.pixels(width, height)
    alpha = whole[top:bottom, left:right]
    beyond = int(solid.sum()) - int((alpha > SOLID).sum())
    wide = None if seen is None else around.seen_from(aim, seen)
    yield Sample(name, kind, thing, aim, salience, wide, alpha, beyond, matte)


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
