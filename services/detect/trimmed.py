"""Photos that were cut out already and trimmed to their subject: nothing of it is missing beyond the frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lensora.core.boxes import CROP_PADDING, Box
from lensora.imaging.photo import Photo, PhotoInfo
from lensora.imaging.transparency import is_matte
from lensora.rpc.call import UNWATCHED, Call
from services.detect.detection import Detection, Detector

MOST_AIR = 0.01
"""Air on each side, as a share of the longer one, up to which a picture counts as trimmed: the last pixels of a soft
edge are too faint to be seen."""


def detected(detector: Detector, photo: Photo, max_objects: int, call: Call = UNWATCHED) -> Detection:
    """What ``detector`` finds in a photo. A trimmed one is shown with clear air around it, as it was before.

    Args and errors are those of ``Detector.detect``.
    """
    if not is_trimmed(photo):
        return detector.detect(photo, max_objects, call)
    found = detector.detect(with_air(photo), max_objects, call)
    places = [(proposal, without_air(proposal.box, photo)) for proposal in found.proposals]
    return replace(found, proposals=tuple(replace(proposal, box=box) for proposal, box in places if box is not None))


def is_trimmed(photo: Photo) -> bool:
    """True where the photo has a matte of its own that reaches all four sides: what is clear around it was cut off."""
    if photo.alpha is None or not is_matte(photo.alpha):
        return False
    most = MOST_AIR * max(photo.alpha.shape)
    across, down = np.flatnonzero(photo.alpha.any(axis=0)), np.flatnonzero(photo.alpha.any(axis=1))
    height, width = photo.alpha.shape
    return bool(max(across[0], down[0], width - 1 - across[-1], height - 1 - down[-1]) <= most)


def with_air(photo: Photo) -> Photo:
    """A trimmed photo with clear air on every side, as much as a crop has; its full size grows likewise."""
    assert photo.alpha is not None
    height, width = photo.alpha.shape
    air = _air(photo)
    wide, high = width + 2 * air, height + 2 * air
    info = PhotoInfo(
        photo.info.media_type, round(photo.info.width * wide / width), round(photo.info.height * high / height)
    )
    sides = ((air, air), (air, air))
    return Photo(np.pad(photo.rgb, (*sides, (0, 0))), np.pad(photo.alpha, sides), info)


def without_air(box: Box, photo: Photo) -> Box | None:
    """A box that was found in ``with_air(photo)`` as fractions of the photo itself; None for one of air alone."""
    height, width = photo.rgb.shape[:2]
    air = _air(photo)

    def inside(value: float, side: int) -> float:
        return min(1.0, max(0.0, (value * (side + 2 * air) - air) / side))

    left, right = inside(box.x1, width), inside(box.x2, width)
    top, bottom = inside(box.y1, height), inside(box.y2, height)
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def _air(photo: Photo) -> int:
    """Pixels of air on each side."""
    longest: int = max(photo.rgb.shape[:2])
    return round(CROP_PADDING * longest)
