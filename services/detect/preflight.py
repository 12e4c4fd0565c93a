"""Preflight: what is wrong with a photo that its owner could do something about, one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import SuggestedAction
from services.detect.regions import Mask, Region

SMALL_PX = 256
"""A subject under this on its longer side, in the full photo, gives a soft texture."""

CUT_SHARE = 0.05
"""Share of a side of the subject's bounds that lies on the picture's border for the subject to count as cut off."""

BLUR_SIDE_PX = 256
"""Longer side at which blur is judged: about what the subject measures in the film."""

BLURRED = 0.62
"""Blur effect from which a subject looks out of focus."""

LOW_CONTRAST = 9.0
"""Colour distance (CIE 1976) of subject and surroundings along the outline below which the outline is a guess."""

BAND = 0.05
"""Width of the bands on both sides of the outline whose colours are compared, as a share of the subject's size."""

SEE_THROUGH_SHARE = 0.12
"""Share of the subject that is see-through from which the back will show in the cutout."""

BOX_ACTIONS = frozenset({"no_clear_subject", "subject_cropped", "subject_small", "subject_blurred"})
"""What holds for a box; the others need an outline."""


class _Edges(NamedTuple):
    """A line of pixels along each edge of a picture."""

    left: Mask
    top: Mask
    right: Mask
    bottom: Mask


@dataclass(frozen=True, slots=True)
class Subject:
    """The best proposal and what preflight needs of it.

    Attributes:
        region: the thing on the grid.
        faint: (h, w) bool on the grid, its see-through part; None where there is none.
        width_px: width of its box in the full photo.
        height_px: height of its box in the full photo.
    """

    region: Region
    faint: Mask | None
    width_px: int
    height_px: int


def suggested_actions(rgb: NDArray[np.uint8], subject: Subject | None) -> list[SuggestedAction]:
    """What to tell the photo's owner; empty where all is well.

    Args:
        rgb: (h, w, 3) uint8 sRGB, the picture at working size.
        subject: None where nothing was found.
    """
    if subject is None:
        return [
            SuggestedAction(
                "no_clear_subject",
                "No single subject stands out in this photo; one thing before a plain background works best.",
            )
        ]
    actions = []
    cut = cut_edges(subject.region)
    if cut:
        sides = " and ".join(cut)
        actions.append(
            SuggestedAction(
                "subject_cropped",
                f"The subject is cut off at the {sides} of the photo; step back so that all of it is in the frame.",
            )
        )
    longer = max(subject.width_px, subject.height_px)
    if longer < SMALL_PX:
        actions.append(
            SuggestedAction(
                "subject_small",
                f"The subject is only {longer} pixels large; {SMALL_PX} or more give a sharp 3D model.",
            )
        )
    if blur_effect(rgb, subject.region) > BLURRED:
        actions.append(
            SuggestedAction("subject_blurred", "The subject looks blurred; hold the camera still and focus on it.")
        )
    if outline_contrast(rgb, subject.region) < LOW_CONTRAST:
        actions.append(
            SuggestedAction(
                "low_contrast",
                "The subject has nearly the colour of its background; another background makes a cleaner cutout.",
            )
        )
    if subject.faint is not None:
        whole = np.count_nonzero(subject.faint | subject.region.mask)
        if np.count_nonzero(subject.faint) > SEE_THROUGH_SHARE * whole:
            actions.append(
                SuggestedAction(
                    "subject_see_through",
                    "Part of the subject is see-through; glass and clear plastic cannot be modelled faithfully yet.",
                )
            )
    return actions


def cut_edges(region: Region) -> list[str]:
    """The picture's edges that cut the region off: some of ``left``, ``top``, ``right``, ``bottom``."""
    mask = region.mask
    left, top, right, bottom = region.bounds
    lines = _Edges(mask[:, 0], mask[0], mask[:, -1], mask[-1])
    lengths = (bottom - top, right - left, bottom - top, right - left)
    return [
        name
        for name, line, length in zip(lines._fields, lines, lengths, strict=True)
        if np.count_nonzero(line) > CUT_SHARE * length
    ]


def blur_effect(rgb: NDArray[np.uint8], region: Region) -> float:
    """How blurred the region is, 0 (sharp) to 1 (Crete et al. 2007, "The blur effect").

    A picture that is blurred again changes little when it was blurred before: the measure is the share of its local
    differences that survive a strong blur. Judged on the subject alone, at the size that it has in the film.
    """
    gray, mask = _subject_view(rgb, region)
    shares = []
    for axis in (0, 1):
        size = (1, 9) if axis == 0 else (9, 1)  # OpenCV takes width, height
        again = cv2.blur(gray, size)
        before = np.abs(np.diff(gray, axis=axis))
        lost = np.maximum(0.0, before - np.abs(np.diff(again, axis=axis)))
        inside = mask[1:] & mask[:-1] if axis == 0 else mask[:, 1:] & mask[:, :-1]
        total = float(before[inside].sum())
        shares.append((total - float(lost[inside].sum())) / total if total > 0 else 0.0)
    return max(shares)


def outline_contrast(rgb: NDArray[np.uint8], region: Region) -> float:
    """Median colour distance (CIE 1976 delta E) between just inside and just outside the outline."""
    grid = (region.mask.shape[1], region.mask.shape[0])
    small = cv2.resize(rgb, grid, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2Lab)
    inside = region.mask.astype(np.float32)
    reach = max(1.5, BAND * float(np.sqrt(region.area)))
    means = []
    for side in (inside, 1 - inside):
        weight = cv2.GaussianBlur(side, (0, 0), reach)
        means.append(cv2.GaussianBlur(lab * side[..., None], (0, 0), reach) / np.maximum(weight, 1e-6)[..., None])
    distance = np.linalg.norm(means[0] - means[1], axis=2)
    edge = region.mask & ~cv2.erode(region.mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    return float(np.median(distance[edge])) if edge.any() else 0.0


def _subject_view(rgb: NDArray[np.uint8], region: Region) -> tuple[NDArray[np.float32], Mask]:
    """The subject's box in grey, ``BLUR_SIDE_PX`` on its longer side, and its mask without the outline."""
    left, top, right, bottom = region.bounds
    scale_y, scale_x = rgb.shape[0] / region.mask.shape[0], rgb.shape[1] / region.mask.shape[1]
    crop = rgb[_pixels(top, bottom, scale_y), _pixels(left, right, scale_x)]
    scale = BLUR_SIDE_PX / max(crop.shape[:2])
    size = (max(2, round(crop.shape[1] * scale)), max(2, round(crop.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    gray = cv2.cvtColor(cv2.resize(crop, size, interpolation=way), cv2.COLOR_RGB2GRAY).astype(np.float32)
    mask = cv2.resize(region.mask[top:bottom, left:right].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return gray, mask.astype(np.bool_)


def _pixels(first: int, end: int, scale: float) -> slice:
    """The pixels of so many cells, one at least: a small photo has fewer pixels than the grid has cells."""
    start, stop = round(first * scale), round(end * scale)
    return slice(start, stop) if stop > start else slice(int(first * scale), int(first * scale) + 1)
