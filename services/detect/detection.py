"""What the detect stage gives, and the port that each of its backends fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.core.boxes import FULL_FRAME, FULL_FRAME_LABEL, Box, Category, Proposal, SuggestedAction
from lensora.imaging.photo import Photo
from lensora.rpc.call import UNWATCHED, Call
from services.detect.labels import is_general

MIN_OBJECTS, MAX_OBJECTS = 2, 8
"""Range of ``max_objects``, the full frame included: the public page's."""

MOST_IOU = 0.7
"""Two boxes that overlap more than this are one proposal."""

HELD = 0.8
"""A proposal of whose box another one covers this share is part of that."""


@dataclass(frozen=True, slots=True)
class Detection:
    """The result for one photo.

    Attributes:
        proposals: best first, the whole frame always last.
        actions: problems that the photo's owner can act on.
        models: the nets that were used.
    """

    proposals: tuple[Proposal, ...]
    actions: tuple[SuggestedAction, ...]
    models: tuple[ModelUse, ...]


class Detector(Protocol):
    """A way to find things in a photo. Safe to call from several threads."""

    @property
    def working_side_px(self) -> int:
        """Longest side at which the photo is best given."""
        ...

    def detect(self, photo: Photo, max_objects: int, call: Call = UNWATCHED) -> Detection:
        """Find up to ``max_objects`` things, the full frame included.

        Args:
            photo: decoded at ``working_side_px``.
            max_objects: 2 to 8.
            call: whose work it is; each run of a net looks at it too.

        Raises:
            InferenceFailed, DeadlineExceeded, Unavailable: as the nets do.
        """
        ...

    def looks(self, photo: Photo, boxes: Sequence[Box], call: Call = UNWATCHED) -> NDArray[np.float32] | None:
        """What the thing in each box looks like, (boxes, k), as ``likeness`` compares it; None for a method that
        cannot tell.

        Raises:
            InferenceFailed, DeadlineExceeded, Unavailable: as the nets do.
        """
        ...

    def ready(self) -> bool:
        """True when every net of it can be expected to work now."""
        ...


def listed(proposals: list[Proposal], max_objects: int) -> tuple[Proposal, ...]:
    """The proposals as the public API lists them: no duplicates, best first, the whole frame last."""
    kept: list[Proposal] = []
    for proposal in sorted(proposals, key=lambda proposal: proposal.score, reverse=True):
        if all(proposal.box.iou(other.box) <= MOST_IOU for other in kept):
            kept.append(proposal)
    frame = Proposal(label=FULL_FRAME_LABEL, category=Category.FULL_FRAME, box=FULL_FRAME, score=0.0)
    return (*_named_apart(kept[: max_objects - 1]), frame)


def _named_apart(proposals: Sequence[Proposal]) -> list[Proposal]:
    """The proposals, a part that has its whole's name being that thing alone: a coffee cup without its saucer."""
    return [
        replace(part, label=f"{part.label} alone")
        if not is_general(part.label)
        and any(part.label == whole.label and _holds(whole.box, part.box) for whole in proposals)
        else part
        for part in proposals
    ]


def _holds(whole: Box, part: Box) -> bool:
    iou = whole.iou(part)
    return part.area < whole.area and iou * (whole.area + part.area) / (1.0 + iou) >= HELD * part.area
