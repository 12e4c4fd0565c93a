"""Backplates painted by a text-to-image net: the words of the prompt, wrapped so that the scene waits for a product."""

from __future__ import annotations

import math
import re

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.artifacts import ModelUse
from lensora.core.errors import InferenceFailed
from lensora.rpc.call import UNWATCHED, Call
from services.segment.backends import Painted

STEP_PX = 16
"""Sides that the nets take are multiples of this: eight pixels a latent, two latents a patch."""

LONGEST_SIDE_PX = 1280
"""Larger pictures are painted at this longest side and enlarged: the nets repeat themselves beyond what they were
trained on, and a backplate is out of focus anyway."""

LEAST_SIDE_PX = 512
"""Smaller pictures are painted at this shorter side and reduced, for the same reason."""

OPENING = "Empty background plate for product photography, without any product: "
CLOSING = (
    ". In the foreground a bare, level surface runs across {share} of the picture and is completely empty, "
    "with room for an object in the middle. {surroundings} {camera}, one soft key light, realistic photograph. "
    "No objects on it, no people, no hands, no text."
)
"""What every prompt is set between: the place stays free, and the camera stands where the photo's did."""

VIEWS = (
    (
        12.0,
        "the lower part",
        "The surroundings behind it are softly out of focus.",
        "Eye level slightly above the surface",
    ),
    (
        30.0,
        "the lower two thirds",
        "Only the lower part of the surroundings shows at the top, softly out of focus.",
        "High angle, the camera looks down at about {degrees} degrees",
    ),
    (
        55.0,
        "most",
        "The surroundings are cropped to a thin out of focus strip at the top.",
        "High angle, the camera looks down steeply at about {degrees} degrees",
    ),
    (
        90.0,
        "the whole",
        "Nothing but the surface is in the picture.",
        "Overhead flat lay, the camera looks straight down",
    ),
)
"""Up to which pitch, degrees: how much of the picture the surface takes, what is said of the surroundings and of the
camera."""

_SPACE = re.compile(r"\s+")


def wrapped(prompt: str, pitch: float) -> str:
    """The net's prompt for a user's words.

    Args:
        prompt: 1 to 1,000 characters, such as ``on a marble countertop``.
        pitch: radians that the camera should look down.
    """
    words = _SPACE.sub(" ", prompt).strip().rstrip(".,;:! ")
    degrees = math.degrees(pitch)
    _, share, surroundings, camera = next((view for view in VIEWS if degrees <= view[0]), VIEWS[-1])
    said = CLOSING.format(share=share, surroundings=surroundings, camera=camera.format(degrees=5 * round(degrees / 5)))
    return f"{OPENING}{words}{said}"


def painted_size(width: int, height: int) -> tuple[int, int]:
    """The size that a net is asked for: near the wished one in shape, within what nets do well, in whole steps."""
    scale = 1.0
    if min(width, height) < LEAST_SIDE_PX:
        scale = LEAST_SIDE_PX / min(width, height)
    if scale * max(width, height) > LONGEST_SIDE_PX:
        scale = LONGEST_SIDE_PX / max(width, height)
    return (
        max(1, round(width * scale / STEP_PX)) * STEP_PX,
        max(1, round(height * scale / STEP_PX)) * STEP_PX,
    )


class DiffusionScenery:
    """``BackplateBackend`` on any inference adapter that serves the ``text-to-image`` tensors."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def paint(
        self,
        prompt: str,
        width: int,
        height: int,
        seed: int,
        pitch: float,
        call: Call = UNWATCHED,
    ) -> Painted:
        across, down = painted_size(width, height)
        call.report("net", 0.02)
        inputs = {
            "prompt": np.array([[wrapped(prompt, pitch).encode()]], object),
            "width": np.array([[across]], np.int32),
            "height": np.array([[down]], np.int32),
            # The nets' generators take signed numbers.
            "seed": np.array([[seed % 2**63]], np.int64),
        }
        answer = self._model.infer(inputs, outputs=["image"], timeout_s=call.time_left_s())["image"]
        wanted = (1, down, across, 3)
        if answer.shape != wanted or answer.dtype != np.uint8:
            raise InferenceFailed(
                f"{self._model.name} painted {answer.dtype} of shape {answer.shape}, not uint8 of {wanted}"
            )
        call.report("resize", 0.95)
        return Painted(_resized(np.ascontiguousarray(answer[0]), width, height), horizon=None, pitch=pitch, key=None)

    def describe(self) -> ModelUse:
        return self._model.describe()


def _resized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The middle of the picture in the wished shape, at the wished size."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    wide, high = min(columns, round(width / scale)), min(rows, round(height / scale))
    left, top = (columns - wide) // 2, (rows - high) // 2
    part = picture[top : top + high, left : left + wide]
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(part, (width, height), interpolation=method), np.uint8)
