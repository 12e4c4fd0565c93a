"""Draws the subject with pyrender: the reference that tests and the bench hold our renderer to.

It has the same mesh, camera and key light. Of the surroundings it knows one ambient colour, so that is what it gets,
and a directional light casts shadows on the subject. Colours are encoded by a power of 1/2.2, its own habit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from lensora.core.cameras import turn
from lensora.core.errors import RenderFailed
from services.render.model import Part
from services.render.shot import Layer, Shot, Window


class PyrenderRenderer:
    """A ``SubjectRenderer`` on pyrender's offscreen renderer, through EGL."""

    def __init__(self, shadows: bool = False) -> None:
        """
        Args:
            shadows: the key light casts shadows on the subject.

        Raises:
            RenderFailed: pyrender is not installed, or its OpenGL cannot be opened.
        """
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")  # PyOpenGL reads it when it is imported, once
        try:
            import pyrender  # noqa: PLC0415 (optional)
        except ImportError as exc:
            raise RenderFailed(f"LENSORA_RENDER_BACKEND=pyrender needs the package pyrender2: {exc}") from exc
        self._pyrender: Any = pyrender
        self._shadows = shadows
        self._renderer: Any = None
        self._size = 0

    @property
    def device(self) -> str:
        """The backend's name; pyrender does not tell the device's."""
        return f"pyrender {self._pyrender.__version__}"

    def close(self) -> None:
        """Delete the offscreen renderer."""
        if self._renderer is not None:
            self._renderer.delete()
            self._renderer = None

    def layers(self, shot: Shot, start: int) -> Iterator[Layer]:
        """See ``SubjectRenderer``."""
        try:
            yield from self._layers(shot, start)
        except RenderFailed:
            raise
        except Exception as exc:  # PyOpenGL raises many kinds
            raise RenderFailed(f"pyrender failed: {type(exc).__name__}: {exc}") from exc

    def _layers(self, shot: Shot, start: int) -> Iterator[Layer]:
        pyrender = self._pyrender
        if self._size != shot.size:
            self.close()
            self._renderer = pyrender.OffscreenRenderer(shot.size, shot.size)
            self._size = shot.size
        light = shot.illumination
        scene = pyrender.Scene(ambient_light=light.diffuse[0], bg_color=np.zeros(4))
        mesh = pyrender.Mesh([self._primitive(part, not shot.model.closed) for part in shot.model.parts])
        subject = scene.add(mesh)
        strength = float(light.key_radiance.max())
        if strength > 0.0:
            key = pyrender.DirectionalLight(color=light.key_radiance / strength, intensity=strength * np.pi)
            scene.add(key, pose=_looking_along(-light.key_direction.astype(np.float64)))
        lens = pyrender.PerspectiveCamera(yfov=shot.rig.hero.yfov, aspectRatio=1.0, znear=0.05, zfar=100.0)
        viewer = scene.add(lens)
        flags = pyrender.RenderFlags.RGBA
        if self._shadows:
            flags |= pyrender.RenderFlags.SHADOWS_DIRECTIONAL
        frame = Window(0, 0, shot.size, shot.size)
        for index in range(start, len(shot.poses)):
            placed = np.eye(4)
            placed[:3, :3] = turn(shot.poses[index].subject_yaw)
            scene.set_pose(subject, placed)
            scene.set_pose(viewer, np.linalg.inv(shot.camera(index).view()))
            color, _depth = self._renderer.render(scene, flags=flags)
            yield Layer(index, frame, np.ascontiguousarray(color, np.uint8))

    def _primitive(self, part: Part, two_sided: bool) -> Any:
        pyrender, material = self._pyrender, part.material
        texture = None
        if material.base_texture is not None and part.uvs is not None:
            image = material.base_texture
            texture = pyrender.Texture(source=image, source_channels="RGBA")
        # pyrender follows OpenGL: v runs upwards.
        uvs = (
            None
            if part.uvs is None
            else part.uvs * np.array([1.0, -1.0], np.float32) + np.array([0.0, 1.0], np.float32)
        )
        surface = pyrender.MetallicRoughnessMaterial(
            baseColorFactor=material.base_color,
            baseColorTexture=texture,
            metallicFactor=material.metallic,
            roughnessFactor=material.roughness,
            alphaMode=material.alpha_mode,
            doubleSided=two_sided or material.double_sided,
        )
        return pyrender.Primitive(
            positions=part.positions,
            normals=part.normals,
            texcoord_0=uvs,
            color_0=part.colors,
            indices=part.triangles,
            material=surface,
            mode=4,
        )


def _looking_along(direction: np.ndarray) -> np.ndarray:
    """(4, 4) pose whose -z axis is ``direction``."""
    back = -direction / np.linalg.norm(direction)
    aside = np.cross([0.0, 1.0, 0.0] if abs(back[1]) < 0.99 else [1.0, 0.0, 0.0], back)
    aside /= np.linalg.norm(aside)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = aside, np.cross(back, aside), back
    return pose
