"""Photos that were cut out already and trimmed to their subject."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from lensora.core.artifacts import MediaType
from lensora.core.boxes import FULL_FRAME, Box, Category, Proposal
from lensora.imaging.photo import Photo, PhotoInfo
from lensora.rpc.call import UNWATCHED, Call
from services.detect.detection import Detection
from services.detect.trimmed import detected, is_trimmed


def cut_out_disc(air: int = 0) -> Photo:
    """A disc of 300 by 200 pixels on nothing, with so many pixels of air on each side; reduced from twice its size."""
    alpha = np.zeros((200 + 2 * air, 300 + 2 * air), np.uint8)
    cv2.ellipse(alpha, (150 + air, 100 + air), (150, 100), 0, 0, 360, 255, -1)
    rgb = np.full((*alpha.shape, 3), 40, np.uint8)
    return Photo(rgb, alpha, PhotoInfo(MediaType.PNG, 2 * alpha.shape[1], 2 * alpha.shape[0]))


class Outliner:
    """A detector that finds what is not white, and keeps what it was shown."""

    working_side_px = 1024

    def __init__(self) -> None:
        self.shown: Photo | None = None

    def detect(self, photo: Photo, max_objects: int, call: Call = UNWATCHED) -> Detection:
        self.shown = photo
        seen = photo.over((255, 255, 255)).min(axis=2) < 128
        height, width = seen.shape
        across, down = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
        box = Box(across[0] / width, down[0] / height, (across[-1] + 1) / width, (down[-1] + 1) / height)
        corner = Box(0.0, 0.0, 0.05, 0.05)
        named = [(box, Category.PRODUCT), (corner, Category.OBJECT), (FULL_FRAME, Category.FULL_FRAME)]
        return Detection(tuple(Proposal(kind.value, kind, place, 1.0) for place, kind in named), (), ())

    def looks(self, photo: Photo, boxes: Sequence[Box], call: Call = UNWATCHED) -> None:
        return None

    def ready(self) -> bool:
        return True


def test_a_trimmed_cutout_is_shown_with_air() -> None:
    """Its subject lies within the frame that is looked at; boxes are those of the photo, and one of air is none."""
    detector = Outliner()
    found = detected(detector, cut_out_disc(), 6)
    shown = detector.shown
    assert shown is not None and shown.alpha is not None and not shown.alpha[[0, -1]].any()
    assert shown.info.width / shown.rgb.shape[1] == pytest.approx(2.0)
    assert [proposal.category for proposal in found.proposals] == [Category.PRODUCT, Category.FULL_FRAME]
    box = found.proposals[0].box
    assert max(box.x1, box.y1, 1.0 - box.x2, 1.0 - box.y2) < 0.01
    assert found.proposals[-1].box == FULL_FRAME


def test_other_photos_are_shown_as_they_are() -> None:
    """One with air on a side, one that is opaque, and a picture whose corners alone are clear."""
    corners = cut_out_disc()
    assert corners.alpha is not None
    corners.alpha[:] = 255
    corners.alpha[:8, :8] = 0
    beside = cut_out_disc(30)
    assert beside.alpha is not None
    cut_off = Photo(beside.rgb[:180], beside.alpha[:180], PhotoInfo(MediaType.PNG, 720, 360))
    opaque = Photo(beside.rgb, None, beside.info)
    for photo in (corners, beside, cut_off, opaque):
        detector = Outliner()
        detected(detector, photo, 6)
        assert detector.shown is photo and not is_trimmed(photo)
