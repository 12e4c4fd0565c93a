"""A finished model seen from any camera: its texture as it is, without light. Drawn with OpenGL, for measuring."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from quality.measure.glb import Doubles, FinishedModel, SourceView

FINER = 3
"""Drawn so many times as fine along each side, then averaged."""

_VERTEX = """
#version 330
uniform mat4x3 to_camera; uniform vec2 size; uniform vec2 center; uniform float focal; uniform vec2 range;
in vec3 position; in vec2 uv; out vec2 at;
void main() {
    vec3 p = to_camera * vec4(position, 1.0);
    float d = -p.z;
    float a = (range.y + range.x) / (range.y - range.x), b = -2.0 * range.x * range.y / (range.y - range.x);
    vec2 pixel = vec2(center.x * d + focal * p.x, center.y * d - focal * p.y);
    gl_Position = vec4(2.0 * pixel.x / size.x - d, d - 2.0 * pixel.y / size.y, a * d + b, d);
    at = uv;
}
"""

_FRAGMENT = """
#version 330
uniform sampler2D image; in vec2 at; out vec4 shown;
void main() { shown = vec4(texture(image, at).rgb, 1.0); }
"""


class Drawer:
    """Draws finished models. It belongs to the thread that made it."""

    def __init__(self) -> None:
        self._context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        self._program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._context.enable(moderngl.DEPTH_TEST)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.release()

    def draw(self, model: FinishedModel, view: SourceView, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The model from a camera.

        Args:
            model: a finished model.
            view: the camera, in pixels of the picture.
            size: width and height of the picture, pixels.

        Returns:
            (h, w, 4) uint8, sRGB, straight alpha; black where alpha is 0.
        """
        # Another context may have been used since.
        with self._context:
            fine = (size[0] * FINER, size[1] * FINER)
            packed = np.hstack([model.vertices[model.faces].reshape(-1, 3), model.uv[model.faces].reshape(-1, 2)])
            buffer = self._context.buffer(np.ascontiguousarray(packed, np.float32).tobytes())
            height, width = model.texture.shape[:2]
            texels = np.ascontiguousarray(model.texture[::-1])
            texture = self._context.texture((width, height), 3, texels.tobytes(), alignment=1)
            texture.build_mipmaps()
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            array = self._context.vertex_array(self._program, [(buffer, "3f 2f", "position", "uv")])
            color, depth = self._context.texture(fine, 4), self._context.depth_renderbuffer(fine)
            target = self._context.framebuffer([color], depth)
            _, distance = projected(model.vertices, view)
            self._set("to_camera", view.world_to_camera.T)
            self._set("size", np.array(size))
            self._set("center", np.array(view.center_px))
            self._set("focal", np.array(view.focal_px))
            self._set("range", np.array([distance.min() * 0.99, distance.max() * 1.01]))
            target.use()
            target.clear(0.0, 0.0, 0.0, 0.0)
            texture.use(0)
            array.render()
            drawn = np.frombuffer(target.read(components=4, alignment=1), np.uint8).reshape(fine[1], fine[0], 4)[::-1]
            for item in (array, buffer, texture, target, color, depth):
                item.release()
            covered = (drawn[..., 3:] > 0).astype(np.float32)
            mean = cv2.resize(
                np.concatenate([drawn[..., :3] * covered, covered], axis=2), size, interpolation=cv2.INTER_AREA
            )
            straight = mean[..., :3] / np.maximum(mean[..., 3:], 1e-6)
            return np.asarray(np.concatenate([straight, mean[..., 3:] * 255.0], axis=2) + 0.5, np.uint8)

    def _set(self, name: str, values: Doubles) -> None:
        """Write a uniform; numpy's rows are OpenGL's columns."""
        uniform = self._program[name]
        assert isinstance(uniform, moderngl.Uniform)
        uniform.write(np.ascontiguousarray(values, np.float32).tobytes())


def projected(vertices: Doubles, view: SourceView) -> tuple[Doubles, Doubles]:
    """(n, 2) pixels and (n,) distances along the camera's axis of (n, 3) points."""
    at = vertices @ view.world_to_camera[:, :3].T + view.world_to_camera[:, 3]
    depth = np.maximum(-at[:, 2], 1e-9)
    x = view.center_px[0] + view.focal_px * at[:, 0] / depth
    y = view.center_px[1] - view.focal_px * at[:, 1] / depth
    return np.stack([x, y], axis=1), depth


def from_behind(model: FinishedModel, size_px: int, fill: float = 0.9) -> SourceView:
    """The photo's camera half a turn about the model's vertical on, the model in the middle of a square picture."""
    return from_yaw(model, size_px, np.pi, fill)


def from_yaw(model: FinishedModel, size_px: int, yaw: float, fill: float = 0.9) -> SourceView:
    """The photo's camera so many radians about the model's vertical on, the model in the middle of a square picture."""
    view = model.source_view()
    middle = 0.5 * (model.vertices.min(axis=0) + model.vertices.max(axis=0))
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    matrix = view.world_to_camera.copy()
    matrix[:, :3] = view.world_to_camera[:, :3] @ turn
    matrix[:, 3] = view.world_to_camera[:, 3] + view.world_to_camera[:, :3] @ (middle - turn @ middle)
    pixels, _ = projected(model.vertices, SourceView(matrix, 1.0, (0.0, 0.0)))
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    focal = size_px * fill / float((high - low).max())
    center = size_px / 2 - 0.5 * (low + high) * focal
    return SourceView(matrix, focal, (float(center[0]), float(center[1])))
