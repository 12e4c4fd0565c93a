"""Which of the detector's proposals ``/init`` offers."""

from __future__ import annotations

from gateway.http.studio.detection import offered
from lensora.core.boxes import FULL_FRAME, FULL_FRAME_LABEL, MIN_CROP_SIDE_PX, Box, Category, Proposal

FRAME = Proposal(FULL_FRAME_LABEL, Category.FULL_FRAME, FULL_FRAME, 0.0)
CUP = Proposal("cup", Category.PRODUCT, Box(0.125, 0.05, 0.8, 1.0), 0.9)
SPECK = Proposal("speck", Category.OBJECT, Box(0.5, 0.5, 0.52, 0.52), 0.5)


def test_a_tiny_photo_offers_only_what_can_be_chosen() -> None:
    """In 64 x 64 pixels the cup's padded crop is too small, so the first object is the whole frame."""
    assert offered((CUP, FRAME), 64, 64) == (FRAME,)
    assert offered((CUP, SPECK, FRAME), 100, 100) == (CUP, FRAME)


def test_a_usual_photo_offers_everything() -> None:
    """A speck in a large photo is offered; choosing it is an error that says how small it is."""
    assert offered((CUP, SPECK, FRAME), 800, 600) == (CUP, SPECK, FRAME)


def test_the_whole_frame_is_always_offered() -> None:
    """The smallest photo that is taken can be chosen as a whole."""
    assert offered((FRAME,), MIN_CROP_SIDE_PX, MIN_CROP_SIDE_PX) == (FRAME,)
