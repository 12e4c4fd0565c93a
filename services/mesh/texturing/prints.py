"""Writing on things that look the same from both sides: seen from behind it is turned around, so that it still reads.

A line of writing is known by what it is made of: several marks of about one height in a row, apart from each other, on
plain ground that goes all around. Parts of a thing (windows, wheels, grilles) border on each other or on the outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.cutout import Cutout

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class PrintParameters:
    """What counts as a line of writing.

    Attributes:
        search_px: longer side of the picture in which writing is looked for.
        edge_levels: least change of luminance within three pixels at a mark's edge; plain ground, noise and shading
            stay below.
        gap, leading: widest gap between marks of one line, and between lines that are still one; shares of the longer
            side.
        space, uneven: widest space between words, and how far they may stand above or below each other, for the line's
            height.
        most_words: the longest are looked at: what has more is covered with writing or with something else.
        heights, widest: heights of a line, and its greatest length, shares of the longer side: smaller cannot be read,
            larger is a part.
        long: least length of a line for its height: three letters.
        marks, alike: fewest marks of a line, and the height that a mark must have for the line's.
        plain: least share of the ground around a line that is plain.
        margin: width of that ground for the line's height.
        clear: least contrast of the marks for the spread of their ground's own luminance: what lies across an edge of
            the thing, or among speckles, has no ground of one colour.
        symmetric: a line whose mirror image is like it to this correlation reads either way.
    """

    search_px: int = 640
    edge_levels: float = 36.0
    gap: float = 0.020
    leading: float = 0.004
    space: float = 1.2
    uneven: float = 0.35
    most_words: int = 60
    heights: tuple[float, float] = (0.010, 0.12)
    widest: float = 0.6
    long: float = 1.6
    marks: int = 3
    alike: float = 0.55
    plain: float = 0.92
    margin: float = 0.35
    clear: float = 2.0
    symmetric: float = 0.6


PARAMETERS = PrintParameters()


def readable_behind(cutout: Cutout) -> Bytes:
    """(h, w, 3) uint8: the photo with every line of writing mirrored in its place; the photo itself where none is."""
    photo = cutout.photo
    height, width = cutout.mask.shape
    factor = min(1.0, PARAMETERS.search_px / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    luma = cv2.cvtColor(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    safe = np.asarray(cv2.resize(cutout.safe.astype(np.uint8), size, interpolation=cv2.INTER_AREA)) > 0
    lines = _lines(np.asarray(luma, np.uint8), safe)
    if not lines:
        return photo
    out = photo.copy()
    for line in lines:
        _turn_round(out, photo, line / factor)
    return out


def _lines(luma: Bytes, safe: NDArray[np.bool_]) -> list[Doubles]:
    """Lines of writing: the corners (4, 2) of each one's box, pixels, along the line first."""
    long = max(luma.shape)
    edges = cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) >= PARAMETERS.edge_levels
    edges &= safe
    kernel = np.ones(
        (2 * round(0.5 * PARAMETERS.leading * long) + 1, 2 * round(0.5 * PARAMETERS.gap * long) + 1), np.uint8
    )
    joined = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    boxes = _merged(
        [
            contour
            for contour in contours
            if PARAMETERS.heights[0] * long <= _box(contour)[2] <= PARAMETERS.heights[1] * long
        ]
    )
    return [
        corners
        for corners, length, height in boxes
        if PARAMETERS.heights[0] * long <= height <= PARAMETERS.heights[1] * long
        and PARAMETERS.long * height <= length <= PARAMETERS.widest * long
        and _is_writing(luma, safe, edges, corners)
    ]


def _box(points: NDArray[np.generic]) -> tuple[Doubles, float, float]:
    """The smallest box around points (n, 1, 2): corners (4, 2), along its longer side first, length and height."""
    corners = cv2.boxPoints(cv2.minAreaRect(np.asarray(points, np.int32))).astype(np.float64)
    if np.linalg.norm(corners[1] - corners[0]) < np.linalg.norm(corners[2] - corners[1]):
        corners = np.roll(corners, -1, axis=0)
    return corners, float(np.linalg.norm(corners[1] - corners[0])), float(np.linalg.norm(corners[2] - corners[1]))


def _merged(contours: list[NDArray[np.generic]]) -> list[tuple[Doubles, float, float]]:
    """Boxes of contours, words of one line joined: of one height, on one line, no farther apart than a space."""
    words = [
        (contour, _box(contour))
        for contour in sorted(contours, key=lambda points: -_box(points)[1])[: PARAMETERS.most_words]
    ]
    lines = []
    while words:
        points, line = words.pop(0)
        grown = True
        while grown:
            grown = False
            for k, (more, word) in enumerate(words):
                if _on_one_line(line, word):
                    points = np.concatenate([points, more])
                    line = _box(points)
                    words.pop(k)
                    grown = True
                    break
        lines.append(line)
    return lines


def _on_one_line(line: tuple[Doubles, float, float], word: tuple[Doubles, float, float]) -> bool:
    """Whether a word goes on where a line ends."""
    corners, length, height = line
    along = (corners[1] - corners[0]) / max(length, 1e-9)
    off = (word[0] - corners.mean(axis=0)) @ np.stack([along, [-along[1], along[0]]], axis=1)
    low, high = off.min(axis=0), off.max(axis=0)
    gap = max(low[0] - 0.5 * length, -0.5 * length - high[0])
    level = max(abs(low[1] + 0.5 * height), abs(high[1] - 0.5 * height))
    return bool(gap <= PARAMETERS.space * height and level <= PARAMETERS.uneven * height)


def _is_writing(luma: Bytes, safe: NDArray[np.bool_], edges: NDArray[np.bool_], box: Doubles) -> bool:
    """Whether a box holds marks in a row on plain ground, which read one way only."""
    length, height = float(np.linalg.norm(box[1] - box[0])), float(np.linalg.norm(box[2] - box[1]))
    margin = max(2, round(PARAMETERS.margin * height))
    size = (round(length) + 2 * margin, round(height) + 2 * margin)
    # The box laid straight, with the ground around it.
    corners = np.array([[0, 0], [length, 0], [length, height]]) + margin
    lay = cv2.getAffineTransform(box[:3].astype(np.float32), corners.astype(np.float32))
    inside, busy, grey = (
        np.asarray(cv2.warpAffine(picture.astype(np.float32), lay, size, flags=cv2.INTER_LINEAR), np.float32)
        for picture in (safe, edges, luma)
    )
    ring = np.ones((size[1], size[0]), bool)
    ring[margin:-margin, margin:-margin] = False
    ring[[margin - 1, -margin]] = ring[:, [margin - 1, -margin]] = False
    if inside[ring].mean() < PARAMETERS.plain or (busy[ring] < 0.5).mean() < PARAMETERS.plain:
        return False
    low, middle, high = np.percentile(grey[ring], (5, 50, 95))
    off = np.abs(grey - middle)
    core = off[margin:-margin, margin:-margin]
    contrast = float(np.percentile(core, 95))
    if contrast < PARAMETERS.clear * float(high - low):
        return False
    marked = (off > 0.5 * contrast).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
    tall = stats[1:, cv2.CC_STAT_HEIGHT] >= PARAMETERS.alike * (round(height) - 2)
    narrow = stats[1:, cv2.CC_STAT_WIDTH] <= 0.6 * length
    if count - 1 < PARAMETERS.marks or int((tall & narrow).sum()) < PARAMETERS.marks:
        return False
    flat = core - core.mean()
    spread = float((flat**2).sum())
    return spread > 0.0 and float((flat * flat[:, ::-1]).sum()) / spread < PARAMETERS.symmetric


def _turn_round(out: Bytes, photo: Bytes, box: Doubles) -> None:
    """Mirror what a box of the photo holds along its first side, and lay it over its place in ``out``."""
    along = (box[1] - box[0]) / max(float(np.linalg.norm(box[1] - box[0])), 1e-9)
    height = float(np.linalg.norm(box[2] - box[1]))
    middle = box.mean(axis=0)
    margin = PARAMETERS.margin * height
    low = np.maximum(np.floor(box.min(axis=0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(box.max(axis=0) + margin).astype(int) + 1, photo.shape[1::-1])
    part = photo[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    size = (part.shape[1], part.shape[0])
    x, y = np.meshgrid(np.arange(size[0]) + 0.5 + low[0], np.arange(size[1]) + 0.5 + low[1])
    off = (x - middle[0]) * along[0] + (y - middle[1]) * along[1]
    at_x, at_y = x - 2.0 * off * along[0], y - 2.0 * off * along[1]
    # The ground's own shading stays: a plane through what lies around the line.
    inner = np.zeros(part.shape[:2], np.uint8)
    cv2.fillConvexPoly(inner, np.round(box - low).astype(np.int32), 1)
    wide = cv2.dilate(inner, np.ones((2 * max(1, round(0.4 * margin)) + 1,) * 2, np.uint8))
    ground = wide == 0
    if ground.sum() < 8:
        return
    known = np.stack([x[ground], y[ground], np.ones(int(ground.sum()))], axis=1)
    plane = np.linalg.lstsq(known, part[ground].astype(np.float64), rcond=None)[0]
    turned = cv2.remap(
        photo,
        (at_x - 0.5).astype(np.float32),
        (at_y - 0.5).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float64)
    turned += np.stack([x - at_x, y - at_y, np.zeros_like(x)], axis=2) @ plane
    share = cv2.GaussianBlur(wide.astype(np.float32), (0, 0), max(0.5, 0.2 * margin))[..., None]
    place = out[low[1] : high[1], low[0] : high[0]]
    place[...] = np.clip(place + share * (turned - place) + 0.5, 0, 255)
