"""Detection on made scenes (``python -m quality.scenes``): what is found, what comes first, which names are right."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from lensora.core.boxes import Box, Category, Proposal
from lensora.imaging.photo import decode
from quality.scenes.folders import scenes_in
from services.detect.detection import MAX_OBJECTS, Detector

RIGHT_IOU = 0.5
WHOLE_IOU = 0.75
"""Overlap from which a box holds both of a pair: one of them alone has about a half."""

SAME = (
    {
        "car",
        "truck",
        "pickup",
        "van",
        "minivan",
        "jeep",
        "taxi",
        "racer",
        "sportscar",
        "suv",
        "automobile",
        "hatchback",
        "hybrid",
    },
    {"couch", "sofa", "loveseat", "studio"},
    {"skillet", "pan", "frying", "wok"},
    {"cup", "mug", "coffee"},
    {"shoe", "sneaker", "boot", "sandal", "running"},
    {"plane", "airplane", "airliner", "biplane", "jet", "warplane"},
    {"trash", "bin", "ashcan", "wastebasket", "garbage"},
    {"plant", "flower", "sunflower", "tree", "pot", "potted", "houseplant", "bonsai", "flowerpot"},
    {"dog", "hound", "terrier", "retriever", "puppy", "shepherd"},
    {"bike", "bicycle", "mountain"},
    {"table", "desk", "nightstand", "coffeetable"},
    {"audio", "stereo", "speaker", "radio"},
)
"""Words that name the same thing in a mesh's list and in ImageNet's."""

LEAST_END = 3
"""Letters from which the end of a word counts as a word."""


@dataclass
class Found:
    """What was counted.

    Attributes:
        things, boxes, matched: at ``RIGHT_IOU``; proposals of nothing in particular do not count.
        first, scenes: scenes with things, and those whose first proposal is one of them.
        empty, quiet: scenes without things, and those of them with no proposal.
        pairs, joined: scenes of a pair, and those of them that propose the two as one first and then each.
        sets, served: scenes of a thing on a dish, and those of them that propose all of it first.
        named, right: matched proposals with more than a general word, and those of them that are right.
        wrong: what was called what.
    """

    things: int = 0
    boxes: int = 0
    matched: int = 0
    first: int = 0
    scenes: int = 0
    empty: int = 0
    quiet: int = 0
    pairs: int = 0
    joined: int = 0
    sets: int = 0
    served: int = 0
    named: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Shares for the closing line."""
        return {
            "made_recall_50": self.matched / max(1, self.things),
            "made_precision_50": self.matched / max(1, self.boxes),
            "made_first_right": self.first / max(1, self.scenes),
            "made_empty_quiet": self.quiet / max(1, self.empty),
            "made_pairs_first": self.joined / max(1, self.pairs),
            "made_sets_first": self.served / max(1, self.sets),
            "made_label_precision": self.right / max(1, self.named),
            "made_label_coverage": self.named / max(1, self.matched),
            "made_scenes": self.scenes + self.empty,
        }


def measured(detector: Detector, folder: Path) -> Found:
    """Run a detector over every scene of a part."""
    found = Found()
    for path in scenes_in(folder):
        scene = json.loads(path.read_text())
        things = scene["things"]
        truth = [(Box(*thing["box"]), str(thing["shows"])) for thing in things if thing.get("asked", True)]
        aside = [Box(*thing["box"]) for thing in things if not thing.get("asked", True)]
        data = path.with_name("scene.png").read_bytes()
        detection = detector.detect(decode(data, longest_side_px=detector.working_side_px), MAX_OBJECTS)
        unclear = any(action.code == "no_clear_subject" for action in detection.actions)
        proposals = () if unclear else detection.proposals[:-1]
        boxes = [proposal.box for proposal in proposals]
        if scene["kind"] == "pair":
            found.pairs += 1
            found.joined += len(truth) == 2 and _joined([box for box, _shows in truth], boxes)
            continue
        if scene["kind"] == "set":
            found.sets += 1
            found.served += bool(boxes) and boxes[0].iou(_around([Box(*thing["box"]) for thing in things])) >= WHOLE_IOU
            continue
        _count(found, truth, tuple(p for p in proposals if all(p.box.iou(box) < RIGHT_IOU for box in aside)))
    return found


def _joined(truth: list[Box], boxes: list[Box]) -> bool:
    """True where all are proposed as one first, and each of them later."""
    return (
        bool(boxes)
        and boxes[0].iou(_around(truth)) >= WHOLE_IOU
        and all(max((box.iou(thing) for box in boxes[1:]), default=0.0) >= RIGHT_IOU for thing in truth)
    )


def _around(boxes: list[Box]) -> Box:
    """The box that holds all of them."""
    low_x, low_y = min(box.x1 for box in boxes), min(box.y1 for box in boxes)
    return Box(low_x, low_y, max(box.x2 for box in boxes), max(box.y2 for box in boxes))


def _count(found: Found, truth: list[tuple[Box, str]], proposals: tuple[Proposal, ...]) -> None:
    found.boxes += len(proposals)
    found.things += len(truth)
    if not truth:
        found.empty += 1
        found.quiet += not proposals
        return
    found.scenes += 1
    found.first += bool(proposals) and max(proposals[0].box.iou(box) for box, _shows in truth) >= RIGHT_IOU
    left = list(truth)
    for proposal in proposals:
        best = max(left, key=lambda thing: proposal.box.iou(thing[0]), default=None)
        if best is None or proposal.box.iou(best[0]) < RIGHT_IOU:
            continue
        left.remove(best)
        found.matched += 1
        if proposal.label.split()[-1] not in {str(category) for category in Category}:
            found.named += 1
            if names(proposal.label, best[1]):
                found.right += 1
            else:
                found.wrong.append(f"{best[1]}: {proposal.label}")


def names(label: str, shows: str) -> bool:
    """True where a label and a mesh's word share a word, or words for the same thing; a flowervase is a vase."""
    one, other = ({word.rstrip("s0123456789") for word in text.lower().split()} for text in (label, shows))
    if any(_ends(word, end) or _ends(end, word) for word in one for end in other):
        return True
    return any(_any_ends(one, same) and _any_ends(other, same) for same in SAME)


def _any_ends(words: set[str], same: set[str]) -> bool:
    return any(_ends(word, end) for word in words for end in same)


def _ends(word: str, end: str) -> bool:
    """True for the word itself, and for one that is put together with it at its end."""
    return word == end or (len(end) >= LEAST_END and word.endswith(end))
