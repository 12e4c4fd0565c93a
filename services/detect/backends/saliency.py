"""Things by saliency (IS-Net) and ImageNet's words (EfficientNet-Lite0): the default, on a CPU."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.boxes import Box, Proposal
from lensora.imaging.photo import Photo
from services.detect.detection import Detection, listed
from services.detect.labels import Labeller, load_vocabulary
from services.detect.preflight import Subject, suggested_actions
from services.detect.regions import Mask, Region
from services.detect.saliency import Saliency
from services.detect.search import Findings, Search
from services.detect.translucence import faint_part

ISNET = "isnet-general-use"
CLASSIFIER = "efficientnet-lite0"
"""Names in the model manifest."""

WORKING_SIDE_PX = 1024
"""A little over the net's 512, so that close looks have something to show."""

LARGE_SHARE = 0.15
"""A thing that covers this much of the picture loses nothing in rank for its size."""

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
    """``Detector`` on IS-Net and EfficientNet-Lite0."""

    def __init__(self, isnet: Model, classifier: Model) -> None:
        """
        Args:
            isnet: ``isnet-general-use`` of the manifest.
            classifier: ``efficientnet-lite0`` of the manifest.
        """
        self._models = (isnet, classifier)
        self._saliency = Saliency(isnet)
        self._labeller = Labeller(classifier, load_vocabulary())

    @property
    def working_side_px(self) -> int:
        return WORKING_SIDE_PX

    def ready(self) -> bool:
        return all(model.ready() for model in self._models)

    def detect(self, photo: Photo, max_objects: int, timeout_s: float | None = None) -> Detection:
        rgb = photo.over(MATTE)
        findings = Search(rgb, self._saliency, timeout_s).run()
        ranked = sorted(findings.regions, key=rank, reverse=True)[: max_objects - 1]
        faint_parts = [faint_part(region, findings.first) for region in ranked]
        boxes = [_box(region, faint) for region, faint in zip(ranked, faint_parts, strict=True)]
        scores = [rank(region) for region in ranked]
        masks: list[Mask | None] = [
            region.mask if faint is None else None for region, faint in zip(ranked, faint_parts, strict=True)
        ]
        if not ranked:
            boxes, scores, masks = _last_resort(rgb, findings)
        height, width = rgb.shape[:2]
        names = self._labeller.names(rgb, [box.pixels(width, height) for box in boxes], masks, timeout_s)
        proposals = [
            Proposal(label=name.label, category=name.category, box=box, score=score)
            for name, box, score in zip(names, boxes, scores, strict=True)
        ]
        subject = None
        if ranked:
            left, top, right, bottom = boxes[0].pixels(photo.info.width, photo.info.height)
            subject = Subject(ranked[0], faint_parts[0], right - left, bottom - top)
        return Detection(
            proposals=listed(proposals, max_objects),
            actions=tuple(suggested_actions(rgb, subject)),
            models=tuple(model.describe() for model in self._models),
        )


def rank(region: Region) -> float:
    """How likely the user means this thing, 0..1: it stands out, is large, and near the middle."""
    height, width = region.mask.shape
    left, top, right, bottom = region.bounds
    size = min(1.0, math.sqrt(region.share() / LARGE_SHARE))
    off_centre = math.hypot((left + right) / 2 / width - 0.5, (top + bottom) / 2 / height - 0.5)
    return max(0.0, min(1.0, region.contrast)) * (0.4 + 0.6 * size) * (1 - 0.5 * min(1.0, off_centre))


def _box(region: Region, faint: Mask | None) -> Box:
    """The region's box, with its see-through part."""
    box = region.box()
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
            return [region.box()], [FAINT_SCORE * rank(region)], [region.mask]
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
