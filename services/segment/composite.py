"""The still scene: the cutout stands on the backplate, with the shadow that the scene's light would cast.

The subject's pixels are not graded: their colours are what the seller sells. Light is added at the very edge only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import EncodeFailed, SubjectNotFound
from lensora.core.frames import linear_from_srgb, srgb_from_linear
from lensora.core.scene import Lighting, Scene

Plane = NDArray[np.float32]

BASE_LINE = 0.86
"""Height of the subject's lowest point, as a share of the frame from the top: the film stands it there, too."""

EXTENT = 0.66
"""Share of the frame that the subject's larger extent fills."""

JPEG_QUALITY = 92
"""No visible loss at normal viewing; the colours are kept at full resolution."""

SHADOW_PX = 448
"""Shadows are made at this size: they are soft."""

SLICES = 48
"""Heights at which the subject is taken to be cut for its shadow."""

DEPTH = 0.70
"""Depth of a slice over its width: most products are round, or somewhat less deep than wide."""

LOWEST_KEY = np.sin(np.radians(28.0))
"""The sine of the lowest key light that casts: a lower one would throw the shadow out of the frame, as in the film."""

SOURCE = 0.10
"""Angular size of the key light, radians: blur of the cast shadow per height."""

CAST, AMBIENT, CONTACT = 0.92, 0.62, 0.66
"""Share of the key light, of the dome and of all light that the three shadows take at their darkest."""

WRAP, WRAP_REACH = 0.22, 0.008
"""Light of a brighter background that reaches round the edge: its share, and its reach as a fraction of the frame."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Placed:
    """The cutout, scaled and standing in the frame.

    Attributes:
        rgb: (height, width, 3) float32 sRGB 0..1; its own colours, premultiplied by ``alpha``.
        alpha: (height, width) float32, 0..1.
        left, top, right, bottom: the subject's bounds, pixels.
    """

    rgb: Plane
    alpha: Plane
    left: float
    top: float
    right: float
    bottom: float


def place(rgba: NDArray[np.uint8], width: int, height: int) -> Placed:
    """Scale and stand the cutout: base line and size as the film's first frame.

    Args:
        rgba: (h, w, 4) uint8 sRGB, straight alpha.
        width: of the frame, pixels.
        height: of the frame, pixels.

    Raises:
        SubjectNotFound: the cutout is empty.
    """
    seen = rgba[..., 3] > 24
    if not seen.any():
        raise SubjectNotFound("cutout is empty: no pixel has alpha over 24 of 255", field="cutout")
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    scale = min(EXTENT * width / (right - left), EXTENT * height / (bottom - top))
    shift_x = 0.5 * width - scale * (left + right) / 2
    shift_y = BASE_LINE * height - scale * bottom
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    layer = np.dstack([rgba[..., :3].astype(np.float32) / 255.0 * alpha, alpha])
    if scale < 1.0:
        # Averaged over the pixels that fall together, so that nothing sparkles.
        size = (max(1, round(layer.shape[1] * scale)), max(1, round(layer.shape[0] * scale)))
        layer = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
        step_x, step_y = layer.shape[1] / rgba.shape[1] / scale, layer.shape[0] / rgba.shape[0] / scale
        matrix = np.array([[1 / step_x, 0, shift_x], [0, 1 / step_y, shift_y]], np.float64)
    else:
        matrix = np.array([[scale, 0, shift_x + (scale - 1) / 2], [0, scale, shift_y + (scale - 1) / 2]], np.float64)
    flags = cv2.INTER_LINEAR if scale < 1.0 else cv2.INTER_CUBIC
    frame = cv2.warpAffine(layer, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT)
    frame = np.clip(frame, 0.0, 1.0).astype(np.float32)
    return Placed(
        rgb=np.ascontiguousarray(frame[..., :3]),
        alpha=np.ascontiguousarray(frame[..., 3]),
        left=left * scale + shift_x,
        top=top * scale + shift_y,
        right=right * scale + shift_x,
        bottom=bottom * scale + shift_y,
    )


def composite(rgba: NDArray[np.uint8], backplate: NDArray[np.uint8], scene: Scene) -> NDArray[np.uint8]:
    """The cutout in the scene.

    Args:
        rgba: (h, w, 4) uint8 sRGB, straight alpha.
        backplate: (height, width, 3) uint8 sRGB.
        scene: the backplate's ground and light.

    Returns:
        (height, width, 3) uint8 sRGB.
    """
    height, width = backplate.shape[:2]
    placed = place(rgba, width, height)
    ground = linear_from_srgb(backplate.astype(np.float32) / 255.0)
    ground *= _shade(placed, scene, width, height)
    behind = srgb_from_linear(ground)
    alpha = placed.alpha[..., None]
    front = placed.rgb
    if not scene.plain:
        front = front + _wrapped(placed, behind)
    out = front + behind * (1.0 - alpha)
    return np.asarray(np.clip(out, 0.0, 1.0) * 255.0 + 0.5, dtype=np.uint8)


def encode_jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """JPEG bytes of an (h, w, 3) uint8 sRGB picture, 4:4:4.

    Raises:
        EncodeFailed: OpenCV could not write it.
    """
    done, data = cv2.imencode(
        ".jpg",
        np.ascontiguousarray(rgb[..., ::-1]),
        [
            cv2.IMWRITE_JPEG_QUALITY,
            JPEG_QUALITY,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            cv2.IMWRITE_JPEG_OPTIMIZE,
            1,
        ],
    )
    if not done:
        raise EncodeFailed(f"the scene of {rgb.shape[1]}x{rgb.shape[0]} pixels could not be written as JPEG")
    return bytes(data)


def foreshortening(horizon: float, plain: bool) -> float:
    """How much a length on the ground shrinks that runs away from the camera, 0..1: the lower the horizon, the more."""
    if plain:
        return 0.22
    return float(np.clip(0.26 * (BASE_LINE - horizon) / 0.26, 0.12, 0.34))


def key_share(lighting: Lighting) -> NDArray[np.float32]:
    """(3,) share of the light on the ground that comes from the key light, 0..1."""
    sky = np.pi * 0.282095 * lighting.sh[0] + (2 * np.pi / 3) * 0.488603 * lighting.sh[1]
    key = lighting.key_color * max(float(lighting.key_direction[1]), float(LOWEST_KEY))
    return np.asarray(np.clip(key / np.maximum(key + np.maximum(sky, 1e-3), 1e-3), 0.0, 1.0), np.float32)


def _shade(placed: Placed, scene: Scene, width: int, height: int) -> Plane:
    """(height, width, 3) what is left of the ground's light, 0..1."""
    scale = min(1.0, SHADOW_PX / max(width, height))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    alpha = np.asarray(cv2.resize(placed.alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    base, top = placed.bottom * scale, placed.top * scale
    tall = max(2.0, base - top)
    frame = max(size)
    short = foreshortening(scene.horizon, scene.plain)
    cast = _cast(alpha, base, tall, scene.lighting, short)
    wide = max(2.0, (placed.right - placed.left) * scale)
    contact = _touch(alpha, base, wide, 0.10, 0.0035 * frame)
    near = _touch(alpha, base, wide, 0.22, 0.012 * frame)
    around = cv2.GaussianBlur(_touch(alpha, base, wide, 0.45, 0.045 * frame), (0, 0), 0.012 * frame)
    share = key_share(scene.lighting)
    weak = 0.6 if scene.plain else 1.0
    left = 1.0 - weak * CAST * cast[..., None] * share
    left *= 1.0 - (weak * AMBIENT * np.clip(0.70 * near + 0.80 * around, 0.0, 1.0))[..., None]
    left *= 1.0 - (CONTACT * np.clip(contact, 0.0, 1.0) ** 1.2)[..., None]
    # The wall behind the ground is not in the subject's shadow.
    rows = (np.arange(size[1], dtype=np.float32) + 0.5) / size[1]
    on_ground = np.ones_like(rows) if scene.plain else np.clip((rows - scene.horizon) / 0.05, 0.0, 1.0)
    left = 1.0 - (1.0 - left) * on_ground[:, None, None]
    grown = cv2.resize(left.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(grown, 0.0, 1.0).astype(np.float32)


def _slice(alpha: Plane, row: float) -> tuple[Plane, float]:
    """The subject's row at a height, (width,) float32, and its width in pixels."""
    line = alpha[int(np.clip(row, 0, alpha.shape[0] - 1))]
    return line, float(line.sum())


def _splat(into: Plane, line: Plane, y: float, depth_px: float, shift: float) -> None:
    """Lay a slice on the ground: its row, moved sideways, spread over its own foreshortened depth."""
    height, width = into.shape
    half = max(0.7, depth_px / 2)
    first, last = max(0, int(np.floor(y - half))), min(height, int(np.ceil(y + half)) + 1)
    if first >= last:
        return
    moved = np.interp(np.arange(width) - shift, np.arange(width), line, left=0.0, right=0.0).astype(np.float32)
    rows = np.arange(first, last, dtype=np.float32) + 0.5
    # A round slice: fuller in its middle.
    cover = np.sqrt(np.clip(1.0 - ((rows - y) / (half + 0.5)) ** 2, 0.0, 1.0))
    part = into[first:last]
    np.maximum(part, cover[:, None] * moved[None, :], out=part)


def _cast(alpha: Plane, base: float, tall: float, lighting: Lighting, short: float) -> Plane:
    """The key light's shadow on the ground, 0..1: sharp at the foot, softer with every bit of height."""
    x, y, z = (float(v) for v in lighting.key_direction)
    y = max(y, float(LOWEST_KEY))
    groups = 6
    shadow = np.zeros_like(alpha)
    layer = np.zeros_like(alpha)
    for k in range(SLICES):
        rise = (k + 0.5) / SLICES * tall
        line, wide = _slice(alpha, base - rise)
        if wide > 0.5:
            away = z / y * rise
            _splat(layer, line, base - away * short, DEPTH * wide * short, -x / y * rise)
        if (k + 1) % (SLICES // groups) == 0:
            blur = max(0.8, SOURCE * rise / y)
            np.maximum(shadow, np.asarray(cv2.GaussianBlur(layer, (0, 0), blur), np.float32), out=shadow)
    return np.clip(shadow, 0.0, 1.0)


def _touch(alpha: Plane, base: float, wide: float, reach: float, spread_px: float) -> Plane:
    """Darkness under the subject's lower outline, 0..1: full where it stands, less the higher the outline hangs.

    Args:
        alpha: (h, w) float32.
        base: row of the lowest point.
        wide: the subject's width, pixels.
        reach: how far over the base line, as a share of the width, the outline still shades the ground.
        spread_px: how far the shade runs out from the outline.
    """
    solid = alpha > 0.5
    height = alpha.shape[0]
    lowest = np.where(solid.any(axis=0), height - np.argmax(solid[::-1], axis=0), -1).astype(np.float32)
    hang = np.maximum(base - lowest, 0.0)
    weight = np.where(lowest >= 0, np.exp(-((hang / (reach * wide + 1.0)) ** 2)), 0.0).astype(np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None] + 0.5
    below = rows - lowest[None, :]
    shade = np.where(below < 0, 1.0, np.exp(-0.5 * (below / max(0.6, spread_px)) ** 2)) * weight[None, :]
    # Nothing far above the outline: the shade is on the ground, not on the wall.
    shade = np.where(below < -3.0 * spread_px - 2.0, 0.0, shade)
    return np.asarray(cv2.GaussianBlur(shade.astype(np.float32), (0, 0), max(0.7, 0.6 * spread_px)), np.float32)


def _wrapped(placed: Placed, behind: Plane) -> Plane:
    """Light that a brighter background throws round the subject's edge, premultiplied, sRGB steps of 0..1."""
    height, width = placed.alpha.shape
    reach = max(1.0, WRAP_REACH * max(width, height))
    outside = cv2.GaussianBlur(1.0 - placed.alpha, (0, 0), reach)
    edge = np.clip(outside, 0.0, 1.0) ** 2 * placed.alpha
    scale = 4
    small = cv2.resize(behind, (max(1, width // scale), max(1, height // scale)), interpolation=cv2.INTER_AREA)
    soft = cv2.resize(
        cv2.GaussianBlur(small, (0, 0), 2.0 * reach / scale + 0.5), (width, height), interpolation=cv2.INTER_LINEAR
    )
    own = placed.rgb / np.maximum(placed.alpha[..., None], 1e-3)
    brighter = np.clip((soft - own) @ LUMA, 0.0, 1.0)
    return np.asarray((WRAP * edge * brighter)[..., None] * soft, dtype=np.float32)
