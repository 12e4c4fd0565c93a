"""The still scene: the cutout stands on the backplate, with the shadow that the scene's light would cast.

The subject's pixels are not graded: their colours are what the seller sells. Light is added at the very edge only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from lensora.core.cameras import FOCAL
from lensora.core.errors import EncodeFailed, SubjectNotFound
from lensora.core.frames import linear_from_srgb, srgb_from_linear
from lensora.core.scene import Scene
from lensora.core.staging import (
    BASE_LINE,
    LEVEL_PITCH,
    SQUARE,
    FrameShape,
    border_fade,
    from_above,
    staged,
    straightening,
)
from services.segment.shadow import shade

Plane = NDArray[np.float32]

JPEG_QUALITY = 92
"""No visible loss at normal viewing; the colours are kept at full resolution."""

WRAP, WRAP_REACH = 0.22, 0.008
"""Light of a brighter background that reaches round the edge: its share, and its reach as a fraction of the frame."""

LEAST_REFLECTION = 0.03
"""A surface that mirrors less than this at the subject's foot shows nothing of it."""

FADES = 0.45
"""Height of the subject, as a share of it, over which its reflection falls to 37%."""

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


def place(
    rgba: NDArray[np.uint8],
    width: int,
    height: int,
    pitch: float = LEVEL_PITCH,
    shape: FrameShape = SQUARE,
    turn: float = 0.0,
) -> Placed:
    """Scale and stand the cutout: base line and size as the film's first frame.

    Args:
        rgba: (h, w, 4) uint8 sRGB, straight alpha.
        width: of the frame, pixels.
        height: of the frame, pixels.
        pitch: radians that the scene's camera looks down.
        shape: what will be seen of the frame.
        turn: radians by which the cutout is turned clockwise, so that it stands upright.

    Raises:
        SubjectNotFound: the cutout is empty.
    """
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    layer = np.dstack([rgba[..., :3].astype(np.float32) / 255.0 * alpha, alpha])
    if turn:
        layer = _turned(layer, turn)
    seen = layer[..., 3] > 24.5 / 255.0
    if not seen.any():
        raise SubjectNotFound("cutout is empty: no pixel has alpha over 24 of 255", field="cutout")
    down, across = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    top, bottom, left, right = int(down[0]), int(down[-1]) + 1, int(across[0]), int(across[-1]) + 1
    stage = staged(right - left, bottom - top, pitch, shape)
    scale = min(stage.fill * width / (right - left), stage.fill * height / (bottom - top))
    shift_x = 0.5 * width - scale * (left + right) / 2
    shift_y = stage.base_line * height - scale * bottom
    rows, columns = layer.shape[:2]
    if scale < 1.0:
        # Averaged over the pixels that fall together, so that nothing sparkles.
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        layer = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
        step_x, step_y = size[0] / columns / scale, size[1] / rows / scale
        matrix = np.array([[1 / step_x, 0, shift_x], [0, 1 / step_y, shift_y]], np.float64)
    else:
        matrix = np.array([[scale, 0, shift_x + (scale - 1) / 2], [0, scale, shift_y + (scale - 1) / 2]], np.float64)
    flags = cv2.INTER_LINEAR if scale < 1.0 else cv2.INTER_CUBIC
    glance()
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


def _turned(layer: Plane, turn: float) -> Plane:
    """A premultiplied picture (h, w, 4) turned clockwise by ``turn``, radians, with room for its corners."""
    height, width = layer.shape[:2]
    c, s = math.cos(turn), math.sin(turn)
    wide, high = math.ceil(width * abs(c) + height * abs(s)), math.ceil(width * abs(s) + height * abs(c))
    middle = np.array([(wide - 1) / 2, (high - 1) / 2]) - np.array([[c, -s], [s, c]]) @ [
        (width - 1) / 2,
        (height - 1) / 2,
    ]
    move = np.array([[c, -s, middle[0]], [s, c, middle[1]]])
    return np.asarray(cv2.warpAffine(layer, move, (wide, high), flags=cv2.INTER_CUBIC), np.float32).clip(0.0, 1.0)


def composite(
    rgba: NDArray[np.uint8], backplate: NDArray[np.uint8], scene: Scene, shape: FrameShape = SQUARE
) -> NDArray[np.uint8]:
    """The cutout in the scene.

    Args:
        rgba: (h, w, 4) uint8 sRGB, straight alpha.
        backplate: (height, width, 3) uint8 sRGB.
        scene: the backplate's ground and light.
        shape: what is seen of the backplate.

    Returns:
        uint8 sRGB: the backplate's middle, of that shape.
    """
    height, width = backplate.shape[:2]
    pitch = LEVEL_PITCH if scene.pitch is None else scene.pitch
    placed = place(rgba, width, height, pitch, shape, straightening(scene.viewpoint))
    glance()
    ground = linear_from_srgb(backplate.astype(np.float32) / 255.0)
    glance()
    left = shade(placed.alpha, placed.bottom, scene)
    seen = (0, 0, width, height) if shape == SQUARE else shape.box(width)
    if scene.plain:
        left = 1.0 - (1.0 - left) * border_fade(width, height, seen).astype(np.float32)[..., None]
    ground *= left
    glance()
    behind = srgb_from_linear(ground)
    glance()
    behind = _with_reflection(behind, placed, scene)
    alpha = placed.alpha[..., None]
    front = placed.rgb
    if not scene.plain:
        glance()
        front = front + _wrapped(placed, behind)
    glance()
    out = front + behind * (1.0 - alpha)
    out = out[seen[1] : seen[3], seen[0] : seen[2]]
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


def _with_reflection(behind: Plane, placed: Placed, scene: Scene) -> Plane:
    """The ground with the subject mirrored in it, as far as it is polished and the subject is seen from its side.

    Seen from above, the mirror shows a thing from below, which the photo does not have.
    """
    height, width = placed.alpha.shape
    pitch = LEVEL_PITCH if scene.pitch is None else scene.pitch
    share = float(scene.mirrored(np.array([math.sin(pitch + math.atan((BASE_LINE - 0.5) / FOCAL))]))[0])
    share *= 1.0 - from_above(pitch)
    if share < LEAST_REFLECTION or scene.afloat:
        return behind
    foot = placed.bottom
    widest = max(0.6, 0.10 * scene.roughness * (foot - placed.top))
    narrow = max(0.6, 0.004 * height)
    # The mirror begins at the foot; rows above it are looked at as far as the blurs reach (OpenCV's end at 4 sigmas).
    first = min(max(0, math.ceil(foot - 0.5)), height - 1)
    top = max(0, first - math.ceil(4.0 * max(widest, narrow)) - 1)
    flip = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 2.0 * foot - 1.0]])
    layer = np.dstack([placed.rgb, placed.alpha])
    mirrored = np.asarray(cv2.warpAffine(layer, flip, (width, height), flags=cv2.INTER_LINEAR)[top:], np.float32)
    soft, sharp = (_blurred(mirrored, sigma)[first - top :] for sigma in (widest, narrow))
    away = (np.arange(first, height, dtype=np.float32) + 0.5 - foot) / max(1.0, foot - placed.top)
    away = np.clip(away, 0.0, 1.0)
    blurred = sharp + (soft - sharp) * np.sqrt(away)[:, None, None]
    weight = np.where(away > 0.0, share * np.exp(-away / FADES), 0.0).astype(np.float32)[:, None, None]
    ground = behind[first:] * (1.0 - weight * blurred[..., 3:]) + weight * blurred[..., :3]
    return np.concatenate([behind[:first], np.asarray(ground, np.float32)])


def _blurred(layer: Plane, sigma: float) -> Plane:
    """An (h, w, channels) picture with a Gaussian blur, with a look before each channel: a wide one takes seconds."""
    out = np.empty_like(layer)
    for channel in range(layer.shape[2]):
        glance()
        out[..., channel] = cv2.GaussianBlur(np.ascontiguousarray(layer[..., channel]), (0, 0), sigma)
    return out


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
    glance()
    own = placed.rgb / np.maximum(placed.alpha[..., None], 1e-3)
    brighter = np.clip((soft - own) @ LUMA, 0.0, 1.0)
    return np.asarray((WRAP * edge * brighter)[..., None] * soft, dtype=np.float32)
