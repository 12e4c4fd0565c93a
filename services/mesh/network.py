"""The shape network, seen from the mesh stage: a cutout in, a frozen prediction out.

The network (docs/models/lensora-shape.md) sees a square picture of the subject and speaks of the space behind it in
the picture's own frame. Lengths are in *half sides* of that picture: x to the right, y up, z towards the viewer, the
origin in the picture's middle, on the plane through the subject's middle. A point (x, y, z) is seen at
``x * distance / (distance - z)``, so that rays through the picture's cells spread as the camera's do.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.errors import InferenceFailed
from services.mesh.cutout import Cutout

Floats = NDArray[np.float32]

MODEL = "lensora-shape"
"""The network's name in the model manifest."""

INPUT, OUTPUTS = "picture", ("field", "surface", "camera")
"""Names in the ONNX graph."""


@dataclass(frozen=True)
class FieldFrame:
    """The box of space that the network speaks of, in half sides of its square picture.

    Attributes:
        image_px: side of the picture that it sees.
        cells: rows, columns and bins of its field.
        reach: the field holds z from ``reach`` (bin 0, nearest to the viewer) to ``-reach``.
        margin: half the picture's side over half the subject's longer side.
    """

    image_px: int = 128
    cells: int = 64
    reach: float = 1.5
    margin: float = 1.1


@dataclass(frozen=True)
class ShapePrediction:
    """What the network says of one cutout; lengths in half sides, see the module.

    Attributes:
        field: (bins, rows, columns) float32, logits of being inside the solid, bin 0 nearest to the viewer.
        depth: (s, s) float32, z of the front surface.
        normals: (s, s, 3) float32, unit normals of the front surface.
        spread: (s, s) float32, > 0, how far off the depth is expected to be.
        pitch: radians, positive when the camera looks down.
        roll: radians, positive when the subject leans clockwise.
        pitch_spread, roll_spread: how far off they are expected to be, radians.
        distance: from the camera to the origin.
        half_side_px: half the picture's side in pixels of the cutout.
        center_px: the picture's middle in pixels of the cutout (x, y).
        frame: the frame it is said in.
    """

    field: Floats
    depth: Floats
    normals: Floats
    spread: Floats
    pitch: float
    roll: float
    pitch_spread: float
    roll_spread: float
    distance: float
    half_side_px: float
    center_px: tuple[float, float]
    frame: FieldFrame

    def __post_init__(self) -> None:
        cells, side = self.frame.cells, self.frame.image_px
        shapes = {"field": (cells,) * 3, "depth": (side, side), "normals": (side, side, 3), "spread": (side, side)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise InferenceFailed(f"{MODEL}: {name} must be finite and of shape {shape}, not {array.shape}")


class ShapeNetwork:
    """Asks the network; safe to use from several threads if its model is."""

    def __init__(self, model: Model, frame: FieldFrame | None = None) -> None:
        self.model = model
        self._frame = frame or FieldFrame()

    def predict(self, cutout: Cutout, timeout_s: float | None = None) -> ShapePrediction:
        """What the network says of a cutout: the mean of what it says of the picture and of its mirror image.

        Raises:
            InferenceFailed, DeadlineExceeded, Unavailable: as ``Model.infer``.
        """
        rgba, center, half = square_picture(cutout, self._frame)
        both = np.stack([network_input(rgba), network_input(np.ascontiguousarray(rgba[:, ::-1]))])
        said = self.model.infer({INPUT: both}, outputs=list(OUTPUTS), timeout_s=timeout_s)
        field, surface, camera = (np.asarray(said[name], np.float32) for name in OUTPUTS)
        cells, side = self._frame.cells, self._frame.image_px
        if field.shape != (2, cells, cells, cells) or surface.shape != (2, 5, side, side) or camera.shape != (2, 6):
            raise InferenceFailed(f"{MODEL} answered shapes {field.shape}, {surface.shape}, {camera.shape}")
        sign = np.array([1.0, -1.0, 1.0, 1.0, 1.0], np.float32)[:, None, None]
        plain, mirror = surface[0], surface[1, :, :, ::-1] * sign
        mean = (plain + mirror) / 2.0
        length = np.linalg.norm(mean[1:4], axis=0)
        normals = np.where(
            length > 1e-6, mean[1:4] / np.maximum(length, 1e-6), np.array([0.0, 0.0, 1.0])[:, None, None]
        )
        pitch, roll, far, pitch_scale, roll_scale, _ = (camera[0] + camera[1] * [1, -1, 1, 1, 1, 1]) / 2.0
        return ShapePrediction(
            field=np.ascontiguousarray((field[0] + field[1, :, :, ::-1]) / 2.0),
            depth=mean[0],
            normals=np.ascontiguousarray(normals.transpose(1, 2, 0), np.float32),
            # Where picture and mirror image disagree, the network knows less than it says.
            spread=np.exp(np.clip(mean[4], -6.0, 2.0)) + np.abs(plain[0] - mirror[0]) / 2.0,
            pitch=float(np.clip(pitch, -np.pi / 2, np.pi / 2)),
            roll=float(np.clip(roll, -np.pi / 4, np.pi / 4)),
            pitch_spread=float(np.exp(np.clip(pitch_scale, -4.0, 2.0)) + abs(camera[0, 0] - camera[1, 0]) / 2.0),
            roll_spread=float(np.exp(np.clip(roll_scale, -4.0, 2.0)) + abs(camera[0, 1] + camera[1, 1]) / 2.0),
            distance=float(np.exp(np.clip(far, np.log(2.2), np.log(12.0)))),
            half_side_px=half,
            center_px=center,
            frame=self._frame,
        )


def square_picture(cutout: Cutout, frame: FieldFrame) -> tuple[NDArray[np.uint8], tuple[float, float], float]:
    """The picture that the network sees of a cutout.

    Returns:
        (s, s, 4) uint8 straight alpha, the subject's box in its middle; that middle (x, y) and half the picture's side
        in pixels of the cutout.
    """
    rows, columns = np.flatnonzero(cutout.mask.any(axis=1)), np.flatnonzero(cutout.mask.any(axis=0))
    top, bottom, left, right = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    center = ((left + right) / 2.0, (top + bottom) / 2.0)
    half = frame.margin * max(bottom - top, right - left) / 2.0
    side = frame.image_px
    # Shrunk in two steps, to a whole multiple and then by its mean: a single step would skip pixels.
    step = max(1, int(np.ceil(2.0 * half / side)))
    scale = side * step / (2.0 * half)
    move = np.array(
        [
            [scale, 0.0, side * step / 2 - center[0] * scale - 0.5 + 0.5 * scale],
            [0.0, scale, side * step / 2 - center[1] * scale - 0.5 + 0.5 * scale],
        ]
    )
    alpha = np.ascontiguousarray(cutout.alpha)
    premultiplied = np.dstack([cutout.rgb.astype(np.float32) * alpha[..., None], alpha * 255.0])
    fine = cv2.warpAffine(premultiplied, move, (side * step, side * step), flags=cv2.INTER_LINEAR)
    coarse = fine.reshape(side, step, side, step, 4).mean(axis=(1, 3))
    opacity = coarse[..., 3:] / 255.0
    color = np.where(opacity > 0.02, coarse[..., :3] / np.maximum(opacity, 0.02), 0.0)
    rgba = np.concatenate([color, coarse[..., 3:]], axis=2)
    return np.asarray(np.clip(np.round(rgba), 0, 255), np.uint8), center, float(half)


def network_input(rgba: NDArray[np.uint8]) -> Floats:
    """What the network is given for a picture.

    Args:
        rgba: (s, s, 4) uint8, sRGB, straight alpha, the subject in its middle.

    Returns:
        (6, s, s) float32: red, green, blue, alpha, distance to the silhouette's rim, height; all 0 outside the subject.
    """
    side = len(rgba)
    alpha = rgba[..., 3].astype(np.float32) / 255.0
    color = (rgba[..., :3].astype(np.float32) / 255.0 - 0.45) * (2.0 * alpha[..., None])
    rim = cv2.distanceTransform((rgba[..., 3] >= 128).astype(np.uint8), cv2.DIST_L2, 3) * (4.0 / side)
    height = np.linspace(1.0, -1.0, side, dtype=np.float32)[:, None] * alpha
    planes = [color[..., 0], color[..., 1], color[..., 2], alpha, rim, height]
    return np.ascontiguousarray(np.stack(planes), np.float32)
