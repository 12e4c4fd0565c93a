"""Things by saliency (IS-Net), with or without detectors (SSD), and names by EfficientNet-Lite0: made for a CPU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.boxes import Box, Proposal, SuggestedAction
from lensora.imaging.photo import Photo
from services.detect.detection import MOST_IOU, Detection, listed
from services.detect.fusion import Thing, fuse
from services.detect.labels import Labeller, load_vocabulary
from services.detect.objects import ObjectNet, load_classes, windows
from services.detect.preflight import BOX_ACTIONS, Subject, suggested_actions
from services.detect.regions import Mask, Region
from services.detect.saliency import Saliency
from services.detect.search import GRID_PX, Findings, Search
from services.detect.translucence import faint_part

ISNET = "isnet-general-use"
CLASSIFIER = "efficientnet-lite0"
"""Names in the model manifest."""

OBJECT_CLASSES = {"ssdlite-coco": "coco_classes.tsv", "ssd-openimages": "openimages_classes.tsv"}
"""Detectors in the model manifest, and their classes' tables: each knows kinds that the other does not."""

WORKING_SIDE_PX = 1024
"""A little over the net's 512, so that close looks have something to show."""

LARGE_SHARE = 0.15
"""A thing that covers this much of the picture loses nothing in rank for its size."""

FILL = 0.7
"""Share of its box that a thing fills where its outline is not known."""

PART_RANK = 0.7
"""Factor on the score of a part that is proposed beside its whole."""

NEIGHBOUR_SHARE = 0.2
"""A faint part that lies with more than this of itself in another thing's box is no part of this one."""

FAINT_CONTRAST = 0.2
"""Where nothing stands out, a region with this much contrast is still worth proposing."""

FAINT_SHARE = 0.02
"""A faint region under this share of the picture is a scrap of something."""

FAINT_SCORE = 0.3
"""Factor on the score of what does not stand out."""

DETAIL_SHARE = 0.8
"""Where the net sees nothing at all, the box that holds this share of the picture's fine detail."""

DETAIL_MOST_AREA = 0.7
"""If even that box is larger than this, detail is everywhere: the full frame says the same."""

MATTE = (255, 255, 255)
"""See-through pictures are judged over white, as a web page would show them."""


class SaliencyDetector:
    """``Detector`` on IS-Net and EfficientNet-Lite0, and on detectors where they are given."""

    def __init__(self, isnet: Model, classifier: Model, detectors: Mapping[str, Model] | None = None) -> None:
        """
        Args:
            isnet: ``isnet-general-use`` of the manifest.
            classifier: ``efficientnet-lite0`` of the manifest.
            detectors: any of ``OBJECT_CLASSES`` by their names in the manifest: they tell apart what touches.
        """
        found = dict(detectors or {})
        self._models = (isnet, classifier, *found.values())
        self._saliency = Saliency(isnet)
        self._labeller = Labeller(classifier, load_vocabulary())
        self._nets = [ObjectNet(model, load_classes(OBJECT_CLASSES[name])) for name, model in found.items()]

    @property
    def working_side_px(self) -> int:
        return WORKING_SIDE_PX

    def ready(self) -> bool:
        return all(model.ready() for model in self._models)

    def detect(self, photo: Photo, max_objects: int, timeout_s: float | None = None) -> Detection:
        rgb = photo.over(MATTE)
        findings = Search(rgb, self._saliency, timeout_s).run()
        ranked = self._things(rgb, findings, timeout_s)[: max_objects - 1]
        faint_parts = [_faint_part(thing, ranked, findings) for thing in ranked]
        boxes = [_box(thing.box, faint) for thing, faint in zip(ranked, faint_parts, strict=True)]
        scores = [rank(thing) for thing in ranked]
        masks = [
            thing.region.mask if thing.region and faint is None else None
            for thing, faint in zip(ranked, faint_parts, strict=True)
        ]
        # A detector that saw the lid of a jar has not named the jar.
        sightings = [
            thing.sighting if faint is None else None for thing, faint in zip(ranked, faint_parts, strict=True)
        ]
        if not ranked:
            boxes, scores, masks = _last_resort(rgb, findings)
            sightings = [None] * len(boxes)
        height, width = rgb.shape[:2]
        areas = [box.pixels(width, height) for box in boxes]
        names = self._labeller.names(rgb, areas, masks, sightings, timeout_s)
        proposals = [
            Proposal(label=name.label, category=name.category, box=box, score=score)
            for name, box, score in zip(names, boxes, scores, strict=True)
        ]
        actions = _advice(rgb, photo, ranked[0], boxes[0], faint_parts[0]) if ranked else suggested_actions(rgb, None)
        return Detection(
            proposals=listed(proposals, max_objects),
            actions=tuple(actions),
            models=tuple(model.describe() for model in self._models),
        )

    def _things(self, rgb: NDArray[np.uint8], findings: Findings, timeout_s: float | None) -> list[Thing]:
        """What both cues show, best first, each once."""
        known = [*findings.regions, *(doubt.region for doubt in findings.doubtful)]
        look = windows([region.box() for region in known])
        sightings = [sighting for net in self._nets for sighting in net.sightings(rgb, look, timeout_s)]
        kept: list[Thing] = []
        for thing in sorted(fuse(findings.regions, findings.doubtful, sightings), key=rank, reverse=True):
            if all(thing.box.iou(other.box) <= MOST_IOU for other in kept):
                kept.append(thing)
        return kept


def rank(thing: Thing) -> float:
    """How likely the user means this thing, 0..1: it is surely one, large, and near the middle."""
    box = thing.box
    share = thing.region.share() if thing.region else FILL * box.area
    size = min(1.0, math.sqrt(share / LARGE_SHARE))
    off_centre = math.hypot((box.x1 + box.x2) / 2 - 0.5, (box.y1 + box.y2) / 2 - 0.5)
    sure = max(0.0, min(1.0, thing.confidence)) * (PART_RANK if thing.part else 1.0)
    return sure * (0.4 + 0.6 * size) * (1 - 0.5 * min(1.0, off_centre))


def _advice(rgb: NDArray[np.uint8], photo: Photo, thing: Thing, box: Box, faint: Mask | None) -> list[SuggestedAction]:
    """Preflight's findings about the best thing; where its outline is not known, those that hold for its box."""
    left, top, right, bottom = box.pixels(photo.info.width, photo.info.height)
    if thing.region is not None:
        return suggested_actions(rgb, Subject(thing.region, faint, right - left, bottom - top))
    mask = np.zeros((GRID_PX, GRID_PX), np.bool_)
    bounds = box.pixels(GRID_PX, GRID_PX)
    mask[bounds[1] : bounds[3], bounds[0] : bounds[2]] = True
    region = Region(mask, bounds, int(np.count_nonzero(mask)), 1.0, 1.0, 0.0)
    found = suggested_actions(rgb, Subject(region, None, right - left, bottom - top))
    return [action for action in found if action.code in BOX_ACTIONS]


def _faint_part(thing: Thing, things: Sequence[Thing], findings: Findings) -> Mask | None:
    """The see-through part of a thing; None where there is none, or where it is that of a neighbour."""
    faint = faint_part(thing.region, findings.first) if thing.region else None
    if faint is None:
        return None
    others = np.zeros_like(faint)
    for other in things:
        if other is not thing and not other.part:
            left, top, right, bottom = other.box.pixels(faint.shape[1], faint.shape[0])
            others[top:bottom, left:right] = True
    return None if np.count_nonzero(faint & others) > NEIGHBOUR_SHARE * np.count_nonzero(faint) else faint


def _box(box: Box, faint: Mask | None) -> Box:
    """A thing's box, with its see-through part."""
    if faint is None:
        return box
    height, width = faint.shape
    rows, columns = np.flatnonzero(faint.any(axis=1)), np.flatnonzero(faint.any(axis=0))
    return Box(
        min(box.x1, columns[0] / width),
        min(box.y1, rows[0] / height),
        max(box.x2, (columns[-1] + 1) / width),
        max(box.y2, (rows[-1] + 1) / height),
    )


def _last_resort(rgb: NDArray[np.uint8], findings: Findings) -> tuple[list[Box], list[float], list[Mask | None]]:
    """Something to pick where nothing stands out: the best faint region, else where the detail is."""
    for region in findings.faint:
        if region.contrast >= FAINT_CONTRAST and region.share() >= FAINT_SHARE:
            return (
                [region.box()],
                [FAINT_SCORE * rank(Thing(region.box(), region, None, region.contrast))],
                [region.mask],
            )
    box = detail_box(rgb)
    return ([box], [FAINT_SCORE * FAINT_CONTRAST], [None]) if box is not None else ([], [], [])


def detail_box(rgb: NDArray[np.uint8]) -> Box | None:
    """The box that holds most of a picture's fine detail; None for a plain picture or one that is busy everywhere."""
    gray = cv2.cvtColor(cv2.resize(rgb, (256, 256), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    detail = cv2.GaussianBlur(np.abs(cv2.Laplacian(gray.astype(np.float32), cv2.CV_32F, ksize=3)), (0, 0), 4)
    # Sensor noise and smooth shading are no detail.
    detail = np.maximum(0.0, detail - max(4.0, float(np.median(detail)) * 1.5))
    if not detail.any():
        return None
    tail = (1 - DETAIL_SHARE) / 2
    spans = []
    for axis in (0, 1):
        profile = np.cumsum(detail.sum(axis=axis))
        low, high = np.searchsorted(profile / profile[-1], [tail, 1 - tail])
        spans.append((low / 256, min(1.0, (high + 1) / 256)))
    (x1, x2), (y1, y2) = spans
    box = Box(x1, y1, x2, y2)
    return box if box.area <= DETAIL_MOST_AREA else None
