"""The renderer: one OpenGL context, one draw call a view."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from quality.gl.lighting import Lighting
from quality.gl.mesh import TexturedMesh
from quality.gl.pose import PictureCamera, Pose, framed

Floats = NDArray[np.float32]

_VERTEX = """
#version 330
uniform mat4 clip; uniform mat4x3 to_view;
in vec3 position; in vec3 normal; in vec3 color; in vec2 uv;
out vec3 view_point; out vec3 view_normal; out vec3 base; out vec2 at;
void main() {
    gl_Position = clip * vec4(position, 1.0);
    view_point = to_view * vec4(position, 1.0);
    view_normal = mat3(to_view) * normal;
    base = color; at = uv;
}
"""

_FRAGMENT = """
#version 330
uniform sampler2D image; uniform mat3 lamps; uniform mat3 lamp_colors; uniform vec3 sky; uniform vec3 ground;
uniform vec3 up; uniform float gloss; uniform float sharpness; uniform float eye_z;
in vec3 view_point; in vec3 view_normal; in vec3 base; in vec2 at;
layout(location = 0) out vec4 shown; layout(location = 1) out vec4 geometry;
void main() {
    vec3 to_eye = normalize(vec3(0.0, 0.0, eye_z) - view_point);
    vec3 n = normalize(view_normal);
    if (dot(n, to_eye) < 0.0) n = -n;
    vec3 albedo = pow(base * texture(image, at).rgb, vec3(2.2));
    vec3 light = mix(ground, sky, dot(n, up) * 0.5 + 0.5);
    vec3 shine = vec3(0.0);
    for (int i = 0; i < 3; i++) {
        light += lamp_colors[i] * max(dot(n, lamps[i]), 0.0);
        shine += lamp_colors[i] * gloss * pow(max(dot(n, normalize(lamps[i] + to_eye)), 0.0), sharpness);
    }
    shown = vec4(pow(clamp(albedo * light + shine, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
    geometry = vec4(n, view_point.z);
}
"""


@dataclass(frozen=True)
class Picture:
    """What was drawn; shapes, units and frames are in the package's docstring."""

    rgba: NDArray[np.uint8]
    depth: Floats
    normals: Floats
    camera: PictureCamera


class UploadedMesh:
    """A mesh in the renderer's memory."""

    def __init__(
        self, mesh: TexturedMesh, array: moderngl.VertexArray, buffer: moderngl.Buffer, texture: moderngl.Texture
    ) -> None:
        self.mesh = mesh
        self.array = array
        self.texture = texture
        self.points = np.unique(mesh.vertices[np.unique(mesh.faces)], axis=0)
        self._buffer = buffer

    def release(self) -> None:
        """Give its memory back; it cannot be drawn after that."""
        for item in (self.array, self._buffer, self.texture):
            item.release()


class Renderer:
    """Draws square pictures of one size. It belongs to the thread that made it."""

    def __init__(self, size: int, samples: int = 2) -> None:
        """
        Args:
            size: side of a picture, pixels.
            samples: drawn this many times as fine along each side, then averaged.
        """
        self.size = size
        self._samples = samples
        self._context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        self._program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        side = (size * samples, size * samples)
        self._color = self._context.texture(side, 4)
        self._geometry = self._context.texture(side, 4, dtype="f4")
        self._target = self._context.framebuffer([self._color, self._geometry], self._context.depth_renderbuffer(side))
        self._context.enable(moderngl.DEPTH_TEST)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the context back."""
        self._context.release()

    def upload(self, mesh: TexturedMesh) -> UploadedMesh:
        """Bring a mesh into the renderer's memory."""
        corners = mesh.faces.reshape(-1)
        uv = np.zeros((len(corners), 2), np.float32) if mesh.uv is None else mesh.uv[corners]
        packed = np.hstack([mesh.vertices[corners], mesh.corner_normals().reshape(-1, 3), mesh.colors[corners], uv])
        buffer = self._context.buffer(np.ascontiguousarray(packed, np.float32).tobytes())
        pixels = np.full((1, 1, 3), 255, np.uint8) if mesh.texture is None else mesh.texture
        height, width = pixels.shape[:2]
        texture = self._context.texture((width, height), 3, np.ascontiguousarray(pixels[::-1]).tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        layout = [(buffer, "3f 3f 3f 2f", "position", "normal", "color", "uv")]
        return UploadedMesh(mesh, self._context.vertex_array(self._program, layout), buffer, texture)

    def draw(self, shown: UploadedMesh, pose: Pose, lighting: Lighting | None = None) -> Picture:
        """Draw a mesh from a pose, framed to its silhouette."""
        light = lighting or Lighting()
        camera = framed(shown.points, pose, self.size)
        self._set("clip", camera.clip_matrix(self.size).T)
        self._set("to_view", camera.world_to_view.T)
        self._set("lamps", np.array(light.directions))
        self._set("lamp_colors", np.array(light.colors))
        self._set("sky", np.array(light.sky))
        self._set("ground", np.array(light.ground))
        self._set("up", camera.world_to_view[:, 1])
        self._set("gloss", np.array(light.gloss))
        self._set("sharpness", np.array(light.sharpness))
        self._set("eye_z", np.array(camera.distance))
        shown.texture.use(0)
        self._target.use()
        self._target.clear(0.0, 0.0, 0.0, 0.0)
        shown.array.render()
        side = self.size * self._samples
        color = np.frombuffer(self._target.read(components=4, attachment=0, alignment=1), np.uint8)
        return self._averaged(color.reshape(side, side, 4)[::-1], self._geometry_read(), camera)

    def surface(self, shown: UploadedMesh, pose: Pose) -> tuple[Floats, PictureCamera]:
        """What faces a pose, not averaged: (s, s, 4) float32 normal and z in the view, zero normals where nothing is.

        The side s is ``size * samples`` pixels, and so are the camera's pixels.
        """
        side = self.size * self._samples
        camera = framed(shown.points, pose, side)
        self._set("clip", camera.clip_matrix(side).T)
        self._set("to_view", camera.world_to_view.T)
        self._set("eye_z", np.array(camera.distance))
        shown.texture.use(0)
        self._target.use()
        self._target.clear(0.0, 0.0, 0.0, 0.0)
        shown.array.render()
        return self._geometry_read(), camera

    def _geometry_read(self) -> Floats:
        side = self.size * self._samples
        data = self._target.read(components=4, attachment=1, alignment=1, dtype="f4")
        return np.frombuffer(data, np.float32).reshape(side, side, 4)[::-1]

    def _averaged(self, color: NDArray[np.uint8], geometry: Floats, camera: PictureCamera) -> Picture:
        """The fine picture brought to its size: means over what is covered of each pixel."""
        covered = (color[..., 3:] > 0).astype(np.float32)
        fine = np.concatenate([color[..., :3] * covered, covered, geometry * covered], axis=2)
        size = (self.size, self.size)
        coarse = np.concatenate(
            [
                cv2.resize(np.ascontiguousarray(fine[..., part]), size, interpolation=cv2.INTER_AREA)
                for part in (slice(0, 4), slice(4, 8))
            ],
            axis=2,
        )  # OpenCV's area averaging takes four channels at most
        alpha = coarse[..., 3:4]
        mean = coarse / np.maximum(alpha, 1e-6)
        length = np.linalg.norm(mean[..., 4:7], axis=2, keepdims=True)
        rgba = np.concatenate([mean[..., :3] * (alpha > 0), alpha * 255.0], axis=2)
        return Picture(
            rgba=np.asarray(np.clip(np.round(rgba), 0, 255), np.uint8),
            depth=np.asarray(mean[..., 7] * (alpha[..., 0] > 0), np.float32),
            normals=np.asarray(mean[..., 4:7] / np.maximum(length, 1e-6), np.float32),
            camera=camera,
        )

    def _set(self, name: str, values: NDArray[np.float64]) -> None:
        """Write a uniform; numpy's rows are OpenGL's columns."""
        uniform = self._program[name]
        assert isinstance(uniform, moderngl.Uniform)
        uniform.write(np.ascontiguousarray(values, np.float32).tobytes())
