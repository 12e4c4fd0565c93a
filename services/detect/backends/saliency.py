"""Things by saliency (IS-Net), with or without detectors (SSD), and names by EfficientNet-Lite0: made for a CPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.artifacts import ModelUse
from lensora.core.boxes import CUTOUT_UNCERTAIN, Box, Proposal, SuggestedAction
from lensora.core.errors import ConfigurationError, InferenceFailed, Overloaded, Unavailable
from lensora.imaging.photo import Photo
from lensora.imaging.prompting import Encoded, PromptableNet
from lensora.observability import logs
from lensora.rpc.call import UNWATCHED, Call
from services.detect import doubt
from services.detect.completeness import grown
from services.detect.detection import MOST_IOU, Detection, listed
from services.detect.division import Divider, divided
from services.detect.fitted import ALIKE, DOUBT, NAME_SURE, RANKING
from services.detect.fitted_division import DIVIDER
from services.detect.fusion import SAME_IOU, Thing, fuse
from services.detect.groups import with_pairs
from services.detect.labels import Labeller, Name, load_vocabulary, modest
from services.detect.objects import ObjectNet, Sighting, load_classes, windows
from services.detect.outlining import box_of, found_after_all, missed, outlined
from services.detect.parting import parted
from services.detect.preflight import BOX_ACTIONS, Subject, suggested_actions
from services.detect.ranking import Found, features_of, meant, proposed
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

LEAST_ASKED_SHARE = 0.015
MOST_ASKED = 2
"""Regions that may hold several things: how large, and how many are asked about (up to 0.2 s each)."""

WHOLE_IOU = 0.75
"""A sighting that overlaps a region less than this may be of one of several things in it."""

MATTE = (255, 255, 255)
"""See-through pictures are judged over white, as a web page would show them."""

_log = logs.get(__name__)


class SaliencyDetector:
    """``Detector`` on IS-Net and EfficientNet-Lite0, and on detectors where they are given."""

    def __init__(
        self,
        isnet: Model,
        classifier: Model,
        detectors: Mapping[str, Model] | None = None,
        prompted: PromptableNet | None = None,
    ) -> None:
        """
        Args:
            isnet: ``isnet-general-use`` of the manifest.
            classifier: ``efficientnet-lite0`` of the manifest.
            detectors: any of ``OBJECT_CLASSES`` by their names in the manifest: they tell apart what touches.
            prompted: outlines what is under a point, and so tells apart what no detector knows; None does without.
        """
        found = dict(detectors or {})
        self._models = (isnet, classifier, *found.values())
        self._saliency = Saliency(isnet)
        self._labeller = Labeller(classifier, load_vocabulary())
        self._nets = [ObjectNet(model, load_classes(OBJECT_CLASSES[name])) for name, model in found.items()]
        self._prompted = prompted
        self.divider: Divider | None = DIVIDER
        """Tells two things side by side from one; None leaves that to the detectors."""

    @property
    def working_side_px(self) -> int:
        return WORKING_SIDE_PX

    def ready(self) -> bool:
        return all(model.ready() for model in self._models)

    def detect(self, photo: Photo, max_objects: int, call: Call = UNWATCHED) -> Detection:
        timeout_s = call.time_left_s()
        rgb = photo.over(MATTE)
        found, findings, more_models = self.found(rgb, timeout_s)
        call.check()
        ranked = proposed(with_pairs(proposed(found, RANKING), rgb, ALIKE), RANKING)[: max_objects - 1]
        boxes, scores = [each.box for each in ranked], [each.chance(RANKING) * meant(each.thing) for each in ranked]
        call.check()
        if ranked:
            named = self.names(rgb, ranked, timeout_s)
        else:
            boxes, scores, masks = _last_resort(rgb, findings)
            areas = [box.pixels(rgb.shape[1], rgb.shape[0]) for box in boxes]
            named = self._labeller.names(rgb, areas, masks, [None] * len(boxes), timeout_s)
        names = [modest(name, NAME_SURE) for name in named]
        proposals = [
            Proposal(label=name.label, category=name.category, box=box, score=score)
            for name, box, score in zip(names, boxes, scores, strict=True)
        ]
        call.check()
        if ranked:
            actions = _advice(rgb, photo, ranked[0].thing, boxes[0], ranked[0].faint)
            actions += [CUTOUT_UNCERTAIN] if DOUBT.uncertain(doubt.features_of(ranked[0], findings.first)) else []
        else:
            actions = suggested_actions(rgb, None)
        return Detection(
            proposals=listed(proposals, max_objects),
            actions=tuple(actions),
            models=(*(model.describe() for model in self._models), *more_models),
        )

    def looks(self, photo: Photo, boxes: Sequence[Box], call: Call = UNWATCHED) -> NDArray[np.float32]:
        rgb = photo.over(MATTE)
        return self._labeller.looks(rgb, [box.pixels(rgb.shape[1], rgb.shape[0]) for box in boxes], call.time_left_s())

    def found(
        self, rgb: NDArray[np.uint8], timeout_s: float | None = None
    ) -> tuple[list[Found], Findings, tuple[ModelUse, ...]]:
        """Everything that the cues show, measured, in no order; with the search's findings and further nets' rows."""
        findings = Search(rgb, self._saliency, timeout_s).run()
        things, more_models = self._things(rgb, findings, timeout_s)
        faint_parts = [_faint_part(thing, things, findings) for thing in things]
        boxes = [_box(thing.box, faint) for thing, faint in zip(things, faint_parts, strict=True)]
        boxes = [
            box if thing.part else grown(box, findings.first, [other for other in boxes if other is not box])
            for thing, box in zip(things, boxes, strict=True)
        ]
        features = features_of(things, findings.first, rgb)
        rows = zip(things, boxes, faint_parts, features, strict=True)
        return [Found(*row) for row in rows], findings, more_models

    def names(self, rgb: NDArray[np.uint8], found: Sequence[Found], timeout_s: float | None = None) -> list[Name]:
        """What each of them is called, however unsure that is."""
        height, width = rgb.shape[:2]
        clear = [each.faint is None for each in found]
        masks = [
            each.thing.region.mask if each.thing.region and whole else None
            for each, whole in zip(found, clear, strict=True)
        ]
        # A detector that saw the lid of a jar has not named the jar.
        sightings = [each.thing.sighting if whole else None for each, whole in zip(found, clear, strict=True)]
        return self._labeller.names(
            rgb, [each.box.pixels(width, height) for each in found], masks, sightings, timeout_s
        )

    def sightings(self, rgb: NDArray[np.uint8], known: Sequence[Box], timeout_s: float | None = None) -> list[Sighting]:
        """What the detectors see in the picture, close to what is known, and in its tiles."""
        look = windows(known)
        return [sighting for net in self._nets for sighting in net.sightings(rgb, look, timeout_s)]

    def _things(
        self, rgb: NDArray[np.uint8], findings: Findings, timeout_s: float | None
    ) -> tuple[list[Thing], tuple[ModelUse, ...]]:
        """What the cues show, best first, each once; and the nets that only a doubt calls for."""
        known = [*findings.regions, *(doubt.region for doubt in findings.doubtful)]
        sightings = self.sightings(rgb, [region.box() for region in known], timeout_s)
        fused = _once(fuse(findings.regions, findings.doubtful, sightings))
        things = [thing for thing in fused if not thing.part or self._is_named(rgb, thing, timeout_s)]
        if self._prompted is None:
            return self._with_halves(things, rgb, timeout_s), ()
        try:
            picture = _Picture(self._prompted, rgb, timeout_s)
            told = _once(self._told_apart(rgb, things, sightings, picture, timeout_s))
            seen = _once(_borne_out(rgb, told, sightings, picture, findings.first.shape, timeout_s))
        except (InferenceFailed, Unavailable, Overloaded, ConfigurationError) as error:
            _log.warning("outlines_failed", error=str(error))
            return self._with_halves(things, rgb, timeout_s), ()
        return seen, self._prompted.describe() if picture.asked else ()

    def _is_named(self, rgb: NDArray[np.uint8], thing: Thing, timeout_s: float | None) -> bool:
        """True for a part that is called by a name: the end of a drill that looks like a cup is not worth proposing."""
        area = thing.box.pixels(rgb.shape[1], rgb.shape[0])
        mask = thing.region.mask if thing.region else None
        (likely,) = self._labeller.chances(rgb, [area], [mask], timeout_s)
        return self._labeller.recognises(likely, thing.sighting)

    def _with_halves(self, things: list[Thing], rgb: NDArray[np.uint8], timeout_s: float | None) -> list[Thing]:
        """The things, and those that stand side by side in one that nothing has recognised."""
        if self.divider is None:
            return things
        found = list(things)
        for thing in things:
            if thing.region is None or thing.part:
                continue
            halves = divided(thing.region, rgb, self.divider)
            if halves and not self._is_recognised(rgb, thing.region, thing.sighting, timeout_s):
                found += [Thing(half.box(), half, None, half.contrast) for half in halves]
        return _once(found)

    def _is_recognised(
        self, rgb: NDArray[np.uint8], region: Region, sighting: Sighting | None, timeout_s: float | None
    ) -> bool:
        """Whether the classifier, or a detector that has seen all of a region, knows what it is."""
        area = box_of(region.mask).pixels(rgb.shape[1], rgb.shape[0])
        (likely,) = self._labeller.chances(rgb, [area], [region.mask], timeout_s)
        return self._labeller.recognises(likely, _about_all_of(region, sighting))

    def _told_apart(
        self,
        rgb: NDArray[np.uint8],
        things: Sequence[Thing],
        sightings: Sequence[Sighting],
        picture: _Picture,
        timeout_s: float | None,
    ) -> list[Thing]:
        """The things, those that hold several taken apart; the net is asked only about what nothing has recognised."""
        height, width = rgb.shape[:2]

        def chances(masks: Sequence[Mask]) -> list[NDArray[np.float32]]:
            areas = [box_of(mask).pixels(width, height) for mask in masks]
            return self._labeller.chances(rgb, areas, masks, timeout_s)

        asked = 0
        left = deque(things)
        found: list[Thing] = []
        while left:
            thing = left.popleft()
            region = thing.region
            parts: list[Region] = []
            if (
                asked < MOST_ASKED
                and region is not None
                and not thing.part
                and region.share() >= LEAST_ASKED_SHARE
                and not self._is_recognised(rgb, region, thing.sighting, timeout_s)
            ):
                asked += 1
                parts = parted(
                    region,
                    picture.encoded,
                    lambda masks: [self._labeller.likeliest_kind(chance) for chance in chances(masks)],
                    timeout_s,
                )
            if parts:
                left.extend(_sighted(part, sightings) for part in parts)
            else:
                found.append(thing)
        return found


class _Picture:
    """A photo that the promptable net looks at when the first question comes."""

    def __init__(self, net: PromptableNet, rgb: NDArray[np.uint8], timeout_s: float | None) -> None:
        self._net, self._rgb, self._timeout_s = net, rgb, timeout_s
        self.asked = False

    @cached_property
    def encoded(self) -> Encoded:
        self.asked = True
        return self._net.encode(self._rgb, self._timeout_s)


def _borne_out(
    rgb: NDArray[np.uint8],
    things: Sequence[Thing],
    sightings: Sequence[Sighting],
    picture: _Picture,
    shape: tuple[int, ...],
    timeout_s: float | None,
) -> list[Thing]:
    """The things, those that only a detector saw with their outlines, less plain patches, and what was missed."""
    kept: list[Thing] = []
    for thing in things:
        seen = thing if thing.region is not None else outlined(rgb, thing, picture.encoded, shape, timeout_s)
        if seen is not None:
            kept.append(seen)
    for sighting in missed(sightings, things):
        more = found_after_all(sighting, kept, picture.encoded, rgb, shape, timeout_s)
        if more is not None:
            kept.append(more)
    return kept


def _about_all_of(region: Region, sighting: Sighting | None) -> Sighting | None:
    """A sighting of a whole region; None where it may be of one of several things in it."""
    return sighting if sighting is not None and sighting.box.iou(region.box()) >= WHOLE_IOU else None


def _once(things: Iterable[Thing]) -> list[Thing]:
    """Best first, each once."""
    kept: list[Thing] = []
    for thing in sorted(things, key=lambda thing: thing.confidence * meant(thing), reverse=True):
        if all(thing.box.iou(other.box) <= MOST_IOU for other in kept):
            kept.append(thing)
    return kept


def _sighted(region: Region, sightings: Sequence[Sighting]) -> Thing:
    """A thing that was told apart, with what a detector takes it for."""
    box = region.box()
    same = [sighting for sighting in sightings if sighting.box.iou(box) >= SAME_IOU and not sighting.kind.surface]
    best = max(same, key=lambda sighting: sighting.score, default=None)
    return Thing(box, region, best, max(region.contrast, best.score if best else 0.0))


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
    grown = box_of(faint)
    return Box(min(box.x1, grown.x1), min(box.y1, grown.y1), max(box.x2, grown.x2), max(box.y2, grown.y2))


def _last_resort(rgb: NDArray[np.uint8], findings: Findings) -> tuple[list[Box], list[float], list[Mask | None]]:
    """Something to pick where nothing stands out: the best faint region, else where the detail is."""
    for region in findings.faint:
        if region.contrast >= FAINT_CONTRAST and region.share() >= FAINT_SHARE:
            return (
                [region.box()],
                [FAINT_SCORE * region.contrast * meant(Thing(region.box(), region, None, region.contrast))],
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
