"""Image-to-3D nets: a cutout framed as the net was trained, the mesh brought into our axes and closed, its view found.

What differs between nets is one ``NetSpec`` each; the nets themselves run behind ``inference.Model``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.adapters.patience import while_waiting
from lensora.core.errors import InferenceFailed, InvalidMesh
from lensora.core.frames import srgb_from_linear
from services.mesh.backends import RawMesh, Report
from services.mesh.cutout import Cutout
from services.mesh.registration import find_view, view_camera
from services.mesh.repair import closed_solid
from services.mesh.texturing.completion import VertexColors

Doubles = NDArray[np.float64]
Colors = NDArray[np.float32]

SEED = 0
"""The same cutout gives the same mesh."""


@dataclass(frozen=True)
class NetSpec:
    """What is particular to a net.

    Attributes:
        name: the word that settings name the backend by.
        model: its name in the model manifest.
        side_px: of the square picture that it takes.
        fill: share of the square's side that the subject's longer side takes.
        background: sRGB of what is not the subject, 0..1.
        to_house: (3, 3) from the net's axes to ours (+x right, +y up, +z towards the viewer).
        linear_colors: True when its colours are linear light.
        distance: of the camera in radii of the subject, where the mesh is seen as the photo was; None where it is not.
    """

    name: str
    model: str
    side_px: int
    fill: float
    background: float
    to_house: tuple[tuple[float, float, float], ...]
    linear_colors: bool
    distance: float | None


class PhotoNet:
    """``MeshBackend`` on any inference adapter that serves the image-to-3D tensors."""

    def __init__(self, spec: NetSpec, model: Model) -> None:
        self._spec = spec
        self._model = model

    @property
    def name(self) -> str:
        """See ``MeshBackend``."""
        return self._spec.name

    def reconstruct(self, cutout: Cutout, report: Report, timeout_s: float | None = None) -> RawMesh:
        """See ``MeshBackend``."""
        report("net", 0.02)
        picture = framed(cutout, self._spec)
        with while_waiting(lambda: report("net", 0.02)):
            answer = self._model.infer(
                {"image": picture, "seed": np.array([SEED], np.int64)},
                outputs=["vertices", "faces", "colors"],
                timeout_s=timeout_s,
            )
        report("repair", 0.25)
        vertices, faces, colors = self._checked(answer)
        vertices = vertices @ np.array(self._spec.to_house, np.float64).T
        try:
            solid = closed_solid(vertices, faces)
        except InvalidMesh as error:
            raise InferenceFailed(f"{self._model.name} made no usable surface: {error.message}") from error
        report("view", 0.3)
        if self._spec.distance is not None:
            camera = view_camera(solid, cutout, 0.0, 0.0, self._spec.distance)
        else:
            view = find_view(solid, vertices, colors, cutout)
            # The side that the photo shows goes to the front; the camera stays where it looks down from.
            back = np.hstack([_about_y(-view.yaw), np.zeros((3, 1))])
            solid, vertices, camera = solid.moved(back), vertices @ back[:, :3].T, view.camera.after(back)
        used = (self._model.describe(),)
        return RawMesh(solid, camera, None, VertexColors(vertices, colors), self._spec.name, used)

    def _checked(self, answer: dict[str, NDArray[np.generic]]) -> tuple[Doubles, NDArray[np.int64], Colors]:
        """Arrays of the right kind: a server's answer is input like any other."""
        vertices, faces, colors = answer["vertices"], answer["faces"], answer["colors"]
        name = self._model.name
        if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
            raise InferenceFailed(f"{name} made vertices of shape {vertices.shape} and faces of shape {faces.shape}")
        if not len(faces):
            raise InferenceFailed(f"{name} found no surface in the cutout")
        if colors.shape != vertices.shape:
            raise InferenceFailed(f"{name} made colours of shape {colors.shape} for vertices of shape {vertices.shape}")
        if int(faces.min()) < 0 or int(faces.max()) >= len(vertices):
            raise InferenceFailed(f"{name} made faces that name vertices {faces.min()} to {faces.max()}")
        if not (np.isfinite(vertices).all() and np.isfinite(colors).all()):
            raise InferenceFailed(f"{name} made numbers that are not finite")
        shades = np.clip(colors.astype(np.float32), 0.0, 1.0)
        if self._spec.linear_colors:
            shades = srgb_from_linear(shades)
        return vertices.astype(np.float64), faces.astype(np.int64), (shades * 255.0).astype(np.float32)


def framed(cutout: Cutout, spec: NetSpec) -> NDArray[np.uint8]:
    """The net's picture: (side, side, 3) uint8 sRGB, the subject in the middle, the net's background around it."""
    rows, columns = np.nonzero(cutout.mask)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    scale = spec.fill * spec.side_px / max(bottom - top, right - left)
    middle = 0.5 * (left + right), 0.5 * (top + bottom)
    alpha = cutout.alpha[..., None]
    shade = np.float32(255.0 * spec.background)
    laid = cutout.photo.astype(np.float32) * alpha + shade * (np.float32(1.0) - alpha)
    if scale < 1.0:
        # warpAffine does not average: the picture is reduced first, so that fine patterns do not sparkle.
        size = (max(1, round(laid.shape[1] * scale)), max(1, round(laid.shape[0] * scale)))
        factors = size[0] / laid.shape[1], size[1] / laid.shape[0]
        laid = cv2.resize(laid, size, interpolation=cv2.INTER_AREA)
        middle = middle[0] * factors[0], middle[1] * factors[1]
        scale = 1.0
    # Pixel centres lie at halves: the middle of the subject falls on the middle of the square.
    half = 0.5 * spec.side_px
    move = np.array(
        [
            [scale, 0.0, half - scale * middle[0] + 0.5 * (scale - 1.0)],
            [0.0, scale, half - scale * middle[1] + 0.5 * (scale - 1.0)],
        ]
    )
    square = cv2.warpAffine(
        laid,
        move,
        (spec.side_px, spec.side_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(float(shade),) * 3,
    )
    return np.asarray(np.clip(np.round(square), 0, 255), np.uint8)


def _about_y(angle: float) -> Doubles:
    """(3, 3) turn about +y, from +z towards +x."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
